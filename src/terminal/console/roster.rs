//! Who is calling, whom the person talks to, and what they have not read yet. Pure.
//!
//! Next door, `command` reads a typed line and the views show what is answered here. The invariant:
//! the current call changes by the person's command, or while nothing is being typed and there is
//! none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use memchr::memchr;

use super::command::{self, Command};
use super::{Kind, Order, Row};
use crate::terminal::sanitize;

/// Bytes of a line whose end has not come that are kept; a longer one is shown in parts.
const PARTIAL_LIMIT: usize = 16 * 1024;

/// What becomes of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is the desk's to do.
    Order(Order),
    /// These lines are to be shown.
    Show(Vec<String>),
    /// Help is to be shown: these lines, and what the view has to say of keys.
    Help(&'static [&'static str]),
}

/// A caller.
struct Caller {
    /// Printable.
    name: String,
    from: SocketAddr,
    since: Instant,
    /// Lines since the person last turned or spoke to this caller.
    unread: u64,
    /// The line whose end has not come.
    partial: Vec<u8>,
    /// The beginning of that line has been shown.
    continued: bool,
}

/// The calls of a console.
#[derive(Default)]
pub struct Roster {
    callers: BTreeMap<u32, Caller>,
    current: Option<u32>,
}

impl Roster {
    /// A caller has come. Without a current call it becomes that, if nothing is being typed
    /// (`idle`): what was meant for somebody who has left must not go to a stranger.
    pub fn begin(&mut self, call: u32, name: &[u8], from: SocketAddr, idle: bool, now: Instant) {
        let name = sanitize::label(name).into_owned();
        let caller =
            Caller { name, from, since: now, unread: 0, partial: Vec::new(), continued: false };
        self.callers.insert(call, caller);
        if idle && self.current.is_none() {
            self.current = Some(call);
        }
    }

    /// Takes in what a caller says, cut anywhere; returns the lines that are to be shown.
    pub fn hear(&mut self, call: u32, mut text: &[u8]) -> Vec<Row> {
        let mut rows = Vec::new();
        let is_current = self.current == Some(call);
        let Some(caller) = self.callers.get_mut(&call) else { return rows };
        while !text.is_empty() {
            let newline = memchr(b'\n', text);
            let end = newline.unwrap_or(text.len());
            caller.partial.extend_from_slice(&text[..end]);
            text = text.get(end + 1..).unwrap_or_default();
            if newline.is_some() {
                caller.unread += u64::from(!is_current);
                rows.push(caller.row(call, caller.partial.len()));
                caller.continued = false;
            } else if caller.partial.len() > PARTIAL_LIMIT {
                rows.push(caller.row(call, sanitize::complete(&caller.partial)));
                caller.continued = true;
            }
        }
        rows
    }

    /// A call is over; returns what there is of a last line. If it was the current call, there is
    /// none now.
    pub fn end(&mut self, call: u32) -> Option<Row> {
        let mut caller = self.callers.remove(&call)?;
        self.current = self.current.filter(|&current| current != call);
        (!caller.partial.is_empty()).then(|| caller.row(call, caller.partial.len()))
    }

    /// The rows of lines, each with its newline, that are said to a caller, who is thereby read.
    pub fn said(&mut self, call: u32, text: &[u8]) -> Vec<Row> {
        let Some(caller) = self.callers.get_mut(&call) else { return Vec::new() };
        caller.unread = 0;
        let head = caller.head(call, "");
        let row = |line: &[u8]| Row {
            kind: Kind::Said,
            head: format!("> {head} "),
            text: sanitize::line(line).into_owned(),
        };
        text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n').map(row).collect()
    }

    /// What is to be done about a typed line; it has no newline at its end.
    ///
    /// # Errors
    /// It cannot be done, and why.
    pub fn answer(&mut self, line: &[u8], now: Instant) -> Result<Answer, String> {
        match command::parse(line) {
            Command::Say(text) => {
                let current = self.current.ok_or_else(|| self.nobody())?;
                Ok(say(vec![current], text))
            }
            Command::SayTo(call, text) => Ok(say(vec![self.known(call)?], text)),
            Command::SayToAll(_) if self.callers.is_empty() => Err(self.nobody()),
            Command::SayToAll(text) => Ok(say(self.callers.keys().copied().collect(), text)),
            Command::Turn(call) => self.turn(call),
            Command::Who => Ok(Answer::Show(self.who(now))),
            Command::HangUp(call) => Ok(Answer::Order(Order::HangUp(self.known(call)?))),
            Command::Help => Ok(Answer::Help(&command::HELP)),
            Command::Quit => Ok(Answer::Order(Order::Quit)),
            Command::Wrong(why) => Err(why.into()),
        }
    }

    /// What stands before a line of a caller.
    pub fn head(&self, call: u32) -> String {
        self.callers.get(&call).map_or_else(|| format!("[{call}]"), |caller| caller.head(call, ""))
    }

    /// The current call, before the line being typed; empty without one.
    pub fn prompt(&self) -> String {
        let named = |call| self.callers.get(&call).map(|caller| format!("{call} {}", caller.name));
        self.current.and_then(named).unwrap_or_default()
    }

    /// How many calls there are, and who has said something that was not read.
    pub fn status(&self) -> String {
        let calls = match self.callers.len() {
            0 => "no calls".into(),
            1 => "1 call".into(),
            count => format!("{count} calls"),
        };
        let unread: Vec<String> = self
            .callers
            .iter()
            .filter(|(_, caller)| caller.unread > 0)
            .map(|(call, caller)| format!("{call} {} ({})", caller.name, caller.unread))
            .collect();
        let unread = if unread.is_empty() {
            String::new()
        } else {
            "; unread: ".to_owned() + &unread.join(", ")
        };
        format!("-- {calls}{unread} --")
    }

    /// The beginning of a line of the current call, without a character of which more is to come.
    pub fn partial(&self) -> Option<Row> {
        let call = self.current?;
        let caller = self.callers.get(&call).filter(|caller| !caller.partial.is_empty())?;
        let whole = sanitize::complete(&caller.partial);
        Some(caller.shown(call, &caller.partial[..whole]))
    }

    fn turn(&mut self, call: u32) -> Result<Answer, String> {
        let caller = self.callers.get_mut(&call).ok_or_else(|| no_call(call))?;
        self.current = Some(call);
        caller.unread = 0;
        Ok(Answer::Show(vec![format!("{} is the current call", caller.head(call, ""))]))
    }

    fn known(&self, call: u32) -> Result<u32, String> {
        if self.callers.contains_key(&call) { Ok(call) } else { Err(no_call(call)) }
    }

    /// Why a line cannot be said.
    fn nobody(&self) -> String {
        match self.callers.keys().next() {
            None => "nobody is here to hear it".into(),
            Some(call) => {
                format!("no call is current; /{call} turns to call {call}, /who lists them")
            }
        }
    }

    fn who(&self, now: Instant) -> Vec<String> {
        if self.callers.is_empty() {
            return vec!["no calls".into()];
        }
        let line = |(&call, caller): (&u32, &Caller)| {
            let age = age(now.saturating_duration_since(caller.since));
            let current = if self.current == Some(call) { ", current" } else { "" };
            let Caller { from, unread, .. } = caller;
            format!("{} from {from}, {age}, {unread} unread{current}", caller.head(call, ""))
        };
        self.callers.iter().map(line).collect()
    }
}

impl Caller {
    fn head(&self, call: u32, continued: &str) -> String {
        format!("[{call} {}{continued}]", self.name)
    }

    fn shown(&self, call: u32, bytes: &[u8]) -> Row {
        let continued = if self.continued { ", continued" } else { "" };
        Row {
            kind: Kind::Heard,
            head: self.head(call, continued) + " ",
            text: sanitize::line(bytes).into_owned(),
        }
    }

    /// Takes the first `length` bytes of the partial line out, to be shown.
    fn row(&mut self, call: u32, length: usize) -> Row {
        let bytes: Vec<u8> = self.partial.drain(..length).collect();
        self.shown(call, &bytes)
    }
}

fn say(calls: Vec<u32>, text: &[u8]) -> Answer {
    let mut text = text.to_owned();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Answer::Order(Order::Say { calls, text })
}

fn no_call(call: u32) -> String {
    format!("there is no call {call}; /who lists them")
}

fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests;

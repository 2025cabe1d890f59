//! The calls of a console: who is calling, who is the current call, and what was not read yet.
//!
//! Pure. Next door, `mod` prints what is said and what is answered here. The invariant: the first
//! call becomes the current one; after that, a call does only by the person's command.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Order;
use super::flow::Flow;
use crate::sys::clock::Clock;
use crate::terminal::assembler::{Assembler, Piece};
use crate::terminal::command::{self, Command};
use crate::terminal::sanitize;
use crate::terminal::surface::Who;

/// What is said about a call that lines now go to.
pub const IS_CURRENT: &str = "is the current call";

/// Callers with unread lines that the status names, those of the newest lines, and the characters
/// of each name.
const NAMED: usize = 3;
const NAME_LENGTH: usize = 16;
/// Calls that are over whose held lines are kept.
const GONE_LIMIT: usize = 16;

/// What becomes of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The desk does it.
    Order(Order),
    /// These notices are shown, each about a call or about none.
    Show(Vec<(Option<u32>, String)>),
    /// Help is shown.
    Help,
    /// What was held back of this call is shown; then, it is the current call.
    Turn(u32),
}

struct Caller {
    /// As it came.
    name: Vec<u8>,
    from: SocketAddr,
    since: Instant,
    /// Lines since the person last turned or spoke to this caller.
    unread: u64,
    /// Grows with each line of any caller: whose is the newest.
    heard: u64,
    line: Assembler,
    flow: Flow,
}

/// The calls of a console.
#[derive(Default)]
pub struct Roster {
    callers: BTreeMap<u32, Caller>,
    current: Option<u32>,
    /// Somebody has called before.
    called: bool,
    /// Lines of all callers so far.
    heard: u64,
    /// Callers who have left while lines of theirs were held back.
    gone: BTreeMap<u32, Caller>,
}

impl Roster {
    /// A caller has come. The first one of all becomes the current call, if nothing is being typed
    /// (`idle`); a later one never does: a line that is meant for somebody who has left must not go
    /// to a stranger. Returns whether it is the current call.
    pub fn begin(
        &mut self,
        call: u32,
        name: &[u8],
        from: SocketAddr,
        idle: bool,
        now: Instant,
    ) -> bool {
        let (name, line, flow) = (name.to_owned(), Assembler::default(), Flow::new(now));
        let (unread, heard) = (0, self.heard);
        self.callers.insert(call, Caller { name, from, since: now, unread, heard, line, flow });
        let first = !mem::replace(&mut self.called, true);
        if first && idle {
            self.current = Some(call);
        }
        self.current == Some(call)
    }

    /// Takes in what a caller says; returns a line that is to be shown.
    pub fn hear<'a>(
        &mut self,
        call: u32,
        text: &'a [u8],
        complete: bool,
        clock: Clock,
    ) -> Option<Piece<'a>> {
        let is_current = self.current == Some(call);
        let caller = self.callers.get_mut(&call)?;
        caller.unread += u64::from(complete && !is_current);
        self.heard += 1;
        caller.heard = self.heard;
        caller.line.push(text, complete, clock)
    }

    /// Holds a line back if this caller is muted, or floods and is `limited`.
    pub fn admit<'a>(
        &mut self,
        call: u32,
        piece: Piece<'a>,
        limited: bool,
        now: Instant,
    ) -> Option<Piece<'a>> {
        let flow = &mut self.callers.get_mut(&call)?.flow;
        if limited || flow.muted { flow.admit(piece, now) } else { Some(piece) }
    }

    /// When [`poll_count`](Self::poll_count) is to be asked.
    pub fn deadline(&self) -> Option<Instant> {
        self.callers.values().filter_map(|caller| caller.flow.deadline()).min()
    }

    /// The next call of which lines were held back, and what is to be said about that now.
    pub fn poll_count(&mut self, now: Instant) -> Option<(u32, String)> {
        self.callers.iter_mut().find_map(|(&call, caller)| {
            caller.flow.poll_count(now).map(|count| (call, more(call, count)))
        })
    }

    /// Takes what was held back of a call, and how many lines before that were not kept.
    pub fn held(&mut self, call: u32) -> (u64, VecDeque<Piece<'static>>) {
        let caller = self.callers.get_mut(&call).or(self.gone.get_mut(&call));
        caller.map_or((0, VecDeque::new()), |caller| caller.flow.take())
    }

    /// Nothing more comes of a caller's partial line; returns what there is of it.
    pub fn end_line(&mut self, call: u32) -> Option<Piece<'static>> {
        self.callers.get_mut(&call)?.line.finish()
    }

    /// A call is over. What was held back of it can still be turned to. If it was the current call,
    /// there is none now. Returns what is to be said about both.
    pub fn end(&mut self, call: u32) -> [Option<(Option<u32>, String)>; 2] {
        let Some(mut caller) = self.callers.remove(&call) else { return [None, None] };
        let count = caller.flow.count().map(|count| (Some(call), more(call, count)));
        if caller.flow.holds() {
            self.gone.insert(call, caller);
        }
        if self.gone.len() > GONE_LIMIT {
            self.gone.pop_first();
        }
        let was_current = self.current.take_if(|current| *current == call).is_some();
        let nobody = was_current && !self.callers.is_empty();
        [count, nobody.then(|| (None, self.nobody()))]
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.callers.len()
    }

    /// Something is said to a caller, whose lines are thereby read.
    pub fn said(&mut self, call: u32) {
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.unread = 0;
        }
    }

    /// Who an entry about this call names.
    pub fn who(&self, call: u32) -> Who<'_> {
        let caller = self.callers.get(&call).or(self.gone.get(&call));
        Who::Call(call, caller.map_or(b"", |caller| &caller.name))
    }

    /// What is to be done about a typed line; it has no newline at its end.
    ///
    /// # Errors
    /// Why it cannot be done.
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
            Command::Mute(call) => self.mute(call),
            Command::Who => Ok(Answer::Show(self.list(now))),
            Command::HangUp(call) => Ok(Answer::Order(Order::HangUp(self.known(call)?))),
            Command::Help => Ok(Answer::Help),
            Command::Quit => Ok(Answer::Order(Order::Quit)),
            Command::Wrong(why) => Err(why.into()),
        }
    }

    /// The current call, before the line being typed; empty without one. Printable.
    pub fn prompt(&self) -> Vec<u8> {
        let named =
            |call| Some(format!("{call} {}", sanitize::name(&self.callers.get(&call)?.name)));
        self.current.and_then(named).unwrap_or_default().into()
    }

    /// How many calls there are, and whose lines were not read. Printable.
    pub fn status(&self) -> Vec<u8> {
        let mut status = match self.callers.len() {
            0 => "-- no calls".into(),
            1 => "-- 1 call".into(),
            count => format!("-- {count} calls"),
        }
        .into_bytes();
        let unread = |(_, caller): &(_, &Caller)| caller.unread > 0;
        let mut unread: Vec<_> = self.callers.iter().filter(unread).collect();
        unread.sort_by_key(|(_, caller)| Reverse(caller.heard));
        let mut before = "; unread: ";
        for (call, caller) in unread.iter().take(NAMED) {
            let name = short(&caller.name);
            status.extend(format!("{before}{call} {name} ({})", caller.unread).as_bytes());
            before = ", ";
        }
        if unread.len() > NAMED {
            status.extend(format!(", +{} more", unread.len() - NAMED).as_bytes());
        }
        status.extend(b" --");
        status
    }

    /// The current call, and its partial line.
    pub fn partial(&self) -> Option<(u32, Piece<'_>)> {
        let call = self.current?;
        let caller = self.callers.get(&call).filter(|caller| !caller.flow.muted)?;
        Some((call, caller.line.partial()?))
    }

    fn turn(&mut self, call: u32) -> Result<Answer, String> {
        if !self.gone.contains_key(&call) {
            self.current = Some(self.known(call)?);
            self.said(call);
        }
        Ok(Answer::Turn(call))
    }

    /// What is said once what was held back of a call has been shown.
    pub fn turned(&self, call: u32) -> &'static str {
        if self.current == Some(call) { IS_CURRENT } else { "is over" }
    }

    fn mute(&mut self, call: u32) -> Result<Answer, String> {
        self.known(call)?;
        let caller = self.callers.get_mut(&call).expect("the call is known");
        caller.flow.muted ^= true;
        let words = if caller.flow.muted {
            format!("is muted; /mute {call} shows its lines again")
        } else {
            "is not muted any more".into()
        };
        Ok(Answer::Show(vec![(Some(call), words)]))
    }

    fn known(&self, call: u32) -> Result<u32, String> {
        let known = self.callers.contains_key(&call).then_some(call);
        known.ok_or_else(|| format!("there is no call {call}; /who lists them"))
    }

    /// Why a line cannot be said.
    fn nobody(&self) -> String {
        match self.callers.keys().next() {
            None => "no callers".into(),
            Some(call) => {
                format!("no call is current; /{call} turns to call {call}, /who lists them")
            }
        }
    }

    fn list(&self, now: Instant) -> Vec<(Option<u32>, String)> {
        if self.callers.is_empty() {
            return vec![(None, "no calls".into())];
        }
        let line = |(&call, caller): (&u32, &Caller)| {
            let age = age(now.saturating_duration_since(caller.since));
            let current = if self.current == Some(call) { ", current" } else { "" };
            let muted = if caller.flow.muted { ", muted" } else { "" };
            let Caller { from, unread, .. } = caller;
            (Some(call), format!("from {from}, {age}, {unread} unread{current}{muted}"))
        };
        self.callers.iter().map(line).collect()
    }
}

/// What is said about lines that were held back.
fn more(call: u32, count: u64) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("… {count} more {lines}; /{call} shows the last of them")
}

/// A name in the status, printable.
fn short(name: &[u8]) -> String {
    let name = sanitize::name(name);
    let cut = name.char_indices().nth(NAME_LENGTH);
    cut.map_or(name.clone().into_owned(), |(at, _)| name[..at].to_owned() + "…")
}

fn say(calls: Vec<u32>, text: &[u8]) -> Answer {
    let mut text = text.to_owned();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Answer::Order(Order::Say { calls, text })
}

fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

//! The calls of a console: who is calling, who is the current call, and what was not read yet.
//!
//! Pure. Next door, `mod` prints what is said and what is answered here. The invariant: the first
//! call becomes the current one; after that, a call does only by the person's command.

use std::collections::BTreeMap;
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Order;
use crate::sys::clock::Clock;
use crate::terminal::assembler::{Assembler, Piece};
use crate::terminal::command::{self, Command};
use crate::terminal::surface::Who;

/// What is said about a call that lines now go to.
pub const IS_CURRENT: &str = "is the current call";

/// What becomes of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The desk does it.
    Order(Order),
    /// These notices are shown, each about a call or about none.
    Show(Vec<(Option<u32>, String)>),
    /// Help is shown.
    Help,
}

struct Caller {
    /// As it came.
    name: Vec<u8>,
    from: SocketAddr,
    since: Instant,
    /// Lines since the person last turned or spoke to this caller.
    unread: u64,
    line: Assembler,
}

/// The calls of a console.
#[derive(Default)]
pub struct Roster {
    callers: BTreeMap<u32, Caller>,
    current: Option<u32>,
    /// Somebody has called before.
    called: bool,
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
        let (name, line) = (name.to_owned(), Assembler::default());
        self.callers.insert(call, Caller { name, from, since: now, unread: 0, line });
        let first = !mem::replace(&mut self.called, true);
        if first && idle {
            self.current = Some(call);
        }
        self.current == Some(call)
    }

    /// Takes in what a caller says; returns what is to be shown.
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
        caller.line.push(text, complete, clock)
    }

    /// Nothing more comes of a caller's partial line; returns what there is of it.
    pub fn end_line(&mut self, call: u32) -> Option<Piece<'static>> {
        self.callers.get_mut(&call)?.line.finish()
    }

    /// A call is over. If it was the current call, there is none now; returns what is to be said
    /// about that while there are others.
    pub fn end(&mut self, call: u32) -> Option<String> {
        self.callers.remove(&call);
        self.current.take_if(|current| *current == call)?;
        (!self.callers.is_empty()).then(|| self.nobody())
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
        Who::Call(call, self.callers.get(&call).map_or(b"", |caller| &caller.name))
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
            Command::Who => Ok(Answer::Show(self.list(now))),
            Command::HangUp(call) => Ok(Answer::Order(Order::HangUp(self.known(call)?))),
            Command::Help => Ok(Answer::Help),
            Command::Quit => Ok(Answer::Order(Order::Quit)),
            Command::Wrong(why) => Err(why.into()),
        }
    }

    /// The current call, before the line being typed; empty without one. Raw.
    pub fn prompt(&self) -> Vec<u8> {
        let named = |call| Some(named(call, &self.callers.get(&call)?.name));
        self.current.and_then(named).unwrap_or_default()
    }

    /// How many calls there are, and whose lines were not read. Raw.
    pub fn status(&self) -> Vec<u8> {
        let mut status = match self.callers.len() {
            0 => "-- no calls".into(),
            1 => "-- 1 call".into(),
            count => format!("-- {count} calls"),
        }
        .into_bytes();
        let mut before = "; unread: ";
        for (&call, caller) in self.callers.iter().filter(|(_, caller)| caller.unread > 0) {
            status.extend(before.as_bytes());
            status.extend(named(call, &caller.name));
            status.extend(format!(" ({})", caller.unread).as_bytes());
            before = ", ";
        }
        status.extend(b" --");
        status
    }

    /// The current call, and its partial line.
    pub fn partial(&self) -> Option<(u32, Piece<'_>)> {
        let call = self.current?;
        Some((call, self.callers.get(&call)?.line.partial()?))
    }

    fn turn(&mut self, call: u32) -> Result<Answer, String> {
        let call = self.known(call)?;
        self.current = Some(call);
        self.said(call);
        Ok(Answer::Show(vec![(Some(call), IS_CURRENT.into())]))
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
            let Caller { from, unread, .. } = caller;
            (Some(call), format!("from {from}, {age}, {unread} unread{current}"))
        };
        self.callers.iter().map(line).collect()
    }
}

/// A call by number and name, without brackets.
fn named(call: u32, name: &[u8]) -> Vec<u8> {
    [format!("{call} ").as_bytes(), name].concat()
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

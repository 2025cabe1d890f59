//! The other end: its name, what it is doing, and what it says.
//!
//! Next door, `mod` shows it. The invariant: foreign bytes leave here only through `sanitize`,
//! behind a head that is written here.

use crate::sys::clock::Clock;
use crate::terminal::sanitize;

/// Bytes of a partial line that are kept to be shown live; of a longer one, parts go to the
/// scrollback.
pub const PARTIAL_LIMIT: usize = 16 * 1024;

/// What the other end is doing, for the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has not answered yet.
    Ringing,
    Talking,
    /// What was said waits to be taken.
    NotReading,
    Left,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::NotReading => "not reading",
            Self::Left => "left",
        }
    }

    /// Why a line cannot be sent now.
    pub fn obstacle(self) -> &'static str {
        match self {
            Self::Ringing => "nobody has answered yet",
            Self::Talking | Self::NotReading => "too much waits to be sent",
            Self::Left => "nobody is there any more",
        }
    }
}

/// Something that was said, printable.
pub struct Said {
    /// When, and who: what stands before the text.
    pub head: String,
    pub text: String,
}

/// The other end's line before its end has come.
struct PartialLine {
    since: Clock,
    bytes: Vec<u8>,
    /// Its beginning is in the scrollback already.
    continued: bool,
}

/// The other end.
pub struct Peer {
    pub state: State,
    /// Printable; empty until it has answered.
    name: String,
    address: String,
    partial: Option<PartialLine>,
}

impl Peer {
    /// Somebody at a printable address, [`State::Ringing`].
    pub fn new(address: String) -> Self {
        Self { state: State::Ringing, name: String::new(), address, partial: None }
    }

    /// It has said its name.
    pub fn answered(&mut self, name: &[u8]) {
        self.name = sanitize::label(name).into_owned();
        self.state = State::Talking;
    }

    /// Whether it takes what is said.
    pub fn reads(&mut self, reads: bool) {
        self.state = match self.state {
            State::Talking if !reads => State::NotReading,
            State::NotReading if reads => State::Talking,
            state => state,
        };
    }

    /// Its name if it has said one, else its address.
    pub fn who(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }

    /// Who it is and what it is doing.
    pub fn status(&self) -> String {
        let Self { name, address, .. } = self;
        let who = if name.is_empty() { address.clone() } else { format!("{name} ({address})") };
        format!("-- {who} {} --", self.state.words())
    }

    /// Takes in a piece of a line; returns what is to go to the scrollback.
    pub fn hear(&mut self, text: &[u8], complete: bool, clock: Clock) -> Option<Said> {
        let new = || PartialLine { since: clock, bytes: Vec::new(), continued: false };
        let partial = self.partial.get_or_insert_with(new);
        partial.bytes.extend_from_slice(text);
        if complete {
            return self.end_line();
        }
        if partial.bytes.len() <= PARTIAL_LIMIT {
            return None;
        }
        let whole = sanitize::complete(&partial.bytes);
        let bytes = partial.bytes.split_off(whole);
        let part = self.end_line();
        self.partial = Some(PartialLine { since: clock, bytes, continued: true });
        part
    }

    /// No more comes of the partial line: what there is of it is to go to the scrollback.
    pub fn end_line(&mut self) -> Option<Said> {
        let partial = self.partial.take()?;
        Some(self.said(&partial, &partial.bytes))
    }

    /// The line of which more is to come, without a character of which more is to come.
    pub fn partial(&self) -> Option<Said> {
        let partial = self.partial.as_ref()?;
        let whole = sanitize::complete(&partial.bytes);
        Some(self.said(partial, &partial.bytes[..whole]))
    }

    fn said(&self, PartialLine { since, continued, .. }: &PartialLine, bytes: &[u8]) -> Said {
        let continued = if *continued { ", continued" } else { "" };
        Said {
            head: format!("{since} < {}{continued}: ", self.who()),
            text: sanitize::line(bytes).into_owned(),
        }
    }
}

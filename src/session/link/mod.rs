//! The link: one socket pair for each call, between the server and the process of that call.
//!
//! Frames of the protocol's codec (`protocol::frame`) travel on it, with the tags below: reports
//! and events up to the server, decisions and lines to say down. Here are the messages and the end
//! that the helper and then the handler hold; next door, `modes::server::link` is the server's end.
//! The invariant: a conversation never waits for the link. A server that is stopped or gone costs
//! reports, nothing else.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::buffer::Buffer;
use crate::protocol::frame::{self, HEADER, MAX_PAYLOAD};
use crate::protocol::name::Name;
use crate::session::observer::{Decision, Decisions, Observer};
use crate::session::outcome::Ended;
use crate::sys::{sockets, would_block};
use crate::terminal::output::Outputs;
use crate::terminal::{Event, Terminal, Typed, say_line};

/// The most bytes of text in a report; what is longer is cut.
const MAX_TEXT: usize = 512;
/// Bytes of decisions that are read at once.
const READ_SIZE: usize = 64;

/// Up: [`Report`].
const HELLO: u8 = b'H';
const DROPPED: u8 = b'D';
const NO_WINDOW: u8 = b'N';
const OPEN: u8 = b'O';
const ENDED: u8 = b'E';
/// Up, in the console: [`Event`].
const LEFT: u8 = b'B';
const READING: u8 = b'R';
const NOTICE: u8 = b'n';
/// Both ways, in the console: the tags of [`frame::put_text`].
const TEXT: u8 = b'T';
const PART: u8 = b't';
/// Down: [`Decision`].
const HANG_UP: u8 = b'X';

/// What happened to a call, told by its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It was checked in: a caller of this name.
    Hello(Name),
    /// It was dropped at check-in, and why.
    Dropped(String),
    /// Its window could not be opened, and why.
    NoWindow(String),
    /// The handler has said HELLO: the window is open.
    Open,
    /// The conversation is over.
    Ended(Ended),
}

/// A message to the server.
#[derive(Debug)]
pub enum Upward<'a> {
    Report(Report),
    /// Something to be shown in the console.
    Event(Event<'a>),
}

/// A message from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downward<'a> {
    Decision(Decision),
    /// Text that the operator says: the last piece of its line if `complete`.
    Say {
        text: &'a [u8],
        complete: bool,
    },
}

impl Report {
    /// Appends the report to what is on its way to the server.
    pub fn put(&self, out: &mut Buffer) {
        match self {
            Self::Hello(name) => frame::put(out, HELLO, name.as_bytes()),
            Self::Dropped(why) => frame::put(out, DROPPED, cut(why)),
            Self::NoWindow(why) => frame::put(out, NO_WINDOW, cut(why)),
            Self::Open => frame::put(out, OPEN, b""),
            Self::Ended(ended) => frame::put(out, ENDED, &ended.encode()),
        }
    }
}

impl<'a> Upward<'a> {
    /// What a frame means; `None` if nothing that this version knows.
    pub fn decode(tag: u8, payload: &'a [u8]) -> Option<Self> {
        let text = || String::from_utf8_lossy(&payload[..payload.len().min(MAX_TEXT)]).into_owned();
        Some(match tag {
            HELLO => Self::Report(Report::Hello(Name::from_wire(payload)?)),
            DROPPED => Self::Report(Report::Dropped(text())),
            NO_WINDOW => Self::Report(Report::NoWindow(text())),
            OPEN => Self::Report(Report::Open),
            ENDED => Self::Report(Report::Ended(Ended::decode(payload)?)),
            TEXT => Self::Event(Event::Text { text: payload, complete: true }),
            PART => Self::Event(Event::Text { text: payload, complete: false }),
            LEFT => Self::Event(Event::Left { reason: payload }),
            READING => Self::Event(Event::Reading(payload == [1])),
            NOTICE => Self::Event(Event::Notice(str::from_utf8(payload).ok()?)),
            _ => return None,
        })
    }
}

impl<'a> Downward<'a> {
    /// What a frame means; `None` if nothing that this version knows.
    pub fn decode(tag: u8, payload: &'a [u8]) -> Option<Self> {
        Some(match tag {
            HANG_UP => Self::Decision(Decision::HangUp),
            TEXT => Self::Say { text: payload, complete: true },
            PART => Self::Say { text: payload, complete: false },
            _ => return None,
        })
    }
}

/// Appends a decision to what is on its way to the process of the call.
pub fn put_decision(out: &mut Buffer, decision: Decision) {
    match decision {
        Decision::HangUp => frame::put(out, HANG_UP, b""),
    }
}

/// The first [`MAX_TEXT`] bytes of a text, and no part of a character.
fn cut(text: &str) -> &[u8] {
    let end = (0..=text.len().min(MAX_TEXT)).rfind(|&at| text.is_char_boundary(at));
    &text.as_bytes()[..end.unwrap_or(0)]
}

/// Splits the bytes of a link into frames, wherever they were cut.
#[derive(Debug, Default)]
pub struct Frames {
    /// The beginning of a frame that is not whole yet, at most one.
    rest: Buffer,
}

/// A frame is longer than any that is sent: what follows cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Frames {
    /// Passes on the tag and payload of every frame that is whole with the `new` bytes.
    ///
    /// # Errors
    /// A frame is too long.
    pub fn feed(&mut self, new: &[u8], mut pass: impl FnMut(u8, &[u8])) -> Result<(), TooLong> {
        let mut joined = mem::take(&mut self.rest);
        let mut bytes = new;
        if !joined.is_empty() {
            joined.push(new);
            bytes = joined.bytes();
        }
        while let Some((tag, payload, used)) = frame::raw(bytes) {
            if payload.len() > MAX_PAYLOAD {
                return Err(TooLong);
            }
            pass(tag, payload);
            bytes = &bytes[used..];
        }
        if bytes.len() > HEADER + MAX_PAYLOAD {
            return Err(TooLong);
        }
        self.rest.push(bytes);
        Ok(())
    }
}

/// Tells the server what happens to a call. Reports are few and short: all of one call fit into an
/// empty socket buffer, so that none is lost while the server is busy or stopped.
#[derive(Debug)]
pub struct Reporter {
    /// `None` where nobody wants to know, or the server has ended.
    link: Option<OwnedFd>,
}

impl Reporter {
    pub fn new(link: Option<OwnedFd>) -> Self {
        Self { link }
    }

    /// Sends a report, without waiting. A report that is not taken whole would leave half a frame
    /// behind, so it is the last one.
    pub fn send(&mut self, report: &Report) {
        let Some(link) = &self.link else { return };
        let mut out = Buffer::default();
        report.put(&mut out);
        let sent = sockets::send(link.as_fd(), out.bytes());
        if !sent.is_ok_and(|count| count == out.len()) {
            self.link = None;
        }
    }
}

impl Observer for Reporter {
    fn on_answered(&mut self, _name: &Name) {
        self.send(&Report::Open);
    }

    fn on_ended(&mut self, ended: &Ended) {
        self.send(&Report::Ended(ended.clone()));
    }
}

/// What the server decides about a call in a window.
#[derive(Debug)]
pub struct Downlink {
    link: OwnedFd,
    received: Buffer,
}

impl Downlink {
    pub fn new(link: OwnedFd) -> Self {
        Self { link, received: Buffer::default() }
    }

    /// The decision in the next frame that is whole; what else there is, is skipped.
    fn decision(&mut self) -> Option<Decision> {
        while let Some((tag, payload, used)) = frame::raw(self.received.bytes()) {
            let decision = match Downward::decode(tag, payload) {
                Some(Downward::Decision(decision)) => Some(decision),
                // A window has its own keyboard.
                Some(Downward::Say { .. }) | None => None,
            };
            self.received.take(used);
            if decision.is_some() {
                return decision;
            }
        }
        None
    }
}

impl Decisions for Downlink {
    fn poll_decision(&mut self) -> io::Result<Option<Decision>> {
        loop {
            if let Some(decision) = self.decision() {
                return Ok(Some(decision));
            }
            if self.received.len() > HEADER + MAX_PAYLOAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match sockets::receive(self.link.as_fd(), self.received.space(READ_SIZE)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.received.filled(count),
                Err(error) if would_block(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Downlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// The keyboard and screen of a handler in the console: the server's terminal at the other side of
/// the link, which is standard input and output of this process.
pub struct LinkTerminal {
    outputs: Outputs,
    frames: Frames,
    /// The frames that are being put together.
    scratch: Buffer,
}

impl LinkTerminal {
    /// # Errors
    /// Standard output or error cannot be used.
    pub fn open() -> io::Result<Self> {
        let outputs = Outputs::standard()?;
        Ok(Self { outputs, frames: Frames::default(), scratch: Buffer::default() })
    }

    /// Reports to the server, after everything that was shown.
    pub fn report(&mut self, report: &Report) {
        report.put(&mut self.scratch);
        self.push();
    }

    fn push(&mut self) {
        self.outputs.screen.push(self.scratch.bytes());
        self.scratch.clear();
    }
}

/// Appends an event to what is on its way to the server.
fn put_event(out: &mut Buffer, event: Event<'_>) {
    match event {
        // The window of a call in the console is open when its caller is answered.
        Event::Answered { .. } => Report::Open.put(out),
        Event::Text { text, complete } => _ = frame::put_text(out, text, complete),
        Event::Left { reason } => frame::put(out, LEFT, reason),
        Event::Reading(reads) => frame::put(out, READING, &[reads.into()]),
        Event::Notice(text) => frame::put(out, NOTICE, cut(text)),
        // Told by Report::Ended.
        Event::Ended { .. } => {}
    }
}

impl Terminal for LinkTerminal {
    fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        let fed = self.frames.feed(bytes, |tag, payload| match Downward::decode(tag, payload) {
            Some(Downward::Say { text, complete: true }) => say_line(text, pass),
            Some(Downward::Say { text, complete: false }) => pass(Typed::Text(text)),
            Some(Downward::Decision(Decision::HangUp)) => pass(Typed::Leave),
            None => {}
        });
        if fed.is_err() {
            pass(Typed::Leave);
        }
    }

    fn show(&mut self, event: Event<'_>) {
        put_event(&mut self.scratch, event);
        self.push();
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }
}

#[cfg(test)]
mod tests;

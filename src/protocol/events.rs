//! What goes into a conversation and what comes out of it, but for bytes.
//!
//! Plain values that `conversation` decides on and the engine acts upon. The invariant: a fault of
//! the other end is told apart from everything that happens here or on the way.

use std::fmt;
use std::time::Duration;

use super::frame::FrameError;
use super::name::Name;

/// Which end of the call this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Caller,
    Handler,
}

/// Who types here: decides what becomes of input when the other end has said goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A person: nobody is left to read, so nothing more is said.
    Person,
    /// A file or a program: what it still holds is sent first.
    Stream,
    /// The same, and when it has come to its end, the other end has the last word.
    WaitForPeer,
}

/// Why this end says goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye<'a> {
    /// Nothing more to say; the other end may take its time to finish.
    InputEnded,
    /// Interests to go now, and says why (empty: for no reason given).
    Leaving(&'a str),
}

/// What the engine does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// The other end said HELLO: the conversation is open.
    Answered(&'a Name),
    /// Show a piece of foreign text; `complete` when its line ends here.
    Show { text: &'a [u8], complete: bool },
    /// The other end said goodbye, and why.
    Left(&'a [u8]),
    /// Everything has been sent: shut the sending direction.
    Shutdown,
    /// The conversation is over.
    End(End),
}

/// Why a connection is lost that has ended in order.
pub const CLOSED: &str = "the other end closed it without a goodbye";

/// How a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Goodbyes were exchanged and everything was shown.
    Done,
    /// The other end said goodbye, with this reason, instead of HELLO.
    Refused(Box<[u8]>),
    /// This end left before anybody answered.
    GaveUp,
    /// No HELLO came within this time.
    NoHello(Duration),
    /// The other end broke the protocol.
    Broken(Fault),
    /// The connection ended without a goodbye.
    Lost(String),
    /// Our goodbye was not answered in time.
    NotConfirmed,
    /// It was not to take longer than this.
    OutOfTime(Duration),
}

/// A rule that the other end broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Frame(FrameError),
    TextBeforeHello,
    SecondHello,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::TextBeforeHello => f.write_str("text before HELLO"),
            Self::SecondHello => f.write_str("a second HELLO"),
        }
    }
}

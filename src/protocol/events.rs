//! What goes into a conversation and what comes out of it, apart from bytes.
//!
//! Plain values that `conversation` decides on and the engine acts upon. The invariant: a rule that
//! the peer broke is told apart from everything that happens here or on the way.

use std::fmt;
use std::time::Duration;

use super::frame::FrameError;
use super::name::Name;

/// Which side of the call this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Caller,
    Handler,
}

/// Who types here. It decides what happens to input after the peer's BYE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A person: nobody is left to read, so nothing more is sent.
    Person,
    /// A file or a program: the rest of it is sent first.
    Stream,
    /// A stream that waits for the peer: at its end it says no BYE until the peer has said one.
    WaitForPeer,
}

/// Why this side says goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye<'a> {
    /// The input ended; the peer may take its time to finish.
    InputEnded,
    /// Somebody wants to go now. The reason may be empty.
    Leaving(&'a str),
}

/// What the engine does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// The peer said HELLO: the conversation is open.
    Answered(&'a Name),
    /// Show a piece of untrusted text; `complete` when its line ends here.
    Show { text: &'a [u8], complete: bool },
    /// The peer said BYE, with this reason.
    Left(&'a [u8]),
    /// Everything has been sent: shut the sending direction.
    Shutdown,
    /// The conversation is over.
    End(End),
}

/// Why a connection is lost that failed with no error.
pub const CLOSED: &str = "connection closed without BYE";

/// How a conversation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Goodbyes were exchanged and everything was shown.
    Done,
    /// The peer said BYE, with this reason, instead of HELLO.
    Refused(Box<[u8]>),
    /// This side left before the peer's HELLO.
    GaveUp,
    /// No HELLO came within this time.
    NoHello(Duration),
    /// The peer broke the protocol.
    Broken(Fault),
    /// The connection ended without a BYE, and why.
    Lost(String),
    /// Our BYE was not answered in time.
    NotConfirmed,
    /// The conversation took longer than this, which was its limit.
    OutOfTime(Duration),
}

impl End {
    /// Whether an open conversation ended without goodbyes, and nobody here wanted it to.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Broken(_) | Self::NotConfirmed)
    }
}

/// A rule that the peer broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Frame(FrameError),
    TextBeforeHello,
    SecondHello,
    /// An ACK counts more frames than were said.
    AckOfTooMany,
    /// An ACK counts fewer frames than the one before.
    AckGoesBack,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::TextBeforeHello => f.write_str("text before HELLO"),
            Self::SecondHello => f.write_str("a second HELLO"),
            Self::AckOfTooMany => f.write_str("ACK counts more than was sent"),
            Self::AckGoesBack => f.write_str("ACK goes back"),
        }
    }
}

//! Who watches a conversation, and who decides about it from outside.
//!
//! The engine calls an [`Observer`] at each step of a conversation: a report to the server is one.
//! [`Decisions`] is the other way round: what the server decides about the call. The invariant: a
//! conversation never waits for either of them.

use std::io;
use std::os::fd::AsFd;

use crate::protocol::name::Name;
use crate::session::outcome::Ended;

/// Is told of each step of a conversation. No method may block or fail.
pub trait Observer {
    /// Text was said here: a line without its newline if `complete`, else a piece of one.
    fn on_said(&mut self, _text: &[u8], _complete: bool) {}

    /// The peer said text: the last piece of its line if `complete`.
    fn on_heard(&mut self, _text: &[u8], _complete: bool) {}

    /// The peer said HELLO.
    fn on_answered(&mut self, _name: &Name) {}

    /// The peer said BYE.
    fn on_left(&mut self, _reason: &[u8]) {}

    /// The conversation is over, and its last text has been written or given up.
    fn on_ended(&mut self, _ended: &Ended) {}
}

/// Nobody watches.
impl Observer for () {}

/// What the server has decided about this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Say goodbye and end.
    HangUp,
}

/// The server's decisions, as they arrive on a descriptor that select(2) can wait for.
pub trait Decisions: AsFd {
    /// The next decision that has arrived, or `None` when there is none yet. Never blocks.
    ///
    /// # Errors
    /// The server has ended or cannot be understood: there will be no more decisions.
    fn poll_decision(&mut self) -> io::Result<Option<Decision>>;
}

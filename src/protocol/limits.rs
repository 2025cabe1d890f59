//! How long and how much: the limits of a conversation (docs/PROTOCOL.md, "Limits").
//!
//! Next door, `frame` and `name` hold the limits that belong to the format. [`Limits`] is the part
//! that a conversation is given as a value, so that tests can shorten it. The invariant: the
//! published numbers are the constants here, and [`Limits::default`] is made of them.

use std::time::Duration;

/// How long a caller waits for the handler's HELLO.
pub const RING_LIMIT: Duration = Duration::from_secs(60);
/// How long a desk waits for the caller's HELLO.
pub const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// How long a BYE waits for its answer while nothing moves.
pub const GOODBYE_LIMIT: Duration = Duration::from_secs(10);
/// How long the other side gets to read a BYE that drops it before the socket is closed.
pub const LINGER_LIMIT: Duration = Duration::from_secs(2);
/// How long the peer may wait to be told that something was shown.
pub const ACK_LIMIT: Duration = Duration::from_secs(1);
/// How long a stream's input may be silent before its trailing data counts as complete.
pub const TRAILING_LIMIT: Duration = Duration::from_secs(1);
/// Bytes that may wait to be sent before no more input is read.
pub const OUTGOING_LIMIT: usize = 256 * 1024;

/// The limits that one conversation keeps.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// [`RING_LIMIT`]
    pub ring: Duration,
    /// [`HELLO_LIMIT`]
    pub hello: Duration,
    /// [`GOODBYE_LIMIT`]
    pub goodbye: Duration,
    /// [`LINGER_LIMIT`]
    pub linger: Duration,
    /// [`ACK_LIMIT`]
    pub ack: Duration,
    /// [`TRAILING_LIMIT`]
    pub trailing: Duration,
    /// [`OUTGOING_LIMIT`]
    pub outgoing: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring: RING_LIMIT,
            hello: HELLO_LIMIT,
            goodbye: GOODBYE_LIMIT,
            linger: LINGER_LIMIT,
            ack: ACK_LIMIT,
            trailing: TRAILING_LIMIT,
            outgoing: OUTGOING_LIMIT,
        }
    }
}

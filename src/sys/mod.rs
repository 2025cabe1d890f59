//! What touches the operating system, and the only home of `unsafe`.
//!
//! Everything above speaks in `OwnedFd`, `Instant` and plain values. The invariant: each `unsafe`
//! block carries the argument why it is sound, and no function here knows what a conversation is.

pub mod clock;
pub mod epoll;
pub mod fd;
pub mod fd_passing;
pub mod keyboard;
pub mod privilege;
pub mod process;
pub mod ready;
pub mod sandbox;
pub mod signals;
pub mod sink;
pub mod sockets;
pub mod tty;

use std::io;

/// Whether an error only means that there is nothing to do at the moment.
pub fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

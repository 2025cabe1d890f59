//! What touches the operating system, and the only home of `unsafe`.
//!
//! Everything above speaks in `OwnedFd`, `Instant` and plain values. The invariant: each `unsafe` block carries the
//! argument why it is sound, and no function here knows what a conversation is.

pub mod clock;
pub mod confine;
pub mod gathering;
pub mod handoff;
pub mod keyboard;
pub mod mailbox;
pub mod privilege;
pub mod process;
pub mod ready;
pub mod signals;
pub mod sink;
pub mod sockets;
pub mod tty;

/// Whether an error only means that there is nothing to do at the moment.
pub fn is_momentary(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What the system says of an error, without its number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

//! What touches the operating system, and the only home of `unsafe`.
//!
//! Everything above speaks in `OwnedFd`, `Instant` and plain values. The invariant: each `unsafe` block carries the
//! argument why it is sound, and no function here knows what a conversation is.

pub mod clock;
pub mod epoll;
pub mod fd_passing;
pub mod keyboard;
pub mod mailbox;
pub mod privilege;
pub mod process;
pub mod ready;
pub mod sandbox;
pub mod signals;
pub mod sink;
pub mod sockets;
pub mod tty;

use std::fmt::Display;
use std::io;

use nix::errno::Errno;
use nix::libc;

/// Whether an error only means that there is nothing to do at the moment.
pub fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// What an error says; where it comes from the system, in lower case, without its number, and with what can be done.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let Some((reason, _)) = text.split_once(" (os error") else { return text };
    let advice = match error.raw_os_error() {
        Some(libc::EMFILE) => "; allow more with ulimit -n",
        _ => "",
    };
    reason.to_lowercase() + advice
}

/// Makes an error out of what failed, why, and what to do about it.
pub fn failed(what: impl Display, advice: &str) -> impl FnOnce(io::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{what}: {}; {advice}", reason(&error))
}

/// What an error and its causes say, the outermost first.
pub fn reasons(error: &anyhow::Error) -> String {
    let say = |cause: &(dyn std::error::Error + 'static)| {
        let errno = cause.downcast_ref::<Errno>().map(|&errno| reason(&errno.into()));
        errno.or_else(|| cause.downcast_ref().map(reason)).unwrap_or_else(|| cause.to_string())
    };
    error.chain().map(say).collect::<Vec<_>>().join(": ")
}

//! The wording of errors: what the system says, in lower case, and what can be done about it.
//!
//! Next door, `main` prints an error; every error names what failed, why, and the next step.

use std::fmt::Display;
use std::io;

use nix::errno::Errno;
use nix::libc;

/// What an error says; where it comes from the system, in lower case, without its number, and with
/// what can be done.
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

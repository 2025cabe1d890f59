//! The wording of errors: what the system says, in lower case, and what to do about it.
//!
//! Next door, `main` prints them. The invariant: an error names what failed, why, and the next
//! step; the number of a system error never reaches the screen.

use std::error::Error;
use std::fmt::Display;
use std::io;

use nix::errno::Errno;
use nix::libc;

/// What an error says. One of the system is put in lower case, without its number, and with advice
/// if there is any.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let Some((reason, _)) = text.split_once(" (os error") else { return text };
    let advice = match error.raw_os_error() {
        Some(libc::EMFILE) => "; allow more with ulimit -n",
        _ => "",
    };
    reason.to_lowercase() + advice
}

/// Makes an error of what failed, why, and what to do about it.
pub fn failed(what: impl Display, advice: &str) -> impl FnOnce(io::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{what}: {}; {advice}", reason(&error))
}

/// What an error and its causes say, the outermost first.
pub fn reasons(error: &anyhow::Error) -> String {
    let say = |cause: &(dyn Error + 'static)| {
        let errno = cause.downcast_ref::<Errno>().map(|&errno| reason(&errno.into()));
        errno.or_else(|| cause.downcast_ref().map(reason)).unwrap_or_else(|| cause.to_string())
    };
    error.chain().map(say).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn system_errors_are_said_in_lower_case_and_without_their_number() {
        let error = io::Error::from_raw_os_error(libc::ENOENT);
        assert_eq!(reason(&error), "no such file or directory");
        let error = io::Error::from_raw_os_error(libc::EMFILE);
        assert_eq!(reason(&error), "too many open files; allow more with ulimit -n");
    }

    #[test]
    fn other_errors_are_said_as_they_are() {
        assert_eq!(reason(&io::Error::other("TERM is not set")), "TERM is not set");
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let failed = failed("cannot read x", "check the path");
        let error = failed(io::Error::from_raw_os_error(libc::EISDIR));
        assert_eq!(error.to_string(), "cannot read x: is a directory; check the path");
    }

    #[test]
    fn causes_follow_what_they_caused_whatever_their_type() {
        let errno = anyhow::Error::from(Errno::ENOMEM).context("cannot fork");
        assert_eq!(reasons(&errno), "cannot fork: cannot allocate memory");
        let system = Err::<(), _>(io::Error::from_raw_os_error(libc::EACCES));
        let error = system.context("cannot open x").context("no desk").unwrap_err();
        assert_eq!(reasons(&error), "no desk: cannot open x: permission denied");
        assert_eq!(reasons(&anyhow::anyhow!("Alice is away")), "Alice is away");
    }
}

//! What the modes share to read a command line: arguments, ports, names, and usage errors.
//!
//! The table of modes is in `mod.rs`; how a caller names a desk is in `dial`. The invariant: a
//! wrong argument is a [`Usage`] that says what was expected, and exits with status 2.

use std::env::VarError;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use argh::TopLevelCommand;

use crate::protocol::name::Name;
use crate::sys::process;

/// The default port of a desk: TALK on the keys of a telephone.
pub const PORT: u16 = 8255;
/// The environment variable that names this side unless `--name` does.
pub const NAME_VARIABLE: &str = "TALK_NAME";
/// The environment variable that names the desk unless an argument does.
pub const DESK_VARIABLE: &str = "TALK_DESK";
/// The longest limit that can be set, in seconds (31 years): a deadline that far ahead can still
/// be represented by every clock.
const LONGEST: u32 = 1_000_000_000;

/// The command line was wrong, or only asked for help.
#[derive(Debug)]
pub struct Usage {
    pub text: String,
    pub asked_for: bool,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl std::error::Error for Usage {}

impl Usage {
    pub fn wrong(text: impl Into<String>) -> Self {
        Self { text: text.into(), asked_for: false }
    }
}

/// Reads the arguments of a mode; `--option=value` is the same as `--option value`.
pub fn parse<T: TopLevelCommand>(command: &[&str], arguments: &[&str]) -> Result<T, Usage> {
    let mut words = Vec::new();
    let mut options = true;
    for &argument in arguments {
        options &= argument != "--";
        match argument.split_once('=') {
            Some((option, value)) if options && option.starts_with("--") => {
                words.extend([option, value])
            }
            _ => words.push(argument),
        }
    }
    T::from_args(command, &words).map_err(|exit| {
        let asked_for = exit.status.is_ok();
        let text = if asked_for { exit.output } else { complaint(&exit.output, command) };
        Usage { text, asked_for }
    })
}

/// Turns argh's message, which has several lines, into one line that ends with where to read on.
fn complaint(output: &str, command: &[&str]) -> String {
    let text = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches("Error parsing ").trim_end_matches('.');
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}; see {} --help", first.to_lowercase(), command.join(" "))
}

/// Parses a port to listen on; 0 lets the system choose.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "must be a port number from 0 to 65535".into())
}

/// Parses a port to call.
pub fn desk_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("must be a port number from 1 to 65535".into()),
    }
}

/// Parses an address to listen on.
pub fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "must be an IP address of this machine, such as 127.0.0.1".into())
}

/// Parses a limit on a number of calls.
pub fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("must be a whole number from 1 up".into()),
    }
}

/// Parses a number of seconds, fractions allowed.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= f64::from(LONGEST));
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wrong = || format!("must be a positive number of seconds, at most {LONGEST}");
    limit.filter(|limit| !limit.is_zero()).ok_or_else(wrong)
}

/// The name of this side: as chosen, else from the environment, else the login name.
pub fn own_name(chosen: Option<Name>) -> Result<Name> {
    if let Some(name) = chosen {
        return Ok(name);
    }
    if let Some(name) = variable(NAME_VARIABLE, str::parse)? {
        return Ok(name);
    }
    let login = process::login_name().and_then(|name| name.parse().ok());
    let wrong = "this user has no printable login name; set";
    login.ok_or_else(|| Usage::wrong(format!("{wrong} {NAME_VARIABLE}")).into())
}

/// The value of an environment variable, if it is set and not empty.
///
/// # Errors
/// It is not UTF-8, or `parse` does not accept it.
pub fn variable<T, E: fmt::Display>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Usage> {
    let wrong = |what: String| Usage::wrong(format!("{name}{what}; change or unset it"));
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => parse(&value).map(Some).map_err(|error| wrong(format!(": {error}"))),
        Err(VarError::NotUnicode(_)) => Err(wrong(" is not UTF-8".into())),
        Err(VarError::NotPresent) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_positive_and_a_deadline_can_be_made_of_it() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("1e9"), Ok(Duration::from_secs(1_000_000_000)));
        for wrong in ["0", "-1", "1e19", "1e300", "inf", "nan", "1e-30", "soon", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_count_is_positive() {
        assert_eq!(count("64"), Ok(64));
        for wrong in ["0", "-1", "1.5", "many", ""] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}

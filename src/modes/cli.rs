//! What the modes share to read a command line: arguments, ports, names, and usage errors.
//!
//! The invariant: whatever is wrong with an argument is a [`Usage`], which ends the program with 2.

use std::env::VarError;
use std::fmt;

use anyhow::{Result, bail};
use argh::TopLevelCommand;

use crate::protocol::name::Name;
use crate::sys::process;

/// The port of a desk: TALK on the keys of a telephone.
pub const PORT: u16 = 8255;
/// The variable with this end's name, in place of `--name`.
pub const NAME_VARIABLE: &str = "TALK_NAME";

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

/// What is wrong with the arguments, as argh says it over several lines, and where to read on.
fn complaint(output: &str, command: &[&str]) -> String {
    let text = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches("Error parsing ").trim_end_matches('.');
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}; see {} --help", first.to_lowercase(), command.join(" "))
}

/// A port as a person writes it.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".into())
}

/// What this end is called: as chosen, or as the environment says, or the login name.
pub fn own_name(chosen: Option<Name>) -> Result<Name> {
    if let Some(name) = chosen {
        return Ok(name);
    }
    match std::env::var(NAME_VARIABLE) {
        Ok(name) => name.parse().map_err(|error| {
            Usage::wrong(format!("{NAME_VARIABLE}: {error}; change it, or unset it")).into()
        }),
        Err(VarError::NotUnicode(_)) => {
            bail!(Usage::wrong(format!("{NAME_VARIABLE} is not UTF-8; change it, or unset it")))
        }
        Err(VarError::NotPresent) => {
            let login = process::login_name().and_then(|name| name.parse().ok());
            let wrong = "this user has no login name that can be shown; put a name into";
            login.ok_or_else(|| Usage::wrong(format!("{wrong} {NAME_VARIABLE}")).into())
        }
    }
}

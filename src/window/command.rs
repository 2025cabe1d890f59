//! Any terminal: the command that runs the handler is appended as its last arguments.
//!
//! Such a terminal may run its program itself or ask a daemon to, so the call goes over by
//! `handover::offer`. The invariant: no shell interprets the arguments.

use std::ffi::OsString;
use std::fmt;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use anyhow::{Result, bail};

use crate::errors;

/// Replaced by the title of the window.
const TITLE: &str = "%t";

/// A command that opens a terminal; it has at least one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    words: Vec<String>,
}

impl FromStr for Terminal {
    type Err = String;

    /// Splits a command as a shell does, without variables or globs.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = shell_words::split(text).map_err(|error| format!("'{text}': {error}"))?;
        if words.is_empty() {
            return Err("a terminal's command has at least one word, such as 'foot -e'".into());
        }
        Ok(Self { words })
    }
}

impl fmt::Display for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell_words::join(&self.words))
    }
}

impl Terminal {
    /// The program that is looked up on PATH.
    pub fn program(&self) -> &str {
        &self.words[0]
    }

    /// Opens a terminal with this title that runs `handler`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn open(&self, title: &str, handler: &[OsString]) -> Result<Child> {
        let words = self.words[1..].iter().map(|word| word.replace(TITLE, title));
        let what = format!("{} cannot be started", self.program());
        let mut command = Command::new(self.program());
        // Not the server's: a terminal may outlive the server, and what it prints is not the log's.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.args(words).args(handler);
        command.spawn().map_err(errors::failed(what, "try it in a shell"))
    }
}

/// Looks whether the process of a terminal has failed. One that has exited with status 0 may have
/// handed the window to a daemon.
///
/// # Errors
/// It has exited with another status.
pub fn check(terminal: &mut Child) -> Result<()> {
    match terminal.try_wait()? {
        Some(status) if !status.success() => {
            bail!("the terminal failed ({status}) before its handler started; try it in a shell")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let terminal: Terminal = "foot --title '%t at my desk' -e".parse().unwrap();
        assert_eq!(terminal.words, ["foot", "--title", "%t at my desk", "-e"]);
        assert_eq!(terminal.to_string(), "foot --title '%t at my desk' -e");
        for wrong in ["", "   ", "foot 'partial"] {
            assert!(wrong.parse::<Terminal>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_title_is_one_argument_whatever_it_contains() {
        let terminal: Terminal = "test %t =".parse().unwrap();
        let title = "a; $(b) 'c";
        let mut child = terminal.open(title, &[title.into()]).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

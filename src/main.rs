//! `talk`: direct conversations between two people on terminals.
//!
//! One executable is several programs: started as `talk_client` or `talk_server` it is that mode,
//! else its first argument names the mode. The invariant: this is the one place that prints an
//! error and decides the exit status.

// print! and its kin panic when the output is closed.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod buffer;
mod errors;
mod modes;
mod protocol;
mod session;
#[expect(
    unsafe_code,
    reason = "the one module that calls the operating system; each block argues its soundness"
)]
mod sys;
mod terminal;
mod window;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use modes::cli::Usage;
use modes::{MODES, Mode};

fn main() -> ExitCode {
    match run() {
        Ok(status) => status,
        Err(error) => match error.downcast_ref::<Usage>() {
            Some(usage) if usage.asked_for => print(&usage.text),
            Some(usage) => fail(&usage.to_string(), 2),
            // A name or another program's answer may contain newlines; an error has one line.
            None => fail(&errors::reasons(&error).replace('\n', " "), 1),
        },
    }
}

fn run() -> Result<ExitCode> {
    sys::signals::ignore_file_limit()?;
    let mut words = Vec::new();
    for word in std::env::args_os() {
        match word.into_string() {
            Ok(word) => words.push(word),
            Err(word) => {
                let word = word.display();
                bail!(Usage::wrong(format!("argument '{word}' is not UTF-8; use UTF-8 or ASCII")))
            }
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (&program, arguments) = words.split_first().unwrap_or((&"talk", &[]));
    let program = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or("talk");
    if let Some(mode) = MODES.iter().find(|mode| mode.link == Some(program)) {
        return (mode.run)(&[program], arguments);
    }
    match arguments {
        ["--version" | "-V"] => Ok(print(&format!("talk {}\n", env!("CARGO_PKG_VERSION")))),
        ["help" | "--help" | "-h"] => Ok(print(&overview())),
        ["help", name] => (mode(name)?.run)(&["talk", name], &["--help"]),
        [name, arguments @ ..] => (mode(name)?.run)(&["talk", name], arguments),
        [] => bail!(Usage::wrong(format!("no mode given\n\n{}", overview()))),
    }
}

fn mode(name: &str) -> Result<&'static Mode> {
    match MODES.iter().find(|mode| mode.name == name) {
        Some(mode) => Ok(mode),
        None => bail!(Usage::wrong(format!("unknown mode '{name}'\n\n{}", overview()))),
    }
}

fn overview() -> String {
    let mut text = String::from(
        "Usage: talk <mode> [<arguments>]\n\n\
         Direct conversations between two people on terminals.\n\nModes:\n",
    );
    for mode in &MODES {
        text += &format!("  {:<10}{}\n", mode.name, mode.about);
    }
    text + "\nExamples:\n  talk server              at the desk\n  \
            talk client desk-host    from any other machine\n\n\
            Run talk <mode> --help for the options of a mode.\n"
}

/// Prints help. A closed pipe is not an error, since its reader has seen enough; a full disk is.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let reason = errors::reason(&error);
            let advice = "redirect it elsewhere";
            fail(&format!("cannot write to standard output: {reason}; {advice}"), 1)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn fail(what: &str, status: u8) -> ExitCode {
    terminal::print_error(what);
    ExitCode::from(status)
}

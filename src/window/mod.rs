//! How a handler gets its own keyboard and screen.
//!
//! There is one file for each way, and `handover` for what the handler gets with the call; the
//! console is the server's own terminal and opens nothing. The invariant: a window is opened by the
//! helper of a call, and whatever program it is, it ends up running `talk handler` with the call's
//! socket.

pub mod command;
pub mod handover;
pub mod tmux;
pub mod xterm;

use std::env;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where conversations run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    Xterm,
    Tmux,
    /// The server's own terminal shows all calls.
    Console,
    Command(command::Terminal),
}

impl FromStr for Window {
    type Err = String;

    /// One of the named windows, else the command of a terminal that is on PATH.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::suitable()),
            "xterm" => Ok(Self::Xterm),
            "tmux" => Ok(Self::Tmux),
            "console" => Ok(Self::Console),
            command => {
                let terminal: command::Terminal = command.parse()?;
                if !on_path(terminal.program()) {
                    return Err(format!("no program '{}' is on PATH", terminal.program()));
                }
                Ok(Self::Command(terminal))
            }
        }
    }
}

/// Where the windows appear.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xterm => match env::var("DISPLAY").unwrap_or_default().as_str() {
                "" => f.write_str("xterm, but DISPLAY is not set; set it, or use another --window"),
                display => write!(f, "xterm on display {display}"),
            },
            Self::Tmux => f.write_str(&tmux::hint()),
            Self::Console => f.write_str("console (this terminal)"),
            Self::Command(terminal) => terminal.fmt(f),
        }
    }
}

/// What the rest of the desk needs to know about a kind of window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// What the server's own child is while the conversation runs.
    pub process: &'static str,
    /// What to do when a window ends without a word, as the end of a sentence.
    pub advice: &'static str,
    /// Conversations are shown on the server's own terminal.
    pub shown_here: bool,
    /// The server's own terminal has an operator who types.
    pub operated: bool,
}

impl Window {
    pub fn profile(&self) -> Profile {
        let process = match self {
            Self::Console => "handler",
            Self::Xterm => "window",
            Self::Tmux | Self::Command(_) => "helper",
        };
        let advice = match self {
            Self::Xterm => "; does DISPLAY name a display that you may use? Try it: xterm -e true",
            Self::Tmux | Self::Console | Self::Command(_) => "",
        };
        let console = *self == Self::Console;
        Profile { process, advice, shown_here: console, operated: console }
    }

    /// The window that works in this environment: xterm on a display, tmux inside tmux, else the
    /// console.
    pub fn suitable() -> Self {
        let set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
        if set("DISPLAY") && on_path(xterm::PROGRAM) {
            Self::Xterm
        } else if set("TMUX") && on_path(tmux::PROGRAM) {
            Self::Tmux
        } else {
            Self::Console
        }
    }
}

/// Whether a program of this name can be started.
fn on_path(program: &str) -> bool {
    let executable = |path: PathBuf| {
        fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return executable(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| executable(directory.join(program)))
}

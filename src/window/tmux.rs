//! The tmux window: one for each call, in the session around the server or in a separate one.
//!
//! The handler is a child of the tmux server, not of the helper, so the call goes over by
//! `handover::offer`. The invariant: tmux never expands a name from the network, because its
//! formats can run commands (tmux(1), FORMATS).

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::errors;

/// The program that is looked up on PATH.
pub const PROGRAM: &str = "tmux";
/// The session that is created on demand when the server does not run inside tmux.
const SESSION: &str = "talk";
/// Begins a format.
const FORMAT: char = '#';

/// Whether this process runs inside tmux.
pub fn surrounds() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// How to see the windows.
pub fn hint() -> String {
    if surrounds() {
        "in this tmux session, one for each call".into()
    } else {
        format!("in tmux; attach with: tmux attach -t {SESSION}")
    }
}

/// Opens a window with this title that runs `handler`, without selecting it.
///
/// # Errors
/// tmux is not on PATH, or reports an error.
pub fn open(title: &str, handler: &[OsString]) -> Result<()> {
    let title = title.replace(FORMAT, "♯");
    let window = |place: &[&str]| {
        let report = ["-d", "-P", "-F", "#{window_id}", "-n", &title, "--"];
        let words = place.iter().chain(&report).map(OsString::from);
        run(&words.chain(handler.iter().cloned()).collect::<Vec<_>>())
    };
    let id = if surrounds() {
        window(&["new-window"])?
    } else {
        let in_session = || window(&["new-window", "-t", &format!("={SESSION}:")]);
        // Another call may create the session at the same moment.
        in_session()
            .or_else(|_| window(&["new-session", "-s", SESSION]))
            .or_else(|_| in_session())?
    };
    // The status line shows bells by default, but activity only with this option.
    run(&["set-option", "-w", "-t", &id, "monitor-activity", "on"].map(OsString::from))?;
    Ok(())
}

/// Runs a tmux command and returns its output.
fn run(arguments: &[OsString]) -> Result<String> {
    let output = Command::new(PROGRAM).args(arguments).output().map_err(errors::failed(
        "tmux cannot be started",
        "install it (Debian: apt install tmux)",
    ))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tmux failed: {}; try it: tmux new", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

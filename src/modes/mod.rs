//! The modes of the program: which name means which.
//!
//! Next door, `cli` reads their arguments, and `tests` generates the completions and the lists of
//! the manual from what they declare. The invariant: a mode is an entry of [`MODES`] and nothing
//! else; no mode knows another.

mod check;
pub mod cli;
mod client;
mod dial;
mod handler;
mod server;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Result;

/// One of the programs in this executable.
pub struct Mode {
    pub name: &'static str,
    /// The name of a link to the program that selects this mode.
    pub link: Option<&'static str>,
    pub about: &'static str,
    /// Runs the mode, given the words that selected it (for its usage line) and its arguments.
    pub run: fn(&[&str], &[&str]) -> Result<ExitCode>,
}

/// Every mode, in the order of `talk --help`.
pub const MODES: [Mode; 4] = [
    Mode { name: "client", link: Some("talk_client"), about: "call a desk", run: client::run },
    Mode {
        name: "server",
        link: Some("talk_server"),
        about: "keep a desk: a window for each caller",
        run: server::run,
    },
    Mode {
        name: "handler",
        link: None,
        about: "the desk's side of one call (started by the server)",
        run: handler::run,
    },
    Mode {
        name: "check",
        link: None,
        about: "conformance-test a desk or a client",
        run: check::run,
    },
];

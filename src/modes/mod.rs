//! The modes of the program: which name means which.
//!
//! Next door, `cli` is how each reads its arguments.
//!
//! The invariant: a mode is an entry of [`MODES`] and nothing else; no mode knows another.

mod check;
pub mod cli;
mod client;
mod dial;
mod handler;
mod server;

use std::process::ExitCode;

use anyhow::Result;

/// One of the programs in this executable.
pub struct Mode {
    pub name: &'static str,
    /// The file name that means this mode without being asked.
    pub link: Option<&'static str>,
    pub about: &'static str,
    /// Runs it, given how it was called and its arguments.
    pub run: fn(&[&str], &[&str]) -> Result<ExitCode>,
}

/// Every mode, in the order of the list that a person sees.
pub const MODES: [Mode; 4] = [
    Mode { name: "client", link: Some("talk_client"), about: "call somebody", run: client::run },
    Mode {
        name: "server",
        link: Some("talk_server"),
        about: "keep a desk: a window for every caller",
        run: server::run,
    },
    Mode {
        name: "handler",
        link: None,
        about: "hold the desk's end of a call (the server starts it)",
        run: handler::run,
    },
    Mode {
        name: "check",
        link: None,
        about: "test an own implementation of the protocol",
        run: check::run,
    },
];

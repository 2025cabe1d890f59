//! How a handler gets its own keyboard and screen.
//!
//! One file for each way; in the console, the handler needs none. The invariant: a window is opened by the helper of a call, in place of itself, and whatever
//! program it is, it ends up running `talk handler` with the call's socket.

pub mod xterm;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use crate::protocol::name::Name;

/// Where the conversations of a desk are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// An xterm for every call.
    Xterm,
    /// The server's own terminal for all calls.
    Console,
}

impl FromStr for Window {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "xterm" => Ok(Self::Xterm),
            "console" => Ok(Self::Console),
            _ => Err("a window is xterm or console"),
        }
    }
}

/// What every handler of a desk is started with.
#[derive(Debug)]
pub struct Handler {
    /// The resolved path of this program: in an xterm, `/proc/self/exe` would be the xterm.
    pub talk: PathBuf,
    /// The desk's name.
    pub name: Name,
    /// Only lines appended.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
}

impl Handler {
    /// The command that holds the call which is found at `call`.
    pub fn command(&self, call: &str) -> Vec<OsString> {
        let mut argv = vec![self.talk.clone().into(), "handler".into()];
        argv.extend(self.plain.then(|| "--plain".into()));
        argv.extend(self.bell.then(|| "--bell".into()));
        argv.push(call.into());
        argv
    }
}

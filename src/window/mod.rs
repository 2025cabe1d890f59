//! How a handler gets its own keyboard and screen.
//!
//! One file for each way. The invariant: a window is opened by the helper of a call, in place of itself, and whatever
//! program it is, it ends up running `talk handler` with the call's socket.

pub mod xterm;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::protocol::name::Name;

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

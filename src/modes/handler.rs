//! The desk's end of one call, in a window of its own.
//!
//! The invariant: the descriptor it is given is checked before it is believed.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use argh::FromArgs;

use super::cli::{Usage, own_name, parse};
use crate::session::engine;
use crate::session::handler::DeskSide;
use crate::session::report::{Address, Reporter};
use crate::sys::fd;
use crate::window::handover::{self, Claimed};

/// Hold the desk's end of a call. The server starts this in the window of each call.
///
/// It can be started by any program that accepts calls and hands over the connected socket.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Behind another listener, which has the call as standard input:\n  \
               tcpserver 0 8255 sh -c 'exec xterm -e {command_name} 3 3<&0'",
    error_code(1, "The conversation did not take place or not end properly."),
    error_code(2, "The arguments are wrong.")
)]
struct Options {
    /// the number of an open descriptor, which is the connected stream socket of the call; or the
    /// path of a Unix socket that hands it over
    #[argh(positional, arg_name = "fd")]
    call: String,

    /// only append lines: no cursor movement, no colours (for screen readers and braille)
    #[argh(switch)]
    plain: bool,

    /// ring the terminal's bell when a line arrives
    #[argh(switch)]
    bell: bool,
}

/// Takes the call over and converses until either end leaves.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let Options { call, plain, bell } = options;
    let input = engine::input();
    if call.contains('/') {
        let Claimed { call, note, helper } = handover::claim(Path::new(&call))?;
        let reporter = &Reporter::to(note.reports.as_ref());
        let desk = DeskSide { call, name: note.name, plain, bell, input, reporter };
        let status = desk.converse();
        // The helper counts the call until this end is closed.
        drop(helper);
        return status;
    }
    let (call, name) = (adopt(&call)?, own_name(None)?);
    let reporter = &Reporter::to(Address::inherited().as_ref());
    DeskSide { call, name, plain, bell, input, reporter }.converse()
}

/// The inherited socket of a call, by its number.
fn adopt(number: &str) -> Result<OwnedFd, Usage> {
    let wrong = |what: String| Usage::wrong(format!("{what}; talk handler --help has an example"));
    let neither = "is neither the number of a descriptor nor the path of a call";
    let number = number.parse().map_err(|_| wrong(format!("'{number}' {neither}")))?;
    fd::adopt(number).map_err(|unfit| wrong(format!("descriptor {number} {unfit}")))
}

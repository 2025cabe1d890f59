//! The desk's end of one call, in a window of its own.
//!
//! The invariant: the descriptor it is given is checked before it is believed.

use std::process::ExitCode;

use anyhow::Result;
use argh::FromArgs;

use super::{Usage, own_name, parse};
use crate::desk_end::DeskEnd;
use crate::engine;
use crate::report::Reporter;
use crate::sys::sockets;

/// Hold the desk's end of a call. The server starts this in the window of each call.
///
/// It can be started by any program that accepts calls and hands over the connected socket.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Behind another listener, which has the call as standard input:\n  \
               tcpserver 0 8255 xterm -e sh -c 'exec {command_name} 3' 3<&0",
    error_code(1, "The conversation did not take place or not end properly."),
    error_code(2, "The arguments are wrong.")
)]
struct Options {
    /// the number of an open descriptor: the connected stream socket of the call
    #[argh(positional)]
    fd: String,

    /// only append lines: no cursor movement, no colours (for screen readers and braille)
    #[argh(switch)]
    plain: bool,

    /// ring the terminal's bell when a line arrives
    #[argh(switch)]
    bell: bool,
}

/// Adopts the call and converses until either end leaves.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let number: i32 = options
        .fd
        .parse()
        .map_err(|_| Usage::wrong(format!("'{}' is not the number of a descriptor", options.fd)))?;
    let socket = sockets::adopt(number).map_err(|unfit| {
        Usage::wrong(format!("descriptor {number} {unfit}; a handler needs a connected call"))
    })?;
    let desk = DeskEnd {
        call: socket,
        name: own_name(None)?,
        plain: options.plain,
        bell: options.bell,
        input: engine::input(),
        reporter: Reporter::inherited(),
    };
    desk.converse()
}

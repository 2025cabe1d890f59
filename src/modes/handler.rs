//! `talk handler`: the desk's side of one call, in its window.
//!
//! Next door, `session::handler` holds the conversation and `window::handover` takes over a call
//! that is not inherited. The invariant: a descriptor is checked to be a call before it is used.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use argh::FromArgs;

use super::cli::{Usage, own_name, parse};
use crate::session::engine;
use crate::session::handler::{DeskSide, Window};
use crate::sys::{fd, sockets};
use crate::window::handover::{self, Claimed, Handover, Inherited};

/// The desk's side of one call. The server starts it in the window of each call; any program that
/// accepts calls and passes on the connected socket can start it as well.
#[derive(FromArgs)]
#[cfg_attr(test, derive(argh::ArgsInfo))]
#[argh(
    help_triggers("-h", "--help"),
    example = "Behind another listener, which passes the call as standard input:\n  \
               tcpserver 0 8255 sh -c 'exec xterm -e {command_name} 3 3<&0'",
    error_code(1, "There was no conversation, or it did not end properly."),
    error_code(2, "The command line is wrong.")
)]
pub struct Options {
    /// descriptor number of the call's connected stream socket, or the path of a Unix socket that
    /// passes it on
    #[argh(positional, arg_name = "fd")]
    call: String,

    /// append-only output: no cursor movement, no colours (for screen readers and braille)
    #[argh(switch)]
    plain: bool,

    /// ring the terminal's bell for each line that arrives
    #[argh(switch)]
    bell: bool,
}

/// Takes the call over and converses until either side leaves.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    if options.call.contains('/') {
        let Claimed { call, link, record, helper } = handover::claim(Path::new(&options.call))?;
        let status = converse(call, link, record, &options);
        // Its helper exits when this closes, and only then does the server stop counting the call.
        drop(helper);
        return status;
    }
    let call = adopt(&options.call)?;
    if let Some(Inherited { record, link }) = handover::inherited()? {
        return converse(call, Some(link), record, &options);
    }
    let address = sockets::peer(&call).map_or("this machine".into(), |peer| peer.to_string());
    let desk = DeskSide { call, name: own_name(None)?, address, input: engine::input() };
    desk.converse_in_window(Window {
        number: None,
        plain: options.plain,
        bell: options.bell,
        link: None,
    })
}

/// Converses in a call that a server has handed over.
fn converse(
    call: OwnedFd,
    link: Option<OwnedFd>,
    record: Handover,
    options: &Options,
) -> Result<ExitCode> {
    let (plain, bell) = (options.plain || record.plain, options.bell || record.bell);
    let (name, address) = (record.desk, record.from.to_string());
    let desk = DeskSide { call, name, address, input: engine::input() };
    desk.converse_in_window(Window { number: Some(record.number), plain, bell, link })
}

/// Takes the inherited socket of a call by its number.
fn adopt(number: &str) -> Result<OwnedFd, Usage> {
    let wrong = |what: String| Usage::wrong(format!("{what}; see talk handler --help"));
    let neither = "is neither a descriptor number nor the path of a call's socket";
    let number = number.parse().map_err(|_| wrong(format!("'{number}' {neither}")))?;
    fd::adopt(number).map_err(|unfit| wrong(format!("descriptor {number} {unfit}")))
}

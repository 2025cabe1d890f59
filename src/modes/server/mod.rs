//! Keep a desk: listen, fork a helper for every call, say what happens.
//!
//! `desk` is the loop that does it. The invariant: nothing that a call does ends the server, and
//! ending the server ends no call that has a window of its own.

mod access_lists;
mod admission;
mod arrivals;
mod calls;
mod desk;
mod helper;
mod link;
mod log_limit;
mod operator;
mod rate;
mod spare;

use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use argh::FromArgs;

use super::cli::{PORT, address, count, own_name, parse, port};
use crate::errors;
use crate::protocol::name::Name;
use crate::sys::keyboard::Keyboard;
use crate::sys::mailbox::Mailbox;
use crate::sys::signals::Signals;
use crate::sys::{clock, privilege, sockets};
use crate::terminal::console::Console;
use crate::window::{Handler, Window};
use access_lists::{AccessLists, Sources};
use admission::Limits;
use calls::Calls;
use desk::{Desk, Settings};

/// Keep a desk: answer every call with a window of its own. Stop with Ctrl-C; conversations that
/// have a window go on, those in the console end with a goodbye.
///
/// Standard output says what happens, a line for each event.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Keep a desk on the usual port:\n  {command_name}",
    example = "In tmux, for a desk without a display:\n  {command_name} --window tmux",
    example = "For an air-gapped lab:\n  {command_name} --allow 192.0.2.0/24 --max-calls 20",
    example = "In another terminal:\n  {command_name} --window 'foot -e'",
    example = "On a port below 1024, without staying root:\n  {command_name} 517 --user operator",
    example = "Only for callers on this machine, under another name:\n  \
               {command_name} 9000 --bind 127.0.0.1 --name 'help desk'",
    error_code(1, "The desk could not be opened."),
    error_code(2, "The arguments are wrong.")
)]
struct Options {
    /// the port to listen on (8255); 0 picks a free one
    #[argh(positional, default = "PORT", from_str_fn(port))]
    port: u16,

    /// the address to listen on (default: all of this machine's)
    #[argh(option, arg_name = "addr", from_str_fn(address))]
    bind: Option<IpAddr>,

    /// what callers see as the desk's name (default: $TALK_NAME, or your login name)
    #[argh(option)]
    name: Option<Name>,

    /// the most calls at once (64)
    #[argh(option, default = "64", arg_name = "n", from_str_fn(count))]
    max_calls: usize,

    /// the most calls at once from one host other than this one (8)
    #[argh(option, default = "8", arg_name = "n", from_str_fn(count))]
    max_per_host: usize,

    /// let only this network call, such as 192.0.2.0/24, or those in this file; can be given more
    /// than once
    #[argh(option, arg_name = "networks")]
    allow: Vec<String>,

    /// do not let this network call, or those in this file, even if allowed; SIGHUP reads the files
    /// again
    #[argh(option, arg_name = "networks")]
    deny: Vec<String>,

    /// when started as root: become this user once the port is open
    #[argh(option, arg_name = "name")]
    user: Option<String>,

    /// what opens a window: auto (xterm on a display, tmux inside tmux, else console), xterm, tmux,
    /// console (this terminal for all calls), or the command of a terminal that takes the program
    /// to run as its last words, such as 'foot -e'; in it, %t stands for the title
    #[argh(option, default = "Window::suitable()", arg_name = "how")]
    window: Window,

    /// only append lines in the windows: no cursor movement, no colours
    #[argh(switch)]
    plain: bool,

    /// ring a window's bell when a line arrives
    #[argh(switch)]
    bell: bool,
}

/// Opens the desk and keeps it until a signal says to stop.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    privilege::keep_private();
    let listener = match sockets::activated()? {
        Some(listener) => listener,
        None => sockets::listen(options.bind, options.port)
            .map_err(|error| explain(&error, &options))?,
    };
    if let Some(user) = &options.user {
        privilege::become_user(user).with_context(|| format!("--user {user}"))?;
    }
    let in_console = options.window == Window::Console;
    let handler = Handler {
        // In the console it is not executed, and /proc need not be there.
        talk: if in_console {
            PathBuf::new()
        } else {
            std::env::current_exe().context("cannot find out where this program is")?
        },
        name: own_name(options.name.clone())?,
        plain: options.plain,
        bell: options.bell,
    };
    let limits = Limits { calls: options.max_calls, per_host: options.max_per_host };
    let rules = Sources { allow: options.allow.clone(), deny: options.deny.clone() };
    let access_lists = AccessLists::new(limits, rules)?;
    // Reads the time zone once, and not in every call's process.
    clock::now();
    let signals = Signals::watch(if in_console { &desk::ALL_SIGNALS } else { desk::SIGNALS })?;
    let mailbox = Mailbox::open().context("cannot open a mailbox for reports")?;
    let keyboard = in_console.then(Keyboard::new);
    let console = match &keyboard {
        Some(keyboard) => Console::open(options.plain, options.bell, keyboard.is_ours()),
        None => Console::log_only(),
    };
    let console = console.context("cannot use standard output")?;
    let calls = Calls::new(console, &options.window).context("cannot wait for calls")?;
    if privilege::is_root() {
        let advice = "running as root, which is not needed; give it up with --user <name>";
        // Standard error may be closed.
        let _ = writeln!(io::stderr(), "talk: {advice}");
    }
    let settings = Settings { access_lists, window: options.window, handler };
    let mut desk = Desk::new(listener, mailbox, signals, calls, settings, keyboard);
    let kept = desk.keep();
    desk.finish();
    kept.map(|()| ExitCode::SUCCESS)
}

/// What an error of listening means, and what to do about it.
fn explain(error: &io::Error, options: &Options) -> anyhow::Error {
    let port = options.port;
    match error.kind() {
        ErrorKind::AddrInUse => {
            let other = port.checked_add(1).unwrap_or(PORT);
            anyhow!("port {port} is taken; pick another: talk server {other}")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("port {port} is reserved for root; pick one from 1024 up: talk server {PORT}")
        }
        ErrorKind::AddrNotAvailable => {
            let address = options.bind.map_or_else(String::new, |address| address.to_string());
            anyhow!("{address} is no address of this machine; 'ip address' lists them")
        }
        _ => {
            let reason = errors::reason(error);
            let advice = "leave --bind out, or give it another address";
            match options.bind {
                Some(address) => anyhow!("cannot listen on {address}: {reason}; {advice}"),
                None => anyhow!("cannot listen on port {port}: {reason}"),
            }
        }
    }
}

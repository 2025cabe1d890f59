//! Keep a desk: listen, fork a helper for every call, say what happens.
//!
//! `desk` is the loop that does it, `helper` what runs in the process of a call. The invariant:
//! nothing that a call does ends the server, and ending the server ends no call that has its own
//! window.

mod access_lists;
mod admission;
mod arrivals;
mod calls;
mod check_in;
mod desk;
mod helper;
mod link;
mod log_limit;
mod operator;
mod rate;

use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use argh::FromArgs;

use super::cli::{PORT, address, count, own_name, parse, port};
use crate::errors;
use crate::protocol::name::Name;
use crate::sys::signals::Signals;
use crate::sys::{clock, privilege, sockets};
use crate::window::{Window, handover};
use access_lists::Sources;
use admission::{Admission, Limits};
use desk::{Desk, SIGNALS};
use helper::{Opener, Settings};
use operator::{Operator, TERMINAL_SIGNALS};

/// Keep a desk: every call gets its own window. Stop it with Ctrl-C; conversations in windows
/// continue, those in the console end with a goodbye.
///
/// Standard output is the log, one line for each event.
#[derive(FromArgs)]
#[cfg_attr(test, derive(argh::ArgsInfo))]
#[argh(
    help_triggers("-h", "--help"),
    example = "Keep a desk on the default port:\n  {command_name}",
    example = "Without a display, in tmux windows:\n  {command_name} --window tmux",
    example = "For one network, twenty calls at most:\n  \
               {command_name} --allow 192.0.2.0/24 --max-calls 20",
    example = "With another terminal than xterm:\n  {command_name} --window 'foot -e'",
    example = "On a port below 1024, giving up root:\n  {command_name} 517 --user operator",
    example = "Only for callers on this machine, under another name and port:\n  \
               {command_name} 9000 --bind 127.0.0.1 --name 'help desk'",
    error_code(1, "The desk could not be opened."),
    error_code(2, "The command line is wrong.")
)]
pub struct Options {
    /// port to listen on (default: 8255; 0 picks a free port)
    #[argh(positional, default = "PORT", from_str_fn(port))]
    port: u16,

    /// address to listen on (default: all addresses of this machine)
    #[argh(option, arg_name = "addr", from_str_fn(address))]
    bind: Option<IpAddr>,

    /// the desk's name as shown to callers, at most 64 bytes (default: $TALK_NAME, or your login
    /// name)
    #[argh(option)]
    name: Option<Name>,

    /// maximum number of simultaneous calls (default: 64)
    #[argh(option, default = "64", arg_name = "n", from_str_fn(count))]
    max_calls: usize,

    /// maximum number of simultaneous calls from one host; calls from this machine count towards
    /// --max-calls only (default: 8)
    #[argh(option, default = "8", arg_name = "n", from_str_fn(count))]
    max_per_host: usize,

    /// accept calls only from this network, such as 192.0.2.0/24, or from the networks in this
    /// file; can be repeated
    #[argh(option, arg_name = "networks")]
    allow: Vec<String>,

    /// reject calls from this network or from the networks in this file, even if allowed; can be
    /// repeated
    #[argh(option, arg_name = "networks")]
    deny: Vec<String>,

    /// become this user once the port is open (when started as root)
    #[argh(option, arg_name = "user")]
    user: Option<String>,

    /// how to open windows: auto (xterm on a display, tmux inside tmux, else console; the default),
    /// xterm, tmux, console (this terminal shows all calls), or a terminal such as 'foot -e': the
    /// command to run is appended as its last arguments, and %t stands for the title
    #[argh(option, default = "Window::suitable()", arg_name = "how")]
    window: Window,

    /// append-only output in the windows: no cursor movement, no colours
    #[argh(switch)]
    plain: bool,

    /// ring a window's bell for each line that arrives
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
    let window = options.window.profile();
    let limits = Limits { calls: options.max_calls, per_host: options.max_per_host };
    let access_lists = Sources { allow: options.allow, deny: options.deny };
    let admission = Admission::new(limits, access_lists.read()?);
    let (plain, bell, windows) = (options.plain, options.bell, options.window.to_string());
    let settings = Settings {
        opener: Opener::new(options.window)?,
        name: own_name(options.name)?,
        plain,
        bell,
    };
    handover::sweep();
    // Reads the time zone once, and not in every call's process.
    clock::now();
    let terminal = if window.operated { &TERMINAL_SIGNALS[..] } else { &[] };
    let signals = Signals::watch(&[&SIGNALS, terminal].concat())?;
    let operator = match window.shown_here {
        true => Operator::with_console(plain, bell),
        false => Operator::with_log(),
    };
    let mut operator = operator.context("cannot use standard output")?;
    operator.log(&format!("listening on {}", listener.local_addr()?));
    operator.log(&format!("windows: {windows}"));
    let desk = Desk::new(listener, operator, signals, admission, access_lists, settings, window);
    let mut desk = desk.context("cannot create epoll set")?;
    if privilege::is_root() {
        let advice = "running as root, which is not needed; give it up with --user <name>";
        // Standard error may be closed.
        let _ = writeln!(io::stderr(), "talk: {advice}");
    }
    // Most desks are not started by a service manager.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
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
            anyhow!("{address} is not an address of this machine; 'ip address' lists them")
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

//! Keep a desk: listen, fork a helper for every call, say what happens.
//!
//! One loop waits for calls, for reports from helpers and handlers, and for signals. The invariant: nothing that a call
//! does ends the server, and ending the server ends no call.

mod calls;
mod helper;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use argh::FromArgs;
use nix::sys::signal::Signal;

use super::{PORT, own_name, parse, port};
use crate::protocol::name::Name;
use crate::report::{self, Reporter};
use crate::sys::mailbox::Mailbox;
use crate::sys::ready::{self, Want};
use crate::sys::signals::Signals;
use crate::sys::{process, sockets};
use crate::window::{Handler, Window};
use calls::Calls;

/// How long the server leaves the listener alone when the system has nothing left to accept a call with.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);

/// Keep a desk: answer every call with a window of its own. Stop with Ctrl-C; open conversations go on.
///
/// Standard output says what happens, a line for each event.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Keep a desk on the usual port:\n  {command_name}",
    example = "In tmux, for a desk without a display:\n  {command_name} --window tmux",
    example = "In another terminal:\n  {command_name} --window 'foot -e'",
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
    #[argh(option)]
    bind: Option<IpAddr>,

    /// what callers see as the desk's name (default: $TALK_NAME, or your login name)
    #[argh(option)]
    name: Option<Name>,

    /// what opens a window: auto (xterm on a display, else tmux), xterm, tmux, or the command of a terminal that takes
    /// the program to run as its last words, such as 'foot -e'; in it, %t stands for the title
    #[argh(option, default = "Window::suitable()")]
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
    let handler = Handler {
        talk: std::env::current_exe()
            .context("cannot find out where this program is; is /proc mounted?")?,
        name: own_name(options.name.clone())?,
        plain: options.plain,
        bell: options.bell,
    };
    let listener = match sockets::activated()? {
        Some(listener) => listener,
        None => sockets::listen(options.bind, options.port)
            .map_err(|error| explain(&error, &options))?,
    };
    let watched = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD];
    let signals = Signals::watch(&watched)?;
    let mailbox = Mailbox::open().context("cannot open a mailbox for reports")?;
    let calls = Calls::new(io::stdout().as_fd(), options.window.advice())?;
    let window = options.window;
    let mut desk = Desk { listener, mailbox, signals, calls, window, handler, resting: None };
    desk.keep()?;
    Ok(ExitCode::SUCCESS)
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
        _ => anyhow!("cannot listen on port {port}: {error}"),
    }
}

/// An open desk.
struct Desk {
    listener: TcpListener,
    mailbox: Mailbox,
    signals: Signals,
    calls: Calls,
    window: Window,
    handler: Handler,
    /// Until when the listener is left alone.
    resting: Option<Instant>,
}

impl Desk {
    fn keep(&mut self) -> Result<()> {
        self.calls.log(&format!("listening on {}", self.listener.local_addr()?));
        self.calls.log(&format!("windows: {}", self.window));
        // Whoever started this and wants to know; most do not.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        loop {
            let [calling, reported] = self.wait()?;
            if reported {
                self.read_reports()?;
            }
            if calling {
                self.accept();
            }
            for signal in &self.signals.take() {
                match signal {
                    Signal::SIGCHLD => self.reap()?,
                    _ => return Ok(()),
                }
            }
        }
    }

    /// Waits for calls, reports, signals and room for the log.
    fn wait(&mut self) -> Result<[bool; 2]> {
        let now = Instant::now();
        self.resting = self.resting.filter(|&until| now < until);
        let mut wants = [
            Want::read(&self.listener, self.resting.is_none()),
            Want::read(&self.mailbox, true),
            Want::write(&self.calls, self.calls.waits_to_write()),
        ];
        ready::poll(&mut wants, self.resting, &self.signals.mask())?;
        let [calling, reported, room] = wants.map(|want| want.ready);
        self.calls.flush(room);
        Ok([calling, reported])
    }

    /// Accepts one call and forks its helper.
    fn accept(&mut self) {
        match self.listener.accept() {
            Ok((call, from)) => self.admit(call, from),
            // The caller is gone again, or another process was faster.
            Err(error) if is_momentary(&error) => {}
            Err(error) => {
                self.calls.log(&format!("cannot accept calls for a moment: {error}"));
                self.resting = Some(Instant::now() + EXHAUSTED_PAUSE);
            }
        }
    }

    fn admit(&mut self, call: TcpStream, from: SocketAddr) {
        let number = self.calls.next_number();
        let reporter = Reporter::new(self.mailbox.address(), number);
        let stays: [BorrowedFd<'_>; 2] = [self.listener.as_fd(), self.mailbox.as_fd()];
        let helper = helper::Helper {
            call: &call,
            window: &self.window,
            handler: &self.handler,
            signals: &self.signals,
            reporter,
        };
        match process::spawn(&stays, || helper.run()) {
            Ok(pid) => self.calls.begin(number, pid, from),
            Err(error) => {
                self.calls
                    .log(&format!("call {number} from {from} dropped: no process for it: {error}"));
            }
        }
    }

    fn read_reports(&mut self) -> io::Result<()> {
        while let Some(message) = self.mailbox.receive()? {
            if let Some((call, report)) = report::decode(&message) {
                self.calls.report(call, report);
            }
        }
        Ok(())
    }

    /// Takes note of the processes that have ended; what they reported came before that.
    fn reap(&mut self) -> io::Result<()> {
        let ended: Vec<_> = process::reap().collect();
        self.read_reports()?;
        for (pid, status) in ended {
            self.calls.end(pid, status);
        }
        Ok(())
    }
}

fn is_momentary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
    )
}

//! The helper of one call: checks the caller in and becomes the call's window, or its handler in
//! the console.
//!
//! It runs in a forked child of the server. The invariant: no window before a complete valid HELLO,
//! so that a port scan or a stray browser never puts anything on the desk's screen.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::SigSet;

use super::super::cli::NAME_VARIABLE;
use crate::buffer::Buffer;
use crate::errors;
use crate::protocol::events::Input;
use crate::protocol::frame::{self, Frame};
use crate::protocol::limits::{HELLO_LIMIT, LINGER_LIMIT};
use crate::protocol::name::Name;
use crate::session::handler::DeskSide;
use crate::session::report::{self, Address, Report, Reporter};
use crate::sys::ready::Interest;
use crate::sys::signals::Signals;
use crate::sys::{fd, process, ready, sockets};
use crate::terminal::sanitize;
use crate::window::handover::{Handover, Offer};
use crate::window::{Handler, Window, command, tmux, xterm};

/// The most bytes of a first frame that can be checked in.
const FIRST_FRAME: usize = 128;

/// What a helper needs to know.
pub struct Helper<'a> {
    pub call: &'a TcpStream,
    pub window: &'a Window,
    pub handler: &'a Handler,
    pub signals: &'a Signals,
    pub reports: Address,
    /// In the console: what the handler has in place of a keyboard and screen.
    pub console: Option<&'a UnixStream>,
}

impl Helper<'_> {
    /// Checks the call in, opens its window or becomes it, and stays as long as the window does.
    /// Returns the status to exit with.
    pub fn run(&self) -> u8 {
        // A session of its own: Ctrl-C at the desk's terminal is not for the windows.
        let _ = nix::unistd::setsid();
        let reporter = Reporter::to(Some(&self.reports));
        let caller = match check_in(self.call) {
            Ok(caller) => caller,
            Err(why) => {
                let why = errors::reasons(&why);
                reporter.send(&Report::Dropped(why.clone()));
                self.say_bye(&why);
                return 1;
            }
        };
        reporter.send(&Report::Hello(caller.clone()));
        let why = match self.open_window(&caller, &reporter) {
            Ok(status) => return status,
            Err(why) => why,
        };
        reporter.send(&Report::NoWindow(errors::reasons(&why)));
        self.say_bye("the desk could not open a window; its log says why");
        1
    }

    /// Opens the window and returns when it has closed, with the status to exit with.
    fn open_window(&self, caller: &Name, reporter: &Reporter) -> Result<u8> {
        self.signals.release().context("cannot give signals back")?;
        let title = sanitize::label(caller.as_bytes());
        match self.window {
            Window::Xterm => self.become_xterm(&title).map(|never| match never {}),
            Window::Console => self.become_handler(reporter),
            Window::Tmux => self.offer(|handler| tmux::open(&title, handler).map(|()| None)),
            Window::Command(terminal) => {
                self.offer(|handler| terminal.open(&title, handler).map(Some))
            }
        }
    }

    /// Becomes the handler of the call, without exec. Returns the status to exit with.
    fn become_handler(&self, reporter: &Reporter) -> Result<u8> {
        let console = self.console.context("the console has no place for it")?;
        process::converse_on(console).context("cannot redirect standard input and output")?;
        let desk = DeskSide {
            call: self.call.try_clone()?.into(),
            name: self.handler.name.clone(),
            plain: true,
            bell: false,
            input: Input::Person,
            reporter,
        };
        // What went wrong is in the report; nobody reads standard error here.
        Ok(desk.converse().is_err().into())
    }

    /// Becomes the xterm, which inherits the call.
    fn become_xterm(&self, title: &str) -> Result<Infallible> {
        let call = fd::hand_over(self.call.try_clone()?.into())?;
        let command = xterm::command(title, self.handler.command(call.to_string().as_ref()));
        let name = OsStr::from_bytes(self.handler.name.as_bytes());
        let reports = self.reports.variable();
        let variables = [(NAME_VARIABLE, name), (report::VARIABLE, reports.as_ref())];
        process::exec(&command, &variables).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("xterm is not on PATH; install it (Debian: apt install xterm)")
            }
            _ => errors::failed("xterm cannot be started", "try it in a shell")(error),
        })
    }

    /// Offers the call to the handler in the window that `open` opens, and waits for the handler's
    /// end.
    fn offer(&self, open: impl FnOnce(&[OsString]) -> Result<Option<Child>>) -> Result<u8> {
        let offer = Offer::new()?;
        let mut terminal = open(&self.handler.command(offer.path().as_os_str()))?;
        let note =
            Handover { name: self.handler.name.clone(), reports: Some(self.reports.clone()) };
        let handed_over = offer.hand_over(self.call.as_fd(), &note, || {
            terminal.as_mut().map_or(Ok(()), command::check)
        });
        drop(offer);
        let handler = match handed_over {
            Ok(handler) => handler,
            Err(why) => {
                // A window that comes now would find nothing to show.
                terminal.as_mut().map(Child::kill);
                return Err(why);
            }
        };
        // It says nothing: its end is its message.
        while (&handler).read(&mut [0]).is_ok_and(|count| count > 0) {}
        Ok(0)
    }

    fn say_bye(&self, reason: &str) {
        let mut bye = Buffer::default();
        frame::put_bye(&mut bye, reason);
        sockets::linger_and_close(self.call, bye.bytes(), LINGER_LIMIT);
    }
}

/// Looks at the first frame without taking it, so that the handler still reads it.
///
/// # Errors
/// It is no complete, valid HELLO, or not in time.
fn check_in(call: &TcpStream) -> Result<Name> {
    let deadline = Instant::now() + HELLO_LIMIT;
    let mut first = [0; FIRST_FRAME];
    let mut seen = 0;
    loop {
        // Half a frame keeps a socket readable: wake for more than what was seen.
        sockets::readable_at(call, seen + 1)?;
        ready::poll(&mut [Interest::read(call, true)], Some(deadline), &SigSet::empty())?;
        if Instant::now() >= deadline {
            bail!("no HELLO within {} s", HELLO_LIMIT.as_secs());
        }
        match sockets::peek(call.as_fd(), &mut first) {
            Ok(count) if count <= seen => bail!("hung up without a HELLO"),
            Ok(count) => seen = count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        if let Some(name) = first_hello(&first[..seen])? {
            sockets::readable_at(call, 1)?;
            return Ok(name);
        }
    }
}

/// The name in the HELLO that begins `bytes`; `None` while it is incomplete.
fn first_hello(bytes: &[u8]) -> Result<Option<Name>> {
    let wrong =
        |what: &str| anyhow!("protocol error: {what}; it began with \"{}\"", bytes.escape_ascii());
    if frame::length(bytes).is_ok_and(|length| length > Some(FIRST_FRAME)) {
        return Err(wrong("its first frame is no HELLO"));
    }
    match frame::decode(bytes) {
        Ok(Some((Frame::Hello(name), _))) => Ok(Some(name)),
        Ok(Some(_)) => Err(wrong("its first frame is no HELLO")),
        Ok(None) => Ok(None),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

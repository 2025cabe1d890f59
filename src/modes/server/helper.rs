//! The helper of one call: checks the caller in and becomes the call's window, or its handler in the console.
//!
//! It runs in a forked child of the server. The invariant: no window before a complete valid HELLO, so that a port scan
//! or a stray browser never puts anything on the desk's screen.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::SigSet;

use super::super::NAME_VARIABLE;
use crate::buffer::Buffer;
use crate::desk_end::DeskEnd;
use crate::protocol::conversation::HELLO_LIMIT;
use crate::protocol::events::Input;
use crate::protocol::frame::{self, Frame};
use crate::protocol::name::Name;
use crate::report::{self, Report, Reporter};
use crate::sys::ready::Want;
use crate::sys::signals::Signals;
use crate::sys::{process, ready, sockets};
use crate::terminal::printable;
use crate::window::{Handler, xterm};

/// The most bytes of a first frame that can be checked in.
const FIRST_FRAME: usize = 128;
/// How long a caller may take to read why there is no window.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);

/// What a helper needs to know.
pub struct Helper<'a> {
    pub call: &'a TcpStream,
    pub handler: &'a Handler,
    pub signals: &'a Signals,
    pub reporter: Reporter,
    /// In the console: what the handler has in place of a keyboard and screen.
    pub console: Option<&'a UnixStream>,
}

impl Helper<'_> {
    /// Checks the call in and becomes its window. Returns only when that failed, with the status to exit with.
    pub fn run(&self) -> u8 {
        // A session of its own: Ctrl-C at the desk's terminal is not for the windows.
        let _ = nix::unistd::setsid();
        let caller = match check_in(self.call) {
            Ok(caller) => caller,
            Err(why) => {
                self.reporter.send(&Report::Dropped(format!("{why:#}")));
                self.say_bye(&format!("{why:#}"));
                return 1;
            }
        };
        self.reporter.send(&Report::Hello(caller.clone()));
        let opened = match self.console {
            Some(console) => self.become_handler(console),
            None => self.become_window(&caller).map(|never| match never {}),
        };
        let why = match opened {
            Ok(status) => return status,
            Err(why) => why,
        };
        self.reporter.send(&Report::NoWindow(format!("{why:#}")));
        self.say_bye("the desk could not open a window");
        1
    }

    /// Becomes the handler of the call, without exec. Returns the status to exit with.
    fn become_handler(&self, console: &UnixStream) -> Result<u8> {
        process::converse_on(console).context("cannot redirect standard input and output")?;
        self.signals.release()?;
        let desk = DeskEnd {
            call: self.call.try_clone()?.into(),
            name: self.handler.name.clone(),
            plain: true,
            bell: false,
            input: Input::Person,
            reporter: Some(self.reporter.clone()),
        };
        // What went wrong is in the report; nobody reads standard error here.
        Ok(u8::from(!desk.converse().is_ok_and(|status| status == ExitCode::SUCCESS)))
    }

    fn become_window(&self, caller: &Name) -> Result<std::convert::Infallible> {
        process::close_all_on_exec().context("cannot close descriptors")?;
        let call = sockets::hand_over(self.call.try_clone()?.into())?;
        self.signals.release()?;
        let title = printable::label(caller.as_bytes());
        let command = xterm::command(&title, self.handler.command(&call.to_string()));
        let name = std::str::from_utf8(self.handler.name.as_bytes()).unwrap_or_default();
        let reports = self.reporter.variable();
        let variables = [(NAME_VARIABLE, name.as_ref()), (report::VARIABLE, reports.as_ref())];
        process::exec(&command, &variables).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("xterm is not on PATH; install it (Debian: apt install xterm)")
            }
            _ => anyhow!("xterm cannot be started: {error}"),
        })
    }

    fn say_bye(&self, reason: &str) {
        let mut bye = Buffer::default();
        frame::put_bye(&mut bye, reason);
        sockets::farewell(self.call, bye.bytes(), FAREWELL_LIMIT);
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
        ready::select(&mut [Want::read(call, true)], Some(deadline), &SigSet::empty())?;
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
        |what: &str| anyhow!("no talk caller: {what}; it began with \"{}\"", bytes.escape_ascii());
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

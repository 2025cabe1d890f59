//! The helper of one call: checks the call in, then becomes its window, or its handler in the
//! console.
//!
//! It runs in a forked child of the server; `check_in` next door is its first half. The invariant:
//! the helper says BYE to every caller who gets no handler, with a reason.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, Result, anyhow};

use super::check_in::{check_in, obey};
use crate::buffer::Buffer;
use crate::errors;
use crate::protocol::events::Input;
use crate::protocol::frame;
use crate::protocol::limits::{HELLO_LIMIT, LINGER_LIMIT};
use crate::protocol::name::Name;
use crate::session::handler::DeskSide;
use crate::session::link::{Report, Reporter};
use crate::sys::signals::Signals;
use crate::sys::{fd, process, sockets};
use crate::terminal::title;
use crate::window::command::{self, Terminal};
use crate::window::handover::{self, Handover, Offer};
use crate::window::{Window, tmux, xterm};

/// Where the handlers of a desk run, with the resolved path of this program where they are
/// executed: in an xterm, `/proc/self/exe` would be the xterm.
#[derive(Debug)]
pub enum Opener {
    /// In the helper itself.
    Console,
    Xterm {
        talk: PathBuf,
    },
    Tmux {
        talk: PathBuf,
    },
    Command {
        talk: PathBuf,
        terminal: Terminal,
    },
}

impl Opener {
    /// # Errors
    /// The path of this program is unknown: /proc is not mounted.
    pub fn new(window: Window) -> Result<Self> {
        let talk = || std::env::current_exe().context("cannot find out where this program is");
        Ok(match window {
            Window::Console => Self::Console,
            Window::Xterm => Self::Xterm { talk: talk()? },
            Window::Tmux => Self::Tmux { talk: talk()? },
            Window::Command(terminal) => Self::Command { talk: talk()?, terminal },
        })
    }
}

/// What all calls of a desk have in common.
#[derive(Debug)]
pub struct Settings {
    pub opener: Opener,
    /// The desk's name.
    pub name: Name,
    /// Only lines appended.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
}

/// What a helper needs to know.
pub struct Helper<'a> {
    /// The number of the call.
    pub number: u32,
    pub call: &'a TcpStream,
    pub from: SocketAddr,
    /// The end of the link for the process of this call.
    pub link: &'a UnixStream,
    pub settings: &'a Settings,
    pub signals: &'a Signals,
}

impl Helper<'_> {
    /// Checks the call in, opens its window or becomes it, and stays as long as the window does.
    /// Returns the status to exit with.
    pub fn run(&self) -> u8 {
        // In its own session: Ctrl-C at the desk's terminal is not for the windows.
        let _ = nix::unistd::setsid();
        let mut reporter = Reporter::new(self.link.as_fd().try_clone_to_owned().ok());
        let caller = match check_in(self.call, HELLO_LIMIT, self.signals) {
            Ok(caller) => caller,
            Err(why) => {
                let why = errors::reasons(&why);
                reporter.send(&Report::Dropped(why.clone()));
                self.say_bye(&why);
                return 1;
            }
        };
        reporter.send(&Report::Hello(caller.clone()));
        let why = match self.open_window(caller) {
            Ok(status) => return status,
            Err(why) => errors::reasons(&why),
        };
        reporter.send(&Report::NoWindow(why));
        self.say_bye("the desk could not open a window; its log says why");
        1
    }

    /// Opens the window and returns when it has closed, with the status to exit with.
    fn open_window(&self, caller: Name) -> Result<u8> {
        obey(self.signals)?;
        self.signals.release().context("cannot restore signal dispositions")?;
        let Settings { opener, name, plain, bell } = self.settings;
        let title = title(caller.as_bytes(), Some(self.number));
        let (desk, plain, bell) = (name.clone(), *plain, *bell);
        let record = Handover { number: self.number, desk, caller, from: self.from, plain, bell };
        match opener {
            Opener::Console => self.become_handler(record),
            Opener::Xterm { talk } => match self.become_xterm(talk, &title, &record)? {},
            Opener::Tmux { talk } => {
                self.offer(talk, &record, |handler| tmux::open(&title, handler).map(|()| None))
            }
            Opener::Command { talk, terminal } => {
                self.offer(talk, &record, |handler| terminal.open(&title, handler).map(Some))
            }
        }
    }

    /// Becomes the handler of the call, without exec. Returns the status to exit with.
    fn become_handler(&self, record: Handover) -> Result<u8> {
        process::converse_on(self.link).context("cannot redirect standard input and output")?;
        let desk = DeskSide {
            call: self.call.try_clone()?.into(),
            name: record.desk,
            address: record.from.to_string(),
            input: Input::Person,
        };
        // What went wrong is in the last report; nobody reads standard error here.
        Ok(desk.converse_in_console().is_err().into())
    }

    /// Becomes the xterm, which inherits call, link and record.
    fn become_xterm(&self, talk: &Path, title: &str, record: &Handover) -> Result<Infallible> {
        let call = fd::hand_over(self.call.try_clone()?.into())?;
        let handover = record.bequeath(self.link.try_clone()?.into())?;
        let command = xterm::command(title, handler(talk, call.to_string().as_ref()));
        process::detach_standard_streams()?;
        let variables = [(handover::VARIABLE, handover.as_ref())];
        process::exec(&command, &variables).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("xterm is not on PATH; install it (Debian: apt install xterm)")
            }
            _ => errors::failed("xterm cannot be started", "try it in a shell")(error),
        })
    }

    /// Offers the call to the handler in the window that `open` opens, and waits for the handler's
    /// end.
    fn offer(
        &self,
        talk: &Path,
        record: &Handover,
        open: impl FnOnce(&[OsString]) -> Result<Option<Child>>,
    ) -> Result<u8> {
        let offer = Offer::new()?;
        let mut terminal = open(&handler(talk, offer.path().as_os_str()))?;
        let failed = || terminal.as_mut().map_or(Ok(()), command::check);
        let handed_over = offer.hand_over(self.call.as_fd(), self.link.as_fd(), record, failed);
        drop(offer);
        let handler = match handed_over {
            Ok(handler) => handler,
            Err(why) => {
                // A window that comes now would find nothing to show.
                terminal.as_mut().map(Child::kill);
                return Err(why);
            }
        };
        // The handler says nothing on it: the end of the connection is its end.
        while (&handler).read(&mut [0]).is_ok_and(|count| count > 0) {}
        Ok(0)
    }

    fn say_bye(&self, reason: &str) {
        let mut bye = Buffer::default();
        frame::put_bye(&mut bye, reason);
        sockets::linger_and_close(self.call, bye.bytes(), LINGER_LIMIT);
    }
}

/// The command that holds the call which is found at `call`.
fn handler(talk: &Path, call: &OsStr) -> Vec<OsString> {
    vec![talk.into(), "handler".into(), call.into()]
}

//! The loop of a desk: calls, reports, the console and signals, whichever comes.
//!
//! Next door, `calls` knows what has become of each call and `console` does what the person there
//! wants. The invariant: nothing here waits for anything but in that one poll(2).

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::access_lists::AccessLists;
use super::arrivals::Lingering;
use super::calls::Calls;
use super::helper::Helper;
use super::link::Link;
use super::spare::SpareDescriptor;
use crate::errors;
use crate::session::report::{self, Address};
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::mailbox::Mailbox;
use crate::sys::process;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::window::{Handler, Window};

/// The signals of every desk: the ones that end it, and that a process of a call has ended.
pub const SIGNALS: &[Signal] = ALL_SIGNALS.first_chunk::<4>().expect("there are more").as_slice();
/// The signals of a desk with a keyboard besides: the window's size, and whose the terminal is.
/// While SIGTTIN and SIGTTOU are blocked, a terminal that is another's answers with an error
/// instead of stopping the desk.
pub const ALL_SIGNALS: [Signal; 9] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGWINCH,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];
/// How long the server leaves the listener alone when the system has nothing left to accept a call
/// with.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);
/// How often a desk in the background looks whether the terminal is its own again: no signal says
/// so.
const BACKGROUND_PAUSE: Duration = Duration::from_secs(1);
/// What a caller is told for whom no descriptor, process or memory is left.
const NO_ROOM: &str = "the desk has no room for another call; try again later";
/// Bytes read at once from the keyboard or a handler.
const READ_SIZE: usize = 64 * 1024;

/// What kind of desk it is.
pub struct Settings {
    pub access_lists: AccessLists,
    pub window: Window,
    pub handler: Handler,
}

/// An open desk.
pub struct Desk {
    /// `None` once the desk is closing.
    listener: Option<TcpListener>,
    mailbox: Mailbox,
    pub(super) signals: Signals,
    pub(super) calls: Calls,
    window: Window,
    handler: Handler,
    /// Whoever types at the console, until that ends.
    pub(super) keyboard: Option<Keyboard>,
    pub(super) scratch: Box<[u8]>,
    access_lists: AccessLists,
    lingering: Lingering,
    spare: SpareDescriptor,
    /// For the question whether the terminal is gone, whoever reads from it.
    stdin: Keyboard,
    /// Until when the listener is left alone.
    resting: Option<Instant>,
    /// The desk ends when no call is in the console any more, or at this time.
    pub(super) closing: Option<Instant>,
}

/// What there is to do.
struct Ready {
    calling: bool,
    typed: bool,
    /// The numbers of the calls whose handlers show something, or have ended.
    showing: Vec<u32>,
    /// Those for whose handlers there is room again.
    taking: Vec<u32>,
}

impl Desk {
    /// A desk; with a console, it has a keyboard.
    pub fn new(
        listener: TcpListener,
        mailbox: Mailbox,
        signals: Signals,
        calls: Calls,
        settings: Settings,
        keyboard: Option<Keyboard>,
    ) -> Self {
        let Settings { access_lists, window, handler } = settings;
        Self {
            listener: Some(listener),
            mailbox,
            signals,
            calls,
            window,
            handler,
            keyboard,
            scratch: vec![0; READ_SIZE].into(),
            access_lists,
            lingering: Lingering::default(),
            spare: SpareDescriptor::new(),
            stdin: Keyboard::new(),
            resting: None,
            closing: None,
        }
    }

    /// Keeps the desk until it is told to end.
    ///
    /// # Errors
    /// A system call that cannot fail did, or the console's screen is gone.
    pub fn keep(&mut self) -> Result<()> {
        if let Some(listener) = &self.listener {
            self.calls.log(&format!("listening on {}", listener.local_addr()?));
        }
        self.calls.log(&format!("windows: {}", self.window));
        // Whoever started this and wants to know; most do not.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        while !self.is_over() {
            let ready = self.wait()?;
            // First: what a handler reports comes before what it shows.
            self.read_reports()?;
            if ready.typed {
                self.read_keyboard();
            }
            // Also lines that were typed before, when the screen did not keep up with them.
            self.obey();
            for call in ready.taking {
                self.flush_link(call);
            }
            for call in ready.showing {
                if self.calls.console.keeps_up() {
                    self.hear(call);
                }
            }
            if ready.calling {
                self.accept();
            }
            for signal in &self.signals.take() {
                match signal {
                    Signal::SIGCHLD => self.reap()?,
                    Signal::SIGINT | Signal::SIGTERM => self.close(),
                    Signal::SIGHUP if self.stdin.hung_up() => self.close(),
                    Signal::SIGHUP => self.reload(),
                    other => self.draw_anew(other)?,
                }
            }
        }
        Ok(())
    }

    /// Gives the terminal back. Calls that are still in the console have had their time to say
    /// goodbye.
    pub fn finish(&mut self) {
        self.hang_up_all();
        self.calls.console.finish();
        let _ = self.calls.console.flush(false);
    }

    /// Stops answering calls. The descriptor is closed at once, so that the next desk can have the
    /// port.
    pub(super) fn stop_listening(&mut self) {
        self.listener = None;
    }

    fn has_console(&self) -> bool {
        self.window == Window::Console
    }

    fn is_over(&self) -> bool {
        let Some(limit) = self.closing else { return false };
        let drained = !self.has_console() || self.calls.console.is_drained();
        Instant::now() >= limit || drained && self.calls.links().next().is_none()
    }

    /// Waits for calls, reports, keys, signals, and for whatever can move between handlers and
    /// console.
    fn wait(&mut self) -> Result<Ready> {
        let now = Instant::now();
        self.resting = self.resting.filter(|&until| now < until);
        let types = self.keyboard.as_ref().is_some_and(Keyboard::is_ours);
        self.calls.console.attend(types);
        self.flush(false)?;
        let away = (self.keyboard.is_some() && !types).then(|| now + BACKGROUND_PAUSE);
        let others = [self.lingering.deadline(), self.calls.deadline()];
        let deadline = [self.resting, self.closing, away].into_iter().chain(others).flatten().min();

        let (console, calls) = (&self.calls.console, &self.calls);
        let listener = self.listener.as_ref().filter(|_| self.resting.is_none());
        let epoll_set = calls.epoll_set();
        let mut interests = vec![
            Interest::read(&self.mailbox, true),
            Interest::write(console, console.waits_to_write()),
            Interest::read(epoll_set, console.keeps_up()),
        ];
        let blocked = || calls.links().filter(|(_, link)| link.waits_to_write());
        interests.extend(blocked().map(|(_, link)| Interest::write(link, true)));
        interests.extend(listener.map(|listener| Interest::read(listener, true)));
        let types = types && console.wants_keys();
        interests.extend(self.keyboard.as_ref().map(|keyboard| Interest::read(keyboard, types)));
        interests.extend(self.lingering.sockets().map(|call| Interest::read(call, true)));
        ready::poll(&mut interests, deadline, self.signals.mask())?;

        // In the order of the interests; the mailbox is always looked into.
        let mut ready = interests.iter().map(|interest| interest.ready).skip(1);
        let mut next = || ready.next().unwrap_or(false);
        let room = next();
        let showing = if next() { epoll_set.readable()? } else { Vec::new() };
        let taking = blocked().filter(|_| next()).map(|(number, _)| number).collect();
        let calling = listener.is_some() && next();
        let typed = self.keyboard.is_some() && next();
        self.lingering.clear(Instant::now());
        self.spare.refill();
        self.calls.log_left_out();
        self.calls.overdue(Instant::now()).into_iter().for_each(process::terminate);
        self.flush(room)?;
        Ok(Ready { calling, typed, showing, taking })
    }

    /// Writes to the console what there is room for. Without one there is only a log, which nobody
    /// has to read.
    fn flush(&mut self, room: bool) -> Result<()> {
        match self.calls.console.flush(room) {
            Err(error) if self.has_console() => {
                let what = "the console's screen is gone";
                Err(errors::failed(what, "keep standard output open")(error))
            }
            _ => Ok(()),
        }
    }

    /// Accepts one call and forks its helper. When the system has no descriptor left for it, the
    /// spare descriptor lets the caller in to be told so.
    fn accept(&mut self) {
        let Some(listener) = &self.listener else { return };
        let error = match listener.accept() {
            Ok((call, from)) => return self.receive(call, from),
            Err(error) => error,
        };
        if self.spare.spend(&error)
            && let Ok((call, from)) = listener.accept()
        {
            let number = self.calls.next_number();
            return self.refuse((number, call, from), NO_ROOM, &errors::reason(&error));
        }
        // The caller is gone again, or another process was faster.
        if !sys::would_block(&error) && error.kind() != ErrorKind::ConnectionAborted {
            let reason = errors::reason(&error);
            self.calls.log(&format!("cannot accept calls for a moment: {reason}"));
            self.resting = Some(Instant::now() + EXHAUSTED_PAUSE);
        }
    }

    fn receive(&mut self, call: TcpStream, from: SocketAddr) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let number = self.calls.next_number();
        if let Err(refusal) = self.access_lists.admission.admit(from.ip(), Instant::now()) {
            return self.refuse((number, call, from), &refusal.to_string(), "");
        }
        if let Err(error) = self.fork_helper(number, &call, from) {
            self.access_lists.admission.ended(from.ip());
            self.refuse((number, call, from), NO_ROOM, &errors::reason(&error));
        }
    }

    /// Tells a caller why the call is not taken; the log also says `why` that is.
    fn refuse(&mut self, call: (u32, TcpStream, SocketAddr), reason: &str, why: &str) {
        let (number, call, from) = call;
        let colon = if why.is_empty() { "" } else { ": " };
        let line = format!("call {number} from {from} refused: {reason}{colon}{why}");
        self.calls.log_turned_away(&line);
        self.lingering.refuse(call, reason, Instant::now());
    }

    /// Reads the rules of admission again; rules that cannot be read change nothing.
    fn reload(&mut self) {
        let said = match self.access_lists.reload() {
            Ok(()) => "access lists reloaded".into(),
            Err(error) => format!("access lists kept: {}", errors::reasons(&error)),
        };
        self.calls.log(&said);
    }

    fn fork_helper(&mut self, number: u32, call: &TcpStream, from: SocketAddr) -> io::Result<()> {
        let (link, handlers) = self.has_console().then(Link::pair).transpose()?.unzip();
        link.as_ref().map_or(Ok(()), |link| self.calls.gather(number, link))?;
        let helper = Helper {
            call,
            window: &self.window,
            handler: &self.handler,
            signals: &self.signals,
            reports: Address::new(self.mailbox.address(), number),
            console: handlers.as_ref(),
        };
        let mut keep = vec![call.as_fd()];
        keep.extend(handlers.as_ref().map(AsFd::as_fd));
        let pid = process::spawn(&keep, || helper.run())?;
        self.calls.begin(number, pid, from, link);
        Ok(())
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
            if let Some(from) = self.calls.end(pid, status) {
                self.access_lists.admission.ended(from.ip());
            }
        }
        Ok(())
    }
}

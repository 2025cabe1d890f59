//! The loop of a desk: calls, links, the operator and signals, whichever comes.
//!
//! Next door, `calls` knows what has become of each call, `arrivals` holds what is not a call yet,
//! and `operator` is the person at this terminal. The invariant: nothing here waits for anything
//! but in the one poll(2).

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::access_lists::Sources;
use super::admission::Admission;
use super::arrivals::{Arrival, Arrivals};
use super::calls::{Action, Calls};
use super::helper::{Helper, Settings};
use super::link::{Links, Received};
use super::operator::Operator;
use crate::errors;
use crate::session::link::Upward;
use crate::sys::process;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::terminal::console::Order;
use crate::window::Profile;

/// The signals of a desk: three that end it, one that says that a process of a call has ended.
pub const SIGNALS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD];
/// How long the calls in the console may take to say goodbye when the desk ends.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);
/// What a caller is told for whom no descriptor, process or memory is left.
const NO_ROOM: &str = "the desk has no room for another call; try again later";
/// Bytes read at once from the keyboard or a link.
const READ_SIZE: usize = 64 * 1024;

pub struct Desk {
    arrivals: Arrivals,
    calls: Calls,
    links: Links,
    operator: Operator,
    signals: Signals,
    /// Counts a call from [`Admission::admit`] until [`Action::Release`], or a fork that fails.
    admission: Admission,
    access_lists: Sources,
    settings: Settings,
    window: Profile,
    scratch: Box<[u8]>,
    /// The desk ends when no call is in the console any more, or at this time.
    closing: Option<Instant>,
    /// Why the console has no screen any more.
    screenless: Option<anyhow::Error>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy)]
enum Token {
    /// The screen has room.
    Screen,
    Keyboard,
    /// The link of this call has room.
    Room(u32),
    /// Links can be read.
    Links,
    Listener,
    /// A rejected caller has sent something, or closed.
    Rejected,
}

impl Desk {
    /// # Errors
    /// epoll_create1(2) failed: too many open descriptors.
    pub fn new(
        listener: TcpListener,
        operator: Operator,
        signals: Signals,
        admission: Admission,
        access_lists: Sources,
        settings: Settings,
        window: Profile,
    ) -> io::Result<Self> {
        Ok(Self {
            arrivals: Arrivals::new(listener),
            calls: Calls::new(window),
            links: Links::new()?,
            operator,
            signals,
            admission,
            access_lists,
            settings,
            window,
            scratch: vec![0; READ_SIZE].into(),
            closing: None,
            screenless: None,
        })
    }

    /// Keeps the desk until it is told to end. Tokens come in the order of their interests: an
    /// operator's line goes to the caller it was typed for before that caller's end is read, and
    /// links are read before the next call. Signals come last: a process reports before it ends.
    ///
    /// # Errors
    /// A system call that cannot fail did, or the console's screen is gone.
    pub fn keep(&mut self) -> Result<()> {
        while !self.is_over() {
            for token in self.wait()? {
                match token {
                    Token::Screen => self.flush(true),
                    Token::Keyboard => {
                        self.operator.read(&mut self.scratch);
                        self.obey_operator();
                    }
                    Token::Room(call) => self.links.flush(call),
                    Token::Links => self.read_links()?,
                    Token::Listener => self.accept(),
                    Token::Rejected => {}
                }
            }
            self.keep_time(Instant::now());
            self.obey_signals()?;
        }
        self.screenless.take().map_or(Ok(()), Err)
    }

    /// Restores the terminal. Calls that are still in the console have had their time to say
    /// goodbye; those in windows go on.
    pub fn finish(&mut self) {
        if self.window.shown_here {
            self.hang_up_all();
        }
        self.operator.finish();
    }

    fn is_over(&self) -> bool {
        let Some(limit) = self.closing else { return false };
        let said = self.operator.console.is_drained() && self.links.is_empty();
        !self.window.shown_here || said || Instant::now() >= limit
    }

    /// Waits until there is something to do.
    fn wait(&mut self) -> Result<Vec<Token>> {
        let types = self.operator.attend();
        self.flush(false);
        let now = Instant::now();
        let deadlines = [
            self.arrivals.deadline(),
            self.calls.deadline(),
            self.operator.deadline(types, now),
            self.closing,
        ];
        let deadline = deadlines.into_iter().flatten().min();
        let console = &self.operator.console;
        let mut interests = vec![
            Interest::write(console, console.waits_to_write()).token(Token::Screen),
            Interest::read(self.operator.keyboard(), types && console.wants_keys())
                .token(Token::Keyboard),
        ];
        let room = |(call, link)| Interest::write(link, true).token(Token::Room(call));
        interests.extend(self.links.blocked().map(room));
        interests.push(Interest::read(&self.links, self.hears()).token(Token::Links));
        let listener = self.arrivals.listener();
        interests.extend(listener.map(|fd| Interest::read(fd, true).token(Token::Listener)));
        let rejected = self.arrivals.rejected();
        interests.extend(rejected.map(|fd| Interest::read(fd, true).token(Token::Rejected)));
        ready::poll(&mut interests, deadline, self.signals.mask())?;
        Ok(ready::tokens(&interests).collect())
    }

    /// Writes to the screen. With `room`, it takes more answers to what was typed ahead.
    fn flush(&mut self, room: bool) {
        if let Err(error) = self.operator.flush(room) {
            self.screenless.get_or_insert(error);
            self.on_terminal_gone();
        } else if room {
            self.obey_operator();
        }
    }

    /// Ends the desk politely. Both a signal and a failed write say that the terminal is gone: the
    /// second of them is not a person who asks again.
    fn on_terminal_gone(&mut self) {
        if self.closing.is_none() {
            self.close();
        }
    }

    /// Does what is due without anything having come.
    fn keep_time(&mut self, now: Instant) {
        self.arrivals.tend(now);
        self.calls.on_time(now);
        self.act();
        self.operator.keep_time(now);
    }

    fn obey_signals(&mut self) -> Result<()> {
        for signal in &self.signals.take() {
            match signal {
                Signal::SIGCHLD => self.reap(),
                Signal::SIGINT if !self.operator.console.interrupt() => {}
                Signal::SIGINT | Signal::SIGTERM => self.close(),
                Signal::SIGHUP if self.operator.hung_up() => self.on_terminal_gone(),
                Signal::SIGHUP => self.reload(),
                other => self.operator.on_signal(other, &self.signals)?,
            }
        }
        Ok(())
    }

    /// Does what the table of calls asks for.
    fn act(&mut self) {
        while let Some(action) = self.calls.poll_action() {
            match action {
                Action::Log(line) => self.operator.log(&line),
                Action::LogRejected(line) => self.operator.log_rejected(&line, Instant::now()),
                Action::Show { call, name, from } => {
                    self.operator.console.begin(call, name.as_bytes(), from);
                }
                Action::Hide(call) => self.operator.console.end(call),
                Action::Terminate(pid) => process::terminate(pid),
                Action::Release(call) => {
                    self.links.close(call);
                    self.admission.ended(call);
                }
            }
        }
    }

    fn accept(&mut self) {
        let now = Instant::now();
        match self.arrivals.accept(now) {
            Arrival::Call(call, from) => self.receive(call, from, now),
            Arrival::NoRoom(call, from, why) => {
                let number = self.calls.next_number();
                self.reject(number, call, from, NO_ROOM, &errors::reason(&why));
            }
            Arrival::Pause(why) => self
                .operator
                .log(&format!("cannot accept calls for a moment: {}", errors::reason(&why))),
            Arrival::Nobody => {}
        }
    }

    fn receive(&mut self, call: TcpStream, from: SocketAddr, now: Instant) {
        let number = self.calls.next_number();
        let at = call.local_addr().ok().map(|at| at.ip());
        if let Err(refusal) = self.admission.admit(number, from.ip(), at, now) {
            return self.reject(number, call, from, &refusal.to_string(), "");
        }
        if let Err(error) = self.fork_helper(number, &call, from) {
            self.links.close(number);
            self.admission.ended(number);
            self.reject(number, call, from, NO_ROOM, &errors::reason(&error));
        }
    }

    /// Tells a caller why the call is rejected; the log also says `why` that is.
    fn reject(&mut self, number: u32, call: TcpStream, from: SocketAddr, reason: &str, why: &str) {
        let colon = if why.is_empty() { "" } else { ": " };
        let line = format!("call {number} from {from} refused: {reason}{colon}{why}");
        self.operator.log_rejected(&line, Instant::now());
        self.arrivals.reject(call, reason, Instant::now());
    }

    fn fork_helper(&mut self, number: u32, call: &TcpStream, from: SocketAddr) -> io::Result<()> {
        let link = self.links.open(number)?;
        let (settings, signals) = (&self.settings, &self.signals);
        let helper = Helper { number, call, from, link: &link, settings, signals };
        let pid = process::spawn(&[call.as_fd(), link.as_fd()], || helper.run())?;
        self.calls.begin(number, pid, from);
        Ok(())
    }

    /// Reads each link that can be read, once: a process that never stops talking gets no more than
    /// its turn.
    fn read_links(&mut self) -> Result<()> {
        for call in self.links.readable()? {
            if self.hears() {
                self.read_link(call);
            }
        }
        Ok(())
    }

    /// Whether links are read: where conversations are shown, a screen that takes no more holds the
    /// callers back.
    fn hears(&self) -> bool {
        !self.window.shown_here || self.operator.console.keeps_up()
    }

    /// Reads what has arrived on a link, and takes each frame that is whole.
    fn read_link(&mut self, call: u32) {
        let Some(link) = self.links.get(call) else { return };
        let received = link.receive(&mut self.scratch);
        let mut frames = mem::take(&mut link.frames);
        let understood = match received {
            Received::Nothing => true,
            Received::End => false,
            Received::Bytes(count) => {
                let scratch = mem::take(&mut self.scratch);
                let take = |tag, payload: &[u8]| self.take(call, Upward::decode(tag, payload));
                let fed = frames.feed(&scratch[..count], take);
                self.scratch = scratch;
                fed.is_ok()
            }
        };
        match self.links.get(call) {
            Some(link) if understood => link.frames = frames,
            _ => {
                self.links.close(call);
                self.calls.on_link_end(call);
                self.act();
            }
        }
    }

    /// Takes a message from the process of a call; what this version does not know is skipped.
    fn take(&mut self, call: u32, message: Option<Upward<'_>>) {
        match message {
            Some(Upward::Report(report)) => {
                self.calls.on_report(call, report, Instant::now());
                self.act();
            }
            Some(Upward::Event(event)) if self.calls.is_shown(call) => {
                self.operator.show(call, event);
            }
            Some(Upward::Event(_)) | None => {}
        }
    }

    /// Notes the processes that have ended. How a call ended is concluded once its link was read to
    /// the end.
    fn reap(&mut self) {
        for (pid, exit) in process::reap() {
            self.calls.on_exit(pid, exit, Instant::now());
        }
        self.act();
    }

    /// Reads the access lists again; lists that cannot be read change nothing.
    fn reload(&mut self) {
        match self.access_lists.read() {
            Ok(rules) => {
                self.admission.replace_rules(rules);
                self.operator.log("access lists reloaded");
            }
            Err(error) => {
                self.operator.log(&format!("access lists kept: {}", errors::reasons(&error)));
            }
        }
    }

    /// Does what the operator has asked for, as far as the screen keeps up with the answers.
    fn obey_operator(&mut self) {
        while let Some(order) = self.operator.order() {
            match order {
                Order::Say { calls, text } => calls.iter().for_each(|&call| self.say(call, &text)),
                Order::HangUp(call) => self.hang_up(call),
                Order::Quit => self.close(),
            }
        }
    }

    fn say(&mut self, call: u32, text: &[u8]) {
        let Some(link) = self.links.get(call) else { return };
        let console = &mut self.operator.console;
        match link.say(text) {
            Ok(()) => console.said(call, text),
            Err(why) => console.unsaid(call, why.words()),
        }
    }

    /// Asks the handler of a call to say goodbye. The second time, a signal asks: a handler that
    /// waits for a caller who does not read does not read its link.
    fn hang_up(&mut self, call: u32) {
        let Some(link) = self.links.get(call) else { return };
        if link.hang_up() {
            self.calls.process(call).into_iter().for_each(process::terminate);
        }
    }

    fn hang_up_all(&mut self) {
        self.links.calls().into_iter().for_each(|call| self.hang_up(call));
    }

    /// Ends the desk: at once where calls have their own windows. Calls in the console get a little
    /// time to say goodbye, unless this is asked for again.
    fn close(&mut self) {
        self.arrivals.stop_listening();
        let (again, now) = (self.closing.is_some(), Instant::now());
        self.closing = Some(if again { now } else { now + CLOSING_LIMIT });
        if self.window.shown_here && !again && !self.links.is_empty() {
            let notice = "saying goodbye to everybody; repeat to quit immediately";
            self.operator.console.notice(notice);
            self.hang_up_all();
        }
    }
}

//! The one loop of a conversation, shared by client and handler: waits in select for keyboard,
//! socket and screen, and does what the conversation says.
//!
//! Nothing here ever blocks but that wait. The invariant: memory is bounded, because the keyboard
//! is read only while little waits to be sent and the socket only while little waits to be shown.

use std::io::{self, ErrorKind};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::buffer::ReadSize;
use crate::errors;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Action, CLOSED, End, Goodbye, Input};
use crate::protocol::frame;
use crate::session::liveness::{Liveness, Look};
use crate::session::observer::{Decision, Decisions, Observer};
use crate::session::outcome::{Ended, How};
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::{self, Signals};
use crate::sys::sockets;
use crate::terminal::output::Outputs;
use crate::terminal::{Change, Event, Terminal, Typed};

/// The signals that ask a conversation to end.
pub(super) const LEAVING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
/// The signals that ask a terminal with an editor to draw itself anew.
const DRAWING: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];
/// How often to look whether what was sent was acknowledged, in seconds. The alarm for it is set
/// once, and costs nothing where a timeout would be set anew for every wait.
const LOOK_EVERY: u32 = 10;
/// Bytes that may wait for the screen before the socket is read no further.
const SCREEN_LIMIT: usize = 256 * 1024;

/// Who types on standard input.
pub fn input() -> Input {
    if Keyboard::new().is_terminal() { Input::Person } else { Input::Stream }
}

/// Watches the signals that an engine with this terminal obeys.
///
/// # Errors
/// sigaction(2) or sigprocmask(2) failed.
pub fn watch(terminal: &dyn Terminal) -> io::Result<Signals> {
    let drawing = if terminal.edits() { &DRAWING[..] } else { &[] };
    Ok(Signals::watch(&[&LEAVING, &[Signal::SIGALRM][..], drawing].concat())?)
}

/// Why the loop stops before the conversation has ended.
pub(super) enum Stop {
    Unshown(io::Error),
    Wait(io::Error),
}

/// A conversation with its socket, its terminal and its signals.
pub struct Engine<'a> {
    socket: OwnedFd,
    conversation: Conversation,
    terminal: &'a mut dyn Terminal,
    signals: &'a Signals,
    observer: &'a mut dyn Observer,
    decisions: Option<&'a mut dyn Decisions>,
    keyboard: Keyboard,
    /// The time when the last wait was over: what is done between two waits happens at once.
    now: Instant,
    /// What was read from the keyboard last.
    scratch: Vec<u8>,
    read_size: ReadSize,
    /// The keyboard has not come to its end.
    typing: bool,
    /// The last send found no room: wait for select before the next.
    send_blocked: bool,
    liveness: Liveness,
    /// Something that the other end said has not been written out.
    unshown: bool,
    /// The person here, or a signal, has asked to leave.
    leaving: bool,
    /// When the conversation has taken too long, and how long that is.
    limit: Option<(Instant, Duration)>,
}

impl<'a> Engine<'a> {
    /// An engine that tells `observer` of each step.
    pub fn new(
        socket: OwnedFd,
        conversation: Conversation,
        terminal: &'a mut dyn Terminal,
        signals: &'a Signals,
        observer: &'a mut dyn Observer,
    ) -> Self {
        sockets::prepare(&socket);
        Self {
            socket,
            conversation,
            terminal,
            signals,
            observer,
            decisions: None,
            keyboard: Keyboard::new(),
            now: Instant::now(),
            scratch: Vec::new(),
            read_size: ReadSize::default(),
            typing: true,
            send_blocked: false,
            liveness: Liveness::default(),
            unshown: false,
            leaving: false,
            limit: None,
        }
    }

    /// Ends the conversation at `at`, which is after `limit`, if it has not ended before.
    pub fn limit(&mut self, at: Instant, limit: Duration) {
        self.limit = Some((at, limit));
    }

    /// Obeys what the server decides about the call, until it decides nothing more.
    pub fn obey(&mut self, decisions: &'a mut dyn Decisions) {
        self.decisions = Some(decisions);
    }

    /// Runs the conversation to its end and shows everything that came before that.
    ///
    /// # Errors
    /// select(2) failed.
    pub fn run(mut self) -> io::Result<Ended> {
        let how = match self.converse() {
            Ok(how) => how,
            Err(Stop::Unshown(error)) => {
                let closed = error.kind() == ErrorKind::BrokenPipe;
                How::Unshown { why: errors::reason(&error), closed }
            }
            Err(Stop::Wait(error)) => return Err(error),
        };
        // A side that cannot vouch for what it has received must not end like one that can
        // (docs/PROTOCOL.md, "Endings").
        if matches!(how, How::Unshown { .. } | How::Over(End::NotConfirmed)) {
            sockets::reset(self.socket.as_fd());
        }
        let ended = Ended::new(how, &self.conversation, self.leaving);
        self.observer.on_ended(&ended);
        Ok(ended)
    }

    fn converse(&mut self) -> Result<How, Stop> {
        loop {
            self.send();
            self.flush()?;
            if let Some(end) = self.act() {
                let how = How::Over(end);
                self.terminal.show(Event::Ended { lost: how.is_lost() });
                if how != How::Over(End::NotConfirmed) {
                    self.show_all()?;
                }
                return Ok(how);
            }
            if !self.can_move() {
                self.wait()?;
            }
        }
    }

    /// Does what the conversation says, as long as the screen keeps up; returns its end.
    fn act(&mut self) -> Option<End> {
        let now = self.now;
        self.conversation.on_tick(now);
        if let Some((_, limit)) = self.limit.take_if(|(at, _)| now >= *at) {
            self.conversation.expire(limit, now);
        }
        if let Some(reads) = self.liveness.change(now) {
            self.terminal.show(Event::Reading(reads));
        }
        if !self.screen_keeps_up() && !self.conversation.has_given_up() {
            return None;
        }
        // All that has been received; more than fits in the inbox it cannot be.
        loop {
            match self.conversation.poll(now) {
                Some(Action::Answered(name)) => {
                    let name = name.clone();
                    // The caller waits for our HELLO, and nobody for what is said about it.
                    self.send();
                    self.terminal.show(Event::Answered { name: name.as_bytes() });
                    self.observer.on_answered(&name);
                }
                Some(Action::Show { text, complete }) => {
                    self.unshown = true;
                    self.terminal.show(Event::Text { text, complete });
                    self.observer.on_heard(text, complete);
                }
                Some(Action::Left(reason)) => {
                    self.terminal.show(Event::Left { reason });
                    self.observer.on_left(reason);
                }
                Some(Action::Shutdown) => sockets::shut_sending(self.socket.as_fd()),
                Some(Action::End(end)) => return Some(end),
                None => break,
            }
        }
        if self.terminal.waiting() == 0 && self.conversation.on_shown(now) {
            return self.act();
        }
        None
    }

    fn screen_keeps_up(&mut self) -> bool {
        self.terminal.waiting() < SCREEN_LIMIT
    }

    /// Whether something waits that can go out now.
    fn can_move(&mut self) -> bool {
        let sends = !self.send_blocked && !self.conversation.outgoing().is_empty();
        let paints = self.terminal.waiting() > self.terminal.outputs().screen.waiting();
        sends
            || self.terminal.outputs().can_write()
            || paints && !self.terminal.outputs().screen.blocked()
    }

    /// Waits until something can be moved, and takes in what has come.
    fn wait(&mut self) -> Result<(), Stop> {
        let limit = self.limit.map(|(at, _)| at);
        let deadlines = [self.conversation.deadline(), self.liveness.deadline(), limit];
        let deadline = deadlines.into_iter().flatten().min();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(self.now));
        let types = self.typing && (self.terminal.edits() || self.conversation.wants_input());
        let hears = self.screen_keeps_up() && self.conversation.room().is_some();
        let Outputs { screen, notices } = self.terminal.outputs();
        let decided = self.decisions.as_ref().map_or(self.socket.as_fd(), |fd| fd.as_fd());
        let mut interests = [
            Interest::read(&decided, self.decisions.is_some()),
            Interest::read(&self.keyboard, types),
            Interest::read(&self.socket, hears),
            Interest::write(&self.socket, self.send_blocked),
            Interest::write(screen, screen.blocked()),
            Interest::write(notices, notices.blocked()),
        ];
        let waited = ready::select(&mut interests, timeout, self.signals.mask());
        self.now = Instant::now();
        waited.map_err(Stop::Wait)?;

        let [decides, typed, heard, sends, shows, notes] = interests.map(|interest| interest.ready);
        screen.unblock(shows);
        notices.unblock(notes);
        self.send_blocked &= !sends;
        if decides {
            self.obey_decisions();
        }
        if typed {
            self.read_keyboard()?;
        }
        if heard {
            self.receive();
        }
        self.obey_signals()
    }

    fn read_keyboard(&mut self) -> Result<(), Stop> {
        self.scratch.resize(self.read_size.get(), 0);
        match self.keyboard.read(&mut self.scratch) {
            Ok(0) if !self.keyboard.hung_up() => {
                self.typing = false;
                self.typed(0);
                // A person who ends their input wants to go; a file has only come to its end.
                let goodbye = match self.conversation.input() {
                    Input::Person => Goodbye::Leaving(""),
                    Input::Stream | Input::WaitForPeer => Goodbye::InputEnded,
                };
                self.conversation.leave(goodbye, self.now);
            }
            Ok(count) if count > 0 => self.typed(count),
            Err(error) if sys::would_block(&error) => {}
            // Keyboard and screen are one socket, whose other end was closed before it had read
            // everything (unix(7)).
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(Stop::Unshown(error));
            }
            Ok(_) | Err(_) => {
                self.typing = false;
                self.window_closed()?;
            }
        }
        Ok(())
    }

    /// Takes the first `count` bytes of the scratch as typed.
    fn typed(&mut self, count: usize) {
        self.read_size.came(count);
        let (conversation, observer, now) = (&mut self.conversation, &mut self.observer, self.now);
        let open = conversation.wants_input();
        let mut leaves = false;
        self.terminal.typed(&self.scratch[..count], open, &mut |typed| match typed {
            Typed::Line(line) => {
                if conversation.say(line.as_bytes(), true, now) {
                    observer.on_said(line.as_bytes(), true);
                }
            }
            Typed::Text(text) => {
                for (text, complete) in frame::pieces(text) {
                    if conversation.say(text, complete, now) {
                        observer.on_said(text, complete);
                    }
                }
            }
            Typed::Leave => leaves = true,
        });
        if leaves {
            self.leaving = true;
            self.leave("");
        }
    }

    /// Says goodbye for a terminal that is gone. A goodbye vouches for all that has arrived, so
    /// first it must turn out that this can still be shown.
    fn window_closed(&mut self) -> Result<(), Stop> {
        self.receive();
        self.act();
        self.flush()?;
        self.leave("the window was closed");
        Ok(())
    }

    fn receive(&mut self) {
        let Some(room) = self.conversation.room() else { return };
        match sockets::receive(self.socket.as_fd(), room) {
            Ok(0) => self.conversation.on_closed(),
            Ok(count) => self.conversation.on_received(count, self.now),
            Err(error) if sys::would_block(&error) => {}
            Err(error) => self.conversation.on_receive_failed(errors::reason(&error)),
        }
    }

    fn send(&mut self) {
        while !self.send_blocked && !self.conversation.outgoing().is_empty() {
            match sockets::send(self.socket.as_fd(), self.conversation.outgoing()) {
                Ok(count) => {
                    self.conversation.on_sent(count, self.now);
                    if self.liveness.sent(self.now) {
                        signals::alarm(LOOK_EVERY);
                    }
                }
                Err(error) if sys::would_block(&error) => {
                    self.send_blocked = true;
                    self.liveness.full(self.now);
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    self.conversation.on_send_failed(CLOSED.into(), self.now);
                }
                Err(error) => {
                    self.conversation.on_send_failed(errors::reason(&error), self.now);
                }
            }
        }
    }

    /// Gives the connection up when the other host is gone.
    fn look(&mut self) {
        let unanswered = sockets::unacknowledged(self.socket.as_fd());
        match self.liveness.looked(self.now, unanswered) {
            Look::Done => {}
            Look::Again => signals::alarm(LOOK_EVERY),
            Look::Gone => {
                let gone = Errno::ETIMEDOUT.into();
                self.conversation.on_receive_failed(errors::reason(&gone));
            }
        }
    }

    /// Writes to the terminal what there is room for. A window that closes takes a picture of the
    /// prompt with it: that is no loss.
    fn flush(&mut self) -> Result<(), Stop> {
        self.terminal.paint();
        match self.terminal.outputs().flush() {
            Ok(()) => self.unshown &= self.terminal.waiting() > 0,
            Err(_) if !self.unshown && self.keyboard.hung_up() => {}
            Err(error) => return Err(Stop::Unshown(error)),
        }
        Ok(())
    }

    /// Writes out what still waits for the screen.
    fn show_all(&mut self) -> Result<(), Stop> {
        match drain(self.terminal, self.signals) {
            Err(Stop::Unshown(_)) if !self.unshown && self.keyboard.hung_up() => Ok(()),
            result => result,
        }
    }

    fn obey_decisions(&mut self) {
        loop {
            let Some(decisions) = &mut self.decisions else { return };
            match decisions.poll_decision() {
                Ok(Some(Decision::HangUp)) => self.leave(""),
                Ok(None) => return,
                Err(_) => self.decisions = None,
            }
        }
    }

    /// The first signal to leave is polite, the next one leaves at once. A hangup may come twice,
    /// from the window and from the system, and is never impatient.
    fn obey_signals(&mut self) -> Result<(), Stop> {
        for signal in &self.signals.take() {
            match signal {
                _ if DRAWING.contains(&signal) => {
                    redraw(self.terminal, self.signals, &self.keyboard, signal)
                        .map_err(Stop::Wait)?;
                    self.now = Instant::now();
                }
                Signal::SIGALRM => self.look(),
                Signal::SIGHUP => {
                    self.leaving = true;
                    self.window_closed()?;
                }
                _ if mem::replace(&mut self.leaving, true) => self.conversation.give_up(),
                Signal::SIGTERM => self.leave("terminated"),
                _ => self.leave(""),
            }
        }
        Ok(())
    }

    fn leave(&mut self, reason: &str) {
        self.conversation.leave(Goodbye::Leaving(reason), self.now);
    }
}

/// Writes out what still waits for the screen, however slow its reader is, until a signal asks to
/// leave.
pub(super) fn drain(terminal: &mut dyn Terminal, signals: &Signals) -> Result<(), Stop> {
    loop {
        terminal.paint();
        terminal.outputs().flush().map_err(Stop::Unshown)?;
        let asked = signals.take().iter().any(|signal| LEAVING.contains(&signal));
        if terminal.waiting() == 0 || asked {
            return Ok(());
        }
        let screen = &mut terminal.outputs().screen;
        let mut interests = [Interest::write(&*screen, screen.blocked())];
        let timeout = if screen.blocked() { None } else { Some(Duration::ZERO) };
        ready::select(&mut interests, timeout, signals.mask()).map_err(Stop::Wait)?;
        let shows = interests[0].ready;
        screen.unblock(shows);
    }
}

/// Does what a signal says about the terminal.
pub(super) fn redraw(
    terminal: &mut dyn Terminal,
    signals: &Signals,
    keyboard: &Keyboard,
    signal: Signal,
) -> io::Result<()> {
    match signal {
        // A hangup continues a stopped process (setpgid(2)), whose terminal cannot be drawn on any
        // more.
        _ if keyboard.hung_up() => {}
        Signal::SIGWINCH => terminal.change(Change::Resize),
        Signal::SIGTSTP => {
            terminal.change(Change::Suspend);
            // What finds no room now is written when it goes on.
            let _ = terminal.outputs().flush();
            signals.stop()?;
            terminal.change(Change::Resume);
        }
        Signal::SIGCONT => terminal.change(Change::Resume),
        _ => {}
    }
    Ok(())
}

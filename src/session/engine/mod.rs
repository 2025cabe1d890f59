//! The one loop of a conversation, shared by client and handler: waits for keyboard, socket and
//! screen, and does what the conversation says.
//!
//! Next door, `requests` is what the person, signals and the server ask for, `progress` how much is
//! on the screen, `recent` what a person said last, `drain` the wait for a slow screen, and
//! `closing` what comes after the end. Nothing blocks but the one wait in select(2). The invariant:
//! memory is bounded, because the keyboard is read only while little waits to be sent, and the
//! socket only while little waits to be shown.

mod drain;
mod progress;
mod recent;
mod requests;

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::buffer::ReadSize;
use crate::errors;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Action, CLOSED, End, Input};
use crate::protocol::limits::LINGER_LIMIT;
use crate::session::liveness::{Liveness, Look};
use crate::session::observer::{Decisions, Observer};
use crate::session::outcome::{Ended, How};
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::{self, Signals};
use crate::sys::sockets;
use crate::terminal::output::Outputs;
use crate::terminal::{Event, Terminal};

pub(super) use drain::drain;
use progress::Progress;
use recent::Recent;
pub use requests::watch;
pub(super) use requests::{LEAVING, redraw};

/// How often to look whether the peer's host acknowledges what is sent, in seconds. An alarm does
/// it, because a timeout would have to be set again for every wait.
const LOOK_EVERY: u32 = 10;
/// Bytes that may wait for the screen before the socket is read no further.
const SCREEN_LIMIT: usize = 256 * 1024;
/// Bytes that may wait for the screen before the keyboard is not read: commands and refused lines
/// make rows too. It is higher, so that a peer who says much does not keep the person from leaving.
pub(super) const KEYS_LIMIT: usize = 2 * SCREEN_LIMIT;

/// Who types on standard input.
pub fn input() -> Input {
    if Keyboard::new().is_terminal() { Input::Person } else { Input::Stream }
}

/// Why the loop stops before the conversation has ended.
pub(super) enum Stop {
    /// What the peer said cannot be written.
    Unshown(io::Error),
    /// select(2) failed.
    Wait(io::Error),
}

/// What the wait reports, in the order in which it is handled.
#[derive(Debug, Clone, Copy)]
enum Token {
    ScreenHasRoom,
    NoticesHaveRoom,
    SocketHasRoom,
    Decided,
    Typed,
    Received,
}

/// A conversation with its socket, its terminal and its signals.
pub struct Engine<'a> {
    socket: OwnedFd,
    conversation: Conversation,
    terminal: &'a mut dyn Terminal,
    signals: &'a Signals,
    observer: &'a mut dyn Observer,
    /// `None` when no server decides about the call, or not any more.
    decisions: Option<&'a mut dyn Decisions>,
    keyboard: Keyboard,
    /// When the last wait was over: what is done between two waits happens at one time.
    now: Instant,
    /// What was read from the keyboard last.
    scratch: Vec<u8>,
    read_size: ReadSize,
    /// The keyboard has not come to its end.
    typing: bool,
    /// The last send found no room: wait for select(2) before the next.
    send_blocked: bool,
    liveness: Liveness,
    progress: Progress,
    /// What a person said here last.
    recent: Recent,
    /// Why the input could not be read to its end.
    unread: Option<String>,
    /// The person, a signal or the server has asked to leave.
    asked: bool,
    /// Nothing waits for the screen any more.
    hurried: bool,
    /// When the conversation has taken too long, and how long that is.
    limit: Option<(Instant, Duration)>,
    /// When to stop waiting for the screen.
    bound: Option<Instant>,
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
            progress: Progress::default(),
            recent: Recent::default(),
            unread: None,
            asked: false,
            hurried: false,
            limit: None,
            bound: None,
        }
    }

    /// Ends the conversation at `at`, which is after `limit`, if it has not ended before. The peer
    /// and the screen get [`LINGER_LIMIT`] more.
    pub fn limit(&mut self, at: Instant, limit: Duration) {
        self.limit = Some((at, limit));
        self.bound = Some(at + LINGER_LIMIT);
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
            Ok(end) => match self.unread.take() {
                Some(why) if end == End::Done => How::Unread { why },
                _ => How::Over(end),
            },
            Err(Stop::Unshown(error)) => {
                let closed = error.kind() == ErrorKind::BrokenPipe;
                How::Unshown { why: errors::reason(&error), closed }
            }
            Err(Stop::Wait(error)) => return Err(error),
        };
        // A side that cannot promise that everything was shown must not end like one that can
        // (docs/PROTOCOL.md, "Endings").
        if matches!(how, How::Unshown { .. } | How::Over(End::NotConfirmed)) {
            sockets::reset(self.socket.as_fd());
        }
        let (asked, hurried) = (self.asked, self.hurried);
        let ended = Ended { asked, hurried, ..Ended::new(how, &self.conversation) };
        self.observer.on_ended(&ended);
        Ok(ended)
    }

    fn converse(&mut self) -> Result<End, Stop> {
        loop {
            self.send();
            self.flush()?;
            if let Some(end) = self.act() {
                self.conclude(&end)?;
                return Ok(end);
            }
            if !self.can_move() {
                self.wait()?;
            }
        }
    }

    /// Says how it ended, names the lines that are unconfirmed, and writes what waits.
    fn conclude(&mut self, end: &End) -> Result<(), Stop> {
        self.terminal.show(Event::Ended { lost: end.is_lost() });
        let unconfirmed = self.conversation.lines() - self.conversation.confirmed();
        for notice in self.recent.notices(unconfirmed) {
            self.terminal.show(Event::Notice(&notice));
        }
        self.hurried |= *end == End::NotConfirmed;
        if self.hurried { Ok(()) } else { self.drain() }
    }

    /// Does what the conversation says, as long as the screen keeps up; returns its end.
    fn act(&mut self) -> Option<End> {
        let now = self.now;
        self.conversation.on_tick(now);
        if let Some((_, limit)) = self.limit.take_if(|(at, _)| now >= *at) {
            self.conversation.expire(limit, now);
        }
        if let Some(reads) = self.liveness.poll_reading(now) {
            self.terminal.show(Event::Reading(reads));
        }
        if !self.screen_keeps_up() && !self.conversation.is_deaf() {
            return None;
        }
        // Everything that has been received is shown without another look at the screen: it is one
        // inbox at most.
        loop {
            match self.conversation.poll(now) {
                Some(Action::Answered(name)) => {
                    let name = name.clone();
                    // Our HELLO first: the caller waits for it.
                    self.send();
                    self.terminal.show(Event::Answered { name: name.as_bytes() });
                    self.observer.on_answered(&name);
                }
                Some(Action::Show { text, complete }) => {
                    self.terminal.show(Event::Text { text, complete });
                    self.observer.on_heard(text, complete);
                }
                Some(Action::Left(reason)) => {
                    self.terminal.show(Event::Left { reason });
                    self.observer.on_left(reason);
                }
                Some(Action::Shutdown) => sockets::shut_sending(self.socket.as_fd()),
                Some(Action::End(end)) => return Some(end),
                None => {
                    if !self.look_at_screen() {
                        return None;
                    }
                }
            }
        }
    }

    /// Tells the conversation how much is shown; returns whether to poll again because of that.
    fn look_at_screen(&mut self) -> bool {
        let (heard, waiting) = (self.conversation.heard(), self.terminal.waiting());
        let screen = &self.terminal.outputs().screen;
        let shown = self.progress.look(heard, waiting, screen.waiting(), screen.written());
        self.conversation.on_shown(shown, self.now)
    }

    fn screen_keeps_up(&mut self) -> bool {
        self.terminal.waiting() < SCREEN_LIMIT
    }

    /// Whether the keyboard is to be read.
    fn wants_keys(&mut self) -> bool {
        let welcome = self.terminal.edits() || self.conversation.wants_input();
        self.typing && welcome && self.terminal.waiting() < KEYS_LIMIT
    }

    /// Whether something waits that can be sent or written now.
    fn can_move(&mut self) -> bool {
        let sends = !self.send_blocked && !self.conversation.outgoing().is_empty();
        let unpainted = self.terminal.waiting() > self.terminal.outputs().screen.waiting();
        let outputs = self.terminal.outputs();
        sends || outputs.can_write() || unpainted && !outputs.screen.blocked()
    }

    /// Waits until something can be moved, and takes in what has come.
    fn wait(&mut self) -> Result<(), Stop> {
        let limit = self.limit.map(|(at, _)| at);
        let deadlines = [self.conversation.deadline(), self.liveness.deadline(), limit];
        let deadline = deadlines.into_iter().flatten().min();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(self.now));
        let types = self.wants_keys();
        let receives = self.screen_keeps_up() && self.conversation.room().is_some();
        let link = self.decisions.as_ref().map(|decisions| decisions.as_fd());
        let decided = link.unwrap_or(self.socket.as_fd());
        let Outputs { screen, notices } = self.terminal.outputs();
        let (screen, notices) = (&*screen, &*notices);
        let mut interests = [
            Interest::write(screen, screen.blocked()).token(Token::ScreenHasRoom),
            Interest::write(notices, notices.blocked()).token(Token::NoticesHaveRoom),
            Interest::write(&self.socket, self.send_blocked).token(Token::SocketHasRoom),
            Interest::read(&decided, link.is_some()).token(Token::Decided),
            Interest::read(&self.keyboard, types).token(Token::Typed),
            Interest::read(&self.socket, receives).token(Token::Received),
        ];
        let waited = ready::select(&mut interests, timeout, self.signals.mask());
        let reported = interests.map(Interest::reported);
        self.now = Instant::now();
        waited.map_err(Stop::Wait)?;
        for token in reported.into_iter().flatten() {
            self.on_ready(token)?;
        }
        self.obey_signals()
    }

    fn on_ready(&mut self, token: Token) -> Result<(), Stop> {
        match token {
            Token::ScreenHasRoom => self.terminal.outputs().screen.unblock(true),
            Token::NoticesHaveRoom => self.terminal.outputs().notices.unblock(true),
            Token::SocketHasRoom => self.send_blocked = false,
            Token::Decided => self.obey_decisions(),
            Token::Typed => self.read_keyboard()?,
            Token::Received => self.receive(),
        }
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
                    if self.liveness.on_sent(self.now) {
                        signals::alarm(LOOK_EVERY);
                    }
                }
                Err(error) if sys::would_block(&error) => {
                    self.send_blocked = true;
                    self.liveness.on_blocked(self.now);
                }
                Err(error) => {
                    let closed = error.kind() == ErrorKind::BrokenPipe;
                    let why = if closed { CLOSED.into() } else { errors::reason(&error) };
                    self.conversation.on_send_failed(why, self.now);
                }
            }
        }
    }

    /// Gives the connection up when the peer's host is gone.
    fn check_liveness(&mut self) {
        let unanswered = sockets::unacknowledged(self.socket.as_fd());
        match self.liveness.on_look(self.now, unanswered) {
            Look::Done => {}
            Look::Again => signals::alarm(LOOK_EVERY),
            Look::Gone => {
                let gone = Errno::ETIMEDOUT.into();
                self.conversation.on_receive_failed(errors::reason(&gone));
            }
        }
    }

    /// Writes to the terminal what there is room for.
    fn flush(&mut self) -> Result<(), Stop> {
        self.terminal.paint();
        let flushed = self.terminal.outputs().flush();
        self.on_flushed(flushed.map_err(Stop::Unshown))
    }

    /// Writes what still waits for the screen.
    fn drain(&mut self) -> Result<(), Stop> {
        let drained = drain(self.terminal, self.signals, self.bound);
        self.on_flushed(drained)
    }

    fn is_all_shown(&self) -> bool {
        self.progress.shown() == self.conversation.heard()
    }

    fn on_flushed(&mut self, result: Result<(), Stop>) -> Result<(), Stop> {
        match result {
            Ok(()) => _ = self.look_at_screen(),
            // The window was closed after everything that the peer said had been written. What
            // could not be written is only the picture of the prompt.
            Err(Stop::Unshown(_)) if self.is_all_shown() && self.keyboard.hung_up() => {}
            Err(stop) => return Err(stop),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

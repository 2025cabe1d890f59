//! The one loop of a conversation, shared by client and handler: waits in select for keyboard, socket and screen, and
//! does what the conversation says.
//!
//! Nothing here ever blocks but that wait. The invariant: memory is bounded, because the keyboard is read only while
//! little waits to be sent and the socket only while little waits to be shown.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Action, End, Goodbye, Input};
use crate::protocol::name::Name;
use crate::sys::keyboard::Keyboard;
use crate::sys::ready::{self, Want};
use crate::sys::signals::Signals;
use crate::sys::sockets;
use crate::terminal::{Event, Outlets, Terminal, Typed};

/// The signals that ask a conversation to end.
pub const LEAVING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
/// Bytes that may wait for the screen before the socket is read no further.
const SCREEN_LIMIT: usize = 256 * 1024;
/// Bytes read from the keyboard at once.
const READ_SIZE: usize = 64 * 1024;

/// How running a conversation ended.
#[derive(Debug)]
pub enum Outcome {
    Ended(End),
    /// What was received could not be shown: the reader of standard output is gone, or it failed.
    Unshown(io::Error),
}

/// Who types on standard input.
pub fn input() -> Input {
    if Keyboard::new().is_terminal() {
        Input::Person
    } else {
        Input::Stream
    }
}

/// Why the loop stops before the conversation has ended.
enum Stop {
    Unshown(io::Error),
    Wait(io::Error),
}

/// A conversation with its socket, its terminal and its signals.
pub struct Engine<'a> {
    socket: OwnedFd,
    conversation: Conversation,
    terminal: &'a mut dyn Terminal,
    signals: &'a Signals,
    answered: &'a mut dyn FnMut(&Name),
    keyboard: Keyboard,
    scratch: Box<[u8]>,
    /// The last send found no room: wait for select before the next.
    send_blocked: bool,
    /// A signal has asked to leave.
    leaving: bool,
}

impl<'a> Engine<'a> {
    /// An engine that calls `answered` when the other end says HELLO.
    pub fn new(
        socket: OwnedFd,
        conversation: Conversation,
        terminal: &'a mut dyn Terminal,
        signals: &'a Signals,
        answered: &'a mut dyn FnMut(&Name),
    ) -> Self {
        sockets::without_delay(&socket);
        Self {
            socket,
            conversation,
            terminal,
            signals,
            answered,
            keyboard: Keyboard::new(),
            scratch: vec![0; READ_SIZE].into(),
            send_blocked: false,
            leaving: false,
        }
    }

    /// Runs the conversation to its end and shows everything that came before that. The conversation comes back with
    /// the outcome, for what it has counted.
    ///
    /// # Errors
    /// select(2) cannot be used.
    pub fn run(mut self) -> io::Result<(Outcome, Conversation)> {
        let outcome = match self.converse() {
            Ok(end) => Outcome::Ended(end),
            Err(Stop::Unshown(error)) => Outcome::Unshown(error),
            Err(Stop::Wait(error)) => return Err(error),
        };
        // Who cannot vouch for what was received must not end like one who can (docs/PROTOCOL.md, "Endings").
        if matches!(
            outcome,
            Outcome::Unshown(_) | Outcome::Ended(End::NotConfirmed)
        ) {
            sockets::reset(self.socket.as_fd());
        }
        Ok((outcome, self.conversation))
    }

    fn converse(&mut self) -> Result<End, Stop> {
        loop {
            self.send();
            self.terminal.outlets().flush().map_err(Stop::Unshown)?;
            if let Some(end) = self.act() {
                if end != End::NotConfirmed {
                    self.drain()?;
                }
                return Ok(end);
            }
            if !self.can_move() {
                self.wait()?;
            }
        }
    }

    /// Does what the conversation says, as long as the screen keeps up; returns its end.
    fn act(&mut self) -> Option<End> {
        let now = Instant::now();
        self.conversation.tick(now);
        while self.screen_keeps_up() || self.conversation.given_up() {
            match self.conversation.poll(now) {
                Some(Action::Answered(name)) => {
                    self.terminal.show(Event::Answered {
                        name: name.as_bytes(),
                    });
                    (self.answered)(name);
                }
                Some(Action::Show { text, complete }) => {
                    self.terminal.show(Event::Text { text, complete });
                }
                Some(Action::Left(reason)) => self.terminal.show(Event::Left { reason }),
                Some(Action::Shutdown) => sockets::shut_sending(self.socket.as_fd()),
                Some(Action::End(end)) => return Some(end),
                None => break,
            }
        }
        if self.terminal.outlets().screen.waiting() == 0 && self.conversation.shown(now) {
            return self.act();
        }
        None
    }

    fn screen_keeps_up(&mut self) -> bool {
        self.terminal.outlets().screen.waiting() < SCREEN_LIMIT
    }

    /// Whether something waits that can go out now.
    fn can_move(&mut self) -> bool {
        let sends = !self.send_blocked && !self.conversation.outgoing().is_empty();
        sends || self.terminal.outlets().can_write()
    }

    /// Waits until something can be moved, and takes in what has come.
    fn wait(&mut self) -> Result<(), Stop> {
        let deadline = self.conversation.deadline();
        let types = self.terminal.edits() || self.conversation.wants_input();
        let hears = self.screen_keeps_up() && self.conversation.room().is_some();
        let Outlets { screen, notices } = self.terminal.outlets();
        let mut wants = [
            Want::read(&self.keyboard, types),
            Want::read(&self.socket, hears),
            Want::write(&self.socket, self.send_blocked),
            Want::write(screen, screen.blocked()),
            Want::write(notices, notices.blocked()),
        ];
        ready::select(&mut wants, deadline, &self.signals.mask()).map_err(Stop::Wait)?;

        let [typed, heard, sends, shows, notes] = wants.map(|want| want.ready);
        self.send_blocked &= !sends;
        screen.unblock(shows);
        notices.unblock(notes);
        if typed {
            self.read_keyboard()?;
        }
        if heard {
            self.receive();
        }
        self.obey_signals()
    }

    fn read_keyboard(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        match self.keyboard.read(&mut self.scratch) {
            Ok(0) if !self.keyboard.hung_up() => self.conversation.leave(Goodbye::InputEnded, now),
            Ok(0) => return self.window_closed(),
            Ok(count) => {
                let conversation = &mut self.conversation;
                let open = conversation.wants_input();
                self.terminal
                    .typed(&self.scratch[..count], open, &mut |typed| match typed {
                        Typed::Text(text) => conversation.say(text, now),
                        Typed::Leave => conversation.leave(Goodbye::Leaving(""), now),
                    });
            }
            Err(error) if is_momentary(&error) => {}
            Err(_) => return self.window_closed(),
        }
        Ok(())
    }

    /// Says goodbye for a terminal that is gone. A goodbye vouches for all that has arrived, so first it must turn out
    /// that this can still be shown.
    fn window_closed(&mut self) -> Result<(), Stop> {
        self.receive();
        self.act();
        self.terminal.outlets().flush().map_err(Stop::Unshown)?;
        self.leave("the window was closed");
        Ok(())
    }

    fn receive(&mut self) {
        let Some(room) = self.conversation.room() else {
            return;
        };
        match sockets::receive(self.socket.as_fd(), room) {
            Ok(0) => self.conversation.closed(),
            Ok(count) => self.conversation.received(count, Instant::now()),
            Err(error) if is_momentary(&error) => {}
            Err(error) => self.conversation.receive_failed(error.to_string()),
        }
    }

    fn send(&mut self) {
        while !self.send_blocked && !self.conversation.outgoing().is_empty() {
            match sockets::send(self.socket.as_fd(), self.conversation.outgoing()) {
                Ok(count) => self.conversation.sent(count, Instant::now()),
                Err(error) if is_momentary(&error) => self.send_blocked = true,
                Err(error) => self.conversation.send_failed(error.to_string()),
            }
        }
    }

    /// The first signal asks to leave politely, the next one to leave at once.
    fn obey_signals(&mut self) -> Result<(), Stop> {
        for signal in &self.signals.take() {
            if self.leaving {
                self.conversation.give_up();
                continue;
            }
            self.leaving = true;
            match signal {
                Signal::SIGHUP => self.window_closed()?,
                Signal::SIGTERM => self.leave("terminated"),
                _ => self.leave(""),
            }
        }
        Ok(())
    }

    fn leave(&mut self, reason: &str) {
        self.conversation
            .leave(Goodbye::Leaving(reason), Instant::now());
    }

    /// Writes out what still waits for the screen, however slow its reader is, until a signal says that it is enough.
    fn drain(&mut self) -> Result<(), Stop> {
        let outlets = self.terminal.outlets();
        loop {
            outlets.flush().map_err(Stop::Unshown)?;
            if outlets.screen.waiting() == 0 || self.signals.take().iter().next().is_some() {
                return Ok(());
            }
            let mut wants = [Want::write(&outlets.screen, true)];
            ready::select(&mut wants, None, &self.signals.mask()).map_err(Stop::Wait)?;
            let shows = wants[0].ready;
            outlets.screen.unblock(shows);
        }
    }
}

/// Whether an error only means that there is nothing to do at the moment.
fn is_momentary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

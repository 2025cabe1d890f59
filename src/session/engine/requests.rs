//! What is asked of a conversation: by the person at the keyboard, by signals, by the server.
//!
//! Next door, `super` waits and moves bytes. The invariant: the first request to leave says
//! goodbye, and only a person or a signal that asks again ends the conversation at once.

use std::io::{self, ErrorKind};
use std::mem;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::{Engine, Stop};
use crate::errors;
use crate::protocol::events::{Goodbye, Input};
use crate::protocol::frame;
use crate::session::observer::Decision;
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::signals::Signals;
use crate::terminal::{Change, Terminal, Typed};

/// The signals that ask a conversation to end.
pub const LEAVING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
/// The signals that concern what an editor has drawn on its terminal.
const DRAWING: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];

/// Watches the signals that an engine with this terminal obeys.
///
/// # Errors
/// sigaction(2) or sigprocmask(2) failed.
pub fn watch(terminal: &dyn Terminal) -> io::Result<Signals> {
    let drawing = if terminal.edits() { &DRAWING[..] } else { &[] };
    Ok(Signals::watch(&[&LEAVING, &[Signal::SIGALRM][..], drawing].concat())?)
}

/// Does what a signal says about the terminal; other signals say nothing.
///
/// # Errors
/// The process cannot be stopped for SIGTSTP: sigaction(2) or sigprocmask(2) failed.
pub fn redraw(
    terminal: &mut dyn Terminal,
    signals: &Signals,
    keyboard: &Keyboard,
    signal: Signal,
) -> io::Result<()> {
    match signal {
        // A hangup sends SIGCONT as well (setpgid(2)), and there is nothing to draw on any more.
        _ if keyboard.hung_up() => {}
        Signal::SIGWINCH => terminal.change(Change::Resize),
        Signal::SIGTSTP => {
            terminal.change(Change::Suspend);
            // What finds no room now is written when the process continues.
            let _ = terminal.outputs().flush();
            signals.stop()?;
            terminal.change(Change::Resume);
        }
        Signal::SIGCONT => terminal.change(Change::Resume),
        _ => {}
    }
    Ok(())
}

impl Engine<'_> {
    pub(super) fn read_keyboard(&mut self) -> Result<(), Stop> {
        self.scratch.resize(self.read_size.get(), 0);
        match self.keyboard.read(&mut self.scratch) {
            Ok(0) if !self.keyboard.hung_up() => self.on_input_end(),
            Ok(count) if count > 0 => self.on_typed(count),
            Err(error) if sys::would_block(&error) => {}
            // Keyboard and screen are one socket, and its reader closed it without having read
            // everything (unix(7)): the same as a screen that cannot be written to.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(Stop::Unshown(error));
            }
            // A stream that fails has not come to its end.
            Err(error) if self.conversation.input() != Input::Person => {
                self.typing = false;
                self.unread = Some(errors::reason(&error));
                self.leave("cannot read standard input");
            }
            Ok(_) | Err(_) => {
                self.typing = false;
                self.on_window_closed()?;
            }
        }
        Ok(())
    }

    /// Takes the first `count` bytes of the scratch as typed.
    fn on_typed(&mut self, count: usize) {
        self.read_size.came(count);
        let (conversation, observer, now) = (&mut self.conversation, &mut self.observer, self.now);
        let open = conversation.wants_input();
        let person = conversation.input() == Input::Person;
        let recent = &mut self.recent;
        let mut say = |text: &[u8], complete| {
            if conversation.say(text, complete, now) {
                if person {
                    recent.on_said(text, complete);
                }
                observer.on_said(text, complete);
            }
        };
        let mut leaves = false;
        self.terminal.typed(&self.scratch[..count], open, &mut |typed| match typed {
            Typed::Line(line) => say(line.as_bytes(), true),
            Typed::Text(bytes) => {
                frame::pieces(bytes).for_each(|(text, complete)| say(text, complete));
            }
            Typed::Leave => leaves = true,
        });
        if leaves {
            self.asked = true;
            self.leave("");
        }
    }

    fn on_input_end(&mut self) {
        self.typing = false;
        // The terminal passes on what it kept of a last line without a newline.
        self.on_typed(0);
        // A person who ends their input wants to go; a file has only come to its end.
        let goodbye = match self.conversation.input() {
            Input::Person => Goodbye::Leaving(""),
            Input::Stream | Input::WaitForPeer => Goodbye::InputEnded,
        };
        self.conversation.leave(goodbye, self.now);
    }

    /// Says goodbye for a terminal that is gone. BYE promises that everything which has arrived was
    /// shown, so first what has arrived is received and written, as far as that is possible.
    fn on_window_closed(&mut self) -> Result<(), Stop> {
        self.receive();
        // If this finds the end, so will the loop: the conversation returns it each time.
        let _ = self.act();
        self.flush()?;
        self.leave("the window was closed");
        Ok(())
    }

    pub(super) fn obey_signals(&mut self) -> Result<(), Stop> {
        for signal in &self.signals.take() {
            match signal {
                Signal::SIGALRM => self.check_liveness(),
                // Both the window and the system may send one when a window closes, so a second
                // SIGHUP is not a second request.
                Signal::SIGHUP => {
                    self.asked = true;
                    self.on_window_closed()?;
                }
                Signal::SIGTERM => self.on_asked("terminated"),
                // Ctrl-C empties the line first.
                Signal::SIGINT if !self.asked && self.terminal.interrupt() => {}
                Signal::SIGINT => self.on_asked(""),
                _ => {
                    redraw(self.terminal, self.signals, &self.keyboard, signal)
                        .map_err(Stop::Wait)?;
                    self.now = Instant::now();
                }
            }
        }
        Ok(())
    }

    /// A signal asks to leave. The first is answered with a goodbye, the next ends the conversation
    /// at once.
    fn on_asked(&mut self, reason: &str) {
        let again = mem::replace(&mut self.asked, true);
        if again {
            self.hurried = true;
            self.conversation.give_up();
        } else {
            self.leave(reason);
        }
    }

    pub(super) fn obey_decisions(&mut self) {
        while let Some(decisions) = &mut self.decisions {
            match decisions.poll_decision() {
                Ok(Some(Decision::HangUp)) => {
                    self.asked = true;
                    self.leave("");
                }
                Ok(None) => return,
                // The server has ended. Conversations outlive it.
                Err(_) => self.decisions = None,
            }
        }
    }

    fn leave(&mut self, reason: &str) {
        self.conversation.leave(Goodbye::Leaving(reason), self.now);
    }
}

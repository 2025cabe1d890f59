//! What the person at the console wants of the desk, and what callers say to them.
//!
//! Next door, `desk` waits for both. The invariant: no call waits for another.

use std::io;
use std::time::{Duration, Instant};

use memchr::memchr;
use nix::sys::signal::Signal;

use super::desk::Desk;
use super::link::Refusal;
use crate::sys;
use crate::sys::process;
use crate::terminal::console::Order;

/// How long the calls in the console may take to say goodbye when the desk ends.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

impl Desk {
    /// Takes what was typed, and does what it asks for. At its end, the desk goes on without a
    /// keyboard.
    pub(super) fn read_keyboard(&mut self) {
        let Some(keyboard) = &self.keyboard else { return };
        match keyboard.read(&mut self.scratch) {
            Ok(0) if keyboard.is_terminal() && !keyboard.hung_up() => {
                self.calls.console.notice("/quit ends the desk");
            }
            Ok(0) => self.end_keyboard(),
            Ok(count) => self.calls.console.typed(&self.scratch[..count]),
            Err(error) if sys::would_block(&error) => {}
            // The terminal has just become another's (EIO while SIGTTIN is blocked): it may be ours
            // again.
            Err(_) if !keyboard.is_ours() && !keyboard.hung_up() => {}
            Err(_) => self.end_keyboard(),
        }
    }

    /// Nothing more is typed; a last line may have no newline.
    fn end_keyboard(&mut self) {
        self.keyboard = None;
        self.calls.console.typed(&[]);
    }

    /// Does what was asked for, as far as the screen keeps up with the answers.
    pub(super) fn obey(&mut self) {
        while let Some(order) = self.calls.console.order() {
            match order {
                Order::Say { calls, text } => calls.iter().for_each(|&call| self.say(call, &text)),
                Order::HangUp(call) => self.hang_up(call),
                Order::Quit => self.close(),
            }
        }
    }

    fn say(&mut self, call: u32, text: &[u8]) {
        let Some((link, _)) = self.calls.link(call) else { return };
        match link.say(text) {
            Ok(()) => self.calls.console.said(call, text),
            Err(Refusal::Full) => self.calls.console.unsaid(call, "is not reading"),
            Err(Refusal::HungUp) => self.calls.console.unsaid(call, "is hanging up"),
        }
    }

    /// Ends the input of a handler, who says goodbye then. One who does not get that far is told by
    /// a signal the next time: it may be stuck with a caller who does not read.
    fn hang_up(&mut self, call: u32) {
        let Some((link, pid)) = self.calls.link(call) else { return };
        if link.hang_up() {
            process::terminate(pid);
        }
    }

    /// Ends the desk: at once where every call has a window of its own; else the calls in the
    /// console are ended, for which there is a little time, unless this is asked for again.
    pub(super) fn close(&mut self) {
        self.stop_listening();
        let again = self.closing.is_some();
        let now = Instant::now();
        self.closing = Some(if again { now } else { now + CLOSING_LIMIT });
        if !again && self.calls.links().next().is_some() {
            self.calls.console.notice("saying goodbye to everybody; repeat to quit immediately");
            self.hang_up_all();
        }
    }

    pub(super) fn hang_up_all(&mut self) {
        let calls: Vec<u32> = self.calls.links().map(|(call, _)| call).collect();
        calls.into_iter().for_each(|call| self.hang_up(call));
    }

    /// Writes to a handler what there is room for again.
    pub(super) fn flush_link(&mut self, call: u32) {
        if let Some((link, _)) = self.calls.link(call) {
            link.flush(true);
        }
    }

    /// Shows what a handler shows.
    pub(super) fn hear(&mut self, call: u32) {
        let Some((link, _)) = self.calls.link(call) else { return };
        match link.read(&mut self.scratch) {
            Some(0) => self.calls.close(call),
            Some(count) => {
                let mut text = &self.scratch[..count];
                while !text.is_empty() {
                    let newline = memchr(b'\n', text);
                    let end = newline.unwrap_or(text.len());
                    self.calls.console.hear(call, &text[..end], newline.is_some());
                    text = text.get(end + 1..).unwrap_or_default();
                }
            }
            None => {}
        }
    }

    /// Does what a signal says about the terminal.
    pub(super) fn draw_anew(&mut self, signal: Signal) -> io::Result<()> {
        let console = &mut self.calls.console;
        match signal {
            Signal::SIGWINCH => console.resize(),
            Signal::SIGTSTP => {
                console.suspend();
                // What finds no room now is written when it goes on.
                let _ = console.flush(false);
                self.signals.stop()?;
            }
            // What was changed while it was stopped, nobody knows; where the terminal is another's,
            // it is left alone.
            Signal::SIGCONT
                if self.keyboard.as_ref().is_some_and(|keyboard| keyboard.is_ours()) =>
            {
                console.resume();
            }
            _ => {}
        }
        Ok(())
    }
}

//! The operator: the person at the server's own terminal.
//!
//! Their keyboard gives orders, which the desk executes; their screen shows the log and, in the
//! console, the conversations. The invariant: while another process group is in the foreground, the
//! terminal is neither read nor changed.

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::log_limit::LogLimit;
use crate::errors;
use crate::sys::keyboard::Keyboard;
use crate::sys::signals::Signals;
use crate::sys::would_block;
use crate::terminal::Event;
use crate::terminal::console::{Console, Order};

/// The signals of a terminal: its size, and job control. While SIGTTIN and SIGTTOU are blocked, a
/// terminal that another process group has in the foreground answers with an error instead of
/// stopping the desk.
pub const TERMINAL_SIGNALS: [Signal; 5] =
    [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGTTIN, Signal::SIGTTOU];
/// How often a desk in the background looks whether it is in the foreground again: no signal says
/// so.
const BACKGROUND_PAUSE: Duration = Duration::from_secs(1);

/// The person at the server's terminal.
pub struct Operator {
    pub console: Console,
    log_limit: LogLimit,
    stdin: Keyboard,
    /// Orders are read from standard input, which has not come to its end.
    typing: bool,
    /// The conversations are shown here, so the desk cannot go on without a screen.
    needs_screen: bool,
}

impl Operator {
    /// An operator who sees conversations and types orders.
    ///
    /// # Errors
    /// Standard output cannot be used.
    pub fn with_console(plain: bool, bell: bool) -> io::Result<Self> {
        let stdin = Keyboard::new();
        let console = Console::open(plain, bell, stdin.is_ours())?;
        Ok(Self::of(console, stdin, true))
    }

    /// An operator who sees the log.
    ///
    /// # Errors
    /// Standard output cannot be used.
    pub fn with_log() -> io::Result<Self> {
        Ok(Self::of(Console::log_only()?, Keyboard::new(), false))
    }

    fn of(console: Console, stdin: Keyboard, here: bool) -> Self {
        let log_limit = LogLimit::new(Instant::now());
        Self { console, log_limit, stdin, typing: here, needs_screen: here }
    }

    /// Writes a line to the log.
    pub fn log(&mut self, line: &str) {
        self.console.log(line);
    }

    /// Writes a line about a call that was never checked in, unless there are too many of them.
    pub fn log_rejected(&mut self, line: &str, now: Instant) {
        if self.log_limit.on_rejected(now) {
            self.log(line);
        }
    }

    /// Counts the calls without a line in one, and lines that were held back, when it is due.
    pub fn keep_time(&mut self, now: Instant) {
        self.console.keep_time();
        if let Some(line) = self.log_limit.poll_line(now) {
            self.log(&line);
        }
    }

    /// Whether the keyboard is to be read now. A terminal whose foreground is another process group
    /// is left alone.
    pub fn attend(&mut self) -> bool {
        let types = self.typing && self.stdin.is_ours();
        self.console.attend(types);
        types
    }

    /// The keyboard, to wait for.
    pub fn keyboard(&self) -> &Keyboard {
        &self.stdin
    }

    /// When to call [`Operator::keep_time`], and [`Operator::attend`] again if it said `types`.
    pub fn deadline(&self, types: bool, now: Instant) -> Option<Instant> {
        let background = (self.typing && !types).then(|| now + BACKGROUND_PAUSE);
        let deadlines = [background, self.log_limit.deadline(), self.console.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Whether the terminal is gone.
    pub fn hung_up(&self) -> bool {
        self.stdin.hung_up()
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    ///
    /// # Errors
    /// The screen of a console is gone. Nobody has to read a log.
    pub fn flush(&mut self, room: bool) -> Result<()> {
        match self.console.flush(room) {
            Err(error) if self.needs_screen => {
                let what = "the console's screen is gone";
                Err(errors::failed(what, "keep standard output open")(error))
            }
            _ => Ok(()),
        }
    }

    /// Shows what the process of a call shows in the console.
    pub fn show(&mut self, call: u32, event: Event<'_>) {
        match event {
            Event::Text { text, complete } => self.console.hear(call, text, complete),
            Event::Left { reason } => self.console.left(call, reason),
            Event::Reading(reads) => self.console.reads(call, reads),
            Event::Notice(text) => self.console.notice_of(call, text),
            // The log says so.
            Event::Answered { .. } | Event::Ended { .. } => {}
        }
    }

    /// Reads the keyboard; [`Operator::order`] gives what was asked for. After the end of input,
    /// the desk goes on without a keyboard.
    pub fn read(&mut self, scratch: &mut [u8]) {
        match self.stdin.read(scratch) {
            Ok(0) if self.stdin.is_terminal() && !self.stdin.hung_up() => {
                self.console.notice("/quit ends the desk");
            }
            Ok(0) => self.end_input(),
            Ok(count) => self.console.typed(&scratch[..count]),
            Err(error) if would_block(&error) => {}
            // Another process group has just come to the foreground (EIO while SIGTTIN is blocked):
            // this one may come back.
            Err(_) if !self.stdin.is_ours() && !self.stdin.hung_up() => {}
            Err(_) => self.end_input(),
        }
    }

    fn end_input(&mut self) {
        self.typing = false;
        // A last line may have no newline.
        self.console.typed(&[]);
    }

    /// The next order. Without room on the screen there is none, so it is to be asked after every
    /// wait.
    pub fn order(&mut self) -> Option<Order> {
        self.console.order()
    }

    /// Does what a signal says about the terminal.
    ///
    /// # Errors
    /// sigaction(2) or sigprocmask(2) failed.
    pub fn on_signal(&mut self, signal: Signal, signals: &Signals) -> io::Result<()> {
        match signal {
            Signal::SIGWINCH => self.console.resize(),
            Signal::SIGTSTP => {
                self.console.suspend();
                // What finds no room now is written when it goes on.
                let _ = self.console.flush(false);
                signals.stop()?;
            }
            // Other programs may have changed the terminal's settings in the meantime. In the
            // background, they are still using it.
            Signal::SIGCONT if self.typing && self.stdin.is_ours() => self.console.resume(),
            _ => {}
        }
        Ok(())
    }

    /// Restores the terminal.
    pub fn finish(&mut self) {
        self.console.finish();
        let _ = self.console.flush(false);
    }
}

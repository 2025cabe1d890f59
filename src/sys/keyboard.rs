//! Standard input, without a buffer.
//!
//! Next door, `ready` waits for it and `tty` makes it raw. The invariant: nothing is read ahead.
//! The standard library's buffer would take bytes that select(2) then no longer reports.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::{getpgrp, tcgetpgrp};

pub struct Keyboard {
    stdin: io::Stdin,
    terminal: bool,
}

impl Keyboard {
    pub fn new() -> Self {
        let stdin = io::stdin();
        Self { terminal: stdin.is_terminal(), stdin }
    }

    /// Whether it is a terminal, so that a person types.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether this process may read it: a terminal stops background jobs that do (SIGTTIN,
    /// termios(3)).
    pub fn is_ours(&self) -> bool {
        !self.terminal || tcgetpgrp(&self.stdin).is_ok_and(|group| group == getpgrp())
    }

    /// Whether the terminal is gone: after a hangup, reading says end of input and every ioctl
    /// fails (termios(3)).
    pub fn hung_up(&self) -> bool {
        self.terminal && !self.stdin.is_terminal()
    }

    /// Reads what is there; waits unless select(2) has said that something is. 0 is the end.
    ///
    /// # Errors
    /// read(2) failed. `WouldBlock` and `Interrupted` mean that nothing was read.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.stdin, buffer)?)
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }
}

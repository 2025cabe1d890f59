//! Standard input, read directly: what select(2) says about the descriptor must not be hidden by a
//! buffer.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::{getpgrp, tcgetpgrp};

/// Standard input.
pub struct Keyboard {
    stdin: io::Stdin,
    terminal: bool,
}

impl Keyboard {
    pub fn new() -> Self {
        let stdin = io::stdin();
        Self { terminal: stdin.is_terminal(), stdin }
    }

    /// Whether a person types here.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether this process may read it: a terminal stops a background job that does (SIGTTIN,
    /// termios(3)).
    pub fn is_ours(&self) -> bool {
        !self.terminal || tcgetpgrp(&self.stdin).is_ok_and(|group| group == getpgrp())
    }

    /// Whether the terminal is gone: after a hangup, it reads as at its end and answers no
    /// questions (termios(3)).
    pub fn hung_up(&self) -> bool {
        self.terminal && !self.stdin.is_terminal()
    }

    /// Reads what is there, after select(2) said that something is; 0 is the end.
    ///
    /// # Errors
    /// read(2) failed: `WouldBlock` or `Interrupted` mean nothing, anything else that the terminal
    /// is gone.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.stdin, buffer)?)
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }
}

//! Standard input, without a buffer.
//!
//! Next door, `ready` waits for it and `tty` makes it raw. The invariant: nothing is read ahead.
//! The standard library's buffer would take bytes that select(2) then no longer reports.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::LazyLock;

use nix::unistd::{getpgrp, tcgetpgrp};

pub struct Keyboard {
    fd: BorrowedFd<'static>,
    terminal: bool,
}

impl Keyboard {
    pub fn new() -> Self {
        static STDIN: LazyLock<io::Stdin> = LazyLock::new(io::stdin);
        Self::on(STDIN.as_fd())
    }

    /// What a test uses in place of standard input.
    pub fn on(fd: BorrowedFd<'static>) -> Self {
        Self { fd, terminal: fd.is_terminal() }
    }

    /// Whether it is a terminal, so that a person types.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether this process may read it: a terminal stops background jobs that do (SIGTTIN,
    /// termios(3)).
    pub fn is_ours(&self) -> bool {
        !self.terminal || tcgetpgrp(self.fd).is_ok_and(|group| group == getpgrp())
    }

    /// Whether the terminal is gone: after a hangup, reading says end of input and every ioctl
    /// fails (termios(3)).
    pub fn hung_up(&self) -> bool {
        self.terminal && !self.fd.is_terminal()
    }

    /// Reads what is there; waits unless select(2) has said that something is. 0 is the end.
    ///
    /// # Errors
    /// read(2) failed. `WouldBlock` and `Interrupted` mean that nothing was read.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(self.fd, buffer)?)
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd
    }
}

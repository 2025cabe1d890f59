//! Standard input, read directly: what select(2) says about the descriptor must not be hidden by a buffer.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

/// Standard input.
pub struct Keyboard(io::Stdin);

impl Keyboard {
    pub fn new() -> Self {
        Self(io::stdin())
    }

    /// Whether a person types here.
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    /// Reads what is there, after select(2) said that something is; 0 is the end.
    ///
    /// # Errors
    /// read(2) failed: `WouldBlock` or `Interrupted` mean nothing, anything else that the terminal is gone.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.0, buffer)?)
    }
}

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

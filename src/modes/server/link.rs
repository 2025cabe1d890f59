//! The server's end of the socket pair that is the keyboard and screen of a handler in the console.
//!
//! The handler runs as it does over pipes. The invariant: a handler that stalls costs bounded
//! memory and holds up nobody else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use crate::sys;
use crate::sys::sockets;
use crate::terminal::output::Output;

/// Bytes that may wait for the handler before no more lines are taken.
const LIMIT: usize = 256 * 1024;

/// Why lines were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too much waits for the handler already.
    Full,
    /// The call is being ended.
    HungUp,
}

/// A handler's keyboard and screen.
pub struct Link {
    output: Output,
    hung_up: bool,
    shut: bool,
}

impl Link {
    /// A link, and the handler's end of it.
    ///
    /// # Errors
    /// socketpair(2) or fcntl(2) failed: too many open descriptors.
    pub fn pair() -> io::Result<(Self, UnixStream)> {
        let (ours, handlers) = UnixStream::pair()?;
        let output = Output::new(ours.as_fd())?;
        Ok((Self { output, hung_up: false, shut: false }, handlers))
    }

    /// Types lines for the handler.
    ///
    /// # Errors
    /// They are not taken, and why.
    pub fn say(&mut self, lines: &[u8]) -> Result<(), Refusal> {
        if self.hung_up {
            return Err(Refusal::HungUp);
        }
        if self.output.waiting() + lines.len() > LIMIT {
            return Err(Refusal::Full);
        }
        self.output.push(lines);
        self.flush(false);
        Ok(())
    }

    /// Ends the handler's input, once it has taken what was said. Returns whether that was done
    /// before.
    pub fn hang_up(&mut self) -> bool {
        let before = std::mem::replace(&mut self.hung_up, true);
        self.flush(false);
        before
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    pub fn flush(&mut self, room: bool) {
        self.output.unblock(room);
        // A handler that is gone will be noticed by reading.
        let _ = self.output.flush();
        if self.hung_up && !self.shut && self.output.waiting() == 0 {
            sockets::shut_sending(self.output.as_fd());
            self.shut = true;
        }
    }

    /// Whether something waits for room.
    pub fn waits_to_write(&self) -> bool {
        self.output.blocked()
    }

    /// Reads what the handler shows; `None` when nothing is there now, 0 at its end.
    pub fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        match sockets::receive(self.output.as_fd(), buffer) {
            Ok(count) => Some(count),
            Err(error) if sys::would_block(&error) => None,
            // A handler that was killed before it had read everything (unix(7), ECONNRESET).
            Err(_) => Some(0),
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

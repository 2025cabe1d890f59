//! Bytes that wait until the place they go to has room.
//!
//! Next door, `sys::sink` writes without blocking. The invariant: bytes leave in the order in which
//! they came, and the caller never waits for a reader that does not read.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

use crate::buffer::Buffer;
use crate::sys::sink::Sink;

/// A sink and what waits for it.
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    buffer: Buffer,
    /// Bytes that have been written.
    written: u64,
    /// The last write found no room: wait until poll(2) or select(2) says that there is some.
    blocked: bool,
}

impl Output {
    /// An output to where `fd` writes.
    ///
    /// # Errors
    /// Those of [`Sink::new`].
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let sink = Sink::new(fd)?;
        Ok(Self { blocked: sink.must_wait(), sink, buffer: Buffer::default(), written: 0 })
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// Appends several pieces at once.
    pub fn push_all<const PIECES: usize>(&mut self, pieces: [&[u8]; PIECES]) {
        self.buffer.push_all(pieces);
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes that have been written since the start.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether there is something to write, but no room for it now.
    pub fn blocked(&self) -> bool {
        self.blocked && !self.buffer.is_empty()
    }

    /// Takes what poll(2) or select(2) said: whether there is room.
    pub fn unblock(&mut self, room: bool) {
        self.blocked &= !room;
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// The reader is gone or the disk is full: what waited is dropped.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.blocked && !self.buffer.is_empty() {
            match self.sink.write(self.buffer.bytes()) {
                Ok(count) => {
                    self.buffer.take(count);
                    self.written += count as u64;
                    self.blocked = self.sink.must_wait();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(error) => {
                    self.buffer.clear();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What waits, for a test that is the screen.
    #[cfg(test)]
    pub fn drain(&mut self) -> Vec<u8> {
        self.buffer.take(self.buffer.len()).to_owned()
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sink.as_fd()
    }
}

/// Where a terminal writes to.
#[derive(Debug)]
pub struct Outputs {
    /// What the peer said, and on a terminal everything. If it cannot be written, the conversation
    /// cannot go on.
    pub screen: Output,
    /// Notices that must not mix with the bytes of a pipe. Nobody has to read them.
    pub notices: Output,
}

impl Outputs {
    /// Standard output and standard error.
    ///
    /// # Errors
    /// One of them cannot be duplicated.
    pub fn standard() -> io::Result<Self> {
        Ok(Self {
            screen: Output::new(io::stdout().as_fd())?,
            notices: Output::new(io::stderr().as_fd())?,
        })
    }

    /// Outputs whose bytes a test [drains](Output::drain).
    #[cfg(test)]
    pub fn nowhere() -> Self {
        let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
        let output = || Output::new(null.as_fd()).unwrap();
        Self { screen: output(), notices: output() }
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// The screen is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        // Whoever closed standard error does not want the notices.
        let _ = self.notices.flush();
        self.screen.flush()
    }

    /// Whether something waits for which there may be room.
    pub fn can_write(&self) -> bool {
        [&self.screen, &self.notices].iter().any(|output| output.waiting() > 0 && !output.blocked())
    }
}

//! An output: bytes that wait until the place they go to has room.
//!
//! The invariant: bytes leave in the order they came, and nobody waits for a reader that does not
//! read.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

use crate::buffer::Buffer;
use crate::sys::sink::Sink;

/// A sink and what waits for it.
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    buffer: Buffer,
    /// The last write found no room: wait for select(2) before the next.
    blocked: bool,
}

impl Output {
    /// An output to where `fd` writes.
    ///
    /// # Errors
    /// Those of [`Sink::new`].
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let sink = Sink::new(fd)?;
        Ok(Self { blocked: sink.must_wait(), sink, buffer: Buffer::default() })
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// Pushes several pieces at once.
    pub fn push_all<const PIECES: usize>(&mut self, pieces: [&[u8]; PIECES]) {
        self.buffer.push_all(pieces);
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is something to write, but no room for it now.
    pub fn blocked(&self) -> bool {
        self.blocked && !self.buffer.is_empty()
    }

    /// What select(2) says: whether there is room.
    pub fn unblock(&mut self, room: bool) {
        self.blocked &= !room;
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// The reader is gone or cannot take more: what waited is dropped.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.blocked && !self.buffer.is_empty() {
            match self.sink.write(self.buffer.bytes()) {
                Ok(count) => {
                    self.buffer.take(count);
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
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sink.as_fd()
    }
}

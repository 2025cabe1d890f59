//! The bytes between frames and socket: what has been received and not been read as frames yet, and
//! what waits to be sent.
//!
//! `conversation` puts frames in at one side and takes them out; the engine moves bytes at the
//! other side. Nothing else knows what the bytes on the wire look like. The invariant: at most one
//! incomplete frame and one read wait in the inbox, if the owner takes out every whole frame
//! before it receives again.

use super::frame::{self, Flags, Frame, FrameError, HEADER};
use super::name::Name;
use crate::buffer::{Buffer, ReadSize};

/// Both directions of one connection.
#[derive(Debug, Default)]
pub struct Channel {
    inbox: Buffer,
    read_size: ReadSize,
    /// The stream has ended: nothing more arrives.
    closed: bool,
    outgoing: Buffer,
}

impl Channel {
    pub fn put_hello(&mut self, name: &Name) {
        frame::put_hello(&mut self.outgoing, name, Flags::OURS);
    }

    /// Puts text of any length and returns the number of its frames, as [`frame::put_text`] does.
    pub fn put_text(&mut self, text: &[u8], complete: bool) -> u64 {
        frame::put_text(&mut self.outgoing, text, complete)
    }

    pub fn put_ack(&mut self, count: u64) {
        frame::put_ack(&mut self.outgoing, count);
    }

    pub fn put_bye(&mut self, reason: &str) {
        frame::put_bye(&mut self.outgoing, reason);
    }

    /// The first frame that has been received and its length in bytes; `None` while it is
    /// incomplete. It stays until [`Channel::take`].
    ///
    /// # Errors
    /// Those of [`frame::decode`].
    pub fn frame(&self) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
        frame::decode(self.inbox.bytes())
    }

    /// Takes out the first frame, which is `length` bytes long, and returns its payload.
    pub fn take(&mut self, length: usize) -> &[u8] {
        &self.inbox.take(length)[HEADER..]
    }

    /// Throws away everything that has been received.
    pub fn ignore(&mut self) {
        self.inbox.clear();
    }

    /// Room to read into from the socket; `None` when nothing more arrives.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        (!self.closed).then(|| self.inbox.space(self.read_size.get()))
    }

    /// `count` bytes have arrived in [`Channel::room`].
    pub fn on_received(&mut self, count: usize) {
        self.inbox.filled(count);
        self.read_size.came(count);
    }

    /// The stream has ended.
    pub fn on_closed(&mut self) {
        self.closed = true;
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Bytes to send, in order.
    pub fn outgoing(&self) -> &[u8] {
        self.outgoing.bytes()
    }

    /// The first `count` outgoing bytes have been sent.
    pub fn on_sent(&mut self, count: usize) {
        self.outgoing.take(count);
    }

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    /// Throws away everything that waits to be sent.
    pub fn discard(&mut self) {
        self.outgoing.clear();
    }
}

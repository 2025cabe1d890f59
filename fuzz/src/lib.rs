//! What the targets share: the pure modules of talk, compiled as a library, the limits of memory,
//! and [`Moves`].
//!
//! The invariant: these are the files of the program itself, not copies, so what is fuzzed is what
//! runs.

#[path = "../../src/buffer.rs"]
pub mod buffer;
#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../src/terminal/sanitize.rs"]
pub mod sanitize;
#[path = "../../src/protocol/conversation/tests/side.rs"]
pub mod side;

use buffer::ReadSize;
use protocol::frame::{HEADER, MAX_PAYLOAD};
use protocol::limits::OUTGOING_LIMIT;

/// The most room in an inbox: an incomplete frame and one read, twice because a buffer doubles.
pub const INBOX_LIMIT: usize = 2 * (HEADER + MAX_PAYLOAD + ReadSize::MOST);
/// The most bytes that wait to be sent: the limit, one more read from the keyboard in empty lines,
/// which are sent as three bytes for one, and HELLO and BYE.
pub const OUTBOX_LIMIT: usize = OUTGOING_LIMIT + 3 * ReadSize::MOST + 300;

/// The fuzzer's bytes, read as a list of moves: what to do, how much, with which bytes. Any bytes
/// are such a list.
pub struct Moves<'a>(pub &'a [u8]);

impl<'a> Moves<'a> {
    /// The next move; `None` when there is none.
    pub fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// An amount: small ones one by one, then by the KiB up to 64 KiB.
    pub fn amount(&mut self) -> usize {
        match self.take().unwrap_or(0) {
            few @ ..192 => few.into(),
            many => (usize::from(many) - 191) * 1024,
        }
    }

    /// Some of the bytes as they are.
    pub fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.take().unwrap_or(0)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }
}

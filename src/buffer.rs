//! A queue of bytes: filled at one end, drained at the other.
//!
//! It serves every stream of a conversation: sent, received, shown. Limits are its owner's task.
//! [`ReadSize`] says how much to read at once. The invariant: `head <= tail <= store.len()`, and
//! only `head..tail` is data.

/// A first-in first-out queue of bytes that are always one slice.
#[derive(Debug, Default)]
pub struct Buffer {
    store: Vec<u8>,
    head: usize,
    tail: usize,
}

impl Buffer {
    /// The bytes that wait, oldest first.
    pub fn bytes(&self) -> &[u8] {
        &self.store[self.head..self.tail]
    }

    pub fn len(&self) -> usize {
        self.tail - self.head
    }

    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Appends `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_all([bytes]);
    }

    /// Appends several pieces at once.
    pub fn push_all<const PIECES: usize>(&mut self, pieces: [&[u8]; PIECES]) {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        let mut room = &mut self.space(length)[..length];
        for piece in pieces {
            let (here, rest) = room.split_at_mut(piece.len());
            here.copy_from_slice(piece);
            room = rest;
        }
        self.tail += length;
    }

    /// At least `least` bytes of room to write into. [`Buffer::filled`] then says how many were
    /// written.
    pub fn space(&mut self, least: usize) -> &mut [u8] {
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        if self.store.len() - self.tail < least {
            self.store.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.len());
        }
        if self.store.len() - self.tail < least {
            // Doubling makes many small appends cheap; the first allocation is what was asked for.
            let wanted = (self.tail + least).max(self.store.len() * 2);
            self.store.resize(wanted, 0);
        }
        &mut self.store[self.tail..]
    }

    /// The first `count` bytes of [`Buffer::space`] have been written.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.store.len() - self.tail, "more bytes filled than there was room for");
        self.tail += count;
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        self.head = self.tail;
    }

    /// Takes the oldest `count` bytes out and returns them; they stay readable until the next
    /// append.
    pub fn take(&mut self, count: usize) -> &[u8] {
        assert!(count <= self.len(), "more bytes taken than there are");
        let start = self.head;
        self.head += count;
        &self.store[start..self.head]
    }
}

/// How many bytes to read at once: few for a person, many for a file. It grows with what comes, so
/// that an idle conversation costs little memory.
#[derive(Debug, Clone, Copy)]
pub struct ReadSize(usize);

impl Default for ReadSize {
    fn default() -> Self {
        Self(2 * 1024)
    }
}

impl ReadSize {
    /// The most that is read at once.
    pub const MOST: usize = 64 * 1024;

    pub fn get(self) -> usize {
        self.0
    }

    /// `count` bytes were read; if they filled the room, there are more.
    pub fn came(&mut self, count: usize) {
        if count >= self.0 {
            self.0 = (4 * self.0).min(Self::MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_grows_with_what_comes_up_to_its_limit() {
        let mut size = ReadSize::default();
        let small = size.get();
        size.came(small - 1);
        assert_eq!(size.get(), small);
        for _ in 0..10 {
            size.came(size.get());
        }
        assert_eq!(size.get(), ReadSize::MOST);
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut buffer = Buffer::default();
        let (mut written, mut read) = (Vec::new(), Vec::new());
        for round in 0u8..200 {
            let piece = vec![round; usize::from(round) % 7];
            buffer.push(&piece);
            written.extend_from_slice(&piece);
            let count = buffer.len().min(usize::from(round) % 5);
            read.extend_from_slice(buffer.take(count));
        }
        read.extend_from_slice(buffer.take(buffer.len()));
        assert_eq!(read, written);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_drained_buffer_uses_its_memory_again() {
        let mut buffer = Buffer::default();
        for _ in 0..1000 {
            buffer.push(&[7; 100]);
            buffer.take(100);
        }
        assert!(buffer.store.len() < 300, "grew to {}", buffer.store.len());
    }

    #[test]
    #[should_panic(expected = "more bytes taken")]
    fn taking_more_than_there_is_panics() {
        Buffer::default().take(1);
    }
}

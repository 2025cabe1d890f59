//! Bytes on their way: a queue that is filled at one end and drained at the other.
//!
//! One kind of buffer serves all four streams of a conversation (typed, sent, received, shown). Its invariant:
//! `head <= tail <= store.len()`, and only `head..tail` is data. How much may gather is the owner's business.

/// A first-in first-out queue of bytes in one piece of memory, so that what waits is always one slice.
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
        self.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.tail += bytes.len();
    }

    /// At least `least` bytes of room to write into; [`Buffer::filled`] makes what was written count.
    pub fn space(&mut self, least: usize) -> &mut [u8] {
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        if self.store.len() - self.tail < least {
            self.store.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.len());
        }
        if self.store.len() - self.tail < least {
            // Doubling keeps many small appends cheap; a first read gets just what it asked for.
            let wanted = (self.tail + least).max(self.store.len() * 2);
            self.store.resize(wanted, 0);
        }
        &mut self.store[self.tail..]
    }

    /// The first `count` bytes of [`Buffer::space`] are data now.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.store.len() - self.tail, "more bytes filled than there was room for");
        self.tail += count;
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        self.head = self.tail;
    }

    /// Takes the oldest `count` bytes out and returns them; they stay readable until the next append.
    pub fn take(&mut self, count: usize) -> &[u8] {
        assert!(count <= self.len(), "more bytes taken than there are");
        let start = self.head;
        self.head += count;
        &self.store[start..self.head]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn taking_more_than_there_is_is_a_mistake_of_the_caller() {
        Buffer::default().take(1);
    }
}

//! Lines from a keyboard that is read as it is: a pipe, or a terminal that edits lines itself.
//!
//! Next door, the editor makes lines of keys. The invariant: at most [`LINE_LIMIT`] bytes of a line
//! without an end are held once [`LineReader::next`] has been asked.

use memchr::memchr;

use crate::buffer::Buffer;

/// The longest line that is taken, in bytes.
pub const LINE_LIMIT: usize = 64 * 1024;

/// A line was longer than [`LINE_LIMIT`]: all of it is dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Bytes that were typed, and which of them are lines.
#[derive(Default)]
pub struct LineReader {
    typed: Buffer,
    /// What comes up to the next newline belongs to a line that was too long.
    skipping: bool,
}

impl LineReader {
    /// Takes bytes, cut anywhere. None at all is the end of input: a last line may lack its
    /// newline.
    pub fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.typed.push(bytes);
        } else if !self.typed.is_empty() {
            self.typed.push(b"\n");
        }
    }

    /// The next line, without its newline.
    pub fn next(&mut self) -> Option<Result<&[u8], TooLong>> {
        loop {
            let Some(end) = memchr(b'\n', self.typed.bytes()) else {
                if self.typed.len() <= LINE_LIMIT {
                    return None;
                }
                self.typed.clear();
                let before = std::mem::replace(&mut self.skipping, true);
                return (!before).then_some(Err(TooLong));
            };
            if !std::mem::take(&mut self.skipping) {
                return Some(Ok(&self.typed.take(end + 1)[..end]));
            }
            self.typed.take(end + 1);
        }
    }

    /// Bytes that have been typed and not taken.
    pub fn len(&self) -> usize {
        self.typed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reader: &mut LineReader) -> Vec<Result<String, TooLong>> {
        let mut lines = Vec::new();
        while let Some(line) = reader.next() {
            lines.push(line.map(|line| String::from_utf8(line.to_owned()).unwrap()));
        }
        lines
    }

    #[test]
    fn lines_come_out_whole_wherever_they_are_cut() {
        let text = b"one\n\ntwo\nlast";
        for cut in 1..text.len() {
            let mut reader = LineReader::default();
            let mut read = Vec::new();
            for bytes in [&text[..cut], &text[cut..], b""] {
                reader.push(bytes);
                read.extend(lines(&mut reader));
            }
            assert_eq!(read, ["one", "", "two", "last"].map(|line| Ok(line.to_owned())));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_dropped_whole_and_said_once() {
        let mut reader = LineReader::default();
        let mut read = Vec::new();
        for _ in 0..5 {
            reader.push(&[b'x'; LINE_LIMIT]);
            read.extend(lines(&mut reader));
            assert!(reader.len() <= LINE_LIMIT);
        }
        reader.push(b"end\nnext\n");
        read.extend(lines(&mut reader));
        assert_eq!(read, [Err(TooLong), Ok("next".to_owned())]);
    }
}

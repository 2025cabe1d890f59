//! Lines put together from the pieces in which they arrive.
//!
//! Conversation and console have one assembler for each peer. Next door, a surface makes a piece
//! printable and writes its head. The invariant: no byte is lost or repeated, apart from a carriage
//! return before the end of a line, which some systems add; and at most [`PARTIAL_LIMIT`] bytes of
//! a partial line are held after a call.

use std::borrow::Cow;
use std::mem;

use crate::sys::clock::Clock;
use crate::terminal::sanitize;
use crate::terminal::surface::{Entry, Origin, Who};

/// Bytes of a partial line that are held; what a longer one has so far is shown as a piece.
pub const PARTIAL_LIMIT: usize = 16 * 1024;

/// A line, or the next part of a line that is too long to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// When its first byte came.
    pub since: Clock,
    /// The beginning of its line has been shown before.
    pub continued: bool,
    /// As it came from the network.
    pub text: Cow<'a, [u8]>,
}

impl Piece<'_> {
    /// It as an entry of the scrollback.
    pub fn entry<'a>(&'a self, origin: Origin, who: Who<'a>) -> Entry<'a> {
        Entry { origin, who, time: self.since, continued: self.continued, text: &self.text }
    }
}

/// One peer's line, until its end has come.
#[derive(Default)]
pub struct Assembler {
    /// A character of which only the beginning has come is included.
    partial: Vec<u8>,
    since: Clock,
    continued: bool,
}

impl Assembler {
    /// Takes the next bytes of the line, `complete` when it ends after them; returns what is to be
    /// shown. A line that comes whole is not copied.
    pub fn push<'a>(&mut self, text: &'a [u8], complete: bool, now: Clock) -> Option<Piece<'a>> {
        if self.partial.is_empty() {
            self.since = now;
        }
        if complete && self.partial.is_empty() {
            let continued = mem::take(&mut self.continued);
            let text = text.strip_suffix(b"\r").unwrap_or(text).into();
            return Some(Piece { since: now, continued, text });
        }
        self.partial.extend_from_slice(text);
        if complete {
            self.partial.pop_if(|last| *last == b'\r');
            return Some(self.take());
        }
        if self.partial.len() <= PARTIAL_LIMIT {
            return None;
        }
        let rest = self.partial.split_off(sanitize::complete(&self.partial));
        let piece = Some(self.take());
        (self.partial, self.since, self.continued) = (rest, now, true);
        piece
    }

    /// Nothing more comes of the line; returns what is held of it.
    pub fn finish(&mut self) -> Option<Piece<'static>> {
        Some(self.take()).filter(|piece| !piece.text.is_empty())
    }

    fn take(&mut self) -> Piece<'static> {
        let continued = mem::take(&mut self.continued);
        let text = mem::take(&mut self.partial).into();
        Piece { since: self.since, continued, text }
    }

    /// The partial line, up to its last whole character.
    pub fn partial(&self) -> Option<Piece<'_>> {
        let whole = &self.partial[..sanitize::complete(&self.partial)];
        let Self { since, continued, .. } = *self;
        (!self.partial.is_empty()).then_some(Piece { since, continued, text: whole.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Clock = Clock::of(14, 5);
    const LATER: Clock = Clock::of(14, 6);

    fn piece(since: Clock, continued: bool, text: &[u8]) -> Option<Piece<'_>> {
        Some(Piece { since, continued, text: text.into() })
    }

    #[test]
    fn a_whole_line_passes_through_without_a_copy() {
        let mut line = Assembler::default();
        let shown = line.push(b"hello", true, AT).unwrap();
        assert!(matches!(shown.text, Cow::Borrowed(b"hello")));
        assert_eq!(line.push(b"", true, LATER), piece(LATER, false, b""));
        assert_eq!(line.partial(), None);
    }

    #[test]
    fn a_line_comes_out_whole_wherever_it_is_cut() {
        let text = "two € 漢 and more".as_bytes();
        for cut in 1..text.len() {
            let mut line = Assembler::default();
            assert_eq!(line.push(&text[..cut], false, AT), None);
            let partial = line.partial().unwrap();
            assert!(str::from_utf8(&partial.text).is_ok(), "cut at {cut}");
            assert_eq!(line.push(&text[cut..], true, LATER), piece(AT, false, text));
        }
    }

    #[test]
    fn a_line_without_an_end_is_shown_in_pieces_and_costs_little() {
        let mut line = Assembler::default();
        let mut shown = Vec::new();
        for _ in 0..10 {
            shown.extend(line.push("€".repeat(2000).as_bytes(), false, AT).map(as_text));
            assert!(line.partial.len() <= PARTIAL_LIMIT);
        }
        shown.extend(line.push(b"end", true, LATER).map(as_text));
        let continued: Vec<bool> = shown.iter().map(|(continued, _)| *continued).collect();
        assert_eq!(continued[..2], [false, true]);
        assert!(continued[1..].iter().all(|&continued| continued));
        let text: String = shown.into_iter().map(|(_, text)| text).collect();
        assert_eq!(text, "€".repeat(20_000) + "end");
        assert_eq!(line.push(b"next", true, LATER), piece(LATER, false, b"next"));
    }

    /// A piece as text, which it is only when no character is cut.
    fn as_text(piece: Piece<'_>) -> (bool, String) {
        (piece.continued, String::from_utf8(piece.text.into_owned()).unwrap())
    }

    #[test]
    fn a_carriage_return_belongs_to_the_end_of_a_line() {
        let mut line = Assembler::default();
        for (text, shown) in [("hello\r", "hello"), ("\r", ""), ("a\rb\r\r", "a\rb\r")] {
            for cut in 0..=text.len() {
                line.push(&text.as_bytes()[..cut], false, AT);
                let whole = line.push(&text.as_bytes()[cut..], true, AT);
                assert_eq!(whole, piece(AT, false, shown.as_bytes()), "{text:?} cut at {cut}");
            }
        }
        line.push(b"no end\r", false, AT);
        assert_eq!(line.finish(), piece(AT, false, b"no end\r"));
    }

    #[test]
    fn what_is_held_comes_out_at_the_end() {
        let mut line = Assembler::default();
        assert_eq!(line.finish(), None);
        line.push(b"I have to", false, AT);
        assert_eq!(line.finish(), piece(AT, false, b"I have to"));
        assert_eq!(line.finish(), None);
    }
}

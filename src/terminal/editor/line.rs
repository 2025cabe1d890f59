//! The line being typed: its text, the cursor in it, and what was cut out of it.
//!
//! The cursor moves by grapheme, what a person calls a character. Next door, `keys` says what to
//! do, and `viewport` shows the part of the line that fits. The invariant: the cursor is on a
//! `char` boundary of the text. It may be inside a grapheme while that is being composed.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The most bytes in a line, the newlines of a paste included.
pub const LIMIT: usize = 64 * 1024;

/// A change to the line, or a move in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Backspace,
    Delete,
    /// Back to the space before: a word as the shell sees it.
    CutWord,
    CutWordLeft,
    CutWordRight,
    CutToStart,
    CutToEnd,
    /// Pastes back what was cut last.
    Yank,
    /// Swaps the graphemes on both sides of the cursor.
    Transpose,
}

/// The line would become longer than [`LIMIT`]; it stays as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// A line of text with a cursor. It holds newlines after a paste of several lines.
#[derive(Default)]
pub struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
    cut: String,
}

impl Line {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: String) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Takes the text out; the line is empty then.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts a character at the cursor.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn insert(&mut self, c: char) -> Result<(), Full> {
        self.insert_str(c.encode_utf8(&mut [0; 4]))
    }

    fn insert_str(&mut self, text: &str) -> Result<(), Full> {
        if self.text.len() + text.len() > LIMIT {
            return Err(Full);
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        Ok(())
    }

    /// Changes the line or moves in it, as far as it goes.
    ///
    /// # Errors
    /// There is no room for what was cut.
    pub fn edit(&mut self, edit: Edit) -> Result<(), Full> {
        match edit {
            Edit::Left => self.cursor = self.left(),
            Edit::Right => self.cursor = self.right(),
            Edit::WordLeft => self.cursor = self.left_over(is_word),
            Edit::WordRight => self.cursor = self.word_right(),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::Backspace => drop(self.remove(self.left()..self.cursor)),
            Edit::Delete => drop(self.remove(self.cursor..self.right())),
            Edit::CutWord => self.cut(self.left_over(is_ink)..self.cursor),
            Edit::CutWordLeft => self.cut(self.left_over(is_word)..self.cursor),
            Edit::CutWordRight => self.cut(self.cursor..self.word_right()),
            Edit::CutToStart => self.cut(0..self.cursor),
            Edit::CutToEnd => self.cut(self.cursor..self.text.len()),
            Edit::Yank => return self.insert_str(&self.cut.clone()),
            Edit::Transpose => self.transpose(),
        }
        Ok(())
    }

    /// Empties the line; what it held can be yanked.
    pub fn cut_all(&mut self) {
        self.cut(0..self.text.len());
    }

    /// Removes what stands between `start`, a byte where the cursor has been, and the cursor.
    pub fn remove_from(&mut self, start: usize) {
        self.remove(start..self.cursor);
    }

    /// One grapheme back from the cursor.
    fn left(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    /// One grapheme forward from the cursor.
    fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    /// The start of the nearest run of graphemes before the cursor that are all `inside`.
    fn left_over(&self, inside: fn(&str) -> bool) -> usize {
        let mut start = 0;
        let mut within = false;
        for (at, grapheme) in self.text[..self.cursor].grapheme_indices(true).rev() {
            if within && !inside(grapheme) {
                break;
            }
            within |= inside(grapheme);
            start = at;
        }
        start
    }

    /// The end of the nearest word after the cursor.
    fn word_right(&self) -> usize {
        let mut end = self.cursor;
        let mut within = false;
        for grapheme in self.text[self.cursor..].graphemes(true) {
            if within && !is_word(grapheme) {
                break;
            }
            within |= is_word(grapheme);
            end += grapheme.len();
        }
        end
    }

    fn remove(&mut self, range: Range<usize>) -> String {
        self.cursor = range.start;
        self.text.drain(range).collect()
    }

    /// Removes a range that can be yanked.
    fn cut(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.cut = self.remove(range);
        }
    }

    /// At the end of the line, swaps the last two graphemes.
    fn transpose(&mut self) {
        if self.cursor == self.text.len() {
            self.cursor = self.left();
        }
        let (start, end) = (self.left(), self.right());
        let swapped = [&self.text[self.cursor..end], &self.text[start..self.cursor]].concat();
        if start < self.cursor {
            self.text.replace_range(start..end, &swapped);
            self.cursor = end;
        }
    }
}

/// Whether a grapheme belongs to a word.
fn is_word(grapheme: &str) -> bool {
    grapheme.starts_with(char::is_alphanumeric)
}

fn is_ink(grapheme: &str) -> bool {
    !grapheme.starts_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Edits a line; the cursor in both pictures is a `|`.
    #[track_caller]
    fn assert_edits(before: &str, edits: &[Edit], after: &str) {
        let mut line = Line {
            text: before.replace('|', ""),
            cursor: before.find('|').unwrap(),
            ..Line::default()
        };
        for &edit in edits {
            assert_eq!(line.edit(edit), Ok(()));
        }
        let (left, right) = line.text.split_at(line.cursor);
        assert_eq!(format!("{left}|{right}"), after, "{before} {edits:?}");
    }

    #[test]
    fn the_cursor_moves_by_grapheme() {
        use Edit::*;
        assert_edits("cafe\u{301}|", &[Left], "caf|e\u{301}");
        assert_edits("|👨‍👩‍👧🇨🇭x", &[Right], "👨‍👩‍👧|🇨🇭x");
        assert_edits("|👨‍👩‍👧🇨🇭x", &[Right, Right, Right, Right], "👨‍👩‍👧🇨🇭x|");
        assert_edits("a漢|b", &[Left, Left, Left], "|a漢b");
        assert_edits("one|two", &[Home, Delete, End, Backspace], "netw|");
        assert_edits("👍🏽|", &[Backspace], "|");
        assert_edits("|e\u{301}x", &[Delete], "|x");
    }

    #[test]
    fn the_cursor_moves_by_word() {
        use Edit::*;
        assert_edits("one, two-three |", &[WordLeft], "one, two-|three ");
        assert_edits("one, two-three |", &[WordLeft, WordLeft, WordLeft], "|one, two-three ");
        assert_edits("|one, two", &[WordRight], "one|, two");
        assert_edits("one|, two", &[WordRight, WordRight], "one, two|");
        assert_edits("cafe\u{301}s |", &[WordLeft], "|cafe\u{301}s ");
    }

    #[test]
    fn what_is_cut_can_be_yanked() {
        use Edit::*;
        assert_edits("see a/b.txt  |now", &[CutWord], "see |now");
        assert_edits("see a/b.txt|", &[CutWordLeft], "see a/b.|");
        assert_edits("|one two", &[CutWordRight, End, Yank], " twoone|");
        assert_edits("one| two", &[CutToStart, End, Yank, Yank], " twooneone|");
        assert_edits("one| two", &[CutToEnd, Home, Yank], " two|one");
        assert_edits("one|", &[CutWord, CutToEnd, CutWord, Yank], "one|");
    }

    #[test]
    fn transpose_swaps_what_is_around_the_cursor() {
        assert_edits("a|bc", &[Edit::Transpose], "ba|c");
        assert_edits("abc|", &[Edit::Transpose], "acb|");
        assert_edits("|abc", &[Edit::Transpose], "|abc");
        assert_edits("a|", &[Edit::Transpose], "|a");
        assert_edits("e\u{301}👍🏽|", &[Edit::Transpose], "👍🏽e\u{301}|");
    }

    #[test]
    fn a_full_line_takes_no_more() {
        let mut line = Line::default();
        line.set("x".repeat(LIMIT - 1));
        assert_eq!(line.insert('é'), Err(Full));
        assert_eq!(line.insert('e'), Ok(()));
        assert_eq!(line.insert('e'), Err(Full));
        line.edit(Edit::CutWord).unwrap();
        line.insert('e').unwrap();
        assert_eq!(line.edit(Edit::Yank), Err(Full));
        assert_eq!(line.text(), "e");
    }

    #[test]
    fn a_grapheme_can_be_composed_from_the_inside() {
        let mut line = Line::default();
        line.set("👩".to_owned());
        line.edit(Edit::Home).unwrap();
        for c in ['👨', '\u{200D}'] {
            line.insert(c).unwrap();
        }
        assert_eq!(line.text(), "👨\u{200D}👩");
        line.edit(Edit::Right).unwrap();
        line.edit(Edit::Backspace).unwrap();
        assert_eq!(line.text(), "");
    }

    proptest! {
        #[test]
        fn the_cursor_stays_in_the_text(
            steps in prop::collection::vec(
                prop_oneof![
                    prop::sample::select("a 漢\u{301}\u{200D}👩🏽🇨🇭\n".chars().collect::<Vec<_>>())
                        .prop_map(Ok),
                    prop::sample::select(vec![
                        Edit::Left, Edit::Right, Edit::WordLeft, Edit::WordRight, Edit::Home,
                        Edit::End, Edit::Backspace, Edit::Delete, Edit::CutWord,
                        Edit::CutWordLeft, Edit::CutWordRight,
                        Edit::CutToStart, Edit::CutToEnd, Edit::Yank, Edit::Transpose,
                    ]).prop_map(Err),
                ],
                0..60,
            ),
        ) {
            let mut line = Line::default();
            for step in steps {
                let done = match step {
                    Ok(c) => line.insert(c),
                    Err(edit) => line.edit(edit),
                };
                prop_assert_eq!(done, Ok(()));
                prop_assert!(line.text().is_char_boundary(line.cursor()));
            }
        }
    }
}

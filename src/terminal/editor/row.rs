//! One row of the screen: pieces of text, each with its look.
//!
//! Next door, `screen` puts rows below each other. The invariant: the text of a row has no control
//! characters, so that it is at most as wide as `wrap` counts.

use unicode_segmentation::UnicodeSegmentation;

use crate::terminal::wrap;

/// Remembers and restores the position of the cursor (DECSC, DECRC).
const SAVE_CURSOR: &str = "\x1B7";
pub const RESTORE_CURSOR: &str = "\x1B8";

/// How a piece of text looks. Without colour, only a mark looks different from plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// The head of a line that was said here.
    Own,
    /// The head of a line of a peer.
    Peer,
    Notice,
    Status,
    /// What a person did not write: the time of an entry, a sign for a newline or for more text to
    /// the right.
    Mark,
    /// No text: the cursor is here.
    Cursor,
}

impl Style {
    /// The attributes of the text (SGR, ECMA-48 8.3.117), from the sixteen colours that people set
    /// to their taste.
    fn attributes(self, colour: bool) -> &'static str {
        match self {
            Self::Mark => "\x1B[7m",
            _ if !colour => "",
            Self::Plain | Self::Cursor => "",
            Self::Own => "\x1B[36m",
            Self::Peer => "\x1B[1;32m",
            Self::Notice => "\x1B[35m",
            Self::Status => "\x1B[2m",
        }
    }
}

/// A row of the screen.
#[derive(Default, PartialEq, Eq)]
pub struct Row(Vec<(Style, String)>);

impl Row {
    /// A row with one look.
    pub fn new(style: Style, text: &str) -> Self {
        let mut row = Self::default();
        row.push(style, text);
        row
    }

    /// Adds text at the end.
    pub fn push(&mut self, style: Style, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some((last, before)) if *last == style => *before += text,
            _ => self.0.push((style, text.to_owned())),
        }
    }

    /// The cursor stands behind what has been pushed.
    pub fn push_cursor(&mut self) {
        self.0.push((Style::Cursor, String::new()));
    }

    /// Appends the row to what is written to a terminal. Its cursor is remembered there, because
    /// only the terminal knows in which column that is.
    pub fn draw(&self, colour: bool, out: &mut String) {
        for (style, text) in &self.0 {
            let attributes = style.attributes(colour);
            *out += if *style == Style::Cursor { SAVE_CURSOR } else { attributes };
            *out += text;
            if !attributes.is_empty() {
                *out += "\x1B[m";
            }
        }
    }

    /// How many rows a terminal of `width` columns makes of this one when it wraps it again, down
    /// to the cursor if it is here. Never too many: the rows above are not ours to erase.
    pub fn reflowed(&self, width: usize) -> usize {
        let (mut rows, mut column, mut last) = (1, 0, false);
        for (style, text) in &self.0 {
            last |= *style == Style::Cursor;
            for grapheme in text.graphemes(true) {
                let columns = wrap::least_columns(grapheme);
                column += columns;
                if column > width {
                    rows += 1;
                    column = columns;
                }
                if last {
                    return rows;
                }
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(row: &Row, colour: bool) -> String {
        let mut out = String::new();
        row.draw(colour, &mut out);
        out
    }

    #[test]
    fn every_look_ends_where_its_text_ends() {
        let mut row = Row::new(Style::Peer, "14:05 <");
        row.push(Style::Peer, " alice:");
        row.push(Style::Plain, " hello ");
        row.push(Style::Mark, "⏎");
        assert_eq!(drawn(&row, true), "\x1B[1;32m14:05 < alice:\x1B[m hello \x1B[7m⏎\x1B[m");
        assert_eq!(drawn(&row, false), "14:05 < alice: hello \x1B[7m⏎\x1B[m");
    }

    #[test]
    fn a_row_reflows_by_column() {
        let row = Row::new(Style::Plain, "12345漢字");
        assert_eq!([9, 8, 7, 6, 5, 3].map(|width| row.reflowed(width)), [1, 2, 2, 2, 2, 4]);
        assert_eq!(Row::default().reflowed(5), 1);
        let until = |before, after| {
            let mut row = Row::new(Style::Plain, before);
            row.push_cursor();
            row.push(Style::Plain, after);
            row.reflowed(5)
        };
        assert_eq!([until("", "12345漢字"), until("1234", "5漢字")], [1, 1]);
        assert_eq!([until("12345", "漢字"), until("12345漢", "字"), until("12345", "")], [2, 2, 1]);
        assert_eq!(until("👍🏽👨‍👩‍👧🇨🇭1️⃣", ""), 1);
    }
}

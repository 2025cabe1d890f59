//! One row of the screen: pieces of text, each with its look.
//!
//! Next door, `screen` puts rows below each other. The invariant: the text of a row has no control
//! characters, so that it is as wide as is counted here.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

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
    /// Stands for something that is not text: a newline, more text to the right.
    Mark,
}

impl Style {
    /// The attributes of the text (SGR, ECMA-48 8.3.117), from the sixteen colours that people set
    /// to their taste.
    fn attributes(self, colour: bool) -> &'static str {
        match self {
            Self::Mark => "\x1B[7m",
            _ if !colour => "",
            Self::Plain => "",
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

    /// Appends the row to what is written to a terminal.
    pub fn draw(&self, colour: bool, out: &mut String) {
        for (style, text) in &self.0 {
            let attributes = style.attributes(colour);
            *out += attributes;
            *out += text;
            if !attributes.is_empty() {
                *out += "\x1B[m";
            }
        }
    }

    /// How many rows a terminal of `width` columns makes of this one when it wraps it again, down
    /// to the row that holds column `until`.
    pub fn reflowed(&self, width: usize, until: usize) -> usize {
        let (mut rows, mut column, mut columns) = (1, 0, 0);
        for grapheme in self.0.iter().flat_map(|(_, text)| text.graphemes(true)) {
            if columns > until {
                break;
            }
            columns += grapheme.width();
            column += grapheme.width();
            if column > width {
                rows += 1;
                column = grapheme.width();
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
        let rows = |width| row.reflowed(width, usize::MAX);
        assert_eq!([9, 8, 7, 6, 5, 3].map(rows), [1, 2, 2, 2, 2, 4]);
        assert_eq!([0, 4, 5, 7, 9].map(|until| row.reflowed(5, until)), [1, 1, 2, 2, 2]);
        assert_eq!(Row::default().reflowed(5, 3), 1);
    }
}

//! The part of the line being typed that has room on the screen.
//!
//! The line is one row, however long it is, and moves sideways under the cursor. Next door, `line`
//! is the whole of it and `screen` puts the row in its place. The invariant: the cursor and what is
//! under it are visible.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::line::Line;
use super::row::{Row, Style};
use crate::terminal::{sanitize, wrap};

/// What stands before the line, after whom it goes to, when its beginning is visible, and when it
/// is not.
const PROMPT: &str = "> ";
const PROMPT_CUT: &str = "< ";
/// Whom the line goes to takes at most one column in this many.
const TO: usize = 3;
/// What stands after the line when its end is not visible.
const MORE: &str = ">";

/// A window on the line.
#[derive(Default)]
pub struct Viewport {
    /// The first visible byte.
    first: usize,
}

impl Viewport {
    /// The row of at most `columns` columns to be drawn, with the cursor in it. Before the line
    /// stands whom it goes `to`, as far as there is room. When the cursor leaves the window, the
    /// window moves so that the cursor is in its middle.
    pub fn view(&mut self, to: &str, line: &Line, columns: usize) -> Row {
        let to = wrap::beginning(to, columns / TO);
        let before = wrap::columns(to) + PROMPT.len();
        // One column is kept for the mark.
        let mut room = columns.saturating_sub(before + MORE.len());
        self.scroll(line, room);
        let prompt = if self.first == 0 { PROMPT } else { PROMPT_CUT };
        let mut row = Row::new(Style::Plain, wrap::beginning(&[to, prompt].concat(), columns));
        let (text, cursor) = (&line.text()[self.first..], line.cursor() - self.first);
        for (at, grapheme) in text.grapheme_indices(true) {
            if (at..at + grapheme.len()).contains(&cursor) {
                row.push_cursor();
            }
            let (style, shown) = look(grapheme);
            let Some(left) = room.checked_sub(wrap::columns(&shown)) else {
                row.push(Style::Mark, wrap::beginning(MORE, columns.saturating_sub(before)));
                return row;
            };
            room = left;
            row.push(style, &shown);
        }
        if cursor == text.len() {
            row.push_cursor();
        }
        row
    }

    fn scroll(&mut self, line: &Line, room: usize) {
        let (text, cursor) = (line.text(), line.cursor());
        let under = text[cursor..].graphemes(true).next().map_or(0, str::len);
        let visible = self.first <= cursor
            && text.is_char_boundary(self.first)
            && fits(&text[self.first..cursor + under], room);
        if fits(text, room) {
            self.first = 0;
        } else if !visible {
            self.first = cursor;
            let mut room = room / 2;
            for grapheme in text[..cursor].graphemes(true).rev() {
                let Some(left) = room.checked_sub(width(grapheme)) else {
                    break;
                };
                room = left;
                self.first -= grapheme.len();
            }
        }
    }
}

/// How a grapheme of the line looks. Most look like themselves; what is invisible looks as it will
/// to the peer.
fn look(grapheme: &str) -> (Style, Cow<'_, str>) {
    match grapheme {
        "\n" => (Style::Mark, "⏎".into()),
        "\t" => (Style::Mark, "→".into()),
        _ => (Style::Plain, sanitize::line(grapheme.as_bytes())),
    }
}

fn width(grapheme: &str) -> usize {
    wrap::columns(&look(grapheme).1)
}

/// Whether `text` fits in `room` columns; of a long one, only the beginning is looked at.
fn fits(text: &str, room: usize) -> bool {
    text.graphemes(true)
        .try_fold(room, |room, grapheme| room.checked_sub(width(grapheme)))
        .is_some()
}

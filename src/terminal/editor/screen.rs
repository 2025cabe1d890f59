//! The scrollback and, below it, the live area: the last rows of the normal screen.
//!
//! From top to bottom, the live area is the peer's partial line if there is one, the status, and
//! the line being typed. It follows the scrollback, which scrolls in the terminal's own scrollback,
//! and is drawn again below whatever is added to that. Decisions:
//!
//! - The line being typed is one row that moves sideways (`viewport`), so no row of the live area
//!   is ever wrapped.
//! - Every row is at least one column narrower than the terminal, and is broken here. Should a
//!   terminal still draw it wider than `wrap` counts, it wraps the scrollback itself, so that no
//!   letter is lost; rows of the live area are cut off (DECAWM).
//! - The cursor is put where the terminal has drawn the text before it, not where that is counted
//!   to end.
//! - An entry begins with its time in reverse video, which no text can have: a terminal that wraps
//!   the scrollback again for a new width may begin a row with any part of a text.
//! - A terminal of one or two rows shows only the line being typed, one of three rows no partial
//!   line.
//! - After a change of width most terminals wrap all rows again; where the live area then begins is
//!   computed. Between that change and the signal that tells of it, a painting may leave a stale
//!   row.
//!
//! Next door, `row` is what a row looks like and `prompt` what is in it. The invariant: in the
//! scrollback only heads begin at the left edge, and only their times are in reverse video, so that
//! no text can look like another entry.

use std::fmt::Write;

use super::line::Line;
use super::row::{RESTORE_CURSOR, Row, Style};
use super::viewport::Viewport;
use crate::terminal::surface::{Entry, Live, Origin};
use crate::terminal::{sanitize, wrap};

/// Bracketed paste on.
const ENTER: &str = "\x1B[?2004h";
/// Undoes [`ENTER`] and whatever a row that was cut short has left: for every way out, the sudden
/// ones too.
pub const LEAVE: &str = "\x1B[m\x1B[?7h\x1B[?2004l\x1B[?25h";
const WRAP_OFF: &str = "\x1B[?7l";
const WRAP_ON: &str = "\x1B[?7h";
const HIDE_CURSOR: &str = "\x1B[?25l";
const SHOW_CURSOR: &str = "\x1B[?25h";
const ERASE_BELOW: &str = "\x1B[J";
const ERASE_RIGHT: &str = "\x1B[K";
const CURSOR_HOME: &str = "\x1B[H";
const BELL: char = '\x07';

/// The columns by which all rows of an entry but the first are indented: as wide as `14:05 < `.
/// Half a row at most.
const INDENT: usize = 8;
/// Rows narrower than this are not drawn, whatever the terminal says: there would be no room for an
/// indent.
const NARROWEST: usize = 3;

/// The size of a terminal, in columns and rows.
#[derive(Clone, Copy)]
struct Size {
    width: usize,
    height: usize,
}

impl Size {
    /// Zero is what a terminal says that does not know its size.
    fn new(width: u16, height: u16) -> Self {
        let known = |size: u16, usual| if size == 0 { usual } else { size.into() };
        Self { width: known(width, 80), height: known(height, 24) }
    }

    /// The columns that are drawn in.
    fn columns(self) -> usize {
        (self.width - 1).max(NARROWEST)
    }
}

/// The live area as it is on the terminal.
struct Painted {
    /// The cursor is in the last.
    rows: Vec<Row>,
    width: usize,
    /// The terminal has kept its size since.
    intact: bool,
}

/// A terminal, as it is after all that has been written to it.
pub struct Screen {
    out: String,
    /// Where in `out` the scrollback begins, behind what erases the live area.
    scrollback: usize,
    size: Size,
    colour: bool,
    reflows: bool,
    viewport: Viewport,
    painted: Option<Painted>,
}

impl Screen {
    /// A terminal of `width` columns and `height` rows, with the cursor at the start of a row.
    /// `reflows` says that it wraps its rows again when its width changes.
    pub fn new(width: u16, height: u16, colour: bool, reflows: bool) -> Self {
        Self {
            out: ENTER.to_owned(),
            scrollback: ENTER.len(),
            size: Size::new(width, height),
            colour,
            reflows,
            viewport: Viewport::default(),
            painted: None,
        }
    }

    /// The terminal has changed its size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.size = Size::new(width, height);
        if let Some(painted) = &mut self.painted {
            painted.intact = false;
        }
    }

    /// Bytes to be written.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Adds an entry to the scrollback.
    pub fn print(&mut self, entry: &Entry<'_>) {
        self.erase();
        let (mut head, mut text) = (entry.head(true), entry.text());
        let style = match entry.origin {
            Origin::Own => Style::Own,
            Origin::Peer => Style::Peer,
            Origin::Notice | Origin::Log => {
                head += &std::mem::take(&mut text);
                Style::Notice
            }
        };
        let columns = self.size.columns();
        let indent = INDENT.min(columns / 2);
        let (colour, out, mut time) = (self.colour, &mut self.out, Entry::TIME);
        wrap::with_head(&head, &text, columns, indent, |indent, head, text| {
            let mut row = Row::new(Style::Plain, indent);
            push_head(&mut row, style, head, &mut time);
            row.push(Style::Plain, text);
            row.draw(colour, out);
            *out += "\r\n";
        });
    }

    pub fn ring(&mut self) {
        self.out.push(BELL);
    }

    /// Moves all rows to the scrollback.
    pub fn clear(&mut self) {
        self.erase();
        self.out += &"\n".repeat(self.size.height - 1);
        self.out += CURSOR_HOME;
        self.out += ERASE_BELOW;
    }

    /// Draws the live area, with the hint at the end of its status, and takes all that is to be
    /// written.
    pub fn paint(&mut self, live: &Live<'_>, hint: Option<&str>, line: &Line) -> Vec<u8> {
        let rows = self.layout(live, hint, line);
        let last = rows.len() - 1;
        match &self.painted {
            Some(old) if old.intact && old.rows[..old.rows.len() - 1] == rows[..last] => {
                self.out += "\r";
                self.out += WRAP_OFF;
                rows[last].draw(self.colour, &mut self.out);
                self.out += ERASE_RIGHT;
            }
            _ => {
                self.erase();
                self.out += WRAP_OFF;
                for (index, row) in rows.iter().enumerate() {
                    self.out += if index == 0 { "" } else { "\r\n" };
                    row.draw(self.colour, &mut self.out);
                }
            }
        }
        for sequence in [RESTORE_CURSOR, WRAP_ON, SHOW_CURSOR] {
            self.out += sequence;
        }
        self.painted = Some(Painted { rows, width: self.size.width, intact: true });
        self.take()
    }

    /// Gives the terminal back, with the cursor at the start of a row, and takes all that is to be
    /// written.
    pub fn leave(&mut self) -> Vec<u8> {
        self.erase();
        self.out += LEAVE;
        self.take()
    }

    /// What has been painted is out of reach: only the scrollback is still to be written.
    pub fn forget(&mut self) {
        self.painted = None;
        self.out.drain(..std::mem::take(&mut self.scrollback));
    }

    /// Takes the terminal over again, with the cursor at the start of a row.
    pub fn enter(&mut self) {
        self.out += ENTER;
    }

    /// Takes all that is to be written, without drawing the live area.
    pub fn take(&mut self) -> Vec<u8> {
        self.scrollback = 0;
        std::mem::take(&mut self.out).into_bytes()
    }

    /// The rows of the live area, the last with the cursor.
    fn layout(&mut self, live: &Live<'_>, hint: Option<&str>, line: &Line) -> Vec<Row> {
        let columns = self.size.columns();
        let mut rows = Vec::new();
        if let Some(entry) = &live.partial
            && self.size.height > 3
        {
            rows.push(partial(&entry.head(true), &wrap::without_tabs(&entry.text()), columns));
        }
        if self.size.height > 2 {
            let hint = hint.map_or(String::new(), |hint| format!(" {hint} --"));
            let status = sanitize::label(live.status) + hint.as_str();
            rows.push(Row::new(Style::Status, wrap::beginning(&status, columns)));
        }
        rows.push(self.viewport.view(&sanitize::label(live.to), line, columns));
        rows
    }

    /// Erases the live area; the cursor is then where it began.
    fn erase(&mut self) {
        let Some(Painted { rows, width, .. }) = self.painted.take() else {
            return;
        };
        let reflowed = if self.reflows && width != self.size.width {
            rows.iter().map(|row| row.reflowed(self.size.width)).sum()
        } else {
            rows.len()
        };
        self.out += HIDE_CURSOR;
        self.out += "\r";
        if let up @ 1.. = reflowed - 1 {
            write!(self.out, "\x1B[{up}A").expect("a String takes everything");
        }
        self.out += ERASE_BELOW;
        self.scrollback = self.out.len();
    }
}

/// Adds a head, or the part of it that is in this row; `time` is how much of its time is to come.
fn push_head(row: &mut Row, style: Style, head: &str, time: &mut usize) {
    let (mark, rest) = head.split_at((*time).min(head.len()));
    *time -= mark.len();
    row.push(Style::Mark, mark);
    row.push(style, rest);
}

/// The peer's partial line in one row: its end, which is what is new.
fn partial(head: &str, text: &str, columns: usize) -> Row {
    const CUT: &str = "…";
    let head = wrap::beginning(head, columns);
    let room = columns - wrap::columns(head);
    let mut row = Row::default();
    push_head(&mut row, Style::Peer, head, &mut { Entry::TIME });
    if room == 0 {
        // Not even a mark that takes no column: it would change the head.
    } else if wrap::columns(text) <= room {
        row.push(Style::Plain, text);
    } else {
        row.push(Style::Plain, CUT);
        row.push(Style::Plain, wrap::end(text, room - 1));
    }
    row
}

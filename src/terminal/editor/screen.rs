//! The scrollback and, below it, the live area: the last rows of the normal screen.
//!
//! From top to bottom, the live area is the other end's partial line if there is one, the status,
//! and the line being typed. It follows the scrollback, which scrolls in the terminal's own
//! scrollback, and is drawn anew below whatever is added to that. What has been decided:
//!
//! - The line being typed is one row that moves sideways (`viewport`), so no row of the live area
//!   is ever wrapped.
//! - Every row is at most one column narrower than the terminal, and is broken here, not there.
//!   Where a terminal takes a character for wider than it is counted here, it cuts the row off: it
//!   has been told not to wrap (DECAWM).
//! - A terminal of up to two rows shows only the line being typed, one of three no partial line.
//! - After a change of width most terminals wrap all rows anew; where the live area then begins is
//!   computed. It is not while this program has yet to hear of the change: what is written in that
//!   moment may leave a stale row.
//!
//! Next door, `row` is what a row looks like; what stands in it is the affair of `mod`. The
//! invariant: only the scrollback's own heads begin at the left edge, so that no text can look like
//! another row.

use std::fmt::Write;

use super::line::Line;
use super::peer::Said;
use super::row::{Row, Style};
use super::viewport::Viewport;
use crate::terminal::wrap;

/// Bracketed paste on, wrapping off.
const ENTER: &str = "\x1B[?2004h\x1B[?7l";
/// Undoes [`ENTER`] and whatever a row that was cut short has left: for every way out, the sudden
/// ones too.
pub const LEAVE: &str = "\x1B[m\x1B[?7h\x1B[?2004l\x1B[?25h";
const HIDE_CURSOR: &str = "\x1B[?25l";
const SHOW_CURSOR: &str = "\x1B[?25h";
const ERASE_BELOW: &str = "\x1B[J";
const ERASE_RIGHT: &str = "\x1B[K";
const CURSOR_HOME: &str = "\x1B[H";
const BELL: char = '\x07';

/// The columns by which the further rows of a line are indented: as wide as `14:05 < `. Half a row
/// at most.
const INDENT: usize = 8;
/// Rows narrower than this are not drawn, whatever the terminal says: there would be no room for an
/// indent.
const NARROWEST: usize = 3;

/// What stands in the live area.
pub struct Live<'a> {
    /// The other end's partial line, if there is one.
    pub partial: Option<Said>,
    pub status: String,
    /// Whom the line goes to, printable; empty where that goes without saying.
    pub who: &'a str,
    pub line: &'a Line,
}

/// The size of a terminal, in columns and rows.
#[derive(Clone, Copy)]
struct Size {
    width: usize,
    height: usize,
}

impl Size {
    /// Zero is what a terminal says that does not know.
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
    rows: Vec<Row>,
    /// The column of the cursor, which is in the last row.
    cursor: usize,
    width: usize,
    /// The terminal has kept its size since.
    intact: bool,
}

/// A terminal, as it is after all that has been written to it.
pub struct Screen {
    out: String,
    size: Size,
    colour: bool,
    reflows: bool,
    viewport: Viewport,
    painted: Option<Painted>,
}

impl Screen {
    /// A terminal of `width` columns and `height` rows, with the cursor at the start of a row.
    /// `reflows` says that it wraps its rows anew when its width changes.
    pub fn new(width: u16, height: u16, colour: bool, reflows: bool) -> Self {
        Self {
            out: ENTER.to_owned(),
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

    /// Adds a line to the scrollback: `head`, which has a look, and `text`, which has none.
    pub fn print(&mut self, style: Style, head: &str, text: &str) {
        self.erase();
        let columns = self.size.columns();
        let whole = [head, &wrap::without_tabs(text)].concat();
        let indent = INDENT.min(columns / 2);
        let mut head = head.len();
        for (index, text) in wrap::rows(&whole, columns, indent).enumerate() {
            let shown = text.trim_end_matches(' ');
            let (styled, plain) = shown.split_at(head.min(shown.len()));
            head = head.saturating_sub(text.len());
            let mut row = Row::new(Style::Plain, &" ".repeat(indent * index.min(1)));
            row.push(style, styled);
            row.push(Style::Plain, plain);
            row.draw(self.colour, &mut self.out);
            self.out += "\r\n";
        }
    }

    /// Rings the bell.
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

    /// Draws the live area, and takes all that is to be written.
    pub fn paint(&mut self, live: &Live<'_>) -> Vec<u8> {
        let (rows, cursor) = self.layout(live);
        let last = rows.len() - 1;
        match &self.painted {
            Some(old) if old.intact && old.rows[..old.rows.len() - 1] == rows[..last] => {
                self.out += "\r";
                rows[last].draw(self.colour, &mut self.out);
                self.out += ERASE_RIGHT;
            }
            _ => {
                self.erase();
                for (index, row) in rows.iter().enumerate() {
                    self.out += if index == 0 { "" } else { "\r\n" };
                    row.draw(self.colour, &mut self.out);
                }
            }
        }
        self.out += "\r";
        self.moved(cursor, 'C');
        self.out += SHOW_CURSOR;
        self.painted = Some(Painted { rows, cursor, width: self.size.width, intact: true });
        self.take()
    }

    /// Gives the terminal back, with the cursor at the start of a row, and takes all that is to be
    /// written.
    pub fn leave(&mut self) -> Vec<u8> {
        self.erase();
        self.out += LEAVE;
        self.take()
    }

    /// Has the terminal again, with the cursor at the start of a row.
    pub fn enter(&mut self) {
        self.out += ENTER;
    }

    /// Takes all that is to be written, without drawing the live area.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).into_bytes()
    }

    /// The rows of the live area, and the column of the cursor in the last.
    fn layout(&mut self, live: &Live<'_>) -> (Vec<Row>, usize) {
        let columns = self.size.columns();
        let mut rows = Vec::new();
        if let Some(Said { head, text }) = &live.partial
            && self.size.height > 3
        {
            rows.push(partial(head, &wrap::without_tabs(text), columns));
        }
        if self.size.height > 2 {
            rows.push(Row::new(Style::Status, wrap::beginning(&live.status, columns)));
        }
        let (row, cursor) = self.viewport.view(live.who, live.line, columns);
        rows.push(row);
        (rows, cursor)
    }

    /// Erases the live area; the cursor is then where it began.
    fn erase(&mut self) {
        let Some(Painted { rows, cursor, width, .. }) = self.painted.take() else {
            return;
        };
        let (last, above) = rows.split_last().expect("the line being typed is always painted");
        let mut up = above.len();
        if self.reflows && width != self.size.width {
            let width = self.size.width;
            up = above.iter().map(|row| row.reflowed(width, usize::MAX)).sum();
            up += last.reflowed(width, cursor) - 1;
        }
        self.out += HIDE_CURSOR;
        self.out += "\r";
        self.moved(up, 'A');
        self.out += ERASE_BELOW;
    }

    /// Moves the cursor, `A` up or `C` to the right.
    fn moved(&mut self, count: usize, direction: char) {
        if count > 0 {
            write!(self.out, "\x1B[{count}{direction}").expect("a String takes everything");
        }
    }
}

/// The other end's partial line in one row: its end, which is what is new.
fn partial(head: &str, text: &str, columns: usize) -> Row {
    const CUT: &str = "…";
    let head = wrap::beginning(head, columns);
    let room = columns - wrap::columns(head);
    let mut row = Row::new(Style::Foreign, head);
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

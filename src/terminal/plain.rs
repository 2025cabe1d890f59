//! Rows that are only appended: for a terminal without an editor, and for a console over pipes.
//!
//! No cursor movement and no escape sequence, so that it can be read aloud or in braille. On a
//! terminal, rows are wrapped and indented here; a pipe has no width, and gets each entry as one
//! line. Next door, `pipe` passes the bytes of one conversation through. The invariant: on a
//! terminal, only an entry's head begins at the left edge.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::signal::SigSet;

use super::line_reader::{LineReader, TooLong};
use super::output::Outputs;
use super::surface::{Day, Entered, Entry, Surface};
use super::{sanitize, wrap};
use crate::sys::ready::{self, Interest};
use crate::sys::tty;

/// What stands before every row of an entry but its first.
const INDENT: usize = 2;
/// How long standard error may be full before an error is not printed.
const ERROR_LIMIT: Duration = Duration::from_secs(2);
/// Columns of a terminal that does not know its width.
const USUAL_WIDTH: usize = 80;

/// Standard input and output as they are.
pub struct Plain {
    outputs: Outputs,
    /// Says how many columns there are; `None` where standard output is not a terminal.
    columns: Option<fn() -> usize>,
    typed: LineReader,
    day: Day,
}

impl Plain {
    /// A surface on standard input and output.
    ///
    /// # Errors
    /// Standard output or standard error cannot be duplicated.
    pub fn open() -> io::Result<Self> {
        let columns = io::stdout().is_terminal().then_some((|| columns(io::stdout())) as fn() -> _);
        Ok(Self::new(Outputs::standard()?, columns))
    }

    pub fn new(outputs: Outputs, columns: Option<fn() -> usize>) -> Self {
        Self { outputs, columns, typed: LineReader::default(), day: Day::default() }
    }

    fn append(&mut self, head: &str, text: &str) {
        let screen = &mut self.outputs.screen;
        rows(head, text, self.columns.map(|columns| columns()), |row| screen.push_all(row));
    }
}

impl Surface for Plain {
    fn print(&mut self, entry: &Entry<'_>) {
        if self.scrolls()
            && let Some(date) = self.day.turn(entry.time)
        {
            self.append("-- ", &date);
        }
        self.append(&entry.head(false), &entry.text());
    }

    fn ring(&mut self) {
        if self.columns.is_some() {
            self.outputs.screen.push(b"\x07");
        }
    }

    fn typed(&mut self, bytes: &[u8]) {
        self.typed.push(bytes);
    }

    fn entered(&mut self) -> Option<Entered> {
        Some(match self.typed.next()? {
            Ok(line) => Entered::Line(line.to_owned()),
            Err(TooLong) => Entered::Dropped(TOO_LONG),
        })
    }

    fn settle(&mut self, line: Result<(), &str>) {
        if let Err(why) = line {
            self.append("-- ", &sanitize::label(why.as_bytes()));
        }
    }

    fn typed_ahead(&self) -> usize {
        self.typed.len()
    }

    fn scrolls(&self) -> bool {
        self.columns.is_some()
    }

    fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    fn outputs_mut(&mut self) -> &mut Outputs {
        &mut self.outputs
    }
}

/// What is said about a line that [`LineReader`] dropped.
pub const TOO_LONG: &str = "line not sent: it is longer than 64 KB";

/// The columns of the terminal that `fd` writes to that rows are written in; 0 columns is what a
/// terminal says that does not know.
pub fn columns(fd: impl AsFd) -> usize {
    match tty::size(fd).0 {
        0 => USUAL_WIDTH - 1,
        width => usize::from(width).saturating_sub(1).max(INDENT + 1),
    }
}

/// Passes on the rows that `head` and `text`, both printable, need in so many columns, each in
/// pieces that end with a newline; one row where the width is not known.
pub fn rows(head: &str, text: &str, columns: Option<usize>, mut push: impl FnMut([&[u8]; 4])) {
    match columns {
        None => push([b"", head.as_bytes(), text.as_bytes(), b"\n"]),
        Some(columns) => wrap::with_head(head, text, columns, INDENT, |indent, head, text| {
            push([indent.as_bytes(), head.as_bytes(), text.as_bytes(), b"\n"]);
        }),
    }
}

/// Writes one line about a failure to standard error, where it is wrapped and indented like
/// everything else: an error may quote what came from the network.
pub fn print_error(error: &str) {
    let stderr = io::stderr();
    let columns = stderr.is_terminal().then(|| columns(&stderr));
    let mut written = Vec::new();
    for line in error.lines() {
        let text = sanitize::line(line.as_bytes());
        let head = if written.is_empty() { "talk: " } else { "" };
        rows(head, &text, columns, |row| row.iter().for_each(|part| written.extend(*part)));
    }
    // Standard error may be closed, or be a terminal that hangs; then nobody can be told.
    let mut interests = [Interest::write(&stderr, true)];
    // Not poll(2), which takes no descriptor in a process that may open none (getrlimit(2)).
    let waited = ready::select(&mut interests, Some(ERROR_LIMIT), &SigSet::all());
    if waited.is_ok() && interests[0].ready {
        let _ = stderr.lock().write_all(&written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock::Clock;
    use crate::terminal::surface::{Origin, Who};

    fn shown(columns: Option<fn() -> usize>, origin: Origin, text: &str) -> String {
        let mut plain = Plain::new(Outputs::nowhere(), columns);
        let time = Clock::of(14, 5);
        let who = if origin == Origin::Peer { Who::Call(1, b"al\x1B") } else { Who::Nobody };
        plain.print(&Entry { origin, who, time, continued: false, text: text.as_bytes() });
        String::from_utf8(plain.outputs.screen.drain()).unwrap()
    }

    #[test]
    fn a_pipe_gets_each_entry_as_one_line() {
        let text = "a\tlong text\u{1B}[2J that is wider than any terminal ".repeat(9);
        let line = shown(None, Origin::Peer, &text);
        assert!(line.starts_with("[1 al^<5B>] a\tlong text^[[2J that") && line.ends_with(" \n"));
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(shown(None, Origin::Log, "call 1 window open"), "call 1 window open\n");
    }

    #[test]
    fn on_a_terminal_only_a_head_begins_at_the_left_edge() {
        let text = format!("{}call 1 ended: alice left", " ".repeat(70));
        for origin in [Origin::Peer, Origin::Notice, Origin::Log] {
            for columns in [|| 3, || 19, || 79, || 199] {
                let rows = shown(Some(columns), origin, &text);
                let forged = rows.lines().skip(1).find(|row| !row.starts_with("  "));
                assert_eq!(forged, None, "{rows}");
            }
        }
    }

    #[test]
    fn a_row_marks_a_new_day_on_a_terminal() {
        let today = Clock::of(23, 59);
        let mut tomorrow = Clock::of(0, 0);
        tomorrow.date.day += 1;
        for (columns, mark) in [(None, ""), (Some((|| 80) as fn() -> usize), "-- 2026-11-25\n")] {
            let mut plain = Plain::new(Outputs::nowhere(), columns);
            for time in [today, today, tomorrow, today, tomorrow] {
                plain.print(&Entry::notice(time, b"a line"));
            }
            let shown = String::from_utf8(plain.outputs.screen.drain()).unwrap();
            let (before, after) = ("-- a line\n".repeat(2), "-- a line\n".repeat(3));
            assert_eq!(shown, before + mark + &after);
        }
    }

    #[test]
    fn a_pipe_does_not_ring() {
        for (columns, bell) in [(None, &b""[..]), (Some((|| 80) as fn() -> usize), b"\x07")] {
            let mut plain = Plain::new(Outputs::nowhere(), columns);
            plain.ring();
            assert_eq!(plain.outputs.screen.drain(), bell);
        }
    }
}

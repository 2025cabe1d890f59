//! Lines in, lines out: for pipes and files, and for a terminal on which lines are only appended.
//!
//! To a pipe or file the other end's bytes go as they came, and notices to standard error. To a
//! terminal goes a line for each message, `alice: hello`, and notices between them as `-- alice
//! answered`: no cursor movement, no escape sequence, so that it can be read aloud or in braille.
//! The invariant: what a file receives is byte for byte what was said, and what a person reads
//! begins at the left edge only where a message or notice begins.

use std::io::{self, IsTerminal, stdin, stdout};

use super::command::{self, Command};
use super::{Event, Outputs, Terminal, Typed, reading, sanitize, wrap};
use crate::sys::tty;

/// Bytes of a line whose end has not come that are kept; a longer one is shown in parts.
const PARTIAL_LIMIT: usize = 16 * 1024;
/// What stands before every row of a message but its first.
const INDENT: &str = "  ";
/// Columns of a terminal that does not know its width.
const USUAL_WIDTH: usize = 80;

/// Standard input and output as they are.
pub struct Lines {
    outputs: Outputs,
    /// Standard input is a terminal, so that lines can be commands.
    commands: bool,
    /// Standard output is a terminal, so that a person reads it.
    person: bool,
    bell: bool,
    quiet: bool,
    peer: String,
    /// The other end's line whose end has not come.
    partial: Vec<u8>,
    /// What is typed now continues a line.
    in_partial_line: bool,
}

impl Lines {
    /// Lines on standard input and output; `bell` rings for each that arrives at a terminal,
    /// `quiet` keeps notices away from standard error.
    ///
    /// # Errors
    /// Standard output or standard error cannot be used.
    pub fn new(bell: bool, quiet: bool) -> io::Result<Self> {
        Ok(Self {
            outputs: Outputs::standard()?,
            commands: stdin().is_terminal(),
            person: stdout().is_terminal(),
            bell,
            quiet,
            peer: String::new(),
            partial: Vec::new(),
            in_partial_line: false,
        })
    }

    /// A line from a terminal that edits its own lines: read(2) gives one at a time.
    fn typed_line(&mut self, line: &[u8], pass: &mut dyn FnMut(Typed<'_>)) {
        match command::parse(line.strip_suffix(b"\n").unwrap_or(line)) {
            Command::Say(said) => pass(Typed::Text(&line[line.len() - said.len() - 1..])),
            Command::Quit => pass(Typed::Leave),
            Command::Help => command::HELP.iter().for_each(|text| self.notice(text)),
            Command::Unknown => self.notice(command::UNKNOWN),
        }
    }

    /// A piece of a line, for a person to read.
    fn hear(&mut self, text: &[u8], complete: bool) {
        self.partial.extend_from_slice(text);
        if complete {
            self.show_unfinished(self.partial.len());
        } else if self.partial.len() > PARTIAL_LIMIT {
            self.show_unfinished(sanitize::complete(&self.partial));
        }
    }

    /// Shows the first `length` bytes of the partial line.
    fn show_unfinished(&mut self, length: usize) {
        let bytes: Vec<u8> = self.partial.drain(..length).collect();
        self.print(&format!("{}: {}", self.peer, sanitize::line(&bytes)));
        if self.bell {
            self.outputs.screen.push(b"\x07");
        }
    }

    fn notice(&mut self, text: &str) {
        if self.person {
            self.print(&format!("-- {text}"));
        } else if !self.quiet {
            self.outputs.notices.push(format!("talk: {text}\n").as_bytes());
        }
    }

    /// A message on a terminal, in as many rows as it needs.
    fn print(&mut self, text: &str) {
        let width = match tty::size().0 {
            0 => USUAL_WIDTH,
            width => usize::from(width).saturating_sub(1).max(INDENT.len() + 1),
        };
        let text = wrap::without_tabs(text);
        for (index, row) in wrap::rows(&text, width, INDENT.len()).enumerate() {
            let indent = if index == 0 { "" } else { INDENT };
            self.outputs.screen.push(format!("{indent}{}\n", row.trim_end_matches(' ')).as_bytes());
        }
    }
}

impl Terminal for Lines {
    fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        let whole = !self.in_partial_line && bytes.ends_with(b"\n");
        self.in_partial_line = !bytes.ends_with(b"\n");
        if self.commands && whole {
            self.typed_line(bytes, pass);
        } else {
            pass(Typed::Text(bytes));
        }
    }

    fn edits(&self) -> bool {
        false
    }

    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Text { text, complete } if self.person => self.hear(text, complete),
            Event::Text { text, complete } => {
                let end: &[u8] = if complete { b"\n" } else { b"" };
                self.outputs.screen.push_all([text, end]);
            }
            Event::Answered { name } => {
                self.peer = sanitize::label(name).into_owned();
                self.notice(&format!("{} answered", self.peer));
            }
            Event::Left { reason } => {
                if !self.partial.is_empty() {
                    self.show_unfinished(self.partial.len());
                }
                let colon = if reason.is_empty() { "" } else { ": " };
                self.notice(&format!("{} left{colon}{}", self.peer, sanitize::label(reason)));
            }
            Event::Reading(reads) => self.notice(&reading(&self.peer, reads)),
            Event::Notice(text) => self.notice(text),
        }
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }
}

//! Lines in, lines out: for pipes and files, and for a terminal that edits its own lines.
//!
//! To a pipe or file the other end's bytes go as they came, and notices to standard error. To a terminal goes a line
//! for each message, `alice: hello`, and notices between them as `-- alice answered`. The invariant: what a file
//! receives is byte for byte what was said.

use std::io::{self, IsTerminal, stdout};

use super::{Event, Outlets, Terminal, Typed, printable};

/// Standard output and standard error as they are.
pub struct Lines {
    outlets: Outlets,
    /// Standard output is a terminal: a person reads it.
    person: bool,
    peer: String,
    /// The end of the last piece, as long as its last character is incomplete.
    held: Vec<u8>,
    mid_line: bool,
}

impl Lines {
    /// Lines on standard output.
    ///
    /// # Errors
    /// Standard output or standard error cannot be used.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            outlets: Outlets::standard()?,
            person: stdout().is_terminal(),
            peer: String::new(),
            held: Vec::new(),
            mid_line: false,
        })
    }

    /// A piece of a line, for a person to read.
    fn show_piece(&mut self, text: &[u8], complete: bool) {
        if !self.mid_line {
            self.outlets.screen.push(self.peer.as_bytes());
            self.outlets.screen.push(b": ");
        }
        self.held.extend_from_slice(text);
        let ready = if complete {
            self.held.len()
        } else {
            printable::complete(&self.held)
        };
        self.outlets
            .screen
            .push(printable::line(&self.held[..ready]).as_bytes());
        self.held.drain(..ready);
        if complete {
            self.outlets.screen.push(b"\n");
        }
        self.mid_line = !complete;
    }

    fn notice(&mut self, text: &str) {
        if !self.person {
            self.outlets
                .notices
                .push(format!("talk: {text}\n").as_bytes());
            return;
        }
        if self.mid_line {
            self.show_piece(b"", true);
        }
        self.outlets.screen.push(format!("-- {text}\n").as_bytes());
    }
}

impl Terminal for Lines {
    fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        pass(Typed::Text(bytes));
    }

    fn edits(&self) -> bool {
        false
    }

    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Text { text, complete } if self.person => self.show_piece(text, complete),
            Event::Text { text, complete } => {
                self.outlets.screen.push(text);
                if complete {
                    self.outlets.screen.push(b"\n");
                }
            }
            Event::Answered { name } => {
                self.peer = printable::label(name).into_owned();
                self.notice(&format!("{} answered", self.peer));
            }
            Event::Left { reason: b"" } => self.notice(&format!("{} left", self.peer)),
            Event::Left { reason } => {
                self.notice(&format!("{} left: {}", self.peer, printable::label(reason)));
            }
            Event::Notice(text) => self.notice(text),
        }
    }

    fn outlets(&mut self) -> &mut Outlets {
        &mut self.outlets
    }
}

//! The console as lines: for pipes and files, and for a terminal on which lines are only appended.
//!
//! The invariant: memory is bounded, whoever does not read what is shown and whatever has no end of
//! line.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use memchr::memchr;

use super::{Kind, Row, SCREEN_LIMIT, View};
use crate::buffer::Buffer;
use crate::terminal::output::Output;

/// Bytes that may wait before lines of the log are lost: far more than those at which callers are
/// held back, so that what they say costs no line about them.
const LOG_LIMIT: usize = 4 * SCREEN_LIMIT;
/// The longest line that is taken, in bytes.
const LINE_LIMIT: usize = 64 * 1024;

/// Standard input and output as they are.
pub struct Lines {
    out: Output,
    /// A person reads it, and can hear a bell.
    person: bool,
    /// Log lines that nobody read.
    lost: u64,
    /// What has been typed and not taken.
    typed: Buffer,
    /// What comes up to the next newline belongs to a line that is too long.
    skipping: bool,
}

impl Lines {
    /// Lines on standard output.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn new() -> io::Result<Self> {
        let out = Output::new(io::stdout().as_fd())?;
        let person = io::stdout().is_terminal();
        Ok(Self { out, person, lost: 0, typed: Buffer::default(), skipping: false })
    }

    fn push(&mut self, line: &str) {
        self.out.push(line.as_bytes());
        self.out.push(b"\n");
    }
}

impl View for Lines {
    fn typed(&mut self, bytes: &[u8]) {
        self.typed.push(bytes);
    }

    fn typed_last(&mut self) {
        if !self.typed.is_empty() {
            self.typed.push(b"\n");
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            let Some(end) = memchr(b'\n', self.typed.bytes()) else {
                if self.typed.len() > LINE_LIMIT {
                    self.typed.clear();
                    if !std::mem::replace(&mut self.skipping, true) {
                        self.show(&Row::notice(format!(
                            "a line of more than {LINE_LIMIT} bytes is not taken"
                        )));
                    }
                }
                return None;
            };
            let line = self.typed.take(end + 1);
            if !std::mem::take(&mut self.skipping) {
                return Some(line[..end].to_owned());
            }
        }
    }

    fn refused(&mut self, why: String) {
        self.show(&Row::notice(why));
    }

    fn is_idle(&self) -> bool {
        self.typed.is_empty()
    }

    fn show(&mut self, row: &Row) {
        let Row { kind, head, text } = row;
        match kind {
            Kind::Heard | Kind::Said => self.push(&[head.as_str(), text].concat()),
            // Nothing holds these back, so nobody may have to keep them.
            Kind::Notice | Kind::Log if self.out.waiting() > LOG_LIMIT => self.lost += 1,
            Kind::Notice | Kind::Log => {
                let lost = std::mem::take(&mut self.lost);
                if lost > 0 {
                    self.push(&format!("{lost} lines were lost: nobody read them"));
                }
                let mark = if *kind == Kind::Notice { "-- " } else { "" };
                self.push(&format!("{mark}{text}"));
            }
        }
    }

    fn ring(&mut self) {
        if self.person {
            self.out.push(b"\x07");
        }
    }

    fn output_mut(&mut self) -> &mut Output {
        &mut self.out
    }

    fn output(&self) -> &Output {
        &self.out
    }
}

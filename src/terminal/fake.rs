//! A surface that a test reads: what was printed, and what is live.
//!
//! Lines are typed as over a pipe. The invariant: like every surface, it shows text only sanitized.

use std::cell::RefCell;
use std::rc::Rc;

use super::line_reader::LineReader;
use super::output::Outputs;
use super::sanitize;
use super::surface::{Change, Entered, Entry, Live, Surface};

/// What a test sees of a [`Fake`], and what it can set.
#[derive(Default)]
pub struct Seen {
    pub entries: Vec<String>,
    /// The partial line, the status, and whom the line being typed goes to.
    pub live: [String; 3],
    pub refused: Vec<String>,
    pub rings: usize,
    pub changes: Vec<Change>,
    /// Bytes that wait for a screen that takes none.
    pub waiting: usize,
}

/// The surface; a test keeps a copy of what is seen on it.
pub struct Fake {
    pub seen: Rc<RefCell<Seen>>,
    typed: LineReader,
    outputs: Outputs,
    edits: bool,
}

impl Fake {
    pub fn new(edits: bool) -> Self {
        let (seen, typed) = (Rc::default(), LineReader::default());
        Self { seen, typed, outputs: Outputs::nowhere(), edits }
    }
}

impl Surface for Fake {
    fn print(&mut self, entry: &Entry<'_>) {
        let entry = entry.head(self.edits) + &entry.text();
        self.seen.borrow_mut().entries.push(entry);
    }

    fn ring(&mut self) {
        self.seen.borrow_mut().rings += 1;
    }

    fn paint(&mut self, live: &Live<'_>) {
        let partial = live.partial.map(|entry| entry.head(self.edits) + &entry.text());
        let [status, to] = [live.status, live.to].map(|raw| sanitize::label(raw).into_owned());
        self.seen.borrow_mut().live = [partial.unwrap_or_default(), status, to];
    }

    fn typed(&mut self, bytes: &[u8]) {
        self.typed.push(bytes);
    }

    fn entered(&mut self) -> Option<Entered> {
        let Ok(line) = self.typed.next()? else { return Some(Entered::Dropped("too long")) };
        let line = line.to_owned();
        Some(if line == b"^D" { Entered::Leave } else { Entered::Line(line) })
    }

    fn settle(&mut self, line: Result<(), &str>) {
        self.seen.borrow_mut().refused.extend(line.err().map(str::to_owned));
    }

    fn typed_ahead(&self) -> usize {
        self.typed.len()
    }

    fn scrolls(&self) -> bool {
        true
    }

    fn edits(&self) -> bool {
        self.edits
    }

    fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    fn outputs_mut(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn waiting(&self) -> usize {
        self.seen.borrow().waiting
    }

    fn change(&mut self, change: Change) {
        self.seen.borrow_mut().changes.push(change);
    }
}

//! The console on a terminal with an editor: the prompt names the current call, the status says who
//! waits to be read.
//!
//! Next door, `guard` takes the terminal over. The invariant: while the terminal is in other hands,
//! only whole rows are written to it, and nothing else about it is changed.

use std::collections::VecDeque;
use std::io;

use super::roster::Roster;
use super::{Kind, Row, View};
use crate::sys::clock;
use crate::sys::tty::size;
use crate::terminal::editor::{Asked, KEYS, Key, Prompt, Said, Style};
use crate::terminal::guard::{TerminalGuard, colour, reflows};
use crate::terminal::output::Output;

/// Why Ctrl-D does not do what it does elsewhere: too many conversations would end by one key.
const NOT_BY_KEY: &str = "/quit ends the desk";

/// A terminal that is a person's keyboard and screen.
pub struct Screen {
    prompt: Prompt,
    guard: TerminalGuard,
    /// Keys that have not been pressed on the prompt.
    keys: VecDeque<Key>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open() -> io::Result<Self> {
        let (width, height) = size();
        let prompt = Prompt::new(width, height, colour(), reflows());
        Ok(Self { prompt, guard: TerminalGuard::take()?, keys: VecDeque::new() })
    }
}

impl View for Screen {
    fn typed(&mut self, bytes: &[u8]) {
        self.keys.extend(self.prompt.read(bytes));
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        while let Some(key) = self.keys.pop_front() {
            match self.prompt.press(key) {
                Some(Asked::Enter) if self.prompt.text().is_empty() => {}
                Some(Asked::Enter) => return Some(self.prompt.text().as_bytes().to_owned()),
                Some(Asked::Leave) => self.prompt.refuse(NOT_BY_KEY),
                None => {}
            }
        }
        None
    }

    fn accepted(&mut self) {
        self.prompt.take_line();
    }

    fn refused(&mut self, why: String) {
        self.prompt.refuse(why);
    }

    fn is_idle(&self) -> bool {
        self.prompt.text().is_empty() && self.keys.is_empty()
    }

    fn keys(&self) -> &'static [&'static str] {
        &KEYS
    }

    fn show(&mut self, row: &Row) {
        let (clock, Row { kind, head, text }) = (clock::now(), row);
        match kind {
            Kind::Heard => self.prompt.print(Style::Foreign, &format!("{clock} {head}"), text),
            Kind::Said => self.prompt.print(Style::Own, &format!("{clock} {head}"), text),
            Kind::Notice | Kind::Log => self.prompt.notice(text, clock),
        }
    }

    fn ring(&mut self) {
        self.prompt.ring();
    }

    fn touch(&mut self) {
        self.prompt.touch();
    }

    /// Paints once the last painting is out: a slow terminal gets fewer pictures, not older ones.
    fn paint(&mut self, roster: &Roster) {
        if self.guard.outputs.screen.waiting() > 0 {
            return;
        }
        let painting = if self.guard.suspended {
            self.prompt.scrollback()
        } else {
            let said =
                |Row { head, text, .. }| Said { head: format!("{} {head}", clock::now()), text };
            self.prompt.paint(roster.partial().map(said), roster.status(), &roster.prompt())
        };
        self.guard.outputs.screen.push(&painting);
    }

    fn output_mut(&mut self) -> &mut Output {
        &mut self.guard.outputs.screen
    }

    fn output(&self) -> &Output {
        &self.guard.outputs.screen
    }

    fn waiting(&self) -> usize {
        self.guard.outputs.screen.waiting() + self.prompt.waiting()
    }

    fn resize(&mut self) {
        let (width, height) = size();
        self.prompt.resize(width, height);
    }

    fn suspend(&mut self) {
        self.guard.suspend(&mut self.prompt);
    }

    fn resume(&mut self) {
        self.guard.resume(&mut self.prompt);
    }

    fn attend(&mut self, attended: bool) {
        match (attended, self.guard.suspended) {
            (true, true) => self.guard.resume(&mut self.prompt),
            (false, false) => self.guard.lose(&mut self.prompt),
            _ => {}
        }
    }

    fn finish(&mut self) {
        if !self.guard.suspended {
            let last = self.prompt.suspend();
            self.guard.finish(&last);
            self.guard.suspended = true;
        }
    }
}

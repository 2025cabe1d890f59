//! The console on a terminal with an editor: the prompt names the current call, the status says who waits to be read.
//!
//! Next door, `tty` takes the terminal over. The invariant: while the terminal is in other hands, only whole rows are
//! written to it, and nothing else about it is changed.

use std::collections::VecDeque;
use std::io;

use super::book::Book;
use super::{Kind, Row, View};
use crate::sys::clock;
use crate::sys::tty::size;
use crate::terminal::editor::{Asked, Board, KEYS, Key, Said, Style};
use crate::terminal::output::Outlet;
use crate::terminal::tty::{Seat, colour, reflows};

/// Why Ctrl-D does not do what it does elsewhere: too many conversations would end by one key.
const NOT_BY_KEY: &str = "/quit ends the desk";

/// A terminal that is a person's keyboard and screen.
pub struct Screen {
    board: Board,
    seat: Seat,
    /// Keys that have not been pressed on the board.
    keys: VecDeque<Key>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open() -> io::Result<Self> {
        let (width, height) = size();
        let board = Board::new(width, height, colour(), reflows());
        Ok(Self { board, seat: Seat::take()?, keys: VecDeque::new() })
    }
}

impl View for Screen {
    fn typed(&mut self, bytes: &[u8]) {
        self.keys.extend(self.board.read(bytes));
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        while let Some(key) = self.keys.pop_front() {
            match self.board.press(key) {
                Some(Asked::Enter) if self.board.text().is_empty() => {}
                Some(Asked::Enter) => return Some(self.board.text().as_bytes().to_owned()),
                Some(Asked::Leave) => self.board.refuse(NOT_BY_KEY),
                None => {}
            }
        }
        None
    }

    fn accepted(&mut self) {
        self.board.take_line();
    }

    fn refused(&mut self, why: String) {
        self.board.refuse(why);
    }

    fn is_idle(&self) -> bool {
        self.board.text().is_empty() && self.keys.is_empty()
    }

    fn keys(&self) -> &'static [&'static str] {
        &KEYS
    }

    fn show(&mut self, row: &Row) {
        let (clock, Row { kind, head, text }) = (clock::now(), row);
        match kind {
            Kind::Heard => self.board.print(Style::Foreign, &format!("{clock} {head}"), text),
            Kind::Said => self.board.print(Style::Own, &format!("{clock} {head}"), text),
            Kind::Notice | Kind::Log => self.board.notice(text, clock),
        }
    }

    fn ring(&mut self) {
        self.board.ring();
    }

    fn touch(&mut self) {
        self.board.touch();
    }

    /// Paints once the last painting is out: a slow terminal gets fewer pictures, not older ones.
    fn paint(&mut self, book: &Book) {
        if self.seat.outlets.screen.waiting() > 0 {
            return;
        }
        let painting = if self.seat.suspended {
            self.board.transcript()
        } else {
            let said =
                |Row { head, text, .. }| Said { head: format!("{} {head}", clock::now()), text };
            self.board.paint(book.unfinished().map(said), book.status(), &book.prompt())
        };
        self.seat.outlets.screen.push(&painting);
    }

    fn outlet_mut(&mut self) -> &mut Outlet {
        &mut self.seat.outlets.screen
    }

    fn outlet(&self) -> &Outlet {
        &self.seat.outlets.screen
    }

    fn waiting(&self) -> usize {
        self.seat.outlets.screen.waiting() + self.board.waiting()
    }

    fn resize(&mut self) {
        let (width, height) = size();
        self.board.resize(width, height);
    }

    fn suspend(&mut self) {
        self.seat.suspend(&mut self.board);
    }

    fn resume(&mut self) {
        self.seat.resume(&mut self.board);
    }

    fn attend(&mut self, attended: bool) {
        match (attended, self.seat.suspended) {
            (true, true) => self.seat.resume(&mut self.board),
            (false, false) => self.seat.lose(&mut self.board),
            _ => {}
        }
    }

    fn finish(&mut self) {
        if !self.seat.suspended {
            let last = self.board.suspend();
            self.seat.finish(&last);
            self.seat.suspended = true;
        }
    }
}

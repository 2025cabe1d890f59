//! A conversation on surfaces and on a virtual screen, compared with pictures: scrollback and
//! screen from the top, the cursor a `▏`.

mod controller;
mod pictures;
mod plain;
mod properties;
mod terminal;

use std::num::NonZeroU16;

use super::*;
use crate::terminal::editor::{LINE_LIMIT, Prompt};
use crate::terminal::guard::TerminalGuard;

const CLOCK: Clock = Clock::of(14, 5);

/// Bob at his terminal, who is called by alice.
struct Desk {
    screen: ConversationScreen<TerminalGuard>,
    terminal: vt100::Parser,
    open: bool,
    said: String,
    left: bool,
    /// The bytes of the last paint.
    painted: String,
}

/// What a terminal is like.
#[derive(Clone, Copy)]
struct Look {
    width: u16,
    height: u16,
    colour: bool,
    reflows: bool,
    bell: bool,
}

fn size(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap()
}

fn look(width: u16, height: u16) -> Look {
    Look { width, height, colour: false, reflows: false, bell: false }
}

/// A conversation of bob's on a surface.
fn screen<S: Surface>(surface: S, bell: bool, person: bool) -> ConversationScreen<S> {
    let address = "192.0.2.7:51234".to_owned();
    let (plain, quiet, window, call) = (false, false, false, None);
    let settings = Settings { name: b"bob", address, plain, bell, quiet, window, call };
    let screen = ConversationScreen::new(surface, settings, person);
    ConversationScreen { clock: || CLOCK, ..screen }
}

impl Desk {
    fn ringing(Look { width, height, colour, reflows, bell }: Look) -> Self {
        let terminal = vt100::Parser::new(size(height), size(width), 5000);
        let prompt = Prompt::new(width, height, colour, reflows);
        let guard = TerminalGuard::around(prompt, Outputs::nowhere());
        let (said, painted) = (String::new(), String::new());
        let screen = screen(guard, bell, true);
        let mut desk = Self { screen, terminal, open: false, said, left: false, painted };
        desk.paint();
        desk
    }

    fn new(width: u16, height: u16) -> Self {
        let mut desk = Self::ringing(look(width, height));
        desk.screen.show(Event::Answered { name: b"alice" });
        desk.open = true;
        desk.paint();
        desk
    }

    fn prompt(&mut self) -> &mut Prompt {
        &mut self.screen.surface.prompt
    }

    fn paint(&mut self) {
        self.screen.paint();
        self.painted = String::from_utf8(self.screen.outputs().screen.drain()).unwrap();
        self.terminal.process(self.painted.as_bytes());
    }

    fn types(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let (said, left) = (&mut self.said, &mut self.left);
        self.screen.typed(bytes.as_ref(), self.open, &mut |typed| match typed {
            Typed::Line(line) => *said += &format!("{line}\n"),
            Typed::Text(text) => panic!("an editor passes lines, not {text:?}"),
            Typed::Leave => *left = true,
        });
        self.paint();
        self
    }

    fn pastes(&mut self, text: &str) -> &mut Self {
        self.types(format!("\x1B[200~{text}\x1B[201~"))
    }

    fn shows(&mut self, event: Event<'_>) -> &mut Self {
        self.screen.show(event);
        self.paint();
        self
    }

    /// Something happens to the terminal.
    fn changes(&mut self, change: Change) -> &mut Self {
        self.screen.surface.change(change);
        self.paint();
        self
    }

    fn hears(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.shows(Event::Text { text: text.as_ref(), complete: true })
    }

    fn hears_part(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.shows(Event::Text { text: text.as_ref(), complete: false })
    }

    fn resizes(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.set_size(size(height), size(width));
        self.prompt().resize(width, height);
        self.paint();
        self
    }

    /// Like [`resizes`](Self::resizes), on a terminal that wraps all rows again: they are written
    /// to a new one.
    fn reflows(&mut self, width: u16, height: u16) -> &mut Self {
        let screen = self.terminal.screen();
        let (row, column) = screen.cursor_position();
        let (last, end) = screen.size();
        let before = screen.contents_between(0, 0, row, column);
        let after = screen.contents_between(row, column, last.get(), end.get());
        let logical = format!("{before}\x1B7{}\x1B8", after.trim_end()).replace('\n', "\r\n");
        self.terminal = vt100::Parser::new(size(height), size(width), 5000);
        self.terminal.process(logical.as_bytes());
        self.prompt().resize(width, height);
        self.paint();
        self
    }

    fn picture(&mut self) -> String {
        picture(&mut self.terminal)
    }

    #[track_caller]
    fn looks(&mut self, picture: &str) -> &mut Self {
        let (actual, expected) = (self.picture(), picture.trim_matches('\n'));
        assert!(actual == expected, "\n{actual}\n-- and not --\n{expected}");
        self
    }

    #[track_caller]
    fn said(&mut self, expected: &str) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.said), expected);
        self
    }

    fn rang(&self) -> bool {
        self.painted.contains('\x07')
    }
}

/// What has scrolled out and what is visible, to the last row that is not blank.
pub fn picture(terminal: &mut vt100::Parser) -> String {
    let (row, column) = terminal.screen().cursor_position();
    let screen = terminal.screen_mut();
    let width = screen.size().1.get();
    let mut rows = Vec::new();
    for offset in (1..=screen.scrollback_len()).rev() {
        screen.set_scrollback(offset);
        rows.push(screen.rows(0, width).next().unwrap());
    }
    screen.set_scrollback(0);
    for (index, whole) in screen.rows(0, width).enumerate() {
        // In other rows, the cursor's column may be inside a wide character.
        rows.push(if index == usize::from(row) {
            let part = |from, to| screen.rows(from, to).nth(index).unwrap();
            [&part(0, column), "▏", part(column, width).trim_end()].concat()
        } else {
            whole.trim_end().to_owned()
        });
    }
    rows.join("\n").trim_end().to_owned()
}

//! The editor on a virtual screen, compared with pictures: scrollback and screen from the top, the
//! cursor a `▏`.

mod pictures;
mod prompt;
mod properties;
mod terminal;

use std::num::NonZeroU16;

use super::*;

const CLOCK: Clock = Clock { hour: 14, minute: 5 };

/// Bob at his terminal, who is called by alice.
struct Desk {
    editor: Editor,
    terminal: vt100::Parser,
    open: bool,
    said: String,
    left: bool,
    /// The bytes of the last paint.
    painted: String,
}

fn size(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap()
}

fn settings(width: u16, height: u16) -> Settings {
    Settings {
        name: "bob".to_owned(),
        address: "192.0.2.7:51234".to_owned(),
        width,
        height,
        colour: false,
        reflows: false,
        bell: false,
    }
}

impl Desk {
    fn ringing(settings: Settings) -> Self {
        let terminal = vt100::Parser::new(size(settings.height), size(settings.width), 5000);
        let editor = Editor::new(settings);
        let (said, painted) = (String::new(), String::new());
        let mut desk = Self { editor, terminal, open: false, said, left: false, painted };
        desk.paint();
        desk
    }

    fn new(width: u16, height: u16) -> Self {
        let mut desk = Self::ringing(settings(width, height));
        desk.editor.show(Event::Answered { name: b"alice" }, CLOCK);
        desk.open = true;
        desk.paint();
        desk
    }

    fn paint(&mut self) {
        self.painted = String::from_utf8(self.editor.paint()).unwrap();
        self.terminal.process(self.painted.as_bytes());
    }

    fn types(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let (said, left) = (&mut self.said, &mut self.left);
        self.editor.typed(bytes.as_ref(), self.open, CLOCK, &mut |typed| match typed {
            Typed::Text(text) => *said += str::from_utf8(text).unwrap(),
            Typed::Leave => *left = true,
        });
        self.paint();
        self
    }

    fn pastes(&mut self, text: &str) -> &mut Self {
        self.types(format!("\x1B[200~{text}\x1B[201~"))
    }

    fn shows(&mut self, event: Event<'_>) -> &mut Self {
        self.editor.show(event, CLOCK);
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
        self.editor.prompt.resize(width, height);
        self.paint();
        self
    }

    /// Like [`resizes`](Self::resizes), on a terminal that wraps all rows anew: they are written to
    /// a new one.
    fn reflows(&mut self, width: u16, height: u16) -> &mut Self {
        let screen = self.terminal.screen();
        let (row, column) = screen.cursor_position();
        let (last, end) = screen.size();
        let before = screen.contents_between(0, 0, row, column);
        let after = screen.contents_between(row, column, last.get(), end.get());
        let logical = format!("{before}\x1B7{}\x1B8", after.trim_end()).replace('\n', "\r\n");
        self.terminal = vt100::Parser::new(size(height), size(width), 5000);
        self.terminal.process(logical.as_bytes());
        self.editor.prompt.resize(width, height);
        self.paint();
        self
    }

    /// What has scrolled out and what is visible, to the last row that is not blank.
    fn picture(&mut self) -> String {
        let (row, column) = self.terminal.screen().cursor_position();
        let screen = self.terminal.screen_mut();
        let width = screen.size().1.get();
        let mut rows = Vec::new();
        for offset in (1..=screen.scrollback_len()).rev() {
            screen.set_scrollback(offset);
            rows.push(screen.rows(0, width).next().unwrap());
        }
        screen.set_scrollback(0);
        for (index, whole) in screen.rows(0, width).enumerate() {
            // Only in its own row is the cursor sure not to stand within a wide character.
            rows.push(if index == usize::from(row) {
                let part = |from, to| screen.rows(from, to).nth(index).unwrap();
                [&part(0, column), "▏", part(column, width).trim_end()].concat()
            } else {
                whole.trim_end().to_owned()
            });
        }
        rows.join("\n").trim_end().to_owned()
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

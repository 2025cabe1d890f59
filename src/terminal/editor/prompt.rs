//! A line being typed below a scrollback, whoever it is for.
//!
//! `keys` reads the keyboard, `line` is what is being typed and `history` what was typed before;
//! `screen` is the scrollback and the live area. Next door, `guard` is the terminal that this is
//! drawn on. The invariant: only keys change the line being typed, and only the prompt's owner
//! takes it.

use std::borrow::Cow;
use std::time::Duration;

use super::history::History;
use super::keys::{Key, Keys, SEQUENCE_PAUSE};
use super::line::{Edit, Full, Line};
use super::screen::Screen;
use crate::terminal::surface::{Entry, Live};

/// What `/help` shows of keys that edit.
pub const KEYS: [&str; 3] = [
    "Left, Right, Home, End move the cursor; with Ctrl or Alt by word (also Alt-B, Alt-F)",
    "Ctrl-W, Ctrl-U, Ctrl-K, Alt-D cut text; Ctrl-Y pastes it back; Ctrl-T swaps two characters",
    "Up and Down recall earlier lines; Ctrl-L clears the screen; Ctrl-Z suspends",
];

/// What a key asks of the prompt's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To take the line or refuse it.
    Enter,
    /// To end: Ctrl-D on an empty line.
    Leave,
    /// To say that a paste did not fit and was dropped whole.
    PasteDropped,
}

/// A paste that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paste {
    /// Its text stands in the line from this byte on.
    From(usize),
    /// It does not fit. A part of it would be sent as if it were all.
    Dropped,
}

/// A keyboard and a screen.
///
/// Calls change only what [`paint`](Self::paint) returns next: paint once before writing, however
/// much has happened.
pub struct Prompt {
    keys: Keys,
    pub(super) line: Line,
    history: History,
    paste: Option<Paste>,
    screen: Screen,
    /// Why the last key did not do what it should.
    hint: Option<Cow<'static, str>>,
    /// The bell is to be rung.
    rings: bool,
    /// Something is to be painted.
    changed: bool,
}

impl Prompt {
    /// A prompt on a terminal of `width` columns and `height` rows (0 for unknown), whose cursor is
    /// at the start of a row. `reflows` says that it wraps its rows again when its width changes.
    pub fn new(width: u16, height: u16, colour: bool, reflows: bool) -> Self {
        Self {
            keys: Keys::default(),
            line: Line::default(),
            history: History::default(),
            paste: None,
            screen: Screen::new(width, height, colour, reflows),
            hint: None,
            rings: false,
            changed: true,
        }
    }

    /// The keys that bytes from the keyboard, cut anywhere, complete; they come this long after
    /// those before them.
    pub fn read(&mut self, bytes: &[u8], after: Duration) -> Vec<Key> {
        self.changed = true;
        if after >= SEQUENCE_PAUSE {
            self.keys.pause();
        }
        self.keys.read(bytes)
    }

    /// Does what a key asks of the line, and returns what it asks of the owner.
    pub fn press(&mut self, key: Key) -> Option<Asked> {
        self.hint = None;
        self.changed = true;
        let mut done = Ok(());
        match key {
            Key::Text(_) if self.paste == Some(Paste::Dropped) => {}
            Key::Text(c) => done = self.line.insert(c),
            Key::Paste => self.paste = Some(Paste::From(self.line.cursor())),
            Key::PasteEnd => {
                let dropped = self.paste.take() == Some(Paste::Dropped);
                return dropped.then_some(Asked::PasteDropped);
            }
            Key::Edit(edit) => done = self.line.edit(edit),
            Key::EndOfInput if self.line.text().is_empty() => return Some(Asked::Leave),
            Key::EndOfInput => done = self.line.edit(Edit::Delete),
            Key::Enter => return Some(Asked::Enter),
            Key::Older => {
                if let Some(text) = self.history.older(self.line.text()) {
                    self.line.set(text.to_owned());
                }
            }
            Key::Newer => {
                if let Some(text) = self.history.newer() {
                    self.line.set(text.to_owned());
                }
            }
            Key::Clear => self.screen.clear(),
        }
        if done == Err(Full) {
            if let Some(Paste::From(start)) = self.paste {
                self.line.remove_from(start);
                self.paste = Some(Paste::Dropped);
            }
            self.refuse("the line is full");
        }
        None
    }

    /// The line being typed; with newlines in it after a paste of several lines.
    pub fn text(&self) -> &str {
        self.line.text()
    }

    /// Empties the line; the history keeps it.
    pub fn take_line(&mut self) {
        self.changed = true;
        self.history.push(&self.line.take());
    }

    /// Empties the line; it can be yanked.
    pub fn cut_line(&mut self) {
        self.changed = true;
        self.hint = None;
        self.line.cut_all();
        self.paste = self.paste.map(|_| Paste::From(0));
    }

    /// Adds an entry to the scrollback.
    pub fn print(&mut self, entry: &Entry<'_>) {
        self.changed = true;
        self.screen.print(entry);
    }

    /// Rings the bell with the next paint.
    pub fn ring(&mut self) {
        self.changed = true;
        self.rings = true;
    }

    /// Rings, and says in the status why, until the next key.
    pub fn refuse(&mut self, hint: impl Into<Cow<'static, str>>) {
        self.hint = Some(hint.into());
        self.ring();
    }

    /// What the next paint is given has changed.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// The terminal has a new size, 0 for unknown.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.changed = true;
        self.screen.resize(width, height);
    }

    /// About how many bytes [`paint`](Self::paint) would return, the live area not counted.
    pub fn waiting(&self) -> usize {
        self.screen.waiting()
    }

    /// All that is to be written now; nothing while nothing has changed.
    pub fn paint(&mut self, live: &Live<'_>) -> Vec<u8> {
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        if std::mem::take(&mut self.rings) {
            self.screen.ring();
        }
        self.screen.paint(live, self.hint.as_deref(), &self.line)
    }

    /// What has been added to the scrollback, without the live area: for a terminal that somebody
    /// else has.
    pub fn scrollback(&mut self) -> Vec<u8> {
        self.screen.take()
    }

    /// What is to be written before somebody else gets the terminal: the live area goes, the
    /// terminal's modes are as before. Until [`resume`](Self::resume), only
    /// [`scrollback`](Self::scrollback) may be written.
    pub fn leave(&mut self) -> Vec<u8> {
        self.screen.leave()
    }

    /// Somebody else has got the terminal without warning: the live area is not erased any more.
    pub fn forget(&mut self) {
        self.screen.forget();
    }

    /// The terminal is ours again, with its cursor at the start of a row: the next paint draws all
    /// of the live area.
    pub fn resume(&mut self) {
        self.changed = true;
        self.screen.enter();
    }
}

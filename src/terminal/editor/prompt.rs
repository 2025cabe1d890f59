//! A line being typed below a scrollback, whoever it is for.
//!
//! `keys` reads the keyboard, `line` is what is being typed and `history` what was; `screen` is the
//! scrollback and the live area. Next door, `mod` is a conversation on a prompt, and the console
//! many of them. The invariant: only keys change the line being typed, and only its owner takes it.

use std::borrow::Cow;

use super::history::History;
use super::keys::{Key, Keys};
use super::line::{Edit, Full, Line};
use super::peer::Said;
use super::row::Style;
use super::screen::{Live, Screen};
use crate::sys::clock::Clock;
use crate::terminal::sanitize;

/// What `/help` shows of keys that edit.
pub const KEYS: [&str; 3] = [
    "Left, Right, Home, End move the cursor; with Ctrl or Alt by word (also Alt-B, Alt-F)",
    "Ctrl-W, Ctrl-U, Ctrl-K, Alt-D cut text; Ctrl-Y puts it in again; Ctrl-T swaps two characters",
    "Up and Down bring back what was typed before; Ctrl-L clears the screen; Ctrl-Z suspends",
];

/// What a key asks of the prompt's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To do something with the line.
    Enter,
    /// To end: Ctrl-D on an empty line.
    Leave,
}

/// A keyboard and a screen.
///
/// Whatever happens changes only what [`paint`](Self::paint) gives next: call it once before
/// writing, however much has happened.
pub struct Prompt {
    keys: Keys,
    pub(super) line: Line,
    history: History,
    screen: Screen,
    /// Why the last key did not do what it should.
    hint: Option<Cow<'static, str>>,
    /// The bell is to be rung.
    rings: bool,
    /// Something is to be painted.
    changed: bool,
    /// The terminal is in other hands.
    suspended: bool,
}

impl Prompt {
    /// A prompt on a terminal of `width` columns and `height` rows (0 for unknown), whose cursor is
    /// at the start of a row. `reflows` says that it wraps its rows anew when its width changes.
    pub fn new(width: u16, height: u16, colour: bool, reflows: bool) -> Self {
        Self {
            keys: Keys::default(),
            line: Line::default(),
            history: History::default(),
            screen: Screen::new(width, height, colour, reflows),
            hint: None,
            rings: false,
            changed: true,
            suspended: false,
        }
    }

    /// The keys that bytes from the keyboard, cut anywhere, complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.changed = true;
        self.keys.read(bytes)
    }

    /// Does what a key asks of the line, and returns what it asks of the owner.
    pub fn press(&mut self, key: Key) -> Option<Asked> {
        self.hint = None;
        self.changed = true;
        let mut done = Ok(());
        match key {
            Key::Text(c) => done = self.line.insert(c),
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
            self.refuse("the line is full");
        }
        None
    }

    /// The line being typed; with newlines in it after a paste of several lines.
    pub fn text(&self) -> &str {
        self.line.text()
    }

    /// Empties the line; the history keeps it.
    pub fn take_line(&mut self) -> String {
        let text = self.line.take();
        self.history.push(&text);
        text
    }

    /// Adds a line to the scrollback: `head`, which has a look, and `text`, which has none. Both
    /// are printable.
    pub fn print(&mut self, style: Style, head: &str, text: &str) {
        self.changed = true;
        self.screen.print(style, head, text);
    }

    /// Adds something that nobody said to the scrollback.
    pub fn notice(&mut self, text: &str, clock: Clock) {
        let text = sanitize::label(text.as_bytes());
        self.print(Style::Notice, &format!("{clock} -- {text}"), "");
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

    /// What is in the live area has changed.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// The terminal has a new size, 0 for unknown.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.changed = true;
        self.screen.resize(width, height);
    }

    /// About how many bytes [`paint`](Self::paint) would give, the live area not counted.
    pub fn waiting(&self) -> usize {
        self.screen.waiting()
    }

    /// All that is to be written now; nothing while nothing has changed, or while suspended.
    /// `status` and the hint are in the row above the line, `who` the line goes to stands before
    /// it.
    pub fn paint(&mut self, partial: Option<Said>, status: String, who: &str) -> Vec<u8> {
        if self.suspended || !self.changed {
            return Vec::new();
        }
        self.changed = false;
        if std::mem::take(&mut self.rings) {
            self.screen.ring();
        }
        let hint = self.hint.as_ref().map_or(String::new(), |hint| format!(" {hint} --"));
        let status = status + &hint;
        self.screen.paint(&Live { partial, status, who, line: &self.line })
    }

    /// What has been added to the scrollback, to be written while the terminal is in other hands.
    pub fn scrollback(&mut self) -> Vec<u8> {
        self.screen.take()
    }

    /// What is to be written before somebody else gets the terminal: the live area goes, the
    /// terminal's modes are as before. Until [`resume`](Self::resume), nothing is painted.
    pub fn suspend(&mut self) -> Vec<u8> {
        self.suspended = true;
        self.screen.leave()
    }

    /// The terminal is ours again, with its cursor at the start of a row: the next paint draws all
    /// of the live area.
    pub fn resume(&mut self) {
        self.suspended = false;
        self.changed = true;
        self.screen.enter();
    }
}

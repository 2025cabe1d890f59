//! One person's keyboard and screen, when both are a terminal: what is typed stays whole whatever arrives.
//!
//! `keys` reads the keyboard, `line` is what is being typed and `history` what was; `peer` is the other end; `screen` is
//! the transcript and the live area, made of `row`s, with the line in its `field`. Here they are tied together. All of
//! it is pure: the size and the time come in, and bytes for the terminal come out. The invariant: only keys change the
//! line being typed, and only Enter says it.

mod field;
mod history;
mod keys;
mod line;
mod peer;
mod row;
mod screen;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use super::command::{self, Command};
use super::{Event, Typed, printable};
use crate::sys::clock::Clock;
use history::History;
use keys::{Key, Keys};
use line::{Edit, Full, Line};
use peer::{Peer, Said, State};
use row::Style;
use screen::{Live, Screen};

pub use screen::LEAVE;

/// What `/help` shows of keys.
const KEYS: [&str; 4] = [
    "Enter sends the line; Ctrl-D on an empty line, Ctrl-C or /quit leaves",
    "Left, Right, Home, End move the cursor; with Ctrl or Alt by word (also Alt-B, Alt-F)",
    "Ctrl-W, Ctrl-U, Ctrl-K, Alt-D cut text; Ctrl-Y puts it in again; Ctrl-T swaps two characters",
    "Up and Down bring back what was typed before; Ctrl-L clears the screen; Ctrl-Z suspends",
];

/// Who is at this end, and what their terminal can do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this end, printable.
    pub name: String,
    /// The address of the other end, printable.
    pub address: String,
    /// Columns; 0 for unknown.
    pub width: u16,
    /// Rows; 0 for unknown.
    pub height: u16,
    /// Whether to draw in colour.
    pub colour: bool,
    /// Whether the terminal wraps its rows anew when its width changes. xterm, the Linux console and GNU screen do not.
    pub reflows: bool,
    /// Whether to ring the bell when a line has come.
    pub bell: bool,
}

/// A keyboard and a screen.
///
/// Whatever happens changes only what [`paint`](Self::paint) gives next: call it once before writing, however much has
/// happened.
pub struct Editor {
    name: String,
    rings_for_lines: bool,
    keys: Keys,
    line: Line,
    history: History,
    screen: Screen,
    peer: Peer,
    /// Why the last key did not do what it should.
    hint: Option<&'static str>,
    /// The bell is to be rung.
    rings: bool,
    /// Something is to be painted.
    changed: bool,
    /// The terminal is in other hands.
    suspended: bool,
}

impl Editor {
    /// An editor on a terminal whose cursor is at the start of a row; the other end is [`State::Ringing`].
    pub fn new(settings: Settings) -> Self {
        let Settings { name, address, width, height, colour, reflows, bell } = settings;
        Self {
            name,
            rings_for_lines: bell,
            keys: Keys::default(),
            line: Line::default(),
            history: History::default(),
            screen: Screen::new(width, height, colour, reflows),
            peer: Peer::new(address),
            hint: None,
            rings: false,
            changed: true,
            suspended: false,
        }
    }

    /// Takes bytes from the keyboard, cut anywhere, and passes on what they mean. While nothing can be said (`open` is
    /// false), a line can be typed but not sent. Nothing is passed after [`Typed::Leave`].
    pub fn typed(
        &mut self,
        bytes: &[u8],
        open: bool,
        clock: Clock,
        pass: &mut dyn FnMut(Typed<'_>),
    ) {
        self.changed = true;
        for key in self.keys.read(bytes) {
            self.hint = None;
            if self.press(key, open, clock, pass).is_break() {
                return pass(Typed::Leave);
            }
        }
    }

    /// Shows an event. An answer makes the other end [`State::Talking`], a goodbye [`State::Left`].
    pub fn show(&mut self, event: Event<'_>, clock: Clock) {
        self.changed = true;
        match event {
            Event::Answered { name } => {
                self.peer.answered(name);
                self.notice(&format!("{} answered", self.peer.who()), clock);
            }
            Event::Text { text, complete } => {
                let said = self.peer.hear(text, complete, clock);
                self.print_said(said);
                self.rings |= complete && self.rings_for_lines;
            }
            Event::Left { reason } => {
                let said = self.peer.end_line();
                self.print_said(said);
                self.peer.state = State::Left;
                let reason = printable::label(reason);
                let colon = if reason.is_empty() { "" } else { ": " };
                self.notice(&format!("{} left{colon}{reason}", self.peer.who()), clock);
            }
            Event::Reading(reads) => {
                self.peer.reads(reads);
            }
            Event::Notice(text) => self.notice(text, clock),
        }
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
    pub fn paint(&mut self) -> Vec<u8> {
        if self.suspended || !self.changed {
            return Vec::new();
        }
        self.changed = false;
        if std::mem::take(&mut self.rings) {
            self.screen.ring();
        }
        self.screen.paint(&Live {
            unfinished: self.peer.unfinished(),
            status: self.peer.status(self.hint),
            line: &self.line,
        })
    }

    /// What is to be written before somebody else gets the terminal: the live area goes, the terminal's modes are as
    /// before. Until [`resume`](Self::resume), nothing is painted.
    pub fn suspend(&mut self) -> Vec<u8> {
        self.suspended = true;
        self.screen.leave()
    }

    /// The terminal is ours again, with its cursor at the start of a row: the next paint draws all of the live area.
    pub fn resume(&mut self) {
        self.suspended = false;
        self.changed = true;
        self.screen.enter();
    }

    /// What is to be written at the end: as [`suspend`](Self::suspend), and a line of the other end that was never
    /// finished goes to the transcript.
    pub fn finish(&mut self) -> Vec<u8> {
        let said = self.peer.end_line();
        self.print_said(said);
        self.suspend()
    }

    /// Does what a key asks for; breaks off when it asks to leave.
    fn press(
        &mut self,
        key: Key,
        open: bool,
        clock: Clock,
        pass: &mut dyn FnMut(Typed<'_>),
    ) -> ControlFlow<()> {
        let mut done = Ok(());
        match key {
            Key::Text(c) => done = self.line.insert(c),
            Key::Edit(edit) => done = self.line.edit(edit),
            Key::EndOfInput if self.line.text().is_empty() => return ControlFlow::Break(()),
            Key::EndOfInput => done = self.line.edit(Edit::Delete),
            Key::Enter => return self.enter(open, clock, pass),
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
        ControlFlow::Continue(())
    }

    /// Says the line or does what it commands; only a single line can be a command. An empty one does nothing.
    fn enter(
        &mut self,
        open: bool,
        clock: Clock,
        pass: &mut dyn FnMut(Typed<'_>),
    ) -> ControlFlow<()> {
        let text = self.line.text();
        let command = match text.contains('\n') {
            false => command::parse(text.as_bytes()),
            true => Command::Say(text.as_bytes()),
        };
        match command {
            Command::Quit => return ControlFlow::Break(()),
            Command::Help => {
                self.take_line();
                for text in KEYS.iter().chain(&command::HELP) {
                    self.notice(text, clock);
                }
            }
            Command::Unknown => {
                self.take_line();
                self.notice(command::UNKNOWN, clock);
            }
            Command::Say(b"") => {}
            Command::Say(_) if !open => self.refuse(self.peer.state.obstacle()),
            Command::Say(said) => {
                let slashes = text.len() - said.len();
                let text = self.take_line();
                self.say(&text[slashes..], clock, pass);
            }
        }
        ControlFlow::Continue(())
    }

    /// Empties the line; the history keeps it.
    fn take_line(&mut self) -> String {
        let text = self.line.take();
        self.history.push(&text);
        text
    }

    /// Passes on one or more lines, and shows them. The last may have its newline or not.
    fn say(&mut self, text: &str, clock: Clock, pass: &mut dyn FnMut(Typed<'_>)) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        pass(Typed::Text([text, end].concat().as_bytes()));
        let head = format!("{clock} > {}: ", self.name);
        for line in text.lines() {
            self.screen.print(Style::Own, &head, &printable::line(line.as_bytes()));
        }
    }

    fn print_said(&mut self, said: Option<Said>) {
        if let Some(Said { head, text }) = said {
            self.screen.print(Style::Foreign, &head, &text);
        }
    }

    fn notice(&mut self, text: &str, clock: Clock) {
        let text = printable::label(text.as_bytes());
        self.screen.print(Style::Notice, &format!("{clock} -- {text}"), "");
    }

    /// Rings, and says in the status why.
    fn refuse(&mut self, hint: &'static str) {
        self.hint = Some(hint);
        self.rings = true;
    }
}

//! One person's keyboard and screen, when both are a terminal: what is typed stays whole whatever
//! arrives.
//!
//! `prompt` is a line being typed below a scrollback, made of `keys`, `line`, `history` and
//! `screen` with its `row`s and the line's `viewport`; `peer` is the other end. Here they are tied
//! together to one conversation; `console` ties a prompt to many. All of it is pure: the size and
//! the time come in, and bytes for the terminal come out. The invariant: only keys change the line
//! being typed, and only Enter says it.

mod history;
mod keys;
mod line;
mod peer;
mod prompt;
mod row;
mod screen;
#[cfg(test)]
mod tests;
mod viewport;

use std::ops::ControlFlow;

use super::command::{self, Command};
use super::{Event, Typed, reading, sanitize};
use crate::sys::clock::Clock;
use peer::{Peer, State};

pub use keys::Key;
pub use peer::Said;
pub use prompt::{Asked, KEYS, Prompt};
pub use row::Style;
pub use screen::LEAVE;

/// What `/help` shows of keys besides [`KEYS`].
const ENTER_AND_LEAVE: &str =
    "Enter sends the line; Ctrl-D on an empty line, Ctrl-C or /quit leaves";

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
    /// Whether the terminal wraps its rows anew when its width changes. xterm, the Linux console
    /// and GNU screen do not.
    pub reflows: bool,
    /// Whether to ring the bell when a line has come.
    pub bell: bool,
}

/// A conversation on a [`Prompt`].
///
/// Whatever happens changes only what [`paint`](Self::paint) gives next: call it once before
/// writing, however much has happened.
pub struct Editor {
    name: String,
    rings_for_lines: bool,
    pub prompt: Prompt,
    peer: Peer,
}

impl Editor {
    /// An editor on a terminal whose cursor is at the start of a row; the other end is
    /// [`State::Ringing`].
    pub fn new(settings: Settings) -> Self {
        let Settings { name, address, width, height, colour, reflows, bell } = settings;
        let prompt = Prompt::new(width, height, colour, reflows);
        Self { name, rings_for_lines: bell, prompt, peer: Peer::new(address) }
    }

    /// Takes bytes from the keyboard, cut anywhere, and passes on what they mean. While nothing can
    /// be said (`open` is false), a line can be typed but not sent. Nothing is passed after
    /// [`Typed::Leave`].
    pub fn typed(
        &mut self,
        bytes: &[u8],
        open: bool,
        clock: Clock,
        pass: &mut dyn FnMut(Typed<'_>),
    ) {
        for key in self.prompt.read(bytes) {
            let leaves = match self.prompt.press(key) {
                Some(Asked::Leave) => true,
                Some(Asked::Enter) => self.enter(open, clock, pass).is_break(),
                None => false,
            };
            if leaves {
                return pass(Typed::Leave);
            }
        }
    }

    /// Shows an event. An answer makes the other end [`State::Talking`], a goodbye [`State::Left`].
    pub fn show(&mut self, event: Event<'_>, clock: Clock) {
        self.prompt.touch();
        match event {
            Event::Answered { name } => {
                self.peer.answered(name);
                self.prompt.notice(&format!("{} answered", self.peer.who()), clock);
            }
            Event::Text { text, complete } => {
                let said = self.peer.hear(text, complete, clock);
                self.print_said(said);
                if complete && self.rings_for_lines {
                    self.prompt.ring();
                }
            }
            Event::Left { reason } => {
                let said = self.peer.end_line();
                self.print_said(said);
                self.peer.state = State::Left;
                let reason = sanitize::label(reason);
                let colon = if reason.is_empty() { "" } else { ": " };
                self.prompt.notice(&format!("{} left{colon}{reason}", self.peer.who()), clock);
            }
            Event::Reading(reads) => {
                self.peer.reads(reads);
                self.prompt.notice(&reading(self.peer.who(), reads), clock);
            }
            Event::Notice(text) => self.prompt.notice(text, clock),
        }
    }

    /// All that is to be written now; nothing while nothing has changed, or while suspended.
    pub fn paint(&mut self) -> Vec<u8> {
        self.prompt.paint(self.peer.partial(), self.peer.status(), "")
    }

    /// What is to be written at the end: as [`Prompt::suspend`], and a line of the other end that
    /// was never finished goes to the scrollback.
    pub fn finish(&mut self) -> Vec<u8> {
        let said = self.peer.end_line();
        self.print_said(said);
        self.prompt.suspend()
    }

    /// Says the line or does what it commands; breaks off when that is to leave. Only a single line
    /// can be a command. An empty one does nothing.
    fn enter(
        &mut self,
        open: bool,
        clock: Clock,
        pass: &mut dyn FnMut(Typed<'_>),
    ) -> ControlFlow<()> {
        let text = self.prompt.text();
        let command = match text.contains('\n') {
            false => command::parse(text.as_bytes()),
            true => Command::Say(text.as_bytes()),
        };
        match command {
            Command::Quit => return ControlFlow::Break(()),
            Command::Help => {
                self.prompt.take_line();
                for text in [ENTER_AND_LEAVE].iter().chain(&KEYS).chain(&command::HELP) {
                    self.prompt.notice(text, clock);
                }
            }
            Command::Unknown => {
                self.prompt.take_line();
                self.prompt.notice(command::UNKNOWN, clock);
            }
            Command::Say(b"") => {}
            Command::Say(_) if !open => self.prompt.refuse(self.peer.state.obstacle()),
            Command::Say(said) => {
                let slashes = text.len() - said.len();
                let text = self.prompt.take_line();
                self.say(&text[slashes..], clock, pass);
            }
        }
        ControlFlow::Continue(())
    }

    /// Passes on one or more lines, and shows them. The last may have its newline or not.
    fn say(&mut self, text: &str, clock: Clock, pass: &mut dyn FnMut(Typed<'_>)) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        pass(Typed::Text([text, end].concat().as_bytes()));
        let head = format!("{clock} > {}: ", self.name);
        for line in text.lines() {
            self.prompt.print(Style::Own, &head, &sanitize::line(line.as_bytes()));
        }
    }

    fn print_said(&mut self, said: Option<Said>) {
        if let Some(Said { head, text }) = said {
            self.prompt.print(Style::Foreign, &head, &text);
        }
    }
}

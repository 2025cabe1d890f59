//! What one conversation does on a screen: its entries, the peer's state, commands and the bell.
//!
//! `peer` is who is on the other side. Next door, `console` does this for many conversations and
//! `pipe` for programs and files; the surface below draws. The invariant: only the program writes
//! what stands before a text, and only Enter says a line.

mod peer;
#[cfg(test)]
mod tests;

use super::command::{self, Command};
use super::editor::KEYS;
use super::output::Outputs;
use super::surface::{Change, Entered, Entry, Live, Origin, Surface, Who};
use super::{Event, Settings, Terminal, Typed, pass_bytes, sanitize, say_line, title};
use crate::sys::clock::{self, Clock};
use peer::{Peer, PeerState};

/// What `/help` shows of keys in addition to [`KEYS`].
const ENTER_AND_LEAVE: &str = "Enter sends the line, Ctrl-C clears it; \
    on an empty line Ctrl-C or Ctrl-D leaves, as /quit does";

/// A conversation on a surface.
pub struct ConversationScreen<S> {
    surface: S,
    /// A person types. What comes from a pipe or a file is passed on as it is.
    person: bool,
    /// The name of this side.
    name: Vec<u8>,
    rings_for_lines: bool,
    /// The window is there for this conversation.
    window: bool,
    call: Option<u32>,
    peer: Peer,
    /// What [`Peer::status`] said last: it is asked for at each paint, and changes seldom.
    status: Vec<u8>,
    clock: fn() -> Clock,
}

impl<S: Surface> ConversationScreen<S> {
    /// A conversation whose peer is [ringing](PeerState::Ringing). `person` says that standard
    /// input is somebody's keyboard.
    pub fn new(surface: S, settings: Settings<'_>, person: bool) -> Self {
        let peer = Peer::new(settings.address);
        Self {
            surface,
            person,
            name: settings.name.to_owned(),
            rings_for_lines: settings.bell,
            window: settings.window,
            call: settings.call,
            status: peer.status(),
            peer,
            clock: clock::now,
        }
    }

    /// Says one or more lines, and shows them where the terminal does not.
    fn say(&mut self, text: &[u8], pass: &mut dyn FnMut(Typed<'_>)) {
        let time = (self.clock)();
        for line in text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n') {
            say_line(line, pass);
            if self.surface.edits() {
                let who = Who::Person(&self.name);
                let origin = Origin::Own;
                self.surface.print(&Entry { origin, who, time, continued: false, text: line });
            }
        }
    }

    fn notice(&mut self, text: &[u8]) {
        self.surface.print(&Entry::notice((self.clock)(), text));
    }

    fn help(&mut self) {
        let keys: &[_] = if self.surface.edits() { &KEYS } else { &[] };
        let first: &[_] = if self.surface.edits() { &[ENTER_AND_LEAVE] } else { &[] };
        for text in first.iter().chain(keys).chain(&command::CONVERSATION_HELP) {
            self.notice(text.as_bytes());
        }
    }

    /// Takes a piece of what the peer says.
    fn hear(&mut self, text: &[u8], complete: bool) {
        match self.peer.line.push(text, complete, (self.clock)()) {
            Some(piece) => self.surface.print(&self.peer.entry(&piece)),
            None => self.surface.touch(),
        }
        if complete && self.rings_for_lines {
            self.surface.ring();
        }
    }

    /// No more comes of the peer's partial line.
    fn end_line(&mut self) {
        if let Some(piece) = self.peer.line.finish() {
            self.surface.print(&self.peer.entry(&piece));
        }
    }
}

impl<S: Surface> Terminal for ConversationScreen<S> {
    /// While nothing can be said (`open` is false), a line can be typed but not sent. Nothing is
    /// passed after [`Typed::Leave`].
    fn typed(&mut self, bytes: &[u8], open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        if !self.person {
            return pass_bytes(bytes, pass);
        }
        self.surface.typed(bytes);
        while let Some(entered) = self.surface.entered() {
            let line = match entered {
                Entered::Line(line) => line,
                Entered::Leave => return pass(Typed::Leave),
                Entered::Dropped(why) => {
                    self.notice(why.as_bytes());
                    continue;
                }
            };
            let command = command::parse(&line);
            match command {
                Command::Quit => return pass(Typed::Leave),
                Command::Say(_) if !open => self.surface.settle(Err(self.peer.state.obstacle())),
                _ => self.surface.settle(Ok(())),
            }
            match command {
                Command::Say(said) if open => self.say(said, pass),
                Command::Say(_) => {}
                Command::Help => self.help(),
                _ => self.notice(command::UNKNOWN.as_bytes()),
            }
        }
    }

    fn edits(&self) -> bool {
        self.surface.edits()
    }

    fn interrupt(&mut self) -> bool {
        self.surface.interrupt()
    }

    fn is_typing(&self) -> bool {
        self.surface.typed_ahead() > 0
    }

    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Text { text, complete } => return self.hear(text, complete),
            Event::Answered { name } => {
                self.peer.answered(name);
                if self.window {
                    self.surface.set_title(&title(name, self.call));
                }
            }
            Event::Reading(reads) => self.peer.reads(reads),
            Event::Left { .. } => {
                self.end_line();
                self.peer.state = PeerState::Left;
            }
            Event::Ended { lost } => {
                self.end_line();
                self.peer.ended(lost);
            }
            Event::Notice(text) => self.notice(text.as_bytes()),
        }
        if let Some(words) = event.about_peer() {
            let who = sanitize::name_in_words(self.peer.who()).into_owned();
            self.notice(&[who.as_bytes(), b" ", &words].concat());
        }
        self.status = self.peer.status();
        self.surface.touch();
    }

    fn paint(&mut self) {
        let partial = self.peer.line.partial();
        let partial = partial.as_ref().map(|piece| self.peer.entry(piece));
        self.surface.paint(&Live { partial, status: &self.status, to: b"" });
    }

    fn outputs(&mut self) -> &mut Outputs {
        self.surface.outputs_mut()
    }

    fn waiting(&mut self) -> usize {
        self.surface.waiting()
    }

    fn change(&mut self, change: Change) {
        if change == Change::Finish {
            self.end_line();
        }
        self.surface.change(change);
    }
}

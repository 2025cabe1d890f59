//! One conversation where standard output is not a terminal: the peer's bytes go out as they came,
//! and notices to standard error.
//!
//! Next door, `conversation` shows lines to a person. The invariant: what a file or program
//! receives is byte for byte what was said.

use std::io::{self, IsTerminal};

use super::command::{self, Command};
use super::line_reader::{LineReader, TooLong};
use super::output::Outputs;
use super::plain::{TOO_LONG, columns, rows};
use super::{Event, Terminal, Typed, pass_bytes, sanitize, say_line};

/// Standard input and output as they are.
pub struct Pipe {
    outputs: Outputs,
    /// Lines of the person at standard input, which can be commands; `None` where it is a pipe or
    /// a file.
    keyboard: Option<LineReader>,
    /// Nothing is written to standard error.
    quiet: bool,
    /// Standard error is a terminal, on which only a notice may begin a row.
    wraps: bool,
    /// The peer's name as it came.
    peer: Vec<u8>,
}

impl Pipe {
    /// # Errors
    /// Standard output or standard error cannot be duplicated.
    pub fn open(quiet: bool) -> io::Result<Self> {
        let keyboard = io::stdin().is_terminal().then(LineReader::default);
        let wraps = io::stderr().is_terminal();
        Ok(Self { outputs: Outputs::standard()?, keyboard, quiet, wraps, peer: Vec::new() })
    }

    fn notice(&mut self, text: &[u8]) {
        if self.quiet {
            return;
        }
        let columns = self.wraps.then(|| columns(io::stderr()));
        let notices = &mut self.outputs.notices;
        rows("talk: ", &sanitize::label(text), columns, |row| notices.push_all(row));
    }
}

impl Terminal for Pipe {
    fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        let Some(mut keyboard) = self.keyboard.take() else {
            return pass_bytes(bytes, pass);
        };
        keyboard.push(bytes);
        while let Some(line) = keyboard.next() {
            match line.map(command::parse) {
                Ok(Command::Say(said)) => say_line(said, pass),
                Ok(Command::Quit) => {
                    pass(Typed::Leave);
                    break;
                }
                Ok(Command::Help) => {
                    command::CONVERSATION_HELP.iter().for_each(|text| self.notice(text.as_bytes()));
                }
                Ok(_) => self.notice(command::UNKNOWN.as_bytes()),
                Err(TooLong) => self.notice(TOO_LONG.as_bytes()),
            }
        }
        self.keyboard = Some(keyboard);
    }

    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Text { text, complete } => {
                let end: &[u8] = if complete { b"\n" } else { b"" };
                return self.outputs.screen.push_all([text, end]);
            }
            Event::Answered { name } => self.peer = name.to_owned(),
            Event::Notice(text) => self.notice(text.as_bytes()),
            _ => {}
        }
        if let Some(words) = event.about_peer() {
            let who = sanitize::name_in_words(&self.peer).into_owned();
            self.notice(&[who.as_bytes(), b" ", &words].concat());
        }
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(keyboard: bool, quiet: bool) -> Pipe {
        let keyboard = keyboard.then(LineReader::default);
        Pipe { outputs: Outputs::nowhere(), keyboard, quiet, wraps: false, peer: Vec::new() }
    }

    fn typed(pipe: &mut Pipe, bytes: &[u8]) -> Vec<String> {
        let mut typed = Vec::new();
        pipe.typed(bytes, true, &mut |what| typed.push(format!("{what:?}")));
        typed
    }

    #[test]
    fn bytes_go_through_as_they_are() {
        let mut pipe = pipe(false, false);
        pipe.show(Event::Answered { name: b"al\x1B" });
        pipe.show(Event::Text { text: b"a\x1B[2J\xFF\r", complete: true });
        pipe.show(Event::Text { text: b"/part", complete: false });
        pipe.show(Event::Left { reason: b"" });
        assert_eq!(pipe.outputs.screen.drain(), b"a\x1B[2J\xFF\r\n/part");
        let notices = b"talk: \"al^[\" answered\ntalk: \"al^[\" left\n";
        assert_eq!(pipe.outputs.notices.drain(), notices);
        assert_eq!(typed(&mut pipe, b"/quit\nx"), [format!("{:?}", Typed::Text(b"/quit\nx"))]);
    }

    #[test]
    fn a_person_has_the_commands() {
        let mut pipe = pipe(true, false);
        assert!(typed(&mut pipe, b"/he").is_empty());
        assert_eq!(typed(&mut pipe, b"lp\n//x\n/who\n"), ["Line(\"/x\")"]);
        let notices = String::from_utf8(pipe.outputs.notices.drain()).unwrap();
        assert!(notices.contains("talk: /help lists") && notices.contains("no such command"));
        assert_eq!(typed(&mut pipe, b"last words"), [""; 0]);
        assert_eq!(typed(&mut pipe, b""), ["Line(\"last words\")"]);
        assert_eq!(typed(&mut pipe, b"/quit\n"), ["Leave"]);
    }

    #[test]
    fn quiet_is_without_notices() {
        let mut pipe = pipe(false, true);
        pipe.show(Event::Notice("ringing"));
        pipe.show(Event::Reading(false));
        assert_eq!(pipe.outputs.notices.waiting(), 0);
    }
}

//! What a person sees and types, or what a program reads and writes in their place.
//!
//! Two controllers, `conversation` and `console`, on two implementations of `surface`: `guard`, a
//! terminal taken over for the `editor`, and `plain` rows. `pipe` passes the bytes of one
//! conversation through. `command` is what a typed line asks for, `assembler` and `line_reader` put
//! lines together, `sanitize` and `wrap` make them fit to be shown, `output` holds what waits to be
//! written. Next door, `protocol` decides what is said and `session` moves the bytes. The
//! invariant: untrusted text reaches a terminal only through a surface, which sanitizes and wraps
//! it.

mod assembler;
mod command;
pub mod console;
mod conversation;
mod editor;
#[cfg(test)]
mod fake;
mod guard;
mod line_reader;
pub mod output;
mod pipe;
mod plain;
pub mod sanitize;
mod surface;
mod wrap;

use std::io::{self, IsTerminal};

use conversation::ConversationScreen;
use guard::TerminalGuard;
use output::Outputs;
use pipe::Pipe;
use plain::Plain;

pub use editor::SEQUENCE_PAUSE;
pub use plain::print_error;
pub use surface::Change;

/// Something to be shown.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The peer said who it is: the conversation is open.
    Answered { name: &'a [u8] },
    /// A piece of what the peer said; `complete` when its line ends here.
    Text { text: &'a [u8], complete: bool },
    /// The peer said goodbye, and why.
    Left { reason: &'a [u8] },
    /// Whether the peer reads what is sent: when it has not for a while, and when it does again.
    Reading(bool),
    /// The conversation is over; `lost` when its connection ended without a goodbye.
    Ended { lost: bool },
    /// A line about the call, from the program.
    Notice(&'a str),
}

impl Event<'_> {
    /// What a notice says of the peer, after its name; raw.
    fn about_peer(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Answered { .. } => b"answered".into(),
            Self::Left { reason: b"" } => b"left".into(),
            Self::Left { reason } => [b"left: ", *reason].concat(),
            Self::Reading(true) => b"is reading again".into(),
            Self::Reading(false) => b"is not reading; what you say waits".into(),
            Self::Text { .. } | Self::Ended { .. } | Self::Notice(_) => return None,
        })
    }
}

/// What bytes from the keyboard mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed<'a> {
    /// A whole line that a person entered, without its newline.
    Line(&'a str),
    /// Bytes of lines, newlines included, cut anywhere.
    Text(&'a [u8]),
    /// The person wants to leave.
    Leave,
}

/// Passes on what came from a pipe or a file.
fn pass_bytes(bytes: &[u8], pass: &mut dyn FnMut(Typed<'_>)) {
    if !bytes.is_empty() {
        pass(Typed::Text(bytes));
    }
}

/// Passes on a line that was typed. A terminal may have any encoding: what is not UTF-8 is sent as
/// it is.
pub fn say_line(line: &[u8], pass: &mut dyn FnMut(Typed<'_>)) {
    match str::from_utf8(line) {
        Ok(line) => pass(Typed::Line(line)),
        Err(_) => pass(Typed::Text(&[line, b"\n"].concat())),
    }
}

/// One side's keyboard and screen. The engine reads the keyboard and writes the outputs; the
/// terminal decides what the bytes mean and how events look.
pub trait Terminal {
    /// Takes bytes from the keyboard and passes on what they mean. None at all is the end of input,
    /// before which a line may lack its newline. While nothing can be said (`open` is false), only
    /// a terminal that [edits](Self::edits) is given any.
    fn typed(&mut self, bytes: &[u8], open: bool, pass: &mut dyn FnMut(Typed<'_>));

    /// Whether lines are edited here, so that keys are welcome even while nothing can be said.
    fn edits(&self) -> bool {
        false
    }

    /// Ctrl-C: empties the line being typed. Returns whether there was one; only a terminal that
    /// edits knows.
    fn interrupt(&mut self) -> bool {
        false
    }

    /// Whether a line is being typed; only a terminal that edits knows.
    fn is_typing(&self) -> bool {
        false
    }

    fn show(&mut self, event: Event<'_>);

    /// Fills the outputs with what is to be written now.
    fn paint(&mut self) {}

    /// Where bytes wait to be written.
    fn outputs(&mut self) -> &mut Outputs;

    /// About how many bytes wait for the screen, painted or not.
    fn waiting(&mut self) -> usize {
        self.outputs().screen.waiting()
    }

    /// Something happens to the terminal.
    fn change(&mut self, _change: Change) {}
}

/// How a person wants their terminal.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The name of this side, raw.
    pub name: &'a [u8],
    /// Where the peer is.
    pub address: String,
    /// Only append rows: no cursor movement, no colours.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
    /// No notices on standard error where standard output is not a terminal.
    pub quiet: bool,
    /// The window is there for this conversation: its title is the peer's.
    pub window: bool,
    /// The number of the call, where it has one.
    pub call: Option<u32>,
}

/// The title of a window for a call from somebody of this name, printable.
pub fn title(name: &[u8], call: Option<u32>) -> String {
    let name = sanitize::name(name);
    call.map_or(name.clone().into_owned(), |call| format!("{name} (call {call})"))
}

/// The terminal that suits standard input and output.
///
/// # Errors
/// Standard output or error cannot be duplicated, or the terminal not be made raw.
pub fn open(settings: Settings<'_>) -> io::Result<Box<dyn Terminal>> {
    if !io::stdout().is_terminal() {
        return Ok(Box::new(Pipe::open(settings.quiet)?));
    }
    if !settings.plain && can_edit() {
        return Ok(Box::new(ConversationScreen::new(TerminalGuard::take()?, settings, true)));
    }
    let person = io::stdin().is_terminal();
    Ok(Box::new(ConversationScreen::new(Plain::open()?, settings, person)))
}

/// Whether standard input and output are a terminal that can do what an editor needs.
fn can_edit() -> bool {
    let person = io::stdin().is_terminal() && io::stdout().is_terminal();
    let capable = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    person && capable
}

//! What a person sees and types, or what a program reads and writes in their place.
//!
//! `plain` serves pipes and plain terminals, `guard` a terminal with the `editor` on it; `command` is
//! what a typed line can ask for; `console` is many conversations in one place. `sanitize` is the
//! gate for foreign text, `wrap` breaks it into rows, `output` holds what waits to be written. Next
//! door, `protocol` decides what is said and `engine` moves the bytes. The invariant: foreign text
//! reaches a terminal only through `sanitize`.

mod command;
pub mod console;
mod editor;
mod guard;
pub mod output;
mod plain;
pub mod sanitize;
mod wrap;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use output::Output;

/// Something to be shown.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The other end said who it is: the conversation is open.
    Answered { name: &'a [u8] },
    /// A piece of what the other end said; `complete` when its line ends here.
    Text { text: &'a [u8], complete: bool },
    /// The other end said goodbye, and why.
    Left { reason: &'a [u8] },
    /// Whether the other end takes what is said: when it has not for a while, and when it does
    /// again.
    Reading(bool),
    /// Something about the call that nobody said.
    Notice(&'a str),
}

/// What bytes from the keyboard mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed<'a> {
    /// Bytes of lines, newlines included, cut anywhere.
    Text(&'a [u8]),
    /// The person wants to leave.
    Leave,
}

/// One end's keyboard and screen. The engine reads the keyboard and writes the outputs; what the
/// bytes mean and how events look is the terminal's own affair.
pub trait Terminal {
    /// Takes bytes from the keyboard and passes on what they mean. While nothing can be said
    /// (`open` is false), only a terminal that [edits](Self::edits) is given any.
    fn typed(&mut self, bytes: &[u8], open: bool, pass: &mut dyn FnMut(Typed<'_>));

    /// Whether lines are edited here, so that keys are welcome even while nothing can be said.
    fn edits(&self) -> bool;

    /// Shows an event.
    fn show(&mut self, event: Event<'_>);

    /// Fills the outputs with what there is to be written now.
    fn paint(&mut self) {}

    /// Where bytes wait to be written.
    fn outputs(&mut self) -> &mut Outputs;

    /// About how many bytes wait for the screen, painted or not.
    fn waiting(&mut self) -> usize {
        self.outputs().screen.waiting()
    }

    /// The window has another size.
    fn resize(&mut self) {}

    /// Gives the terminal back for a while.
    fn suspend(&mut self) {}

    /// Has the terminal again.
    fn resume(&mut self) {}

    /// Gives the terminal back for good; what is to be written for that is in the outputs.
    fn finish(&mut self) {}
}

/// How a person wants their terminal.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The name of this end, as it is.
    pub name: &'a [u8],
    /// Where the other end is, printable.
    pub address: String,
    /// Only lines appended: no cursor movement, no colours.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
    /// No notices beside what a program or a file gets.
    pub quiet: bool,
}

/// The terminal that suits standard input and output: the editor where both are one that can do
/// what it needs, else lines.
///
/// # Errors
/// Standard output or error cannot be used.
pub fn open(settings: Settings<'_>) -> io::Result<Box<dyn Terminal>> {
    if !settings.plain && can_edit() {
        return Ok(Box::new(guard::Tty::open(settings)?));
    }
    Ok(Box::new(plain::Lines::new(settings.bell, settings.quiet)?))
}

/// What is said when the other end stops taking what is sent, or goes on.
fn reading(peer: &str, reads: bool) -> String {
    if reads {
        format!("{peer} is reading again")
    } else {
        format!("{peer} is not reading; what you say waits")
    }
}

/// Whether standard input and output are a terminal that can do what an editor needs.
fn can_edit() -> bool {
    let person = io::stdin().is_terminal() && io::stdout().is_terminal();
    let capable = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    person && capable
}

/// Where a terminal writes to.
#[derive(Debug)]
pub struct Outputs {
    /// What the other end said. If it cannot be written, the conversation cannot go on.
    pub screen: Output,
    /// Notices that must not mix with it. Nobody has to read them.
    pub notices: Output,
}

impl Outputs {
    /// Standard output and standard error.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn standard() -> io::Result<Self> {
        Ok(Self {
            screen: Output::new(io::stdout().as_fd())?,
            notices: Output::new(io::stderr().as_fd())?,
        })
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// The screen is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        // Who closed standard error does not interest to know.
        let _ = self.notices.flush();
        self.screen.flush()
    }

    /// Whether something waits for which there is room.
    pub fn can_write(&self) -> bool {
        [&self.screen, &self.notices].iter().any(|output| output.waiting() > 0 && !output.blocked())
    }
}

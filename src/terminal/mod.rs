//! What a person sees and types, or what a program reads and writes in their place.
//!
//! `lines` serves pipes and plain terminals; `printable` is the gate for foreign text; `outlet` holds what waits to be
//! written. Next door, `protocol` decides what is said and `engine` moves the bytes. The invariant: foreign text
//! reaches a terminal only through `printable`.

pub mod lines;
pub mod outlet;
pub mod printable;

use std::io;
use std::os::fd::AsFd;

use outlet::Outlet;

/// Something to be shown.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The other end said who it is: the conversation is open.
    Answered { name: &'a [u8] },
    /// A piece of what the other end said; `complete` when its line ends here.
    Text { text: &'a [u8], complete: bool },
    /// The other end said goodbye, and why.
    Left { reason: &'a [u8] },
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

/// One end's keyboard and screen. The engine reads the keyboard and writes the outlets; what the bytes mean and how
/// events look is the terminal's own affair.
pub trait Terminal {
    /// Takes bytes from the keyboard and passes on what they mean. While nothing can be said (`open` is false), only
    /// a terminal that [edits](Self::edits) is given any.
    fn typed(&mut self, bytes: &[u8], open: bool, pass: &mut dyn FnMut(Typed<'_>));

    /// Whether lines are edited here, so that keys are welcome even while nothing can be said.
    fn edits(&self) -> bool;

    /// Shows an event, by filling an outlet.
    fn show(&mut self, event: Event<'_>);

    /// Where bytes wait to be written.
    fn outlets(&mut self) -> &mut Outlets;
}

/// Where a terminal writes to.
#[derive(Debug)]
pub struct Outlets {
    /// What the other end said. If it cannot be written, the conversation cannot go on.
    pub screen: Outlet,
    /// Notices that must not mix with it. Nobody has to read them.
    pub notices: Outlet,
}

impl Outlets {
    /// Standard output and standard error.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn standard() -> io::Result<Self> {
        Ok(Self {
            screen: Outlet::new(io::stdout().as_fd())?,
            notices: Outlet::new(io::stderr().as_fd())?,
        })
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// The screen is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        // Who closed standard error does not want to know.
        let _ = self.notices.flush();
        self.screen.flush()
    }

    /// Whether something waits for which there is room.
    pub fn can_write(&self) -> bool {
        [&self.screen, &self.notices]
            .iter()
            .any(|outlet| outlet.waiting() > 0 && !outlet.blocked())
    }
}

//! What a person sees and types on, however it is drawn.
//!
//! There are two surfaces: the [editor](super::guard) on a capable terminal, and append-only
//! [rows](super::plain). Above them, `conversation` and `console` decide what is shown and what a
//! line means. The invariant: text crosses this trait as raw bytes, and a surface writes it only
//! sanitized, behind a head that it writes itself, and wrapped and indented wherever the width is
//! known.

use std::borrow::Cow;
use std::fmt::Write;

use super::output::Outputs;
use super::sanitize;
use crate::sys::clock::{Clock, Date};

/// A keyboard, a scrollback and, where there is an editor, a status and a prompt.
pub trait Surface {
    /// Adds an entry to the scrollback.
    fn print(&mut self, entry: &Entry<'_>);

    /// Rings the terminal's bell.
    fn ring(&mut self);

    /// Sets the title of the window, where there is an editor. It must be printable.
    fn set_title(&mut self, _title: &str) {}

    /// What the next [`paint`](Self::paint) is given has changed.
    fn touch(&mut self) {}

    /// Fills the output with what is to be written now. Painting twice without a change costs
    /// nothing.
    fn paint(&mut self, _live: &Live<'_>) {}

    /// Takes bytes from the keyboard, cut anywhere. None at all is the end of input.
    fn typed(&mut self, bytes: &[u8]);

    /// What the person entered next. A line must be [settled](Self::settle) before the next call.
    fn entered(&mut self) -> Option<Entered>;

    /// What became of the line: it was taken, or why not. An editor keeps a line that was not.
    fn settle(&mut self, line: Result<(), &str>);

    /// About how many bytes were typed and not taken.
    fn typed_ahead(&self) -> usize;

    /// Ctrl-C: empties the line being typed. Returns whether there was one; only an editor knows.
    fn interrupt(&mut self) -> bool {
        false
    }

    /// Whether a person reads this as it scrolls by: it is a terminal.
    fn scrolls(&self) -> bool;

    /// Whether lines are edited here. Elsewhere the terminal echoes them, or nobody sees them.
    fn edits(&self) -> bool {
        false
    }

    fn outputs(&self) -> &Outputs;

    fn outputs_mut(&mut self) -> &mut Outputs;

    /// About how many bytes wait for the screen, painted or not.
    fn waiting(&self) -> usize {
        self.outputs().screen.waiting()
    }

    /// Something happens to the terminal.
    fn change(&mut self, _change: Change) {}
}

/// What happens to a terminal that is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has a new size.
    Resize,
    /// Somebody else gets it for a while.
    Suspend,
    /// It is ours again. Without a [`Change::Suspend`] before, the process was stopped without
    /// warning.
    Resume,
    /// Whether this process is in the foreground. While it is not, only whole rows are written,
    /// and the terminal's modes are left alone.
    Foreground(bool),
    /// It is given back for good; what is to be written for that is in the output.
    Finish,
}

/// What a person entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// A line without its last newline; after a paste, several of them.
    Line(Vec<u8>),
    /// Ctrl-D on an empty line.
    Leave,
    /// Something that was too long and was dropped whole.
    Dropped(&'static str),
}

/// Who speaks in an entry: decides its mark and its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The person at this terminal.
    Own,
    Peer,
    /// The program, about the conversation or a command.
    Notice,
    /// The program, about what happens at the desk.
    Log,
}

/// Who is named in an entry. Names are as they came from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    Nobody,
    /// The one person on the other side, or the one at this terminal.
    Person(&'a [u8]),
    /// One of many calls.
    Call(u32, &'a [u8]),
}

/// Something to be added to the scrollback: a head that the program writes, and raw text.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub origin: Origin,
    pub who: Who<'a>,
    /// Shown where there is an editor.
    pub time: Clock,
    /// The text goes on where the entry before it was cut.
    pub continued: bool,
    pub text: &'a [u8],
}

impl<'a> Entry<'a> {
    /// How many bytes of a timed [head](Self::head) are its time.
    pub const TIME: usize = "14:05".len();

    /// A line of the program, about nobody.
    pub fn notice(time: Clock, text: &'a [u8]) -> Self {
        Self { origin: Origin::Notice, who: Who::Nobody, time, continued: false, text }
    }

    /// What stands before the text, printable. It has the time only when `timed`; a line of the
    /// log has a mark only then.
    pub fn head(&self, timed: bool) -> String {
        let mut head = String::with_capacity(32);
        if timed {
            head.write_fmt(format_args!("{} ", self.time)).expect("a String takes everything");
        }
        head += match (self.origin, self.who) {
            (Origin::Own, _) => "> ",
            (Origin::Peer, Who::Person(_)) => "< ",
            (Origin::Notice, _) => "-- ",
            (Origin::Log, _) if timed => "-- ",
            (Origin::Peer | Origin::Log, _) => "",
        };
        let continued = if self.continued { ", continued" } else { "" };
        let (before, name, after) = match self.who {
            Who::Nobody => return head,
            Who::Person(name) => (String::new(), sanitize::name(name), ": "),
            Who::Call(call, b"") => (format!("[{call}"), "".into(), "] "),
            // Over pipes, scripts split a line at `] `.
            Who::Call(call, name) => {
                (format!("[{call} "), sanitize::name_within(name, &['[', ']']), "] ")
            }
        };
        for part in [&before, &*name, continued, after] {
            head += part;
        }
        head
    }

    /// The text, printable: tabs stay in what a person said.
    pub fn text(&self) -> Cow<'_, str> {
        match self.origin {
            Origin::Own | Origin::Peer => sanitize::line(self.text),
            Origin::Notice | Origin::Log => sanitize::label(self.text),
        }
    }
}

/// The day of the entries so far.
#[derive(Default)]
pub struct Day(Option<Date>);

impl Day {
    /// The date, if a new day begins with an entry of this time. A line that began on the day
    /// before may end after it.
    pub fn turn(&mut self, time: Clock) -> Option<String> {
        let before = self.0;
        self.0 = before.max(Some(time.date));
        before.filter(|&before| before < time.date).map(|_| time.date.to_string())
    }
}

/// What an editor shows below the scrollback.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// A line whose end has not come.
    pub partial: Option<Entry<'a>>,
    /// What is true now, between the scrollback and the line being typed. Raw.
    pub status: &'a [u8],
    /// Whom the line being typed goes to; empty where that goes without saying. Raw.
    pub to: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Clock = Clock::of(14, 5);

    #[track_caller]
    fn assert_heads(origin: Origin, who: Who<'_>, timed: &str, untimed: &str) {
        let entry = Entry { origin, who, time: TIME, continued: false, text: b"" };
        assert_eq!((entry.head(true).as_str(), entry.head(false).as_str()), (timed, untimed));
    }

    #[test]
    fn a_head_says_who_speaks() {
        assert_heads(Origin::Own, Who::Person(b"bob"), "14:05 > bob: ", "> bob: ");
        assert_heads(Origin::Peer, Who::Person(b"al\x1B"), "14:05 < al^[: ", "< al^[: ");
        assert_heads(Origin::Peer, Who::Call(2, b"alice"), "14:05 [2 alice] ", "[2 alice] ");
        let evil = b"x] [1 alice";
        let head = "[2 x<5D> <5B>1 alice] ";
        assert_heads(Origin::Peer, Who::Call(2, evil), &format!("14:05 {head}"), head);
        assert_heads(Origin::Peer, Who::Person(b" "), "14:05 < <no name>: ", "< <no name>: ");
        assert_heads(Origin::Own, Who::Call(2, b"alice"), "14:05 > [2 alice] ", "> [2 alice] ");
        assert_heads(Origin::Notice, Who::Call(4, b""), "14:05 -- [4] ", "-- [4] ");
        assert_heads(Origin::Notice, Who::Nobody, "14:05 -- ", "-- ");
        assert_heads(Origin::Log, Who::Nobody, "14:05 -- ", "");
    }

    #[test]
    fn a_head_says_where_a_long_line_goes_on() {
        let mut entry = Entry {
            origin: Origin::Peer,
            who: Who::Person(b"alice"),
            time: TIME,
            continued: true,
            text: b"",
        };
        assert_eq!(entry.head(false), "< alice, continued: ");
        entry.who = Who::Call(2, b"alice");
        assert_eq!(entry.head(false), "[2 alice, continued] ");
    }

    #[test]
    fn a_tab_stays_in_what_a_person_said() {
        let text = |origin| {
            let entry =
                Entry { origin, who: Who::Nobody, time: TIME, continued: false, text: b"a\tb\x07" };
            entry.text().into_owned()
        };
        assert_eq!([Origin::Own, Origin::Peer].map(text), ["a\tb^G"; 2]);
        assert_eq!([Origin::Notice, Origin::Log].map(text), ["a^Ib^G"; 2]);
    }
}

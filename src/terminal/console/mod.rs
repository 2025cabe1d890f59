//! The console: many conversations and the log of the desk in one place, on a terminal or over
//! pipes.
//!
//! `roster` knows the calls and what a typed line asks for (`command`); it is pure. Two views show
//! it: `lines` for pipes and plain terminals, `screen` for a terminal with an editor. The form of
//! both, in which only the program writes what stands before the text:
//!
//! ```text
//! listening on …             the log: what happens to the desk
//! call <number> <event>      and to each call, as with every other window
//! [<number> <name>] <text>   a line of that caller; ", continued" after the name where a long one goes on
//! > [<number> <name>] <text> a line said to that caller from here
//! -- <text>                  an answer to a command, and why a line was not said
//! ```
//!
//! Text and name come from the network and are made printable (`sanitize`). On a screen the time of
//! day stands before each row, and the log is set like answers. The invariant: what is being typed
//! goes to another call than before only if the person says so.

mod command;
mod lines;
mod roster;
mod screen;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::output::Output;
use roster::{Answer, Roster};

/// Bytes that may wait for the screen before no more text is taken.
const SCREEN_LIMIT: usize = 256 * 1024;

/// A line to be shown, printable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: Kind,
    /// Who, for text; empty for everything else.
    head: String,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What a caller says.
    Heard,
    /// What is said to a caller.
    Said,
    /// An answer to a command, or why there is none.
    Notice,
    /// A line of the desk's log.
    Log,
}

impl Row {
    fn notice(text: impl Into<String>) -> Self {
        Self { kind: Kind::Notice, head: String::new(), text: text.into() }
    }

    fn log(text: impl Into<String>) -> Self {
        Self { kind: Kind::Log, head: String::new(), text: text.into() }
    }
}

/// Where the roster is shown and lines are typed.
trait View {
    /// Takes bytes from the keyboard, cut anywhere.
    fn typed(&mut self, bytes: &[u8]);

    /// Nothing more is typed: a line without its end is one all the same.
    fn typed_last(&mut self) {}

    /// The next line that has been typed. What became of it is said before the next call, by
    /// [`accepted`](Self::accepted) or [`refused`](Self::refused).
    fn line(&mut self) -> Option<Vec<u8>>;

    fn accepted(&mut self) {}

    /// The line cannot be said or done.
    fn refused(&mut self, why: String);

    /// Nothing has been typed of the next line.
    fn is_idle(&self) -> bool;

    /// The lines that `/help` shows besides the commands.
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }

    fn show(&mut self, row: &Row);

    fn ring(&mut self);

    /// Something in the roster has changed that is no row.
    fn touch(&mut self) {}

    /// Fills the output with what there is to be written now.
    fn paint(&mut self, _book: &Roster) {}

    fn output(&self) -> &Output;

    fn output_mut(&mut self) -> &mut Output;

    /// About how many bytes wait for the screen.
    fn waiting(&self) -> usize {
        self.output().waiting()
    }

    fn resize(&mut self) {}

    /// Gives the terminal back for a while.
    fn suspend(&mut self) {}

    /// Has the terminal again, or for the first time.
    fn resume(&mut self) {}

    /// Whether the keyboard is this process's to read: while it is not, the terminal is not
    /// touched.
    fn attend(&mut self, _attended: bool) {}

    /// Gives the terminal back for good.
    fn finish(&mut self) {}
}

/// What the person wants of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Says one or more lines, each with its newline, to these calls.
    Say {
        calls: Vec<u32>,
        text: Vec<u8>,
    },
    HangUp(u32),
    /// Ends the desk.
    Quit,
}

/// The keyboard and screen of a desk.
pub struct Console {
    roster: Roster,
    view: Box<dyn View>,
    rings_for_lines: bool,
}

impl Console {
    /// A console on standard input and output: an editor where they are a terminal that is ours to
    /// use and can do what it needs, and `plain` is not asked for; else lines. `bell` rings for
    /// each line of a caller.
    ///
    /// # Errors
    /// Standard output cannot be used.
    pub fn open(plain: bool, bell: bool, attended: bool) -> io::Result<Self> {
        let view: Box<dyn View> = if !plain && attended && super::can_edit() {
            Box::new(screen::Screen::open()?)
        } else {
            Box::new(lines::Lines::new()?)
        };
        Ok(Self { roster: Roster::default(), view, rings_for_lines: bell })
    }

    /// A console that only shows the log.
    ///
    /// # Errors
    /// Standard output cannot be used.
    pub fn log_only() -> io::Result<Self> {
        Ok(Self {
            roster: Roster::default(),
            view: Box::new(lines::Lines::new()?),
            rings_for_lines: false,
        })
    }

    /// Shows a line of the log. It waits for no reader: if nobody reads, lines are lost and
    /// counted.
    pub fn log(&mut self, line: &str) {
        self.view.show(&Row::log(line));
    }

    /// Shows why something did not happen.
    pub fn notice(&mut self, text: &str) {
        self.view.show(&Row::notice(text));
    }

    /// A caller of this name is here.
    pub fn begin(&mut self, call: u32, name: &[u8], from: SocketAddr) {
        let idle = self.view.is_idle();
        self.roster.begin(call, name, from, idle, Instant::now());
        self.view.ring();
    }

    /// Takes in what a caller says, cut anywhere, newlines included.
    pub fn hear(&mut self, call: u32, text: &[u8]) {
        let rows = self.roster.hear(call, text);
        rows.iter().for_each(|row| self.view.show(row));
        self.view.touch();
        if self.rings_for_lines && !rows.is_empty() {
            self.view.ring();
        }
    }

    /// A call is over: what there is of a last line is shown.
    pub fn end(&mut self, call: u32) {
        if let Some(row) = self.roster.end(call) {
            self.view.show(&row);
        }
    }

    /// Lines, each with its newline, are on their way to a caller.
    pub fn said(&mut self, call: u32, text: &[u8]) {
        self.roster.said(call, text).iter().for_each(|row| self.view.show(row));
    }

    /// Lines were not said to a caller, and why.
    pub fn unsaid(&mut self, call: u32, why: &str) {
        let head = self.roster.head(call);
        self.notice(&format!("{head} {why}; nothing was said"));
    }

    /// Takes bytes from the keyboard; [`order`](Self::order) gives what they ask for.
    pub fn typed(&mut self, bytes: &[u8]) {
        self.view.typed(bytes);
    }

    /// Nothing more is typed; a last line may be without its newline.
    pub fn typed_last(&mut self) {
        self.view.typed_last();
    }

    /// The next thing that the person wants of the desk. What they want of the console is done
    /// here.
    pub fn order(&mut self) -> Option<Order> {
        while let Some(line) = self.view.line() {
            let answer = match self.roster.answer(&line, Instant::now()) {
                Ok(answer) => answer,
                Err(why) => {
                    self.view.refused(why);
                    continue;
                }
            };
            self.view.accepted();
            match answer {
                Answer::Order(order) => return Some(order),
                Answer::Show(lines) => lines.iter().for_each(|line| self.notice(line)),
                Answer::Help(commands) => {
                    let keys = self.view.keys();
                    keys.iter().chain(commands).for_each(|line| self.notice(line));
                }
            }
        }
        None
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    ///
    /// # Errors
    /// The screen is gone.
    pub fn flush(&mut self, room: bool) -> io::Result<()> {
        self.view.output_mut().unblock(room);
        self.view.output_mut().flush()?;
        self.view.paint(&self.roster);
        self.view.output_mut().flush()
    }

    /// Whether the screen waits for room.
    pub fn waits_to_write(&self) -> bool {
        self.view.output().blocked()
    }

    /// Whether there is room for more text.
    pub fn keeps_up(&self) -> bool {
        self.view.waiting() < SCREEN_LIMIT
    }

    /// Whether everything has been written.
    pub fn is_drained(&self) -> bool {
        self.view.waiting() == 0
    }

    /// The window has another size.
    pub fn resize(&mut self) {
        self.view.resize();
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&mut self) {
        self.view.suspend();
    }

    /// Has the terminal again.
    pub fn resume(&mut self) {
        self.view.resume();
    }

    /// Whether the keyboard is this process's to read.
    pub fn attend(&mut self, attended: bool) {
        self.view.attend(attended);
    }

    /// Gives the terminal back for good; [`flush`](Self::flush) then writes the last of it.
    pub fn finish(&mut self) {
        self.view.finish();
    }
}

impl AsFd for Console {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.view.output().as_fd()
    }
}

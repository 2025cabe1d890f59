//! What the console does on a screen: many conversations and the log of the desk in one place.
//!
//! `roster` knows the calls, and `flow` holds back who floods. Next door, `conversation` does this
//! for one; the surface below draws. Over pipes, each entry is one line of this form, in which only
//! the program writes what stands before the text:
//!
//! ```text
//! listening on …             the log: what happens to the desk
//! call <number> <event>      and to each call, as with every other window
//! [<number> <name>] <text>   a line of that caller; the rest of a long one has ", continued"
//! > [<number> <name>] <text> a line said to that caller from here
//! -- <text>                  an answer to a command, or why a line was not sent
//! ```
//!
//! The invariant: what is being typed goes to another call than before only if the person says so;
//! and memory is bounded, because callers and keyboard are read only while the screen keeps up.

mod flow;
mod roster;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::editor::KEYS;
use super::guard::TerminalGuard;
use super::line_reader::LINE_LIMIT;
use super::plain::Plain;
use super::surface::{Change, Entered, Entry, Live, Origin, Surface, Who};
use super::{Event, command};
use crate::sys::clock::{self, Clock};
use roster::{Answer, IS_CURRENT, Roster};

/// Bytes that may wait for the screen before callers are not read.
const SCREEN_LIMIT: usize = 256 * 1024;
/// Bytes that may wait before the keyboard is not read and no line is taken: a caller who says much
/// must not keep the person from hanging up.
const KEYS_LIMIT: usize = 2 * SCREEN_LIMIT;
/// Bytes that may wait before lines of the log are dropped: nothing holds these back, so nobody may
/// have to keep them. It is the highest limit, so that what callers say costs no line about them.
const LOG_LIMIT: usize = 4 * SCREEN_LIMIT;
/// Bytes that may be typed ahead.
const TYPED_LIMIT: usize = LINE_LIMIT;
/// Why Ctrl-D does not leave: one key would end many conversations.
const NOT_BY_KEY: &str = "/quit ends the desk";
/// How soon a person must ask again for the end of a desk with calls.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// What the person wants of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Sends one or more lines, each with its newline, to these calls.
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
    surface: Box<dyn Surface>,
    rings_for_lines: bool,
    /// A person types, who ends conversations only by asking twice.
    person: bool,
    /// When the end of the desk was asked for.
    asked: Option<Instant>,
    /// Lines of the log that were dropped.
    lost: u64,
    time: Box<dyn Fn() -> (Instant, Clock)>,
}

impl Console {
    /// A console on standard input and output: an editor where they are a terminal that can do what
    /// it needs, this process is in its foreground (`attended`), and `plain` is not asked for; else
    /// rows. `bell` rings for each line of a caller.
    ///
    /// # Errors
    /// Standard output or standard error cannot be duplicated.
    pub fn open(plain: bool, bell: bool, attended: bool) -> io::Result<Self> {
        let edits = !plain && attended && super::can_edit();
        let surface: Box<dyn Surface> =
            if edits { Box::new(TerminalGuard::take()?) } else { Box::new(Plain::open()?) };
        Ok(Self { person: io::stdin().is_terminal(), ..Self::on(surface, bell) })
    }

    /// A console that only shows the log.
    ///
    /// # Errors
    /// Standard output or standard error cannot be duplicated.
    pub fn log_only() -> io::Result<Self> {
        Ok(Self::on(Box::new(Plain::open()?), false))
    }

    fn on(surface: Box<dyn Surface>, bell: bool) -> Self {
        let time = Box::new(|| (Instant::now(), clock::now()));
        let roster = Roster::default();
        let (person, asked, lost) = (false, None, 0);
        Self { roster, surface, rings_for_lines: bell, person, asked, lost, time }
    }

    /// Shows a line of the log. It waits for no reader: if nobody reads, lines are dropped and
    /// counted.
    pub fn log(&mut self, line: &str) {
        self.report(Origin::Log, None, line.as_bytes());
    }

    /// Shows a line about the desk or a command, dropped and counted as those of the log.
    pub fn notice(&mut self, text: &str) {
        self.report(Origin::Notice, None, text.as_bytes());
    }

    /// The same about a call.
    pub fn notice_of(&mut self, call: u32, text: &str) {
        self.report(Origin::Notice, Some(call), text.as_bytes());
    }

    /// A caller of this name is here.
    pub fn begin(&mut self, call: u32, name: &[u8], from: SocketAddr) {
        let idle = self.surface.typed_ahead() == 0;
        let (now, _) = (self.time)();
        if self.roster.begin(call, name, from, idle, now) {
            self.notice_of(call, IS_CURRENT);
        }
        self.surface.ring();
    }

    /// Takes in a piece of what a caller says, without newlines; `complete` when its line ends
    /// here.
    pub fn hear(&mut self, call: u32, text: &[u8], complete: bool) {
        let (now, clock) = (self.time)();
        let (limited, piece) =
            (self.surface.scrolls(), self.roster.hear(call, text, complete, clock));
        match piece.and_then(|piece| self.roster.admit(call, piece, limited, now)) {
            Some(piece) => {
                self.surface.print(&piece.entry(Origin::Peer, self.roster.who(call)));
                if self.rings_for_lines {
                    self.surface.ring();
                }
            }
            None => self.surface.touch(),
        }
    }

    /// When [`keep_time`](Self::keep_time) is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.roster.deadline()
    }

    /// Says how much was held back of callers who flooded, once they pause.
    pub fn keep_time(&mut self) {
        let (now, _) = (self.time)();
        while let Some((call, words)) = self.roster.poll_count(now) {
            self.notice_of(call, &words);
        }
    }

    /// A caller has said goodbye; a reason is shown.
    pub fn left(&mut self, call: u32, reason: &[u8]) {
        self.end_line(call);
        if !reason.is_empty() {
            self.show(call, Event::Left { reason });
        }
    }

    /// Whether a caller reads what is sent: when they have not for a while, and when they do again.
    pub fn reads(&mut self, call: u32, reads: bool) {
        self.show(call, Event::Reading(reads));
    }

    /// A call is over: what there is of a last line is shown.
    pub fn end(&mut self, call: u32) {
        self.end_line(call);
        for (call, text) in self.roster.end(call).into_iter().flatten() {
            self.report(Origin::Notice, call, text.as_bytes());
        }
        self.surface.touch();
    }

    /// Lines, each with its newline, are on their way to a caller.
    pub fn said(&mut self, call: u32, lines: &[u8]) {
        self.roster.said(call);
        let ((_, time), who) = ((self.time)(), self.roster.who(call));
        for text in lines.strip_suffix(b"\n").unwrap_or(lines).split(|&byte| byte == b'\n') {
            let origin = Origin::Own;
            self.surface.print(&Entry { origin, who, time, continued: false, text });
        }
    }

    /// Lines were not sent to a caller, and why.
    pub fn unsaid(&mut self, call: u32, why: &str) {
        self.notice_of(call, &format!("{why}; line not sent"));
    }

    /// Takes bytes from the keyboard; [`order`](Self::order) says what they ask for. None at all is
    /// the end of input: a last line may lack its newline.
    pub fn typed(&mut self, bytes: &[u8]) {
        self.surface.typed(bytes);
    }

    /// Ctrl-C: empties the line being typed. Without one it asks for the end of the desk, as
    /// `/quit` does. Returns whether the desk is to end.
    pub fn interrupt(&mut self) -> bool {
        !self.surface.interrupt() && self.confirms_end()
    }

    /// Whether the keyboard is to be read: not while the screen is far behind, or while lines that
    /// were typed before still wait for it. Then [`order`](Self::order) is to be asked again once
    /// the screen has taken something.
    pub fn wants_keys(&self) -> bool {
        self.surface.waiting() < KEYS_LIMIT && self.surface.typed_ahead() <= TYPED_LIMIT
    }

    /// The next thing that the person wants of the desk. What they want of the console is done
    /// here. To be asked after every wait until it is `None`: answers are written as fast as the
    /// screen takes them, and no line is taken while it does not.
    pub fn order(&mut self) -> Option<Order> {
        while self.has_room() {
            let (now, _) = (self.time)();
            let answer = match self.surface.entered()? {
                Entered::Line(line) => self.roster.answer(&line, now),
                Entered::Leave => Err(NOT_BY_KEY.into()),
                Entered::Dropped(why) => {
                    self.notice(why);
                    continue;
                }
            };
            self.surface.settle(answer.as_ref().map(drop).map_err(String::as_str));
            if answer != Ok(Answer::Order(Order::Quit)) {
                self.asked = None;
            }
            match answer {
                Ok(Answer::Order(Order::Quit)) if !self.confirms_end() => {}
                Ok(Answer::Order(order)) => return Some(order),
                Ok(Answer::Show(lines)) => {
                    for (call, text) in lines {
                        self.report(Origin::Notice, call, text.as_bytes());
                    }
                }
                Ok(Answer::Turn(call)) => self.turn(call),
                Ok(Answer::Help) => {
                    let keys: &[&str] = if self.surface.edits() { &KEYS } else { &[] };
                    command::CONSOLE_HELP.iter().chain(keys).for_each(|text| self.notice(text));
                }
                Err(_) => {}
            }
        }
        None
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    ///
    /// # Errors
    /// The screen is gone.
    pub fn flush(&mut self, room: bool) -> io::Result<()> {
        self.surface.outputs_mut().screen.unblock(room);
        self.surface.outputs_mut().screen.flush()?;
        if self.surface.edits() {
            self.paint();
            self.surface.outputs_mut().screen.flush()?;
        }
        Ok(())
    }

    /// Whether the screen waits for room.
    pub fn waits_to_write(&self) -> bool {
        self.surface.outputs().screen.blocked()
    }

    /// Whether callers are to be read.
    pub fn keeps_up(&self) -> bool {
        self.surface.waiting() < SCREEN_LIMIT
    }

    /// Whether everything has been written.
    pub fn is_drained(&self) -> bool {
        self.surface.waiting() == 0
    }

    /// The terminal has a new size.
    pub fn resize(&mut self) {
        self.surface.change(Change::Resize);
    }

    /// Somebody else gets the terminal for a while.
    pub fn suspend(&mut self) {
        self.surface.change(Change::Suspend);
    }

    /// The terminal is ours again.
    pub fn resume(&mut self) {
        self.surface.change(Change::Resume);
    }

    /// Whether this process is in the terminal's foreground.
    pub fn attend(&mut self, attended: bool) {
        self.surface.change(Change::Foreground(attended));
    }

    /// Gives the terminal back for good; [`flush`](Self::flush) then writes the last of it.
    pub fn finish(&mut self) {
        self.surface.change(Change::Finish);
    }

    /// Whether the desk is to end, which was asked for. A person has to ask again while there are
    /// calls.
    fn confirms_end(&mut self) -> bool {
        let (now, _) = (self.time)();
        let asked = self.asked.replace(now);
        let again = asked.is_some_and(|asked| now - asked < ASK_AGAIN);
        let calls = match self.roster.len() {
            0 => return true,
            1 => "1 call".into(),
            calls => format!("{calls} calls"),
        };
        if self.person && !again {
            let limit = ASK_AGAIN.as_secs();
            self.notice(&format!("repeat within {limit} s to end the desk and {calls}"));
            return false;
        }
        true
    }

    /// Whether the screen is near enough for more answers. A screen that is gone is noticed by the
    /// next flush.
    fn has_room(&mut self) -> bool {
        if self.surface.waiting() >= KEYS_LIMIT {
            let _ = self.flush(false);
        }
        self.surface.waiting() < KEYS_LIMIT
    }

    fn paint(&mut self) {
        let partial = self.roster.partial();
        let partial = partial.as_ref();
        let partial =
            partial.map(|(call, piece)| piece.entry(Origin::Peer, self.roster.who(*call)));
        let (status, to) = (self.roster.status(), self.roster.prompt());
        self.surface.paint(&Live { partial, status: &status, to: &to });
    }

    fn show(&mut self, call: u32, event: Event<'_>) {
        let words = event.about_peer().unwrap_or_default();
        self.report(Origin::Notice, Some(call), &words);
    }

    fn report(&mut self, origin: Origin, call: Option<u32>, text: &[u8]) {
        if self.surface.waiting() > LOG_LIMIT {
            self.lost += 1;
            return;
        }
        let (_, time) = (self.time)();
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            let text = format!("{lost} lines were lost: nobody read them");
            let (origin, who, text) = (Origin::Log, Who::Nobody, text.as_bytes());
            self.surface.print(&Entry { origin, who, time, continued: false, text });
        }
        let who = call.map_or(Who::Nobody, |call| self.roster.who(call));
        self.surface.print(&Entry { origin, who, time, continued: false, text });
    }

    /// Shows what was held back of a call, and that lines go to it now.
    fn turn(&mut self, call: u32) {
        let (dropped, held) = self.roster.held(call);
        if dropped > 0 {
            self.notice_of(call, &format!("{dropped} earlier lines were not kept"));
        }
        for piece in held {
            self.surface.print(&piece.entry(Origin::Peer, self.roster.who(call)));
        }
        self.notice_of(call, self.roster.turned(call));
    }

    fn end_line(&mut self, call: u32) {
        let (now, _) = (self.time)();
        let piece = self.roster.end_line(call);
        let limited = self.surface.scrolls();
        if let Some(piece) = piece.and_then(|piece| self.roster.admit(call, piece, limited, now)) {
            self.surface.print(&piece.entry(Origin::Peer, self.roster.who(call)));
        }
    }
}

impl AsFd for Console {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.surface.outputs().screen.as_fd()
    }
}

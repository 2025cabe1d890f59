//! The calls of a desk, and what the console says about them.
//!
//! A line for each event, in a form that a script can read: `call <number> <event>`. The invariant: every call that was
//! checked in gets exactly one line that says how it ended, whoever was there to report it, and after all that was said
//! in it. Those that were turned away get one too, or are counted in one: a flood of them must not become a flood of lines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::link::Link;
use crate::rate::{Rate, Usage};
use crate::report::Report;
use crate::terminal::console::Console;
use crate::terminal::printable;
use crate::window::Window;

/// Lines about calls that were turned away; more are only counted.
const TURNED_AWAY: Rate = Rate { burst: 20, every: Duration::from_secs(3) };

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    CheckingIn,
    Opening,
    Open,
    /// Its end is known; its process may still be there.
    Ended,
}

struct Call {
    pid: Pid,
    from: SocketAddr,
    stage: Stage,
    /// Its handler's keyboard and screen are in the console.
    in_console: bool,
    /// The server's end of them, until the handler's end is closed.
    link: Option<Link>,
    /// How it ended, to be said once the link has nothing more to show.
    end: Option<End>,
    /// Its process is still there.
    runs: bool,
}

/// The line that says how a call ended.
struct End {
    line: String,
    /// It ended before it was checked in.
    turned_away: bool,
}

/// The calls whose processes run, by number, and the console that shows them.
pub struct Calls {
    calls: BTreeMap<u32, Call>,
    last: u32,
    pub console: Console,
    /// What the process of an open call is.
    process: &'static str,
    /// What to do when a window fails without a word.
    advice: &'static str,
    /// Lines about calls that were turned away.
    turned_away: Usage,
    /// Such calls without a line.
    left_out: u64,
}

impl Calls {
    /// No calls yet, and windows of this kind for those to come.
    pub fn new(console: Console, window: &Window) -> Self {
        let (process, advice) = (window.process(), window.advice());
        let turned_away = Usage::new(Instant::now());
        Self { calls: BTreeMap::new(), last: 0, console, process, advice, turned_away, left_out: 0 }
    }

    /// Writes a line to the log.
    pub fn log(&mut self, line: &str) {
        self.console.log(line);
    }

    /// Writes a line about a call that was turned away, unless there were too many.
    pub fn log_turned_away(&mut self, line: &str) {
        if self.left_out == 0 && self.turned_away.take(TURNED_AWAY, Instant::now()) {
            self.log(line);
        } else {
            self.left_out += 1;
        }
    }

    /// When [`Calls::log_left_out`] has something to say.
    pub fn deadline(&self) -> Option<Instant> {
        (self.left_out > 0).then(|| self.turned_away.next(TURNED_AWAY)).flatten()
    }

    /// Says how many calls were turned away without a line, as often as such a line may come.
    pub fn log_left_out(&mut self) {
        if self.left_out > 0 && self.turned_away.take(TURNED_AWAY, Instant::now()) {
            let count = std::mem::take(&mut self.left_out);
            let calls = if count == 1 { "call was" } else { "calls were" };
            self.log(&format!("{count} more {calls} turned away"));
        }
    }

    /// The links of the calls that are in the console, by number.
    pub fn links(&self) -> impl Iterator<Item = (u32, &Link)> {
        self.calls.iter().filter_map(|(&number, call)| Some((number, call.link.as_ref()?)))
    }

    /// The link of a call that is in the console, and its process.
    pub fn link(&mut self, number: u32) -> Option<(&mut Link, Pid)> {
        let call = self.calls.get_mut(&number)?;
        Some((call.link.as_mut()?, call.pid))
    }

    /// The number of the call that was just accepted.
    pub fn next_number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// A helper was forked for a call; one that is in the console has a link.
    pub fn begin(&mut self, number: u32, pid: Pid, from: SocketAddr, link: Option<Link>) {
        let in_console = link.is_some();
        let call =
            Call { pid, from, stage: Stage::CheckingIn, in_console, link, end: None, runs: true };
        self.calls.insert(number, call);
    }

    /// A process of a call says what happened.
    pub fn report(&mut self, number: u32, report: Report) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let from = call.from;
        match report {
            Report::Hello(name) => {
                call.stage = Stage::Opening;
                let in_console = call.in_console;
                let label = printable::label(name.as_bytes());
                self.log(&format!("call {number} from {from} ({label})"));
                if in_console {
                    self.console.begin(number, name.as_bytes(), from);
                }
            }
            Report::Open => {
                call.stage = Stage::Open;
                self.log(&format!("call {number} window open"));
            }
            Report::Dropped(why) => {
                let why = printable::label(why.as_bytes());
                self.conclude(number, format!("from {from} dropped: {why}"));
            }
            Report::NoWindow(why) => self.conclude(number, format!("ended: no window: {why}")),
            Report::Ended(how) => self.conclude(number, format!("ended: {how}")),
        }
    }

    /// A child of the server has ended; returns where its call came from.
    pub fn end(&mut self, pid: Pid, status: WaitStatus) -> Option<SocketAddr> {
        let (&number, call) = self.calls.iter_mut().find(|(_, call)| call.pid == pid)?;
        let from = call.from;
        call.runs = false;
        // An xterm or a helper that ends well has outlived the handler.
        let ended_well = matches!(status, WaitStatus::Exited(_, 0));
        let status = in_words(status);
        let event = match call.stage {
            Stage::CheckingIn => format!("from {} dropped: its helper {status}", call.from),
            Stage::Opening if call.in_console => format!("ended: its handler {status}"),
            Stage::Opening => {
                format!(
                    "ended: no window: it {status} before its handler said hello{}",
                    self.advice
                )
            }
            Stage::Open if ended_well => "ended: its handler was killed".into(),
            Stage::Open => format!("ended: its {} {status}", self.process),
            Stage::Ended => String::new(),
        };
        if !event.is_empty() {
            self.conclude(number, event);
        }
        self.forget(number);
        Some(from)
    }

    /// A handler in the console has closed its screen: everything that was said has been shown.
    pub fn close(&mut self, number: u32) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        call.link = None;
        let end = call.end.take();
        self.console.end(number);
        if let Some(end) = end {
            self.say(&end);
        }
        self.forget(number);
    }

    /// A call has ended, and how. With text still to come from its handler, that is said later.
    fn conclude(&mut self, number: u32, event: String) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let end = End {
            line: format!("call {number} {event}"),
            turned_away: call.stage == Stage::CheckingIn,
        };
        call.stage = Stage::Ended;
        if call.link.is_some() {
            call.end = Some(end);
        } else {
            self.say(&end);
        }
    }

    fn say(&mut self, end: &End) {
        if end.turned_away {
            self.log_turned_away(&end.line);
        } else {
            self.log(&end.line);
        }
    }

    /// Forgets a call of which nothing more comes.
    fn forget(&mut self, number: u32) {
        if self.calls.get(&number).is_some_and(|call| !call.runs && call.link.is_none()) {
            self.calls.remove(&number);
        }
    }
}

fn in_words(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exited with status {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("was killed by {signal}"),
        other => format!("ended ({other:?})"),
    }
}

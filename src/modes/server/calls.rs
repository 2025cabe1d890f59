//! The calls of a desk, and what the console says about them.
//!
//! A line for each event, in a form that a script can read: `call <number> <event>`. The invariant:
//! every call that was checked in gets exactly one line that says how it ended, whoever was there
//! to report it, and after all that was said in it. Those that were turned away get one too, or are
//! counted in one: a flood of them must not become a flood of lines.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::link::Link;
use super::log_limit::LogLimit;
use crate::protocol::limits::{GOODBYE_LIMIT, RING_LIMIT};
use crate::session::report::Report;
use crate::sys::epoll::EpollSet;
use crate::terminal::console::Console;
use crate::terminal::sanitize;
use crate::window::Window;

/// How long a handler whose window has gone may take to say goodbye, and how the call ended.
const LAST_REPORT: Duration = GOODBYE_LIMIT.saturating_add(Duration::from_secs(1));

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    CheckingIn,
    /// Its window is to be open by then.
    Opening(Instant),
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
    /// Its process has ended, and its handler has not said how it ended: what is said then, unless
    /// it still does.
    unheard: Option<(Instant, String)>,
    /// Its process is still there.
    runs: bool,
}

impl Call {
    /// Until when something is waited for: a window, or a last report.
    fn limit(&self) -> Option<Instant> {
        match self.stage {
            Stage::Opening(limit) => Some(limit),
            _ => self.unheard.as_ref().map(|&(limit, _)| limit),
        }
    }
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
    /// The links of all calls that have one, to read from.
    epoll_set: EpollSet,
    pub console: Console,
    /// What the process of an open call is.
    process: &'static str,
    /// What to do when a window fails without a word.
    advice: &'static str,
    log_limit: LogLimit,
}

impl Calls {
    /// No calls yet, and windows of this kind for those to come.
    ///
    /// # Errors
    /// Too many open descriptors.
    pub fn new(console: Console, window: &Window) -> io::Result<Self> {
        let (process, advice) = (window.process(), window.advice());
        Ok(Self {
            calls: BTreeMap::new(),
            last: 0,
            epoll_set: EpollSet::new()?,
            console,
            process,
            advice,
            log_limit: LogLimit::new(Instant::now()),
        })
    }

    /// Writes a line to the log.
    pub fn log(&mut self, line: &str) {
        self.console.log(line);
    }

    /// Writes a line about a call that was turned away, unless there were too many.
    pub fn log_turned_away(&mut self, line: &str) {
        if self.log_limit.come(Instant::now()) {
            self.log(line);
        }
    }

    /// When [`Calls::log_left_out`] has something to say, or [`Calls::overdue`] something to
    /// conclude.
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.values().filter_map(Call::limit).chain(self.log_limit.deadline()).min()
    }

    /// Concludes the calls for which nothing is waited any more: a window that nobody wants now, a
    /// report that does not come. Returns the processes of the former, which are to be ended.
    pub fn overdue(&mut self, now: Instant) -> Vec<Pid> {
        let is_overdue = |call: &Call| call.limit().is_some_and(|limit| now >= limit);
        let overdue = self.calls.iter_mut().filter(|(_, call)| is_overdue(call));
        let overdue: Vec<_> = overdue
            .map(|(&number, call)| (number, call.runs.then_some(call.pid), call.unheard.take()))
            .collect();
        for (number, _, unheard) in &overdue {
            let limit = RING_LIMIT.as_secs();
            let event = match unheard {
                Some((_, event)) => event.clone(),
                None => format!("ended: no window: none was open after {limit} s{}", self.advice),
            };
            self.conclude(*number, event);
            self.forget(*number);
        }
        overdue.into_iter().filter_map(|(_, pid, _)| pid).collect()
    }

    /// Says how many calls were turned away without a line, as often as such a line may come.
    pub fn log_left_out(&mut self) {
        if let Some(line) = self.log_limit.line(Instant::now()) {
            self.log(&line);
        }
    }

    /// The links of the calls that are in the console, by number.
    pub fn links(&self) -> impl Iterator<Item = (u32, &Link)> {
        self.calls.iter().filter_map(|(&number, call)| Some((number, call.link.as_ref()?)))
    }

    /// Waits for what the handler of a call to come shows on its link.
    ///
    /// # Errors
    /// No memory is left, or too much is waited for.
    pub fn gather(&self, number: u32, link: &Link) -> io::Result<()> {
        self.epoll_set.add(link, number)
    }

    /// The links as one, readable when one of them is.
    pub fn epoll_set(&self) -> &EpollSet {
        &self.epoll_set
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
        let call = Call {
            pid,
            from,
            stage: Stage::CheckingIn,
            in_console,
            link,
            end: None,
            unheard: None,
            runs: true,
        };
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
                call.stage = Stage::Opening(Instant::now() + RING_LIMIT);
                let in_console = call.in_console;
                let label = sanitize::label(name.as_bytes());
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
                let why = sanitize::label(why.as_bytes());
                self.conclude(number, format!("from {from} dropped: {why}"));
            }
            Report::NoWindow(why) => {
                let why = sanitize::label(why.as_bytes());
                self.conclude(number, format!("ended: no window: {why}"));
            }
            Report::Ended(how) => {
                self.conclude(number, format!("ended: {how}"));
                self.forget(number);
            }
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
            Stage::Opening(_) if call.in_console => format!("ended: its handler {status}"),
            Stage::Opening(_) => {
                format!(
                    "ended: no window: it {status} before its handler said hello{}",
                    self.advice
                )
            }
            Stage::Open if ended_well => "ended: its handler was killed".into(),
            Stage::Open => format!("ended: its {} {status}", self.process),
            Stage::Ended => String::new(),
        };
        if call.stage == Stage::Open && !call.in_console && !ended_well {
            call.unheard = Some((Instant::now() + LAST_REPORT, event));
        } else if !event.is_empty() {
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
        if let Some(link) = call.link.take() {
            self.epoll_set.remove(&link);
        }
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
        call.unheard = None;
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
        let over = |call: &Call| !call.runs && call.link.is_none() && call.unheard.is_none();
        if self.calls.get(&number).is_some_and(over) {
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

#[cfg(test)]
mod tests {
    use crate::protocol::name::Name;

    use super::*;

    #[test]
    fn a_window_that_does_not_open_is_given_up_once_and_no_other() {
        let mut calls = Calls::new(Console::log_only().unwrap(), &Window::Xterm).unwrap();
        let from: SocketAddr = "192.0.2.7:51234".parse().unwrap();
        let (stuck, open, checking_in) =
            (Pid::from_raw(1001), Pid::from_raw(1002), Pid::from_raw(1003));
        for (number, pid) in [(1, stuck), (2, open), (3, checking_in)] {
            calls.begin(number, pid, from, None);
        }
        assert_eq!(calls.deadline(), None);
        for number in [1, 2] {
            calls.report(number, Report::Hello(Name::from_wire(b"alice").unwrap()));
        }
        calls.report(2, Report::Open);
        let limit = calls.deadline().expect("the first has until then");
        assert_eq!(calls.overdue(limit - Duration::from_secs(1)), []);
        assert_eq!(calls.overdue(limit), [stuck]);
        assert_eq!((calls.overdue(limit), calls.deadline()), (vec![], None));
        let killed = WaitStatus::Signaled(stuck, nix::sys::signal::Signal::SIGTERM, false);
        assert_eq!(calls.end(stuck, killed), Some(from));
    }

    #[test]
    fn a_window_that_is_gone_leaves_the_last_word_to_its_handler() {
        let mut calls = Calls::new(Console::log_only().unwrap(), &Window::Xterm).unwrap();
        let from: SocketAddr = "192.0.2.7:51234".parse().unwrap();
        let (closed, killed) = (Pid::from_raw(1001), Pid::from_raw(1002));
        for (number, pid) in [(1, closed), (2, killed)] {
            calls.begin(number, pid, from, None);
            calls.report(number, Report::Hello(Name::from_wire(b"alice").unwrap()));
            calls.report(number, Report::Open);
            assert_eq!(calls.end(pid, WaitStatus::Exited(pid, 84)), Some(from));
        }
        calls.report(1, Report::Ended("said goodbye to alice".into()));
        assert_eq!(calls.calls.keys().collect::<Vec<_>>(), [&2]);
        let limit = calls.deadline().expect("the second may still say something");
        assert_eq!(calls.overdue(limit), []);
        assert!(calls.calls.is_empty());
    }
}

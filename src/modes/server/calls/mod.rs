//! The table of calls: what has become of each, and what the log says about it.
//!
//! Pure: reports, ends of processes and links, and the time come in; [`Calls::poll_action`] hands
//! out what to do. Each event has a line in the log, in a form that a script can read: `call
//! <number> <event>`. The invariant: every call that was checked in has exactly one line that says
//! how it ended, after everything that was said in it, whatever its processes report in which
//! order. The first end wins, and a report that does not fit the call's stage is ignored.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::protocol::limits::{GOODBYE_LIMIT, RING_LIMIT};
use crate::protocol::name::Name;
use crate::session::link::Report;
use crate::sys::process::{Exit, Pid};
use crate::terminal::sanitize;
use crate::window::Profile;

/// How long a handler whose window has gone may take to say goodbye and report how the call ended.
const LAST_REPORT: Duration = GOODBYE_LIMIT.saturating_add(Duration::from_secs(1));

/// What the desk is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Log(String),
    /// A line about a call that was never checked in: a flood of them must not flood the log.
    LogRejected(String),
    /// The call is shown in the console from now on.
    Show {
        call: u32,
        name: Name,
        from: SocketAddr,
    },
    /// And no longer.
    Hide(u32),
    /// Nobody wants the window of this process any more.
    Terminate(Pid),
    /// Nothing is left of the call, and its link is to be closed. It no longer counts: this is the
    /// one place that takes back what was admitted.
    Release(u32),
}

/// How far a call has come; it only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    CheckingIn,
    /// Its window is to be open by then. In the console nothing has to open.
    Opening {
        limit: Option<Instant>,
    },
    Open,
    /// The log says how it ended. Its process may still be there: a person reads the last lines.
    Ended,
}

#[derive(Debug)]
struct Call {
    from: SocketAddr,
    stage: Stage,
    process: Process,
    /// A process of the call may still report.
    linked: bool,
}

/// The server's own child: the helper, and the xterm or handler that it becomes.
#[derive(Debug, Clone, Copy)]
enum Process {
    Runs(Pid),
    /// It has ended like this. What it reported may still be unread, and the handler in a window
    /// that was closed may still have something to say: until then.
    Exited(Exit, Option<Instant>),
}

impl Call {
    /// Until when something is waited for: a window, or a last report.
    fn limit(&self) -> Option<Instant> {
        match (self.stage, self.process) {
            (Stage::Ended, _) => None,
            (_, Process::Exited(_, limit)) => limit,
            (Stage::Opening { limit }, Process::Runs(_)) => limit,
            (Stage::CheckingIn | Stage::Open, Process::Runs(_)) => None,
        }
    }
}

/// The calls of a desk, by number.
#[derive(Debug)]
pub struct Calls {
    calls: BTreeMap<u32, Call>,
    last: u32,
    /// The kind of window that each call has.
    window: Profile,
    actions: VecDeque<Action>,
}

impl Calls {
    pub fn new(window: Profile) -> Self {
        Self { calls: BTreeMap::new(), last: 0, window, actions: VecDeque::new() }
    }

    /// The number of the call that was just accepted.
    pub fn next_number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// A helper was forked for an admitted call, with a link.
    pub fn begin(&mut self, number: u32, pid: Pid, from: SocketAddr) {
        let process = Process::Runs(pid);
        let call = Call { from, stage: Stage::CheckingIn, process, linked: true };
        self.calls.insert(number, call);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Calls::on_time`].
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.values().filter_map(Call::limit).min()
    }

    /// The process of a call, if it has not ended: another may have its number then.
    pub fn process(&self, number: u32) -> Option<Pid> {
        match self.calls.get(&number)?.process {
            Process::Runs(pid) => Some(pid),
            Process::Exited(..) => None,
        }
    }

    /// Whether what the process of a call shows belongs in the console now.
    pub fn is_shown(&self, number: u32) -> bool {
        self.window.shown_here
            && self.calls.get(&number).is_some_and(|call| call.stage == Stage::Open)
    }

    /// A process of a call says what happened.
    pub fn on_report(&mut self, number: u32, report: Report, now: Instant) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let from = call.from;
        match (call.stage, report) {
            (Stage::CheckingIn, Report::Hello(name)) => {
                let limit = (!self.window.shown_here).then(|| now + RING_LIMIT);
                call.stage = Stage::Opening { limit };
                self.log(format!("call {number} from {from} ({})", label(name.as_bytes())));
                if self.window.shown_here {
                    self.actions.push_back(Action::Show { call: number, name, from });
                }
            }
            (Stage::CheckingIn, Report::Dropped(why)) => {
                self.conclude(number, &format!("from {from} dropped: {}", label(why.as_bytes())));
            }
            (Stage::Opening { .. }, Report::NoWindow(why)) => {
                self.conclude(number, &format!("ended: no window: {}", label(why.as_bytes())));
            }
            (Stage::Opening { .. }, Report::Open) => {
                call.stage = Stage::Open;
                self.log(format!("call {number} window open"));
            }
            (Stage::Opening { .. } | Stage::Open, Report::Ended(ended)) => {
                self.conclude(number, &format!("ended: {}", label(ended.words().as_bytes())));
            }
            // A late end, or a process that does not keep to its part.
            (Stage::CheckingIn, Report::NoWindow(_) | Report::Open | Report::Ended(_))
            | (Stage::Opening { .. }, Report::Hello(_) | Report::Dropped(_))
            | (
                Stage::Open,
                Report::Hello(_) | Report::Dropped(_) | Report::NoWindow(_) | Report::Open,
            )
            | (Stage::Ended, _) => {}
        }
    }

    /// A child of the server has ended. Reports that it sent before may still be unread.
    pub fn on_exit(&mut self, pid: Pid, exit: Exit, now: Instant) {
        let runs = |call: &Call| matches!(call.process, Process::Runs(runs) if runs == pid);
        let Some((&number, call)) = self.calls.iter_mut().find(|(_, call)| runs(call)) else {
            return;
        };
        // In the console, the link ends with the one process that has it, however long it takes
        // until everything on it is shown.
        let limit = (!self.window.shown_here).then(|| now + LAST_REPORT);
        call.process = Process::Exited(exit, limit);
        self.settle(number);
    }

    /// Everything on the link of a call was read, and nothing more will come.
    pub fn on_link_end(&mut self, number: u32) {
        if let Some(call) = self.calls.get_mut(&number) {
            call.linked = false;
            self.settle(number);
        }
    }

    /// Ends what has taken too long: a window that does not open, a report that does not come.
    pub fn on_time(&mut self, now: Instant) {
        let due = |call: &Call| call.limit().is_some_and(|limit| now >= limit);
        let due: Vec<_> = self
            .calls
            .iter()
            .filter(|(_, call)| due(call))
            .map(|(&number, call)| (number, call.process))
            .collect();
        for (number, process) in due {
            match process {
                Process::Exited(exit, _) => self.conclude_unreported(number, exit),
                Process::Runs(pid) => {
                    let (limit, advice) = (RING_LIMIT.as_secs(), self.window.advice);
                    let why = format!("none was open after {limit} s{advice}");
                    self.conclude(number, &format!("ended: no window: {why}"));
                    self.actions.push_back(Action::Terminate(pid));
                }
            }
        }
    }

    /// Concludes a call whose process has ended and that nobody can report about any more, and
    /// forgets one of which nothing is left.
    fn settle(&mut self, number: u32) {
        let Some(call) = self.calls.get(&number) else { return };
        let Process::Exited(exit, _) = call.process else { return };
        if call.stage == Stage::Ended {
            self.forget(number);
        } else if !call.linked {
            self.conclude_unreported(number, exit);
        }
    }

    /// Says how a call ended whose process has ended without a report of it.
    fn conclude_unreported(&mut self, number: u32, exit: Exit) {
        let Some(call) = self.calls.get(&number) else { return };
        let Profile { process, advice, shown_here, .. } = self.window;
        let event = match call.stage {
            Stage::CheckingIn => format!("from {} dropped: its helper {exit}", call.from),
            Stage::Opening { .. } if shown_here => format!("ended: its handler {exit}"),
            Stage::Opening { .. } => {
                format!("ended: no window: it {exit} before its handler said hello{advice}")
            }
            // An xterm or a helper that ends well has outlived the handler.
            Stage::Open if exit == Exit::Status(0) => "ended: its handler was killed".into(),
            Stage::Open => format!("ended: its {process} {exit}"),
            Stage::Ended => return,
        };
        self.conclude(number, &event);
    }

    /// The one place that says how a call ended.
    fn conclude(&mut self, number: u32, event: &str) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let line = format!("call {number} {event}");
        match std::mem::replace(&mut call.stage, Stage::Ended) {
            Stage::CheckingIn => self.actions.push_back(Action::LogRejected(line)),
            Stage::Opening { .. } | Stage::Open => {
                if self.window.shown_here {
                    self.actions.push_back(Action::Hide(number));
                }
                self.log(line);
            }
            Stage::Ended => {}
        }
        self.settle(number);
    }

    fn forget(&mut self, number: u32) {
        if self.calls.remove(&number).is_some() {
            self.actions.push_back(Action::Release(number));
        }
    }

    fn log(&mut self, line: String) {
        self.actions.push_back(Action::Log(line));
    }
}

fn label(text: &[u8]) -> String {
    sanitize::label(text).into_owned()
}

#[cfg(test)]
mod tests;

//! The calls of a desk, and the log that says what happens to them.
//!
//! A line for each event on standard output, in a form that a script can read: `call <number> <event>`. The invariant:
//! every call that is begun gets exactly one line that says how it ended, whoever was there to report it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::report::Report;
use crate::terminal::outlet::Outlet;
use crate::terminal::printable;

/// Bytes of log that may wait for a reader; beyond that, lines are counted instead of kept.
const LOG_LIMIT: usize = 256 * 1024;

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    CheckingIn,
    Opening,
    Open,
    /// Its end is in the log; its process is still there.
    Ended,
}

struct Call {
    pid: Pid,
    from: SocketAddr,
    stage: Stage,
}

/// The calls whose processes run, by number, and the log.
pub struct Calls {
    calls: BTreeMap<u32, Call>,
    last: u32,
    out: Outlet,
    lost_lines: u64,
    /// What to do when a window fails without a word.
    advice: &'static str,
}

impl Calls {
    /// No calls, and a log to where `out` writes; `advice` is what to do when a window fails without a word.
    ///
    /// # Errors
    /// `out` cannot be used.
    pub fn new(out: BorrowedFd<'_>, advice: &'static str) -> io::Result<Self> {
        Ok(Self { calls: BTreeMap::new(), last: 0, out: Outlet::new(out)?, lost_lines: 0, advice })
    }

    /// Writes a line to the log. It waits for no reader: if nobody reads, lines are lost and counted.
    pub fn log(&mut self, line: &str) {
        if self.out.waiting() > LOG_LIMIT {
            self.lost_lines += 1;
            return;
        }
        if self.lost_lines > 0 {
            self.out.push(
                format!("{} lines were lost: nobody read them\n", self.lost_lines).as_bytes(),
            );
            self.lost_lines = 0;
        }
        self.out.push(line.as_bytes());
        self.out.push(b"\n");
        self.flush(false);
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    pub fn flush(&mut self, room: bool) {
        self.out.unblock(room);
        // Who closed standard output does not want the log; the desk goes on.
        let _ = self.out.flush();
    }

    /// Whether the log waits for room.
    pub fn waits_to_write(&self) -> bool {
        self.out.blocked()
    }

    /// The number of the call that was just accepted.
    pub fn next_number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// A helper was forked for a call.
    pub fn begin(&mut self, number: u32, pid: Pid, from: SocketAddr) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        self.calls.insert(number, Call { pid, from, stage: Stage::CheckingIn });
    }

    /// A process of a call says what happened.
    pub fn report(&mut self, number: u32, report: Report) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let (stage, event) = match report {
            Report::Hello(name) => {
                let name = printable::label(name.as_bytes());
                (Stage::Opening, format!("from {} ({name})", call.from))
            }
            Report::Dropped(why) => (
                Stage::Ended,
                format!("from {} dropped: {}", call.from, printable::label(why.as_bytes())),
            ),
            Report::NoWindow(why) => (Stage::Ended, format!("ended: no window: {why}")),
            Report::Open => (Stage::Open, "window open".into()),
            Report::Ended(how) => (Stage::Ended, format!("ended: {how}")),
        };
        call.stage = stage;
        self.log(&format!("call {number} {event}"));
    }

    /// A child of the server has ended.
    pub fn end(&mut self, pid: Pid, status: WaitStatus) {
        let Some((&number, call)) = self.calls.iter().find(|(_, call)| call.pid == pid) else {
            return;
        };
        let status = in_words(status);
        let event = match call.stage {
            Stage::CheckingIn => format!("from {} dropped: its helper {status}", call.from),
            Stage::Opening => {
                format!(
                    "ended: no window: it {status} before its handler said hello{}",
                    self.advice
                )
            }
            Stage::Open => "ended: its handler was killed".into(),
            Stage::Ended => String::new(),
        };
        self.calls.remove(&number);
        if !event.is_empty() {
            self.log(&format!("call {number} {event}"));
        }
    }
}

impl AsFd for Calls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.out.as_fd()
    }
}

fn in_words(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exited with status {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("was killed by {signal}"),
        other => format!("ended ({other:?})"),
    }
}

//! What `/proc` says of a process, and ending a process with all that it has started.
//!
//! Programs are started next door, in `program`. The invariant: a process is found by the mark in
//! its environment, which it inherits from the test that started it, however it was started: in a
//! new session, by a daemon, or by a parent that has ended.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often [`end_all`] looks for processes that were started while it ended others.
const ROUNDS: usize = 100;

/// The children of a process, also those that were not reaped; none of one that is gone.
pub fn children(pid: Pid) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

/// What `/proc` says of a process under this heading of its `status`.
pub fn status(pid: Pid, heading: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(heading)?.strip_prefix(':'));
    line.expect("there is such a heading").trim().into()
}

/// Whether a process has ended; one that nobody has waited for yet has.
pub fn gone(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

/// That a process has given up what it does not need, as far as can be seen from outside.
pub fn assert_confined(pid: Pid) {
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("0"), "{files}");
}

/// Kills every process whose environment has `mark`, a variable with its value.
pub fn end_all(mark: &str) {
    for _ in 0..ROUNDS {
        let marked: Vec<Pid> =
            processes().filter(|pid| is_marked(*pid, mark) && !gone(*pid)).collect();
        if marked.is_empty() {
            return;
        }
        for pid in marked {
            let _ = kill(pid, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw)
}

fn is_marked(pid: Pid, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
}

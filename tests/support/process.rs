//! What `/proc` says of a process.

use std::fs;

use nix::unistd::Pid;

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

/// That a process has given up what it does not need, as far as can be seen from outside.
pub fn assert_confined(pid: Pid) {
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("0"), "{files}");
}

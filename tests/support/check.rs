//! `talk check --listen`, and clients that call it as its help says.

use std::io::{Write, pipe};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::{Program, talk};

/// How long a client's input stays open at most: as long as a busy machine needs to start one. Only
/// the rules about the end of input take that long.
const INPUT: Duration = Duration::from_secs(8);

/// A check that listens: the program, its port and how many calls it wants.
pub fn listening(options: &[&str]) -> (Program, String, usize) {
    let mut check = Program::start(&mut talk(&[&["check", "--listen", "0"], options].concat()));
    let line = check.notice_with("listening on ");
    let (port, rest) = line.rsplit_once("]:").unwrap().1.split_once("; call ").unwrap();
    let count = rest.split(' ').next().unwrap().parse().unwrap();
    (check, port.into(), count)
}

/// Calls as often as a check asks for, each time with the client that `start` makes for a port.
/// Returns the status of the check, and what it printed.
pub fn check_client(start: impl Fn(&str) -> Command) -> (i32, Vec<String>) {
    let (mut check, port, count) = listening(&["--limit", "20"]);
    for _ in 0..count {
        let (input, mut typed) = pipe().unwrap();
        typed.write_all(b"hello\n").unwrap();
        let mut client = Program::start_with_own_input(start(&port).stdin(input));
        let ends = Instant::now() + INPUT;
        while client.is_running() && Instant::now() < ends {
            thread::sleep(Duration::from_millis(10));
        }
        drop(typed);
        client.status();
    }
    (check.status(), check.rest())
}

//! When the system has nothing left for another call: the caller is told, the desk goes on, and
//! recovers by itself.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;

use crate::support::{Desk, Program, TALK, command, hello, read_frame, status, wait_for};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, User, geteuid};

/// A desk under a limit of prlimit(1).
fn desk(limit: &str, options: &[&str]) -> Desk {
    let server = [limit, TALK, "server", "--name", "desk", "--window", "console"];
    Desk::open(&mut command("prlimit", &[&server, options].concat()))
}

/// What a caller says who is not let in.
const NO_ROOM: &str = "talk: the desk refused the call: \
                       the desk has no room for another call; try again later";

/// Calls until one is refused; those that were answered.
fn call_until_refused(desk: &Desk) -> Vec<Program> {
    let mut answered = Vec::new();
    for number in 1..64 {
        let mut caller = desk.call(&format!("caller{number}"));
        if let Some(refusal) = caller.refusal() {
            assert_eq!(refusal, NO_ROOM);
            assert_eq!(caller.status(), 1);
            return answered;
        }
        answered.push(caller);
    }
    panic!("every call was answered");
}

/// The processor time that a process has used so far, in ticks of a hundredth of a second
/// (proc_pid_stat(5)).
fn ticks(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
fn without_descriptors_callers_are_told_and_the_desk_neither_spins_nor_ends() {
    let mut desk = desk("--nofile=24", &[]);
    let mut answered = call_until_refused(&desk);
    let line = desk.server.line_with("refused");
    assert!(
        line.ends_with("try again later: too many open files; allow more with ulimit -n"),
        "{line}"
    );

    // Who does not go away again takes up even the reserve, for a while; the next one finds nothing
    // left at all.
    let mut stubborn: Vec<_> = (0..10).map(|_| desk.connect()).collect();
    desk.server.line_with("cannot accept calls for a moment: too many open files");
    let before = ticks(desk.server.pid());
    desk.server.line_with("cannot accept calls for a moment: too many open files");
    assert!(ticks(desk.server.pid()) - before < 50, "the server spins");
    for stubborn in &mut stubborn {
        let (tag, reason) = read_frame(stubborn);
        assert_eq!(tag, b'B');
        assert!(reason.starts_with(b"the desk has no room"));
    }
    drop(stubborn);

    for caller in &mut answered {
        caller.say("still here\n");
        desk.server.line_with("] still here");
    }
    let mut first = answered.remove(0);
    first.end_input();
    assert_eq!(first.status(), 0);
    desk.server.line_with("call 1 ended");
    wait_for("a call to be answered again", || {
        desk.call("again").refusal().is_none().then_some(())
    });
}

#[test]
fn without_processes_callers_are_told_until_there_are_some_again() {
    // The limit does not count for root.
    let user: &[&str] = if geteuid().is_root() { &["--user", "nobody"] } else { &[] };
    let mut desk = desk("--nproc=0:10000", user);
    assert_eq!(desk.call("alice").refusal().unwrap(), NO_ROOM);
    let line = desk.server.line_with("refused");
    assert!(line.contains("try again later: resource temporarily unavailable"), "{line}");
    let pid = desk.server.pid().to_string();
    let mut prlimit = command("prlimit", &[]);
    if let Some(nobody) = User::from_name("nobody").unwrap().filter(|_| geteuid().is_root()) {
        prlimit.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    }
    assert!(prlimit.args(["--pid", &pid, "--nproc=10000:"]).status().unwrap().success());
    let mut alice = desk.call("alice");
    assert_eq!(alice.refusal(), None);
    alice.end_input();
    assert_eq!(alice.status(), 0);
}

#[test]
fn the_accounts_are_right_after_calls_that_could_not_be_taken() {
    let mut desk = desk("--nofile=24", &["--max-calls", "3"]);
    let before = desk.holdings();
    for _ in 0..20 {
        let mut caller = desk.connect();
        caller.write_all(&hello("alice")).unwrap();
        assert!(matches!(read_frame(&mut caller).0, b'H' | b'B'));
    }
    wait_for("every call to end", || (desk.holdings() == before).then_some(()));
    assert_eq!(status(desk.server.pid(), "State"), "S (sleeping)");
    desk.server.signal(Signal::SIGTERM);
    assert_eq!(desk.server.status(), 0);
}

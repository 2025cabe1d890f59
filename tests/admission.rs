//! Who is let in, how many at once, and what those who are not get to know.

use std::fs;

use crate::support::network::{DESK, network};
use crate::support::{Desk, Program, Window, failure, talk, wait_for};
use nix::sys::signal::Signal;
use tempfile::TempDir;

fn desk(window: &Window, options: &[&str]) -> Desk {
    let mut server = talk(&[&["server", "--name", "desk", "--window", "xterm"], options].concat());
    Desk::open(server.env("PATH", window.path()))
}

#[test]
fn one_call_too_many_is_told_so_and_costs_no_process() {
    let (window, _keyboard) = Window::typing();
    let mut desk = desk(&window, &["--max-calls", "1"]);
    let before = desk.holdings();
    let mut alice = desk.call("alice");
    alice.notice_with("desk answered");
    let (_, children) = desk.holdings();
    // However many come: each reads the reason, though nobody has read what they sent.
    for _ in 0..100 {
        let mut bob = desk.call("bob");
        assert_eq!(bob.status(), 1);
        bob.notice_with("refused the call: the desk is at its call limit; try again later");
        assert_eq!(desk.holdings().1, children);
    }
    let line = desk.server.line_with("refused");
    assert!(line.starts_with("call 2 from 127.0.0.1:"), "{line}");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    wait_for("alice's helper to be reaped", || (desk.holdings() == before).then_some(()));
    let mut carol = desk.call("carol");
    carol.notice_with("desk answered");
}

#[test]
fn only_those_on_the_list_come_in() {
    let window = Window::answering("");
    for (options, comes_in) in [
        (&["--allow", "192.0.2.0/24"][..], false),
        (&["--allow", "192.0.2.0/24", "--allow", "127.0.0.0/8"], true),
        (&["--allow", "127.0.0.0/8", "--deny", "127.0.0.1"], false),
        (&["--deny", "2001:db8::/32"], true),
        (&["--deny", "::ffff:127.0.0.1"], false),
        (&["--allow", "::ffff:127.0.0.0/104"], true),
    ] {
        let mut desk = desk(&window, options);
        let mut alice = desk.call("alice");
        alice.end_input();
        if comes_in {
            assert_eq!(alice.status(), 0, "{options:?}");
        } else {
            assert_eq!(alice.status(), 1, "{options:?}");
            alice.notice_with(
                "your address is not allowed to call this desk; ask its owner for access",
            );
            desk.server.line_with("refused: your address is not allowed to call");
        }
    }
}

#[test]
fn a_call_from_the_machine_of_the_desk_is_not_limited_by_host() {
    network(|network| {
        let options = ["--bind", DESK, "--window", "console", "--max-per-host", "1"];
        let mut server = talk(&[&["server", "0", "--name", "desk"], &options[..]].concat());
        let desk = network.desk.at(|| Desk::of(Program::start(&mut server)));
        let port = desk.port();
        let call = || Program::start(&mut talk(&["client", DESK, &port, "--name", "alice"]));
        let answered = |mut caller: Program| {
            caller.notice_with("desk answered");
            caller
        };
        let _here = [(); 2].map(|()| answered(network.desk.at(call)));
        let _there = answered(network.caller.at(call));
        network.caller.at(call).notice_with("refused the call: too many simultaneous calls");
    });
}

#[test]
fn the_lists_are_read_again_on_a_hangup_and_broken_ones_change_nothing() {
    let window = Window::answering("");
    let list = window.file("allowed");
    fs::write(&list, "# the lab\n192.0.2.0/24\n").unwrap();
    let mut desk = desk(&window, &["--allow", list.to_str().unwrap()]);
    let mut refused = desk.call("alice");
    assert_eq!(refused.status(), 1);

    fs::write(&list, "192.0.2.0/24\n127.0.0.1 # and this machine\n").unwrap();
    desk.server.signal(Signal::SIGHUP);
    desk.server.line_with("access lists reloaded");
    let mut admitted = desk.call("alice");
    admitted.end_input();
    assert_eq!(admitted.status(), 0);

    for broken in ["", "not a network\n"] {
        fs::write(&list, broken).unwrap();
        desk.server.signal(Signal::SIGHUP);
        desk.server.line_with("access lists kept: --allow ");
        let mut admitted = desk.call("alice");
        admitted.end_input();
        assert_eq!(admitted.status(), 0);
    }
}

#[test]
fn a_list_that_cannot_be_used_is_an_error_at_the_start() {
    let dir = TempDir::new().unwrap();
    let (empty, wrong) = (dir.path().join("empty"), dir.path().join("wrong"));
    fs::write(&empty, "# nobody yet\n").unwrap();
    fs::write(&wrong, "192.0.2.0/24\nlab\n").unwrap();
    for (list, complaint) in [
        (
            empty.to_str().unwrap(),
            "the list is empty; put one network per line, such as 192.0.2.0/24",
        ),
        (
            wrong.to_str().unwrap(),
            "line 2: 'lab' is not an address or network such as 192.0.2.0/24",
        ),
        (
            "/no/such/file",
            "neither a network (such as 192.0.2.0/24) nor a readable file: no such file",
        ),
        ("", "neither a network"),
        (
            "::ffff:192.0.2.0/95",
            "is wider than ::ffff:0:0/96, which is all of IPv4; name IPv4 and IPv6 separately",
        ),
    ] {
        for option in ["--allow", "--deny"] {
            let (status, error) = failure(&mut talk(&["server", "0", option, list]));
            assert_eq!(status, 1, "{error}");
            assert!(
                error.to_lowercase().contains(&complaint.to_lowercase()),
                "{option} {list}: {error}"
            );
        }
    }
    let (status, _) = failure(&mut talk(&["server", "0", "--max-calls", "many"]));
    assert_eq!(status, 2);
}

//! Root's privileges: not needed, and given up on request.

use crate::support::{
    Desk, Window, as_root, as_user, assert_confined, children, copy_for_everybody, expect, failure,
    status, talk, wait_for,
};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, User};

/// The ids of a process: user or group, each real, effective, saved and for files.
fn ids(pid: Pid, heading: &str) -> Vec<u32> {
    status(pid, heading).split_whitespace().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn a_desk_says_that_it_runs_as_root_in_vain() {
    as_root(|| {
        let mut desk = Desk::open(&mut talk(&["server", "--name", "desk"]));
        desk.server.line_with("windows: ");
        desk.server.signal(Signal::SIGTERM);
        let root = "talk: running as root, which is not needed; give it up with --user <name>";
        assert_eq!(desk.server.notices(), [root]);
    });
}

#[test]
fn a_desk_of_somebody_else_says_nothing_of_root_and_cannot_become_another_user() {
    let (_dir, talk) = copy_for_everybody();
    let mut desk = Desk::open(as_user(65534, &talk).args(["server", "--name", "desk"]));
    desk.server.line_with("windows: ");
    desk.server.signal(Signal::SIGTERM);
    assert_eq!(desk.server.notices(), [""; 0]);
    expect(
        as_user(65534, &talk).args(["server", "0", "--user", "daemon"]),
        1,
        "--user daemon: only root can become another user; start as root, or leave the option out",
    );
}

#[test]
fn a_desk_gives_root_up_for_a_user_and_its_conversations_have_never_had_it() {
    as_root(|| {
        let nobody = User::from_name("nobody").unwrap().unwrap();
        let options = ["server", "--name", "desk", "--window", "console", "--user", "nobody"];
        let mut desk = Desk::open(&mut talk(&options));
        desk.server.line_with("windows: ");
        let mut alice = desk.call("alice");
        alice.notice_with("desk answered");
        let server = desk.server.pid();
        let [handler] = children(server)[..] else { panic!("{:?}", children(server)) };
        for pid in [server, handler] {
            assert_eq!(ids(pid, "Uid"), [nobody.uid.as_raw(); 4]);
            assert_eq!(ids(pid, "Gid"), [nobody.gid.as_raw(); 4]);
            assert_eq!(ids(pid, "Groups"), [nobody.gid.as_raw()]);
            assert_eq!(status(pid, "CapEff"), "0000000000000000");
            assert_eq!(status(pid, "Umask"), "0077");
        }
        assert_confined(handler);
        alice.say("hello\n");
        desk.server.line_with("] hello");
        alice.end_input();
        assert_eq!(alice.status(), 0);
        desk.server.signal(Signal::SIGTERM);
        assert_eq!(desk.server.notices(), [""; 0], "nothing is said about root");
    });
}

#[test]
fn who_cannot_be_become_is_an_error_that_says_why() {
    for (user, complaint) in [
        ("no-such-user", "no user is named 'no-such-user'; 'getent passwd' lists them"),
        ("", "no user is named ''; 'getent passwd' lists them"),
        ("root", "root keeps its privileges; name another user"),
    ] {
        let (status, error) = failure(&mut talk(&["server", "0", "--user", user]));
        assert_eq!(status, 1);
        assert_eq!(error, format!("talk: --user {user}: {complaint}"));
    }
}

#[test]
fn both_ends_of_a_conversation_are_confined_to_what_they_have_open() {
    let (window, _keyboard) = Window::typing();
    let desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("alice");
    alice.notice_with("desk answered");
    let handler = wait_for("the handler", || window.read("pid").trim().parse().ok());
    assert_confined(Pid::from_raw(handler));
    assert_confined(alice.pid());
}

//! The clients in `examples`, against this program's desk and its conformance tester.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use crate::support::check::check_client;
use crate::support::{Desk, Program, command, frame, read_frame, talk, unheard_port};
use tempfile::TempDir;

fn source(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// The client in Python, as a command without arguments.
fn python() -> Command {
    let mut client = command("python3", &["-W", "error"]);
    client.arg(source("client.py"));
    client
}

/// The client in C, built into a directory that must be kept.
fn built_in_c() -> (TempDir, impl Fn() -> Command) {
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("client");
    let mut build = command("cc", &["-std=c99", "-pedantic", "-Wall", "-Wextra"]);
    let mut build =
        Program::start(build.arg("-Werror").arg("-o").arg(&program).arg(source("client.c")));
    assert_eq!(build.status(), 0, "{:#?}", build.notices());
    (dir, move || command(&program, &[]))
}

/// Holds a conversation in which both ends talk, each before the other has finished.
fn converse(client: &mut Command) {
    let mut desk = Desk::open(&mut talk(&["server", "--window", "console"]));
    let port = desk.port();
    let mut caller =
        Program::start(client.args(["127.0.0.1", &port]).env("USER", "zoë").env("LOGNAME", "zoë"));
    desk.server.line_with("call 1 window open");
    desk.server.say("who is it?\nand why?\n");
    assert_eq!(caller.line(), "who is it?");
    assert_eq!(caller.line(), "and why?");
    caller.say("it is me\n\nthe printer is on fire, ");
    desk.server.line_with("[1 zoë] it is me");
    desk.server.say("stay calm\n");
    assert_eq!(caller.line(), "stay calm");
    caller.say(&("really".repeat(10_000) + "\nno newline"));
    desk.server.line_with("reallyreally");
    caller.end_input();
    assert_eq!(caller.status(), 0, "{:#?}", caller.notices());
    assert_eq!(desk.server.line_with("call 1 ended"), "call 1 ended: zoë left");
}

/// Without the answer to its goodbye, a client has no reason to be content.
fn is_content_only_with_an_answer(mut client: impl FnMut() -> Command) {
    let mut desk = Desk::open(&mut talk(&["server", "--window", "console"]));
    let port = desk.port();
    let mut caller = Program::start(client().args(["127.0.0.1", &port]));
    desk.server.line_with("call 1 window open");
    caller.say("hello?\n");
    desk.server.line_with("hello?");
    desk.server.say("/hangup 1\n");
    desk.server.line_with("call 1 ended");
    assert_eq!(caller.status(), 1);
    caller.notice_with("the desk left first");

    let (_unheard, port) = unheard_port();
    let mut caller = Program::start(client().args(["127.0.0.1", &port]));
    assert_eq!(caller.status(), 1);
}

/// With a desk that acknowledges, the answer to the goodbye confirms nothing: only ACK does.
fn believes_acks_only(mut client: impl FnMut() -> Command) {
    for (shown, status) in [(2, 0), (1, 1), (3, 1)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut caller = Program::start(client().args(["127.0.0.1", &port]));
        caller.say("one\ntwo\n");
        caller.end_input();
        let (mut desk, _) = listener.accept().unwrap();
        assert_eq!(read_frame(&mut desk).1[..2], [1, 0x08]);
        desk.write_all(&[frame(b'H', b"\x01\x08desk"), frame(b'T', b"yes")].concat()).unwrap();
        assert_eq!(read_frame(&mut desk), (b'T', b"one".into()));
        assert_eq!(read_frame(&mut desk), (b'T', b"two".into()));
        while read_frame(&mut desk).0 != b'B' {}
        let ack = frame(b'K', &u64::to_be_bytes(shown));
        desk.write_all(&[ack, frame(b'B', b"")].concat()).unwrap();
        drop(desk);
        assert_eq!(caller.status(), status, "{shown} of 2 lines shown");
    }
}

fn assert_keeps_every_rule(client: impl Fn() -> Command) {
    let (status, lines) = check_client(|port| {
        let mut client = client();
        client.args(["127.0.0.1", port]);
        client
    });
    assert_eq!(status, 0, "{lines:#?}");
}

#[test]
fn the_client_in_python_holds_a_conversation() {
    converse(&mut python());
    is_content_only_with_an_answer(python);
    believes_acks_only(python);
}

#[test]
fn the_client_in_c_holds_a_conversation() {
    let (_dir, client) = built_in_c();
    converse(&mut client());
    is_content_only_with_an_answer(&client);
    believes_acks_only(client);
}

#[test]
fn the_client_in_python_keeps_every_rule() {
    assert_keeps_every_rule(python);
}

#[test]
fn the_client_in_c_keeps_every_rule() {
    let (_dir, client) = built_in_c();
    assert_keeps_every_rule(client);
}

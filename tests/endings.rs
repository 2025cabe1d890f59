//! What callers and desks say when a call fails: the thing, the reason, and what to do next.
//!
//! How the program fails before that is next door, in `errors`. The invariant: both ends know why.

use std::io::Write;
use std::net::Shutdown;
use std::process::Stdio;

use crate::support::network::{DESK, network};
use crate::support::{
    Desk, Listener, Program, Started, Window, assert_well_said, call, calling, children, expect,
    frame, full, handler, hello, install, read_frame, status, talk, wait_for,
};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{setsockopt, sockopt};
use tempfile::TempDir;

/// How a client ends: with 1, and this one line.
fn end(mut caller: Program) -> String {
    let error = caller.notices().join("\n");
    assert_eq!(caller.status(), 1, "{error}");
    assert_well_said(&error);
    error
}

#[test]
fn a_conversation_that_fails_says_how_it_ended_and_what_a_caller_can_do() {
    for (said, error) in [
        (frame(b'B', b""), "the desk refused the call without a reason; try again later"),
        (
            vec![],
            "something answered and hung up: connection closed without BYE; \
             is a desk open behind this port?",
        ),
        (
            hello("desk"),
            "the connection to desk was lost: connection closed without BYE; call again",
        ),
        (
            frame(b'H', b"\x02\0desk"),
            "the peer does not speak this protocol: unsupported version 2 (expected 1); \
             update the older program",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            "the peer does not speak this protocol: frame 'S' of 21320 bytes is too long; \
             is a desk listening there?",
        ),
        (
            frame(b'T', b"x"),
            "the peer does not speak this protocol: text before HELLO; \
             is a desk listening there?",
        ),
        (
            frame(b'H', b"\x01\0"),
            "the peer does not speak this protocol: HELLO without a name of 1 to 64 bytes; \
             is a desk listening there?",
        ),
    ] {
        let (caller, mut desk) = calling(&["--quiet"]);
        desk.write_all(&said).unwrap();
        desk.shutdown(Shutdown::Write).unwrap();
        assert_eq!(end(caller), format!("talk: {error}"));
    }
}

#[test]
fn a_conversation_that_stops_says_so_too() {
    let (caller, _desk) = calling(&["--quiet", "--timeout", "0.2"]);
    assert_eq!(end(caller), "talk: nobody answered within 0.2 s; try again later");

    let (caller, mut desk) = calling(&["--quiet", "--timeout", "2"]);
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(
        end(caller),
        "talk: the conversation with desk was not over after 2 s; use a longer --timeout"
    );

    let (mut caller, mut desk) = calling(&["--quiet"]);
    desk.write_all(&hello("desk")).unwrap();
    caller.say("are you there?\n");
    assert_eq!(read_frame(&mut desk).0, b'T');
    caller.signal(Signal::SIGINT);
    assert_eq!(read_frame(&mut desk).0, b'B');
    caller.signal(Signal::SIGINT);
    assert_eq!(
        end(caller),
        "talk: desk did not confirm the goodbye; 1 line is unconfirmed; check with the other side what arrived"
    );

    let listener = Listener::open();
    let mut caller = talk(&["client", "127.0.0.1", &listener.port, "--quiet"]);
    caller.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped());
    let caller = Started::new(&mut caller);
    let mut desk = listener.accept();
    desk.write_all(&[hello("desk"), frame(b'T', b"x")].concat()).unwrap();
    let said = String::from_utf8(caller.output().stderr).unwrap();
    assert_eq!(
        said,
        "talk: cannot show what desk says: no space left on device; redirect stdout elsewhere\n"
    );
}

#[test]
fn a_handler_without_a_caller_says_what_became_of_it() {
    for (said, error) in [
        (frame(b'B', b""), "the caller hung up before it was answered"),
        (vec![], "the connection to the peer was lost: connection closed without BYE"),
    ] {
        let (mut caller, socket) = call();
        caller.write_all(&said).unwrap();
        caller.shutdown(Shutdown::Write).unwrap();
        expect(&mut handler(socket), 1, error);
    }
    let (caller, socket) = call();
    expect(&mut handler(socket), 1, "the caller sent no HELLO within 5 s");
    drop(caller);

    let (mut caller, socket) = call();
    let mut desk = Program::start(&mut handler(&socket));
    drop(socket);
    wait_for("the handler to watch its signals", || {
        let caught = u64::from_str_radix(&status(desk.pid(), "SigCgt"), 16).unwrap();
        (caught & 1 << (Signal::SIGINT as i32 - 1) != 0).then_some(())
    });
    desk.signal(Signal::SIGINT);
    assert_eq!(read_frame(&mut caller).0, b'B');
    drop(caller);
    assert_eq!(desk.status(), 1);
    assert_eq!(desk.notices(), ["talk: closed before the caller sent HELLO"]);
}

#[test]
fn a_window_that_does_not_open_is_explained_to_the_desk() {
    let dir = TempDir::new().unwrap();
    install(&dir.path().join("xterm"), "", "644");
    install(&dir.path().join("broken"), "#!/no/such/interpreter\n", "755");
    let broken = dir.path().join("broken");
    let broken = broken.to_str().unwrap();
    let refusing = TempDir::new().unwrap();
    install(
        &refusing.path().join("tmux"),
        "#!/bin/sh\necho no space for new pane >&2\nexit 1\n",
        "755",
    );
    let (plain, refusing) = (dir.path().to_str().unwrap(), refusing.path().to_str().unwrap());
    let nowhere = "/no/such/place";
    let path = format!("{plain}:/usr/bin:/bin");
    for (window, path, runtime, why) in [
        ("xterm", plain, plain, "xterm cannot be started: permission denied; try it in a shell".into()),
        (broken, path.as_str(), plain, format!("{broken} cannot be started: no such file or directory; try it in a shell")),
        ("tmux", plain, plain, "tmux cannot be started: no such file or directory; install it (Debian: apt install tmux)".into()),
        ("tmux", refusing, plain, "tmux failed: no space for new pane; try it: tmux new".into()),
        ("tmux", plain, nowhere, format!("cannot offer the call in {nowhere}: no such file or directory; set XDG_RUNTIME_DIR to another place")),
    ] {
        let mut server = talk(&["server", "--window", window]);
        server.env("PATH", path).env("XDG_RUNTIME_DIR", runtime);
        // Without another place.
        server.env("TMPDIR", nowhere);
        let mut desk = Desk::open(&mut server);
        let mut alice = desk.call("alice");
        alice.notice_with("the desk could not open a window; its log says why");
        assert_eq!(alice.status(), 1);
        assert_eq!(desk.server.line_with("ended"), format!("call 1 ended: no window: {why}"));
    }
}

#[test]
fn a_window_that_never_opens_is_given_up_at_both_ends() {
    let window = Window::new("exec sleep 600");
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("alice");
    let ended = desk.server.line_with("ended");
    // Whichever end is the first to give up.
    assert_eq!(alice.status(), 1);
    assert_eq!(
        ended,
        "call 1 ended: no window: none was open after 60 s; \
         does DISPLAY name a display that you may use? Try it: xterm -e true"
    );
}

#[test]
fn a_desk_without_a_display_says_what_it_needs() {
    let mut desk = Desk::open(talk(&["server", "--window", "xterm"]).env("DISPLAY", ""));
    let line = desk.server.line();
    assert_eq!(line, "windows: xterm, but DISPLAY is not set; set it, or use another --window");
}

#[test]
fn a_desk_with_a_display_says_which() {
    let mut desk = Desk::open(talk(&["server", "--window", "xterm"]).env("DISPLAY", ":77"));
    assert_eq!(desk.server.line(), "windows: xterm on display :77");
}

#[test]
fn a_helper_that_is_killed_is_reported() {
    let mut desk = Desk::open(&mut talk(&["server", "--window", "console"]));
    let _silent = desk.connect();
    let helper = wait_for("a helper", || children(desk.server.pid()).pop());
    kill(helper, Signal::SIGKILL).unwrap();
    let line = desk.server.line_with("dropped");
    assert!(line.ends_with(" dropped: its helper was killed by SIGKILL"), "{line}");
}

#[test]
fn a_call_that_is_being_ended_takes_no_line_and_does_not_keep_the_desk() {
    let mut desk = Desk::open(&mut talk(&["server", "--window", "console", "--name", "desk"]));
    let mut stubborn = desk.connect();
    stubborn.write_all(&hello("bob")).unwrap();
    desk.server.line_with("call 1 window open");
    desk.server.say("/hangup 1\n/1 one more thing\n/quit\n/quit\n");
    assert_eq!(desk.server.line(), "-- [1 bob] is hanging up; line not sent");
    assert_eq!(desk.server.line(), "-- saying goodbye to everybody; repeat to quit immediately");
    assert_eq!(desk.server.status(), 0);
}

#[test]
fn the_commands_of_the_console_are_listed_whole() {
    let mut desk = Desk::open(&mut talk(&["server", "--window", "console"]));
    desk.server.line_with("windows: console (this terminal)");
    desk.server.say("/help\n");
    for line in [
        "/2 turns to call 2 and shows what was held back; /2 some text sends one line to it",
        "/mute 2 holds back what call 2 says, or shows it again",
        "/all some text sends one line to everybody; /who lists the calls",
        "/hangup 2 ends call 2; /quit ends the desk, with a goodbye to everybody",
        "//word sends a line that starts with /word",
    ] {
        assert_eq!(desk.server.line(), format!("-- {line}"));
    }
}

#[test]
fn a_host_that_calls_too_often_is_told_what_to_do() {
    network(|network| {
        for (limit, advice) in [
            ("1", "too many simultaneous calls from your address; end one first"),
            ("1000", "too many calls from your address; try again in a minute"),
        ] {
            let server = ["server", "0", "--bind", DESK, "--window", "console", "--name", "desk"];
            let limits = ["--max-per-host", limit];
            let mut server = network.desk.start(&mut talk(&[&server[..], &limits].concat()));
            let port = server.line().rsplit(':').next().unwrap().to_owned();
            let call = |_| network.caller.start(&mut talk(&["client", DESK, &port]));
            let mut callers = (0..200).map(call);
            let mut first = callers.next().unwrap();
            first.notice_with("desk answered");
            let refusal = callers.find_map(|mut caller| caller.refusal()).unwrap();
            assert_eq!(refusal, format!("talk: the desk refused the call: {advice}"));
        }
    });
}

#[test]
fn a_connection_that_breaks_at_the_door_is_dropped_with_the_reason() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    let caller = desk.connect();
    let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&caller, sockopt::Linger, &at_once).unwrap();
    drop(caller);
    let line = desk.server.line_with("dropped");
    assert!(line.ends_with(" dropped: connection reset by peer"), "{line}");
}

#[test]
fn a_console_whose_screen_is_full_says_what_it_needs() {
    let mut server = talk(&["server", "0", "--bind", "127.0.0.1", "--window", "console"]);
    let output = server.stdout(full()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said.lines().last().unwrap(),
        "talk: the console's screen is gone: no space left on device; keep standard output open"
    );
}

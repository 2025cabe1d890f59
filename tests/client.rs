//! The client, against a desk that is played by the test.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::support::flood::{Flood, LAST};
use crate::support::{
    DEADLINE, Listener, Program, Started, TALK, ack, calling, command, failure, frame, hello,
    read_frame, say_until_it_ends, talk, unheard_port,
};
use nix::sys::signal::{Signal, kill};

fn ringing() -> (Program, TcpStream) {
    let (mut caller, desk) = calling(&[]);
    caller.notice_with("ringing 127.0.0.1");
    (caller, desk)
}

fn answered() -> (Program, TcpStream) {
    let (mut caller, mut desk) = ringing();
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(caller.notice_with("answered"), "talk: desk answered");
    (caller, desk)
}

#[test]
fn nothing_is_sent_before_somebody_answers() {
    let (mut caller, mut desk) = ringing();
    caller.say("already typed\n");
    desk.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(desk.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    desk.set_read_timeout(Some(DEADLINE)).unwrap();
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(read_frame(&mut desk), (b'T', b"already typed".to_vec()));
}

#[test]
fn input_that_has_ended_waits_for_the_confirmation_and_shows_what_still_comes() {
    let (mut caller, mut desk) = answered();
    caller.say("first\nsecond, unfinished");
    caller.end_input();
    assert_eq!(read_frame(&mut desk), (b'T', b"first".to_vec()));
    assert_eq!(read_frame(&mut desk), (b't', b"second, unfinished".to_vec()));
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    desk.write_all(&frame(b'T', b"I am still reading")).unwrap();
    assert_eq!(caller.line(), "I am still reading");
    assert!(caller.is_running());
    desk.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(caller.status(), 0);
    assert!(caller.notices().is_empty());
}

#[test]
fn a_desk_that_leaves_first_gets_the_rest_and_an_answer() {
    let (mut caller, mut desk) = answered();
    desk.write_all(&frame(b'B', b"lunch")).unwrap();
    caller.notice_with("desk left: lunch");
    caller.say("bon appetit\n");
    assert_eq!(read_frame(&mut desk), (b'T', b"bon appetit".to_vec()));
    // It is silent now, though its input is open: that is waited for no longer.
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    assert_eq!(caller.status(), 1);
    caller.notice_with("talk: desk left before the end of input: lunch (confirmed up to line 1)");
}

#[test]
fn every_failure_is_one_line_with_the_number_of_unconfirmed_lines() {
    let (mut caller, mut desk) = ringing();
    desk.write_all(&frame(b'B', b"busy; \x1b[31mtry later")).unwrap();
    assert_eq!(caller.status(), 1);
    assert_eq!(caller.notices(), ["talk: the desk refused the call: busy; ^[[31mtry later"]);

    let (mut caller, desk) = ringing();
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller.notice_with("something answered and hung up");

    let (mut caller, mut desk) = answered();
    caller.say("1\n2\n3\n");
    for _ in 0..3 {
        read_frame(&mut desk);
    }
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller
        .notice_with("the connection to desk was lost: connection closed without BYE; 3 lines are");

    let (mut caller, mut desk) = answered();
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(read_frame(&mut desk), (b'B', b"protocol error: a second HELLO".to_vec()));
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller.notice_with("desk does not speak this protocol: a second HELLO");

    let (mut caller, mut desk) = ringing();
    desk.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    assert_eq!(read_frame(&mut desk).0, b'B');
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller.notice_with("the peer does not speak this protocol: ");
}

#[test]
fn nobody_there_is_an_error_that_says_so() {
    let (_unheard, port) = unheard_port();
    let attached = format!("127.0.0.1:{port}");
    let bracketed = format!("[127.0.0.1]:{port}");
    for desk in [&["127.0.0.1", &port][..], &[&attached], &[&bracketed]] {
        let (status, error) = failure(&mut talk(&[&["client"], desk].concat()));
        assert_eq!(status, 1);
        assert_eq!(
            error,
            format!(
                "talk: no desk answers at 127.0.0.1 port {port} (127.0.0.1:{port}: connection \
                 refused); start one there with: talk server {port}"
            )
        );
    }
    let (status, error) = failure(&mut talk(&["client", "no-such-host.invalid"]));
    assert_eq!(status, 1);
    assert!(error.starts_with("talk: cannot resolve 'no-such-host.invalid'"), "{error}");
}

#[test]
fn a_client_that_waits_hears_the_desk_out() {
    let (mut caller, mut desk) = calling(&["--wait"]);
    desk.write_all(&hello("desk")).unwrap();
    caller.say("which printer works?\n");
    caller.end_input();
    assert_eq!(read_frame(&mut desk), (b'T', b"which printer works?".to_vec()));
    // No goodbye comes: only at the end of the desk's side is there one.
    desk.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    assert_eq!(desk.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    desk.set_read_timeout(Some(DEADLINE)).unwrap();
    desk.write_all(&[frame(b'T', b"the one upstairs"), frame(b'B', b"")].concat()).unwrap();
    assert_eq!(read_frame(&mut desk), (b'B', b"".to_vec()));
    assert_eq!(caller.line(), "the one upstairs");
    assert_eq!(caller.status(), 0);
}

#[test]
fn a_time_limit_holds_at_every_stage_and_leaves_politely() {
    let (mut caller, mut desk) = calling(&["--timeout", "0.5"]);
    assert_eq!(read_frame(&mut desk), (b'B', b"out of time".to_vec()));
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller.notice_with("talk: nobody answered within 0.5 s");

    let (mut caller, mut desk) = calling(&["--timeout=1", "--wait"]);
    desk.write_all(&hello("desk")).unwrap();
    caller.say("one\ntwo\n");
    caller.end_input();
    let frames = [(); 3].map(|()| read_frame(&mut desk));
    assert_eq!(frames[2], (b'B', b"out of time".to_vec()));
    drop(desk);
    assert_eq!(caller.status(), 1);
    caller.notice_with(
        "talk: the conversation with desk was not over after 1 s; 2 lines are unconfirmed",
    );

    for wrong in ["0", "-1", "soon", "inf", ""] {
        let (status, error) = failure(&mut talk(&["client", "localhost", "--timeout", wrong]));
        assert_eq!(status, 2, "{wrong}: {error}");
    }
}

#[test]
fn a_quiet_client_has_no_notices_but_errors() {
    let (mut caller, mut desk) = calling(&["--quiet"]);
    desk.write_all(&[hello("desk"), frame(b'T', b"hi")].concat()).unwrap();
    caller.end_input();
    assert_eq!(read_frame(&mut desk).0, b'B');
    desk.write_all(&frame(b'B', b"busy")).unwrap();
    assert_eq!(caller.status(), 0);
    assert_eq!((caller.rest(), caller.notices()), (vec!["hi".into()], vec![]));
    let (mut caller, mut desk) = calling(&["--quiet"]);
    desk.write_all(&frame(b'B', b"busy")).unwrap();
    assert_eq!(caller.status(), 1);
    assert_eq!(caller.notices(), ["talk: the desk refused the call: busy"]);
}

#[test]
fn hanging_up_while_it_rings_is_immediate() {
    let (mut caller, mut desk) = ringing();
    caller.signal(Signal::SIGINT);
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    assert_eq!(caller.status(), 1);
    caller.notice_with("hung up before anybody answered");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let listener = Listener::open();
    // As in: talk client … | head -1
    let mut caller = talk(&["client", "127.0.0.1", &listener.port]);
    caller.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut caller = Started::new(&mut caller);
    let mut desk = listener.accept();
    read_frame(&mut desk);
    drop(caller.stdout.take());
    desk.write_all(&hello("desk")).unwrap();
    say_until_it_ends(&mut desk, &mut caller);
    let mut said = String::new();
    caller.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(caller.status(), 1);
    assert!(said.ends_with("talk: desk answered\n"), "{said}");
    let mut answer = Vec::new();
    let _ = desk.read_to_end(&mut answer);
    assert_eq!(answer, b"", "nothing was confirmed");
}

#[test]
fn a_desk_that_stalls_bounds_what_is_read_and_loses_nothing() {
    let (mut caller, mut desk) = answered();
    let flood = Flood::of(&mut caller);
    caller.notice_with("talk: desk is not reading; what you say waits");
    flood.stop();
    // A line may come in pieces, of which the last one is TEXT.
    let frames = std::iter::from_fn(|| Some(read_frame(&mut desk)));
    let lines = frames.take_while(|(_, text)| text != LAST.as_bytes());
    let lines = 1 + lines.filter(|&(tag, _)| tag == b'T').count();
    let (said, keyboard) = flood.join();
    drop(keyboard);
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    desk.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(caller.status(), 0);
    assert_eq!(lines, said);
    assert_eq!(caller.notices(), ["talk: desk is reading again"]);
}

#[test]
fn standard_input_that_is_closed_is_no_input() {
    let listener = Listener::open();
    let mut caller =
        Program::start_with_own_input(&mut talk(&["client", "127.0.0.1", &listener.port]));
    let mut desk = listener.accept();
    read_frame(&mut desk);
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    desk.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(caller.status(), 0);
}

/// A desk that acknowledges, and its caller, whose standard input is this.
fn acknowledging(input: impl Into<Stdio>) -> (Started, TcpStream) {
    let listener = Listener::open();
    let mut caller = talk(&["client", "127.0.0.1", &listener.port, "--quiet"]);
    let caller = caller.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let caller = Started::new(caller);
    let mut desk = listener.accept();
    read_frame(&mut desk);
    desk.write_all(&frame(b'H', b"\x01\x08desk")).unwrap();
    (caller, desk)
}

/// The exit status of a caller, and what it printed.
fn end(caller: Started) -> (Option<i32>, String) {
    let output = caller.output();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_producer_sees_a_closed_pipe_when_the_desk_leaves() {
    let (mut caller, mut desk) = acknowledging(Stdio::piped());
    let mut producer = caller.stdin.take().unwrap();
    producer.write_all(b"first\n").unwrap();
    assert_eq!(read_frame(&mut desk).0, b'T');
    desk.write_all(&[ack(1), frame(b'B', b"")].concat()).unwrap();
    assert_eq!([read_frame(&mut desk).0, read_frame(&mut desk).0], *b"KB");
    let (status, error) = end(caller);
    assert_eq!(status, Some(1));
    assert_eq!(error, "talk: desk left before the end of input (confirmed up to line 1)\n");
    assert_eq!(producer.write_all(b"second\n").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn only_an_acknowledgement_confirms_a_line() {
    for (acknowledged, expected) in [
        (2, (Some(0), String::new())),
        (
            1,
            (
                Some(1),
                "talk: said goodbye to desk; 1 line is unconfirmed (confirmed up to line 1); \
                       check with the other side what arrived\n"
                    .into(),
            ),
        ),
    ] {
        let (mut caller, mut desk) = acknowledging(Stdio::piped());
        caller.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
        assert_eq!([(); 4].map(|()| read_frame(&mut desk).0), *b"TTKB");
        desk.write_all(&[ack(acknowledged), frame(b'B', b"")].concat()).unwrap();
        assert_eq!(end(caller), expected);
    }
}

#[test]
fn input_that_cannot_be_read_is_an_error() {
    let (caller, mut desk) = acknowledging(File::open("/").unwrap());
    assert_eq!([read_frame(&mut desk).0, read_frame(&mut desk).0], *b"KB");
    desk.write_all(&[ack(0), frame(b'B', b"")].concat()).unwrap();
    let error = "talk: cannot read standard input: is a directory\n";
    assert_eq!(end(caller), (Some(1), error.into()));
}

#[test]
fn a_signal_in_the_middle_of_a_file_is_an_error() {
    let (mut caller, mut desk) = acknowledging(Stdio::piped());
    caller.stdin.as_mut().unwrap().write_all(b"one\n").unwrap();
    assert_eq!(read_frame(&mut desk).0, b'T');
    kill(caller.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(read_frame(&mut desk).0, b'K');
    assert_eq!(read_frame(&mut desk), (b'B', b"terminated".to_vec()));
    desk.write_all(&[ack(1), frame(b'B', b"")].concat()).unwrap();
    let error = "talk: said goodbye to desk before the end of input (confirmed up to line 1)\n";
    assert_eq!(end(caller), (Some(1), error.into()));
}

#[test]
fn a_file_that_may_not_grow_is_like_a_full_disk() {
    let listener = Listener::open();
    let file = tempfile::NamedTempFile::new().unwrap();
    let script = "ulimit -f 0; exec \"$0\" client --quiet 127.0.0.1 \"$1\"";
    let mut limited = command("sh", &["-c", script, TALK, &listener.port]);
    let caller =
        limited.stdin(Stdio::piped()).stdout(file.reopen().unwrap()).stderr(Stdio::piped());
    let caller = Started::new(caller);
    let mut desk = listener.accept();
    desk.write_all(&[hello("desk"), frame(b'T', b"hi")].concat()).unwrap();
    let error = "talk: cannot show what desk says: file too large; redirect stdout elsewhere\n";
    assert_eq!(end(caller), (Some(1), error.into()));
}

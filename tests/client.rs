//! The client, against a desk that is played by the test.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{DEADLINE, Program, failure, frame, hello, read_frame, talk};
use nix::sys::signal::Signal;

/// A client with these options that has called, and the desk's end of the call.
fn calling(options: &[&str]) -> (Program, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = ["client", "127.0.0.1", &port, "--name", "alice"];
    let caller = Program::start(&mut talk(&[&client, options].concat()));
    let (mut desk, _) = listener.accept().unwrap();
    desk.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(read_frame(&mut desk), (b'H', b"\x01\0alice".to_vec()));
    (caller, desk)
}

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
    // It is silent now, though its input is open: that counts as its end.
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    assert_eq!(caller.status(), 0);
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
    caller.notice_with("the desk hung up before anybody answered");

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
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
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
    caller.notice_with("talk: desk had not left after 1 s; 2 lines are unconfirmed");

    for wrong in ["0", "-1", "soon", "inf", ""] {
        let (status, error) = failure(&mut talk(&["client", "localhost", "--timeout", wrong]));
        assert_eq!(status, 2, "{wrong}: {error}");
    }
}

#[test]
fn a_quiet_client_has_no_notices_but_errors() {
    let (mut caller, mut desk) = calling(&["--quiet"]);
    desk.write_all(&[hello("desk"), frame(b'T', b"hi"), frame(b'B', b"busy")].concat()).unwrap();
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
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // As in: talk client … | head -1
    let mut caller = talk(&["client", "127.0.0.1", &port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut desk, _) = listener.accept().unwrap();
    read_frame(&mut desk);
    drop(caller.stdout.take());
    desk.write_all(&[hello("desk"), frame(b'T', b"one"), frame(b'T', b"two")].concat()).unwrap();
    let mut said = String::new();
    caller.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(caller.wait().unwrap().code(), Some(1));
    assert!(said.ends_with("talk: desk answered\n"), "{said}");
    let error = desk.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "nothing was confirmed");
}

#[test]
fn a_desk_that_stalls_bounds_what_is_read_from_a_file() {
    let (mut caller, mut desk) = answered();
    let said = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&said);
    let mut keyboard = caller.take_input();
    let feeder = std::thread::spawn(move || {
        let text = "x".repeat(999) + "\n";
        for _ in 0..50_000 {
            keyboard.write_all(text.as_bytes()).unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    // Reads nothing until the client takes no more: long before the 50 MB that it is offered.
    crate::support::wait_until_held_up(|| said.load(Ordering::Relaxed));
    assert!(said.load(Ordering::Relaxed) < 50_000);
    caller.notice_with("talk: desk is not reading; what you say waits");
    let mut lines = 0;
    loop {
        match read_frame(&mut desk) {
            (b'T', _) => lines += 1,
            (b'B', _) => break,
            _ => {}
        }
    }
    desk.write_all(&frame(b'B', b"")).unwrap();
    feeder.join().unwrap();
    assert_eq!(caller.status(), 0);
    assert_eq!(lines, 50_000);
    assert_eq!(caller.notices(), ["talk: desk is reading again"]);
}

#[test]
fn standard_input_that_is_closed_is_no_input() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let null = File::open("/dev/null").unwrap();
    let mut caller =
        Program::start_with_own_input(talk(&["client", "127.0.0.1", &port]).stdin(null));
    let (mut desk, _) = listener.accept().unwrap();
    read_frame(&mut desk);
    desk.write_all(&hello("desk")).unwrap();
    assert_eq!(read_frame(&mut desk), (b'B', Vec::new()));
    desk.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(caller.status(), 0);
}

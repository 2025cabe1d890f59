//! The handler, with pipes for keyboard and screen, against a caller that is played by the test.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::support::{
    Program, Started, ack, call, expect, frame, full, handler, hello, read_frame, say_until_it_ends,
};
use nix::sys::signal::Signal;

#[test]
fn a_handover_record_that_is_none_is_an_error_that_says_what_to_do() {
    let (_caller, socket) = UnixStream::pair().unwrap();
    for number in ["77", "1", "5", "x", ""] {
        let mut handler = handler(&socket);
        expect(
            handler.env("TALK_HANDOVER", number),
            1,
            "TALK_HANDOVER does not name a handover record; unset it",
        );
    }
}

#[test]
fn it_works_over_any_stream_socket() {
    let (mut caller, socket) = UnixStream::pair().unwrap();
    let mut desk = Program::start(&mut handler(&socket));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    assert_eq!(read_frame(&mut caller), (b'H', b"\x01\x08desk".to_vec()));
    caller.write_all(&frame(b'T', b"hi")).unwrap();
    assert_eq!(desk.line(), "hi");
    desk.say("yes?\n");
    assert_eq!(read_frame(&mut caller), (b'T', b"yes?".to_vec()));
    caller.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(desk.status(), 0);
}

#[test]
fn everything_is_written_before_a_goodbye_is_answered() {
    let (mut caller, socket) = call();
    let mut desk = Program::start(&mut handler(&socket));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    caller.write_all(&frame(b't', b"half ")).unwrap();
    caller.write_all(&frame(b'T', b"and half")).unwrap();
    caller.write_all(&frame(b't', b"no newline")).unwrap();
    caller.write_all(&frame(b'B', b"that is all")).unwrap();
    assert_eq!(read_frame(&mut caller), (b'B', Vec::new()));
    assert_eq!(caller.read(&mut [0]).unwrap(), 0);
    assert_eq!(desk.status(), 0);
    assert_eq!(desk.rest(), ["half and half", "no newline"]);
    assert_eq!(desk.notices(), ["talk: alice answered", "talk: alice left: that is all"]);
}

#[test]
fn each_signal_is_a_polite_goodbye() {
    for (signal, reason) in [
        (Signal::SIGINT, ""),
        (Signal::SIGTERM, "terminated"),
        (Signal::SIGHUP, "the window was closed"),
    ] {
        let (mut caller, socket) = call();
        let mut desk = Program::start(&mut handler(&socket));
        drop(socket);
        caller.write_all(&hello("alice")).unwrap();
        read_frame(&mut caller);
        desk.signal(signal);
        assert_eq!(read_frame(&mut caller), (b'B', reason.as_bytes().to_vec()));
        caller.write_all(&frame(b'T', b"one more thing")).unwrap();
        caller.write_all(&frame(b'B', b"")).unwrap();
        // Its input, which is a pipe, has not come to its end.
        assert_eq!(desk.status(), 1, "{signal}");
        assert_eq!(desk.rest(), ["one more thing"], "{signal}");
        let error = "talk: said goodbye to alice before the end of input";
        assert_eq!(desk.notices().last().unwrap(), error);
    }
}

#[test]
fn a_second_signal_leaves_at_once() {
    let (mut caller, socket) = call();
    let mut desk = Program::start(&mut handler(&socket));
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    desk.say("are you there?\n");
    read_frame(&mut caller);
    desk.signal(Signal::SIGINT);
    assert_eq!(read_frame(&mut caller).0, b'B');
    desk.signal(Signal::SIGINT);
    assert_eq!(desk.status(), 1);
    assert_eq!(
        desk.notices().last().unwrap(),
        "talk: alice did not confirm the goodbye; 1 line is unconfirmed"
    );
}

#[test]
fn a_caller_who_vanishes_is_reported_with_what_is_unconfirmed() {
    let (mut caller, socket) = call();
    let mut desk = Program::start(&mut handler(&socket));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    desk.say("one\ntwo\n");
    read_frame(&mut caller);
    read_frame(&mut caller);
    caller.write_all(&frame(b'T', b"gasp")).unwrap();
    drop(caller);
    assert_eq!(desk.status(), 1);
    assert_eq!(desk.rest(), ["gasp"]);
    let last = desk.notices().pop().unwrap();
    assert!(
        last.contains("the connection to alice was lost")
            && last.contains("2 lines are unconfirmed"),
        "{last}"
    );
}

#[test]
fn wrong_frames_are_answered_with_a_reason() {
    let too_long = [&hello("alice")[..], b"T\x40\x01"].concat();
    for (wrong, reason) in [
        (frame(b'T', b"x"), "text before HELLO"),
        ([hello("alice"), hello("alice")].concat(), "a second HELLO"),
        (frame(b'H', b"\x02\0alice"), "unsupported version 2 (expected 1)"),
        (too_long, "frame 'T' of 16385 bytes is too long"),
        ([frame(b'H', b"\x01\x08alice"), ack(1)].concat(), "ACK counts more than was sent"),
        (frame(b'K', b"\0"), "ACK of 1 bytes (expected 8)"),
    ] {
        let (mut caller, socket) = call();
        let mut desk = Program::start(&mut handler(&socket));
        drop(socket);
        caller.write_all(&wrong).unwrap();
        let mut last = read_frame(&mut caller);
        while last.0 != b'B' {
            last = read_frame(&mut caller);
        }
        assert_eq!(last, (b'B', format!("protocol error: {reason}").into_bytes()));
        drop(caller);
        assert_eq!(desk.status(), 1);
        assert!(desk.notices().pop().unwrap().contains(reason));
    }
}

#[test]
fn a_full_disk_confirms_nothing() {
    let (mut caller, socket) = call();
    let mut desk =
        Started::new(handler(&socket).stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped()));
    drop(socket);
    caller.write_all(&[hello("alice"), frame(b'T', b"x"), frame(b'B', b"")].concat()).unwrap();
    read_frame(&mut caller);
    let error = caller.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut said = String::new();
    desk.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(desk.status(), 1);
    assert!(said.contains("cannot show what alice says: no space left on device"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let (mut caller, socket) = call();
    let mut desk = Started::new(
        handler(&socket).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()),
    );
    drop(socket);
    drop(desk.stdout.take());
    caller.write_all(&hello("alice")).unwrap();
    say_until_it_ends(&mut caller, &mut desk);
    let mut said = String::new();
    desk.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(desk.status(), 1);
    assert_eq!(said, "talk: alice answered\n");
}

#[test]
fn a_reader_that_stalls_bounds_what_is_taken_from_the_caller_and_loses_nothing() {
    let (mut caller, socket) = call();
    let mut desk = Started::new(handler(&socket).stdin(Stdio::piped()).stdout(Stdio::piped()));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    let line = [b'x'; 1000];
    let mut pushed = 0;
    caller.set_write_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    // Until neither the handler nor the kernel between takes any more.
    let rest = loop {
        let whole = frame(b'T', &line);
        match push(&mut caller, &whole) {
            0 => pushed += 1,
            rest => break whole[whole.len() - rest..].to_vec(),
        }
        assert!(pushed < 100_000, "100 MB taken and nothing read");
    };
    // It still listens to its keyboard.
    desk.stdin.as_mut().unwrap().write_all(b"slow down\n").unwrap();
    assert_eq!(read_frame(&mut caller), (b'T', b"slow down".to_vec()));

    let mut out = desk.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut shown = Vec::new();
        out.read_to_end(&mut shown).unwrap();
        shown.len()
    });
    caller.set_write_timeout(None).unwrap();
    caller.write_all(&rest).unwrap();
    caller.write_all(&frame(b'B', b"")).unwrap();
    assert_eq!(read_frame(&mut caller).0, b'B');
    assert_eq!(desk.status(), 0);
    assert_eq!(reader.join().unwrap(), (pushed + 1) * 1001);
}

/// Writes as much as is taken within the timeout, and returns how many bytes are left.
fn push(stream: &mut impl Write, bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return rest.len(),
            Err(error) => panic!("{error}"),
        }
    }
    0
}

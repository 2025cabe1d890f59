//! The link's messages there and back, cut anywhere, and what is not a message.
//!
//! The invariant under test: no bytes from a process of a call block or stop the server.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use proptest::prelude::*;

use crate::protocol::events::{End, Role};
use crate::session::outcome::How;

use super::*;

fn ended() -> Ended {
    Ended {
        how: How::Over(End::Lost("späti".into())),
        role: Role::Handler,
        peer: Name::from_wire(b"\xffzo\xc3\xab"),
        peer_left: None,
        asked: true,
        hurried: false,
        unfinished: true,
        confirmed: 5,
        unconfirmed: 7,
    }
}

fn reports() -> Vec<Report> {
    vec![
        Report::Hello(Name::from_wire(b"\xffzo\xc3\xab").unwrap()),
        Report::Dropped("no HELLO within 5 s".into()),
        Report::NoWindow("xterm is not on PATH".into()),
        Report::Open,
        Report::Ended(ended()),
    ]
}

/// What `bytes` say to the server, cut after every `step` bytes.
fn upward(bytes: &[u8], step: usize) -> Vec<String> {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(step) {
        let take = |tag, payload: &[u8]| {
            messages.push(format!("{:?}", Upward::decode(tag, payload)));
        };
        frames.feed(piece, take).unwrap();
    }
    messages
}

#[test]
fn reports_and_events_travel_whole_wherever_they_are_cut() {
    let mut out = Buffer::default();
    reports().iter().for_each(|report| report.put(&mut out));
    let events = [
        Event::Text { text: b"\xff line", complete: true },
        Event::Text { text: b"", complete: false },
        Event::Left { reason: b"back at two" },
        Event::Reading(true),
        Event::Reading(false),
        Event::Notice("späti"),
    ];
    events.iter().for_each(|&event| put_event(&mut out, event));
    let expected: Vec<_> = reports()
        .into_iter()
        .map(Upward::Report)
        .chain(events.map(Upward::Event))
        .map(|message| format!("{:?}", Some(message)))
        .collect();
    for step in [1, 2, 3, 7, 4096] {
        assert_eq!(upward(out.bytes(), step), expected, "cut after every {step} bytes");
    }
}

#[test]
fn texts_in_reports_are_bounded_at_a_character() {
    let mut out = Buffer::default();
    Report::Dropped("ü".repeat(40_000)).put(&mut out);
    let expected = Some(Upward::Report(Report::Dropped("ü".repeat(MAX_TEXT / 2))));
    assert_eq!(upward(out.bytes(), 4096), [format!("{expected:?}")]);
    let long = [b'x'; MAX_PAYLOAD];
    let Some(Upward::Report(Report::NoWindow(text))) = Upward::decode(NO_WINDOW, &long) else {
        panic!("not a report");
    };
    assert_eq!(text.len(), MAX_TEXT);
}

#[test]
fn what_is_no_report_is_none() {
    for (tag, payload) in [
        (HELLO, &b""[..]),
        (HELLO, &[b'x'; 65]),
        (ENDED, b""),
        (ENDED, b"alice left"),
        (NOTICE, b"\xff"),
        (b'?', b""),
        (HANG_UP, b""),
    ] {
        assert!(Upward::decode(tag, payload).is_none(), "{tag} {payload:?}");
    }
}

#[test]
fn a_frame_that_is_too_long_ends_the_link_with_bounded_memory() {
    let mut frames = Frames::default();
    let mut fed = Ok(());
    for count in 0.. {
        fed = frames.feed(if count == 0 { b"T\xff\xff" } else { &[b'x'; 1000] }, |_, _| {});
        assert!(count < 20, "20,000 bytes are kept");
        if fed.is_err() {
            break;
        }
    }
    assert_eq!(fed, Err(TooLong));
}

#[test]
fn a_server_that_is_stopped_or_gone_blocks_no_process() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut reporter = Reporter::new(Some(theirs.try_clone().unwrap().into()));
    // All that one call reports fits, though nobody reads.
    reports().iter().for_each(|report| reporter.send(report));
    assert!(reporter.link.is_some());
    // Nor does a process wait that says much more than it should. It stops with a whole frame.
    for _ in 0..10_000 {
        reporter.send(&Report::Dropped("x".repeat(MAX_TEXT)));
    }
    assert!(reporter.link.is_none());
    drop((reporter, theirs));
    let mut bytes = Vec::new();
    (&ours).read_to_end(&mut bytes).unwrap();
    let whole = reports().into_iter().map(|report| format!("{:?}", Some(Upward::Report(report))));
    assert_eq!(upward(&bytes, 4096)[..5], whole.collect::<Vec<_>>());

    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let mut reporter = Reporter::new(Some(theirs.into()));
    reporter.send(&Report::Open);
    reporter.on_ended(&ended());
}

#[test]
fn a_window_hears_decisions_and_the_end_of_its_server() {
    let (mut server, ours) = UnixStream::pair().unwrap();
    let mut downlink = Downlink::new(ours.into());
    assert_eq!(downlink.poll_decision().unwrap(), None);
    let mut out = Buffer::default();
    frame::put(&mut out, b'?', &[b'x'; 300]);
    frame::put_text(&mut out, b"for the console", true);
    put_decision(&mut out, Decision::HangUp);
    put_decision(&mut out, Decision::HangUp);
    let (first, second) = out.bytes().split_at(out.len() - 1);
    server.write_all(first).unwrap();
    assert_eq!(downlink.poll_decision().unwrap(), Some(Decision::HangUp));
    assert_eq!(downlink.poll_decision().unwrap(), None);
    server.write_all(second).unwrap();
    drop(server);
    assert_eq!(downlink.poll_decision().unwrap(), Some(Decision::HangUp));
    assert!(downlink.poll_decision().is_err());

    let (mut server, ours) = UnixStream::pair().unwrap();
    server.write_all(b"T\xff\xff").unwrap();
    server.write_all(&[b'x'; 40_000]).unwrap();
    assert!(Downlink::new(ours.into()).poll_decision().is_err());
}

#[test]
fn in_the_console_lines_and_decisions_are_what_was_typed() {
    let mut terminal = LinkTerminal::open().unwrap();
    let mut out = Buffer::default();
    frame::put_text(&mut out, b"one", true);
    frame::put_text(&mut out, b"", true);
    frame::put_text(&mut out, b"\xff", true);
    put_decision(&mut out, Decision::HangUp);
    let mut typed = Vec::new();
    for byte in out.bytes().chunks(1) {
        terminal.typed(byte, true, &mut |event| match event {
            Typed::Line(line) => typed.push(format!("line {line}")),
            Typed::Text(text) => typed.push(String::from_utf8_lossy(text).into_owned()),
            Typed::Leave => typed.push("leave".into()),
        });
    }
    assert_eq!(typed, ["line one", "line ", "\u{fffd}\n", "leave"]);
}

proptest! {
    /// Whatever a process of a call writes, it is messages or nothing, and the rest that is kept is
    /// bounded.
    #[test]
    fn junk_is_survived(pieces in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..2000), 0..40,
    )) {
        let mut frames = Frames::default();
        for piece in pieces {
            let fed = frames.feed(&piece, |tag, payload| {
                let _ = Upward::decode(tag, payload);
                let _ = Downward::decode(tag, payload);
            });
            prop_assert!(frames.rest.len() <= HEADER + MAX_PAYLOAD);
            if fed.is_err() {
                break;
            }
        }
    }
}

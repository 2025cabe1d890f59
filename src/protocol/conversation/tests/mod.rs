//! Two sides joined by a fake link, and one side against a peer that breaks the rules.

mod acks;
mod goodbyes;
mod honesty;
mod properties;
mod side;

use std::time::Duration;

use super::super::events::{CLOSED, Goodbye};
use super::super::frame::{self, FrameError};
use super::super::limits::{
    GOODBYE_LIMIT, HELLO_LIMIT, LINGER_LIMIT, OUTGOING_LIMIT, RING_LIMIT, TRAILING_LIMIT,
};
use super::*;
use crate::buffer::ReadSize;
use side::Side;

const TICK: Duration = Duration::from_millis(1);

impl Side {
    /// Carries at most `step` bytes and, after the last, the end of the stream. Returns whether
    /// bytes moved.
    fn send_to(&mut self, other: &mut Side, step: usize, now: Instant) -> bool {
        let was_shut = self.shut;
        let bytes = self.send(step.min(ReadSize::MOST), now);
        if !bytes.is_empty() {
            other.receive(&bytes, now);
        }
        if self.shut && !was_shut {
            other.conversation.on_closed();
            other.act(now);
        }
        !bytes.is_empty()
    }
}

/// Both sides and the time.
struct Link {
    caller: Side,
    handler: Side,
    now: Instant,
}

impl Link {
    fn new(input: Input) -> Self {
        let now = Instant::now();
        let caller = Side::new(Role::Caller, "alice", input, now);
        Self { caller, handler: Side::new(Role::Handler, "desk", input, now), now }
    }

    /// Both sides have answered, and take each other for a peer without acknowledgements.
    fn without_acks(input: Input) -> Self {
        let mut link = Self::new(input);
        (link.caller.masked, link.handler.masked) = (true, true);
        link.carry(usize::MAX);
        link
    }

    fn answered(input: Input) -> Self {
        let mut link = Self::new(input);
        link.carry(usize::MAX);
        link
    }

    /// Carries everything across, `step` bytes at a time, until nothing moves.
    fn carry(&mut self, step: usize) {
        loop {
            self.now += TICK;
            let (caller, handler) = (&mut self.caller, &mut self.handler);
            let there = caller.send_to(handler, step, self.now);
            let back = handler.send_to(caller, step, self.now);
            if !there && !back {
                return;
            }
        }
    }

    fn later(&mut self, duration: Duration) {
        self.now += duration;
        self.caller.act(self.now);
        self.handler.act(self.now);
    }

    fn ends(&self) -> [Option<&End>; 2] {
        [self.caller.end.as_ref(), self.handler.end.as_ref()]
    }
}

fn ack(count: u64) -> Vec<u8> {
    [b"K\0\x08", &count.to_be_bytes()[..]].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

const HELLO_BOB: &str = "48 00 05 01 00 62 6f 62";
/// The same from a caller that acknowledges.
const NEW_HELLO_BOB: &str = "48 00 05 01 08 62 6f 62";

#[test]
fn both_sides_say_several_lines_in_a_row_without_taking_turns() {
    let mut link = Link::answered(Input::Person);
    assert_eq!(link.caller.heard, ["answered Name(desk)"]);
    assert_eq!(link.handler.heard, ["answered Name(alice)"]);
    link.caller.say(b"one\ntwo\n", link.now);
    link.handler.say(b"eins\n", link.now);
    link.handler.say(b"zwei\n\ndrei\n", link.now);
    link.carry(usize::MAX);
    link.caller.say(b"three\n", link.now);
    link.carry(usize::MAX);
    assert_eq!(link.handler.shown, b"one\ntwo\nthree\n");
    assert_eq!(link.caller.shown, b"eins\nzwei\n\ndrei\n");
    assert_eq!(link.ends(), [None, None]);
}

#[test]
fn a_conversation_that_takes_too_long_ends_with_a_reason() {
    let limit = Duration::from_secs(5);
    let mut link = Link::answered(Input::WaitForPeer);
    link.caller.conversation.expire(limit, link.now);
    link.carry(usize::MAX);
    link.later(LINGER_LIMIT);
    assert_eq!(link.caller.end, Some(End::OutOfTime(limit)));
    assert_eq!(link.handler.heard.last().unwrap(), "left out of time");
    let mut ringing = Side::new(Role::Caller, "alice", Input::Stream, link.now);
    ringing.conversation.expire(limit, link.now);
    ringing.send(usize::MAX, link.now);
    ringing.conversation.on_closed();
    ringing.act(link.now);
    assert_eq!(ringing.end, Some(End::NoHello(limit)));
    // The first end stands.
    ringing.conversation.expire(Duration::ZERO, link.now);
    ringing.act(link.now);
    assert_eq!(ringing.end, Some(End::NoHello(limit)));
}

#[test]
fn nothing_is_said_before_somebody_answers_or_after_goodbye() {
    let mut link = Link::new(Input::Person);
    assert!(!link.caller.conversation.wants_input());
    link.caller.say(b"too early\n", link.now);
    link.carry(usize::MAX);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    assert!(!link.caller.conversation.wants_input());
    link.caller.say(b"too late\n", link.now);
    link.carry(usize::MAX);
    assert_eq!(link.handler.shown, b"");
    assert_eq!(link.caller.conversation.lines(), 0);
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_is_gone_at_once() {
    let now = Instant::now();
    let mut caller = Side::new(Role::Caller, "alice", Input::Person, now);
    caller.send(usize::MAX, now);
    caller.conversation.leave(Goodbye::Leaving(""), now);
    assert_eq!(caller.send(usize::MAX, now), bytes("42 00 00"));
    assert_eq!(caller.end, Some(End::GaveUp));
}

#[test]
fn a_desk_that_says_bye_instead_of_hello_refuses() {
    let now = Instant::now();
    let mut caller = Side::new(Role::Caller, "alice", Input::Person, now);
    caller.receive(&bytes("42 00 04 62 75 73 79"), now);
    assert_eq!(caller.end, Some(End::Refused((*b"busy").into())));
}

#[test]
fn silence_in_place_of_hello_ends_the_call() {
    for (role, limit) in [(Role::Caller, RING_LIMIT), (Role::Handler, HELLO_LIMIT)] {
        let now = Instant::now();
        let mut side = Side::new(role, "x", Input::Person, now);
        side.send(usize::MAX, now);
        side.act(now + limit - TICK);
        assert_eq!(side.end, None);
        side.act(now + limit);
        assert!(side.send(usize::MAX, now + limit).starts_with(b"B"));
        side.act(now + limit + LINGER_LIMIT);
        assert_eq!(side.end, Some(End::NoHello(limit)));
    }
}

#[test]
fn a_rule_that_is_broken_is_named_in_a_bye_and_reported() {
    let hello = bytes(HELLO_BOB);
    let twice = [&hello[..], &hello].concat();
    let too_long = [&hello[..], &[b'T', 0x40, 1]].concat();
    for (wrong, fault) in [
        (bytes("54 00 01 78"), Fault::TextBeforeHello),
        (bytes("74 00 01 78"), Fault::TextBeforeHello),
        (twice, Fault::SecondHello),
        (too_long, Fault::Frame(FrameError::TooLong { tag: b'T', length: 16_385 })),
        (bytes("48 00 03 02 00 78"), Fault::Frame(FrameError::Version(2))),
        (bytes("48 00 02 01 00"), Fault::Frame(FrameError::BadHello)),
        ([bytes(NEW_HELLO_BOB), ack(1)].concat(), Fault::AckOfTooMany),
        ([&hello[..], b"K\0\x07"].concat(), Fault::Frame(FrameError::BadAck(7))),
    ] {
        let now = Instant::now();
        let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
        desk.receive(&wrong, now);
        let sent = desk.send(usize::MAX, now);
        let reason = format!("protocol error: {fault}");
        assert!(sent.ends_with(reason.as_bytes()), "{}", sent.escape_ascii());
        assert!(desk.shut);
        // What the peer says after that is ignored; its end is waited for.
        desk.receive(&bytes("54 00 01 78"), now);
        assert_eq!((&desk.shown[..], desk.end.as_ref()), (&b""[..], None));
        desk.conversation.on_closed();
        desk.act(now);
        assert_eq!(desk.end, Some(End::Broken(fault)));
    }
}

#[test]
fn the_end_of_the_stream_without_a_goodbye_is_a_lost_connection() {
    let now = Instant::now();
    let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
    desk.receive(&bytes(HELLO_BOB), now);
    desk.receive(&bytes("54 00 01 78 54 00"), now);
    desk.conversation.on_closed();
    desk.act(now);
    assert_eq!(desk.shown, b"x\n");
    assert!(matches!(desk.end, Some(End::Lost(_))));
}

#[test]
fn what_the_peer_said_last_is_heard_even_when_sending_has_failed() {
    let mut link = Link::answered(Input::Person);
    link.caller.say(b"hello?\n", link.now);
    link.caller.conversation.on_send_failed("broken pipe".into(), link.now);
    link.caller.receive(&bytes("54 00 03 62 79 65 42 00 00"), link.now);
    assert_eq!(link.caller.shown, b"bye\n");
    assert_eq!(link.caller.end, Some(End::Lost("broken pipe".into())));
    assert_eq!(link.caller.conversation.lines(), 1);
}

#[test]
fn a_silent_peer_that_nothing_can_be_sent_to_is_not_waited_for_without_a_limit() {
    let mut link = Link::answered(Input::WaitForPeer);
    link.caller.conversation.on_send_failed("no route to host".into(), link.now);
    link.later(GOODBYE_LIMIT - TICK);
    assert_eq!(link.caller.end, None);
    link.later(TICK);
    assert_eq!(link.caller.end, Some(End::Lost("no route to host".into())));
}

#[test]
fn why_sending_failed_is_why_the_connection_is_lost() {
    let mut link = Link::answered(Input::Person);
    link.caller.conversation.on_send_failed("connection reset by peer".into(), link.now);
    link.caller.conversation.on_closed();
    link.caller.act(link.now);
    assert_eq!(link.caller.end, Some(End::Lost("connection reset by peer".into())));
}

#[test]
fn frames_of_later_versions_are_skipped_anywhere() {
    let now = Instant::now();
    let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
    desk.receive(&bytes("57 00 01 03"), now);
    desk.receive(&bytes(HELLO_BOB), now);
    desk.receive(&bytes("44 00 03 64 72 61 54 00 01 78 4e 00 00 42 00 00 ff ff ff"), now);
    assert_eq!(desk.shown, b"x\n");
    desk.send(usize::MAX, now);
    desk.send(usize::MAX, now);
    assert_eq!(desk.end, Some(End::Done));
}

#[test]
fn a_long_line_travels_in_pieces_that_cut_no_character() {
    let mut link = Link::answered(Input::Stream);
    let line = "ä".repeat(40_000) + "\n";
    link.caller.say(line.as_bytes(), link.now);
    let mut rest = link.caller.conversation.outgoing().to_vec();
    while let Some((frame, used)) = frame::decode(&rest).unwrap() {
        if let Frame::Text(text) | Frame::Part(text) = frame {
            assert!(std::str::from_utf8(text).is_ok());
        }
        rest.drain(..used);
    }
    assert_eq!(rest, b"");
    link.carry(usize::MAX);
    assert_eq!(link.handler.shown, line.as_bytes());
}

#[test]
fn input_waits_while_too_much_waits_to_be_sent() {
    let mut link = Link::answered(Input::Stream);
    let mut said = 0;
    while link.caller.conversation.wants_input() {
        link.caller.say(&[b'x'; ReadSize::MOST], link.now);
        said += ReadSize::MOST;
    }
    assert!(link.caller.conversation.outgoing().len() < 2 * OUTGOING_LIMIT);
    link.carry(usize::MAX);
    assert!(link.caller.conversation.wants_input());
    assert_eq!(link.handler.shown.len(), said);
}

/// The example in docs/PROTOCOL.md, replayed.
#[test]
fn the_published_conversation_is_the_one_that_is_spoken() {
    let document = include_str!("../../../../docs/PROTOCOL.md");
    let example = document.split("```conversation\n").nth(1).unwrap().split("```").next().unwrap();
    let direction = |mark: char| -> Vec<u8> {
        let lines = example.lines().filter_map(|line| line.strip_prefix(mark));
        lines.flat_map(|line| bytes(line.trim().split("  ").next().unwrap())).collect()
    };
    let mut link = Link::answered(Input::Person);
    let (mut sent, mut answered) =
        (bytes("48 00 07 01 08 61 6c 69 63 65"), bytes("48 00 06 01 08 64 65 73 6b"));
    link.caller.say(b"hello\nare you in?\n", link.now);
    link.handler.say(b"yes\n", link.now);
    answered.extend(link.handler.send(usize::MAX, link.now));
    link.caller.receive(&answered[9..], link.now);
    link.caller.say(b"fine", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    sent.extend(link.caller.send(usize::MAX, link.now));
    link.handler.receive(&sent[10..], link.now);
    answered.extend(link.handler.send(usize::MAX, link.now));
    assert_eq!((sent, answered), (direction('>'), direction('<')));
}

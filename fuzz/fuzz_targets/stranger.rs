//! One side of a conversation against a peer that sends anything, at any pace.
//!
//! The invariant: it never panics, never holds more than its limits, always ends, and whatever the
//! peer does, what it sends keeps the rules.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use talk_fuzz::protocol::events::{End, Goodbye, Input, Role};
use talk_fuzz::protocol::frame::{self, Frame};
use talk_fuzz::side::Side;
use talk_fuzz::{INBOX_LIMIT, Moves, OUTBOX_LIMIT};

/// The unit of the time that passes.
const STEP: Duration = Duration::from_millis(100);

/// The side under test, with all that went in and out of it.
struct Victim {
    side: Side,
    said: Vec<u8>,
    sent: Vec<u8>,
    now: Instant,
}

impl Victim {
    fn new(kind: u8) -> Self {
        let role = if kind & 1 == 0 { Role::Caller } else { Role::Handler };
        let inputs = [Input::Person, Input::Stream, Input::WaitForPeer];
        let input = inputs[usize::from(kind / 2) % inputs.len()];
        let now = Instant::now();
        let side = Side::new(role, "victim", input, now);
        Self { side, said: Vec::new(), sent: Vec::new(), now }
    }

    fn say(&mut self, bytes: &[u8]) {
        if self.side.conversation.wants_input() {
            self.said.extend_from_slice(bytes);
            self.side.say(bytes, self.now);
        }
    }

    fn send(&mut self, limit: usize) {
        self.sent.extend(self.side.send(limit, self.now));
    }

    /// Makes the next move of the stranger, or of the person here. Returns whether there was one.
    fn go_on(&mut self, moves: &mut Moves<'_>) -> bool {
        let Some(what) = moves.take() else { return false };
        match what % 16 {
            0..5 => self.side.receive(moves.bytes(), self.now),
            5 => self.side.conversation.expire(STEP, self.now),
            6 => self.side.receive(&vec![b'x'; moves.amount()], self.now),
            7 | 8 => self.say(moves.bytes()),
            9 => self.say(&vec![b'\n'; moves.amount()]),
            10 => self.send(moves.amount()),
            11 => self.now += STEP * u32::from(moves.take().unwrap_or(0)),
            12 => self.side.stalled = !self.side.stalled,
            13 => self.side.conversation.leave(Goodbye::InputEnded, self.now),
            14 => self.side.conversation.leave(Goodbye::Leaving("gone"), self.now),
            _ => self.side.conversation.on_closed(),
        }
        self.side.act(self.now);
        assert!(self.side.conversation.outgoing().len() <= OUTBOX_LIMIT);
        assert!(self.side.conversation.room().is_none_or(|room| room.len() <= INBOX_LIMIT));
        self.side.end.is_none()
    }

    /// The stranger falls silent, the person here wants to go, and time does the rest.
    fn wait_for_the_end(&mut self) {
        self.side.stalled = false;
        self.side.conversation.leave(Goodbye::Leaving(""), self.now);
        self.side.act(self.now);
        for _ in 0..10 {
            self.send(usize::MAX);
            if self.side.end.is_some() {
                return;
            }
            self.now = self.side.conversation.deadline().expect("nothing is waited for");
            self.side.act(self.now);
        }
        panic!("it never ends");
    }

    /// HELLO, then what was said, then BYE, and nothing after it. All of it, unless the
    /// conversation was broken off.
    fn check_sent(&self) {
        let (mut rest, mut text) = (&self.sent[..], Vec::new());
        let (mut open, mut left) = (false, false);
        while let Some((frame, length)) = frame::decode(rest).unwrap() {
            assert!(!left, "something after BYE");
            rest = &rest[length..];
            match frame {
                Frame::Hello(..) => assert!(!std::mem::replace(&mut open, true), "a second HELLO"),
                Frame::Text(line) => text.extend([line, b"\n"].concat()),
                Frame::Part(piece) => text.extend_from_slice(piece),
                Frame::Bye(_) => left = true,
                Frame::Ack(_) => assert!(open, "an ACK before HELLO"),
                Frame::Unknown(tag) => panic!("a frame {tag}"),
            }
            assert!(open || text.is_empty(), "text before HELLO");
        }
        assert!(self.said.starts_with(&text), "what is sent was not said");
        let done = self.side.end == Some(End::Done);
        assert!(!done || left && rest.is_empty() && text == self.said, "done with words unsent");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut moves = Moves(bytes);
    let mut victim = Victim::new(moves.take().unwrap_or(0));
    while victim.go_on(&mut moves) {}
    if victim.side.end.is_none() {
        victim.wait_for_the_end();
    }
    victim.check_sent();
});

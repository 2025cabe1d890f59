//! One side of a conversation with what it has shown: the engine's part, done step by step.
//!
//! The tests next door and the targets in `fuzz/` share it. The invariant: `shown` is what the
//! conversation returned, in that order, with a newline where a line was complete.

use std::time::Instant;

use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Action, End, Input, Role};
use crate::protocol::frame::pieces;
use crate::protocol::limits::Limits;

pub struct Side {
    pub conversation: Conversation,
    pub shown: Vec<u8>,
    pub heard: Vec<String>,
    pub end: Option<End>,
    pub shut: bool,
    /// Its screen takes nothing, so what was returned is not shown.
    pub stalled: bool,
    /// Where in `shown` each frame of text ends.
    pub frames: Vec<usize>,
    /// What it sends has the flags of a peer that knows none.
    pub masked: bool,
    /// Bytes that it has sent.
    pub sent: usize,
}

impl Side {
    pub fn new(role: Role, name: &str, input: Input, now: Instant) -> Self {
        Self {
            conversation: Conversation::new(
                role,
                name.parse().unwrap(),
                input,
                Limits::default(),
                now,
            ),
            shown: Vec::new(),
            heard: Vec::new(),
            end: None,
            shut: false,
            stalled: false,
            frames: Vec::new(),
            masked: false,
            sent: 0,
        }
    }

    /// Does the next thing that there is to do. Returns whether there was one.
    pub fn step(&mut self, now: Instant) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.conversation.poll(now) {
            Some(Action::Answered(name)) => self.heard.push(format!("answered {name:?}")),
            Some(Action::Show { text, complete }) => {
                self.shown.extend_from_slice(text);
                self.shown.extend_from_slice(if complete { b"\n" } else { b"" });
                self.frames.push(self.shown.len());
            }
            Some(Action::Left(reason)) => {
                self.heard.push(format!("left {}", reason.escape_ascii()));
            }
            Some(Action::Shutdown) => self.shut = true,
            Some(Action::End(end)) => self.end = Some(end),
            None => return false,
        }
        true
    }

    /// Does everything that there is to do.
    pub fn act(&mut self, now: Instant) {
        self.conversation.on_tick(now);
        loop {
            while self.step(now) {}
            let heard = self.conversation.heard();
            if self.end.is_some() || self.stalled || !self.conversation.on_shown(heard, now) {
                return;
            }
        }
    }

    /// Says input as it is typed or read from a file.
    pub fn say(&mut self, input: &[u8], now: Instant) {
        for (text, complete) in pieces(input) {
            self.conversation.say(text, complete, now);
        }
    }

    pub fn receive(&mut self, mut bytes: &[u8], now: Instant) {
        while let Some(room) = self.conversation.room().filter(|_| !bytes.is_empty()) {
            let (piece, rest) = bytes.split_at(bytes.len().min(room.len()));
            room[..piece.len()].copy_from_slice(piece);
            self.conversation.on_received(piece.len(), now);
            self.act(now);
            bytes = rest;
        }
        self.act(now);
    }

    /// Takes the flags out of HELLO, which is the first frame of a direction.
    pub fn mask(&mut self, bytes: &mut [u8]) {
        let flags = 4usize.checked_sub(self.sent).and_then(|at| bytes.get_mut(at));
        if let Some(flags) = flags.filter(|_| self.masked) {
            *flags = 0;
        }
        self.sent += bytes.len();
    }

    /// Whether it ends with exit status 0.
    pub fn is_content(&self) -> bool {
        let conversation = &self.conversation;
        let confirmed = conversation.confirmed() == conversation.lines();
        self.end == Some(End::Done) && confirmed && !conversation.has_input_left()
    }

    /// What it sends, at most `limit` bytes.
    pub fn send(&mut self, limit: usize, now: Instant) -> Vec<u8> {
        let bytes = self.conversation.outgoing();
        let mut bytes = bytes[..bytes.len().min(limit)].to_vec();
        self.mask(&mut bytes);
        self.conversation.on_sent(bytes.len(), now);
        self.act(now);
        bytes
    }
}

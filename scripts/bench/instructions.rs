//! What the pure modules of talk do for every line, to be counted in instructions: a count is the
//! same on a machine that is busy with other things, so a slow-down cannot hide in noise.
//!
//! `instructions <what> <times>` does one thing so many times. figures/instructions.py runs it
//! under callgrind with two different numbers: the difference is the work without the start of the
//! program.
#![allow(
    dead_code,
    unused_imports,
    reason = "the modules are used in part; their tests run elsewhere"
)]

#[path = "../../src/buffer.rs"]
mod buffer;
#[path = "../../src/protocol/mod.rs"]
mod protocol;
#[path = "../../src/terminal/sanitize.rs"]
mod sanitize;

use std::env;
use std::hint::black_box;
use std::time::Instant;

use buffer::Buffer;
use protocol::conversation::Conversation;
use protocol::events::{Action, Input, Role};
use protocol::frame;
use protocol::limits::Limits;

const LINE: &[u8] = b"is the printer on the second floor down, or is it me?";
const FOREIGN: &str =
    "die Straße ist naß, \u{1F469}\u{200D}\u{1F680} 漢字 \x1B[31mred\x1B[0m \u{202E}txt";

/// Puts a frame of text in front of bytes that wait.
fn encode(times: usize) {
    let mut out = Buffer::default();
    for _ in 0..times {
        frame::put_text(&mut out, black_box(LINE), true);
        out.take(out.len());
    }
}

/// Finds the frame at the start of bytes.
fn decode(times: usize) {
    let mut bytes = Buffer::default();
    frame::put_text(&mut bytes, LINE, true);
    for _ in 0..times {
        let _ = black_box(frame::decode(black_box(bytes.bytes())));
    }
}

/// Two sides that have said HELLO.
fn talking(now: Instant) -> [Conversation; 2] {
    let name = || "bob".parse().expect("a name");
    let mut ends = [Role::Caller, Role::Handler]
        .map(|role| Conversation::new(role, name(), Input::Person, Limits::default(), now));
    let [caller, handler] = &mut ends;
    carry(caller, handler, now);
    carry(handler, caller, now);
    ends
}

/// Carries everything that waits to the other side and shows it; returns how many bytes of text
/// that is.
fn carry(from: &mut Conversation, to: &mut Conversation, now: Instant) -> usize {
    while !from.outgoing().is_empty() {
        let room = to.room().expect("the conversation is open");
        let count = room.len().min(from.outgoing().len());
        room[..count].copy_from_slice(&from.outgoing()[..count]);
        to.on_received(count, now);
        from.on_sent(count, now);
    }
    let mut shown = 0;
    while let Some(action) = to.poll(now) {
        if let Action::Show { text, .. } = action {
            shown += black_box(text).len();
        }
    }
    to.on_shown(to.heard(), now);
    shown
}

/// Says input at one side and shows it at the other.
fn converse(input: &[u8], times: usize) {
    let now = Instant::now();
    let [mut caller, mut handler] = talking(now);
    for _ in 0..times {
        for (text, complete) in frame::pieces(black_box(input)) {
            caller.say(text, complete, now);
        }
        assert!(carry(&mut caller, &mut handler, now) > 0);
    }
}

fn main() {
    let words: Vec<String> = env::args().collect();
    let times = words[2].parse().expect("a number");
    let line = [LINE, b"\n"].concat();
    match words[1].as_str() {
        "encode" => encode(times),
        "decode" => decode(times),
        "converse" => converse(&line, times),
        "converse-bulk" => converse(&line.repeat(1000), times),
        "printable" => (0..times).for_each(|_| drop(black_box(sanitize::line(black_box(LINE))))),
        "printable-foreign" => {
            (0..times).for_each(|_| drop(black_box(sanitize::line(black_box(FOREIGN.as_bytes())))))
        }
        what => panic!("nothing is called {what}"),
    }
}

//! Two sides of a conversation joined by a fake link. The input decides which side does what, when,
//! and in which pieces.
//!
//! The invariant: what one side shows is at every moment a prefix of what the other said, and all
//! of it once the conversation is done. A side that ends with exit status 0 knows that every line
//! was shown, if its peer acknowledges; a peer of before ACK must have answered for that. Memory
//! stays bounded, and every conversation ends.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use talk_fuzz::protocol::conversation::Conversation;
use talk_fuzz::protocol::events::{End, Goodbye, Input, Role};
use talk_fuzz::protocol::limits::HELLO_LIMIT;
use talk_fuzz::side::Side;
use talk_fuzz::{INBOX_LIMIT, Moves, OUTBOX_LIMIT};

/// The unit of the time that passes.
const STEP: Duration = Duration::from_millis(50);
/// What the network holds in one direction.
const LINK_ROOM: usize = 128 * 1024;
/// What one side says at most, so that a run stays short.
const SAID_LIMIT: usize = 1024 * 1024;

/// One side, with what it said and the link that leads away from it.
struct Place {
    side: Side,
    said: Vec<u8>,
    /// How much of `side.shown` has been compared with what the other side said.
    compared: usize,
    /// How many frames of it are on the screen.
    seen: u64,
    /// Nothing is left in the inbox but an incomplete frame, so that more can be read.
    drained: bool,
    link: Vec<u8>,
    /// The link takes nothing any more, and what was on it is gone.
    cut: bool,
}

impl Place {
    fn new(role: Role, input: Input, stalled: bool, masked: bool, now: Instant) -> Self {
        Self {
            side: Side { stalled, masked, ..Side::new(role, "somebody", input, now) },
            said: Vec::new(),
            compared: 0,
            seen: 0,
            drained: true,
            link: Vec::new(),
            cut: false,
        }
    }

    fn is_open(&self) -> bool {
        self.side.end.is_none()
    }

    fn say(&mut self, bytes: &[u8], now: Instant) {
        if self.side.conversation.wants_input() && self.said.len() < SAID_LIMIT {
            self.said.extend_from_slice(bytes);
            self.side.say(bytes, now);
        }
    }

    /// A piece of a long line in which no part looks like another one.
    fn say_long(&mut self, count: usize, now: Instant) {
        let from = self.said.len();
        let bytes: Vec<u8> = (from..from + count).map(|at| b' ' + (at % 211) as u8).collect();
        self.say(&bytes, now);
    }

    /// Puts at most `limit` bytes on the link. Returns whether something moved.
    fn send(&mut self, limit: usize, now: Instant) -> bool {
        let bytes = self.side.conversation.outgoing();
        let count = bytes.len().min(limit).min(LINK_ROOM - self.link.len());
        if count == 0 {
            return false;
        }
        if self.cut {
            self.side.conversation.on_send_failed("cut".into(), now);
        } else {
            let mut bytes = bytes[..count].to_vec();
            self.side.mask(&mut bytes);
            self.link.extend_from_slice(&bytes);
            self.side.conversation.on_sent(count, now);
        }
        true
    }

    /// Takes at most `limit` bytes from the link of the `other` side. Returns whether something
    /// moved.
    fn receive(&mut self, other: &mut Place, limit: usize, now: Instant) -> bool {
        if !self.drained {
            return false;
        }
        let Some(room) = self.side.conversation.room() else { return false };
        assert!(room.len() <= INBOX_LIMIT, "room for {}", room.len());
        let count = other.link.len().min(limit).min(room.len());
        if count > 0 {
            room[..count].copy_from_slice(&other.link[..count]);
            other.link.drain(..count);
            self.side.conversation.on_received(count, now);
        } else if other.cut {
            self.side.conversation.on_receive_failed("cut".into());
        } else if other.link.is_empty() && (other.side.shut || !other.is_open()) {
            self.side.conversation.on_closed();
        } else {
            return false;
        }
        self.drained = false;
        true
    }

    /// At most `limit` actions. Returns whether there was one.
    fn act(&mut self, limit: usize, now: Instant) -> bool {
        self.side.conversation.on_tick(now);
        let done = (0..limit).take_while(|_| self.side.step(now)).count();
        self.drained |= done < limit;
        done > 0
    }

    /// At most `limit` frames more are on the screen. Returns whether that leads to more.
    fn show(&mut self, limit: usize, now: Instant) -> bool {
        let heard = self.side.conversation.heard();
        self.seen = heard.min(self.seen.saturating_add(limit as u64));
        self.side.conversation.on_shown(self.seen, now)
    }

    /// How much of what the other side said is on the screen.
    fn screen(&self) -> usize {
        (self.seen as usize).checked_sub(1).map_or(0, |last| self.side.frames[last])
    }

    fn cut(&mut self) {
        self.cut = true;
        self.link.clear();
    }

    /// What the end of this one promises, and what it does to the links.
    fn check_end(&mut self, other: &mut Place) {
        let Some(end) = &self.side.end else { return };
        if *end == End::Done {
            assert_eq!(self.screen(), other.said.len(), "done without having seen everything");
            let answered = other.side.conversation.peer_left_first();
            let knows = !self.side.masked || answered;
            let content = self.side.is_content();
            let seen = other.screen() == self.said.len();
            assert!(!content || !knows || seen, "confirmed without being seen");
        }
        if *end == End::NotConfirmed {
            self.cut();
        }
        other.cut();
    }
}

/// Both sides and the time.
struct World {
    /// The one that moves stands first.
    places: [Place; 2],
    now: Instant,
    /// Time that passed by the input's moves.
    passed: Duration,
    /// Something was done that keeps a conversation from ending properly.
    disturbed: bool,
}

impl World {
    fn new(kind: u8) -> Self {
        let now = Instant::now();
        // One side or both are of the time before ACK: neither learns flags of the other.
        let masked = kind & 0x80 != 0;
        let place = |role, kind: u8| {
            let input = match kind & 0x11 {
                0 => Input::Stream,
                0x10 => Input::WaitForPeer,
                _ => Input::Person,
            };
            Place::new(role, input, kind & 2 != 0, masked, now)
        };
        let places = [place(Role::Caller, kind), place(Role::Handler, kind >> 2)];
        Self { places, now, passed: Duration::ZERO, disturbed: false }
    }

    /// Makes the next move of the input. Returns whether there was one.
    fn go_on(&mut self, moves: &mut Moves<'_>) -> bool {
        let Some(what) = moves.take() else { return false };
        if what >= 128 {
            self.places.swap(0, 1);
        }
        let ([place, other], now) = (&mut self.places, self.now);
        let conversation = &mut place.side.conversation;
        if place.side.end.is_some() {
            return true;
        }
        match what % 16 {
            0 | 1 => place.say(moves.bytes(), now),
            2 => place.say_long(moves.amount(), now),
            3 => place.say(&vec![b'\n'; moves.amount()], now),
            4 | 5 => _ = place.send(moves.amount(), now),
            6 | 7 => _ = place.receive(other, moves.amount(), now),
            8 | 9 => _ = place.act(moves.amount(), now),
            10 => _ = place.show(moves.amount(), now),
            11 => self.pass(moves),
            12 => self.disturbed |= leave(conversation, Goodbye::InputEnded, now),
            13 => self.disturbed |= leave(conversation, Goodbye::Leaving("ü"), now),
            14 => {
                conversation.give_up();
                self.disturbed = true;
            }
            _ => {
                place.cut();
                self.disturbed = true;
            }
        }
        self.check();
        true
    }

    fn pass(&mut self, moves: &mut Moves<'_>) {
        let time = STEP * u32::from(moves.take().unwrap_or(0));
        self.now += time;
        self.passed += time;
    }

    /// What holds after every move.
    fn check(&mut self) {
        for _ in 0..2 {
            self.places.swap(0, 1);
            let [place, other] = &mut self.places;
            let (shown, said) = (&place.side.shown, &other.said);
            let news = &shown[place.compared..];
            assert!(said[place.compared..].starts_with(news), "shown is not what was said");
            place.compared = shown.len();
            let waiting = place.side.conversation.outgoing().len();
            assert!(waiting <= OUTBOX_LIMIT, "{waiting} bytes wait");
            place.check_end(other);
        }
    }

    /// Both sides do what they can. Returns whether something moved.
    fn round(&mut self) -> bool {
        self.now += Duration::from_millis(1);
        let mut moved = false;
        for _ in 0..2 {
            self.places.swap(0, 1);
            let ([place, other], now) = (&mut self.places, self.now);
            if place.is_open() {
                moved |= place.act(usize::MAX, now);
                moved |= !place.side.stalled && place.show(usize::MAX, now);
                moved |= place.send(usize::MAX, now);
                moved |= place.receive(other, usize::MAX, now);
            }
            self.check();
        }
        moved
    }

    /// From whatever the moves have led to: everything moves that can, one side leaves, then the
    /// other, then a stalled screen continues, and time does the rest.
    fn wait_for_the_end(&mut self) {
        let mut quiet = 0;
        for _ in 0..1000 {
            if self.round() {
                continue;
            }
            let mut open = self.places.iter().filter(|place| place.is_open()).peekable();
            if open.peek().is_none() {
                return;
            }
            match quiet {
                leaver @ (0 | 1) => {
                    let conversation = &mut self.places[leaver].side.conversation;
                    leave(conversation, Goodbye::InputEnded, self.now);
                }
                2 => self.places.iter_mut().for_each(|place| place.side.stalled = false),
                _ => {
                    let deadline =
                        open.filter_map(|place| place.side.conversation.deadline()).min();
                    self.now = deadline.expect("nothing is waited for");
                }
            }
            quiet += 1;
        }
        panic!("it never ends");
    }
}

/// Says goodbye. Returns whether that was before anybody answered.
fn leave(conversation: &mut Conversation, goodbye: Goodbye<'_>, now: Instant) -> bool {
    conversation.leave(goodbye, now);
    conversation.peer().is_none()
}

fuzz_target!(|bytes: &[u8]| {
    let mut moves = Moves(bytes);
    let mut world = World::new(moves.take().unwrap_or(0));
    while world.go_on(&mut moves) {}
    world.wait_for_the_end();
    for Place { side, said, .. } in &world.places {
        let lines = said.split_inclusive(|&byte| byte == b'\n').count();
        assert_eq!(side.conversation.lines(), lines as u64);
        let undisturbed = !world.disturbed && world.passed < HELLO_LIMIT;
        assert!(!undisturbed || side.end == Some(End::Done), "ended {:?}", side.end);
    }
});

//! Random conversations over a link that is slow, stalls, is cut, and whose sides die.
//!
//! `fuzz/` does the same with other means. The invariant: exit status 0 means that every line was
//! shown at the peer, if the peer acknowledges; else, that the peer has promised it.

use proptest::prelude::*;

use super::*;

/// One side, and the link that leads away from it.
struct Place {
    side: Side,
    said: Vec<u8>,
    /// How many frames of the peer are on its screen.
    seen: u64,
    link: Vec<u8>,
    /// It was killed: nothing happens there any more.
    dead: bool,
}

/// What happens to a place.
#[derive(Debug, Clone)]
enum Move {
    Say(Vec<u8>),
    Carry(usize),
    /// The screen takes this many of 256 parts of what waits.
    Show(u8),
    Wait(u16),
    EndInput,
    Leave,
    GiveUp,
    Die,
    /// The connection breaks; what is on its way is gone.
    Cut,
}

fn moves() -> impl Strategy<Value = Vec<(bool, Move)>> {
    let said = prop_oneof!["[a-z\n]{0,9}".prop_map(String::into_bytes), Just(vec![b'x'; 40_000])];
    let one = prop_oneof![
        6 => said.prop_map(Move::Say),
        9 => (0usize..60_000).prop_map(Move::Carry),
        4 => (0usize..40).prop_map(Move::Carry),
        6 => any::<u8>().prop_map(Move::Show),
        4 => (0u16..3000).prop_map(Move::Wait),
        2 => Just(Move::EndInput),
        2 => Just(Move::Leave),
        1 => prop_oneof![Just(Move::GiveUp), Just(Move::Die), Just(Move::Cut)],
    ];
    proptest::collection::vec((any::<bool>(), one), 0..60)
}

impl Place {
    fn new(role: Role, input: Input, masked: bool, now: Instant) -> Self {
        let side = Side { stalled: true, masked, ..Side::new(role, "x", input, now) };
        Self { side, said: Vec::new(), seen: 0, link: Vec::new(), dead: false }
    }

    fn acts(&self) -> bool {
        !self.dead && self.side.end.is_none()
    }

    fn show(&mut self, parts: u8, now: Instant) {
        let heard = self.side.conversation.heard();
        self.seen += (heard - self.seen) * u64::from(parts) / 255;
        self.side.conversation.on_shown(self.seen, now);
        self.side.act(now);
    }

    /// What of the other's text is on the screen.
    fn screen(&self) -> &[u8] {
        let frames = usize::try_from(self.seen).unwrap();
        &self.side.shown[..frames.checked_sub(1).map_or(0, |last| self.side.frames[last])]
    }

    /// Takes at most `limit` bytes of what the other side sends, or its end.
    fn receive(&mut self, other: &mut Place, limit: usize, now: Instant) -> bool {
        if other.acts() {
            let sent = other.side.send(limit, now);
            other.link.extend(sent);
        }
        let count = other.link.len().min(limit);
        let bytes: Vec<u8> = other.link.drain(..count).collect();
        if !self.acts() {
            return false;
        }
        self.side.receive(&bytes, now);
        let ended = other.link.is_empty() && (other.side.shut || !other.acts());
        if ended && self.side.conversation.room().is_some() {
            self.side.conversation.on_closed();
            self.side.act(now);
        }
        count > 0
    }

    fn make(&mut self, other: &mut Place, what: Move, now: &mut Instant) {
        match what {
            Move::Wait(millis) => {
                *now += Duration::from_millis(millis.into());
                if other.acts() {
                    other.side.act(*now);
                }
            }
            Move::Carry(limit) => _ = self.receive(other, limit, *now),
            Move::Cut => {
                for place in [&mut *self, other] {
                    place.link.clear();
                    place.side.conversation.on_receive_failed("cut".into());
                    place.side.act(*now);
                }
            }
            _ if !self.acts() => {}
            Move::Say(text) if self.side.conversation.wants_input() => {
                self.said.extend_from_slice(&text);
                self.side.say(&text, *now);
            }
            Move::Say(_) => {}
            Move::Show(parts) => self.show(parts, *now),
            Move::EndInput => self.side.conversation.leave(Goodbye::InputEnded, *now),
            Move::Leave => self.side.conversation.leave(Goodbye::Leaving(""), *now),
            Move::GiveUp => self.side.conversation.give_up(),
            Move::Die => self.dead = true,
        }
        if self.acts() {
            self.side.act(*now);
        }
    }

    /// Holds what exit status 0 says.
    fn check(&self, other: &Place) -> Result<(), TestCaseError> {
        if !self.side.is_content() {
            return Ok(());
        }
        let shown = other.screen() == self.said;
        // The peer of a masked side has only promised to show everything: by its goodbye, unless
        // that is the answer to ours.
        let promised = self.side.masked && other.side.end != Some(End::Done);
        let answered = other.side.conversation.peer_left_first();
        prop_assert!(shown || promised && !answered, "{} lines", self.side.conversation.lines());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn exit_status_0_means_that_every_line_was_shown(
        moves in moves(),
        inputs in proptest::sample::select(vec![
            [Input::Stream, Input::Person],
            [Input::Stream, Input::Stream],
            [Input::Person, Input::Person],
            [Input::WaitForPeer, Input::Person],
        ]),
        old: [bool; 2],
    ) {
        let mut now = Instant::now();
        // A side of the time before ACK knows no flags and sends none.
        let masked = old[0] || old[1];
        let mut caller = Place::new(Role::Caller, inputs[0], masked, now);
        let mut handler = Place::new(Role::Handler, inputs[1], masked, now);
        for _ in 0..2 {
            handler.receive(&mut caller, usize::MAX, now);
            caller.receive(&mut handler, usize::MAX, now);
        }
        for (at_the_caller, what) in moves {
            let (place, other) = match at_the_caller {
                true => (&mut caller, &mut handler),
                false => (&mut handler, &mut caller),
            };
            place.make(other, what, &mut now);
            caller.check(&handler)?;
            handler.check(&caller)?;
        }
        caller.side.conversation.leave(Goodbye::InputEnded, now);
        for round in 0..40 {
            if round == 20 {
                handler.side.conversation.leave(Goodbye::Leaving(""), now);
            }
            while handler.receive(&mut caller, usize::MAX, now)
                | caller.receive(&mut handler, usize::MAX, now) {}
            for place in [&mut caller, &mut handler] {
                if place.acts() {
                    place.show(255, now);
                }
            }
            now += GOODBYE_LIMIT / 4;
        }
        caller.check(&handler)?;
        handler.check(&caller)?;
        prop_assert!(!caller.acts() && !handler.acts() || caller.dead || handler.dead);
    }
}

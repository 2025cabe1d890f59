//! What holds whatever is said, and whatever a peer sends.

use proptest::prelude::*;

use super::*;

/// What one side says, call by call.
fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[a-zäß日\n]{0,60}".prop_map(String::into_bytes),
        Just(vec![b'x'; 20_000]),
    ];
    proptest::collection::vec(piece, 0..12)
}

proptest! {
    /// Everything that both sides say arrives once and in order, however it is typed and carried.
    #[test]
    fn no_byte_is_lost_doubled_or_reordered(
        mine in words(),
        theirs in words(),
        step in 1usize..5000,
    ) {
        let mut link = Link::answered(Input::Stream);
        for round in 0..mine.len().max(theirs.len()) {
            link.caller.say(mine.get(round).map_or(&[], |said| said), link.now);
            link.handler.say(theirs.get(round).map_or(&[], |said| said), link.now);
            link.carry(step);
        }
        link.caller.conversation.leave(Goodbye::InputEnded, link.now);
        link.carry(step);
        link.handler.conversation.leave(Goodbye::InputEnded, link.now);
        link.carry(step);
        prop_assert_eq!(&link.handler.shown, &mine.concat());
        prop_assert_eq!(&link.caller.shown, &theirs.concat());
        prop_assert_eq!(link.ends(), [Some(&End::Done); 2]);
    }

    /// A peer that sends anything, in any pieces, gets the end and the screen that the rules give
    /// it, and memory for one frame and one read.
    #[test]
    fn any_bytes_from_a_peer_are_survived(sent in frames(), step in 1usize..100) {
        let now = Instant::now();
        let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
        for piece in sent.chunks(step) {
            desk.receive(piece, now);
            let room = desk.conversation.room().map_or(0, |room| room.len());
            prop_assert!(room <= 2 * (frame::HEADER + frame::MAX_PAYLOAD + ReadSize::MOST));
        }
        desk.conversation.on_closed();
        desk.act(now);
        desk.send(usize::MAX, now);
        let (shown, end) = by_the_rules(&sent);
        prop_assert_eq!(desk.shown, shown);
        prop_assert_eq!(desk.end, Some(end));
    }
}

/// Frames in any order, and some junk.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let text = || proptest::collection::vec(any::<u8>(), 0..40);
    let frame = |tag: u8, payload: Vec<u8>| [&[tag, 0, payload.len() as u8], &payload[..]].concat();
    let piece = prop_oneof![
        4 => prop_oneof![Just(bytes(HELLO_BOB)), Just(bytes(NEW_HELLO_BOB))],
        1 => proptest::collection::vec(any::<u8>(), 8).prop_map(move |count| frame(b'K', count)),
        8 => (prop_oneof![Just(b'T'), Just(b't'), any::<u8>()], text()).prop_map(
            move |(tag, text)| frame(tag, text)
        ),
        1 => text().prop_map(move |reason| frame(b'B', reason)),
        1 => text(),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What a desk shows, and how it ends, when a caller sends `rest` and then closes.
fn by_the_rules(mut rest: &[u8]) -> (Vec<u8>, End) {
    let (mut shown, mut open, mut acknowledges) = (Vec::new(), false, false);
    loop {
        let (frame, length) = match frame::decode(rest) {
            Ok(Some(found)) => found,
            Ok(None) => return (shown, End::Lost(CLOSED.into())),
            Err(error) => return (shown, End::Broken(Fault::Frame(error))),
        };
        rest = &rest[length..];
        match frame {
            Frame::Ack(_) if acknowledges => {
                return (shown, End::Broken(Fault::AckOfTooMany));
            }
            Frame::Ack(_) | Frame::Unknown(_) => {}
            Frame::Hello(..) if open => return (shown, End::Broken(Fault::SecondHello)),
            Frame::Hello(hello) => (open, acknowledges) = (true, hello.flags.acknowledges()),
            Frame::Bye(reason) if !open => return (shown, End::Refused(reason.into())),
            Frame::Bye(_) => return (shown, End::Done),
            Frame::Text(_) | Frame::Part(_) if !open => {
                return (shown, End::Broken(Fault::TextBeforeHello));
            }
            Frame::Text(line) => shown.extend([line, b"\n"].concat()),
            Frame::Part(piece) => shown.extend_from_slice(piece),
        }
    }
}

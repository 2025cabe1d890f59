//! Every end crosses the link as it is, and says nothing that a terminal would obey.
//!
//! The invariant: any bytes are an end or none.

use proptest::prelude::*;

use super::*;
use crate::protocol::name::MAX_NAME;

/// Flags, lines, a name with its length, the variant, and what it holds.
const ENCODED_LIMIT: usize = 1 + 2 * 8 + 1 + MAX_NAME + 1 + MAX_REASON + 1 + MAX_REASON;

fn ended(how: How, role: Role) -> Ended {
    Ended {
        how,
        role,
        peer: Name::from_wire(b"\xffzo\xc3\xab"),
        peer_left: Some((*b"back at two").into()),
        asked: false,
        hurried: true,
        unfinished: true,
        confirmed: 812,
        unconfirmed: 3,
    }
}

fn every_how() -> Vec<How> {
    let limit = Duration::from_millis(60_500);
    let faults = [
        Fault::TextBeforeHello,
        Fault::SecondHello,
        Fault::AckOfTooMany,
        Fault::AckGoesBack,
        Fault::Frame(FrameError::BadHello),
        Fault::Frame(FrameError::BadAck(7)),
        Fault::Frame(FrameError::Version(2)),
        Fault::Frame(FrameError::TooLong { tag: b'T', length: 16_385 }),
    ];
    let ends = [
        End::Done,
        End::Refused((*b"busy").into()),
        End::Refused([0xff; MAX_REASON].into()),
        End::GaveUp,
        End::NoHello(limit),
        End::Lost("connection reset by peer".into()),
        End::NotConfirmed,
        End::OutOfTime(limit),
    ];
    let ends = ends.into_iter().chain(faults.map(End::Broken)).map(How::Over);
    let unshown = [true, false].map(|closed| How::Unshown { why: "späti".into(), closed });
    ends.chain(unshown).chain([How::Unread { why: "is a directory".into() }]).collect()
}

#[test]
fn every_end_crosses_the_link_as_it_is() {
    for how in every_how() {
        for role in [Role::Caller, Role::Handler] {
            let there = ended(how.clone(), role);
            let bytes = there.encode();
            assert!(bytes.len() <= ENCODED_LIMIT, "{} bytes", bytes.len());
            assert_eq!(Ended::decode(&bytes), Some(there));
            // What is longer or shorter is another value, or none.
            assert_ne!(Ended::decode(&bytes[..bytes.len() - 1]), Ended::decode(&bytes));
        }
    }
}

#[test]
fn a_reason_that_is_too_long_is_cut_at_a_character() {
    let why = format!("x{}", "ü".repeat(150));
    let bytes = ended(How::Over(End::Lost(why)), Role::Handler).encode();
    let Some(Ended { how: How::Over(End::Lost(why)), .. }) = Ended::decode(&bytes) else {
        panic!("{bytes:?}");
    };
    assert_eq!(why, format!("x{}", "ü".repeat(99)));
}

#[test]
fn no_text_of_another_process_is_shown_raw() {
    let evil = "\x1b[2J\nforged";
    for how in [
        How::Over(End::Done),
        How::Over(End::Refused(evil.as_bytes().into())),
        How::Over(End::Lost(evil.into())),
        How::Unshown { why: evil.into(), closed: false },
    ] {
        let mut end = ended(how, Role::Caller);
        end.peer = Name::from_wire(evil.as_bytes());
        end.peer_left = Some(evil.as_bytes().into());
        assert!(!end.to_string().contains(char::is_control), "{end}");
        end.peer = None;
        assert!(!end.to_string().contains(char::is_control), "{end}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(end) = Ended::decode(&bytes) {
            prop_assert!(!end.to_string().is_empty());
            prop_assert!(end.encode().len() <= ENCODED_LIMIT);
        }
    }
}

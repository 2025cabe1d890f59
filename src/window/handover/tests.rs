//! The handover record there and back, cut anywhere, and what is not a record.
//!
//! The invariant under test: a record is taken whole or not at all.

use proptest::prelude::*;

use super::*;

pub fn record() -> Handover {
    Handover {
        number: 0x0102_0304,
        desk: "bob".parse().unwrap(),
        caller: Name::from_wire(b"\xffzo\xc3\xab\0").unwrap(),
        from: "[2001:db8::7]:51234".parse().unwrap(),
        plain: true,
        bell: false,
    }
}

#[test]
fn a_record_travels_whole_and_has_room_for_more() {
    let long = Name::from_wire(&[0xff; 64]).unwrap();
    for record in [
        record(),
        Handover { plain: false, bell: true, ..record() },
        Handover { desk: long.clone(), caller: long, ..record() },
    ] {
        let bytes = record.encode(Some(7));
        assert!(bytes.len() < MAX_RECORD / 2, "{}", bytes.len());
        assert_eq!(Handover::decode(&bytes), Some((record.clone(), Some(7))));
        assert_eq!(Handover::decode(&record.encode(None)), Some((record.clone(), None)));
        let mut later = Buffer::default();
        frame::put(&mut later, b'K', &[0; 64]);
        let later = [&bytes, later.bytes()].concat();
        assert_eq!(Handover::decode(&later), Some((record, Some(7))));
    }
}

#[test]
fn what_is_not_a_whole_record_of_this_version_is_none() {
    let whole = record().encode(Some(7));
    // Where a part ends, what stands before it may be all that is needed.
    let without_link = record().encode(None).len();
    for end in (0..whole.len()).filter(|&end| end != without_link) {
        assert_eq!(Handover::decode(&whole[..end]), None, "cut at {end}");
    }
    let mut other = whole;
    other[3] = VERSION + 1;
    assert_eq!(Handover::decode(&other), None);
}

proptest! {
    #[test]
    fn junk_is_survived(mut junk in proptest::collection::vec(any::<u8>(), 0..600), begins: bool) {
        if begins {
            junk.splice(0..0, [RECORD, 0, 1, VERSION]);
        }
        let _ = Handover::decode(&junk);
    }
}

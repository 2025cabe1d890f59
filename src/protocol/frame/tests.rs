//! The published vectors, and what they leave out: cuts, flipped bits, any bytes.
//!
//! The invariant: docs/PROTOCOL.md is where the bytes of a frame are written down; they are read
//! from there.

use proptest::prelude::*;

use super::*;

/// A frame in the words of docs/PROTOCOL.md.
fn in_words(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let words = match decode(bytes) {
        Ok(None) => "incomplete".into(),
        Ok(Some((Frame::Hello(hello), _))) => {
            let acknowledges = if hello.flags.acknowledges() { ", acknowledges" } else { "" };
            format!("HELLO {}{acknowledges}", text(hello.name))
        }
        Ok(Some((Frame::Ack(count), _))) => format!("ACK {count}"),
        Ok(Some((Frame::Text(line), _))) => format!("TEXT {}", text(line)),
        Ok(Some((Frame::Part(piece), _))) => format!("PART {}", text(piece)),
        Ok(Some((Frame::Bye(reason), _))) => format!("BYE {}", text(reason)),
        Ok(Some((Frame::Unknown(_), _))) => "skipped".into(),
        Err(error) => format!("error: {error}"),
    };
    words.trim_end().into()
}

fn encode(words: &str) -> Vec<u8> {
    let mut out = Buffer::default();
    match words.split_once(' ').unwrap_or((words, "")) {
        ("HELLO", hello) => {
            let (name, flags) = match hello.split_once(", acknowledges") {
                Some((name, _)) => (name, Flags::OURS),
                None => (hello, Flags::default()),
            };
            put_hello(&mut out, &name.parse().unwrap(), flags);
        }
        ("TEXT", line) => _ = put_text(&mut out, line.as_bytes(), true),
        ("PART", piece) => _ = put_text(&mut out, piece.as_bytes(), false),
        ("ACK", count) => put_ack(&mut out, count.parse().unwrap()),
        ("BYE", reason) => put_bye(&mut out, reason),
        other => panic!("{other:?} is not a frame"),
    }
    out.bytes().to_vec()
}

/// The table of vectors in the published specification: bytes and their meaning.
fn vectors() -> Vec<(Vec<u8>, &'static str)> {
    let document = include_str!("../../../docs/PROTOCOL.md");
    let table = document.split("### Vectors").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once("` | "));
    let byte = |hex| u8::from_str_radix(hex, 16).unwrap();
    rows.map(|(bytes, meaning)| {
        (bytes.split(' ').map(byte).collect(), meaning.trim_end_matches(['|', ' ']))
    })
    .collect()
}

#[test]
fn the_published_vectors_are_what_is_read_and_written() {
    let vectors = vectors();
    assert!(vectors.len() > 20, "only {} vectors found", vectors.len());
    for (bytes, meaning) in vectors {
        assert_eq!(in_words(&bytes), meaning, "{bytes:02x?}");
        let written =
            !["skipped", "incomplete", "error"].iter().any(|word| meaning.starts_with(word));
        // Flags without a meaning are read, and not written.
        let known = !bytes.starts_with(b"H") || matches!(bytes.get(4), Some(0 | 8));
        if written && known {
            assert_eq!(encode(meaning), bytes, "{meaning}");
        }
    }
}

#[test]
fn a_truncated_frame_is_incomplete_at_every_byte() {
    for whole in [
        encode("HELLO alice"),
        encode("TEXT hello"),
        encode("PART x"),
        encode("BYE done"),
        encode("ACK 7"),
    ] {
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end]), Ok(None), "{whole:02x?} cut at {end}");
        }
        assert!(decode(&whole).unwrap().is_some());
    }
}

#[test]
fn a_reason_that_is_too_long_is_cut_at_a_character() {
    let mut out = Buffer::default();
    put_bye(&mut out, &"ü".repeat(150));
    assert_eq!(in_words(out.bytes()), format!("BYE {}", "ü".repeat(100)));
    let mut out = Buffer::default();
    put_bye(&mut out, &format!("x{}", "ü".repeat(150)));
    assert_eq!(in_words(out.bytes()), format!("BYE x{}", "ü".repeat(99)));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        text in proptest::collection::vec(any::<u8>(), 0..MAX_PAYLOAD),
        complete: bool,
    ) {
        let mut out = Buffer::default();
        put_text(&mut out, &text, complete);
        let expected = if complete { Frame::Text(&text) } else { Frame::Part(&text) };
        prop_assert_eq!(decode(out.bytes()), Ok(Some((expected, HEADER + text.len()))));
    }
}

/// One flipped bit changes exactly what its byte stands for.
#[test]
fn a_flipped_bit_changes_what_its_byte_means_and_nothing_else() {
    let hello = encode("HELLO alice");
    fn said(name: &[u8], flags: u8) -> Frame<'_> {
        Frame::Hello(Hello { name, flags: flags.into() })
    }
    for (at, bit) in (0..hello.len()).flat_map(|at| (0..8).map(move |bit| (at, 1 << bit))) {
        let mut bytes = hello.clone();
        bytes[at] ^= bit;
        let expected = match (at, usize::from(bytes[1]) * 256 + usize::from(bytes[2])) {
            (0, _) => Ok(Some((Frame::Unknown(bytes[0]), hello.len()))),
            (1 | 2, length @ 3..=7) => {
                Ok(Some((said(&b"alice"[..length - 2], 0), HEADER + length)))
            }
            (1 | 2, length) if length > MAX_PAYLOAD => {
                Err(FrameError::TooLong { tag: HELLO, length })
            }
            (1 | 2, _) => Ok(None),
            (3, _) => Err(FrameError::Version(bytes[3])),
            (4, _) => Ok(Some((said(b"alice", bytes[4]), hello.len()))),
            _ => Ok(Some((said(&bytes[5..], 0), hello.len()))),
        };
        assert_eq!(decode(&bytes), expected, "bit {bit} of byte {at}");
    }
}

#[test]
fn a_frame_of_any_tag_and_length_is_found_raw() {
    let mut bytes = Buffer::default();
    put(&mut bytes, 0xff, b"payload");
    put(&mut bytes, b'H', b"");
    assert_eq!(raw(bytes.bytes()), Some((0xff, &b"payload"[..], 10)));
    assert_eq!(raw(&bytes.bytes()[..9]), None);
    assert_eq!(raw(&bytes.bytes()[10..]), Some((b'H', &b""[..], 3)));
    assert_eq!(raw(&bytes.bytes()[10..12]), None);
    let longest = [&[b'T', 0xff, 0xff][..], &[0; 0xffff]].concat();
    assert_eq!(raw(&longest), Some((b'T', &longest[3..], 0x10002)));
}

#[test]
fn input_is_split_at_its_newlines() {
    let split = |input| pieces(input).collect::<Vec<_>>();
    assert_eq!(split(b""), []);
    assert_eq!(split(b"a"), [(&b"a"[..], false)]);
    assert_eq!(split(b"\n"), [(&b""[..], true)]);
    assert_eq!(split(b"a\n\nb"), [(&b"a"[..], true), (b"", true), (b"b", false)]);
}

#[test]
fn an_ack_of_another_length_is_refused_from_its_header() {
    for length in (0..=u16::MAX).filter(|&length| length != 8) {
        let [high, low] = length.to_be_bytes();
        assert_eq!(decode(&[b'K', high, low]), Err(FrameError::BadAck(length.into())));
    }
    assert_eq!(encode("ACK 18446744073709551615")[3..], [0xff; 8]);
}

#[test]
fn text_says_how_many_frames_it_made() {
    for (length, frames) in [(0, 1), (MAX_PAYLOAD, 1), (MAX_PAYLOAD + 1, 2), (100_000, 7)] {
        let mut out = Buffer::default();
        assert_eq!(put_text(&mut out, &vec![b'x'; length], true), frames, "{length} bytes");
        let mut rest = out.bytes();
        for _ in 0..frames {
            rest = &rest[decode(rest).unwrap().unwrap().1..];
        }
        assert_eq!(rest, b"");
    }
}

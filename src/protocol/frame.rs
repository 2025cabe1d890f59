//! Frames to bytes and back, with their limits (docs/PROTOCOL.md, "Frames").
//!
//! A frame is a tag (1 byte), a length (2 bytes, big endian) and that many bytes of payload. Next
//! door, `channel` keeps the bytes and `conversation` decides what may come when. The invariant: a
//! limit is checked on the header, before the payload is waited for, so a peer cannot make a
//! receiver hold more than one whole frame.

use std::fmt;

use memchr::memchr;

use super::name::{MAX_NAME, Name};
use crate::buffer::Buffer;

/// The version of the wire that this program speaks.
pub const VERSION: u8 = 1;
/// Bytes before the payload: tag and length.
pub const HEADER: usize = 3;
/// The most bytes of payload in any frame.
pub const MAX_PAYLOAD: usize = 16_384;
/// The most bytes of reason in a BYE.
pub const MAX_REASON: usize = 200;

const HELLO: u8 = b'H';
const TEXT: u8 = b'T';
const PART: u8 = b't';
const BYE: u8 = b'B';
/// Version and flags stand before the name in a HELLO.
const HELLO_FIXED: usize = 2;

/// One message. Its text is borrowed from the bytes that were received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The sender's name. Flags are sent as 0 and ignored.
    Hello(Name),
    /// A whole line, or the last piece of one, without its newline.
    Text(&'a [u8]),
    /// A piece of a line, more to come.
    Part(&'a [u8]),
    /// The last frame of its direction, with the reason.
    Bye(&'a [u8]),
    /// A tag that this version does not know: skipped.
    Unknown(u8),
}

/// How the peer broke the rules of a single frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    TooLong { tag: u8, length: usize },
    Version(u8),
    BadHello,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { tag, length } => {
                write!(f, "frame '{}' of {length} bytes is too long", tag.escape_ascii())
            }
            Self::Version(version) => {
                write!(f, "unsupported version {version} (expected {VERSION})")
            }
            Self::BadHello => write!(f, "HELLO without a name of 1 to {MAX_NAME} bytes"),
        }
    }
}

/// How long the frame at the start of `bytes` is, header included; `None` while the header is
/// incomplete.
///
/// # Errors
/// [`FrameError::TooLong`] when frames of its tag may not be that long.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let &[tag, high, low, ..] = bytes else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let limit = match tag {
        HELLO => HELLO_FIXED + MAX_NAME,
        BYE => MAX_REASON,
        _ => MAX_PAYLOAD,
    };
    // A HELLO of another version may be longer. Its version is the better error, so the payload is
    // read first.
    if length > limit && (tag != HELLO || length > MAX_PAYLOAD) {
        return Err(FrameError::TooLong { tag, length });
    }
    Ok(Some(HEADER + length))
}

/// The frame in `whole`, which is exactly as long as [`length`] says.
///
/// # Errors
/// A HELLO of another version or without a valid name.
pub fn parse(whole: &[u8]) -> Result<Frame<'_>, FrameError> {
    let payload = &whole[HEADER..];
    Ok(match whole[0] {
        HELLO => Frame::Hello(parse_hello(payload)?),
        TEXT => Frame::Text(payload),
        PART => Frame::Part(payload),
        BYE => Frame::Bye(payload),
        tag => Frame::Unknown(tag),
    })
}

fn parse_hello(payload: &[u8]) -> Result<Name, FrameError> {
    match *payload {
        [VERSION, _flags, ref name @ ..] => Name::from_wire(name).ok_or(FrameError::BadHello),
        [VERSION] | [] => Err(FrameError::BadHello),
        [version, ..] => Err(FrameError::Version(version)),
    }
}

/// The first frame in `bytes` and how many bytes it took; `None` while it is incomplete.
///
/// # Errors
/// Those of [`length`] and [`parse`].
pub fn decode(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    match length(bytes)? {
        Some(length) if length <= bytes.len() => Ok(Some((parse(&bytes[..length])?, length))),
        _ => Ok(None),
    }
}

/// The first frame in `bytes` as its tag, its payload and how many bytes it took, whatever its tag
/// means; `None` while it is incomplete. The payload has at most 65,535 bytes: a receiver that
/// does not trust the sender checks the length.
pub fn raw(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&[tag, high, low], rest) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    Some((tag, rest.get(..length)?, HEADER + length))
}

/// The header of a frame of `tag` with `length` bytes of payload.
fn header(tag: u8, length: usize) -> [u8; HEADER] {
    debug_assert!(length <= MAX_PAYLOAD);
    let [high, low] = (length as u16).to_be_bytes();
    [tag, high, low]
}

/// Appends a HELLO.
pub fn put_hello(out: &mut Buffer, name: &Name) {
    let header = header(HELLO, HELLO_FIXED + name.as_bytes().len());
    out.push_all([&header, &[VERSION, 0], name.as_bytes()]);
}

/// Appends text without a newline, of any length: as TEXT if it ends its line, else as PART. Text
/// that is too long for one frame is sent in several, all but the last of them PART.
pub fn put_text(out: &mut Buffer, text: &[u8], complete: bool) {
    let last = if text.len() > MAX_PAYLOAD { put_parts(out, text) } else { text };
    put(out, if complete { TEXT } else { PART }, last);
}

/// Appends PART frames until the rest, which it returns, fits in one frame.
#[cold]
fn put_parts<'a>(out: &mut Buffer, mut text: &'a [u8]) -> &'a [u8] {
    while text.len() > MAX_PAYLOAD {
        let (piece, rest) = text.split_at(cut(text));
        put(out, PART, piece);
        text = rest;
    }
    text
}

/// Splits input at its newlines: each line without its newline and `true`, then what follows the
/// last newline, if anything, and `false`.
pub fn pieces(mut input: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    std::iter::from_fn(move || match memchr(b'\n', input) {
        Some(end) => {
            let line = &input[..end];
            input = &input[end + 1..];
            Some((line, true))
        }
        None if input.is_empty() => None,
        None => Some((std::mem::take(&mut input), false)),
    })
}

/// Where to cut text that is too long for one frame: before a character, if it is UTF-8.
fn cut(text: &[u8]) -> usize {
    let continues = |&at: &usize| text[at] & 0b1100_0000 == 0b1000_0000;
    let nearby = MAX_PAYLOAD - 3..=MAX_PAYLOAD;
    nearby.rev().find(|at| !continues(at)).unwrap_or(MAX_PAYLOAD)
}

/// Appends a frame with any tag, known on the wire or not. `payload` has at most [`MAX_PAYLOAD`]
/// bytes.
pub fn put(out: &mut Buffer, tag: u8, payload: &[u8]) {
    out.push_all([&header(tag, payload.len()), payload]);
}

/// Appends a BYE; a reason that is too long is cut.
pub fn put_bye(out: &mut Buffer, reason: &str) {
    put(out, BYE, fit_reason(reason).as_bytes());
}

/// The beginning of `reason` that fits in a BYE: whole characters, at most [`MAX_REASON`] bytes.
pub fn fit_reason(reason: &str) -> &str {
    let end = (0..=reason.len().min(MAX_REASON)).rfind(|&at| reason.is_char_boundary(at));
    &reason[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame in the words of docs/PROTOCOL.md.
    fn in_words(bytes: &[u8]) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let words = match decode(bytes) {
            Ok(None) => "incomplete".into(),
            Ok(Some((Frame::Hello(name), _))) => format!("HELLO {}", text(name.as_bytes())),
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
            ("HELLO", name) => put_hello(&mut out, &name.parse().unwrap()),
            ("TEXT", line) => put_text(&mut out, line.as_bytes(), true),
            ("PART", piece) => put_text(&mut out, piece.as_bytes(), false),
            ("BYE", reason) => put_bye(&mut out, reason),
            other => panic!("{other:?} is not a frame"),
        }
        out.bytes().to_vec()
    }

    /// The table of vectors in the published specification: bytes and their meaning.
    fn vectors() -> Vec<(Vec<u8>, &'static str)> {
        let document = include_str!("../../docs/PROTOCOL.md");
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
            let flagless = bytes.get(4) != Some(&0xff);
            if written && flagless {
                assert_eq!(encode(meaning), bytes, "{meaning}");
            }
        }
    }

    #[test]
    fn a_truncated_frame_is_incomplete_at_every_byte() {
        for whole in
            [encode("HELLO alice"), encode("TEXT hello"), encode("PART x"), encode("BYE done")]
        {
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
        let name = |bytes: &[u8]| Name::from_wire(bytes).unwrap();
        for (at, bit) in (0..hello.len()).flat_map(|at| (0..8).map(move |bit| (at, 1 << bit))) {
            let mut bytes = hello.clone();
            bytes[at] ^= bit;
            let expected = match (at, usize::from(bytes[1]) * 256 + usize::from(bytes[2])) {
                (0, _) => Ok(Some((Frame::Unknown(bytes[0]), hello.len()))),
                (1 | 2, length @ 3..=7) => {
                    Ok(Some((Frame::Hello(name(&b"alice"[..length - 2])), HEADER + length)))
                }
                (1 | 2, length) if length > MAX_PAYLOAD => {
                    Err(FrameError::TooLong { tag: HELLO, length })
                }
                (1 | 2, _) => Ok(None),
                (3, _) => Err(FrameError::Version(bytes[3])),
                (4, _) => Ok(Some((Frame::Hello(name(b"alice")), hello.len()))),
                _ => Ok(Some((Frame::Hello(name(&bytes[5..])), hello.len()))),
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
}

//! Any bytes through the codec of frames, against a second reading of docs/PROTOCOL.md.
//!
//! The invariant: a frame means the same to both readings, nothing after it matters, nothing less
//! of it means anything, and what is written reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use talk_fuzz::buffer::Buffer;
use talk_fuzz::protocol::frame::{self, Frame, FrameError, Hello};

/// How far around both ends of a frame every cut is tried, in bytes.
const NEAR: usize = 64;
/// Longer than any reason may be, in bytes.
const LONG_REASON: usize = 400;

type Decoded<'a> = Result<Option<(Frame<'a>, usize)>, FrameError>;

/// The bytes of the payload that the header announces.
fn announced(bytes: &[u8]) -> usize {
    usize::from(bytes[1]) * 256 + usize::from(bytes[2])
}

/// The first frame in `bytes`, as the specification says it.
fn by_the_rules(bytes: &[u8]) -> Decoded<'_> {
    if bytes.len() < 3 {
        return Ok(None);
    }
    let (tag, length) = (bytes[0], announced(bytes));
    if tag == b'K' && length != 8 {
        return Err(FrameError::BadAck(length));
    }
    if length > if tag == b'B' { 200 } else { 16_384 } {
        return Err(FrameError::TooLong { tag, length });
    }
    let Some(payload) = bytes[3..].get(..length) else { return Ok(None) };
    let frame = match (tag, payload) {
        (b'H', &[version, ..]) if version != 1 => return Err(FrameError::Version(version)),
        (b'H', _) if !(3..=66).contains(&length) => return Err(FrameError::BadHello),
        (b'H', &[_, flags, ref name @ ..]) => Frame::Hello(Hello { name, flags: flags.into() }),
        (b'K', &[a, b, c, d, e, f, g, h]) => {
            Frame::Ack(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
        }
        (b'T', text) => Frame::Text(text),
        (b't', text) => Frame::Part(text),
        (b'B', reason) => Frame::Bye(reason),
        _ => Frame::Unknown(tag),
    };
    Ok(Some((frame, 3 + length)))
}

/// A frame is decoded as soon as it can be, and not before: a wrong length from the header, all
/// else from the whole.
fn check_cuts(bytes: &[u8], decoded: &Decoded<'_>) {
    let known = match decoded {
        Ok(Some((_, length))) => *length,
        Ok(None) => bytes.len() + 1,
        Err(FrameError::TooLong { .. } | FrameError::BadAck(_)) => 3,
        Err(FrameError::Version(_) | FrameError::BadHello) => 3 + announced(bytes),
    };
    // All cuts in the middle of a long payload are alike.
    let middle = NEAR..known.saturating_sub(NEAR);
    for end in (0..=bytes.len().min(known + NEAR)).filter(|end| !middle.contains(end)) {
        let expected = if end < known { &Ok(None) } else { decoded };
        assert_eq!(&frame::decode(&bytes[..end]), expected, "cut at {end}");
    }
}

fn check_written_again(frame: &Frame<'_>, length: usize) {
    let mut out = Buffer::default();
    match frame {
        Frame::Hello(hello) => frame::put_hello(&mut out, &hello.to_name(), hello.flags),
        Frame::Ack(count) => frame::put_ack(&mut out, *count),
        Frame::Text(text) => _ = frame::put_text(&mut out, text, true),
        Frame::Part(text) => _ = frame::put_text(&mut out, text, false),
        Frame::Bye(reason) => match str::from_utf8(reason) {
            Ok(reason) => frame::put_bye(&mut out, reason),
            Err(_) => return,
        },
        Frame::Unknown(_) => return,
    }
    assert_eq!(frame::decode(out.bytes()), Ok(Some((*frame, length))));
}

/// Holds the laws of one frame, and returns its length.
fn check_frame(bytes: &[u8]) -> Option<usize> {
    let decoded = frame::decode(bytes);
    assert_eq!(decoded, by_the_rules(bytes));
    check_cuts(bytes, &decoded);
    let (frame, length) = decoded.ok()??;
    assert_eq!(frame::raw(bytes), Some((bytes[0], &bytes[3..length], length)));
    check_written_again(&frame, length);
    Some(length)
}

/// Text of any length comes out of its frames as it went in, and no character is cut.
fn check_text(text: &[u8], complete: bool) {
    let mut out = Buffer::default();
    frame::put_text(&mut out, text, complete);
    let (mut rest, mut pieces) = (out.bytes(), Vec::new());
    while let Some((frame, length)) = by_the_rules(rest).unwrap() {
        let piece = &rest[3..length];
        rest = &rest[length..];
        let last = complete && rest.is_empty();
        assert_eq!(frame, if last { Frame::Text(piece) } else { Frame::Part(piece) });
        assert!(str::from_utf8(piece).is_ok() || str::from_utf8(text).is_err());
        pieces.extend_from_slice(piece);
    }
    assert!(rest.is_empty() && pieces == text);
}

fn check_bye(reason: &str) {
    let mut out = Buffer::default();
    frame::put_bye(&mut out, reason);
    let Ok(Some((Frame::Bye(cut), _))) = by_the_rules(out.bytes()) else { panic!("no BYE") };
    assert!(reason.starts_with(str::from_utf8(cut).unwrap()));
    assert!(cut.len() == reason.len() || cut.len() > 200 - 4);
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Some(length) = check_frame(rest) {
        rest = &rest[length..];
    }
    let [first, text @ ..] = bytes else { return };
    // As it is, or repeated until it needs several frames.
    let long = usize::from(*first % 4) * frame::MAX_PAYLOAD;
    let text = text.repeat(1 + long / text.len().max(1));
    check_text(&text, *first < 128);
    check_bye(&String::from_utf8_lossy(&text[..text.len().min(LONG_REASON)]));
    // With as much payload as its header announces.
    if bytes.len() > 3 {
        let payload = bytes[3..].iter().cycle().take(announced(bytes) + NEAR);
        check_frame(&bytes[..3].iter().chain(payload).copied().collect::<Vec<u8>>());
    }
});

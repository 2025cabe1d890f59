//! Frames to bytes and back, with their limits (docs/PROTOCOL.md, "Frames").
//!
//! A frame is a tag (1 byte), a length (2 bytes, big endian) and that many bytes of payload. The invariant: a limit is
//! checked on the header, before a byte of the payload is waited for, so no peer can make a receiver hold more than
//! one whole frame.

use std::fmt;

use crate::buffer::Buffer;
use super::name::{MAX_NAME, Name};

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

/// One message, its payload still in the bytes it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Who speaks. Flags are sent as 0 and ignored.
    Hello(Name),
    /// A whole line, or the last piece of one, without its newline.
    Text(&'a [u8]),
    /// A piece of a line, more to come.
    Part(&'a [u8]),
    /// The last frame of its direction, with the reason.
    Bye(&'a [u8]),
    /// A tag of a later version: skipped.
    Unknown(u8),
}

/// How the other end broke the rules of a single frame.
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
                write!(f, "version {version} is not spoken here, only version {VERSION}")
            }
            Self::BadHello => write!(f, "HELLO without a name of 1 to {MAX_NAME} bytes"),
        }
    }
}

/// How long the frame at the start of `bytes` is, header included; `None` while the header is incomplete.
///
/// # Errors
/// [`FrameError::TooLong`] when its kind may not be that long.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let &[tag, high, low, ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let limit = match tag {
        HELLO => HELLO_FIXED + MAX_NAME,
        BYE => MAX_REASON,
        _ => MAX_PAYLOAD,
    };
    // A HELLO of another version may be longer: its version byte is the better complaint, and always in reach.
    if length > limit && (tag != HELLO || length > MAX_PAYLOAD) {
        return Err(FrameError::TooLong { tag, length });
    }
    Ok(Some(HEADER + length))
}

/// What the bytes of exactly one frame, as long as [`length`] says, mean.
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

/// The header of a frame of `tag` with `length` bytes of payload.
fn header(tag: u8, length: usize) -> [u8; HEADER] {
    debug_assert!(length <= MAX_PAYLOAD);
    let [high, low] = (length as u16).to_be_bytes();
    [tag, high, low]
}

/// Appends a HELLO.
pub fn put_hello(out: &mut Buffer, name: &Name) {
    out.push(&header(HELLO, HELLO_FIXED + name.as_bytes().len()));
    out.push(&[VERSION, 0]);
    out.push(name.as_bytes());
}

/// Appends a TEXT (`complete`) or a PART of at most [`MAX_PAYLOAD`] bytes.
pub fn put_text(out: &mut Buffer, text: &[u8], complete: bool) {
    out.push(&header(if complete { TEXT } else { PART }, text.len()));
    out.push(text);
}

/// Appends a BYE; a reason over [`MAX_REASON`] bytes is cut at a character.
pub fn put_bye(out: &mut Buffer, reason: &str) {
    let length = (0..=reason.len().min(MAX_REASON)).rfind(|&at| reason.is_char_boundary(at));
    let reason = &reason.as_bytes()[..length.unwrap_or(0)];
    out.push(&header(BYE, reason.len()));
    out.push(reason);
}

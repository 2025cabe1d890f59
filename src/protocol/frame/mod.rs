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
const ACK: u8 = b'K';
/// Bytes of payload in an ACK.
const ACK_SIZE: usize = 8;
/// Version and flags stand before the name in a HELLO.
const HELLO_FIXED: usize = 2;

/// What a side can do, as its HELLO says. Bits that have no name here are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Sends ACKs, and wants them.
    const ACKNOWLEDGES: u8 = 0x08;
    /// What this program can do.
    pub const OURS: Self = Self(Self::ACKNOWLEDGES);

    /// Whether this side sends ACKs to a peer that can do the same, and wants them from it.
    pub fn acknowledges(self) -> bool {
        self.0 & Self::ACKNOWLEDGES != 0
    }
}

impl From<u8> for Flags {
    fn from(bits: u8) -> Self {
        Self(bits)
    }
}

/// What a side says of itself first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello<'a> {
    /// 1 to [`MAX_NAME`] bytes.
    pub name: &'a [u8],
    pub flags: Flags,
}

impl Hello<'_> {
    pub fn to_name(self) -> Name {
        Name::from_wire(self.name).expect("a HELLO has a name of 1 to 64 bytes")
    }
}

/// One message. Its text is borrowed from the bytes that were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The sender's name, and what it can do.
    Hello(Hello<'a>),
    /// A whole line, or the last piece of one, without its newline.
    Text(&'a [u8]),
    /// A piece of a line, more to come.
    Part(&'a [u8]),
    /// The last frame of its direction, with the reason.
    Bye(&'a [u8]),
    /// How many TEXT and PART frames of the receiver have been shown.
    Ack(u64),
    /// A tag that this version does not know: skipped.
    Unknown(u8),
}

/// How the peer broke the rules of a single frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    TooLong {
        tag: u8,
        length: usize,
    },
    Version(u8),
    BadHello,
    /// An ACK of so many bytes.
    BadAck(usize),
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
            Self::BadAck(length) => write!(f, "ACK of {length} bytes (expected {ACK_SIZE})"),
            Self::BadHello => write!(f, "HELLO without a name of 1 to {MAX_NAME} bytes"),
        }
    }
}

/// How long the frame at the start of `bytes` is, header included; `None` while the header is
/// incomplete.
///
/// # Errors
/// [`FrameError::TooLong`] or [`FrameError::BadAck`] when frames of its tag may not be that long.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let &[tag, high, low, ..] = bytes else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_PAYLOAD || !matches!(tag, TEXT | PART) {
        check_length(tag, length)?;
    }
    Ok(Some(HEADER + length))
}

/// The limits of frames that are not text.
#[cold]
fn check_length(tag: u8, length: usize) -> Result<(), FrameError> {
    let limit = match tag {
        // A HELLO of another version may be longer. Its version is the better error, so the payload
        // is read first.
        BYE => MAX_REASON,
        ACK if length != ACK_SIZE => return Err(FrameError::BadAck(length)),
        _ => MAX_PAYLOAD,
    };
    if length > limit { Err(FrameError::TooLong { tag, length }) } else { Ok(()) }
}

/// The frame in `whole`, which is exactly as long as [`length`] says.
///
/// # Errors
/// A HELLO of another version or without a valid name.
pub fn parse(whole: &[u8]) -> Result<Frame<'_>, FrameError> {
    let payload = &whole[HEADER..];
    match whole[0] {
        TEXT => Ok(Frame::Text(payload)),
        PART => Ok(Frame::Part(payload)),
        tag => parse_other(tag, payload),
    }
}

/// A frame that is not text.
#[cold]
fn parse_other(tag: u8, payload: &[u8]) -> Result<Frame<'_>, FrameError> {
    Ok(match tag {
        HELLO => parse_hello(payload)?,
        BYE => Frame::Bye(payload),
        ACK => {
            let count = payload.try_into().map_err(|_| FrameError::BadAck(payload.len()))?;
            Frame::Ack(u64::from_be_bytes(count))
        }
        tag => Frame::Unknown(tag),
    })
}

fn parse_hello(payload: &[u8]) -> Result<Frame<'_>, FrameError> {
    match *payload {
        [VERSION, flags, ref name @ ..] if (1..=MAX_NAME).contains(&name.len()) => {
            Ok(Frame::Hello(Hello { name, flags: flags.into() }))
        }
        [VERSION, ..] | [] => Err(FrameError::BadHello),
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
pub fn put_hello(out: &mut Buffer, name: &Name, flags: Flags) {
    let header = header(HELLO, HELLO_FIXED + name.as_bytes().len());
    out.push_all([&header, &[VERSION, flags.0], name.as_bytes()]);
}

/// Appends text without a newline, of any length: as TEXT if it ends its line, else as PART. Text
/// that is too long for one frame is sent in several, all but the last of them PART. Returns how
/// many frames that made.
pub fn put_text(out: &mut Buffer, text: &[u8], complete: bool) -> u64 {
    let (parts, last) = if text.len() > MAX_PAYLOAD { put_parts(out, text) } else { (0, text) };
    put(out, if complete { TEXT } else { PART }, last);
    parts + 1
}

/// Appends PART frames until the rest fits in one frame. Returns their number, and the rest.
#[cold]
fn put_parts<'a>(out: &mut Buffer, mut text: &'a [u8]) -> (u64, &'a [u8]) {
    let mut parts = 0;
    while text.len() > MAX_PAYLOAD {
        let (piece, rest) = text.split_at(cut(text));
        put(out, PART, piece);
        text = rest;
        parts += 1;
    }
    (parts, text)
}

/// Appends an ACK of the first `count` TEXT and PART frames.
pub fn put_ack(out: &mut Buffer, count: u64) {
    put(out, ACK, &count.to_be_bytes());
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
mod tests;

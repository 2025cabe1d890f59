//! How a conversation ended: as a value that crosses the link, in words, and as an exit status.
//!
//! The process of a call makes an [`Ended`] and shows it; the server decodes the same value and
//! makes its line of the log from it. The invariant: what is decoded comes from another process, so
//! it is bounded, and every text in it passes the sanitizer before it is shown.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::protocol::conversation::Conversation;
use crate::protocol::events::{End, Fault, Input, Role};
use crate::protocol::frame::{self, FrameError, MAX_REASON};
use crate::protocol::name::Name;
use crate::terminal::sanitize;

/// How a conversation ended, and what the words about it need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub how: How,
    /// The side that this process was.
    pub role: Role,
    /// What the peer called itself, once it has said HELLO.
    pub peer: Option<Name>,
    /// The reason in the peer's BYE, if the peer said BYE before this side did.
    pub peer_left: Option<Box<[u8]>>,
    /// The person here, a signal or the server asked to leave.
    pub asked: bool,
    /// Nothing waits for the screen any more: somebody asked twice, or the peer did not answer.
    pub hurried: bool,
    /// Input that is a file or a program had not come to its end.
    pub unfinished: bool,
    /// Lines of a file or a program that the peer has confirmed. A person does not count them.
    pub confirmed: u64,
    /// Lines said here that nobody confirmed.
    pub unconfirmed: u64,
}

/// What ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The conversation itself came to its end.
    Over(End),
    /// What the peer said could not be written to standard output, and why; `closed` if that is
    /// because its reader closed it.
    Unshown { why: String, closed: bool },
    /// Goodbyes were exchanged because standard input could not be read any further, and why.
    Unread { why: String },
}

impl Ended {
    /// What `conversation` leaves behind, if nobody has asked for its end.
    pub fn new(how: How, conversation: &Conversation) -> Self {
        let confirmed = conversation.confirmed();
        let person = conversation.input() == Input::Person;
        Self {
            how,
            role: conversation.role(),
            peer: conversation.peer().cloned(),
            peer_left: conversation.peer_left_first().then(|| conversation.peer_reason().into()),
            asked: false,
            hurried: false,
            unfinished: conversation.has_input_left(),
            confirmed: if person { 0 } else { confirmed },
            unconfirmed: conversation.lines() - confirmed,
        }
    }

    /// The exit status: 0 when the input came to its end, goodbyes were exchanged, and every line
    /// was confirmed. When the reader of standard output has closed it, 1, and without a message if
    /// no line is unconfirmed: that is how a pipe ends.
    ///
    /// # Errors
    /// The conversation ended in any other way; the error is what [`Ended`] displays.
    pub fn status(&self) -> Result<ExitCode> {
        match &self.how {
            _ if self.unconfirmed > 0 => Err(anyhow!("{self}")),
            How::Over(End::Done) if !self.unfinished => Ok(ExitCode::SUCCESS),
            How::Unshown { closed: true, .. } => Ok(ExitCode::FAILURE),
            _ => Err(anyhow!("{self}")),
        }
    }

    /// What happened, without the lines that are unconfirmed and without advice.
    pub fn words(&self) -> String {
        let peer = self.peer.as_ref().map_or("the peer".into(), |name| label(name.as_bytes()));
        let end = match &self.how {
            How::Unshown { why, .. } => {
                return format!("cannot show what {peer} says: {}", label(why.as_bytes()));
            }
            How::Unread { why } => {
                return format!("cannot read standard input: {}", label(why.as_bytes()));
            }
            How::Over(end) => end,
        };
        let early = if self.unfinished { " before the end of input" } else { "" };
        match (end, self.role) {
            (End::Done, _) => match self.peer_left.as_deref() {
                Some(b"") => format!("{peer} left{early}"),
                Some(reason) => format!("{peer} left{early}: {}", label(reason)),
                None => format!("said goodbye to {peer}{early}"),
            },
            (End::Refused(reason), Role::Caller) if reason.is_empty() => {
                "the desk refused the call without a reason".into()
            }
            (End::Refused(reason), Role::Caller) => {
                format!("the desk refused the call: {}", label(reason))
            }
            (End::Refused(_), Role::Handler) => "the caller hung up before it was answered".into(),
            (End::GaveUp, Role::Caller) => "hung up before anybody answered".into(),
            (End::GaveUp, Role::Handler) => "closed before the caller sent HELLO".into(),
            (End::NoHello(limit), Role::Caller) => {
                format!("nobody answered within {} s", limit.as_secs_f64())
            }
            (End::NoHello(limit), Role::Handler) => {
                format!("the caller sent no HELLO within {} s", limit.as_secs_f64())
            }
            (End::Broken(fault), _) => format!("{peer} does not speak this protocol: {fault}"),
            (End::Lost(why), Role::Caller) if self.peer.is_none() => {
                format!("something answered and hung up: {}", label(why.as_bytes()))
            }
            (End::Lost(why), _) => {
                format!("the connection to {peer} was lost: {}", label(why.as_bytes()))
            }
            (End::OutOfTime(limit), _) => {
                format!("the conversation with {peer} was not over after {} s", limit.as_secs_f64())
            }
            (End::NotConfirmed, _) => format!("{peer} did not confirm the goodbye"),
        }
    }

    /// What to do about it, as the end of a sentence; empty when nothing can be done here. A desk
    /// cannot call again, so most advice is for callers.
    pub fn advice(&self) -> &'static str {
        let end = match &self.how {
            How::Unshown { .. } => return "; redirect stdout elsewhere",
            How::Unread { .. } => return "",
            How::Over(end) => end,
        };
        match end {
            End::Broken(Fault::Frame(FrameError::Version(_))) => "; update the older program",
            _ if self.role == Role::Handler => "",
            End::Broken(_) if self.peer.is_none() => "; is a desk listening there?",
            End::Refused(reason) if reason.is_empty() => "; try again later",
            End::NoHello(_) => "; try again later",
            End::OutOfTime(_) => "; use a longer --timeout",
            End::Lost(_) if self.peer.is_none() => "; is a desk open behind this port?",
            End::Lost(_) => "; call again",
            End::Done | End::NotConfirmed if self.unconfirmed > 0 => {
                "; check with the other side what arrived"
            }
            _ => "",
        }
    }

    /// The value as bytes for the link, at most 484 of them.
    pub fn encode(&self) -> Vec<u8> {
        let (handler, peer_left) = (self.role == Role::Handler, self.peer_left.is_some());
        let flags = [handler, peer_left, self.asked, self.hurried, self.unfinished];
        let flags = (0..).zip(flags).map(|(bit, set)| u8::from(set) << bit).sum();
        let name = self.peer.as_ref().map_or(&b""[..], Name::as_bytes);
        let reason = self.peer_left.as_deref().unwrap_or_default();
        let mut out = vec![flags];
        out.extend(self.confirmed.to_be_bytes());
        out.extend(self.unconfirmed.to_be_bytes());
        for text in [name, reason] {
            out.push(text.len() as u8);
            out.extend(text);
        }
        self.how.encode(&mut out);
        out
    }

    /// What [`Ended::encode`] wrote; `None` for any other bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&flags, bytes) = bytes.split_first()?;
        let (confirmed, bytes) = bytes.split_first_chunk()?;
        let (unconfirmed, bytes) = bytes.split_first_chunk()?;
        let (&length, bytes) = bytes.split_first()?;
        let (name, bytes) = bytes.split_at_checked(length.into())?;
        let (&length, bytes) = bytes.split_first()?;
        let (reason, how) = bytes.split_at_checked(length.into())?;
        let set = |bit: u8| flags & (1 << bit) != 0;
        if reason.len() > MAX_REASON {
            return None;
        }
        Some(Self {
            how: How::decode(how)?,
            role: if set(0) { Role::Handler } else { Role::Caller },
            peer: if name.is_empty() { None } else { Some(Name::from_wire(name)?) },
            peer_left: set(1).then(|| reason.into()),
            asked: set(2),
            hurried: set(3),
            unfinished: set(4),
            confirmed: u64::from_be_bytes(*confirmed),
            unconfirmed: u64::from_be_bytes(*unconfirmed),
        })
    }
}

/// The words, then which lines are confirmed and how many are not, then what to do.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())?;
        match self.unconfirmed {
            0 => {}
            1 => f.write_str("; 1 line is unconfirmed")?,
            lines => write!(f, "; {lines} lines are unconfirmed")?,
        }
        if self.confirmed > 0 && (self.unfinished || self.unconfirmed > 0) {
            write!(f, " (confirmed up to line {})", self.confirmed)?;
        }
        f.write_str(self.advice())
    }
}

/// A letter for the variant, then what it holds.
impl How {
    fn encode(&self, out: &mut Vec<u8>) {
        let limit = |limit: &Duration| {
            u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).to_be_bytes().to_vec()
        };
        let (kind, detail) = match self {
            Self::Over(End::Done) => (b'd', vec![]),
            Self::Over(End::Refused(reason)) => (b'r', reason.to_vec()),
            Self::Over(End::GaveUp) => (b'g', vec![]),
            Self::Over(End::NoHello(time)) => (b'h', limit(time)),
            Self::Over(End::Broken(fault)) => (b'b', encode_fault(fault)),
            Self::Over(End::Lost(why)) => (b'l', cut(why)),
            Self::Over(End::NotConfirmed) => (b'n', vec![]),
            Self::Over(End::OutOfTime(time)) => (b'o', limit(time)),
            Self::Unshown { why, closed: false } => (b'u', cut(why)),
            Self::Unshown { why, closed: true } => (b'c', cut(why)),
            Self::Unread { why } => (b'i', cut(why)),
        };
        out.push(kind);
        out.extend(detail);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, detail) = bytes.split_first()?;
        if detail.len() > MAX_REASON {
            return None;
        }
        let text = || String::from_utf8_lossy(detail).into_owned();
        let limit = || Some(Duration::from_millis(u64::from_be_bytes(detail.try_into().ok()?)));
        Some(match kind {
            b'd' if detail.is_empty() => Self::Over(End::Done),
            b'r' => Self::Over(End::Refused(detail.into())),
            b'g' if detail.is_empty() => Self::Over(End::GaveUp),
            b'h' => Self::Over(End::NoHello(limit()?)),
            b'b' => Self::Over(End::Broken(decode_fault(detail)?)),
            b'l' => Self::Over(End::Lost(text())),
            b'n' if detail.is_empty() => Self::Over(End::NotConfirmed),
            b'o' => Self::Over(End::OutOfTime(limit()?)),
            b'u' => Self::Unshown { why: text(), closed: false },
            b'c' => Self::Unshown { why: text(), closed: true },
            b'i' => Self::Unread { why: text() },
            _ => return None,
        })
    }
}

fn encode_fault(fault: &Fault) -> Vec<u8> {
    match *fault {
        Fault::TextBeforeHello => vec![b't'],
        Fault::SecondHello => vec![b's'],
        Fault::AckOfTooMany => vec![b'm'],
        Fault::AckGoesBack => vec![b'r'],
        Fault::Frame(FrameError::BadAck(length)) => {
            let [.., high, low] = length.to_be_bytes();
            vec![b'k', high, low]
        }
        Fault::Frame(FrameError::BadHello) => vec![b'h'],
        Fault::Frame(FrameError::Version(version)) => vec![b'v', version],
        Fault::Frame(FrameError::TooLong { tag, length }) => {
            let [.., high, low] = length.to_be_bytes();
            vec![b'l', tag, high, low]
        }
    }
}

fn decode_fault(bytes: &[u8]) -> Option<Fault> {
    Some(match *bytes {
        [b't'] => Fault::TextBeforeHello,
        [b's'] => Fault::SecondHello,
        [b'm'] => Fault::AckOfTooMany,
        [b'r'] => Fault::AckGoesBack,
        [b'k', high, low] => {
            Fault::Frame(FrameError::BadAck(u16::from_be_bytes([high, low]).into()))
        }
        [b'h'] => Fault::Frame(FrameError::BadHello),
        [b'v', version] => Fault::Frame(FrameError::Version(version)),
        [b'l', tag, high, low] => {
            let length = u16::from_be_bytes([high, low]).into();
            Fault::Frame(FrameError::TooLong { tag, length })
        }
        _ => return None,
    })
}

fn cut(why: &str) -> Vec<u8> {
    frame::fit_reason(why).into()
}

fn label(text: &[u8]) -> String {
    sanitize::label(text).into_owned()
}

#[cfg(test)]
mod tests;

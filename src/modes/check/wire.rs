//! The connection of one trial: frames as they arrive, bytes as they are sent.
//!
//! Next door, `trial` judges them. The invariant: every wait has a limit, whatever the peer does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::buffer::{Buffer, ReadSize};
use crate::errors;
use crate::protocol::frame::{self, Frame, FrameError};
use crate::protocol::limits::LINGER_LIMIT;
use crate::sys::{self, sockets};
use crate::terminal::sanitize;

/// The most bytes of untrusted text that are quoted.
const QUOTED: usize = 60;

/// What arrived next.
#[derive(Debug)]
pub enum Arrival {
    /// The bytes of a whole frame, whose length is allowed.
    Frame(Vec<u8>),
    TooLong(FrameError),
    End,
    /// The end of the stream inside a frame.
    Torn,
    /// The connection failed, and how.
    Failed(String),
    /// Nothing until the deadline.
    Nothing,
}

pub struct Wire {
    socket: TcpStream,
    inbox: Buffer,
}

impl Wire {
    /// A connection whose write(2) never waits longer than `limit`.
    ///
    /// # Errors
    /// The socket does not accept the timeout.
    pub fn new(socket: TcpStream, limit: Duration) -> Result<Self> {
        sockets::prepare(&socket);
        socket.set_write_timeout(Some(limit))?;
        Ok(Self { socket, inbox: Buffer::default() })
    }

    /// Sends `bytes` in one write.
    ///
    /// # Errors
    /// Why write(2) failed, in words.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.write_all(bytes).map_err(|error| errors::reason(&error))
    }

    /// Closes the connection only after the peer had time to read everything: closing with unread
    /// input would reset it.
    pub fn hang_up(self) {
        sockets::linger_and_close(&self.socket, b"", LINGER_LIMIT);
    }

    pub fn shut(&mut self) {
        // It fails only when the connection is broken, which the next arrival says.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for the next arrival.
    pub fn next(&mut self, deadline: Instant) -> Arrival {
        loop {
            match frame::length(self.inbox.bytes()) {
                Err(error) => return Arrival::TooLong(error),
                Ok(Some(length)) if length <= self.inbox.len() => {
                    return Arrival::Frame(self.inbox.take(length).to_vec());
                }
                Ok(_) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // A socket timeout of zero would mean none.
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return Arrival::Nothing;
            }
            match self.socket.read(self.inbox.space(ReadSize::MOST)) {
                Ok(0) if self.inbox.is_empty() => return Arrival::End,
                Ok(0) => return Arrival::Torn,
                Ok(count) => self.inbox.filled(count),
                Err(error) if sys::would_block(&error) => {}
                Err(error) => return Arrival::Failed(errors::reason(&error)),
            }
        }
    }
}

impl Arrival {
    /// What it counts, if it is an ACK.
    pub fn ack(&self) -> Option<u64> {
        match self {
            Self::Frame(bytes) => match frame::parse(bytes) {
                Ok(Frame::Ack(count)) => Some(count),
                _ => None,
            },
            _ => None,
        }
    }
}

impl std::fmt::Display for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(bytes) => f.write_str(&in_words(bytes)),
            Self::TooLong(error) => write!(f, "an error: {error}"),
            Self::End => f.write_str("the end of the stream"),
            Self::Torn => f.write_str("the end of the stream inside a frame"),
            Self::Failed(why) => write!(f, "an error: {why}"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

/// A whole frame, with its text sanitized.
fn in_words(bytes: &[u8]) -> String {
    match frame::parse(bytes) {
        Ok(Frame::Hello(hello)) => {
            let flags = bytes[frame::HEADER + 1];
            format!("HELLO {} with flags {flags}", quoted(hello.name))
        }
        Ok(Frame::Text(text)) => format!("TEXT {}", quoted(text)),
        Ok(Frame::Part(text)) => format!("PART {}", quoted(text)),
        Ok(Frame::Bye(reason)) => format!("BYE {}", quoted(reason)),
        Ok(Frame::Ack(count)) => format!("ACK {count}"),
        Ok(Frame::Unknown(tag)) => format!("a frame with tag '{}'", tag.escape_ascii()),
        Err(error) => format!("an error: {error}"),
    }
}

fn quoted(text: &[u8]) -> String {
    let shown = sanitize::label(&text[..text.len().min(QUOTED)]);
    let more = if text.len() > QUOTED { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

//! The frames of one call, as they come and go.
//!
//! Next door, `trial` judges them. The invariant: every wait has a limit, whatever the other end
//! does.

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

/// Room for one read, in bytes.
const READ_SIZE: usize = ReadSize::MOST;
/// Bytes of foreign text that are quoted.
const QUOTED: usize = 60;

/// What came next.
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

/// A connection.
pub struct Wire {
    socket: TcpStream,
    inbox: Buffer,
}

impl Wire {
    /// A connection in which no write(2) waits longer than `limit`.
    ///
    /// # Errors
    /// The socket takes no such limit.
    pub fn new(socket: TcpStream, limit: Duration) -> Result<Self> {
        sockets::prepare(&socket);
        socket.set_write_timeout(Some(limit))?;
        Ok(Self { socket, inbox: Buffer::default() })
    }

    /// Sends `bytes` in one write.
    ///
    /// # Errors
    /// What the system says of it.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.write_all(bytes).map_err(|error| errors::reason(&error))
    }

    /// Hangs up, so that the other end can read everything and end by itself.
    pub fn hang_up(self) {
        sockets::linger_and_close(&self.socket, b"", LINGER_LIMIT);
    }

    pub fn shut(&mut self) {
        // It fails only when the other end has broken the connection off, which the next arrival
        // says.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for what comes next.
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
            // A timeout of zero would be none at all.
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return Arrival::Nothing;
            }
            match self.socket.read(self.inbox.space(READ_SIZE)) {
                Ok(0) if self.inbox.is_empty() => return Arrival::End,
                Ok(0) => return Arrival::Torn,
                Ok(count) => self.inbox.filled(count),
                Err(error) if sys::would_block(&error) => {}
                Err(error) => return Arrival::Failed(errors::reason(&error)),
            }
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

/// A whole frame, harmlessly.
fn in_words(bytes: &[u8]) -> String {
    match frame::parse(bytes) {
        Ok(Frame::Hello(name)) => {
            let flags = bytes[frame::HEADER + 1];
            format!("HELLO {} with flags {flags}", quoted(name.as_bytes()))
        }
        Ok(Frame::Text(text)) => format!("TEXT {}", quoted(text)),
        Ok(Frame::Part(text)) => format!("PART {}", quoted(text)),
        Ok(Frame::Bye(reason)) => format!("BYE {}", quoted(reason)),
        Ok(Frame::Unknown(tag)) => format!("a frame with tag '{}'", tag.escape_ascii()),
        Err(error) => format!("an error: {error}"),
    }
}

fn quoted(text: &[u8]) -> String {
    let shown = sanitize::label(&text[..text.len().min(QUOTED)]);
    let more = if text.len() > QUOTED { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

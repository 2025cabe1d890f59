//! Callers who were refused, until they have read why.
//!
//! Closing a socket in which something is unread resets the connection, and can take the reason
//! with it; waiting for each caller would hold up the rest. So refused calls stay here for a
//! moment, without a process of their own. The invariant: there are at most [`PARTING`] of them,
//! none for longer than [`LIMIT`].

use std::collections::VecDeque;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::protocol::frame;
use crate::sys;
use crate::sys::sockets;

/// Refused calls that are kept at once; the oldest of more is closed.
const PARTING: usize = 64;
/// How long a refused caller may take to read why.
const LIMIT: Duration = Duration::from_secs(2);

/// Refused calls, oldest first.
#[derive(Debug, Default)]
pub struct Lingering {
    calls: VecDeque<(TcpStream, Instant)>,
}

impl Lingering {
    /// Tells a caller why the call is not taken.
    pub fn refuse(&mut self, call: TcpStream, reason: &str, now: Instant) {
        let mut bye = Buffer::default();
        frame::put_bye(&mut bye, reason);
        if sockets::send(call.as_fd(), bye.bytes()).is_err() {
            return;
        }
        sockets::shut_sending(call.as_fd());
        if self.calls.len() == PARTING {
            self.calls.pop_front();
        }
        self.calls.push_back((call, now + LIMIT));
    }

    /// The sockets to read from: what comes is thrown away, until the caller has closed.
    pub fn sockets(&self) -> impl Iterator<Item = &TcpStream> {
        self.calls.iter().map(|(call, _)| call)
    }

    /// When [`Lingering::clear`] has something to do even if nobody closes.
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.front().map(|&(_, limit)| limit)
    }

    /// Lets go of those who have closed or had their time.
    pub fn clear(&mut self, now: Instant) {
        let mut rest = [0; 4096];
        self.calls.retain(|(call, limit)| {
            let closed = match sockets::receive(call.as_fd(), &mut rest) {
                Ok(count) => count == 0,
                Err(error) => !sys::would_block(&error),
            };
            !closed && now < *limit
        });
    }
}

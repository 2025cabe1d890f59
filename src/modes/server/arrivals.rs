//! What the server itself holds for a moment: the listener, rejected callers, a spare descriptor.
//!
//! A rejected caller is told why. Closing a socket in which something is unread resets the
//! connection and can take the reason with it, so the socket stays here until the caller has
//! closed, without a process. When no descriptor is left (EMFILE, ENFILE), a caller can be neither
//! answered nor told, and the listener stays readable: the loop would spin. The spare descriptor is
//! closed then, which lets one caller in to be told. The invariant: at most [`HELD`] rejected
//! callers are held, none for longer than [`LINGER_LIMIT`].

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::libc;

use crate::buffer::Buffer;
use crate::protocol::frame;
use crate::protocol::limits::LINGER_LIMIT;
use crate::sys::{sockets, would_block};

/// Rejected callers that are held at once; beyond it the oldest one is closed.
const HELD: usize = 64;
/// How long the listener is left alone when the system has no descriptor to accept a call with.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);

/// The listener and what comes in by it.
#[derive(Debug)]
pub struct Arrivals {
    /// `None` once the desk is closing.
    listener: Option<TcpListener>,
    /// Until when the listener is left alone.
    resting: Option<Instant>,
    /// Each until the caller has closed, or this time; oldest first.
    rejected: VecDeque<(TcpStream, Instant)>,
    /// Open for nothing but to be closed; `None` while it is spent.
    spare: Option<File>,
}

/// What accept(2) brought.
#[derive(Debug)]
pub enum Arrival {
    Call(TcpStream, SocketAddr),
    /// Let in by the spare descriptor, only to be told; and why.
    NoRoom(TcpStream, SocketAddr, io::Error),
    /// Nobody, and nobody for a while; and why.
    Pause(io::Error),
    /// The caller is gone again, or another process was faster.
    Nobody,
}

impl Arrivals {
    pub fn new(listener: TcpListener) -> Self {
        let spare = File::open("/dev/null").ok();
        Self { listener: Some(listener), resting: None, rejected: VecDeque::new(), spare }
    }

    /// The listener, unless it is closed or left alone.
    pub fn listener(&self) -> Option<&TcpListener> {
        self.listener.as_ref().filter(|_| self.resting.is_none())
    }

    /// Closes the listener at once, so that the next desk can have the port.
    pub fn stop_listening(&mut self) {
        self.listener = None;
    }

    /// Accepts one call.
    pub fn accept(&mut self, now: Instant) -> Arrival {
        let Some(listener) = &self.listener else { return Arrival::Nobody };
        let error = match listener.accept() {
            Ok((call, from)) => return Arrival::Call(call, canonical(from)),
            Err(error) => error,
        };
        if is_exhausted(&error)
            && self.spare.take().is_some()
            && let Ok((call, from)) = listener.accept()
        {
            return Arrival::NoRoom(call, canonical(from), error);
        }
        if would_block(&error) || error.kind() == ErrorKind::ConnectionAborted {
            return Arrival::Nobody;
        }
        self.resting = Some(now + EXHAUSTED_PAUSE);
        Arrival::Pause(error)
    }

    /// Tells a caller why the call is rejected.
    pub fn reject(&mut self, call: TcpStream, reason: &str, now: Instant) {
        let mut bye = Buffer::default();
        frame::put_bye(&mut bye, reason);
        if sockets::send(call.as_fd(), bye.bytes()).is_err() {
            return;
        }
        sockets::shut_sending(call.as_fd());
        if self.rejected.len() == HELD {
            self.rejected.pop_front();
        }
        self.rejected.push_back((call, now + LINGER_LIMIT));
    }

    /// The sockets of rejected callers: what they send is discarded until they close.
    pub fn rejected(&self) -> impl Iterator<Item = &TcpStream> {
        self.rejected.iter().map(|(call, _)| call)
    }

    /// When to call [`Arrivals::tend`] even if nothing is readable.
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.rejected.front().map(|&(_, limit)| limit);
        [oldest, self.resting].into_iter().flatten().min()
    }

    /// Closes the sockets of callers who have closed or had their time, takes the spare descriptor
    /// back as soon as there is one, and listens again after a pause.
    pub fn tend(&mut self, now: Instant) {
        let mut rest = [0; 4096];
        self.rejected.retain(|(call, limit)| {
            let closed = match sockets::receive(call.as_fd(), &mut rest) {
                Ok(count) => count == 0,
                Err(error) => !would_block(&error),
            };
            !closed && now < *limit
        });
        if self.spare.is_none() {
            self.spare = File::open("/dev/null").ok();
        }
        self.resting = self.resting.filter(|&until| now < until);
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// An IPv4 caller on a dual-stack socket is shown, counted and matched as IPv4.
fn canonical(from: SocketAddr) -> SocketAddr {
    SocketAddr::new(from.ip().to_canonical(), from.port())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_rejected_caller_reads_why_and_is_held_no_longer_than_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut arrivals = Arrivals::new(listener);
        let start = Instant::now();
        let mut callers: Vec<_> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
        for _ in &callers {
            let Arrival::Call(call, _) = arrivals.accept(start) else { panic!("nobody called") };
            arrivals.reject(call, "full", start);
        }
        // What is unread must not take the reason with it.
        callers[0].write_all(b"unread").unwrap();
        let mut bye = Vec::new();
        callers[0].read_to_end(&mut bye).unwrap();
        assert_eq!(bye, b"B\0\x04full");
        callers.remove(0);
        let limit = arrivals.deadline().unwrap();
        assert_eq!(limit, start + LINGER_LIMIT);
        while arrivals.rejected().count() > 1 {
            arrivals.tend(start);
        }
        arrivals.tend(limit - Duration::from_millis(1));
        assert_eq!(arrivals.rejected().count(), 1);
        arrivals.tend(limit);
        assert_eq!((arrivals.rejected().count(), arrivals.deadline()), (0, None));
    }

    #[test]
    fn no_more_rejected_callers_are_held_than_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut arrivals = Arrivals::new(listener);
        let now = Instant::now();
        let callers: Vec<_> = (0..HELD + 3)
            .map(|_| {
                let caller = TcpStream::connect(address).unwrap();
                let Arrival::Call(call, _) = arrivals.accept(now) else { panic!("nobody called") };
                arrivals.reject(call, "full", now);
                caller
            })
            .collect();
        assert_eq!(arrivals.rejected().count(), HELD);
        drop(callers);
    }
}

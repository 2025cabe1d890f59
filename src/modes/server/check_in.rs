//! Checking a call in: before any window opens, the caller has sent a complete valid HELLO.
//!
//! It runs in the helper. The invariant: a port scan, an HTTP request or a silent connection ends
//! here, so that it never puts anything on the desk's screen. What is parsed here comes from
//! anybody, in a process that is not sandboxed yet and still has a copy of the server's memory:
//! only a header and at most [`FIRST_FRAME`] bytes are looked at.

use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use nix::sys::signal::Signal;

use crate::protocol::frame::{self, Frame};
use crate::protocol::name::Name;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::sys::{sockets, would_block};

/// The most bytes of a first frame that can be checked in.
const FIRST_FRAME: usize = 128;
/// The signals that end a helper.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Looks at the first frame without taking it: the handler still reads it.
///
/// # Errors
/// It is not a complete valid HELLO, does not come within `limit`, or a signal asks the helper to
/// end.
pub fn check_in(call: &TcpStream, limit: Duration, signals: &Signals) -> Result<Name> {
    let deadline = Instant::now() + limit;
    let mut first = [0; FIRST_FRAME];
    let mut seen = 0;
    loop {
        // Half a frame keeps a socket readable: wake only for more than what was seen.
        sockets::readable_at(call, seen + 1)?;
        let mut interests = [Interest::read(call, true)];
        ready::poll(&mut interests, Some(deadline), signals.mask())?;
        obey(signals)?;
        if Instant::now() >= deadline {
            bail!("no HELLO within {} s", limit.as_secs());
        }
        // A signal that does not end the helper has ended the wait. What was seen is still there,
        // and must not be taken for the end of the stream.
        if !interests[0].ready {
            continue;
        }
        match sockets::peek(call.as_fd(), &mut first) {
            Ok(count) if count <= seen => bail!("hung up without a HELLO"),
            Ok(count) => seen = count,
            Err(error) if would_block(&error) => continue,
            Err(error) => return Err(error.into()),
        }
        if let Some(name) = first_hello(&first[..seen])? {
            sockets::readable_at(call, 1)?;
            return Ok(name);
        }
    }
}

/// Ends the helper if a signal asks for it. Signals stay blocked but in poll(2), so one that came
/// since the last call is let in first.
///
/// # Errors
/// A signal asks for the end.
pub fn obey(signals: &Signals) -> Result<()> {
    ready::poll::<()>(&mut [], Some(Instant::now()), signals.mask())?;
    match signals.take().iter().find(|signal| ENDING.contains(signal)) {
        Some(signal) => bail!("terminated by {signal}"),
        None => Ok(()),
    }
}

/// The name in the HELLO that begins `bytes`; `None` while it is incomplete.
fn first_hello(bytes: &[u8]) -> Result<Option<Name>> {
    let wrong =
        |what: &str| anyhow!("protocol error: {what}; it began with \"{}\"", bytes.escape_ascii());
    if frame::length(bytes).is_ok_and(|length| length > Some(FIRST_FRAME)) {
        return Err(wrong("the first frame is not a HELLO"));
    }
    match frame::decode(bytes) {
        Ok(Some((Frame::Hello(hello), _))) => Ok(Some(hello.to_name())),
        Ok(Some(_)) => Err(wrong("the first frame is not a HELLO")),
        Ok(None) => Ok(None),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener};

    use super::*;

    /// How a caller fares who sends this and then nothing more, and what is left in the socket.
    fn fate(said: &[u8], hangs_up: bool) -> (Result<Name, String>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut call, _) = listener.accept().unwrap();
        caller.write_all(said).unwrap();
        if hangs_up {
            caller.shutdown(Shutdown::Write).unwrap();
        }
        let signals = Signals::watch(&[]).unwrap();
        let name = check_in(&call, Duration::from_millis(100), &signals);
        caller.shutdown(Shutdown::Write).unwrap();
        let mut left = Vec::new();
        call.read_to_end(&mut left).unwrap();
        (name.map_err(|error| error.to_string()), left)
    }

    #[test]
    fn a_hello_is_looked_at_and_left_there() {
        let said = b"H\0\x07\x01\0aliceT\0\x02hi";
        assert_eq!(fate(said, false), (Ok("alice".parse().unwrap()), said.to_vec()));
    }

    #[test]
    fn what_is_not_a_hello_is_an_error_that_says_how_it_began() {
        let silence = "no HELLO within 0 s".to_owned();
        assert_eq!(fate(b"", false).0, Err(silence.clone()));
        assert_eq!(fate(b"H\0\x07\x01\0al", false).0, Err(silence));
        for (said, error) in [
            (&b"H\0\x07\x01\0al"[..], "hung up without a HELLO"),
            (b"T\0\x01x", "protocol error: the first frame is not a HELLO; it began with \"T\\x00"),
            (b"\x16\x03\x01\x02\0", "protocol error: the first frame is not a HELLO; it began"),
            (b"H\0\x03\x02\0x", "protocol error: "),
            (b"GET / HTTP/1.1\r\n\r\n", "protocol error: frame 'G' of 17748 bytes is too long"),
        ] {
            let (fate, left) = fate(said, true);
            assert!(fate.as_ref().unwrap_err().starts_with(error), "{fate:?}");
            assert_eq!(left, said);
        }
    }
}

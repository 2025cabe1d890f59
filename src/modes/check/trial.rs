//! One call in which a rule is tested.
//!
//! Next door, `rules` are the steps and `wire` the frames. The invariant: the first arrival that
//! the rule does not expect ends the trial, and is what is reported.

use std::fmt;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::rules::{Expected, Step};
use super::wire::{Arrival, Wire};
use crate::protocol::events::Role;
use crate::protocol::frame::{self, Frame};
use crate::protocol::limits::HELLO_LIMIT;

/// The pause between two bytes, so that they do not arrive in one read.
const BYTE_PAUSE: Duration = Duration::from_millis(5);
/// The pause between two attempts to see whether the peer has closed the connection.
const CLOSE_PAUSE: Duration = Duration::from_millis(20);
/// An empty frame with an unknown tag, which every receiver skips.
const SKIPPED: &[u8] = &[0, 0, 0];
/// How the reason of a BYE that reports a protocol error begins.
const FAULT: &[u8] = b"protocol error: ";

/// How a rule was broken, in words.
#[derive(Debug)]
pub struct Breach {
    pub expected: String,
    pub came: String,
}

/// What an arrival means for what is expected.
enum Verdict {
    Holds,
    /// Allowed at any time: keep waiting.
    Passes,
    Breaks,
}

pub struct Trial {
    wire: Wire,
    /// The role of the implementation under test.
    tested: Role,
    /// How long each answer may take.
    wait: Duration,
    /// Whether HELLO was exchanged, after which TEXT is allowed.
    open: bool,
    /// Why sending failed.
    unsent: Option<String>,
}

impl Trial {
    /// A trial on this connection to an implementation in the role `tested`.
    ///
    /// # Errors
    /// The socket does not accept a timeout.
    pub fn new(socket: TcpStream, tested: Role, wait: Duration) -> Result<Self> {
        Ok(Self { wire: Wire::new(socket, wait)?, tested, wait, open: false, unsent: None })
    }

    /// Performs the steps and hangs up.
    ///
    /// # Errors
    /// The rule is broken.
    pub fn play(mut self, steps: &[Step]) -> Result<(), Breach> {
        let verdict = self.steps(steps);
        self.wire.hang_up();
        verdict
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Breach> {
        if self.tested == Role::Caller {
            self.expect(Expected::Hello, HELLO_LIMIT)?;
        }
        steps.iter().try_for_each(|step| self.step(step))?;
        match self.unsent.take() {
            // Nothing that arrived explains why sending failed.
            Some(came) => Err(Breach { expected: "it to keep reading".into(), came }),
            None => Ok(()),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Breach> {
        match step {
            Step::Greet(hello) => {
                self.send(hello);
                if self.tested == Role::Handler {
                    self.expect(Expected::Hello, self.wait)?;
                }
                self.open = true;
            }
            Step::Send(bytes) => self.send(bytes),
            Step::Trickle(bytes) => {
                for byte in bytes.chunks(1) {
                    self.send(byte);
                    thread::sleep(BYTE_PAUSE);
                }
            }
            Step::Shut => self.wire.shut(),
            Step::Expect(expected) => self.expect(*expected, self.wait)?,
            Step::Within(limit, expected) => self.expect(*expected, *limit)?,
            Step::Goodbye => {
                self.expect(Expected::Bye, self.wait)?;
                self.expect(Expected::End, self.wait)?;
                self.expect_closed()?;
            }
        }
        Ok(())
    }

    /// Sends, and only notes a failure: what has already arrived may explain it better.
    fn send(&mut self, bytes: &[u8]) {
        if self.unsent.is_none() {
            self.unsent = self.wire.send(bytes).err();
        }
    }

    fn expect(&mut self, expected: Expected, limit: Duration) -> Result<(), Breach> {
        let deadline = Instant::now() + limit;
        let mut before = String::new();
        loop {
            let arrival = self.wire.next(deadline);
            match self.judge(expected, &arrival) {
                Verdict::Holds => return Ok(()),
                Verdict::Passes => before = format!(" after {arrival}"),
                Verdict::Breaks => {
                    let expected = format!("{expected} within {} s", limit.as_secs_f64());
                    return Err(Breach { expected, came: format!("{arrival}{before}") });
                }
            }
        }
    }

    /// Expects a caller to close the connection, which shows that it has understood our BYE: a
    /// caller whose input has ended says BYE by itself and would then keep waiting for ours.
    /// Sending fails once it has closed; until then it skips the frame. A desk says BYE only in
    /// answer to ours, and its window may keep the connection open while somebody reads.
    fn expect_closed(&mut self) -> Result<(), Breach> {
        let deadline = Instant::now() + self.wait;
        while self.tested == Role::Caller && self.wire.send(SKIPPED).is_ok() {
            if Instant::now() >= deadline {
                let limit = self.wait.as_secs_f64();
                let expected = format!("the connection to be closed within {limit} s");
                return Err(Breach { expected, came: Arrival::Nothing.to_string() });
            }
            thread::sleep(CLOSE_PAUSE);
        }
        Ok(())
    }

    fn judge(&self, expected: Expected, arrival: &Arrival) -> Verdict {
        let holds = match (expected, arrival) {
            (Expected::Silence, Arrival::Nothing)
            | (Expected::End | Expected::Dropped, Arrival::End)
            | (Expected::Dropped, Arrival::Failed(_)) => true,
            (_, Arrival::Frame(bytes)) => return self.judge_frame(expected, bytes),
            _ => false,
        };
        if holds { Verdict::Holds } else { Verdict::Breaks }
    }

    fn judge_frame(&self, expected: Expected, bytes: &[u8]) -> Verdict {
        use Expected::{Bye, Dropped, End, Fault, Hello, Silence, Text};
        let Ok(frame) = frame::parse(bytes) else {
            return Verdict::Breaks;
        };
        let waits = !matches!(expected, End | Silence);
        match (expected, frame) {
            (Hello, Frame::Hello(..)) if bytes[frame::HEADER + 1] == 0 => Verdict::Holds,
            (Text, Frame::Text(_) | Frame::Part(_)) if self.open => Verdict::Holds,
            (Bye, Frame::Bye(reason)) if !reason.starts_with(FAULT) => Verdict::Holds,
            (Fault, Frame::Bye(reason)) if reason.starts_with(FAULT) => Verdict::Holds,
            (Dropped, Frame::Bye(_)) => Verdict::Holds,
            (_, Frame::Text(_) | Frame::Part(_)) if waits && self.open => Verdict::Passes,
            // A caller's first frame must be HELLO.
            (Hello, Frame::Unknown(_)) if self.tested == Role::Caller => Verdict::Breaks,
            (_, Frame::Unknown(_)) if waits => Verdict::Passes,
            _ => Verdict::Breaks,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "HELLO with flags 0",
            Self::Text => "TEXT or PART",
            Self::Bye => "BYE",
            Self::Fault => "BYE \"protocol error: …\"",
            Self::Dropped => "BYE or the end of the stream",
            Self::End => "the end of the stream",
            Self::Silence => "nothing",
        })
    }
}

//! One call in which a rule is tested.
//!
//! Next door, `rules` are the steps and `wire` the frames. The invariant: the first arrival that
//! the rule does not expect ends the trial, and is what is reported.

use std::fmt;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::acks::Tally;
use super::rules::{Expected, Step};
use super::wire::{Arrival, Wire};
use crate::protocol::events::Role;
use crate::protocol::frame::{self, Frame};
use crate::protocol::limits::HELLO_LIMIT;

/// The pause between two bytes, so that they do not arrive in one read.
const BYTE_PAUSE: Duration = Duration::from_millis(5);
/// The pause between two lines that are sent at a pace.
const LINE_PAUSE: Duration = Duration::from_millis(50);
/// The pause between two attempts to see whether the peer has closed the connection.
const CLOSE_PAUSE: Duration = Duration::from_millis(20);
/// An empty frame with an unknown tag, which every receiver skips.
const SKIPPED: &[u8] = &[0, 0, 0];
const BYE: &[u8] = b"B\0\0";
/// How the reason of a BYE that reports a protocol error begins.
const FAULT: &[u8] = b"protocol error: ";

/// Why a rule was not seen to hold.
#[derive(Debug)]
pub enum Failing {
    /// It was broken, and how, in words.
    Broken { expected: String, came: String },
    /// It is about acknowledgements, which the implementation under test does not offer.
    NotOffered,
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
    tally: Tally,
    /// What the frame before counted, if that was an ACK that was not waited for.
    acknowledged: Option<u64>,
    /// An arrival that nobody has waited for yet.
    held: Option<Arrival>,
    /// Why sending failed.
    unsent: Option<String>,
}

impl Trial {
    /// A trial on this connection to an implementation in the role `tested`.
    ///
    /// # Errors
    /// The socket does not accept a timeout.
    pub fn new(socket: TcpStream, tested: Role, wait: Duration) -> Result<Self> {
        Ok(Self {
            wire: Wire::new(socket, wait)?,
            tested,
            wait,
            open: false,
            tally: Tally::new(),
            acknowledged: None,
            held: None,
            unsent: None,
        })
    }

    /// Performs the steps and hangs up.
    ///
    /// # Errors
    /// The rule is broken, or does not bind this implementation.
    pub fn play(mut self, steps: &[Step]) -> Result<(), Failing> {
        let verdict = self.steps(steps);
        if let Err(Failing::NotOffered) = verdict {
            self.send(BYE);
        }
        self.wire.hang_up();
        verdict
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Failing> {
        if self.tested == Role::Caller {
            self.expect(Expected::Hello, HELLO_LIMIT)?;
        }
        steps.iter().try_for_each(|step| self.step(step))?;
        match self.unsent.take() {
            // Nothing that arrived explains why sending failed.
            Some(came) => Err(Failing::Broken { expected: "it to keep reading".into(), came }),
            None => Ok(()),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Failing> {
        match step {
            Step::Greet(hello) => {
                self.send(hello);
                self.tally.on_greeted(hello);
                if self.tested == Role::Handler {
                    self.expect(Expected::Hello, self.wait)?;
                }
                self.open = true;
            }
            Step::NeedAcks if !self.tally.is_offered() => return Err(Failing::NotOffered),
            Step::NeedAcks => {}
            Step::Send(bytes) => self.send(bytes),
            Step::Pace(line, time) => self.pace(line, Instant::now() + *time),
            Step::Leave => self.send(&[&self.tally.last_ack(), BYE].concat()),
            Step::Trickle(bytes) => {
                for byte in bytes.chunks(1) {
                    self.send(byte);
                    thread::sleep(BYTE_PAUSE);
                }
            }
            Step::Shut => self.wire.shut(),
            Step::Expect(expected) => self.expect(*expected, self.wait)?,
            Step::Within(limit, expected) => self.expect(*expected, *limit)?,
            Step::Goodbye(answer) => {
                self.expect(*answer, self.wait)?;
                self.expect(Expected::End, self.wait)?;
                self.expect_closed()?;
            }
            Step::Acks(counts) => self.tally.check(*counts)?,
        }
        Ok(())
    }

    /// Sends a line again and again, until something other than text and ACKs arrives.
    fn pace(&mut self, line: &[u8], end: Instant) {
        while Instant::now() < end {
            self.send(line);
            self.tally.on_line_sent();
            let deadline = Instant::now() + LINE_PAUSE;
            loop {
                let arrival = self.next(deadline);
                if matches!(arrival, Arrival::Nothing) {
                    break;
                }
                if !matches!(self.judge(Expected::Bye, &arrival), Verdict::Passes) {
                    self.held = Some(arrival);
                    return;
                }
            }
        }
    }

    /// Sends, and only notes a failure: what has already arrived may explain it better.
    fn send(&mut self, bytes: &[u8]) {
        if self.unsent.is_none() {
            self.unsent = self.wire.send(bytes).err();
        }
    }

    fn next(&mut self, deadline: Instant) -> Arrival {
        if let Some(held) = self.held.take() {
            return held;
        }
        let arrival = self.wire.next(deadline);
        self.tally.on_arrival(&arrival);
        arrival
    }

    fn expect(&mut self, expected: Expected, limit: Duration) -> Result<(), Failing> {
        let deadline = Instant::now() + limit;
        let mut before = String::new();
        loop {
            let arrival = self.next(deadline);
            let verdict = self.judge(expected, &arrival);
            self.acknowledged = None;
            match verdict {
                Verdict::Holds => return Ok(()),
                Verdict::Passes => {
                    self.acknowledged = arrival.ack();
                    before = format!(" after {arrival}");
                }
                Verdict::Breaks => {
                    let expected = format!("{expected} within {} s", limit.as_secs_f64());
                    return Err(Failing::Broken { expected, came: format!("{arrival}{before}") });
                }
            }
        }
    }

    /// Expects a caller to close the connection, which shows that it has understood our BYE: a
    /// caller whose input has ended says BYE by itself and would then keep waiting for ours.
    /// Sending fails once it has closed; until then it skips the frame. A desk says BYE only in
    /// answer to ours, and its window may keep the connection open while somebody reads.
    fn expect_closed(&mut self) -> Result<(), Failing> {
        let deadline = Instant::now() + self.wait;
        while self.tested == Role::Caller && self.wire.send(SKIPPED).is_ok() {
            if Instant::now() >= deadline {
                let limit = self.wait.as_secs_f64();
                let expected = format!("the connection to be closed within {limit} s");
                return Err(Failing::Broken { expected, came: Arrival::Nothing.to_string() });
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
        use Expected::{Ack, Bye, Confirmed, Dropped, End, Fault, Hello, Silence, Text};
        let Ok(frame) = frame::parse(bytes) else {
            return Verdict::Breaks;
        };
        let waits = !matches!(expected, End | Silence);
        match (expected, frame) {
            (Hello, Frame::Hello(..)) => Verdict::Holds,
            (Text, Frame::Text(_) | Frame::Part(_)) if self.open => Verdict::Holds,
            (Ack(count), Frame::Ack(shown)) if count == shown => Verdict::Holds,
            (Confirmed(count), Frame::Bye(_)) if self.acknowledged != Some(count) => {
                Verdict::Breaks
            }
            (Bye | Confirmed(_), Frame::Bye(reason)) if !reason.starts_with(FAULT) => {
                Verdict::Holds
            }
            (Fault, Frame::Bye(reason)) if reason.starts_with(FAULT) => Verdict::Holds,
            (Dropped, Frame::Bye(_)) => Verdict::Holds,
            (_, Frame::Text(_) | Frame::Part(_) | Frame::Ack(_)) if waits && self.open => {
                Verdict::Passes
            }
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
            Self::Ack(count) => return write!(f, "ACK {count}"),
            Self::Confirmed(count) => return write!(f, "BYE directly after ACK {count}"),
            Self::Hello => "HELLO",
            Self::Text => "TEXT or PART",
            Self::Bye => "BYE",
            Self::Fault => "BYE \"protocol error: …\"",
            Self::Dropped => "BYE or the end of the stream",
            Self::End => "the end of the stream",
            Self::Silence => "nothing",
        })
    }
}

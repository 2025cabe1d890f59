//! What is acknowledged in the call of one trial, in both directions.
//!
//! Next door, `trial` sends and judges single frames; here are the counts. The invariant: a
//! rule is judged by the order of frames and by their number, never by when a single one arrived.

use std::time::Instant;

use super::rules::{ACKNOWLEDGES, Counts};
use super::trial::Failing;
use super::wire::Arrival;
use crate::buffer::Buffer;
use crate::protocol::frame::{self, Frame, HEADER};

/// Where the flags stand in a HELLO.
const FLAGS: usize = HEADER + 1;

/// More lines than are sent between an ACK and the BYE that follows directly.
const MANY: u64 = 10;

pub struct Tally {
    begun: Instant,
    /// The flags in our HELLO and in the peer's.
    ours: u8,
    theirs: u8,
    /// Lines that were sent at a pace.
    lines: u64,
    /// TEXT and PART frames that came.
    heard: u64,
    /// ACKs that came: what each counts, and how many lines had been sent by then.
    acks: Vec<(u64, u64)>,
}

impl Tally {
    pub fn new() -> Self {
        let begun = Instant::now();
        Self { begun, ours: 0, theirs: 0, lines: 0, heard: 0, acks: Vec::new() }
    }

    pub fn on_greeted(&mut self, hello: &[u8]) {
        self.ours = hello[FLAGS];
    }

    pub fn on_line_sent(&mut self) {
        self.lines += 1;
    }

    pub fn on_arrival(&mut self, arrival: &Arrival) {
        let Arrival::Frame(bytes) = arrival else { return };
        match frame::parse(bytes) {
            Ok(Frame::Hello(..)) => self.theirs = bytes[FLAGS],
            Ok(Frame::Text(_) | Frame::Part(_)) => self.heard += 1,
            Ok(Frame::Ack(count)) => self.acks.push((count, self.lines)),
            _ => {}
        }
    }

    /// Whether the peer's HELLO offers to acknowledge.
    pub fn is_offered(&self) -> bool {
        self.theirs & ACKNOWLEDGES != 0
    }

    /// What goes before our BYE: an ACK, if both sides acknowledge.
    pub fn last_ack(&self) -> Vec<u8> {
        let mut out = Buffer::default();
        if self.ours & self.theirs & ACKNOWLEDGES != 0 {
            frame::put_ack(&mut out, self.heard);
        }
        out.bytes().to_vec()
    }

    /// Whether all ACKs that came are as expected.
    pub fn check(&self, counts: Counts) -> Result<(), Failing> {
        let (holds, expected) = match counts {
            Counts::None => (self.acks.is_empty(), "no ACK".into()),
            Counts::OncePerSecond => {
                let seconds = self.begun.elapsed().as_secs();
                // One at once, one after each second, and one before BYE.
                let most = seconds + 2;
                let expected = format!("at most {most} ACKs in less than {} s", seconds + 1);
                (self.acks.len() as u64 <= most, expected)
            }
            Counts::True => {
                let grow = self.acks.is_sorted_by_key(|&(count, _)| count);
                let sent = self.acks.iter().all(|(count, lines)| count <= lines);
                (grow && sent, format!("counts of up to {} that do not go back", self.lines))
            }
            Counts::Last => {
                let since = self.acks.last().map(|(_, lines)| self.lines - lines);
                (since.is_some_and(|lines| lines < MANY), "an ACK together with BYE".into())
            }
        };
        if holds {
            return Ok(());
        }
        let acks =
            self.acks.iter().map(|(count, lines)| format!("ACK {count} after {lines} lines"));
        let acks = acks.collect::<Vec<_>>().join(", ");
        let came = if acks.is_empty() { "none".into() } else { acks };
        Err(Failing::Broken { expected, came })
    }
}

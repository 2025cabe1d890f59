//! How much of one caller a screen shows, so that a flood hides nobody else.
//!
//! Pure. Next door, `roster` has one flow for each call. The invariant: what is shown of a caller
//! is at most [`ROWS`] rows at once and in each second, apart from the last line of them; of what
//! is held back, every line is counted and at most [`HELD_LIMIT`] bytes are kept.

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use crate::terminal::assembler::Piece;

/// Rows that a caller may fill at once, and in each second.
const ROWS: i64 = 20;
/// Bytes that count as a row, whatever the width of the screen.
const ROW: usize = 80;
/// Bytes of held lines that are kept, the newest ones, with what each costs in addition.
const HELD_LIMIT: usize = 64 * 1024;
const LINE_COST: usize = 64;
/// How often the count is said while a flood goes on.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// What one caller says on a screen.
pub struct Flow {
    /// Everything is held back.
    pub muted: bool,
    /// Rows that may be filled, as of `at`. Held lines use them up as well, so that nothing of a
    /// flood is shown until it pauses.
    room: i64,
    at: Instant,
    held: VecDeque<Piece<'static>>,
    held_bytes: usize,
    /// Held lines that were not kept.
    dropped: u64,
    /// Held lines that have not been counted aloud, and since when there are any.
    count: u64,
    since: Instant,
}

impl Flow {
    pub fn new(now: Instant) -> Self {
        let (held, since) = (VecDeque::new(), now);
        let (held_bytes, dropped, count) = (0, 0, 0);
        Self { muted: false, room: ROWS, at: now, held, held_bytes, dropped, count, since }
    }

    /// Passes a piece on if it may be shown, else holds it back.
    pub fn admit<'a>(&mut self, piece: Piece<'a>, now: Instant) -> Option<Piece<'a>> {
        let rows = 1 + i64::try_from(piece.text.len() / ROW).unwrap_or(i64::MAX / 2);
        self.refill(now);
        if !self.muted && self.room > 0 {
            self.room -= rows;
            return Some(piece);
        }
        self.room = self.room.min((self.room - rows).max(-ROWS));
        if self.count == 0 {
            self.since = now;
        }
        self.count += 1;
        self.hold(Piece { text: piece.text.into_owned().into(), ..piece });
        None
    }

    /// When [`count`](Self::count) is to be asked.
    pub fn deadline(&self) -> Option<Instant> {
        let seconds = u64::try_from(1 - self.room).unwrap_or(0).div_ceil(ROWS.unsigned_abs());
        let calm = self.at + Duration::from_secs(seconds);
        (self.count > 0 && !self.muted).then(|| calm.min(self.since + COUNT_EVERY))
    }

    /// How many lines have been held back since this was asked last, if that is to be said now.
    pub fn poll_count(&mut self, now: Instant) -> Option<u64> {
        self.deadline().filter(|&deadline| deadline <= now)?;
        self.count()
    }

    /// How many lines have been held back since this was asked last, if any.
    pub fn count(&mut self) -> Option<u64> {
        Some(mem::take(&mut self.count)).filter(|&count| count > 0)
    }

    /// Whether lines are kept for [`take`](Self::take).
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the lines that were held back, and how many before them were not kept.
    pub fn take(&mut self) -> (u64, VecDeque<Piece<'static>>) {
        (self.count, self.held_bytes) = (0, 0);
        (mem::take(&mut self.dropped), mem::take(&mut self.held))
    }

    fn refill(&mut self, now: Instant) {
        let rows = now.saturating_duration_since(self.at).as_secs_f64() * ROWS as f64;
        // Less than a row is kept for the next time.
        if rows >= 1.0 {
            self.room = (self.room + rows as i64).min(ROWS);
            self.at = now;
        }
    }

    fn hold(&mut self, piece: Piece<'static>) {
        let cost = |piece: &Piece<'_>| piece.text.len() + LINE_COST;
        self.held_bytes += cost(&piece);
        self.held.push_back(piece);
        while self.held_bytes > HELD_LIMIT {
            let oldest = self.held.pop_front().expect("bytes are held");
            self.held_bytes -= cost(&oldest);
            self.dropped += 1;
        }
    }
}

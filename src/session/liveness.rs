//! Whether the other end takes what is sent: what can be told from the time that passes.
//!
//! Two things can be wrong. A reader stalls: its host acknowledges everything and has no room for
//! more, which may go on for as long as it likes. Or the host is gone: it acknowledges nothing. TCP
//! gives up on that after a quarter of an hour, and its `TCP_USER_TIMEOUT` cannot tell one from the
//! other (tcp(7): it ends connections without room as well), so it is decided here. Pure: the
//! engine says what was sent, and looks every now and then what the kernel knows. The invariant:
//! while nothing is on its way there is nothing to look at, so that an idle conversation sleeps.

use std::time::{Duration, Instant};

/// How long nothing may have been taken before the person hears of it.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// How long a host may acknowledge nothing, with something to acknowledge.
const GONE_AFTER: Duration = Duration::from_secs(45);

/// What becomes of what is sent.
#[derive(Debug, Default)]
pub struct Liveness {
    /// Since when there is no room.
    full: Option<Instant>,
    /// The person has heard that the other end does not read.
    stalled: bool,
    /// Since when the other host may have owed an answer, as far as was looked.
    under_way: Option<Instant>,
}

impl Liveness {
    /// Something was sent. Returns whether nothing was on its way before, so that somebody has to
    /// look from now on.
    pub fn sent(&mut self, now: Instant) -> bool {
        self.full = None;
        let first = self.under_way.is_none();
        self.under_way.get_or_insert(now);
        first
    }

    /// Nothing could be sent: there is no room.
    pub fn full(&mut self, now: Instant) {
        self.full.get_or_insert(now);
    }

    /// When to ask [`Liveness::change`].
    pub fn deadline(&self) -> Option<Instant> {
        self.full.filter(|_| !self.stalled).map(|since| since + STALLED_AFTER)
    }

    /// News for the person: whether the other end reads.
    pub fn change(&mut self, now: Instant) -> Option<bool> {
        let stalled = match self.full {
            Some(since) => self.stalled || now >= since + STALLED_AFTER,
            None => false,
        };
        (std::mem::replace(&mut self.stalled, stalled) != stalled).then_some(!stalled)
    }

    /// What a look shows. `unanswered` is how long the other host has left something unanswered,
    /// zero when it owes no answer, and `None` when everything was acknowledged.
    pub fn looked(&mut self, now: Instant, unanswered: Option<Duration>) -> Look {
        let Some(silence) = unanswered else {
            self.under_way = None;
            return Look::Done;
        };
        let since = match self.under_way {
            Some(since) if !silence.is_zero() => since,
            _ => now,
        };
        self.under_way = Some(since);
        // Silence from before there was something to answer counts for nothing.
        if silence.min(now - since) >= GONE_AFTER { Look::Gone } else { Look::Again }
    }
}

/// What is to be done after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing is on its way.
    Done,
    /// Something is: look again.
    Again,
    /// The other host is gone.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_reader_that_stalls_is_told_about_once_and_again_when_it_reads() {
        let start = Instant::now();
        let mut liveness = Liveness::default();
        assert_eq!(liveness.deadline(), None);
        liveness.full(start);
        assert_eq!(liveness.deadline(), Some(after(start, 3)));
        assert_eq!(liveness.change(after(start, 2)), None);
        liveness.full(after(start, 2));
        assert_eq!(liveness.change(after(start, 3)), Some(false));
        assert_eq!(liveness.deadline(), None);
        assert_eq!(liveness.change(after(start, 4)), None);
        liveness.sent(after(start, 5));
        assert_eq!(liveness.change(after(start, 5)), Some(true));
        assert_eq!(liveness.change(after(start, 6)), None);
        // A moment without room is nothing to talk about.
        liveness.full(after(start, 7));
        liveness.sent(after(start, 8));
        assert_eq!(liveness.change(after(start, 20)), None);
    }

    #[test]
    fn a_host_is_gone_that_acknowledges_nothing_for_long() {
        let start = Instant::now();
        let mut liveness = Liveness::default();
        let (quiet, busy) = (Some(Duration::from_secs(3600)), Some(Duration::from_secs(1)));
        assert!(liveness.sent(start));
        assert!(!liveness.sent(after(start, 1)), "somebody looks already");
        assert_eq!(liveness.deadline(), None);
        for second in [10, 20, 30, 40] {
            assert_eq!(liveness.looked(after(start, second), quiet), Look::Again, "{second}");
        }
        assert_eq!(liveness.looked(after(start, 50), quiet), Look::Gone);
        // Somebody without room who says so may take all the time.
        assert_eq!(liveness.looked(after(start, 1000), busy), Look::Again);
        // So may somebody who was not asked for long, and was just now.
        assert_eq!(liveness.looked(after(start, 1010), Some(Duration::ZERO)), Look::Again);
        assert_eq!(liveness.looked(after(start, 1020), quiet), Look::Again);
        // Everything has arrived: nothing more to look at, and a new start next time.
        assert_eq!(liveness.looked(after(start, 2000), None), Look::Done);
        assert!(liveness.sent(after(start, 5000)));
        assert_eq!(liveness.looked(after(start, 5010), quiet), Look::Again);
    }
}

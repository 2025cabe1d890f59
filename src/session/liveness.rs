//! Whether the peer takes what is sent, as far as it can be told from the time that passes.
//!
//! Two things can go wrong. The peer's program may not read: its host acknowledges every segment
//! and announces a window of zero, for as long as it likes. Or the host is gone: it acknowledges
//! nothing. TCP gives up on the second after a quarter of an hour, and `TCP_USER_TIMEOUT` ends
//! connections of the first kind as well (tcp(7)), so it is decided here. Pure: the engine says
//! what was sent, and every few seconds what the kernel knows. The invariant: while nothing is
//! unacknowledged there is nothing to look at, so an idle conversation sleeps.

use std::mem;
use std::time::{Duration, Instant};

/// How long there may be no room to send before the person is told.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// How long a host may acknowledge nothing while something is unacknowledged.
const GONE_AFTER: Duration = Duration::from_secs(45);

/// What becomes of what is sent.
#[derive(Debug, Default)]
pub struct Liveness {
    /// Since when the socket has had no room.
    blocked: Option<Instant>,
    /// The person was told that the peer does not read.
    stalled: bool,
    /// Since when the peer's host may owe an acknowledgement.
    owed: Option<Instant>,
}

impl Liveness {
    /// Something was sent. Returns whether looks have to begin, because everything sent before has
    /// been acknowledged.
    pub fn on_sent(&mut self, now: Instant) -> bool {
        self.blocked = None;
        let first = self.owed.is_none();
        self.owed.get_or_insert(now);
        first
    }

    /// The socket had no room.
    pub fn on_blocked(&mut self, now: Instant) {
        self.blocked.get_or_insert(now);
    }

    /// When to call [`Liveness::poll_reading`].
    pub fn deadline(&self) -> Option<Instant> {
        self.blocked.filter(|_| !self.stalled).map(|since| since + STALLED_AFTER)
    }

    /// Whether the peer reads, if the person has to be told.
    pub fn poll_reading(&mut self, now: Instant) -> Option<bool> {
        let stalled = match self.blocked {
            Some(since) => self.stalled || now >= since + STALLED_AFTER,
            None => false,
        };
        let changed = mem::replace(&mut self.stalled, stalled) != stalled;
        changed.then_some(!stalled)
    }

    /// A look at what the kernel knows. `silence` is the age of the last acknowledgement from the
    /// peer's host (`tcpi_last_ack_recv`): zero when the host owes none, and `None` when everything
    /// was acknowledged.
    ///
    /// A host without room is asked for some in probes, which it acknowledges, with pauses of up to
    /// two minutes between them. The age of the last acknowledgement grows through such a pause, so
    /// it counts only while a segment or a probe is unanswered; otherwise it is zero. It also grows
    /// through the time before anything was sent, so it counts only from then on.
    pub fn on_look(&mut self, now: Instant, silence: Option<Duration>) -> Look {
        let Some(silence) = silence else {
            self.owed = None;
            return Look::Done;
        };
        let since = match self.owed {
            Some(since) if !silence.is_zero() => since,
            _ => now,
        };
        self.owed = Some(since);
        if silence.min(now - since) >= GONE_AFTER { Look::Gone } else { Look::Again }
    }
}

/// What to do after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: everything was acknowledged.
    Done,
    /// Look again.
    Again,
    /// Give up: the peer's host is gone.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_peer_that_stalls_is_reported_once_and_again_when_it_reads() {
        let start = Instant::now();
        let mut liveness = Liveness::default();
        assert_eq!(liveness.deadline(), None);
        liveness.on_blocked(start);
        assert_eq!(liveness.deadline(), Some(after(start, 3)));
        assert_eq!(liveness.poll_reading(after(start, 2)), None);
        liveness.on_blocked(after(start, 2));
        assert_eq!(liveness.poll_reading(after(start, 3)), Some(false));
        assert_eq!(liveness.deadline(), None);
        assert_eq!(liveness.poll_reading(after(start, 4)), None);
        liveness.on_sent(after(start, 5));
        assert_eq!(liveness.poll_reading(after(start, 5)), Some(true));
        assert_eq!(liveness.poll_reading(after(start, 6)), None);
        // A moment without room is not reported.
        liveness.on_blocked(after(start, 7));
        liveness.on_sent(after(start, 8));
        assert_eq!(liveness.poll_reading(after(start, 20)), None);
    }

    #[test]
    fn a_host_that_acknowledges_nothing_for_long_is_gone() {
        let start = Instant::now();
        let mut liveness = Liveness::default();
        let (quiet, busy) = (Some(Duration::from_secs(3600)), Some(Duration::from_secs(1)));
        assert!(liveness.on_sent(start));
        assert!(!liveness.on_sent(after(start, 1)), "looks have begun already");
        assert_eq!(liveness.deadline(), None);
        for second in [10, 20, 30, 40] {
            assert_eq!(liveness.on_look(after(start, second), quiet), Look::Again, "{second}");
        }
        assert_eq!(liveness.on_look(after(start, 50), quiet), Look::Gone);
        // A host without room that answers the probes is there.
        assert_eq!(liveness.on_look(after(start, 1000), busy), Look::Again);
        // Between two probes nothing is owed, and the silence before the next does not count.
        assert_eq!(liveness.on_look(after(start, 1010), Some(Duration::ZERO)), Look::Again);
        assert_eq!(liveness.on_look(after(start, 1020), quiet), Look::Again);
        // Everything has arrived: nothing more to look at, and a new start next time.
        assert_eq!(liveness.on_look(after(start, 2000), None), Look::Done);
        assert!(liveness.on_sent(after(start, 5000)));
        assert_eq!(liveness.on_look(after(start, 5010), quiet), Look::Again);
    }
}

//! Whether the other end takes what is sent: what can be told from the time that passes.
//!
//! Two things can be wrong. A reader stalls: its host acknowledges everything and has no room for more, which may go on for
//! as long as it likes. Or the host is gone: it acknowledges nothing. TCP gives up on that after a quarter of an hour, and
//! its `TCP_USER_TIMEOUT` cannot tell one from the other (tcp(7): it ends connections without room as well), so it is decided
//! here. Pure: the engine says what was sent and asks the kernel. The invariant: while nothing is on its way there is no
//! deadline, so that an idle conversation sleeps.

use std::time::{Duration, Instant};

/// How long nothing may have been taken before the person hears of it.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// How often to look whether what was sent was acknowledged.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a host may acknowledge nothing, with something to acknowledge.
pub const GONE_AFTER: Duration = Duration::from_secs(45);

/// What becomes of what is sent.
#[derive(Debug, Default)]
pub struct Outflow {
    /// Since when there is no room.
    full: Option<Instant>,
    /// The person has heard that the other end does not read.
    stalled: bool,
    /// Since when the other host may have owed an answer, as far as was looked; and when to look next.
    under_way: Option<(Instant, Instant)>,
}

impl Outflow {
    /// Something was sent.
    pub fn sent(&mut self, now: Instant) {
        self.full = None;
        self.under_way.get_or_insert((now, now + LOOK_EVERY));
    }

    /// Nothing could be sent: there is no room.
    pub fn full(&mut self, now: Instant) {
        self.full.get_or_insert(now);
    }

    /// When to ask [`Outflow::change`] and [`Outflow::is_gone`].
    pub fn deadline(&self) -> Option<Instant> {
        let stall = self.full.filter(|_| !self.stalled).map(|since| since + STALLED_AFTER);
        let look = self.under_way.map(|(_, look)| look);
        [stall, look].into_iter().flatten().min()
    }

    /// News for the person: whether the other end reads.
    pub fn change(&mut self, now: Instant) -> Option<bool> {
        let stalled = match self.full {
            Some(since) => self.stalled || now >= since + STALLED_AFTER,
            None => false,
        };
        (std::mem::replace(&mut self.stalled, stalled) != stalled).then_some(!stalled)
    }

    /// Whether the other host is gone. `unacknowledged` is how long it has left something unanswered, zero when it owes no
    /// answer, and `None` when everything was acknowledged; it is asked for only when that is due.
    pub fn is_gone(
        &mut self,
        now: Instant,
        unacknowledged: impl FnOnce() -> Option<Duration>,
    ) -> bool {
        let Some((since, _)) = self.under_way.filter(|&(_, look)| now >= look) else {
            return false;
        };
        let silence = unacknowledged();
        let answered = silence.is_some_and(|silence| silence.is_zero());
        let since = if answered { now } else { since };
        self.under_way = silence.map(|_| (since, now + LOOK_EVERY));
        // Silence from before there was something to answer counts for nothing.
        silence.is_some_and(|silence| silence.min(now - since) >= GONE_AFTER)
    }
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
        let mut outflow = Outflow::default();
        assert_eq!(outflow.deadline(), None);
        outflow.full(start);
        assert_eq!(outflow.deadline(), Some(after(start, 3)));
        assert_eq!(outflow.change(after(start, 2)), None);
        outflow.full(after(start, 2));
        assert_eq!(outflow.change(after(start, 3)), Some(false));
        assert_eq!(outflow.deadline(), None);
        assert_eq!(outflow.change(after(start, 4)), None);
        outflow.sent(after(start, 5));
        assert_eq!(outflow.change(after(start, 5)), Some(true));
        assert_eq!(outflow.change(after(start, 6)), None);
        // A moment without room is nothing to talk about.
        outflow.full(after(start, 7));
        outflow.sent(after(start, 8));
        assert_eq!(outflow.change(after(start, 20)), None);
    }

    #[test]
    fn a_host_is_gone_that_acknowledges_nothing_for_long() {
        let start = Instant::now();
        let mut outflow = Outflow::default();
        let (quiet, busy) = (Some(Duration::from_secs(3600)), Some(Duration::from_secs(1)));
        outflow.sent(start);
        assert_eq!(outflow.deadline(), Some(after(start, 10)));
        assert!(!outflow.is_gone(after(start, 5), || panic!("it is too early to look")));
        for second in [10, 20, 30, 40] {
            assert!(!outflow.is_gone(after(start, second), || quiet), "{second}");
        }
        assert!(outflow.is_gone(after(start, 50), || quiet));
        // Somebody without room who says so may take all the time.
        assert!(!outflow.is_gone(after(start, 1000), || busy));
        // So may somebody who was not asked for long, and was just now.
        assert!(!outflow.is_gone(after(start, 1010), || Some(Duration::ZERO)));
        assert!(!outflow.is_gone(after(start, 1020), || quiet));
        // Everything has arrived: nothing more to look at, and a new start next time.
        assert!(!outflow.is_gone(after(start, 2000), || None));
        assert_eq!(outflow.deadline(), None);
        outflow.sent(after(start, 5000));
        assert!(!outflow.is_gone(after(start, 5010), || quiet));
    }
}

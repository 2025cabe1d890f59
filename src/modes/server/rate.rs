//! A rate limit: a burst, then one event in each interval (GCRA, ITU-T I.371).
//!
//! Pure: the time comes in. The invariant: however the events are spread over time, no more are
//! allowed than the burst and one for each interval.

use std::time::{Duration, Instant};

/// How often an event is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many are allowed in a row.
    pub burst: u32,
    /// The interval after which one more is allowed.
    pub every: Duration,
}

/// What one party has used of a [`Rate`].
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// GCRA's theoretical arrival time: when the next event would come, had they all kept the
    /// interval.
    due: Instant,
}

impl Usage {
    pub fn new(now: Instant) -> Self {
        Self { due: now }
    }

    /// Whether one more event is allowed `now`. If it is, it counts.
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let due = self.due.max(now);
        let allowed = due <= now + rate.every * rate.burst.saturating_sub(1);
        if allowed {
            self.due = due + rate.every;
        }
        allowed
    }

    /// From when on one more event is allowed.
    pub fn next(&self, rate: Rate) -> Option<Instant> {
        self.due.checked_sub(rate.every * rate.burst.saturating_sub(1))
    }

    /// Whether the whole burst is allowed again, so that nothing need be remembered.
    pub fn is_forgotten(&self, now: Instant) -> bool {
        self.due <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_in_each_interval() {
        let rate = Rate { burst: 3, every: Duration::from_secs(10) };
        let start = Instant::now();
        let mut usage = Usage::new(start);
        let mut take = |second| usage.take(rate, start + Duration::from_secs(second));
        let allowed: Vec<u64> =
            (0..60).chain([200, 200, 200, 200]).filter(|&at| take(at)).collect();
        assert_eq!(usage.next(rate), start.checked_add(Duration::from_secs(210)));
        assert_eq!(allowed, [0, 1, 2, 10, 20, 30, 40, 50, 200, 200, 200]);
        assert!(!usage.is_forgotten(start + Duration::from_secs(229)));
        assert!(usage.is_forgotten(start + Duration::from_secs(230)));
    }
}

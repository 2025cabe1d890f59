//! A rate: so many in a row, then one every so often.
//!
//! Pure: whoever asks says what time it is. The invariant: however the questions are spread, no
//! more than the burst and one for each interval are allowed (the virtual scheduling algorithm of
//! ITU-T I.371).

use std::time::{Duration, Instant};

/// How often something may happen.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many may come in a row.
    pub burst: u32,
    /// How long it takes until there may be one more.
    pub every: Duration,
}

/// What one party has used of a [`Rate`].
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// When it would have happened for the last time, had it happened once in each interval.
    due: Instant,
}

impl Usage {
    /// Nothing used so far.
    pub fn new(now: Instant) -> Self {
        Self { due: now }
    }

    /// Whether it may happen once more `now`; if so, that counts.
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let due = self.due.max(now);
        let allowed = due <= now + rate.every * rate.burst.saturating_sub(1);
        if allowed {
            self.due = due + rate.every;
        }
        allowed
    }

    /// From when on it may happen once more.
    pub fn next(&self, rate: Rate) -> Option<Instant> {
        self.due.checked_sub(rate.every * rate.burst.saturating_sub(1))
    }

    /// Whether nothing is remembered any more.
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

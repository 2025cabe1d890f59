//! Lines of the log about calls that were turned away: a flood of them must not become a flood of
//! lines.
//!
//! The invariant: every such call has a line, or is counted in one.

use std::time::{Duration, Instant};

use super::rate::{Rate, Usage};

/// Twenty lines in a row, then one every three seconds.
const LINES: Rate = Rate { burst: 20, every: Duration::from_secs(3) };

/// What has been said about calls that were turned away.
#[derive(Debug)]
pub struct LogLimit {
    usage: Usage,
    /// Calls without a line.
    left_out: u64,
}

impl LogLimit {
    pub fn new(now: Instant) -> Self {
        Self { usage: Usage::new(now), left_out: 0 }
    }

    /// One more was turned away; returns whether it gets a line of its own.
    pub fn come(&mut self, now: Instant) -> bool {
        let alone = self.left_out == 0 && self.usage.take(LINES, now);
        self.left_out += u64::from(!alone);
        alone
    }

    /// When [`LogLimit::line`] has something to say.
    pub fn deadline(&self) -> Option<Instant> {
        (self.left_out > 0).then(|| self.usage.next(LINES)).flatten()
    }

    /// The line about those that got none, once there may be one.
    pub fn line(&mut self, now: Instant) -> Option<String> {
        if self.left_out == 0 || !self.usage.take(LINES, now) {
            return None;
        }
        let count = std::mem::take(&mut self.left_out);
        let calls = if count == 1 { "call was" } else { "calls were" };
        Some(format!("{count} more {calls} turned away"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stranger_has_a_line_or_is_counted_in_one() {
        let start = Instant::now();
        let mut log_limit = LogLimit::new(start);
        assert_eq!((0..100).filter(|_| log_limit.come(start)).count(), 20);
        let due = log_limit.deadline().unwrap();
        assert_eq!(log_limit.line(due - Duration::from_millis(1)), None);
        assert_eq!(log_limit.line(due).unwrap(), "80 more calls were turned away");
        assert_eq!((log_limit.deadline(), log_limit.line(due)), (None, None));
        assert!(!log_limit.come(due));
        let due = log_limit.deadline().unwrap();
        assert_eq!(log_limit.line(due).unwrap(), "1 more call was turned away");
        assert!(log_limit.come(due + Duration::from_secs(60)));
    }
}

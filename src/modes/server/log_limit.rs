//! The rate limit for log lines about rejected calls: a flood of calls must not flood the log.
//!
//! Pure: the time comes in. The invariant: every rejected call has a line, or is counted in one.

use std::time::{Duration, Instant};

use super::rate::{Rate, Usage};

/// Twenty lines in a row, then one every three seconds.
const LINES: Rate = Rate { burst: 20, every: Duration::from_secs(3) };

/// The lines about rejected calls.
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

    /// One more call was rejected. Returns whether it gets its own line.
    pub fn on_rejected(&mut self, now: Instant) -> bool {
        let alone = self.left_out == 0 && self.usage.take(LINES, now);
        self.left_out += u64::from(!alone);
        alone
    }

    /// When [`LogLimit::poll_line`] has a line.
    pub fn deadline(&self) -> Option<Instant> {
        (self.left_out > 0).then(|| self.usage.next(LINES)).flatten()
    }

    /// The line that counts the calls without one, once it is allowed.
    pub fn poll_line(&mut self, now: Instant) -> Option<String> {
        if self.left_out == 0 || !self.usage.take(LINES, now) {
            return None;
        }
        let count = std::mem::take(&mut self.left_out);
        let calls = if count == 1 { "call was" } else { "calls were" };
        Some(format!("{count} more {calls} rejected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejected_call_has_a_line_or_is_counted_in_one() {
        let start = Instant::now();
        let mut log_limit = LogLimit::new(start);
        assert_eq!((0..100).filter(|_| log_limit.on_rejected(start)).count(), 20);
        let due = log_limit.deadline().unwrap();
        assert_eq!(log_limit.poll_line(due - Duration::from_millis(1)), None);
        assert_eq!(log_limit.poll_line(due).unwrap(), "80 more calls were rejected");
        assert_eq!((log_limit.deadline(), log_limit.poll_line(due)), (None, None));
        assert!(!log_limit.on_rejected(due));
        let due = log_limit.deadline().unwrap();
        assert_eq!(log_limit.poll_line(due).unwrap(), "1 more call was rejected");
        assert!(log_limit.on_rejected(due + Duration::from_secs(60)));
    }
}

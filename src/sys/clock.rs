//! The local date and time of day.
//!
//! Next door, the pure modules are given a [`Clock`] and never read one. The invariant: the first
//! reading opens the file of the time zone, so it comes before the sandbox closes (tzset(3)).

use std::mem;
use std::time::SystemTime;

use nix::libc;

/// A local date.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A local time, to the minute.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub date: Date,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

#[cfg(test)]
impl Clock {
    /// This time on a day of the tests.
    pub const fn of(hour: u8, minute: u8) -> Self {
        Self { date: Date { year: 2026, month: 11, day: 24 }, hour, minute }
    }
}

/// The time of day.
impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// The time now, in the time zone of this process (TZ, else /etc/localtime).
pub fn now() -> Clock {
    at(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64))
}

/// The time so many seconds after the epoch.
fn at(seconds: i64) -> Clock {
    // Of the type that the C library has for it.
    let seconds = seconds as _;
    // SAFETY: tm is plain data, for which zero is a value.
    let mut tm: libc::tm = unsafe { mem::zeroed() };
    // SAFETY: localtime_r(3) reads the one and writes the other, and both outlive the call; when it
    // fails, the time stays zero.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    let number = |number: libc::c_int| u8::try_from(number).unwrap_or(0);
    let year = u16::try_from(tm.tm_year + 1900).unwrap_or(0);
    let date = Date { year, month: number(tm.tm_mon + 1), day: number(tm.tm_mday) };
    Clock { date, hour: number(tm.tm_hour), minute: number(tm.tm_min) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::sys::wait::{WaitStatus, waitpid};

    use super::super::process::spawn;
    use super::super::tests::alone;
    use super::*;

    unsafe extern "C" {
        /// tzset(3): reads TZ again.
        safe fn tzset();
    }

    #[test]
    fn it_is_the_time_that_date_says() {
        let date = || Command::new("date").arg("+%H:%M").output().unwrap().stdout;
        let (before, now, after) = (date(), now().to_string(), date());
        // The minute may change in between.
        let said = [before, after].map(|date| String::from_utf8(date).unwrap());
        assert!(said.iter().any(|said| said.trim_end() == now), "{now} is none of {said:?}");
    }

    /// In a forked child, because the environment changes.
    #[test]
    fn it_is_local_time() {
        alone(|| {
            let child = spawn(&[], || {
                // SAFETY: the child has one thread, and both strings end with a zero byte.
                unsafe { libc::setenv(c"TZ".as_ptr(), c"TEST-5:30".as_ptr(), 1) };
                tzset();
                let midnight = 18 * 3600 + 30 * 60;
                let times = [0, midnight - 1, midnight].map(|seconds| at(seconds).to_string());
                assert_eq!(times, ["05:30", "23:59", "00:00"]);
                let dates = [0, midnight - 1, midnight].map(|seconds| at(seconds).date.to_string());
                assert_eq!(dates, ["1970-01-01", "1970-01-01", "1970-01-02"]);
                0
            });
            let child = child.unwrap();
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        });
    }
}

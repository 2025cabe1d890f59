//! The local time of day.

use std::mem;

use nix::libc;

/// The local time of day, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// What a clock on the wall says, where the time zone says that the wall is.
pub fn now() -> Clock {
    // SAFETY: time(2) takes a null pointer; tm is plain data, for which zero is a value;
    // localtime_r(3) writes only to it, and on failure leaves it as it is.
    let tm = unsafe {
        let seconds = libc::time(std::ptr::null_mut());
        let mut tm: libc::tm = mem::zeroed();
        libc::localtime_r(&raw const seconds, &raw mut tm);
        tm
    };
    let number = |number: libc::c_int| u8::try_from(number).unwrap_or(0);
    Clock { hour: number(tm.tm_hour), minute: number(tm.tm_min) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_some_time_of_the_day() {
        let clock = super::now();
        assert!(clock.hour < 24 && clock.minute < 60, "{clock}");
    }
}

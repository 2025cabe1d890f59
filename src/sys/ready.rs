//! Waiting: `pselect` for one conversation, `ppoll` for the server's many descriptors.
//!
//! Both let the watched signals in only while they wait (`signals`), so a signal that comes just
//! before the wait ends it at once instead of being noticed after it. The invariant: a descriptor
//! that `select` cannot hold is an error, never a panic.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::select::{FD_SETSIZE, FdSet, pselect};
use nix::sys::signal::SigSet;
use nix::sys::time::TimeSpec;

/// A descriptor to wait for, what its readiness means, and afterwards whether it is ready.
pub struct Interest<'fd, T = ()> {
    /// `None` when there is nothing to wait for at the moment.
    fd: Option<BorrowedFd<'fd>>,
    to_write: bool,
    token: T,
    pub ready: bool,
}

impl<'fd> Interest<'fd> {
    /// An interest to read from `fd`, if `now`.
    pub fn read(fd: &'fd impl AsFd, now: bool) -> Self {
        Self { fd: now.then(|| fd.as_fd()), to_write: false, token: (), ready: false }
    }

    /// An interest to write to `fd`, if `now`.
    pub fn write(fd: &'fd impl AsFd, now: bool) -> Self {
        Self { fd: now.then(|| fd.as_fd()), to_write: true, token: (), ready: false }
    }

    /// The same interest, reported by [`tokens`] as `token`.
    pub fn token<T>(self, token: T) -> Interest<'fd, T> {
        Interest { fd: self.fd, to_write: self.to_write, token, ready: self.ready }
    }
}

/// The tokens of the interests that are ready, in the order of the interests.
pub fn tokens<T: Copy>(interests: &[Interest<'_, T>]) -> impl Iterator<Item = T> {
    interests.iter().filter(|interest| interest.ready).map(|interest| interest.token)
}

impl<T> Interest<'_, T> {
    /// The token, if the interest is ready.
    pub fn reported(self) -> Option<T> {
        self.ready.then_some(self.token)
    }

    fn events(&self) -> PollFlags {
        if self.to_write { PollFlags::POLLOUT } else { PollFlags::POLLIN }
    }
}

/// Waits until one of the descriptors is ready, a watched signal comes or `timeout` is over: in the
/// last two cases none is ready.
///
/// # Errors
/// A descriptor is beyond `FD_SETSIZE`, or pselect(2) failed.
pub fn select<T>(
    interests: &mut [Interest<'_, T>],
    timeout: Option<Duration>,
    mask: &SigSet,
) -> io::Result<()> {
    let (mut read, mut write) = (FdSet::new(), FdSet::new());
    let mut highest = -1;
    for interest in interests.iter() {
        let Some(fd) = interest.fd else { continue };
        if fd.as_raw_fd() as usize >= FD_SETSIZE {
            let message = format!(
                "descriptor {} is beyond select's limit of {}; open fewer files before",
                fd.as_raw_fd(),
                FD_SETSIZE - 1
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        highest = highest.max(fd.as_raw_fd());
        if interest.to_write { &mut write } else { &mut read }.insert(fd);
    }
    let timeout = timeout.map(TimeSpec::from_duration);
    match pselect(highest + 1, &mut read, &mut write, None, timeout.as_ref(), mask) {
        Ok(_) => {}
        // The sets are unspecified after an error (select(2)).
        Err(Errno::EINTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for interest in interests {
        let set = if interest.to_write { &write } else { &read };
        interest.ready = interest.fd.is_some_and(|fd| set.contains(fd));
    }
    Ok(())
}

/// Waits like [`select`], until `deadline` and without a limit on descriptors.
///
/// # Errors
/// ppoll(2) failed.
pub fn poll<T>(
    interests: &mut [Interest<'_, T>],
    deadline: Option<Instant>,
    mask: &SigSet,
) -> io::Result<()> {
    // A descriptor without an interest must not be in the set: its hangup alone would wake poll(2).
    // Two interests in one descriptor share an entry, and must be adjacent for that: more entries
    // than RLIMIT_NOFILE are EINVAL.
    let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(interests.len());
    for interest in interests.iter() {
        let Some(fd) = interest.fd else { continue };
        match fds.last_mut().filter(|last| is_same(last, fd)) {
            Some(last) => last.set_events(last.events() | interest.events()),
            None => fds.push(PollFd::new(fd, interest.events())),
        }
    }
    match ppoll(&mut fds, deadline.map(until), Some(*mask)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    // Data, room, its end, an error: in each case the next call says which.
    let failed = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    let mut fds = fds.iter().peekable();
    for interest in interests {
        let Some(fd) = interest.fd else { continue };
        while fds.peek().is_some_and(|polled| !is_same(polled, fd)) {
            fds.next();
        }
        let events = fds.peek().and_then(|polled| polled.revents());
        interest.ready = events.is_some_and(|events| events.intersects(interest.events() | failed));
    }
    Ok(())
}

fn is_same(polled: &PollFd<'_>, fd: BorrowedFd<'_>) -> bool {
    polled.as_fd().as_raw_fd() == fd.as_raw_fd()
}

fn until(deadline: Instant) -> TimeSpec {
    TimeSpec::from_duration(deadline.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn without_time_it_returns_at_once_with_what_is_ready() {
        let (reader, writer) = io::pipe().unwrap();
        let mut interests = [
            Interest::read(&reader, true),
            Interest::write(&writer, true),
            Interest::write(&writer, false),
        ];
        select(&mut interests, Some(Duration::ZERO), &SigSet::empty()).unwrap();
        assert_eq!(interests.map(|interest| interest.ready), [false, true, false]);
    }

    #[test]
    fn an_end_wakes_only_whom_it_concerns() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let soon = Instant::now() + Duration::from_millis(1);
        let mut interests = [Interest::write(&writer, false)];
        poll(&mut interests, Some(soon), &SigSet::empty()).unwrap();
        assert!(!interests[0].ready && Instant::now() >= soon);
        let mut interests = [Interest::write(&writer, true)];
        poll(&mut interests, None, &SigSet::empty()).unwrap();
        assert!(interests[0].ready);
    }

    #[test]
    fn two_interests_in_one_descriptor_are_told_apart_by_their_tokens() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let poll_both = || {
            let mut interests =
                [Interest::read(&ours, true).token('r'), Interest::write(&ours, true).token('w')];
            poll(&mut interests, None, &SigSet::empty()).unwrap();
            tokens(&interests).collect::<String>()
        };
        assert_eq!(poll_both(), "w");
        theirs.write_all(b"x").unwrap();
        assert_eq!(poll_both(), "rw");
    }

    #[test]
    fn a_descriptor_that_select_cannot_hold_is_an_error() {
        let (reader, _writer) = io::pipe().unwrap();
        let high = super::super::fd::duplicate(&reader, FD_SETSIZE as i32).unwrap();
        let error = select(&mut [Interest::read(&high, true)], None, &SigSet::empty()).unwrap_err();
        assert!(error.to_string().contains("beyond select's limit of 1023"), "{error}");
    }
}

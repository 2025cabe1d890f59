//! Many descriptors to read from, waited for as one (epoll(7)).
//!
//! Next door, `ready` waits for the few others, with a list that is written for every wait. A list
//! of all calls would be too much for that: pages that the server writes after a fork are copied
//! (copy-on-write), so every helper would hold another copy of the list. The invariant: a
//! descriptor is removed before it is closed. A child that was just forked may have a copy, and the
//! kernel keeps a descriptor in the set until the last copy is closed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// The most descriptors that one call reports; others come with the next one.
const AT_ONCE: usize = 64;

/// Descriptors, each with a number. The set is itself readable when one of them is.
pub struct EpollSet(Epoll);

impl EpollSet {
    /// # Errors
    /// epoll_create1(2) failed: too many open descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Adds a descriptor, to be reported by this number.
    ///
    /// # Errors
    /// epoll_ctl(2) failed: no memory, or more descriptors than the user may watch.
    pub fn add(&self, fd: &impl AsFd, number: u32) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number.into()))?)
    }

    pub fn remove(&self, fd: &impl AsFd) {
        let _ = self.0.delete(fd);
    }

    /// The numbers of the descriptors that have something to read, or an end to report.
    ///
    /// # Errors
    /// epoll_wait(2) failed.
    pub fn readable(&self) -> io::Result<Vec<u32>> {
        let mut events = [EpollEvent::empty(); AT_ONCE];
        let count = self.0.wait(&mut events, EpollTimeout::ZERO)?;
        Ok(events[..count].iter().filter_map(|event| event.data().try_into().ok()).collect())
    }
}

impl AsFd for EpollSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use nix::sys::signal::SigSet;

    use super::super::ready::{Interest, poll};
    use super::*;

    #[test]
    fn what_can_be_read_is_reported_until_it_is_removed() {
        let epoll_set = EpollSet::new().unwrap();
        let pairs: Vec<_> = (0..100).map(|_| UnixStream::pair().unwrap()).collect();
        for (number, (ours, _)) in (1..).zip(&pairs) {
            epoll_set.add(ours, number).unwrap();
        }
        assert_eq!(epoll_set.readable().unwrap(), []);
        (&pairs[6].1).write_all(b"x").unwrap();
        assert_eq!(epoll_set.readable().unwrap(), [7]);
        // A copy keeps it open: closing alone would not remove it.
        let _copy = pairs[6].0.try_clone().unwrap();
        epoll_set.remove(&pairs[6].0);
        assert_eq!(epoll_set.readable().unwrap(), []);
        let (ours, theirs) = pairs.into_iter().next().unwrap();
        drop(theirs);
        // A child that another test has just forked may hold a copy for a moment: wait for the end.
        poll(&mut [Interest::read(&epoll_set, true)], None, &SigSet::empty()).unwrap();
        assert_eq!(epoll_set.readable().unwrap(), [1]);
        drop(ours);
    }
}

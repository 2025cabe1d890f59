//! Many descriptors to read from, waited for as one (epoll(7)).
//!
//! What a process writes after a fork, its child keeps a copy of from before; lists of all
//! descriptors that are written for every wait would cost each helper as much memory as there are
//! calls. The invariant: a descriptor is taken out before it is closed, because a child may for a
//! moment have a copy of it, which would keep it in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// The most descriptors that are reported at once; others come with the next wait.
const AT_ONCE: usize = 64;

/// Descriptors, each with a number. It is readable itself when one of them is.
pub struct EpollSet(Epoll);

impl EpollSet {
    /// An empty one.
    ///
    /// # Errors
    /// epoll_create1(2) failed: too many open descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Takes a descriptor in, to be reported under this number.
    ///
    /// # Errors
    /// epoll_ctl(2) failed: no memory, or more descriptors than the user may watch.
    pub fn add(&self, fd: &impl AsFd, number: u32) -> io::Result<()> {
        Ok(self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number.into()))?)
    }

    /// Takes a descriptor out.
    pub fn remove(&self, fd: &impl AsFd) {
        let _ = self.0.delete(fd);
    }

    /// The numbers of descriptors that can be read now, or have come to their end.
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

    use super::*;

    #[test]
    fn those_that_can_be_read_are_reported_until_they_are_taken_out() {
        let epoll_set = EpollSet::new().unwrap();
        let pairs: Vec<_> = (0..100).map(|_| UnixStream::pair().unwrap()).collect();
        for (number, (ours, _)) in (1..).zip(&pairs) {
            epoll_set.add(ours, number).unwrap();
        }
        assert_eq!(epoll_set.readable().unwrap(), []);
        (&pairs[6].1).write_all(b"x").unwrap();
        assert_eq!(epoll_set.readable().unwrap(), [7]);
        // A copy keeps it open: closing alone would not take it out.
        let _copy = pairs[6].0.try_clone().unwrap();
        epoll_set.remove(&pairs[6].0);
        assert_eq!(epoll_set.readable().unwrap(), []);
        let (ours, theirs) = pairs.into_iter().next().unwrap();
        drop(theirs);
        assert!(epoll_set.readable().unwrap().contains(&1), "the end is news");
        drop(ours);
    }
}

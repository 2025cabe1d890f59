//! Waiting: `pselect` for one conversation, `ppoll` for the server's many descriptors.
//!
//! Both let the watched signals in only while they wait (`signals`), so a signal that comes just before the wait ends
//! it at once instead of being noticed after it. The invariant: a descriptor that `select` cannot hold is an error,
//! never a panic.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, ppoll};
use nix::sys::select::{FD_SETSIZE, FdSet, pselect};
use nix::sys::signal::SigSet;
use nix::sys::time::TimeSpec;

/// A descriptor to wait for, and afterwards whether it is ready.
pub struct Want<'fd> {
    /// `None` when there is nothing to wait for at the moment.
    fd: Option<BorrowedFd<'fd>>,
    to_write: bool,
    pub ready: bool,
}

impl<'fd> Want<'fd> {
    /// Wants to read from `fd`, if `now`.
    pub fn read(fd: &'fd impl AsFd, now: bool) -> Self {
        Self {
            fd: now.then(|| fd.as_fd()),
            to_write: false,
            ready: false,
        }
    }

    /// Wants to write to `fd`, if `now`.
    pub fn write(fd: &'fd impl AsFd, now: bool) -> Self {
        Self {
            fd: now.then(|| fd.as_fd()),
            to_write: true,
            ready: false,
        }
    }
}

/// Waits until one of the descriptors is ready, a watched signal comes or `deadline` passes: in the last two cases
/// none is ready.
///
/// # Errors
/// A descriptor is beyond `FD_SETSIZE`, or pselect(2) failed.
pub fn select(wants: &mut [Want<'_>], deadline: Option<Instant>, mask: &SigSet) -> io::Result<()> {
    let (mut read, mut write) = (FdSet::new(), FdSet::new());
    let mut highest = -1;
    for want in wants.iter() {
        let Some(fd) = want.fd else { continue };
        if fd.as_raw_fd() as usize >= FD_SETSIZE {
            let message = format!(
                "descriptor {} is beyond select's limit of {FD_SETSIZE}",
                fd.as_raw_fd()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        highest = highest.max(fd.as_raw_fd());
        if want.to_write { &mut write } else { &mut read }.insert(fd);
    }
    match pselect(
        highest + 1,
        &mut read,
        &mut write,
        None,
        deadline.map(until).as_ref(),
        mask,
    ) {
        Ok(_) => {}
        // The sets are unspecified after an error (select(2)).
        Err(Errno::EINTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for want in wants {
        let set = if want.to_write { &write } else { &read };
        want.ready = want.fd.is_some_and(|fd| set.contains(fd));
    }
    Ok(())
}

/// Waits like [`select`], without its limit on descriptors; the answers are in `fds`.
///
/// # Errors
/// ppoll(2) failed.
pub fn poll(fds: &mut [PollFd<'_>], deadline: Option<Instant>, mask: &SigSet) -> io::Result<()> {
    match ppoll(fds, deadline.map(until), Some(*mask)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn until(deadline: Instant) -> TimeSpec {
    TimeSpec::from_duration(deadline.saturating_duration_since(Instant::now()))
}

/// Whether poll(2) found anything on this descriptor: data, room, its end or an error.
pub fn found(fd: &PollFd<'_>) -> bool {
    fd.any().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::fcntl::{FcntlArg, fcntl};

    use super::*;

    #[test]
    fn a_deadline_in_the_past_returns_at_once_with_what_is_ready() {
        let (reader, writer) = io::pipe().unwrap();
        let mut wants = [
            Want::read(&reader, true),
            Want::write(&writer, true),
            Want::write(&writer, false),
        ];
        let past = Instant::now() - Duration::from_secs(1);
        select(&mut wants, Some(past), &SigSet::empty()).unwrap();
        assert_eq!(wants.map(|want| want.ready), [false, true, false]);
    }

    #[test]
    fn a_descriptor_that_select_cannot_hold_is_an_error() {
        let (reader, _writer) = io::pipe().unwrap();
        let high = fcntl(&reader, FcntlArg::F_DUPFD_CLOEXEC(FD_SETSIZE as i32)).unwrap();
        let high = super::super::sockets::own(high);
        let error = select(&mut [Want::read(&high, true)], None, &SigSet::empty()).unwrap_err();
        assert!(
            error.to_string().contains("beyond select's limit of 1024"),
            "{error}"
        );
    }
}

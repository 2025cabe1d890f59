//! Descriptors that come into this process or leave it by number.
//!
//! Next door, `sockets` works with the socket of a call, and `fd_passing` sends descriptors to a
//! running process. The invariant: every descriptor that this program opens is close-on-exec until
//! [`hand_over`]. An inherited one cannot be (execve(2)), so the flag tells the two apart, and
//! nothing is owned twice.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::select::FD_SETSIZE;
use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockopt, sockopt};

use super::sockets;

/// Why a number is not the descriptor of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    Standard,
    BeyondSelect,
    Closed,
    NotInherited,
    NotASocket,
    NotAStream,
    Listening,
    NotConnected,
}

impl std::error::Error for Unfit {}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "is standard input, output or error; the call needs one from 3 up",
            Self::BeyondSelect => "is beyond select's limit of 1023",
            Self::Closed => "is not open",
            Self::NotInherited => "was not inherited",
            Self::NotASocket => "is not a socket",
            Self::NotAStream => "is not a stream socket",
            Self::Listening => "is a listening socket, not a call",
            Self::NotConnected => "is not connected",
        })
    }
}

/// Takes over descriptor `number`, which this process inherited, as the socket of a call.
///
/// # Errors
/// It is not inherited, or not a connected stream socket that select(2) can wait for.
pub fn adopt(number: RawFd) -> Result<OwnedFd, Unfit> {
    if number >= FD_SETSIZE as RawFd {
        return Err(Unfit::BeyondSelect);
    }
    let fd = inherited(number)?;
    fitting(fd.as_fd())?;
    Ok(fd)
}

/// Takes over descriptor `number`, which this process inherited, and makes it close-on-exec. The
/// standard streams stay with the standard library.
///
/// # Errors
/// It is a standard stream, not open, or was opened or taken over by this process.
pub fn inherited(number: RawFd) -> Result<OwnedFd, Unfit> {
    if (0..=2).contains(&number) {
        return Err(Unfit::Standard);
    }
    // SAFETY: F_GETFD changes nothing and takes any number; one that is not open answers EBADF.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags < 0 {
        return Err(Unfit::Closed);
    }
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(Unfit::NotInherited);
    }
    // SAFETY: the descriptor is open, and nothing in this process owns it: what this process opens
    // is close-on-exec, what was taken over is so from the next line on, and `hand_over` gives up
    // what it returns.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(|_| Unfit::Closed)?;
    Ok(fd)
}

/// Whether `fd` is a connected stream socket: the socket of a call.
///
/// # Errors
/// It is something else.
pub fn fitting(fd: BorrowedFd<'_>) -> Result<(), Unfit> {
    match getsockopt(&fd, sockopt::SockType) {
        Ok(SockType::Stream) => {}
        Ok(_) => return Err(Unfit::NotAStream),
        Err(Errno::EBADF) => return Err(Unfit::Closed),
        Err(_) => return Err(Unfit::NotASocket),
    }
    if getsockopt(&fd, sockopt::AcceptConn).unwrap_or(false) {
        return Err(Unfit::Listening);
    }
    // A call that the caller has already ended is not connected any more, but what was said before
    // is still there to be read.
    let gone = getpeername::<SockaddrStorage>(fd.as_raw_fd()) == Err(Errno::ENOTCONN);
    if gone && !matches!(sockets::peek(fd, &mut [0]), Ok(1..)) {
        return Err(Unfit::NotConnected);
    }
    Ok(())
}

/// Lets the program that this process is about to become inherit `fd`. Returns its number there,
/// which is below the limit of select(2) and which nothing in this process owns any more.
///
/// # Errors
/// No descriptor below the limit is free.
pub fn hand_over(mut fd: OwnedFd) -> io::Result<RawFd> {
    if fd.as_raw_fd() as usize >= FD_SETSIZE {
        fd = duplicate(&fd, 3)?;
    }
    if fd.as_raw_fd() as usize >= FD_SETSIZE {
        return Err(io::Error::other("no descriptor that select can wait for is free"));
    }
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(fd.into_raw_fd())
}

/// A copy of `fd` under the first free number from `lowest` up, close-on-exec.
///
/// # Errors
/// fcntl(2) failed: no such number is free.
pub fn duplicate(fd: &impl AsFd, lowest: RawFd) -> io::Result<OwnedFd> {
    let number = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(lowest))?;
    // SAFETY: the kernel has just opened this number, and nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpListener;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use nix::sys::socket::{AddressFamily, SockFlag, socket};

    use super::*;

    /// The number of `fd`, as it would be after an exec.
    fn as_inherited(fd: impl Into<OwnedFd>) -> RawFd {
        let fd = fd.into();
        fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        fd.into_raw_fd()
    }

    #[test]
    fn only_an_inherited_connected_stream_socket_is_adopted() {
        let (stream, _peer) = UnixStream::pair().unwrap();
        let (datagram, _peer) = UnixDatagram::pair().unwrap();
        let unconnected = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None);
        for (number, reason) in [
            (-1, Unfit::Closed),
            (0, Unfit::Standard),
            (2, Unfit::Standard),
            (1000, Unfit::Closed),
            (1024, Unfit::BeyondSelect),
            (i32::MAX, Unfit::BeyondSelect),
            (stream.as_raw_fd(), Unfit::NotInherited),
            (as_inherited(File::open("/dev/null").unwrap()), Unfit::NotASocket),
            (as_inherited(datagram), Unfit::NotAStream),
            (as_inherited(TcpListener::bind("localhost:0").unwrap()), Unfit::Listening),
            (as_inherited(unconnected.unwrap()), Unfit::NotConnected),
        ] {
            assert_eq!(adopt(number).unwrap_err(), reason, "{number}");
        }
        assert_eq!(Unfit::NotInherited.to_string(), "was not inherited");
    }

    #[test]
    fn a_descriptor_is_taken_over_once_and_is_close_on_exec_then() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let number = as_inherited(ours);
        let adopted = adopt(number).unwrap();
        assert_eq!(fcntl(&adopted, FcntlArg::F_GETFD).unwrap(), libc::FD_CLOEXEC);
        assert_eq!(adopt(number).unwrap_err(), Unfit::NotInherited);
    }

    #[test]
    fn a_descriptor_beyond_select_is_moved_down_for_the_next_program() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let high = duplicate(&ours, FD_SETSIZE as RawFd).unwrap();
        let number = hand_over(high).unwrap();
        assert!((number as usize) < FD_SETSIZE);
        inherited(number).expect("it must survive exec, and be no longer owned here");
    }
}

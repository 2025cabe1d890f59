//! Descriptors that come from outside this process or leave it: taken over by number, handed to the
//! next program.
//!
//! Next door, `sockets` has what is done with a call's socket and `fd_passing` hands descriptors to
//! a running process. The invariant: a descriptor made here is close-on-exec until [`hand_over`].

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::select::FD_SETSIZE;
use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockopt, sockopt};

use super::sockets;

/// Why a number is not the descriptor of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    Standard,
    BeyondSelect,
    Closed,
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
/// It is not a connected stream socket that select(2) can wait for.
pub fn adopt(number: RawFd) -> Result<OwnedFd, Unfit> {
    match number {
        ..0 => return Err(Unfit::Closed),
        0..=2 => return Err(Unfit::Standard),
        _ if number as usize >= FD_SETSIZE => return Err(Unfit::BeyondSelect),
        _ => {}
    }
    // SAFETY: the descriptor is borrowed for questions only; a closed one answers EBADF.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    fitting(fd)?;
    let _ = fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    Ok(own(number))
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
    // A call that its caller has ended already still counts: what it said is there to be read.
    let gone = getpeername::<SockaddrStorage>(fd.as_raw_fd()) == Err(Errno::ENOTCONN);
    if gone && receivable(fd) == 0 {
        return Err(Unfit::NotConnected);
    }
    Ok(())
}

fn receivable(fd: BorrowedFd<'_>) -> usize {
    sockets::peek(fd, &mut [0]).unwrap_or(0)
}

/// Takes ownership of a descriptor that was just opened, or inherited and not used by anything
/// else.
pub fn own(number: RawFd) -> OwnedFd {
    // SAFETY: every caller passes a descriptor that is open and that nothing else in this process
    // owns.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Lets a program that this process is about to become inherit `fd`, and returns the number it has
/// there: below the limit of select(2).
///
/// # Errors
/// No descriptor below the limit is free.
pub fn hand_over(fd: OwnedFd) -> io::Result<RawFd> {
    if (fd.as_raw_fd() as usize) < FD_SETSIZE {
        fcntl(&fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
        return Ok(std::os::fd::IntoRawFd::into_raw_fd(fd));
    }
    let low = fcntl(&fd, FcntlArg::F_DUPFD(3))?;
    if low as usize >= FD_SETSIZE {
        drop(own(low));
        return Err(io::Error::other("no descriptor that select can wait for is free"));
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpListener;
    use std::os::fd::IntoRawFd;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use nix::sys::socket::{AddressFamily, SockFlag, socket};

    use super::*;

    #[test]
    fn only_a_connected_stream_socket_is_adopted() {
        let file = File::open("/dev/null").unwrap();
        let (datagram, _other) = UnixDatagram::pair().unwrap();
        let listener = TcpListener::bind("localhost:0").unwrap();
        let lonely =
            socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
        for (number, reason) in [
            (-1, Unfit::Closed),
            (0, Unfit::Standard),
            (2, Unfit::Standard),
            (1000, Unfit::Closed),
            (1024, Unfit::BeyondSelect),
            (i32::MAX, Unfit::BeyondSelect),
            (file.as_raw_fd(), Unfit::NotASocket),
            (datagram.as_raw_fd(), Unfit::NotAStream),
            (listener.as_raw_fd(), Unfit::Listening),
            (lonely.as_raw_fd(), Unfit::NotConnected),
        ] {
            assert_eq!(adopt(number).unwrap_err(), reason, "{number}");
        }
    }

    #[test]
    fn an_adopted_socket_is_close_on_exec() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        fcntl(&ours, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        let adopted = adopt(ours.into_raw_fd()).unwrap();
        assert_eq!(fcntl(&adopted, FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }

    #[test]
    fn a_descriptor_beyond_select_is_moved_down_for_the_heir() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let high = own(fcntl(&ours, FcntlArg::F_DUPFD_CLOEXEC(FD_SETSIZE as i32)).unwrap());
        let number = hand_over(high).unwrap();
        let heir = own(number);
        assert!((number as usize) < FD_SETSIZE);
        assert_eq!(fcntl(&heir, FcntlArg::F_GETFD).unwrap(), 0, "must survive exec");
    }
}

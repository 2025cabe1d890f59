//! Sockets of a call: listen, peek, send and receive without waiting, end.
//!
//! Next door, `fd` takes inherited descriptors over and hands them on. The invariant: `O_NONBLOCK`
//! is never set on a call, because it belongs to the open file description, which an xterm shares
//! with its handler; every send and receive says `MSG_DONTWAIT` instead.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};
use std::{env, mem};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrLike, SockaddrStorage, bind,
    getpeername, getsockname, getsockopt, listen as nix_listen, recv, send as nix_send, setsockopt,
    socket, sockopt,
};
use nix::{setsockopt_impl, sockopt_impl};

use super::fd;

/// How long a connection is idle before the first keepalive probe, in seconds.
const KEEPALIVE_IDLE: u32 = 20;
/// How long the kernel waits between keepalive probes, in seconds.
const KEEPALIVE_INTERVAL: u32 = 10;
/// How many keepalive probes go unanswered before the kernel ends the connection.
const KEEPALIVE_TRIES: u32 = 3;
/// The longest pause between retransmissions, in milliseconds.
const RETRANSMIT_LIMIT: u32 = 10_000;
/// `TCP_RTO_MAX_MS` in the kernel's `linux/tcp.h`.
const TCP_RTO_MAX_MS: libc::c_int = 44;
/// `SD_LISTEN_FDS_START` of sd_listen_fds(3).
const FIRST_PASSED: RawFd = 3;
sockopt_impl!(RetransmitLimit, SetOnly, libc::IPPROTO_TCP, TCP_RTO_MAX_MS, u32);

/// Listens on `port` of one address, or of every IPv6 and IPv4 address of this machine. Port 0
/// picks a free one.
///
/// # Errors
/// socket(2), bind(2) or listen(2) failed: the port is taken or reserved, or the address is not one
/// of this machine.
pub fn listen(address: Option<IpAddr>, port: u16) -> io::Result<TcpListener> {
    let Some(address) = address else {
        let every = |address: IpAddr| listen_on(SocketAddr::new(address, port));
        return match every(Ipv6Addr::UNSPECIFIED.into()) {
            // How a kernel without IPv6 answers, and one that was started with ipv6.disable.
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
                ) =>
            {
                every(Ipv4Addr::UNSPECIFIED.into())
            }
            result => result,
        };
    };
    listen_on(SocketAddr::new(address, port))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    // Non-blocking: a call may be gone between poll(2) and accept(2), which would then wait for the
    // next one (accept(2)).
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    nix_listen(&socket, Backlog::MAXCONN)?;
    Ok(TcpListener::from(socket))
}

/// The listening socket that the service manager passed, if it did (sd_listen_fds(3)).
///
/// # Errors
/// It passed something other than one listening TCP socket.
pub fn activated() -> io::Result<Option<TcpListener>> {
    let wrong = |what: &str| {
        let wanted = "one listening TCP socket is wanted, as ListenStream=8255 in talk.socket";
        let message = format!("LISTEN_FDS passes {what}; {wanted}");
        io::Error::new(ErrorKind::InvalidInput, message)
    };
    let count = match (env::var("LISTEN_PID"), env::var("LISTEN_FDS")) {
        (Ok(pid), Ok(count)) if pid == std::process::id().to_string() => count,
        _ => return Ok(None),
    };
    match count.parse() {
        Ok(0) => return Ok(None),
        Ok(1) => {}
        Ok(2_u32..) => return Err(wrong(&format!("{count} sockets"))),
        Err(_) => return Err(wrong(&format!("'{count}', which is not a number"))),
    }
    let unfit = |unfit: fd::Unfit| wrong(&format!("descriptor {FIRST_PASSED}, which {unfit}"));
    let socket = fd::inherited(FIRST_PASSED).map_err(unfit)?;
    if let Some(what) = other_than_listener(socket.as_fd()) {
        return Err(wrong(what));
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

/// What `fd` is, unless it is a listening TCP socket.
fn other_than_listener(fd: BorrowedFd<'_>) -> Option<&'static str> {
    let family = getsockname::<SockaddrStorage>(fd.as_raw_fd()).ok().and_then(|at| at.family());
    match (getsockopt(&fd, sockopt::SockType), family) {
        (Err(_), _) => Some("a descriptor that is not a socket"),
        (_, Some(AddressFamily::Unix)) => Some("a Unix socket"),
        (Ok(SockType::Datagram), _) => Some("a datagram socket"),
        (Ok(SockType::Stream), Some(AddressFamily::Inet | AddressFamily::Inet6)) => {
            let listens = getsockopt(&fd, sockopt::AcceptConn).unwrap_or(false);
            match peer(&fd) {
                _ if listens => None,
                Some(_) => Some("a connected socket, as with Accept=yes"),
                None => Some("a socket that does not listen"),
            }
        }
        _ => Some("a socket that is not for TCP"),
    }
}

/// Prepares a socket for a conversation. Not every stream is TCP, and none of this is essential, so
/// errors are ignored.
///
/// - Small writes go out at once: a line must not wait for the acknowledgement of the one before
///   (RFC 1122, 4.2.3.4).
/// - An idle connection is probed, so that a dead peer ends it within a minute.
/// - Retransmissions and probes of a full window come at least every [`RETRANSMIT_LIMIT`]. Kernels
///   before 6.15 cannot be told so and let their pauses grow to two minutes.
pub fn prepare(fd: &impl AsFd) {
    let _ = setsockopt(fd, sockopt::TcpNoDelay, &true);
    let _ = setsockopt(fd, sockopt::TcpKeepIdle, &KEEPALIVE_IDLE);
    let _ = setsockopt(fd, sockopt::TcpKeepInterval, &KEEPALIVE_INTERVAL);
    let _ = setsockopt(fd, sockopt::TcpKeepCount, &KEEPALIVE_TRIES);
    let _ = setsockopt(fd, sockopt::KeepAlive, &true);
    let _ = setsockopt(fd, RetransmitLimit, &RETRANSMIT_LIMIT);
}

/// For how long the peer's host has not answered, while it owes an answer; `None` when all that was
/// sent has been acknowledged.
///
/// The kernel's `tcpi_last_ack_recv` is the time since the last acknowledgement. It says something
/// about the peer only while data is unacknowledged or the kernel probes a full window. A host
/// whose program does not read acknowledges every probe with a window of zero; between two probes,
/// which may be minutes apart, nothing is due, and the time counts as zero.
pub fn unacknowledged(fd: BorrowedFd<'_>) -> Option<Duration> {
    let mut queued: libc::c_int = 0;
    // SAFETY: the request stores one int (SIOCOUTQ, tcp(7)), and the reference to it outlives the
    // call.
    let asked = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut queued) };
    if asked != 0 || queued == 0 {
        return None;
    }
    // SAFETY: tcp_info is plain data, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel stores at most `length` bytes in `info`, which outlives the call
    // (TCP_INFO, tcp(7)).
    let asked = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    let due = info.tcpi_unacked > 0 || info.tcpi_probes > 0;
    let silence = if due { info.tcpi_last_ack_recv } else { 0 };
    (asked == 0).then(|| Duration::from_millis(silence.into()))
}

/// The peer's address, an IPv4-mapped one as IPv4; `None` if the socket is not on a network.
pub fn peer(fd: &impl AsFd) -> Option<SocketAddr> {
    let peer = getpeername::<SockaddrStorage>(fd.as_fd().as_raw_fd()).ok()?;
    let v6 = peer.as_sockaddr_in6().map(|peer| SocketAddr::V6((*peer).into()));
    let peer = v6.or_else(|| peer.as_sockaddr_in().map(|peer| SocketAddr::V4((*peer).into())))?;
    Some(SocketAddr::new(peer.ip().to_canonical(), peer.port()))
}

/// Receives what is there; 0 is the end.
///
/// # Errors
/// `WouldBlock` if nothing is there; else recv(2) failed.
pub fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(fd.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?)
}

/// Sends as much as there is room for, and returns how many bytes that was.
///
/// # Errors
/// `WouldBlock` if there is no room; else send(2) failed.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    Ok(nix_send(fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)?)
}

/// Receives what is there without consuming it.
///
/// # Errors
/// `WouldBlock` if nothing is there; else recv(2) failed.
pub fn peek(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(fd.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK)?)
}

/// Makes poll(2) say readable only once `bytes` bytes are there, or the end.
///
/// # Errors
/// setsockopt(2) failed.
pub fn readable_at(fd: &impl AsFd, bytes: usize) -> io::Result<()> {
    let mark = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: the option reads one int of the length given (SO_RCVLOWAT, socket(7)), and the
    // reference to it outlives the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const mark).cast(),
            mem::size_of_val(&mark) as libc::socklen_t,
        )
    };
    Ok(Errno::result(result).map(drop)?)
}

/// Shuts the sending direction: the peer reads what was sent, and then the end. Unlike close(2),
/// this works although an xterm holds a copy of the descriptor.
pub fn shut_sending(fd: BorrowedFd<'_>) {
    let _ = nix::sys::socket::shutdown(fd.as_raw_fd(), nix::sys::socket::Shutdown::Write);
}

/// Resets the connection, which tells the peer that it did not end properly, even if another
/// process holds a copy of the descriptor. connect(2) with `AF_UNSPEC` dissolves the association;
/// for TCP, that sends RST.
pub fn reset(fd: BorrowedFd<'_>) {
    // SAFETY: sockaddr is plain data, and zero is AF_UNSPEC in its family.
    let nowhere: libc::sockaddr = unsafe { mem::zeroed() };
    let length = mem::size_of_val(&nowhere) as libc::socklen_t;
    // SAFETY: the call reads `length` bytes of the address, which outlives it.
    let dissolved = unsafe { libc::connect(fd.as_raw_fd(), &raw const nowhere, length) };
    if dissolved != 0 {
        let _ = nix::sys::socket::shutdown(fd.as_raw_fd(), nix::sys::socket::Shutdown::Both);
    }
}

/// Sends `last`, shuts the sending direction and discards what comes until the peer closes or
/// `limit` has passed. This waits. Closing with unread bytes would reset the connection, and the
/// peer might never read `last` (RFC 1122, 4.2.2.13).
pub fn linger_and_close(stream: &TcpStream, last: &[u8], limit: Duration) {
    let deadline = Instant::now() + limit;
    let _ = send(stream.as_fd(), last);
    let _ = stream.shutdown(Shutdown::Write);
    let mut rest = [0; 4096];
    while let Some(left) =
        deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        let _ = stream.set_read_timeout(Some(left));
        match io::Read::read(&mut &*stream, &mut rest) {
            Ok(0) => return,
            Err(error) if error.kind() != ErrorKind::Interrupted => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_is_passed_instead_of_a_listener_is_named() {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _accepted = listener.accept().unwrap();
        let unbound = |family, kind| socket(family, kind, SockFlag::empty(), None).unwrap();
        let (unix, _peer) = UnixStream::pair().unwrap();
        for (fd, expected) in [
            (OwnedFd::from(listener), None),
            (caller.into(), Some("a connected socket, as with Accept=yes")),
            (
                unbound(AddressFamily::Inet6, SockType::Stream),
                Some("a socket that does not listen"),
            ),
            (unbound(AddressFamily::Inet, SockType::Datagram), Some("a datagram socket")),
            (unix.into(), Some("a Unix socket")),
            (unbound(AddressFamily::Netlink, SockType::Raw), Some("a socket that is not for TCP")),
            (tempfile::tempfile().unwrap().into(), Some("a descriptor that is not a socket")),
        ] {
            assert_eq!(other_than_listener(fd.as_fd()), expected);
        }
    }

    #[test]
    fn a_reset_reaches_the_peer_although_a_copy_is_open() {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (desk, _) = listener.accept().unwrap();
        let _copy = desk.try_clone().unwrap();
        reset(desk.as_fd());
        let error = io::Read::read(&mut &caller, &mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

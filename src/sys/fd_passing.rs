//! Descriptors and a message, sent from one process to another over a Unix socket (SCM_RIGHTS,
//! unix(7)).
//!
//! Next door, `fd` has descriptors that are inherited, and `window::handover` says what is sent.
//! The invariant, which callers keep with [`is_ours`]: both sides have checked that the peer has
//! their user id before anything is sent.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sendmsg, sockopt,
};
use nix::unistd::geteuid;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 512;

/// Whether the peer ran as our user when it connected, as the kernel recorded it.
///
/// # Errors
/// getsockopt(2) failed.
pub fn is_ours(stream: &UnixStream) -> io::Result<bool> {
    Ok(getsockopt(stream, sockopt::PeerCredentials)?.uid() == geteuid().as_raw())
}

/// Sends copies of two descriptors with a message of 1 to [`MAX_MESSAGE`] bytes.
///
/// # Errors
/// sendmsg(2) failed.
pub fn send(stream: &UnixStream, fds: [BorrowedFd<'_>; 2], message: &[u8]) -> io::Result<()> {
    let fds = fds.map(|fd| fd.as_raw_fd());
    let rights = [ControlMessage::ScmRights(&fds)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(message)], &rights, flags, None)?;
    Ok(())
}

/// Receives one or two descriptors, close-on-exec, and their message.
///
/// # Errors
/// recvmsg(2) failed, or no descriptor came.
pub fn receive(stream: &UnixStream) -> io::Result<(OwnedFd, Option<OwnedFd>, Vec<u8>)> {
    let mut message = vec![0; MAX_MESSAGE];
    let mut control = nix::cmsg_space!([RawFd; 2]);
    let mut room = [IoSliceMut::new(&mut message)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(stream.as_raw_fd(), &mut room, Some(&mut control), flags)?;
    let length = received.bytes;
    let mut fds = Vec::new();
    for control in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just opened these numbers, and nothing else knows them.
            fds.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    message.truncate(length);
    let mut fds = fds.into_iter();
    let taken_back = || io::Error::new(ErrorKind::UnexpectedEof, "it was taken back");
    Ok((fds.next().ok_or_else(taken_back)?, fds.next(), message))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{Uid, setuid};

    use super::super::process::spawn;
    use super::super::tests::alone;
    use super::*;

    #[test]
    fn descriptors_and_their_message_arrive_together_and_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (call, mut caller) = UnixStream::pair().unwrap();
        let (link, mut server) = UnixStream::pair().unwrap();
        assert!(is_ours(&ours).unwrap());
        send(&ours, [call.as_fd(), link.as_fd()], b"bob").unwrap();
        drop((call, link));
        let (call, link, message) = receive(&theirs).unwrap();
        assert_eq!(message, b"bob");
        server.write_all(b"ok").unwrap();
        let mut read = [0; 2];
        UnixStream::from(link.unwrap()).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"ok");
        caller.write_all(b"hi").unwrap();
        let mut read = [0; 2];
        UnixStream::from(call).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"hi");
    }

    #[test]
    fn a_peer_with_another_user_id_is_not_ours() {
        alone(|| {
            let (ours, _theirs) = UnixStream::pair().unwrap();
            if !geteuid().is_root() {
                let skipped = "skipped: only root can become another user";
                writeln!(io::stderr(), "a_peer_with_another_user_id_is_not_ours: {skipped}")
                    .unwrap();
                return;
            }
            let child = spawn(&[ours.as_fd()], || {
                setuid(Uid::from_raw(65534)).unwrap();
                is_ours(&ours).unwrap().into()
            });
            let child = child.unwrap();
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        });
    }

    #[test]
    fn a_message_without_a_descriptor_is_an_error() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"nothing").unwrap();
        assert!(receive(&theirs).is_err());
        drop(ours);
        assert!(receive(&theirs).is_err());
    }
}

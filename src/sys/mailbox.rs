//! A mailbox: short messages from processes of the same user, each received whole.
//!
//! A datagram socket in the abstract namespace (unix(7)): nothing on disk to clean up, no
//! descriptor to inherit. The invariant: a message is delivered only if the kernel vouches that its
//! sender has our user id.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt,
};
use nix::unistd::geteuid;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 1024;
/// How long a sender waits for room in a mailbox that is not being emptied.
const SEND_LIMIT: Duration = Duration::from_secs(2);

/// The receiving end.
#[derive(Debug)]
pub struct Mailbox {
    socket: UnixDatagram,
    address: String,
}

impl Mailbox {
    /// Opens a mailbox under a name that no other has.
    ///
    /// # Errors
    /// socket(2) or bind(2) failed.
    pub fn open() -> io::Result<Self> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let address = format!("talk-{}-{now}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&address)?)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        Ok(Self { socket, address })
    }

    /// What a [`Sender`] needs to reach it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next message, or `None` when there is none now.
    ///
    /// # Errors
    /// recvmsg(2) failed.
    pub fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut message = vec![0; MAX_MESSAGE];
            let mut control = nix::cmsg_space!(UnixCredentials);
            let mut room = [IoSliceMut::new(&mut message)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let received = match recvmsg::<()>(
                self.socket.as_raw_fd(),
                &mut room,
                Some(&mut control),
                flags,
            ) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let length = received.bytes;
            let ours = received.cmsgs()?.any(|control| {
                matches!(control, ControlMessageOwned::ScmCredentials(sender)
                    if sender.uid() == geteuid().as_raw())
            });
            if ours {
                message.truncate(length);
                return Ok(Some(message));
            }
        }
    }
}

impl AsFd for Mailbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The sending end.
#[derive(Debug)]
pub struct Sender(UnixDatagram);

impl Sender {
    /// A sender to the mailbox at `address`.
    ///
    /// # Errors
    /// Nobody is there any more.
    pub fn connect(address: &str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        socket.connect_addr(&SocketAddr::from_abstract_name(address)?)?;
        Ok(Self(socket))
    }

    /// Sends `message`; waits a little while the mailbox is full.
    ///
    /// # Errors
    /// Nobody is there any more, or it stays full.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        self.0.send(&message[..message.len().min(MAX_MESSAGE)]).map(drop)
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let mailbox = Mailbox::open().unwrap();
        let sender = Sender::connect(mailbox.address()).unwrap();
        for message in [&b"one"[..], b"", b"three \xff"] {
            sender.send(message).unwrap();
        }
        assert_eq!(mailbox.receive().unwrap().unwrap(), b"one");
        assert_eq!(mailbox.receive().unwrap().unwrap(), b"");
        assert_eq!(mailbox.receive().unwrap().unwrap(), b"three \xff");
        assert_eq!(mailbox.receive().unwrap(), None);
    }

    #[test]
    fn a_mailbox_that_is_gone_is_an_error_for_its_senders() {
        let mailbox = Mailbox::open().unwrap();
        let address = mailbox.address().to_owned();
        let sender = Sender::connect(&address).unwrap();
        drop(mailbox);
        assert!(sender.send(b"late").is_err());
        assert!(Sender::connect(&address).is_err());
    }
}

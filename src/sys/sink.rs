//! Output that never makes the loop wait: to a terminal, a pipe, a socket or a file.
//!
//! Next door, `terminal::output` keeps what does not fit. The invariants: a write takes what the
//! reader has room for or says that it would block; and `O_NONBLOCK` is never set on an inherited
//! descriptor, because it belongs to the open file description, which a shell or an xterm may
//! share.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

use nix::libc;
use nix::sys::socket::{MsgFlags, send};

/// A pipe that select(2) says is writable takes this many bytes without blocking (pipe(7)).
const PIPE_BUF: usize = libc::PIPE_BUF;

#[derive(Debug)]
pub struct Sink {
    fd: File,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The same terminal or pipe, opened again: a private description, which is non-blocking.
    Reopened,
    /// A socket: each send says `MSG_DONTWAIT`.
    Socket,
    /// A regular file or a device such as /dev/null, for which select(2) always says writable.
    File,
    /// A terminal or pipe that could not be opened again: small writes, after select(2).
    Shared,
}

impl Sink {
    /// A sink that writes to where `fd` does.
    ///
    /// # Errors
    /// `fd` cannot be duplicated or is not open.
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let file = File::from(fd.try_clone_to_owned()?);
        let kind = file.metadata()?.file_type();
        let terminal = nix::unistd::isatty(fd).unwrap_or(false);
        Ok(if kind.is_fifo() || terminal {
            match reopen(fd) {
                Ok(reopened) => Self { fd: reopened, kind: Kind::Reopened },
                Err(_) => Self { fd: file, kind: Kind::Shared },
            }
        } else {
            let kind = if kind.is_socket() { Kind::Socket } else { Kind::File };
            Self { fd: file, kind }
        })
    }

    /// Whether select(2) must be asked before every write.
    pub fn must_wait(&self) -> bool {
        matches!(self.kind, Kind::Shared)
    }

    /// Writes what fits of `bytes` and returns how many bytes that was.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits; else write(2) or send(2) failed: the reader is gone, or the
    /// disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match self.kind {
            Kind::Reopened | Kind::File => self.fd.write(bytes),
            Kind::Shared => self.fd.write(&bytes[..bytes.len().min(PIPE_BUF)]),
            Kind::Socket => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                send(self.fd.as_raw_fd(), bytes, flags).map_err(io::Error::from)
            }
        };
        match result {
            Ok(0) if !bytes.is_empty() => Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                Err(ErrorKind::WouldBlock.into())
            }
            result => result,
        }
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opens the same terminal or pipe again, with a private description (proc_pid_fd(5)).
fn reopen(fd: BorrowedFd<'_>) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::super::tests::alone;
    use super::*;

    fn fill(sink: &mut Sink) -> (usize, ErrorKind) {
        let mut written = 0;
        loop {
            match sink.write(&[b'x'; 70_000]) {
                Ok(count) => written += count,
                Err(error) => return (written, error.kind()),
            }
        }
    }

    #[test]
    fn a_full_pipe_or_socket_takes_no_more_and_does_not_block() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = Sink::new(writer.as_fd()).unwrap();
        let (written, error) = fill(&mut sink);
        assert_eq!(error, ErrorKind::WouldBlock);
        let mut read = vec![0; written];
        reader.read_exact(&mut read).unwrap();
        assert!(sink.write(b"again").is_ok());

        let (_reader, writer) = UnixStream::pair().unwrap();
        assert_eq!(fill(&mut Sink::new(writer.as_fd()).unwrap()).1, ErrorKind::WouldBlock);
    }

    #[test]
    fn the_shared_description_stays_blocking() {
        let (_reader, writer) = io::pipe().unwrap();
        let _sink = Sink::new(writer.as_fd()).unwrap();
        let flags = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_GETFL).unwrap();
        assert_eq!(flags & libc::O_NONBLOCK, 0);
    }

    #[test]
    fn a_full_disk_and_a_gone_reader_are_errors() {
        // A child that another test has just forked would hold a copy of the reader for a moment.
        alone(|| {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            assert_eq!(fill(&mut Sink::new(full.as_fd()).unwrap()).1, ErrorKind::StorageFull);
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            let mut sink = Sink::new(writer.as_fd()).unwrap();
            assert_eq!(fill(&mut sink).1, ErrorKind::BrokenPipe);
        });
    }
}

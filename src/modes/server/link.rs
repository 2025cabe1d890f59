//! The server's end of the links, one for each call (`session::link`).
//!
//! All links are in one epoll(7) set: a list of descriptors that is written for every wait would
//! cost each helper as much memory as there are calls (`sys::epoll`). The invariant: a process that
//! stalls, babbles or is stopped costs bounded memory and holds nobody else up.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use memchr::memchr_iter;

use crate::buffer::Buffer;
use crate::protocol::frame;
use crate::session::link::{Frames, put_decision};
use crate::session::observer::Decision;
use crate::sys::epoll::EpollSet;
use crate::sys::{sockets, would_block};
use crate::terminal::output::Output;

/// Bytes that may wait for a handler before no more lines are taken.
const LIMIT: usize = 256 * 1024;

/// Why lines were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsaid {
    /// Too much waits for the handler already.
    Full,
    /// The call is being ended.
    HungUp,
}

impl Unsaid {
    /// What the operator is told of the call.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "is not reading",
            Self::HungUp => "is hanging up",
        }
    }
}

/// What a read of a link brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes.
    Bytes(usize),
    Nothing,
    /// No process has the peer's end any more.
    End,
}

/// The server's end of one link.
#[derive(Debug)]
pub struct Link {
    output: Output,
    /// What is left of a read, until the rest of its frame comes.
    pub frames: Frames,
    hung_up: bool,
}

impl Link {
    /// A link, and the end for the process of the call.
    fn pair() -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let output = Output::new(ours.as_fd())?;
        Ok((Self { output, frames: Frames::default(), hung_up: false }, theirs))
    }

    /// Says lines, each with its newline, in the console.
    ///
    /// # Errors
    /// They are not taken, and why.
    pub fn say(&mut self, lines: &[u8]) -> Result<(), Unsaid> {
        if self.hung_up {
            return Err(Unsaid::HungUp);
        }
        if self.output.waiting() + lines.len() > LIMIT {
            return Err(Unsaid::Full);
        }
        let mut out = Buffer::default();
        let mut said = 0;
        for newline in memchr_iter(b'\n', lines) {
            frame::put_text(&mut out, &lines[said..newline], true);
            said = newline + 1;
        }
        self.push(&out);
        Ok(())
    }

    /// Asks the handler to say goodbye, after what was said. Returns whether it was asked before.
    pub fn hang_up(&mut self) -> bool {
        let before = mem::replace(&mut self.hung_up, true);
        if !before {
            let mut out = Buffer::default();
            put_decision(&mut out, Decision::HangUp);
            self.push(&out);
        }
        before
    }

    fn push(&mut self, out: &Buffer) {
        self.output.push(out.bytes());
        self.flush(false);
    }

    /// Writes what there is room for; `room` when poll(2) says that there is some again.
    fn flush(&mut self, room: bool) {
        self.output.unblock(room);
        // A process that is gone is noticed by reading.
        let _ = self.output.flush();
    }

    /// Reads what has arrived, without waiting.
    pub fn receive(&self, buffer: &mut [u8]) -> Received {
        match sockets::receive(self.output.as_fd(), buffer) {
            Ok(0) => Received::End,
            Ok(count) => Received::Bytes(count),
            Err(error) if would_block(&error) => Received::Nothing,
            // The process was killed before it had read everything (unix(7), ECONNRESET).
            Err(_) => Received::End,
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

/// The links of all calls, by the number of the call.
pub struct Links {
    epoll_set: EpollSet,
    links: BTreeMap<u32, Link>,
}

impl Links {
    /// # Errors
    /// epoll_create1(2) failed: too many open descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll_set: EpollSet::new()?, links: BTreeMap::new() })
    }

    /// Opens the link of a call and returns the end for its process.
    ///
    /// # Errors
    /// socketpair(2), fcntl(2) or epoll_ctl(2) failed: too many open descriptors, or no memory.
    pub fn open(&mut self, call: u32) -> io::Result<UnixStream> {
        let (link, theirs) = Link::pair()?;
        self.epoll_set.add(&link, call)?;
        self.links.insert(call, link);
        Ok(theirs)
    }

    /// Closes the link of a call. It leaves the epoll set first: a child that was just forked may
    /// for a moment have a copy of the descriptor, which would keep it in the set.
    pub fn close(&mut self, call: u32) {
        if let Some(link) = self.links.remove(&call) {
            self.epoll_set.remove(&link);
        }
    }

    pub fn get(&mut self, call: u32) -> Option<&mut Link> {
        self.links.get_mut(&call)
    }

    /// Writes to the process of a call what there is room for again.
    pub fn flush(&mut self, call: u32) {
        if let Some(link) = self.links.get_mut(&call) {
            link.flush(true);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The calls that have a link.
    pub fn calls(&self) -> Vec<u32> {
        self.links.keys().copied().collect()
    }

    /// Links on which something waits for room, each with its call.
    pub fn blocked(&self) -> impl Iterator<Item = (u32, &Output)> {
        let outputs = self.links.iter().map(|(&call, link)| (call, &link.output));
        outputs.filter(|(_, output)| output.blocked())
    }

    /// The calls whose links can be read, or have come to their end; at most 64, the others with
    /// the next wait.
    ///
    /// # Errors
    /// epoll_wait(2) failed.
    pub fn readable(&self) -> io::Result<Vec<u32>> {
        self.epoll_set.readable()
    }
}

/// Readable when a link is.
impl AsFd for Links {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll_set.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use crate::session::link::Downward;

    use super::*;

    /// The messages that the process of a call reads.
    fn messages(mut theirs: UnixStream) -> Vec<String> {
        let (mut bytes, mut messages) = (Vec::new(), Vec::new());
        theirs.read_to_end(&mut bytes).unwrap();
        let message = |tag, payload: &[u8]| {
            messages.push(format!("{:?}", Downward::decode(tag, payload).unwrap()));
        };
        Frames::default().feed(&bytes, message).unwrap();
        messages
    }

    #[test]
    fn what_is_said_arrives_before_the_decision_to_hang_up() {
        let mut links = Links::new().unwrap();
        let theirs = links.open(7).unwrap();
        let link = links.get(7).unwrap();
        link.say(b"one\n\n").unwrap();
        assert!(!link.hang_up());
        assert_eq!(link.say(b"late\n"), Err(Unsaid::HungUp));
        assert!(link.hang_up(), "asked before");
        links.close(7);
        let messages = messages(theirs);
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages[2].contains("HangUp"), "{messages:?}");
    }

    #[test]
    fn a_process_that_reads_nothing_is_refused_more_lines_and_blocks_nobody() {
        let mut links = Links::new().unwrap();
        let theirs = links.open(7).unwrap();
        let link = links.get(7).unwrap();
        let line = [&[b'x'; 60_000][..], b"\n"].concat();
        let taken = (0..100).take_while(|_| link.say(&line).is_ok()).count();
        assert!((1..100).contains(&taken), "{taken}");
        assert_eq!(link.say(&line), Err(Unsaid::Full));
        assert_eq!(links.blocked().map(|(call, _)| call).collect::<Vec<_>>(), [7]);
        // A decision is taken all the same.
        assert!(!links.get(7).unwrap().hang_up());
        drop(theirs);
        assert_eq!(links.readable().unwrap(), [7], "its end is noticed by reading");
        assert_eq!(links.get(7).unwrap().receive(&mut [0; 8]), Received::End);
        links.close(7);
        assert!(links.is_empty() && links.readable().unwrap().is_empty());
    }
}

//! The call goes to its handler over a Unix socket: for windows that do not inherit descriptors.
//!
//! A terminal that is a client of a daemon (tmux, gnome-terminal) starts the handler from a process
//! that has never seen the call. So the helper offers it at a path that only its user can reach, to
//! whoever collects it first, once. The invariant: the path is gone as soon as the call was
//! collected, or is not going to be.

use std::fs::{self, DirBuilder};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::signal::SigSet;

use crate::errors;
use crate::protocol::name::Name;
use crate::session::report::Address;
use crate::sys::ready::{self, Interest};
use crate::sys::{fd, fd_passing};

/// How long a window may take to collect its call.
pub const CLAIM_LIMIT: Duration = Duration::from_secs(20);
/// How often a helper that waits for its call to be collected looks after the window's process.
const LOOK: Duration = Duration::from_millis(50);

/// A call on offer.
pub struct Offer {
    directory: PathBuf,
    listener: UnixListener,
}

impl Offer {
    /// Offers a call at a new path, in a directory of its own.
    ///
    /// # Errors
    /// The directory for sockets (`$XDG_RUNTIME_DIR`, else the one for temporary files) cannot be
    /// written to.
    pub fn new() -> Result<Self> {
        let parent =
            std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let directory = parent.join(format!("talk-{}-{now:x}", std::process::id()));
        // Never one that exists already: whoever made it may reach into it.
        let made = DirBuilder::new().mode(0o700).create(&directory).and_then(|()| {
            let offer = UnixListener::bind(directory.join("call"));
            offer.inspect_err(|_| drop(fs::remove_dir(&directory)))
        });
        let listener = made.map_err(errors::failed(
            format_args!("cannot offer the call in {}", parent.display()),
            "set XDG_RUNTIME_DIR to another place",
        ))?;
        listener.set_nonblocking(true)?;
        Ok(Self { directory, listener })
    }

    /// Where the handler finds the call.
    pub fn path(&self) -> PathBuf {
        self.directory.join("call")
    }

    /// Waits until somebody of the same user collects the call, and hands it over. `failed` says
    /// whether the window's process has failed meanwhile. Returns the connection whose end is the
    /// handler's end.
    ///
    /// # Errors
    /// Nobody came in time, or the window failed.
    pub fn hand_over(
        &self,
        call: BorrowedFd<'_>,
        note: &Handover,
        mut failed: impl FnMut() -> Result<()>,
    ) -> Result<UnixStream> {
        let deadline = Instant::now() + CLAIM_LIMIT;
        while Instant::now() < deadline {
            let mut interests = [Interest::read(&self.listener, true)];
            ready::poll(&mut interests, Some(Instant::now() + LOOK), &SigSet::empty())?;
            if !interests[0].ready {
                failed()?;
                continue;
            }
            let (stream, _) = self.listener.accept()?;
            if fd_passing::is_ours(&stream)? {
                fd_passing::send(&stream, call, &note.encode())?;
                return Ok(stream);
            }
        }
        let limit = CLAIM_LIMIT.as_secs();
        bail!(
            "no handler came for the call within {limit} s; does the terminal run its last words?"
        )
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
        let _ = fs::remove_dir(&self.directory);
    }
}

/// What a handler needs to know that it does not inherit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The desk's name.
    pub name: Name,
    /// Where to report.
    pub reports: Option<Address>,
}

impl Handover {
    /// The name, a zero byte, then where to report (empty: nowhere).
    fn encode(&self) -> Vec<u8> {
        let reports = self.reports.as_ref().map(Address::variable).unwrap_or_default();
        [self.name.as_bytes(), b"\0", reports.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let zero = bytes.iter().position(|&byte| byte == 0)?;
        let reports = std::str::from_utf8(&bytes[zero + 1..]).ok()?;
        Some(Self { name: Name::from_wire(&bytes[..zero])?, reports: Address::parse(reports) })
    }
}

/// A call that was collected.
pub struct Claimed {
    pub call: OwnedFd,
    pub note: Handover,
    /// Tells the helper, by its end, when this process has ended.
    pub helper: UnixStream,
}

/// Collects the call that is offered at `path`.
///
/// # Errors
/// Nothing is offered there, or not by this user.
pub fn claim(path: &Path) -> Result<Claimed> {
    let place = path.display();
    let advice = "the log of the desk may say more";
    let helper = UnixStream::connect(path)
        .map_err(errors::failed(format_args!("no call is offered at {place}"), advice))?;
    ensure!(
        fd_passing::is_ours(&helper)?,
        "the call at {place} is offered by another user; only they can collect it"
    );
    let (call, note) = fd_passing::receive(&helper)
        .map_err(errors::failed(format_args!("no call came from {place}"), advice))?;
    fd::fitting(call.as_fd())
        .map_err(|unfit| anyhow!("what came from {place} {unfit}; {advice}"))?;
    let note = Handover::decode(&note).with_context(|| {
        format!("what came from {place} is not understood; is the desk's talk another version?")
    })?;
    Ok(Claimed { call, note, helper })
}

impl AsFd for Offer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use anyhow::anyhow;

    use super::*;

    fn note() -> Handover {
        Handover { name: "bob".parse().unwrap(), reports: Some(Address::new("talk-1-2", 3)) }
    }

    #[test]
    fn a_note_travels_whole() {
        for note in [note(), Handover { reports: None, ..note() }] {
            assert_eq!(Handover::decode(&note.encode()), Some(note));
        }
        for junk in [&b""[..], b"bob", b"\0talk-1-2/3", b"bob\0\xff"] {
            assert_eq!(Handover::decode(junk), None);
        }
    }

    #[test]
    fn a_call_is_collected_once_and_leaves_nothing_behind() {
        let offer = Offer::new().unwrap();
        let (path, directory) = (offer.path(), offer.directory.clone());
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        let (call, _caller) = UnixStream::pair().unwrap();
        let collector = thread::spawn({
            let path = path.clone();
            move || claim(&path)
        });
        let held = offer.hand_over(call.as_fd(), &note(), || Ok(())).unwrap();
        let collected = collector.join().unwrap().unwrap();
        assert_eq!(collected.note, note());
        drop(offer);
        assert!(!directory.exists());
        assert!(claim(&path).is_err());
        drop(collected);
        assert_eq!(io::Read::read(&mut &held, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_window_that_fails_is_not_waited_for() {
        let (call, _caller) = UnixStream::pair().unwrap();
        let offer = Offer::new().unwrap();
        let error = offer.hand_over(call.as_fd(), &note(), || Err(anyhow!("exited"))).unwrap_err();
        assert_eq!(error.to_string(), "exited");
    }
}

//! A call offered on a Unix socket, to one handler of the same user.
//!
//! The helper offers it at a path that only its user can reach. The invariant: both processes check
//! the peer's uid, and the path is gone as soon as the call was claimed or is not going to be.

use std::fs::{self, DirBuilder};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{env, io};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::signal::SigSet;

use super::Handover;
use crate::errors;
use crate::sys::ready::{self, Interest};
use crate::sys::{fd, fd_passing};

/// How long a window may take to claim its call.
pub const CLAIM_LIMIT: Duration = Duration::from_secs(20);
/// How often a helper that waits for its call to be claimed looks whether the window's process has
/// failed.
const LOOK: Duration = Duration::from_millis(50);
/// The socket in the directory of an offer.
const SOCKET: &str = "call";

/// A call on offer.
#[derive(Debug)]
pub struct Offer {
    directory: PathBuf,
    listener: UnixListener,
}

impl Offer {
    /// Offers a call in a new private directory, in `$XDG_RUNTIME_DIR` or that for temporary files.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn new() -> Result<Self> {
        let parent = env::var_os("XDG_RUNTIME_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let what = format!("cannot offer the call in {}", parent.display());
        let advice = "set XDG_RUNTIME_DIR to another place";
        Self::within(&parent).map_err(errors::failed(what, advice))
    }

    fn within(parent: &Path) -> io::Result<Self> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let directory = parent.join(format!("talk-{}-{now:x}", std::process::id()));
        // Never a directory that exists already: whoever made it may reach into it.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let listener = UnixListener::bind(directory.join(SOCKET)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => Ok(Self { directory, listener }),
            Err(error) => {
                remove(&directory);
                Err(error)
            }
        }
    }

    /// Where the handler finds the call.
    pub fn path(&self) -> PathBuf {
        self.directory.join(SOCKET)
    }

    /// Waits until a process of the same user claims the call, and hands over call, link and
    /// record. `failed` says whether the window's process has failed meanwhile. Returns a
    /// connection that ends when the handler does.
    ///
    /// # Errors
    /// Nobody came in time, or the window failed.
    pub fn hand_over(
        &self,
        call: BorrowedFd<'_>,
        link: BorrowedFd<'_>,
        record: &Handover,
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
                fd_passing::send(&stream, [call, link], &record.encode(None))?;
                return Ok(stream);
            }
        }
        let limit = CLAIM_LIMIT.as_secs();
        bail!(
            "no handler claimed the call within {limit} s; \
             does the terminal run the command in its last arguments?"
        )
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// A call that was claimed.
#[derive(Debug)]
pub struct Claimed {
    pub call: OwnedFd,
    pub link: Option<OwnedFd>,
    pub record: Handover,
    /// Tells the helper, by its end, that this process has ended.
    pub helper: UnixStream,
}

/// Claims the call that is offered at `path`.
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
        "the call at {place} is offered by another user; only they can claim it"
    );
    let (call, link, record) = fd_passing::receive(&helper)
        .map_err(errors::failed(format_args!("no call came from {place}"), advice))?;
    fd::fitting(call.as_fd())
        .map_err(|unfit| anyhow!("what came from {place} {unfit}; {advice}"))?;
    let (record, _) = Handover::decode(&record).with_context(|| {
        format!("what came from {place} is not understood; is the desk's talk another version?")
    })?;
    Ok(Claimed { call, link, record, helper })
}

/// Removes the directory of an offer, if it holds nothing else.
fn remove(directory: &Path) {
    let _ = fs::remove_file(directory.join(SOCKET));
    let _ = fs::remove_dir(directory);
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use super::super::tests::record;
    use super::*;

    #[test]
    fn a_call_is_claimed_once_and_leaves_nothing_behind() {
        let offer = Offer::new().unwrap();
        let (path, directory) = (offer.path(), offer.directory.clone());
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        let (call, _caller) = UnixStream::pair().unwrap();
        let (link, _server) = UnixStream::pair().unwrap();
        let claimant = thread::spawn({
            let path = path.clone();
            move || claim(&path)
        });
        let held = offer.hand_over(call.as_fd(), link.as_fd(), &record(), || Ok(())).unwrap();
        let claimed = claimant.join().unwrap().unwrap();
        assert_eq!((&claimed.record, claimed.link.is_some()), (&record(), true));
        drop(offer);
        assert!(!directory.exists());
        assert!(claim(&path).is_err());
        drop(claimed);
        assert_eq!((&held).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_window_that_fails_is_not_waited_for() {
        let (call, _caller) = UnixStream::pair().unwrap();
        let offer = Offer::new().unwrap();
        let failed = || Err(anyhow!("exited"));
        let error = offer.hand_over(call.as_fd(), call.as_fd(), &record(), failed).unwrap_err();
        assert_eq!(error.to_string(), "exited");
    }
}

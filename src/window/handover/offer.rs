//! A call offered on a Unix socket, to one handler of the same user.
//!
//! The helper offers it at a path that only its user can reach. The invariant: both processes check
//! the peer's uid, and the path is gone as soon as the call was claimed or is not going to be. A
//! helper that is killed cannot remove it: the next server does (`sweep`).

use std::fs::{self, DirBuilder};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{env, io};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, geteuid};

use super::Handover;
use crate::errors;
use crate::sys::ready::{self, Interest};
use crate::sys::{fd, fd_passing, process};

/// How long a window may take to claim its call.
pub const CLAIM_LIMIT: Duration = Duration::from_secs(20);
/// How often a helper that waits for its call to be claimed looks whether the window's process has
/// failed.
const LOOK: Duration = Duration::from_millis(50);
/// The socket in the directory of an offer.
const SOCKET: &str = "call";
/// How the name of that directory begins.
const PREFIX: &str = "talk-";

/// A call on offer.
#[derive(Debug)]
pub struct Offer {
    directory: PathBuf,
    listener: UnixListener,
}

impl Offer {
    /// Offers a call in a new private directory, in the first of these places that can be written
    /// to: `$XDG_RUNTIME_DIR`, then `$TMPDIR` or /tmp.
    ///
    /// # Errors
    /// None of them can.
    pub fn new() -> Result<Self> {
        let (runtime, temporary) = places();
        if let Some(offer) = runtime.and_then(|place| Self::within(&place).ok()) {
            return Ok(offer);
        }
        let what = format!("cannot offer the call in {}", temporary.display());
        let advice = "set XDG_RUNTIME_DIR to another place";
        Self::within(&temporary).map_err(errors::failed(what, advice))
    }

    fn within(parent: &Path) -> io::Result<Self> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let directory = parent.join(format!("{PREFIX}{}-{now:x}", std::process::id()));
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

/// Removes the directories of helpers that were killed before they could do it themselves.
pub fn sweep() {
    let (runtime, temporary) = places();
    runtime.iter().chain([&temporary]).for_each(|place| sweep_in(place));
}

fn sweep_in(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        // Of the entry itself: a symbolic link is nobody's private directory.
        let Ok(metadata) = entry.metadata() else { continue };
        let ours = metadata.is_dir() && metadata.uid() == geteuid().as_raw();
        if ours
            && entry.file_name().to_str().and_then(helper).is_some_and(|pid| !process::exists(pid))
        {
            remove(&entry.path());
        }
    }
}

/// The helper that made a directory of this name, `talk-<pid>-<hex>`.
fn helper(directory: &str) -> Option<Pid> {
    let (pid, time) = directory.strip_prefix(PREFIX)?.split_once('-')?;
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let pid = pid.parse().ok().filter(|&number| number > 0)?;
    (!time.is_empty() && time.chars().all(hex)).then(|| Pid::from_raw(pid))
}

/// Removes the directory of an offer, if it holds nothing else.
fn remove(directory: &Path) {
    let _ = fs::remove_file(directory.join(SOCKET));
    let _ = fs::remove_dir(directory);
}

/// Where offers are made: `$XDG_RUNTIME_DIR` if there is one, else `$TMPDIR` or /tmp.
fn places() -> (Option<PathBuf>, PathBuf) {
    let set = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    (set("XDG_RUNTIME_DIR"), set("TMPDIR").unwrap_or_else(|| "/tmp".into()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};
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

    #[test]
    fn only_the_directories_of_dead_helpers_are_swept() {
        let place = tempfile::tempdir().unwrap();
        let make = |name: &str, inside: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join(inside), "").unwrap();
        };
        let alive = format!("talk-{}-1", std::process::id());
        // Beyond the highest number that Linux gives to a process (proc_sys_kernel(5), pid_max).
        make("talk-4194305-18a", SOCKET);
        make("talk-4194305-18b", "something else");
        make("talk-4194305-xyz", SOCKET);
        make("talk-4194305", SOCKET);
        make("talk--5-1", SOCKET);
        make(&alive, SOCKET);
        symlink(place.path().join(&alive), place.path().join("talk-4194305-2")).unwrap();
        sweep_in(place.path());
        let mut left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let expected =
            ["talk--5-1", "talk-4194305", "talk-4194305-18b", "talk-4194305-2", "talk-4194305-xyz"];
        let mut expected: Vec<_> = expected.into_iter().chain([alive.as_str()]).collect();
        expected.sort_unstable();
        assert_eq!(left, expected);
        assert!(place.path().join(alive).join(SOCKET).exists());
    }
}

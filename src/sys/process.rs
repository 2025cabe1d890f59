//! Processes: fork a child that never returns, become another program, reap what has ended.
//!
//! Next door, `signals` and `tty` keep state that a child must not act on. The invariant: a forked
//! child leaves only by exec or `_exit`, so nothing that the parent does at its end (destructors,
//! buffered output) happens twice.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{env, fmt, fs, io, mem};

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
pub use nix::unistd::Pid;
use nix::unistd::{ForkResult, User, dup2_stderr, dup2_stdin, dup2_stdout, execvpe, fork, getuid};

use super::signals;

/// The exit status of a child that panicked, as that of any Rust program. The message goes to
/// standard error, and the parent's terminal stays as it is (`tty`).
const PANICKED: u8 = 101;

/// Forks a child that runs `child` and exits with the status it returns. It has the standard
/// streams and the descriptors in `keep`; all others are closed, so it must not use them. Signals
/// that the parent has noted and not yet taken are not the child's. The parent gets the child's
/// pid.
///
/// # Errors
/// fork(2) failed: too many processes, or no memory.
pub fn spawn(keep: &[BorrowedFd<'_>], child: impl FnOnce() -> u8) -> io::Result<Pid> {
    assert_one_thread();
    // SAFETY: the process has one thread, so no lock is held by a thread that the child lacks, and
    // the child may go on as the parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            signals::forget();
            // SAFETY: the owners of these descriptors are the parent's variables. Nothing of the
            // parent's code runs in this process but `child`, which says in `keep` what it uses.
            unsafe { close_all_but(keep) };
            let status = catch_unwind(AssertUnwindSafe(child)).unwrap_or_else(|message| {
                // Its destructor could panic again, out of here and into the parent's code.
                mem::forget(message);
                PANICKED
            });
            // SAFETY: _exit(2) ends the process and runs nothing of ours.
            unsafe { libc::_exit(status.into()) }
        }
    }
}

/// Panics if this process has a second thread, which fork(2) and setenv(3) do not allow for.
/// Nothing in this program starts one (scripts/check-imports).
pub(super) fn assert_one_thread() {
    // A test runs beside the harness, which only waits (`alone`).
    let waiting = u64::from(cfg!(test));
    assert!(other_threads() <= waiting, "another thread is running");
}

/// How many threads this process has but this one; 0 without /proc, which cannot say.
fn other_threads() -> u64 {
    // A directory has two links and one for each directory in it (proc_pid_task(5)).
    fs::metadata("/proc/self/task").map_or(0, |tasks| tasks.nlink().saturating_sub(3))
}

/// Becomes the program `argv[0]`, looked up on PATH, with this process's environment and
/// `variables`, which replace those of the same name.
///
/// # Errors
/// Returns only if execve(2) failed.
pub fn exec(argv: &[impl AsRef<OsStr>], variables: &[(&str, &OsStr)]) -> io::Result<Infallible> {
    let argv: Vec<CString> =
        argv.iter().map(|word| c_string(word.as_ref())).collect::<Result<_, _>>()?;
    let kept = env::vars_os().filter(|(key, _)| variables.iter().all(|(ours, _)| key != ours));
    let ours = variables.iter().map(|(key, value)| (OsStr::new(key).into(), value.into()));
    let environment: Vec<CString> = kept
        .chain(ours)
        .map(|(key, value)| {
            let mut pair = key;
            pair.push("=");
            pair.push(value);
            c_string(&pair)
        })
        .collect::<Result<_, _>>()?;
    Ok(execvpe(&argv[0], &argv, &environment)?)
}

fn c_string(word: &OsStr) -> io::Result<CString> {
    Ok(CString::new(word.as_bytes())?)
}

/// In a forked child: closes every descriptor above 2 that is not in `keep`, also those that the
/// parent inherited.
///
/// # Safety
/// Nothing in this process uses one of the others afterwards.
unsafe fn close_all_but(keep: &[BorrowedFd<'_>]) {
    let mut kept: Vec<RawFd> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    let mut first = 3;
    for number in kept.into_iter().chain([RawFd::MAX]) {
        if first < number {
            // SAFETY: passed on to our caller.
            unsafe { close_range(first, number - 1) };
        }
        first = first.max(number.saturating_add(1));
    }
}

/// Closes the descriptors from `first` to `last`, as many of them as are open.
///
/// # Safety
/// Nothing in this process uses one of them afterwards.
unsafe fn close_range(first: RawFd, last: RawFd) {
    // SAFETY: passed on to our caller.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed != 0 {
        // Linux before 5.9 has no such call: close one by one, up to the limit on descriptors.
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 0));
        for number in first..=last.min(RawFd::try_from(soft).unwrap_or(RawFd::MAX)) {
            // SAFETY: passed on to our caller; one that is not open answers EBADF.
            unsafe { libc::close(number) };
        }
    }
}

/// Makes a stream the standard input and output of this process, and discards what it writes to
/// standard error.
///
/// # Errors
/// dup2(2) failed.
pub fn converse_on(stream: impl AsFd) -> io::Result<()> {
    dup2_stdin(&stream)?;
    dup2_stdout(&stream)?;
    dup2_stderr(discard()?)?;
    Ok(())
}

/// Detaches standard input, output and error from whatever this process inherited: reads find the
/// end, writes are discarded. A window that kept them would hold the server's log open long after
/// the server has ended.
///
/// # Errors
/// dup2(2) failed.
pub fn detach_standard_streams() -> io::Result<()> {
    let discard = discard()?;
    dup2_stdin(&discard)?;
    dup2_stdout(&discard)?;
    dup2_stderr(&discard)?;
    Ok(())
}

fn discard() -> io::Result<OwnedFd> {
    // A root without /dev has no null device: there, a stream whose peer is closed serves as well.
    match File::options().read(true).write(true).open("/dev/null") {
        Ok(null) => Ok(null.into()),
        Err(_) => Ok(UnixStream::pair()?.0.into()),
    }
}

/// Whether a process of this number exists, whoever owns it.
pub fn exists(pid: Pid) -> bool {
    kill(pid, None) != Err(Errno::ESRCH)
}

/// Asks a child of this process to end. It must not have been reaped: its pid may be reused then.
pub fn terminate(child: Pid) {
    let _ = kill(child, Signal::SIGTERM);
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Status(i32),
    Signal(Signal),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(signal) => write!(f, "was killed by {signal}"),
        }
    }
}

/// The children that have ended since the last call, and how.
pub fn reap() -> impl Iterator<Item = (Pid, Exit)> {
    std::iter::from_fn(|| match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(pid, status)) => Some((pid, Exit::Status(status))),
        Ok(WaitStatus::Signaled(pid, signal, _)) => Some((pid, Exit::Signal(signal))),
        // Without WUNTRACED and WCONTINUED, nothing else is reported (waitpid(2)).
        Ok(_) | Err(_) => None,
    })
}

/// The login name of the user who runs this process, if the system knows one.
pub fn login_name() -> Option<String> {
    let known = User::from_uid(getuid()).ok().flatten().map(|user| user.name);
    known.or_else(|| env::var("LOGNAME").ok()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::panic::resume_unwind;

    use nix::unistd::pipe;

    use super::super::tests::alone;
    use super::*;

    fn status(child: Pid) -> WaitStatus {
        waitpid(child, None).unwrap()
    }

    #[test]
    fn a_child_has_what_it_keeps_and_no_other_descriptor() {
        alone(|| {
            let ((read, write), (other, _end)) = (pipe().unwrap(), pipe().unwrap());
            let other = other.as_raw_fd();
            let keep = [write.as_fd(), read.as_fd(), read.as_fd()];
            let child = spawn(&keep, || {
                let open = |fd: RawFd| fs::exists(format!("/proc/self/fd/{fd}")).unwrap_or(false);
                u8::from(open(1))
                    + 2 * u8::from(open(read.as_raw_fd()))
                    + 4 * u8::from(open(write.as_raw_fd()))
                    + 8 * u8::from(open(other))
            });
            let child = child.unwrap();
            assert_eq!(status(child), WaitStatus::Exited(child, 7));
        });
    }

    #[test]
    fn a_child_that_panics_exits_and_runs_nothing_of_its_parent() {
        alone(|| {
            struct Parent(File);
            impl Drop for Parent {
                fn drop(&mut self) {
                    let _ = self.0.write_all(b"dropped ");
                }
            }
            let (read, write) = pipe().unwrap();
            let parent = Parent(write.into());
            // Without the panic hook, for which another test may hold a lock.
            let child = spawn(&[parent.0.as_fd()], || resume_unwind(Box::new("a panic"))).unwrap();
            assert_eq!(status(child), WaitStatus::Exited(child, 101));
            drop(parent);
            assert_eq!(io::read_to_string(File::from(read)).unwrap(), "dropped ", "once");
        });
    }

    #[test]
    fn threads_are_counted() {
        let before = other_threads();
        assert!(before > 0, "the harness waits in another thread");
        std::thread::scope(|scope| {
            let (held, hold) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || hold.recv());
            assert!(other_threads() > 0);
            drop(held);
        });
    }
}

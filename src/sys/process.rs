//! Processes: fork a child that never returns, become another program, reap what has ended.
//!
//! The invariant: a forked child leaves only by exec or `_exit`, so nothing that the parent would
//! do at its end (destructors, buffered output) happens twice.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::{env, fs, io};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{
    ForkResult, Pid, User, dup2_stderr, dup2_stdin, dup2_stdout, execvpe, fork, getuid,
};

use super::signals;

/// Forks a child that has none of the parent's descriptors but the standard ones and those in
/// `keep`, runs `child` and exits with the status it returns. The parent gets the child's pid.
///
/// # Errors
/// fork(2) failed: too many processes, or no memory.
pub fn spawn(keep: &[BorrowedFd<'_>], child: impl FnOnce() -> u8) -> io::Result<Pid> {
    debug_assert_eq!(threads(), 1, "fork from a process with threads");
    // SAFETY: the process has one thread (asserted above in debug builds; nothing in this program
    // starts another), so no lock can be held by a thread that the child does not have, and the
    // child may go on as the parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            signals::forget();
            close_all_but(keep);
            let run = std::panic::AssertUnwindSafe(child);
            let status = std::panic::catch_unwind(run).unwrap_or(101);
            // SAFETY: _exit(2) ends the process; it runs nothing of ours.
            unsafe { libc::_exit(status.into()) }
        }
    }
}

fn threads() -> usize {
    // The test harness runs tests in threads of its own; there, a test forks only what execs or
    // exits at once.
    if cfg!(test) { 1 } else { fs::read_dir("/proc/self/task").map_or(1, Iterator::count) }
}

/// Becomes the program `argv[0]`, looked up on PATH, with this environment and `variables` besides.
///
/// # Errors
/// Returns only when it failed (execve(2)).
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
fn close_all_but(keep: &[BorrowedFd<'_>]) {
    let mut kept: Vec<RawFd> = keep.iter().map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    let mut first = 3;
    for number in kept {
        close_range(first, number - 1);
        first = first.max(number + 1);
    }
    close_range(first, RawFd::MAX);
}

/// Closes the descriptors from `first` to `last`, if there are any.
fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: the owners of these descriptors are the parent's code, which never runs in this
    // process.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed != 0 {
        // Linux before 5.9 has no such call: one by one, as far as descriptors may go.
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 0));
        for number in first..=last.min(RawFd::try_from(soft).unwrap_or(RawFd::MAX)) {
            // SAFETY: as above; one that is not open answers EBADF.
            unsafe { libc::close(number) };
        }
    }
}

/// Makes a stream the standard input and output of this process, and lets nobody read its standard
/// error.
///
/// # Errors
/// dup2(2) failed.
pub fn converse_on(stream: impl AsFd) -> io::Result<()> {
    dup2_stdin(&stream)?;
    dup2_stdout(&stream)?;
    // In a root without devices, a stream whose other end is closed serves as well.
    let nobody = match File::options().write(true).open("/dev/null") {
        Ok(null) => OwnedFd::from(null),
        Err(_) => UnixStream::pair()?.0.into(),
    };
    dup2_stderr(nobody)?;
    Ok(())
}

/// Asks a child of this process that was not reaped yet to end.
pub fn terminate(child: Pid) {
    let _ = kill(child, Signal::SIGTERM);
}

/// The children that have ended since the last call, and how.
pub fn reap() -> impl Iterator<Item = (Pid, WaitStatus)> {
    std::iter::from_fn(|| match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        Ok(status) => status.pid().map(|pid| (pid, status)),
        Err(_) => None,
    })
}

/// The login name of whoever runs this process, if the system knows one.
pub fn login_name() -> Option<String> {
    let known = User::from_uid(getuid()).ok().flatten().map(|user| user.name);
    known.or_else(|| env::var("LOGNAME").ok()).filter(|name| !name.is_empty())
}

//! Signals as events: noted by a handler that only sets a bit, taken by the loop that waits.
//!
//! Watched signals are blocked, and [`super::ready`] lets them in only while it waits, so they
//! never interrupt another system call. The invariants: a signal that came is taken or, by
//! [`Signals::release`], acts as it would have without us; and one that was ignored when the
//! process started stays ignored until then.

use std::sync::atomic::{AtomicU64, Ordering};

use nix::libc::c_int;
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction,
};

/// A bit for each signal that came and has not been taken.
static NOTED: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: c_int) {
    NOTED.fetch_or(1 << signal, Ordering::Relaxed);
}

/// The signals a process watches.
pub struct Signals {
    watched: SigSet,
    /// The mask at the start of the process.
    before: SigSet,
    /// The mask to wait with.
    waiting: SigSet,
}

impl Signals {
    /// Watches `signals`. Those that were ignored when the process started stay ignored, as
    /// nohup(1) and a shell's background jobs expect. SIGALRM and SIGCHLD are watched in any case:
    /// they come only of what this process itself does.
    ///
    /// # Errors
    /// sigaction(2) or sigprocmask(2) failed.
    pub fn watch(signals: &[Signal]) -> nix::Result<Self> {
        let watched: SigSet = signals.iter().copied().collect();
        let before = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        for &signal in signals {
            let action =
                SigAction::new(SigHandler::Handler(note), SaFlags::empty(), SigSet::empty());
            let previous = set_action(signal, &action)?;
            let ignored = matches!(previous.handler(), SigHandler::SigIgn);
            if ignored && ![Signal::SIGALRM, Signal::SIGCHLD].contains(&signal) {
                set_action(signal, &previous)?;
            }
        }
        let mut waiting = before;
        for signal in &watched {
            waiting.remove(signal);
        }
        Ok(Self { watched, before, waiting })
    }

    /// The mask to wait with: lets the watched signals in.
    pub fn mask(&self) -> &SigSet {
        &self.waiting
    }

    /// The signals that came since the last call.
    pub fn take(&self) -> SigSet {
        if NOTED.load(Ordering::Relaxed) == 0 {
            return SigSet::empty();
        }
        let noted = NOTED.swap(0, Ordering::Relaxed);
        self.watched.iter().filter(|&signal| noted & (1 << signal as c_int) != 0).collect()
    }

    /// Stops this process as Ctrl-Z does, until it is continued. The system does not stop a process
    /// that no shell could continue, such as one in an xterm ("orphaned process group",
    /// setpgid(2)).
    ///
    /// # Errors
    /// sigaction(2) or sigprocmask(2) failed.
    pub fn stop(&self) -> nix::Result<()> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        let handler = set_action(Signal::SIGTSTP, &default)?;
        raise(Signal::SIGTSTP)?;
        let stopping: SigSet = [Signal::SIGTSTP, Signal::SIGCONT].into_iter().collect();
        stopping.thread_unblock()?;
        // Unblocked, the signal stops the process here, until it is continued.
        stopping.thread_block()?;
        set_action(Signal::SIGTSTP, &handler)?;
        // Our caller knows that it was continued.
        NOTED.fetch_and(!(1 << Signal::SIGCONT as c_int), Ordering::Relaxed);
        Ok(())
    }

    /// Restores the mask and gives the watched signals, SIGPIPE and SIGXFSZ their default
    /// dispositions: before this process becomes another program, which would inherit what
    /// is blocked or ignored (execve(2)), or another part of this one. A signal that was noted and
    /// not taken acts now: a SIGTERM ends the process.
    ///
    /// # Errors
    /// sigaction(2), sigprocmask(2) or raise(3) failed.
    pub fn release(&self) -> nix::Result<()> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        for signal in self.watched.iter().chain([Signal::SIGPIPE, Signal::SIGXFSZ]) {
            set_action(signal, &default)?;
        }
        // Still blocked: each of them is pending until the mask lets it in.
        for signal in &self.take() {
            raise(signal)?;
        }
        self.before.thread_set_mask()
    }
}

/// Ignores SIGXFSZ, as Rust does SIGPIPE: a file that may not grow any more (`ulimit -f`) is an
/// error of write(2), like a full disk.
///
/// # Errors
/// sigaction(2) failed.
pub fn ignore_file_limit() -> nix::Result<()> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    set_action(Signal::SIGXFSZ, &ignore).map(drop)
}

/// In a forked child, before it lets signals in: what is noted came to the parent.
pub(super) fn forget() {
    NOTED.store(0, Ordering::Relaxed);
}

/// Sends SIGALRM to this process once, after `seconds` (alarm(2)); 0 calls it off.
pub fn alarm(seconds: u32) {
    nix::unistd::alarm::set(seconds);
}

/// In a test: gives `signals` their default dispositions; whoever started it may have ignored them.
#[cfg(test)]
pub fn restore_defaults(signals: &[Signal]) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for &signal in signals {
        let _ = set_action(signal, &default);
    }
}

fn set_action(signal: Signal, action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: the only function that is ever installed here is `note`, which does one atomic OR on
    // a static: async-signal-safe (signal-safety(7)).
    unsafe { sigaction(signal, action) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::wait::{WaitStatus, waitpid};

    use super::super::tests::alone;
    use super::super::{process, ready};
    use super::*;

    /// How a forked child ends that runs `child`.
    fn end_of(child: impl FnOnce() -> u8) -> WaitStatus {
        waitpid(process::spawn(&[], child).unwrap(), None).unwrap()
    }

    /// Sends `sent` to this process and lets those of them in that are watched.
    fn note_all(signals: &Signals, sent: &[Signal]) {
        sent.iter().for_each(|&signal| raise(signal).unwrap());
        ready::select::<()>(&mut [], Some(Duration::ZERO), signals.mask()).unwrap();
    }

    fn is_ignored(signal: Signal) -> bool {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        matches!(set_action(signal, &default).unwrap().handler(), SigHandler::SigIgn)
    }

    #[test]
    fn signals_are_noted_while_waiting_and_taken_once() {
        alone(|| {
            let end = end_of(|| {
                let signals = Signals::watch(&[Signal::SIGTERM, Signal::SIGHUP]).unwrap();
                raise(Signal::SIGTERM).unwrap();
                assert_eq!(signals.take().iter().count(), 0, "blocked");
                note_all(&signals, &[]);
                assert_eq!(signals.take().iter().collect::<Vec<_>>(), [Signal::SIGTERM]);
                assert_eq!(signals.take().iter().count(), 0);
                0
            });
            assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
        });
    }

    #[test]
    fn a_signal_that_was_noted_and_not_taken_ends_the_process_that_releases_it() {
        alone(|| {
            let end = end_of(|| {
                let signals = Signals::watch(&[Signal::SIGTERM, Signal::SIGCHLD]).unwrap();
                note_all(&signals, &[Signal::SIGCHLD, Signal::SIGTERM]);
                signals.release().unwrap();
                0
            });
            assert!(matches!(end, WaitStatus::Signaled(_, Signal::SIGTERM, _)), "{end:?}");
        });
    }

    #[test]
    fn what_was_noted_before_a_fork_is_the_parents() {
        alone(|| {
            let end = end_of(|| {
                let signals = Signals::watch(&[Signal::SIGTERM]).unwrap();
                note_all(&signals, &[Signal::SIGTERM]);
                let child = end_of(|| signals.release().map_or(1, |()| 0));
                assert!(matches!(child, WaitStatus::Exited(_, 0)), "{child:?}");
                assert!(signals.take().contains(Signal::SIGTERM));
                0
            });
            assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
        });
    }

    /// As under nohup, or in the background of a shell without job control.
    #[test]
    fn ignored_signals_stay_ignored_until_they_are_released() {
        alone(|| {
            let end = end_of(|| {
                let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
                let sent = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD];
                for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGCHLD] {
                    set_action(signal, &ignore).unwrap();
                }
                let signals = Signals::watch(&sent).unwrap();
                note_all(&signals, &sent);
                let taken: Vec<_> = signals.take().iter().collect();
                assert_eq!(taken, [Signal::SIGTERM, Signal::SIGCHLD]);
                assert!(is_ignored(Signal::SIGINT));
                signals.release().unwrap();
                assert!(!is_ignored(Signal::SIGHUP));
                0
            });
            assert!(matches!(end, WaitStatus::Exited(_, 0)), "{end:?}");
        });
    }
}

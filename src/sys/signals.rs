//! Signals as events: noted by a handler that only sets a bit, taken by the loop that waits.
//!
//! Watched signals stay blocked except while [`super::ready`] waits, so they interrupt nothing
//! else. The invariant: what a process had blocked or ignored when it started is what its children
//! find, but for [`Signals::release`].

use std::sync::atomic::{AtomicU64, Ordering};

use nix::libc::c_int;
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction,
};

/// A bit for each signal that came and was not taken yet.
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
    /// Watches `signals`. One that was ignored when the process started (nohup, a shell's
    /// background job) stays ignored, as sh(1) and nohup(1) expect, but for those that are nobody
    /// else's.
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

    /// Stops this process as Ctrl-Z does, until it is continued. Where nobody could continue it (an
    /// xterm without a shell), the system does not stop it (setpgid(2), "orphaned process group").
    ///
    /// # Errors
    /// sigaction(2) or sigprocmask(2) failed.
    pub fn stop(&self) -> nix::Result<()> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        let handler = set_action(Signal::SIGTSTP, &default)?;
        raise(Signal::SIGTSTP)?;
        let stopping: SigSet = [Signal::SIGTSTP, Signal::SIGCONT].into_iter().collect();
        stopping.thread_unblock()?;
        // Here it stops, and goes on.
        stopping.thread_block()?;
        set_action(Signal::SIGTSTP, &handler)?;
        // The signal that continued it is no news.
        NOTED.fetch_and(!(1 << Signal::SIGCONT as c_int), Ordering::Relaxed);
        Ok(())
    }

    /// Gives the signals back before this process becomes another program, or another part of this
    /// one: handlers end with exec by themselves, but ignored and blocked signals would stay so for
    /// it (execve(2)). Rust ignores SIGPIPE at start.
    ///
    /// # Errors
    /// sigaction(2) or sigprocmask(2) failed.
    pub fn release(&self) -> nix::Result<()> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        for signal in self.watched.iter().chain([Signal::SIGPIPE]) {
            set_action(signal, &default)?;
        }
        NOTED.store(0, Ordering::Relaxed);
        self.before.thread_set_mask()
    }
}

/// Has SIGALRM sent to this process after so many seconds, once (alarm(2)).
pub fn alarm(seconds: u32) {
    nix::unistd::alarm::set(seconds);
}

fn set_action(signal: Signal, action: &SigAction) -> nix::Result<SigAction> {
    // SAFETY: the only handler ever installed is `note`, and an atomic OR on a static is
    // async-signal-safe.
    unsafe { sigaction(signal, action) }
}

//! What touches the operating system, and the only home of `unsafe`.
//!
//! Everything above speaks in `OwnedFd`, `Instant` and plain values. The invariant: each `unsafe`
//! block carries the argument why it is sound, and no function here knows what a conversation is.

pub mod clock;
pub mod epoll;
pub mod fd;
pub mod fd_passing;
pub mod keyboard;
pub mod privilege;
pub mod process;
pub mod ready;
pub mod sandbox;
pub mod signals;
pub mod sink;
pub mod sockets;
pub mod tty;

use std::io;

/// Whether an error only means that there is nothing to do at the moment.
pub fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    /// Runs a test in a process that runs no other. A forked child has copies of the locks that
    /// other threads hold at that moment (of a panic hook, of standard error), and nobody to open
    /// them.
    pub fn alone(test: impl FnOnce()) {
        const ALONE: &str = "TALK_TEST_ALONE";
        if std::env::var_os(ALONE).is_some() {
            return test();
        }
        let thread = std::thread::current();
        let name = thread.name().expect("the test harness names its threads");
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--test-threads=1", "--nocapture"]).env(ALONE, "1");
        let output = command.output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}

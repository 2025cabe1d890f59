//! What the tests share: starting programs, playing one end of a call, and waiting for what they
//! say, never longer than [`DEADLINE`].
//!
//! Each subject has a file; tests import from here.

pub mod cable;
pub mod check;
mod desk;
pub mod display;
pub mod network;
pub mod peer;
mod process;
mod program;
pub mod tmux;
pub mod usage;
mod window;
mod wire;

use std::thread;
use std::time::{Duration, Instant};

pub use desk::Desk;
pub use process::{assert_confined, children, status};
pub use program::{
    Program, TALK, assert_well_said, command, expect, failure, full, installed, talk,
};
pub use window::Window;
pub use wire::{call, connect, frame, handler, hello, read_frame};

/// How long a test waits for anything before it fails: longer than it takes to notice that the
/// other end has vanished.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Waits until `found` finds something that no event announces.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Waits until a count that somebody raises is not raised any more: they are held up.
pub fn wait_until_held_up<T: Default + PartialEq>(mut count: impl FnMut() -> T) {
    wait_for("somebody to be held up", || {
        let before = count();
        thread::park_timeout(Duration::from_millis(300));
        (before != T::default() && before == count()).then_some(())
    });
}

//! What the tests share: starting programs, playing one end of a call, and waiting for what they
//! say, never longer than [`DEADLINE`].
//!
//! Each subject has a file; tests import from here. The invariant: whatever a test starts ends
//! with it, also when it fails.

pub mod cable;
pub mod check;
mod desk;
pub mod display;
pub mod flood;
pub mod network;
pub mod peer;
mod process;
mod program;
mod root;
pub mod tmux;
pub mod usage;
mod window;
mod wire;

use std::thread;
use std::time::{Duration, Instant};

pub use desk::Desk;
pub use process::{assert_confined, children, gone, status};
pub use program::{
    MARK, Program, Started, TALK, assert_well_said, command, expect, failure, full, install,
    installed, talk,
};
pub use root::{as_root, as_user, copy_for_everybody};
pub use window::Window;
pub use wire::{
    Listener, ack, call, calling, connect, frame, handler, hello, read_frame, say_until_it_ends,
    unheard_port,
};

/// How long a test waits for anything before it fails: longer than it takes to notice that a peer
/// has vanished.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Waits until `found` finds something that no event announces.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

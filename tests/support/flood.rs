//! Somebody who says lines without end, to find out what holds them up.
//!
//! How much fits between a writer and a reader depends on the kernel's buffers, which may be tens
//! of megabytes: so no amount is given, and the flood goes on until it is stopped.

use std::io::Write;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::Program;

/// What is said last.
pub const LAST: &str = "the flood is over";

/// A flood into a program's standard input.
pub struct Flood {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<(usize, ChildStdin)>,
}

impl Flood {
    /// Has a program say lines of a thousand bytes, newline included.
    pub fn of(program: &mut Program) -> Self {
        Self::into(program.take_input(), "x".repeat(999), LAST)
    }

    /// Types the same line again and again, and another one last.
    pub fn into(mut keyboard: ChildStdin, line: String, last: &'static str) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            let mut said = 0;
            while !told.load(Ordering::Relaxed) {
                writeln!(keyboard, "{line}").unwrap();
                said += 1;
            }
            writeln!(keyboard, "{last}").unwrap();
            (said + 1, keyboard)
        });
        Self { stopped, thread }
    }

    /// Stops it. The last line is said once there is room for it.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Waits until the last line is said; how many there were, and the open input.
    pub fn join(self) -> (usize, ChildStdin) {
        self.thread.join().unwrap()
    }
}

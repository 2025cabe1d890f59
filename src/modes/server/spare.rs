//! A spare descriptor.
//!
//! When no descriptor is left (EMFILE, ENFILE), a caller can be neither answered nor told so, and
//! the listener stays ready: the loop would spin. The spare descriptor makes room for one, who is
//! told and let go. The invariant: it is taken back as soon as there is room again.

use std::fs::File;
use std::io;

use nix::libc;

/// A descriptor that is open for nothing but to be closed.
#[derive(Debug)]
pub struct SpareDescriptor(Option<File>);

impl SpareDescriptor {
    pub fn new() -> Self {
        let mut spare = Self(None);
        spare.refill();
        spare
    }

    /// Takes a descriptor, unless there is one already or none to be had.
    pub fn refill(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// Gives the descriptor up if `error` says that none is left; returns whether that made room
    /// for one.
    pub fn spend(&mut self, error: &io::Error) -> bool {
        let exhausted = matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
        exhausted && self.0.take().is_some()
    }
}

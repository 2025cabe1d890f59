//! What comes after a conversation: its window stays until a key is pressed, then the terminal is
//! restored.
//!
//! Next door, `engine` has run the conversation. The invariant: nobody who is typing closes the
//! window by that, and a terminal that is gone holds nothing up.

use std::io;
use std::time::{Duration, Instant};

use super::engine::{LEAVING, drain, redraw};
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::terminal::{Change, Event, Terminal};

/// A key that is pressed this soon after the end was meant for the conversation.
const TYPED_ON: Duration = Duration::from_secs(1);

/// Shows `notice` and waits for a key, so that a person can read what was said last before the
/// window closes. Returns at once when standard input is not a terminal.
///
/// # Errors
/// select(2) failed.
pub fn linger(terminal: &mut dyn Terminal, signals: &Signals, notice: &str) -> io::Result<()> {
    let keyboard = Keyboard::new();
    if !keyboard.is_terminal() {
        return Ok(());
    }
    terminal.show(Event::Notice(notice));
    let settled = Instant::now() + TYPED_ON;
    let mut done = false;
    while !done {
        terminal.paint();
        if terminal.outputs().flush().is_err() {
            return Ok(());
        }
        let screen = &mut terminal.outputs().screen;
        let mut interests =
            [Interest::read(&keyboard, true), Interest::write(&*screen, screen.blocked())];
        ready::select(&mut interests, None, signals.mask())?;
        let [pressed, shows] = interests.map(|interest| interest.ready);
        screen.unblock(shows);
        if pressed {
            done = closes(keyboard.read(&mut [0; 256]), Instant::now() > settled);
        }
        for signal in &signals.take() {
            done |= LEAVING.contains(&signal);
            redraw(terminal, signals, &keyboard, signal)?;
        }
    }
    Ok(())
}

/// Whether the window closes because of what was read from its keyboard.
fn closes(read: io::Result<usize>, settled: bool) -> bool {
    match read {
        // The terminal is gone.
        Ok(0) => true,
        Ok(_) => settled,
        Err(error) => !sys::would_block(&error),
    }
}

/// Restores the terminal.
pub fn finish(terminal: &mut dyn Terminal, signals: &Signals) {
    terminal.change(Change::Finish);
    // A terminal that cannot be written to any more needs no restoring.
    let _ = drain(terminal, signals);
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn only_a_key_or_a_terminal_that_is_gone_closes_the_window() {
        assert!(closes(Ok(1), true));
        assert!(!closes(Ok(1), false), "it was meant for the conversation");
        for settled in [true, false] {
            assert!(closes(Ok(0), settled));
            assert!(closes(Err(Errno::EIO.into()), settled));
            assert!(!closes(Err(Errno::EINTR.into()), settled));
            assert!(!closes(Err(Errno::EAGAIN.into()), settled));
        }
    }
}

//! The wait for a screen that is slow, at the end of a conversation.
//!
//! The invariant: it is the only wait that may take for ever, and a signal or a deadline ends it.

use std::time::{Duration, Instant};

use super::{LEAVING, Stop};
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::terminal::Terminal;

/// Writes what still waits for the screen, however slow its reader is, until a signal asks to leave
/// or `deadline` has passed.
pub fn drain(
    terminal: &mut dyn Terminal,
    signals: &Signals,
    deadline: Option<Instant>,
) -> Result<(), Stop> {
    loop {
        terminal.paint();
        terminal.outputs().flush().map_err(Stop::Unshown)?;
        let asked = signals.take().iter().any(|signal| LEAVING.contains(&signal));
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if terminal.waiting() == 0 || asked || left == Some(Duration::ZERO) {
            return Ok(());
        }
        let screen = &mut terminal.outputs().screen;
        let timeout = if screen.blocked() { left } else { Some(Duration::ZERO) };
        let mut interests = [Interest::write(&*screen, screen.blocked())];
        ready::select(&mut interests, timeout, signals.mask()).map_err(Stop::Wait)?;
        let has_room = interests[0].ready;
        screen.unblock(has_room);
    }
}

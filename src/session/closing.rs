//! What comes after a conversation: its window stays until a person closes it, then the terminal is
//! restored.
//!
//! Next door, `engine` has run the conversation. The invariant: nobody who is typing closes the
//! window by that, and a terminal that is gone holds nothing up.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::engine::{KEYS_LIMIT, LEAVING, drain, redraw};
use super::outcome::Ended;
use crate::protocol::limits::LINGER_LIMIT;
use crate::sys;
use crate::sys::keyboard::Keyboard;
use crate::sys::ready::{self, Interest};
use crate::sys::signals::Signals;
use crate::terminal::{Change, Event, SEQUENCE_PAUSE, Terminal, Typed};

/// After this long without a key and without a line being typed, any key closes the window.
const SETTLED: Duration = Duration::from_secs(5);
const ESCAPE: &[u8] = b"\x1B";

/// Shows `notice` and waits until the person closes the window, so that they can read what was said
/// last. Returns at once when standard input is not a terminal.
///
/// # Errors
/// select(2) failed.
pub fn linger(terminal: &mut dyn Terminal, signals: &Signals, notice: &str) -> io::Result<()> {
    let keyboard = Keyboard::new();
    if !keyboard.is_terminal() {
        return Ok(());
    }
    terminal.show(Event::Notice(notice));
    let mut person = Person { typed_at: Instant::now(), refused: false, escaped: false };
    let mut done = false;
    while !done {
        terminal.paint();
        if terminal.outputs().flush().is_err() {
            return Ok(());
        }
        let types = terminal.waiting() < KEYS_LIMIT;
        let screen = &mut terminal.outputs().screen;
        let mut interests =
            [Interest::read(&keyboard, types), Interest::write(&*screen, screen.blocked())];
        let pause = person.escaped.then_some(SEQUENCE_PAUSE);
        ready::select(&mut interests, pause, signals.mask())?;
        let [pressed, shows] = interests.map(|interest| interest.ready);
        screen.unblock(shows);
        done = person.escaped && !pressed && !shows;
        if pressed {
            let mut typed = [0; 4096];
            let read = keyboard.read(&mut typed);
            done = person.closes(read.map(|count| &typed[..count]), terminal, Instant::now());
        }
        for signal in &signals.take() {
            let cleared = signal == Signal::SIGINT && terminal.interrupt();
            done |= LEAVING.contains(&signal) && !cleared;
            redraw(terminal, signals, &keyboard, signal)?;
        }
    }
    Ok(())
}

/// A person whose window waits to be closed. Other keys than those that close it edit the line as
/// before.
struct Person {
    /// When the conversation ended, or a key was pressed after that.
    typed_at: Instant,
    /// A line was entered, and could not be said.
    refused: bool,
    /// Escape was pressed last, unless more of a sequence follows.
    escaped: bool,
}

impl Person {
    /// Whether what was read from the keyboard closes the window: Enter without a line or for the
    /// second time, what leaves a conversation, or any key once everything has settled.
    fn closes(
        &mut self,
        read: io::Result<&[u8]>,
        terminal: &mut dyn Terminal,
        now: Instant,
    ) -> bool {
        let typed = match read {
            // The terminal is gone.
            Ok([]) => return true,
            Ok(typed) => typed,
            Err(error) => return !sys::would_block(&error),
        };
        let is_typing = terminal.is_typing();
        let settled = now - mem::replace(&mut self.typed_at, now) >= SETTLED && !is_typing;
        let mut leaves = false;
        terminal.typed(typed, false, &mut |typed| leaves |= typed == Typed::Leave);
        let enter = matches!(typed, b"\r" | b"\n");
        let closes = enter && (!is_typing || self.refused);
        self.refused |= typed.ends_with(b"\r") || typed.ends_with(b"\n");
        self.escaped = typed == ESCAPE;
        settled || leaves || closes
    }
}

/// Restores the terminal after a conversation that ended like this. Waits until what it shows is
/// written, until a signal asks to leave, or until `bound`; only for a moment if somebody has asked
/// for more than a goodbye already.
pub fn finish(
    terminal: &mut dyn Terminal,
    signals: &Signals,
    ended: &Ended,
    bound: Option<Instant>,
) {
    terminal.change(Change::Finish);
    let soon = ended.hurried.then(|| Instant::now() + LINGER_LIMIT);
    // A terminal that cannot be written to any more needs no restoring.
    let _ = drain(terminal, signals, soon.into_iter().chain(bound).min());
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::terminal::output::Outputs;

    /// A terminal with one line, which Enter does not take.
    struct Line {
        typed: Vec<u8>,
        outputs: Outputs,
    }

    impl Terminal for Line {
        fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
            match bytes {
                b"\x04" => pass(Typed::Leave),
                _ => self.typed.extend(bytes.strip_suffix(b"\r").unwrap_or(bytes)),
            }
        }

        fn is_typing(&self) -> bool {
            !self.typed.is_empty()
        }

        fn show(&mut self, _event: Event<'_>) {}

        fn outputs(&mut self) -> &mut Outputs {
            &mut self.outputs
        }
    }

    /// Whether the last of these keys closes the window, and no other; each is pressed so many
    /// seconds after the one before.
    #[track_caller]
    fn assert_closes(keys: &[(u64, &[u8])], expected: bool) {
        let mut terminal = Line { typed: Vec::new(), outputs: Outputs::nowhere() };
        let mut now = Instant::now();
        let mut person = Person { typed_at: now, refused: false, escaped: false };
        let mut closed = Vec::new();
        for &(after, key) in keys {
            now += Duration::from_secs(after);
            closed.push(person.closes(Ok(key), &mut terminal, now));
        }
        let last = closed.pop();
        assert_eq!((last, closed.contains(&true)), (Some(expected), false), "{keys:?}");
    }

    #[test]
    fn nobody_who_types_on_closes_the_window() {
        assert_closes(&[(0, b"t"), (4, b"y"), (9, b"p"), (0, b"e\r")], false);
        assert_closes(&[(0, b"a line\r")], false);
        assert_closes(&[(0, b"\x1B[200~two\nlines\n\x1B[201~")], false);
        assert_closes(&[(4, b"\x1B[A")], false);
    }

    #[test]
    fn a_person_who_wants_to_closes_the_window() {
        assert_closes(&[(0, b"\r")], true);
        assert_closes(&[(0, b"\n")], true);
        assert_closes(&[(0, b"\x04")], true);
        assert_closes(&[(5, b"x")], true);
        assert_closes(&[(0, b"x"), (0, b"\r"), (0, b"\r")], true);
        let mut terminal = Line { typed: Vec::new(), outputs: Outputs::nowhere() };
        let mut person = Person { typed_at: Instant::now(), refused: false, escaped: false };
        let mut escapes = |typed: &'static [u8]| {
            person.closes(Ok(typed), &mut terminal, Instant::now());
            person.escaped
        };
        assert_eq!([escapes(ESCAPE), escapes(b"[A"), escapes(b"\x1B[A")], [true, false, false]);
    }

    #[test]
    fn a_terminal_that_is_gone_closes_the_window() {
        let mut terminal = Line { typed: Vec::new(), outputs: Outputs::nowhere() };
        let mut person = Person { typed_at: Instant::now(), refused: false, escaped: false };
        let mut closes = |read| person.closes(read, &mut terminal, Instant::now());
        assert!(closes(Ok(&[])));
        assert!(closes(Err(Errno::EIO.into())));
        assert!(!closes(Err(Errno::EINTR.into())));
        assert!(!closes(Err(Errno::EAGAIN.into())));
    }
}

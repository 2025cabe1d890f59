//! A terminal whose keys come one by one, and which is given back as it was on every way out.
//!
//! Ctrl-C and Ctrl-Z stay signals, so that they also reach the rest of a pipeline. The invariant:
//! while [`Raw`] lives and is entered, what the terminal was like is kept where a panic finds it.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use nix::libc;
use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

/// What the terminal was like, and what its screen needs to be as before.
static BEFORE: Mutex<Option<(Termios, &'static str)>> = Mutex::new(None);

/// The terminal on standard input, with keys as they are pressed.
pub struct Raw {
    before: Termios,
    raw: Termios,
    undo: &'static str,
}

impl Raw {
    /// Makes the terminal raw. `undo` is what is to be written to the screen should the process
    /// panic.
    ///
    /// # Errors
    /// Standard input is no terminal.
    pub fn enter(undo: &'static str) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_flags -= LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN;
        // A signal key must not throw away what was typed before it.
        raw.local_flags |= LocalFlags::NOFLSH;
        raw.input_flags -=
            InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR | InputFlags::IXON;
        // Ctrl-\ would end the process without a word, and without giving the terminal back.
        raw.control_chars[SpecialCharacterIndices::VQUIT as usize] = libc::_POSIX_VDISABLE;
        raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        let entered = Self { before, raw, undo };
        entered.enter_again();
        restore_before_panics_speak();
        Ok(entered)
    }

    /// Makes the terminal raw again.
    pub fn enter_again(&self) {
        *lock() = Some((self.before.clone(), self.undo));
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.raw);
    }

    /// The terminal is another's: it is to be left as it is, also by a panic.
    pub fn lose(&self) {
        *lock() = None;
    }

    /// Makes the terminal as it was.
    pub fn leave(&self) {
        *lock() = None;
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        give_back();
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<(Termios, &'static str)>> {
    BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Gives the terminal back at once, if it has not been given back properly.
fn give_back() {
    if let Some((before, undo)) = lock().take() {
        let _ = write!(io::stdout(), "{undo}\r\n");
        let _ = io::stdout().flush();
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
    }
}

/// What a panic says should be legible.
fn restore_before_panics_speak() {
    let speak = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        speak(panic);
    }));
}

/// Columns and rows of the terminal on standard output; 0 where it does not know.
pub fn size() -> (u16, u16) {
    if !io::stdout().is_terminal() {
        return (0, 0);
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes a winsize to the pointer, which is to one (ioctl_tty(2)).
    unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (size.ws_col, size.ws_row)
}

//! A terminal whose keys come one by one, restored on every way out.
//!
//! Ctrl-C and Ctrl-Z stay signals, so that they also reach the rest of a pipeline. The invariants:
//! while the terminal is raw, its settings from before are kept where a panic finds them; and only
//! the process that made it raw restores it. A forked child inherits settings and panic hook, but a
//! panic there only speaks, on standard error.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{panic, process};

use nix::libc;
use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::write;

/// What to restore while the terminal is raw.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

struct Before {
    settings: Termios,
    /// What to write to the screen.
    undo: &'static str,
    /// The process that made the terminal raw.
    owner: u32,
}

/// The terminal on standard input, with keys as they are pressed.
pub struct Raw {
    before: Termios,
    raw: Termios,
    undo: &'static str,
}

impl Raw {
    /// Makes the terminal raw. `undo` is written to the screen if the process panics.
    ///
    /// # Errors
    /// Standard input is not a terminal.
    pub fn enter(undo: &'static str) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_flags -= LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN;
        // A signal key must not discard what was typed before it.
        raw.local_flags |= LocalFlags::NOFLSH;
        raw.input_flags -=
            InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR | InputFlags::IXON;
        // Ctrl-\ would end the process without restoring the terminal.
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
        let (settings, undo) = (self.before.clone(), self.undo);
        *lock() = Some(Before { settings, undo, owner: process::id() });
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.raw);
    }

    /// Another process group is in the foreground: nothing restores the terminal, not even a panic.
    pub fn lose(&self) {
        *lock() = None;
    }

    /// Restores the terminal.
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

fn lock() -> MutexGuard<'static, Option<Before>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Restores the terminal if this process has it and has not restored it.
fn give_back() {
    if let Some(before) = lock().take_if(|before| before.owner == process::id()) {
        // Past the standard library's buffer, which a panic may have interrupted.
        let _ = write(io::stdout(), format!("{}\r\n", before.undo).as_bytes());
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before.settings);
    }
}

/// Makes a panic restore the terminal first, so that its message is legible.
fn restore_before_panics_speak() {
    let speak = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        speak(info);
    }));
}

/// Columns and rows of the terminal behind `fd`; 0 if they are not known, or it is not a terminal.
pub fn size(fd: impl AsFd) -> (u16, u16) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ stores at most one winsize, and the reference to it outlives the call
    // (ioctl_tty(2)).
    unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (size.ws_col, size.ws_row)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use nix::pty::openpty;
    use nix::sys::signal::SigSet;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, pipe};

    use super::super::process::spawn;
    use super::super::ready::{Interest, select};
    use super::super::tests::alone;
    use super::*;

    /// What has been written to the screen since the last call.
    fn screen(master: &mut File) -> String {
        let mut text = String::new();
        loop {
            let mut interests = [Interest::read(master, true)];
            select(&mut interests, Some(Duration::ZERO), &SigSet::empty()).unwrap();
            if !interests[0].ready {
                return text;
            }
            let mut bytes = [0; 64];
            let count = master.read(&mut bytes).unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn status(child: Pid) -> WaitStatus {
        waitpid(child, None).unwrap()
    }

    /// In a forked child, because the standard streams become the terminal.
    #[test]
    fn a_panic_restores_the_terminal_of_its_process_and_not_that_of_the_parent() {
        alone(|| {
            let (said, say) = pipe().unwrap();
            let pty = openpty(None, None).unwrap();
            let child = spawn(&[pty.master.as_fd(), pty.slave.as_fd(), say.as_fd()], || {
                dup2_stdin(&pty.slave).unwrap();
                dup2_stdout(&pty.slave).unwrap();
                let mut master = File::from(pty.master.try_clone().unwrap());
                dup2_stderr(&say).unwrap();
                // In place of the standard library's, whose words the test harness would capture.
                panic::set_hook(Box::new(|info| {
                    let _ = write(io::stderr(), info.to_string().as_bytes());
                }));

                let before = tcgetattr(io::stdin()).unwrap();
                let _raw = Raw::enter("undo").unwrap();
                let raw = tcgetattr(io::stdin()).unwrap();
                assert!(before != raw);
                let grandchild = spawn(&[], || {
                    panic!("in the child;");
                });
                let grandchild = grandchild.unwrap();
                assert_eq!(status(grandchild), WaitStatus::Exited(grandchild, 101));
                assert!(tcgetattr(io::stdin()).unwrap() == raw, "it must stay raw");
                assert_eq!(screen(&mut master), "");

                let _ = panic::catch_unwind(|| panic!("in the parent;"));
                assert!(tcgetattr(io::stdin()).unwrap() == before);
                assert_eq!(screen(&mut master), "undo\r\r\n");
                0
            });
            drop(say);
            let said = io::read_to_string(File::from(said)).unwrap();
            let child = child.unwrap();
            assert_eq!(status(child), WaitStatus::Exited(child, 0), "{said}");
            let messages = ["in the child;", "in the parent;"].map(|message| said.find(message));
            assert!(messages[0].is_some() && messages[0] < messages[1], "{said}");
        });
    }
}

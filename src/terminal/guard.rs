//! The editor on this process's own terminal.
//!
//! `editor` is pure: here it gets its keys, its size and the time, and what it paints goes to an
//! output. Next door, `sys` knows how a terminal is made raw. The invariant: whatever way the
//! process takes out, the terminal is as it was.

use std::{env, io};

use super::editor::{Editor, LEAVE, Prompt};
use super::{Event, Outputs, Settings, Terminal, Typed, editor, sanitize};
use crate::sys::clock;
use crate::sys::tty::{Raw, size};

/// This process's own terminal, taken over for a [`Prompt`].
pub struct TerminalGuard {
    pub outputs: Outputs,
    raw: Raw,
    pub suspended: bool,
}

impl TerminalGuard {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn take() -> io::Result<Self> {
        let outputs = Outputs::standard()?;
        Ok(Self { outputs, raw: Raw::enter(LEAVE)?, suspended: false })
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&mut self, prompt: &mut Prompt) {
        if !self.suspended {
            self.outputs.screen.push(&prompt.suspend());
            self.suspended = true;
        }
        self.raw.leave();
    }

    /// The terminal is in other hands already: nothing about it is changed.
    pub fn lose(&mut self, prompt: &mut Prompt) {
        if !self.suspended {
            let _ = prompt.suspend();
            self.suspended = true;
        }
        self.raw.lose();
    }

    /// Has the terminal again.
    pub fn resume(&mut self, prompt: &mut Prompt) {
        if !self.suspended {
            // Stopped without warning: what has been painted is somewhere above, and others wrote
            // below it.
            let _ = prompt.suspend();
            self.outputs.screen.push(b"\r\n");
        }
        self.suspended = false;
        self.raw.enter_again();
        let (width, height) = size();
        prompt.resize(width, height);
        prompt.resume();
    }

    /// Gives the terminal back for good, after `last` has been written.
    pub fn finish(&mut self, last: &[u8]) {
        self.outputs.screen.push(last);
        self.raw.leave();
    }
}

/// A terminal that is a person's keyboard and screen.
pub struct Tty {
    editor: Editor,
    guard: TerminalGuard,
}

impl Tty {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(settings: Settings<'_>) -> io::Result<Self> {
        let (width, height) = size();
        let editor = Editor::new(editor::Settings {
            name: sanitize::label(settings.name).into_owned(),
            address: settings.address,
            width,
            height,
            colour: colour(),
            reflows: reflows(),
            bell: settings.bell,
        });
        Ok(Self { editor, guard: TerminalGuard::take()? })
    }
}

/// Whether to draw in colour (no-color.org).
pub fn colour() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether this terminal wraps its rows anew when its width changes: most do; these say that they
/// are one that does not.
pub fn reflows() -> bool {
    let term = env::var("TERM").unwrap_or_default();
    let in_tmux = env::var_os("TMUX").is_some();
    let xterm = env::var_os("XTERM_VERSION").is_some();
    in_tmux || !(xterm || term.starts_with("linux") || term.starts_with("screen"))
}

impl Terminal for Tty {
    fn typed(&mut self, bytes: &[u8], open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        self.editor.typed(bytes, open, clock::now(), pass);
    }

    fn edits(&self) -> bool {
        true
    }

    fn show(&mut self, event: Event<'_>) {
        self.editor.show(event, clock::now());
    }

    /// Paints once the last painting is out: a slow terminal gets fewer pictures, not older ones.
    fn paint(&mut self) {
        if self.guard.outputs.screen.waiting() == 0 {
            self.guard.outputs.screen.push(&self.editor.paint());
        }
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.guard.outputs
    }

    fn waiting(&mut self) -> usize {
        self.guard.outputs.screen.waiting() + self.editor.prompt.waiting()
    }

    fn resize(&mut self) {
        let (width, height) = size();
        self.editor.prompt.resize(width, height);
    }

    fn suspend(&mut self) {
        self.guard.suspend(&mut self.editor.prompt);
    }

    fn resume(&mut self) {
        self.guard.resume(&mut self.editor.prompt);
    }

    fn finish(&mut self) {
        let last = self.editor.finish();
        self.guard.finish(&last);
    }
}

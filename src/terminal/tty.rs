//! The editor on this process's own terminal.
//!
//! `editor` is pure: here it gets its keys, its size and the time, and what it paints goes to an outlet. Next door, `sys`
//! knows how a terminal is made raw. The invariant: whatever way the process takes out, the terminal is as it was.

use std::{env, io};

use super::editor::{Editor, LEAVE};
use super::{Event, Outlets, Settings, Terminal, Typed, editor, printable};
use crate::sys::clock;
use crate::sys::tty::{Raw, size};

/// A terminal that is a person's keyboard and screen.
pub struct Tty {
    editor: Editor,
    outlets: Outlets,
    raw: Raw,
    suspended: bool,
}

impl Tty {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(settings: Settings<'_>) -> io::Result<Self> {
        let (width, height) = size();
        let editor = Editor::new(editor::Settings {
            name: printable::label(settings.name).into_owned(),
            address: settings.address,
            width,
            height,
            colour: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            reflows: reflows(),
            bell: settings.bell,
        });
        let outlets = Outlets::standard()?;
        Ok(Self { editor, outlets, raw: Raw::enter(LEAVE)?, suspended: false })
    }
}

/// Whether this terminal wraps its rows anew when its width changes: most do; these say that they are one that does not.
fn reflows() -> bool {
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
        if self.outlets.screen.waiting() == 0 {
            self.outlets.screen.push(&self.editor.paint());
        }
    }

    fn outlets(&mut self) -> &mut Outlets {
        &mut self.outlets
    }

    fn waiting(&mut self) -> usize {
        self.outlets.screen.waiting() + self.editor.waiting()
    }

    fn resize(&mut self) {
        let (width, height) = size();
        self.editor.resize(width, height);
    }

    fn suspend(&mut self) {
        if !self.suspended {
            self.outlets.screen.push(&self.editor.suspend());
            self.suspended = true;
        }
        self.raw.leave();
    }

    fn finish(&mut self) {
        self.outlets.screen.push(&self.editor.finish());
        self.raw.leave();
    }

    fn resume(&mut self) {
        if !self.suspended {
            // Stopped without warning: what has been painted is somewhere above, and others wrote below it.
            let _ = self.editor.suspend();
            self.outlets.screen.push(b"\r\n");
        }
        self.suspended = false;
        self.raw.enter_again();
        self.resize();
        self.editor.resume();
    }
}

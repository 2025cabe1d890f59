//! The surface of a capable terminal: an editor's prompt, and the terminal taken over for it.
//!
//! `editor` is pure: here it gets its keys and its size, and what it paints goes to an output. Next
//! door, `sys::tty` makes a terminal raw. The invariant: on every way out of the process, a panic
//! included, the terminal is as it was.

use std::collections::VecDeque;
use std::time::Instant;
use std::{env, io, mem};

use super::editor::{Asked, Key, LEAVE, Prompt};
use super::output::Outputs;
use super::sanitize;
use super::surface::{Change, Day, Entered, Entry, Live, Surface};
use crate::sys::tty::{Raw, size};

const PASTE_DROPPED: &str =
    "nothing was pasted: the line holds 64 KB; send longer text through a pipe";

/// This process's terminal, taken over for a [`Prompt`].
pub struct TerminalGuard {
    outputs: Outputs,
    /// `None` where a test is the terminal.
    raw: Option<Raw>,
    pub prompt: Prompt,
    /// Keys that have not been pressed on the prompt.
    keys: VecDeque<Key>,
    /// When bytes came from the keyboard last.
    typed_at: Instant,
    /// Somebody else has the terminal.
    suspended: bool,
    day: Day,
    /// The terminal understands titles, or skips them.
    titles: bool,
}

impl TerminalGuard {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Standard input is not a terminal, or standard output or error cannot be duplicated.
    pub fn take() -> io::Result<Self> {
        let (width, height) = size(io::stdout());
        let prompt = Prompt::new(width, height, colour(), reflows());
        let raw = Some(Raw::enter(LEAVE)?);
        Ok(Self { raw, titles: titles(), ..Self::around(prompt, Outputs::standard()?) })
    }

    /// A guard of a terminal that is not this process's.
    pub fn around(prompt: Prompt, outputs: Outputs) -> Self {
        let (keys, typed_at) = (VecDeque::new(), Instant::now());
        Self {
            outputs,
            raw: None,
            prompt,
            keys,
            typed_at,
            suspended: false,
            day: Day::default(),
            titles: true,
        }
    }

    fn leave(&mut self) {
        if self.suspended {
            self.outputs.screen.push(&self.prompt.scrollback());
            return;
        }
        self.outputs.screen.push(&self.prompt.leave());
        self.suspended = true;
        if let Some(raw) = &self.raw {
            raw.leave();
        }
    }

    /// Another process group has the terminal already: nothing about it is changed.
    fn lose(&mut self) {
        self.prompt.forget();
        self.suspended = true;
        if let Some(raw) = &self.raw {
            raw.lose();
        }
    }

    fn resume(&mut self) {
        if !self.suspended {
            // What has been painted is somewhere above, and others wrote below it.
            self.prompt.forget();
            self.outputs.screen.push(b"\r\n");
        }
        self.suspended = false;
        if let Some(raw) = &self.raw {
            raw.enter_again();
        }
        self.resize();
        self.prompt.resume();
    }

    fn resize(&mut self) {
        if self.raw.is_some() {
            let (width, height) = size(io::stdout());
            self.prompt.resize(width, height);
        }
    }
}

impl Surface for TerminalGuard {
    fn print(&mut self, entry: &Entry<'_>) {
        if let Some(date) = self.day.turn(entry.time) {
            self.prompt.print(&Entry::notice(entry.time, date.as_bytes()));
        }
        self.prompt.print(entry);
    }

    fn ring(&mut self) {
        self.prompt.ring();
    }

    /// OSC 2; sanitized once more, because this is written between escape sequences.
    fn set_title(&mut self, title: &str) {
        if self.titles {
            let title = sanitize::label(title.as_bytes());
            self.outputs.screen.push(format!("\x1B]2;{title}\x1B\\").as_bytes());
        }
    }

    fn touch(&mut self) {
        self.prompt.touch();
    }

    /// Paints once the last painting is out: a slow terminal gets fewer pictures, not older ones.
    fn paint(&mut self, live: &Live<'_>) {
        if self.outputs.screen.waiting() == 0 {
            let painting =
                if self.suspended { self.prompt.scrollback() } else { self.prompt.paint(live) };
            self.outputs.screen.push(&painting);
        }
    }

    fn typed(&mut self, bytes: &[u8]) {
        // No time passes where a test is the terminal.
        let now = self.raw.as_ref().map_or(self.typed_at, |_| Instant::now());
        let before = mem::replace(&mut self.typed_at, now);
        self.keys.extend(self.prompt.read(bytes, now - before));
    }

    /// An empty line is none.
    fn entered(&mut self) -> Option<Entered> {
        while let Some(key) = self.keys.pop_front() {
            match self.prompt.press(key) {
                Some(Asked::Enter) if self.prompt.text().is_empty() => {}
                Some(Asked::Enter) => return Some(Entered::Line(self.prompt.text().into())),
                Some(Asked::Leave) => return Some(Entered::Leave),
                Some(Asked::PasteDropped) => return Some(Entered::Dropped(PASTE_DROPPED)),
                None => {}
            }
        }
        None
    }

    fn settle(&mut self, line: Result<(), &str>) {
        match line {
            Ok(()) => self.prompt.take_line(),
            Err(why) => self.prompt.refuse(why.to_owned()),
        }
    }

    fn typed_ahead(&self) -> usize {
        self.prompt.text().len() + self.keys.len()
    }

    fn interrupt(&mut self) -> bool {
        let typed = self.typed_ahead() > 0;
        self.keys.clear();
        self.prompt.cut_line();
        typed
    }

    fn scrolls(&self) -> bool {
        true
    }

    fn edits(&self) -> bool {
        true
    }

    fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    fn outputs_mut(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    fn waiting(&self) -> usize {
        self.outputs.screen.waiting() + self.prompt.waiting()
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Resize => self.resize(),
            Change::Suspend | Change::Finish => self.leave(),
            Change::Foreground(false) if !self.suspended => self.lose(),
            Change::Foreground(true) if self.suspended => self.resume(),
            Change::Foreground(_) => {}
            Change::Resume => self.resume(),
        }
    }
}

/// Whether to draw in colour (no-color.org).
fn colour() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether this terminal skips a title that it cannot show: the Linux console prints it.
fn titles() -> bool {
    env::var("TERM").is_ok_and(|term| !term.starts_with("linux"))
}

/// Whether this terminal wraps its rows again when its width changes: most do; these say that they
/// are one that does not.
fn reflows() -> bool {
    let term = env::var("TERM").unwrap_or_default();
    let in_tmux = env::var_os("TMUX").is_some();
    let xterm = env::var_os("XTERM_VERSION").is_some();
    in_tmux || !(xterm || term.starts_with("linux") || term.starts_with("screen"))
}

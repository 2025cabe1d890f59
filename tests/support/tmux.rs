//! A real tmux with a server of its own, in which keys are pressed and the screen is read.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{installed, wait_for};

/// What runs in its first window.
const SHELL: &str = "env PS1='$ ' bash --norc -i";

/// A tmux of its own, with one window that runs a shell.
pub struct Tmux {
    socket: String,
}

impl Tmux {
    pub fn open(width: u16, height: u16) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tmux = Self { socket: format!("talk-test-{}-{number}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let session = ["new-session", "-d", "-x", &width, "-y", &height, SHELL];
        tmux.run(&[&["-f", "/dev/null"][..], &session].concat());
        wait_for("the shell", || tmux.screen().contains('$').then_some(()));
        tmux
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(installed("tmux"))
            .args(["-L", &self.socket])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "tmux {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, by their names.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    pub fn types(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Types a command line.
    pub fn command(&self, line: &str) {
        self.types(line);
        self.press(&["Enter"]);
    }

    /// What stands on the screen, without empty rows at its end.
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    pub fn last_row(&self) -> String {
        self.screen().lines().last().unwrap_or_default().to_owned()
    }

    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text));
    }

    /// Waits until the screen shows what it is to show.
    pub fn wait_until(&self, what: &str, shown: impl Fn(&str) -> bool) {
        let mut screen = String::new();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(&format!("{what} on the screen"), || {
                screen = self.screen();
                shown(&screen).then_some(())
            });
        }));
        assert!(seen.is_ok(), "no {what} on\n{screen}");
    }

    pub fn wait_for_last_row(&self, row: &str) {
        wait_for(&format!("{row:?} at the bottom, not {:?}", self.last_row()), || {
            (self.last_row() == row).then_some(())
        });
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).status();
    }
}

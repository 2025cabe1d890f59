//! A real tmux, whose server and sockets are the test's: keys are pressed and the screen is read.

use std::path::Path;
use std::process::Command;

use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Started, children, command, wait_for};

/// What runs in its first window.
const SHELL: &str = "env PS1='$ ' bash --norc -i";

/// A tmux with one window that runs a shell, or none yet.
pub struct Tmux {
    dir: TempDir,
    _server: Option<Started>,
}

impl Tmux {
    /// A place for sessions; there is none yet.
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), _server: None }
    }

    pub fn open(width: u16, height: u16) -> Self {
        let mut tmux = Self::new();
        let (width, height) = (width.to_string(), height.to_string());
        let session = ["new-session", "-d", "-x", &width, "-y", &height, SHELL];
        let mut server =
            Started::new(&mut tmux.tmux(&[&["-f", "/dev/null"][..], &session].concat()));
        assert_eq!(server.status(), 0);
        tmux._server = Some(server);
        tmux.wait_for("$");
        tmux
    }

    /// Where its server's socket is, for TMUX_TMPDIR.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut tmux = command("tmux", arguments);
        tmux.env("TMUX_TMPDIR", self.path()).env("LC_ALL", "C.UTF-8");
        tmux
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.tmux(arguments).output().unwrap();
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

    /// The process that its shell has started.
    pub fn job(&self) -> Pid {
        let shell = self.run(&["display-message", "-p", "#{pane_pid}"]);
        children(Pid::from_raw(shell.trim().parse().unwrap())).pop().expect("a job")
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
        self.wait_until(&format!("{row:?} at the bottom"), |screen| {
            screen.lines().last().unwrap_or_default() == row
        });
    }
}

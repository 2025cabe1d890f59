//! A stand-in for xterm: a script that records how it was started and then does what a test says.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{command, install};

/// A directory that is early on PATH and has a script named `xterm`. In what the script does,
/// `$dir` is that directory, and `handler` runs the command that stands after `-e`.
pub struct Window {
    pub dir: TempDir,
}

impl Window {
    pub fn new(body: &str) -> Self {
        let window = Self { dir: TempDir::new().unwrap() };
        let script = format!(
            "#!/bin/sh\n\
             dir={}\n\
             ls -l /proc/$$/fd > \"$dir/fds\" & wait\n\
             cp /proc/self/status \"$dir/status\"\n\
             for word; do printf '%s\\n' \"$word\"; done > \"$dir/argv.new\"\n\
             mv \"$dir/argv.new\" \"$dir/argv\"\n\
             while [ \"$1\" != -e ]; do shift; done\n\
             shift\n\
             handler() {{ \"$@\"; }}\n\
             {body}\n",
            window.dir.path().display()
        );
        install(&window.file("xterm"), &script, "755");
        window
    }

    /// A window whose person says what stands in `input`, and that keeps what is shown.
    pub fn answering(input: &str) -> Self {
        let window =
            Self::new("handler \"$@\" < \"$dir/input\" > \"$dir/shown\" 2> \"$dir/notices\"");
        fs::write(window.file("input"), input).unwrap();
        window
    }

    /// A window whose person types what is written to the returned keyboard. Its process becomes
    /// the handler, and leaves its number in `pid`.
    pub fn typing() -> (Self, fs::File) {
        let window = Self::new("echo $$ > \"$dir/pid\"; exec \"$@\" < \"$dir/keyboard\"");
        let keyboard = window.file("keyboard");
        assert!(command("mkfifo", &[]).arg(&keyboard).status().unwrap().success());
        // Open for reading as well, so that it never comes to its end.
        let keyboard = fs::File::options().read(true).write(true).open(keyboard).unwrap();
        (window, keyboard)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// PATH with this window in front.
    pub fn path(&self) -> String {
        format!("{}:{}", self.dir.path().display(), std::env::var("PATH").unwrap())
    }
}

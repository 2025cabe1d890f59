//! A display without a screen, on which windows open, keys are pressed and text is read with the
//! mouse.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{Started, command, wait_for};

/// A separate display.
pub struct Display {
    _server: Started,
    pub name: String,
}

impl Display {
    pub fn open() -> Self {
        let options =
            ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"];
        let mut server = command("Xvfb", &options);
        let mut server = Started::new(server.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.is_empty(), "Xvfb opened no display");
        Self { _server: server, name: format!(":{}", number.trim()) }
    }

    pub fn run(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let output = command(program, arguments).env("DISPLAY", &self.name).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The window of the caller with this name.
    pub fn window(&self, caller: &str) -> Option<String> {
        let title = format!("^{caller} .call [0-9]+.$");
        self.run("xdotool", &["search", "--onlyvisible", "--name", &title])
    }

    pub fn wait_for_window(&self, caller: &str) -> String {
        wait_for(&format!("the window of {caller}"), || self.window(caller))
    }

    /// Types as a person does who has turned to this window.
    pub fn type_into(&self, window: &str, text: &str) {
        let focus = ["windowraise", window, "windowfocus", "--sync", window];
        self.run("xdotool", &focus).expect("the window takes the focus");
        for line in text.split_inclusive('\n') {
            self.run("xdotool", &["type", "--delay", "1", line.trim_end()])
                .expect("keys are typed");
            if line.ends_with('\n') {
                self.run("xdotool", &["key", "Return"]).expect("keys are typed");
            }
        }
    }

    /// What a person reads in the window, got by selecting it all with the mouse.
    pub fn read(&self, window: &str) -> String {
        let select = [
            "windowraise",
            window,
            "mousemove",
            "--window",
            window,
            "3",
            "3",
            "mousedown",
            "1",
            "mousemove",
            "--window",
            window,
            "470",
            "310",
            "mouseup",
            "1",
        ];
        // Where nothing can be selected yet, what another window has selected would be read.
        self.run("xsel", &["--clear", "--primary"]);
        self.run("xdotool", &select).expect("the mouse moves");
        self.run("xsel", &["--output", "--primary"]).unwrap_or_default()
    }

    /// Presses keys in a window until it is gone.
    pub fn close_window(&self, caller: &str) {
        wait_for(&format!("the window of {caller} to close"), || {
            let Some(window) = self.window(caller) else { return Some(()) };
            self.run("xdotool", &["windowfocus", &window, "key", "Return"]);
            None
        });
    }

    pub fn wait_for_text(&self, window: &str, text: &str) {
        wait_for(&format!("{text:?} in a window"), || {
            self.read(window).contains(text).then_some(())
        });
    }
}

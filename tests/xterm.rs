//! Real xterms on a display without a screen, with somebody who types into them.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use support::{Desk, Program, installed, talk, wait_for};

/// A display of its own.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn open() -> Self {
        let mut server = Command::new(installed("Xvfb"))
            .args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.is_empty(), "Xvfb opened no display");
        Self { server, name: format!(":{}", number.trim()) }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let output = Command::new(installed(program))
            .args(arguments)
            .env("DISPLAY", &self.name)
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The window with this title.
    fn window(&self, title: &str) -> Option<String> {
        self.run("xdotool", &["search", "--onlyvisible", "--name", &format!("^{title}$")])
    }

    fn wait_for_window(&self, title: &str) -> String {
        wait_for(&format!("the window {title}"), || self.window(title))
    }

    /// Types as a person does who has turned to this window.
    fn type_into(&self, window: &str, text: &str) {
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
    fn read(&self, window: &str) -> String {
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
        self.run("xdotool", &select).expect("the mouse moves");
        self.run("xsel", &["--output", "--primary"]).unwrap_or_default()
    }

    fn wait_for_text(&self, window: &str, text: &str) {
        wait_for(&format!("{text:?} in a window"), || {
            self.read(window).contains(text).then_some(())
        });
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn desk_on(display: &Display) -> Desk {
    installed("xterm");
    Desk::open(talk(&["server", "--name", "desk"]).env("DISPLAY", &display.name))
}

fn callers<const N: usize>(desk: &Desk, names: [&str; N]) -> [Program; N] {
    names.map(|name| {
        let mut caller = desk.call(name);
        caller.notice_with("desk answered");
        caller
    })
}

#[test]
fn every_caller_gets_a_window_and_both_ends_type_at_will() {
    let display = Display::open();
    let mut desk = desk_on(&display);
    let before = desk.holdings();
    let [mut alice, mut bob, mut carol] = callers(&desk, ["alice", "bob", "carol"]);
    let windows = ["alice", "bob", "carol"].map(|name| display.wait_for_window(name));

    // Several lines in a row from the callers, before anybody answers.
    alice.say("this is alice\nand alice again\n");
    carol.say("this is carol\n");
    display.wait_for_text(&windows[0], "alice: and alice again");
    display.wait_for_text(&windows[2], "carol: this is carol");
    assert!(!display.read(&windows[1]).contains("this is"), "bob's window is bob's alone");

    // Several lines in a row from the desk, to one window and then to another.
    display.type_into(&windows[1], "hello bob\nhow are you\n");
    assert_eq!([bob.line(), bob.line()], ["hello bob", "how are you"]);
    display.type_into(&windows[0], "hello alice\n");
    assert_eq!(alice.line(), "hello alice");
    alice.say("one more\n");
    display.wait_for_text(&windows[0], "alice: one more");

    // A client that ends is seen in its own window only, and a window that is closed takes its own client along.
    carol.end_input();
    assert_eq!(carol.status(), 0);
    display.wait_for_text(&windows[2], "press a key to close");
    wait_for("carol's window to close", || {
        display.run("xdotool", &["windowfocus", &windows[2], "key", "space"]);
        display.window("carol").is_none().then_some(())
    });
    display.run("xdotool", &["windowkill", &windows[1]]).unwrap();
    bob.notice_with("desk left: the window was closed");
    bob.end_input();
    assert_eq!(bob.status(), 0);

    alice.say("still here\n");
    display.wait_for_text(&windows[0], "alice: still here");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    wait_for("alice's window to close", || {
        display.run("xdotool", &["windowfocus", &windows[0], "key", "space"]);
        display.window("alice").is_none().then_some(())
    });
    assert!(alice.rest().is_empty() && bob.rest().is_empty() && carol.rest().is_empty());
    wait_for("the helpers to be reaped", || (desk.holdings() == before).then_some(()));

    let [mut dave] = callers(&desk, ["dave"]);
    display.type_into(&display.wait_for_window("dave"), "the desk goes on\n");
    assert_eq!(dave.line(), "the desk goes on");
    assert!(desk.server.is_running());
}

#[test]
fn a_display_that_cannot_be_opened_is_reported() {
    let mut desk = Desk::open(talk(&["server"]).env("DISPLAY", ":9999"));
    let mut alice = desk.call("alice");
    assert_eq!(alice.status(), 1);
    let end = desk.server.line_with("ended");
    assert!(
        end.contains("no window: xterm exited with status 1") && end.contains("DISPLAY"),
        "{end}"
    );
}

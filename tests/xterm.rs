//! Real xterms on a display without a screen, with somebody who types into them.

use crate::support::display::Display;
use crate::support::{Desk, Program, installed, talk, wait_for};

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

    // A client that ends is seen in its own window only, and a window that is closed takes its own
    // client along.
    carol.end_input();
    assert_eq!(carol.status(), 0);
    display.wait_for_text(&windows[2], "press Enter to close");
    display.close_window("carol");
    display.run("xdotool", &["windowkill", &windows[1]]).unwrap();
    bob.notice_with("desk left: the window was closed");
    // Its input had not come to its end.
    assert_eq!(bob.status(), 1);

    alice.say("still here\n");
    display.wait_for_text(&windows[0], "alice: still here");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    display.close_window("alice");
    assert!(alice.rest().is_empty() && bob.rest().is_empty() && carol.rest().is_empty());
    wait_for("the helpers to be reaped", || (desk.holdings() == before).then_some(()));

    let [mut dave] = callers(&desk, ["dave"]);
    display.type_into(&display.wait_for_window("dave"), "the desk goes on\n");
    assert_eq!(dave.line(), "the desk goes on");
    assert!(desk.server.is_running());
}

#[test]
fn no_letter_is_lost_behind_emoji() {
    let display = Display::open();
    let desk = desk_on(&display);
    let [mut alice] = callers(&desk, ["alice"]);
    let window = display.wait_for_window("alice.*");
    let hands = "👍🏽👍🏽👍🏽 please bring the big boxes from the cellar to the front desk";
    let families = format!("{} a sentence after twenty families", "👨‍👩‍👧".repeat(20));
    let vowels = format!("{}and the end", "ক\u{9BE} ".repeat(60));
    alice.say(&format!("{hands}\n{families}\n{vowels}\n"));
    display.wait_for_text(&window, "and the end");
    let screen = display.read(&window);
    for word in hands.split(' ').chain(families.split(' ')).filter(|word| word.is_ascii()) {
        assert!(screen.split_whitespace().any(|shown| shown == word), "{word} in\n{screen}");
    }
    // A row that xterm has wrapped is read as one that is longer than the window is wide.
    let is_wide = |row: &&str| row.chars().count() > 80;
    assert_eq!(screen.lines().find(is_wide), None, "{screen}");

    // This sign is wider in an xterm than the program counts: xterm wraps the row.
    alice.say(&format!("{} nothing is lost\n", "㉈".repeat(45)));
    display.wait_for_text(&window, "nothing is lost");
}

#[test]
fn a_display_that_cannot_be_opened_is_reported() {
    let mut desk = Desk::open(talk(&["server"]).env("DISPLAY", ":9999"));
    let mut alice = desk.call("alice");
    assert_eq!(alice.status(), 1);
    let end = desk.server.line_with("ended");
    assert!(end.contains("no window: it exited with status 1") && end.contains("DISPLAY"), "{end}");
}

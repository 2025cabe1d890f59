//! A prompt, driven as a surface drives it.

use std::time::Duration;

use std::num::NonZeroU16;

use super::*;
use crate::sys::clock::Clock;
use crate::terminal::surface::{Entry, Live, Origin, Who};

fn size(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap()
}

/// What goes on, with the line going `to` somebody.
fn live(to: &str) -> Live<'_> {
    Live { partial: None, status: b"-- 2 calls --", to: to.as_bytes() }
}

fn hello() -> Entry<'static> {
    let (origin, time) = (Origin::Peer, Clock::of(14, 5));
    Entry { origin, who: Who::Call(1, b"alice"), time, continued: false, text: b"hello" }
}

/// The rows of a prompt of this width after a paint, and the column of the cursor.
fn painted(width: u16, to: &str, keys: &str, refuse: bool) -> (Vec<String>, u16) {
    let mut terminal = vt100::Parser::new(size(4), size(width), 0);
    let mut prompt = Prompt::new(width, 4, false, false);
    for key in prompt.read(keys.as_bytes(), Duration::ZERO) {
        assert_eq!(prompt.press(key), None);
    }
    if refuse {
        prompt.refuse("there is no call 7");
    }
    terminal.process(&prompt.paint(&live(to)));
    let screen = terminal.screen();
    let rows = screen.rows(0, width).map(|row| row.trim_end().to_owned());
    (rows.filter(|row| !row.is_empty()).collect(), screen.cursor_position().1)
}

#[test]
fn the_prompt_says_who_the_line_goes_to() {
    let rows = |rows: [&str; 2]| rows.map(str::to_owned).to_vec();
    assert_eq!(painted(40, "", "hi", false), (rows(["-- 2 calls --", "> hi"]), 4));
    assert_eq!(painted(40, "2 alice", "hi", false), (rows(["-- 2 calls --", "2 alice> hi"]), 11));
    assert_eq!(painted(40, "2 漢字", "hi", false), (rows(["-- 2 calls --", "2 漢字> hi"]), 10));
    let refused = rows(["-- 2 calls -- there is no call 7 --", "2 alice> hi"]);
    assert_eq!(painted(40, "2 alice", "hi", true), (refused, 11));
}

#[test]
fn a_long_name_leaves_room_for_the_line() {
    let who = "12 a name that is longer than the whole window";
    let (rows, cursor) = painted(31, who, "hi", false);
    assert_eq!((rows[1].as_str(), cursor), ("12 a name > hi", 14));
    let (rows, cursor) = painted(31, who, &"x".repeat(40), false);
    assert_eq!(rows[1], "12 a name < xxxxxxxx");
    assert_eq!(cursor, 20);
}

#[test]
fn only_enter_and_leave_are_for_the_owner() {
    let mut prompt = Prompt::new(40, 10, false, false);
    let mut press = |keys: &str| {
        let keys = prompt.read(keys.as_bytes(), Duration::ZERO);
        let asked: Vec<Asked> = keys.into_iter().filter_map(|key| prompt.press(key)).collect();
        (asked, prompt.text().to_owned())
    };
    assert_eq!(press("\x04"), (vec![Asked::Leave], String::new()));
    assert_eq!(press("ab\x01\x04\r"), (vec![Asked::Enter], "b".into()));
    // The line is the owner's to take.
    assert_eq!(press("c"), (vec![], "cb".into()));
}

#[test]
fn while_the_terminal_is_given_back_only_the_scrollback_is_written() {
    let mut prompt = Prompt::new(40, 10, false, false);
    let paint = |prompt: &mut Prompt| String::from_utf8(prompt.paint(&live(""))).unwrap();
    assert!(paint(&mut prompt).contains("2 calls"));
    prompt.leave();
    prompt.print(&hello());
    assert_eq!(prompt.scrollback(), b"\x1B[7m14:05\x1B[m [1 alice] hello\r\n");
    prompt.resume();
    assert!(paint(&mut prompt).contains("2 calls"));
}

#[test]
fn a_terminal_that_is_lost_loses_no_row_and_is_not_drawn_on() {
    let mut prompt = Prompt::new(40, 10, false, false);
    prompt.paint(&live(""));
    prompt.print(&hello());
    prompt.forget();
    assert_eq!(prompt.scrollback(), b"\x1B[7m14:05\x1B[m [1 alice] hello\r\n");
    prompt.print(&hello());
    assert_eq!(prompt.scrollback(), b"\x1B[7m14:05\x1B[m [1 alice] hello\r\n");
}

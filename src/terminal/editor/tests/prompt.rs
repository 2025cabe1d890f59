//! A prompt with an owner that is not a conversation: whom the line goes to stands before it.

use super::*;

/// The rows of a prompt of this width after a paint, and the column of the cursor.
fn painted(width: u16, who: &str, keys: &str, refuse: bool) -> (Vec<String>, u16) {
    let mut terminal = vt100::Parser::new(size(4), size(width), 0);
    let mut prompt = Prompt::new(width, 4, false, false);
    for key in prompt.read(keys.as_bytes()) {
        assert_eq!(prompt.press(key), None);
    }
    if refuse {
        prompt.refuse("there is no call 7");
    }
    terminal.process(&prompt.paint(None, "-- 2 calls --".into(), who));
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
fn only_keys_that_are_not_the_boards_own_are_the_owners() {
    let mut prompt = Prompt::new(40, 10, false, false);
    let mut press = |keys: &str| {
        let keys = prompt.read(keys.as_bytes());
        let asked: Vec<Asked> = keys.into_iter().filter_map(|key| prompt.press(key)).collect();
        (asked, prompt.text().to_owned())
    };
    assert_eq!(press("\x04"), (vec![Asked::Leave], String::new()));
    assert_eq!(press("ab\x01\x04\r"), (vec![Asked::Enter], "b".into()));
    // The line is the owner's to take.
    assert_eq!(press("c"), (vec![], "cb".into()));
}

#[test]
fn while_it_is_suspended_only_the_transcript_is_written() {
    let mut prompt = Prompt::new(40, 10, false, false);
    let paint = |prompt: &mut Prompt| {
        let bytes = prompt.paint(None, "status".into(), "");
        String::from_utf8(bytes).unwrap()
    };
    assert!(paint(&mut prompt).contains("status"));
    prompt.suspend();
    prompt.print(Style::Foreign, "14:05 [1 alice] ", "hello");
    assert_eq!(paint(&mut prompt), "");
    assert_eq!(prompt.scrollback(), b"14:05 [1 alice] hello\r\n");
    prompt.resume();
    assert!(paint(&mut prompt).contains("status"));
}

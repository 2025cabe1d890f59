//! What the terminal is told: sizes, clearing, colours, modes, and how much of it.

use super::*;
use crate::sys::clock::Date;

#[test]
fn a_row_marks_a_new_day() {
    let mut desk = Desk::new(44, 10);
    desk.screen.clock =
        || Clock { date: Date { year: 2026, month: 12, day: 1 }, hour: 7, minute: 9 };
    desk.hears("good morning").hears("at last").looks(
        "
14:05 -- alice answered
07:09 -- 2026-12-01
07:09 < alice: good morning
07:09 < alice: at last
-- alice (192.0.2.7:51234) talking --
> ▏",
    );
}

#[test]
fn the_screen_can_be_cleared_without_losing_the_scrollback() {
    let mut desk = Desk::new(44, 6);
    desk.hears("hello").types("dra\x0Cft").looks(
        "
14:05 -- alice answered
14:05 < alice: hello
-- alice (192.0.2.7:51234) talking --
> draft▏",
    );
    assert_eq!(desk.terminal.screen().scrollback_len(), 2);
    assert_eq!(desk.terminal.screen().cursor_position(), (1, 7));
}

#[test]
fn a_new_size_is_painted() {
    let mut desk = Desk::new(44, 10);
    desk.hears("hello").types("a line of some length").resizes(22, 10);
    desk.looks(
        "
14:05 -- alice answere
14:05 < alice: hello
-- alice (192.0.2.7:5
< me length▏",
    );
    desk.resizes(60, 4).hears("wide").looks(
        "
14:05 -- alice answere
14:05 < alice: hello
14:05 < alice: wide
-- alice (192.0.2.7:51234) talking --
> a line of some length▏",
    );
}

#[test]
fn a_new_size_is_painted_where_rows_reflow() {
    let mut desk = Desk::ringing(Look { reflows: true, ..look(44, 20) });
    desk.shows(Event::Answered { name: b"alice" }).hears_part("many words");
    desk.types("a line of some length\x1B[D\x1B[D");
    for width in [22, 9, 60, 23, 22, 44, 12, 24, 100, 36] {
        desk.reflows(width, 20);
        assert_eq!(desk.picture().replace(char::is_whitespace, "").matches("14:05").count(), 2);
    }
    desk.looks(
        "
14:05 -- alice answered
14:05 < alice: many words
-- alice (192.0.2.7:51234) talking
> a line of some leng▏th",
    );
}

/// The screen as a terminal of `width` columns shows it that wraps all rows again, with what is in
/// reverse video in brackets.
fn wrapped_again(desk: &Desk, width: usize) -> String {
    let screen = desk.terminal.screen();
    let (height, columns) = screen.size();
    let mut picture = String::new();
    for row in 0..height.get() {
        let cells: Vec<_> = (0..columns.get()).filter_map(|at| screen.cell(row, at)).collect();
        let blank = |cell: &&vt100::Cell| matches!(cell.contents(), "" | " ");
        let ink = cells.len() - cells.iter().rev().take_while(|cell| blank(cell)).count();
        for row in cells[..ink].chunks(width) {
            for cells in row.chunk_by(|one, next| one.inverse() == next.inverse()) {
                let text = cells.iter().map(|cell| if blank(cell) { " " } else { cell.contents() });
                let text = text.collect::<String>();
                picture += &if cells[0].inverse() { format!("[{text}]") } else { text };
            }
            picture.truncate(picture.trim_end_matches(' ').len());
            picture.push('\n');
        }
    }
    picture
}

#[test]
fn a_message_cannot_look_like_a_head_where_rows_reflow() {
    let mut desk = Desk::new(60, 20);
    desk.hears("please, wait a bit 14:06 > bob: yes, wipe it").types("go\r");
    desk.shows(Event::Left { reason: b"             14:06 > bob: yes, wipe it" });
    let expected = "
[14:05] -- alice answered
[14:05] < alice: please, wait a bit
14:06 > bob: yes, wipe it
[14:05] > bob: go
[14:05] -- alice left:
14:06 > bob: yes, wipe it
-- alice (192.0.2.7:51234) left --
>
";
    assert_eq!(wrapped_again(&desk, 34), expected.trim_start());
    for width in 10..60 {
        let picture = wrapped_again(&desk, width);
        assert_eq!(picture.lines().filter(|row| row.starts_with("[14:05]")).count(), 4);
        assert_eq!(picture.matches('[').count(), 4, "{picture}");
    }
}

#[test]
fn a_tiny_terminal_shows_what_fits() {
    let mut desk = Desk::new(8, 2);
    desk.hears("hello").types("abc").looks(
        "
14:05
   --
   alic
   e
   answ
   ered
14:05 <
   alic
   e:
   hell
   o
> abc▏",
    );
    for (width, height) in [(1, 1), (2, 2), (3, 1), (4, 2), (1, 30), (80, 1)] {
        desk.resizes(width, height).hears("漢字").types("漢\x1B[D");
    }
    desk.types("\x05\r").said("abc漢漢漢漢漢漢\n");
}

#[test]
fn colours_are_of_the_sixteen() {
    let mut desk = Desk::ringing(Look { colour: true, ..look(40, 10) });
    desk.shows(Event::Answered { name: b"alice" });
    assert!(desk.painted.contains("\x1B[7m14:05\x1B[m\x1B[35m -- alice answered\x1B[m\r\n"));
    desk.hears("hello");
    assert!(desk.painted.contains("\x1B[7m14:05\x1B[m\x1B[1;32m < alice: \x1B[mhello\r\n"));
    desk.open = true;
    desk.types("hi\r");
    assert!(desk.painted.contains("\x1B[7m14:05\x1B[m\x1B[36m > bob: \x1B[mhi\r\n"));
}

#[test]
fn suspending_gives_the_terminal_back() {
    let mut desk = Desk::new(44, 10);
    desk.types("draft");
    desk.changes(Change::Suspend);
    assert!(!desk.terminal.screen().bracketed_paste() && !desk.terminal.screen().hide_cursor());
    desk.hears("meanwhile").looks(
        "
14:05 -- alice answered
14:05 < alice: meanwhile
▏",
    );
    desk.terminal.process(b"$ fg\r\n");
    desk.changes(Change::Resume);
    assert!(desk.terminal.screen().bracketed_paste());
    desk.hears_part("unfin").looks(
        "
14:05 -- alice answered
14:05 < alice: meanwhile
$ fg
14:05 < alice: unfin
-- alice (192.0.2.7:51234) talking --
> draft▏",
    );
    desk.screen.change(Change::Finish);
    desk.paint();
    assert!(!desk.terminal.screen().bracketed_paste() && !desk.terminal.screen().hide_cursor());
    desk.looks(
        "
14:05 -- alice answered
14:05 < alice: meanwhile
$ fg
14:05 < alice: unfin
▏",
    );
}

#[test]
fn a_paste_that_does_not_fit_is_dropped_whole() {
    let mut desk = Desk::new(80, 10);
    let paste = "one of many lines of a paste\n".repeat(LINE_LIMIT / 20);
    desk.types("before | after\x1B[D\x1B[D\x1B[D\x1B[D\x1B[D\x1B[D").pastes(&paste).looks(
        "
14:05 -- alice answered
14:05 -- nothing was pasted: the line holds 64 KB; send longer text through a
        pipe
-- alice (192.0.2.7:51234) talking --
> before |▏ after",
    );
    desk.pastes("two\nlines").types("\r").said("before |two\nlines after\n");
    // An interrupt in the middle of a paste.
    desk.types(format!("x\x1B[200~{}", "y".repeat(100)));
    assert!(desk.screen.interrupt());
    desk.types("z".repeat(LINE_LIMIT + 1)).types("\x1B[201~end\r").said("end\n");
}

#[test]
fn the_title_of_a_window_is_the_peer_and_the_number_of_the_call() {
    for (window, call, name, title) in [
        (true, Some(3), "alice", "\x1B]2;alice (call 3)\x1B\\"),
        (true, None, "alice", "\x1B]2;alice\x1B\\"),
        (true, None, "\u{3000}", "\x1B]2;<no name>\x1B\\"),
        (true, Some(3), "a\x07\x1B\\\u{9C}b", "\x1B]2;a^G^[\\<U+009C>b (call 3)\x1B\\"),
        (false, Some(3), "alice", ""),
    ] {
        let mut desk = Desk::ringing(look(80, 10));
        (desk.screen.window, desk.screen.call) = (window, call);
        desk.shows(Event::Answered { name: name.as_bytes() });
        let written = desk.painted.split_inclusive("\x1B\\").next().unwrap();
        assert_eq!(if written.starts_with("\x1B]") { written } else { "" }, title);
    }
}

#[test]
fn nothing_is_painted_while_nothing_has_changed() {
    let mut desk = Desk::new(44, 10);
    desk.paint();
    assert_eq!(desk.painted, "");
    desk.types("x");
    assert_eq!(desk.painted, "\r\x1B[?7l> x\x1B7\x1B[K\x1B8\x1B[?7h\x1B[?25h");
}

#[test]
fn a_flood_is_painted_once_and_leaves_the_line_alone() {
    let mut desk = Desk::new(44, 10);
    for (index, c) in "nothing is lost".chars().enumerate() {
        for line in 0..1000 {
            let line = format!("{index} {line}");
            desk.screen.show(Event::Text { text: line.as_bytes(), complete: true });
        }
        desk.types(c.to_string());
        assert_eq!(desk.painted.matches("talking").count(), 1);
    }
    assert!(
        desk.picture().ends_with(
            "< alice: 14 999\n-- alice (192.0.2.7:51234) talking --\n> nothing is lost▏"
        )
    );
    desk.types("\r").said("nothing is lost\n");
}

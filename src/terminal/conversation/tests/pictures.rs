//! One side's screen in the situations of a conversation.

use super::*;
use crate::terminal::assembler::PARTIAL_LIMIT;

#[test]
fn typing_and_arriving_share_the_screen() {
    Desk::new(44, 10)
        .looks(
            "
14:05 -- alice answered
-- alice (192.0.2.7:51234) talking --
> ▏",
        )
        .types("hi al")
        .hears("hello")
        .looks(
            "
14:05 -- alice answered
14:05 < alice: hello
-- alice (192.0.2.7:51234) talking --
> hi al▏",
        )
        .types("ice\x1B[D\x1B[D")
        .hears("are you there?")
        .looks(
            "
14:05 -- alice answered
14:05 < alice: hello
14:05 < alice: are you there?
-- alice (192.0.2.7:51234) talking --
> hi ali▏ce",
        )
        .types("\r")
        .said("hi alice\n")
        .looks(
            "
14:05 -- alice answered
14:05 < alice: hello
14:05 < alice: are you there?
14:05 > bob: hi alice
-- alice (192.0.2.7:51234) talking --
> ▏",
        );
}

#[test]
fn a_long_line_is_wrapped_with_an_indent() {
    Desk::new(30, 12)
        .hears("one two three four five six seven 14:05 > bob: forged?")
        .hears("https://example.org/a/very/long/way/to/go")
        .types("x\r")
        .looks(
            "
14:05 -- alice answered
14:05 < alice: one two three
        four five six seven
        14:05 > bob: forged?
14:05 < alice:
        https://example.org/a
        /very/long/way/to/go
14:05 > bob: x
-- alice (192.0.2.7:51234) ta
> ▏",
        );
}

#[test]
fn what_was_said_scrolls_into_the_scrollback() {
    let mut desk = Desk::new(30, 4);
    desk.types("draft");
    for number in 1..=4 {
        desk.hears(number.to_string());
    }
    desk.looks(
        "
14:05 -- alice answered
14:05 < alice: 1
14:05 < alice: 2
14:05 < alice: 3
14:05 < alice: 4
-- alice (192.0.2.7:51234) ta
> draft▏",
    );
}

#[test]
fn a_long_line_moves_sideways() {
    let mut desk = Desk::new(20, 3);
    let mut line = |keys: &str| desk.types(keys).picture().lines().last().unwrap().to_owned();
    assert_eq!(line("abcdefghijklmnop"), "> abcdefghijklmnop▏");
    assert_eq!(line("q"), "< jklmnopq▏");
    assert_eq!(line("\x1B[D\x1B[D"), "< jklmno▏pq");
    assert_eq!(line("\x01"), "> ▏abcdefghijklmnop>");
    assert_eq!(line("\x1B[C"), "> a▏bcdefghijklmnop>");
    assert_eq!(line("\x05rstuvwx"), "< qrstuvwx▏");
    assert_eq!(line("yz"), "< qrstuvwxyz▏");
    assert_eq!(line(&"\x02".repeat(10)), "< ▏qrstuvwxyz");
    assert_eq!(line("\x02"), "< hijklmno▏pqrstuvw>");
    assert_eq!(line("\x15"), "> ▏pqrstuvwxyz");
}

#[test]
fn wide_characters_take_two_columns() {
    let mut desk = Desk::new(14, 3);
    let mut line = |keys: &str| desk.types(keys).picture().lines().last().unwrap().to_owned();
    assert_eq!(line("漢字e\u{301}\x1B[D"), "> 漢字▏e\u{301}");
    assert_eq!(line("\x1B[D"), "> 漢▏字e\u{301}");
    assert_eq!(line("\x7F"), "> ▏字e\u{301}");
    assert_eq!(line("\x05👍漢字"), "> 字e\u{301}👍漢字▏");
    assert_eq!(line("xy"), "< 字xy▏");
}

#[test]
fn emoji_sequences_take_the_columns_of_their_parts() {
    // As in an xterm, where one family is six columns wide.
    let families = "👨‍👩‍👧".repeat(7);
    let mut desk = Desk::new(36, 10);
    desk.hears(format!("{families} please come to the front desk")).hears_part("👍🏽 please");
    desk.types("👨‍👩‍👧👍🏽 x\x1B[D\x1B[D").looks(&format!(
        "
14:05 -- alice answered
14:05 < alice:
        {}
        {} please
        come to the front desk
14:05 < alice: 👍🏽 please
-- alice (192.0.2.7:51234) talking
> 👨‍👩‍👧👍🏽▏ x",
        "👨‍👩‍👧".repeat(4),
        "👨‍👩‍👧".repeat(3),
    ));
    let last = desk.types("👨‍👩‍👧".repeat(4)).picture();
    assert!(last.ends_with(&format!("\n< {}▏ x", "👨‍👩‍👧".repeat(2))), "{last}");
}

#[test]
fn the_cursor_is_where_the_terminal_has_drawn_it() {
    let mut desk = Desk::new(40, 4);
    desk.types("\u{9BE}👨‍👩‍👧1\u{FE0F}\u{20E3}ab\x1B[D");
    assert!(desk.painted.contains("a\x1B7b\x1B[K\x1B8"), "{:?}", desk.painted);
}

#[test]
fn several_pasted_lines_wait_for_enter() {
    Desk::new(44, 10)
        .pastes("one\r\ttwo\r\r/quit")
        .said("")
        .looks(
            "
14:05 -- alice answered
-- alice (192.0.2.7:51234) talking --
> one⏎→two⏎⏎/quit▏",
        )
        .types(" x\r")
        .said("one\n\ttwo\n\n/quit x\n")
        .looks(
            "
14:05 -- alice answered
14:05 > bob: one
14:05 > bob:         two
14:05 > bob:
14:05 > bob: /quit x
-- alice (192.0.2.7:51234) talking --
> ▏",
        )
        .pastes("all of it\n")
        .types("\r\x1B[A\r")
        .said("all of it\nall of it\n");
}

#[test]
fn a_partial_line_is_shown_as_it_comes() {
    Desk::new(44, 10)
        .types("typing")
        .hears_part("so fa")
        .hears_part(b"r \xE2\x82")
        .looks(
            "
14:05 -- alice answered
14:05 < alice: so far
-- alice (192.0.2.7:51234) talking --
> typing▏",
        )
        .shows(Event::Notice("something happened"))
        .hears_part(b"\xAC and much more than has room")
        .looks(
            "
14:05 -- alice answered
14:05 -- something happened
14:05 < alice: …and much more than has room
-- alice (192.0.2.7:51234) talking --
> typing▏",
        )
        .hears("!")
        .looks(
            "
14:05 -- alice answered
14:05 -- something happened
14:05 < alice: so far € and much more than
        has room!
-- alice (192.0.2.7:51234) talking --
> typing▏",
        );
}

#[test]
fn a_line_without_an_end_goes_to_the_scrollback_in_parts() {
    let mut desk = Desk::new(80, 10);
    for _ in 0..5 {
        desk.hears_part("é".repeat(5000));
    }
    assert!(desk.screen.peer.line.partial().unwrap().text.len() <= PARTIAL_LIMIT);
    desk.hears("end");
    let picture = desk.picture();
    assert_eq!(picture.matches('é').count(), 25_000);
    assert_eq!(picture.matches("14:05 < alice:").count(), 1);
    assert_eq!(picture.matches("14:05 < alice, continued:").count(), 2);
}

#[test]
fn the_status_follows_the_peer() {
    let mut desk = Desk::ringing(look(60, 10));
    desk.looks(
        "
-- 192.0.2.7:51234 ringing --
> ▏",
    )
    .shows(Event::Answered { name: b"al\x1Bice" })
    .shows(Event::Reading(false))
    .looks(
        "
14:05 -- \"al^[ice\" answered
14:05 -- \"al^[ice\" is not reading; what you say waits
-- al^[ice (192.0.2.7:51234) not reading --
> ▏",
    )
    .shows(Event::Reading(true))
    .hears_part("I have to")
    .shows(Event::Left { reason: b"gone\tfor lunch" })
    .looks(
        "
14:05 -- \"al^[ice\" answered
14:05 -- \"al^[ice\" is not reading; what you say waits
14:05 -- \"al^[ice\" is reading again
14:05 < al^[ice: I have to
14:05 -- \"al^[ice\" left: gone^Ifor lunch
-- al^[ice (192.0.2.7:51234) left --
> ▏",
    );
}

#[test]
fn a_line_that_cannot_be_sent_is_kept() {
    let mut desk = Desk::ringing(look(70, 10));
    desk.types("hello\r").said("").looks(
        "
-- 192.0.2.7:51234 ringing -- nobody has answered yet --
> hello▏",
    );
    assert!(desk.rang());
    desk.types("!").looks(
        "
-- 192.0.2.7:51234 ringing --
> hello!▏",
    );
    assert!(!desk.rang());
    desk.open = true;
    desk.types("\r").said("hello!\n");

    desk.open = false;
    for (event, obstacle) in [
        (Event::Answered { name: b"alice" }, "send buffer full"),
        (Event::Left { reason: b"" }, "the peer has left"),
    ] {
        desk.shows(event).types("\x15again\r").said("");
        let picture = desk.picture();
        assert!(picture.contains(obstacle) && picture.contains("> again"), "{picture}");
    }
}

#[test]
fn a_full_line_rings() {
    let mut desk = Desk::new(60, 10);
    desk.types("x".repeat(LINE_LIMIT));
    assert!(!desk.rang());
    desk.types("xxx");
    assert!(desk.rang());
    assert!(desk.picture().contains("talking -- the line is full --"));
    desk.types("\r").said(&("x".repeat(LINE_LIMIT) + "\n"));
}

#[test]
fn the_bell_rings_once_for_all_that_came() {
    let mut desk = Desk::ringing(Look { bell: true, ..look(40, 5) });
    desk.hears_part("a");
    assert!(!desk.rang());
    desk.screen.show(Event::Text { text: b"b", complete: true });
    desk.hears("c");
    assert_eq!(desk.painted.matches('\x07').count(), 1);
}

#[test]
fn a_slash_begins_a_command() {
    let mut desk = Desk::new(66, 24);
    desk.types("/nonsense\r").said("").looks(
        "
14:05 -- alice answered
14:05 -- no such command; /help lists them, //word sends it
-- alice (192.0.2.7:51234) talking --
> ▏",
    );
    desk.types("\x10").types("\x01/\r").said("/nonsense\n");
    desk.types("/help \r").said("");
    let picture = desk.picture();
    let mut help = KEYS.iter().chain(&command::CONVERSATION_HELP);
    assert!(help.all(|row| picture.contains(&row[..40])), "{picture}");
    desk.pastes("//a\n//b").types("\r").said("//a\n//b\n");
    desk.open = false;
    desk.types("/quit\rnever passed\r").said("");
    assert!(desk.left);
}

#[test]
fn control_d_leaves_on_an_empty_line_only() {
    let mut desk = Desk::new(40, 5);
    desk.types("ab\x01\x04\x04");
    assert!(!desk.left);
    desk.types("\r\x04");
    assert!(desk.left);
    assert_eq!(desk.said, "");
}

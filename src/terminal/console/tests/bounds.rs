//! Memory stays bounded, whoever does not read what is shown and whatever is typed.

use std::os::fd::AsFd;

use super::*;
use crate::terminal::output::Output;

#[test]
fn callers_then_the_keyboard_then_the_log_wait_for_the_screen() {
    let mut person = Person::new();
    let mut holds = |waiting| {
        person.seen.borrow_mut().waiting = waiting;
        let console = &mut person.console;
        console.log("a line");
        let logged = !std::mem::take(&mut person.seen.borrow_mut().entries).is_empty();
        (console.keeps_up(), console.wants_keys(), logged)
    };
    assert_eq!(holds(0), (true, true, true));
    assert_eq!(holds(SCREEN_LIMIT), (false, true, true));
    assert_eq!(holds(KEYS_LIMIT), (false, false, true));
    assert_eq!(holds(LOG_LIMIT + 1), (false, false, false));
    assert_eq!(holds(LOG_LIMIT + 1), (false, false, false));
    person.seen.borrow_mut().waiting = 0;
    person.console.log("the next line");
    assert_eq!(person.shown(), ["2 lines were lost: nobody read them", "the next line"]);
}

#[test]
fn lines_that_were_typed_wait_until_the_screen_keeps_up() {
    let mut person = Person::new();
    person.called_by(1, "alice").shown();
    person.seen.borrow_mut().waiting = KEYS_LIMIT;
    assert_eq!(person.says("/who"), [""; 0]);
    person.seen.borrow_mut().waiting = 0;
    assert_eq!(person.console.order(), None);
    assert_eq!(person.shown().len(), 1);
}

/// An operator whose commands answer with much more than what was typed, at a pipe that nobody
/// reads.
#[test]
fn a_keyboard_is_not_read_without_a_bound() {
    let (reader, writer) = io::pipe().unwrap();
    let mut outputs = Outputs::nowhere();
    outputs.screen = Output::new(writer.as_fd()).unwrap();
    let (mut console, _) = console(Box::new(Plain::new(outputs, None)));
    for call in 1..=64 {
        console.begin(call, b"a caller with a long name", "192.0.2.1:51234".parse().unwrap());
    }
    let typed = "/who\n".repeat(64 * 1024 / 5);
    let mut read = 0;
    while console.wants_keys() {
        console.typed(typed.as_bytes());
        assert_eq!(console.order(), None);
        let _ = console.flush(false);
        read += typed.len();
        assert!(read < 4 * TYPED_LIMIT, "the keyboard is read for ever");
    }
    let held = console.surface.waiting() + console.surface.typed_ahead();
    assert!(held < KEYS_LIMIT + 2 * TYPED_LIMIT + 16 * 1024, "{held} bytes");
    drop(reader);
}

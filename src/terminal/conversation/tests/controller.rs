//! What the controller does, on a surface that a test reads.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::terminal::fake::{Fake, Seen};

/// Bob's conversation, what is seen of it, and what was typed.
struct Bob {
    screen: ConversationScreen<Fake>,
    seen: Rc<RefCell<Seen>>,
    typed: Vec<String>,
    open: bool,
}

impl Bob {
    /// `edits` as an editor does; else the terminal does, if it is a `person` who types.
    fn new(edits: bool, person: bool) -> Self {
        let fake = Fake::new(edits);
        let seen = Rc::clone(&fake.seen);
        let mut bob = Self { screen: screen(fake, true, person), seen, typed: vec![], open: true };
        bob.screen.show(Event::Answered { name: b"alice" });
        assert_eq!(bob.entries().len(), 1);
        bob
    }

    fn types(&mut self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let typed = &mut self.typed;
        self.screen.typed(bytes.as_ref(), self.open, &mut |what| {
            typed.push(match what {
                Typed::Line(line) => line.to_owned(),
                Typed::Text(text) => format!("bytes {}", text.escape_ascii()),
                Typed::Leave => "leaves".to_owned(),
            });
        });
        std::mem::take(&mut self.typed)
    }

    fn entries(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().entries)
    }

    fn refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().refused)
    }

    fn status(&mut self) -> String {
        self.screen.paint();
        self.seen.borrow().live[1].clone()
    }
}

#[test]
fn a_line_is_said_and_shown_where_the_terminal_does_not_echo_it() {
    for (edits, shown) in [(true, &["14:05 > bob: hi"][..]), (false, &[])] {
        let mut bob = Bob::new(edits, true);
        assert_eq!(bob.types("h"), [""; 0]);
        assert_eq!(bob.types("i\n"), ["hi"]);
        assert_eq!(bob.entries(), shown);
    }
}

#[test]
fn what_is_not_utf_8_is_sent_as_it_was_typed() {
    let mut bob = Bob::new(false, true);
    assert_eq!(bob.types(b"caf\xE9\n"), ["bytes caf\\xe9\\n"]);
}

#[test]
fn what_comes_from_a_file_is_neither_cut_nor_a_command() {
    let mut bob = Bob::new(false, false);
    assert_eq!(bob.types("/quit\nhalf"), ["bytes /quit\\nhalf"]);
    assert_eq!(bob.types(""), [""; 0]);
}

#[test]
fn a_last_line_may_lack_its_newline() {
    let mut bob = Bob::new(false, true);
    assert_eq!(bob.types("last words"), [""; 0]);
    assert_eq!(bob.types(""), ["last words"]);
}

#[test]
fn commands_are_answered_here_and_leaving_is_passed_on() {
    let mut bob = Bob::new(true, true);
    assert_eq!(bob.types("/who\n//who\n"), ["/who"]);
    assert_eq!(
        bob.entries(),
        [format!("14:05 -- {}", command::UNKNOWN), "14:05 > bob: /who".into()]
    );
    assert_eq!(bob.types("/quit\n"), ["leaves"]);
    assert_eq!(bob.types("^D\n"), ["leaves"]);
    bob.types("/help\n");
    let help = bob.entries().join("\n");
    assert!(help.contains(KEYS[0]) && help.contains(ENTER_AND_LEAVE), "{help}");
    let mut plain = Bob::new(false, true);
    plain.types("/help\n");
    assert_eq!(plain.entries().len(), command::CONVERSATION_HELP.len());
}

#[test]
fn a_line_that_cannot_be_sent_is_refused_with_a_reason() {
    let mut bob = Bob::new(true, true);
    bob.open = false;
    assert_eq!(bob.types("hi\n"), [""; 0]);
    bob.screen.show(Event::Left { reason: b"" });
    bob.types("hi\n");
    bob.screen.show(Event::Ended { lost: true });
    bob.types("hi\n");
    assert_eq!(bob.refused(), ["send buffer full", "the peer has left", "the peer has left"]);

    let mut bob = Bob::new(true, true);
    bob.open = false;
    bob.screen.show(Event::Ended { lost: true });
    bob.types("hi\n");
    assert_eq!(bob.refused(), ["the connection is lost"]);
}

#[test]
fn the_status_says_how_a_conversation_ended() {
    for (events, words) in [
        (&[Event::Ended { lost: true }][..], "lost"),
        (&[Event::Reading(false), Event::Ended { lost: true }], "lost"),
        (&[Event::Ended { lost: false }], "left"),
        (&[Event::Left { reason: b"" }, Event::Ended { lost: true }], "left"),
    ] {
        let mut bob = Bob::new(true, true);
        assert_eq!(bob.status(), "-- alice (192.0.2.7:51234) talking --");
        events.iter().for_each(|&event| bob.screen.show(event));
        assert_eq!(bob.status(), format!("-- alice (192.0.2.7:51234) {words} --"));
    }
}

#[test]
fn a_partial_line_is_shown_when_nothing_more_comes_of_it() {
    for event in [Event::Left { reason: b"bye" }, Event::Ended { lost: true }] {
        let mut bob = Bob::new(true, true);
        bob.screen.show(Event::Text { text: b"I have to", complete: false });
        bob.screen.paint();
        assert_eq!(bob.seen.borrow().live[0], "14:05 < alice: I have to");
        bob.screen.show(event);
        assert_eq!(bob.entries()[0], "14:05 < alice: I have to");
        bob.screen.change(Change::Finish);
        assert!(bob.entries().iter().all(|entry| !entry.contains("I have to")));
    }
}

#[test]
fn the_bell_rings_for_whole_lines() {
    let mut bob = Bob::new(true, true);
    bob.screen.show(Event::Text { text: b"a", complete: false });
    assert_eq!(bob.seen.borrow().rings, 0);
    bob.screen.show(Event::Text { text: b"b", complete: true });
    assert_eq!(bob.seen.borrow().rings, 1);
}

#[test]
fn what_happens_to_the_terminal_is_the_surfaces() {
    let mut bob = Bob::new(true, true);
    let changes = [Change::Resize, Change::Suspend, Change::Resume, Change::Finish];
    changes.iter().for_each(|&change| bob.screen.change(change));
    assert_eq!(bob.seen.borrow().changes, changes);
}

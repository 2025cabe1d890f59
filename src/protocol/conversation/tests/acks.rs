//! What is acknowledged when, and what counts as confirmed.
//!
//! Next door, `honesty` holds the same over random conversations. The invariant: nothing but an ACK
//! confirms a line to a side whose peer acknowledges.

use super::super::super::limits::ACK_LIMIT;
use super::*;

/// Everything that `side` sends now.
fn sends(side: &mut Side, now: Instant) -> Vec<u8> {
    side.send(usize::MAX, now)
}

#[test]
fn what_is_shown_is_acknowledged_a_second_later_and_at_most_once_a_second() {
    let mut link = Link::answered(Input::Person);
    let start = link.now;
    let mut acks = 0;
    for round in 1..=40u64 {
        link.caller.say(b"a line\n", link.now);
        link.handler.receive(&sends(&mut link.caller, link.now), link.now);
        link.later(ACK_LIMIT / 10);
        let sent = sends(&mut link.handler, link.now);
        if !sent.is_empty() {
            assert_eq!(sent, ack(round));
            acks += 1;
        }
        link.caller.receive(&sent, link.now);
    }
    assert_eq!(acks, 4, "within {:?}", link.now - start);
    link.later(ACK_LIMIT);
    assert_eq!(sends(&mut link.handler, link.now), [], "everything is acknowledged");
    assert_eq!(link.handler.conversation.deadline(), None);
    assert_eq!(link.caller.conversation.confirmed(), 40);
}

#[test]
fn a_long_text_on_a_slow_screen_is_acknowledged_as_it_is_shown() {
    let mut link = Link::answered(Input::Stream);
    link.handler.stalled = true;
    link.caller.say(&b"a line\n".repeat(1000), link.now);
    link.carry(usize::MAX);
    for shown in [200, 900] {
        link.handler.conversation.on_shown(shown, link.now);
        link.later(ACK_LIMIT);
        let sent = sends(&mut link.handler, link.now);
        assert_eq!(sent, ack(shown));
        link.caller.receive(&sent, link.now);
        assert_eq!(link.caller.conversation.confirmed(), shown);
    }
    // The connection is lost: 100 lines are unconfirmed.
    link.caller.conversation.on_receive_failed("cut".into());
    assert_eq!(link.caller.conversation.lines() - link.caller.conversation.confirmed(), 100);
}

#[test]
fn an_ack_goes_before_every_goodbye_and_covers_what_is_shown() {
    let mut link = Link::answered(Input::Person);
    link.caller.say(b"one\ntwo\n", link.now);
    link.carry(usize::MAX);
    link.handler.conversation.leave(Goodbye::Leaving("lunch"), link.now);
    let sent = sends(&mut link.handler, link.now);
    assert_eq!(sent, [&ack(2), &b"B\0\x05lunch"[..]].concat());
    link.caller.receive(&sent, link.now);
    assert_eq!(sends(&mut link.caller, link.now), [&ack(0), &b"B\0\0"[..]].concat());
    assert!(link.caller.is_content());
    // Neither side has more to say.
    link.later(2 * ACK_LIMIT);
    assert_eq!(sends(&mut link.handler, link.now), []);
}

#[test]
fn an_older_peer_gets_what_it_knows_and_confirms_as_it_always_did() {
    let mut link = Link::without_acks(Input::Stream);
    link.caller.say(b"one\n", link.now);
    link.handler.receive(&sends(&mut link.caller, link.now), link.now);
    link.later(2 * ACK_LIMIT);
    assert_eq!(sends(&mut link.handler, link.now), []);
    link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
    let sent = sends(&mut link.handler, link.now);
    assert_eq!(sent, b"B\0\0");
    link.caller.receive(&sent, link.now);
    // An older desk takes the rest of a file after its own goodbye, and promises to show it.
    link.caller.say(b"two\n", link.now);
    assert_eq!(link.caller.conversation.confirmed(), 0);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert!(link.caller.is_content());
    assert_eq!(link.handler.shown, b"one\ntwo\n");
}

#[test]
fn goodbyes_that_cross_confirm_nothing_and_neither_does_one_that_came_before() {
    let mut link = Link::answered(Input::Person);
    link.caller.say(b"crosses\n", link.now);
    link.caller.conversation.leave(Goodbye::Leaving(""), link.now);
    link.handler.conversation.leave(Goodbye::Leaving("the window was closed"), link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert_eq!(link.handler.shown, b"crosses\n");
    assert!(!link.caller.is_content() && link.handler.is_content());
    assert_eq!(link.caller.conversation.confirmed(), 0);

    // The desk's goodbye is on its way when the caller says something.
    let mut link = Link::answered(Input::Person);
    link.handler.conversation.leave(Goodbye::Leaving("the window was closed"), link.now);
    link.caller.say(b"too late\n", link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert!(!link.caller.is_content());
}

#[test]
fn a_caller_stops_at_the_goodbye_of_the_desk_and_knows_that_there_was_more() {
    for input in [Input::Stream, Input::WaitForPeer] {
        let mut link = Link::answered(input);
        link.handler = Side::new(Role::Handler, "desk", Input::Person, link.now);
        link.caller = Side::new(Role::Caller, "alice", input, link.now);
        link.carry(usize::MAX);
        link.caller.say(b"first\n", link.now);
        link.carry(usize::MAX);
        link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
        link.carry(usize::MAX);
        assert!(!link.caller.conversation.wants_input());
        assert_eq!(link.ends(), [Some(&End::Done); 2], "at once");
        assert_eq!(link.caller.conversation.confirmed(), 1);
        assert!(link.caller.conversation.has_input_left() && !link.caller.is_content());
    }

    // With an older desk there is a second for the rest, and no more.
    let mut link = Link::without_acks(Input::Stream);
    link.caller.say(b"first\n", link.now);
    link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
    link.carry(usize::MAX);
    link.later(TRAILING_LIMIT);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert!(!link.caller.is_content());
}

#[test]
fn an_ack_of_a_peer_that_did_not_promise_any_is_skipped() {
    let now = Instant::now();
    let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
    desk.receive(&[ack(9), bytes(HELLO_BOB), ack(7), ack(3)].concat(), now);
    desk.receive(b"T\0\x01x", now);
    assert_eq!((&desk.shown[..], desk.end.as_ref()), (&b"x\n"[..], None));
}

#[test]
fn an_ack_that_goes_back_is_a_broken_rule() {
    let now = Instant::now();
    let mut desk = Side::new(Role::Handler, "desk", Input::Person, now);
    desk.receive(&bytes(NEW_HELLO_BOB), now);
    desk.say(b"1\n2\n3\n", now);
    desk.receive(&[ack(2), ack(2), ack(3)].concat(), now);
    assert_eq!((desk.conversation.confirmed(), desk.end.as_ref()), (3, None));
    desk.receive(&ack(2), now);
    desk.conversation.on_closed();
    desk.act(now);
    assert_eq!(desk.end, Some(End::Broken(Fault::AckGoesBack)));
}

#[test]
fn a_peer_that_does_not_read_gets_no_more_acks() {
    let now = Instant::now();
    let mut desk = Side::new(Role::Handler, "desk", Input::Stream, now);
    desk.receive(&bytes(NEW_HELLO_BOB), now);
    desk.say(&vec![b'\n'; OUTGOING_LIMIT / 3], now);
    let waiting = desk.conversation.outgoing().len();
    for second in 1..10 {
        desk.receive(b"T\0\x01x", now + second * ACK_LIMIT);
    }
    assert_eq!(desk.conversation.outgoing().len(), waiting);
    desk.send(usize::MAX, now + 10 * ACK_LIMIT);
    desk.act(now + 11 * ACK_LIMIT);
    assert_eq!(desk.conversation.outgoing(), ack(9));
}

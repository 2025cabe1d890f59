//! Goodbyes: who leaves first, who answers when, and what is still said and shown before.

use super::*;

#[test]
fn a_person_who_leaves_ends_the_conversation_on_both_sides() {
    let mut link = Link::answered(Input::Person);
    link.handler.say(b"wait\n", link.now);
    link.caller.conversation.leave(Goodbye::Leaving("lunch"), link.now);
    link.carry(1);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert_eq!(link.handler.heard[1..], ["left lunch"]);
    assert!(
        link.handler.conversation.peer_left_first() && !link.caller.conversation.peer_left_first()
    );
    assert_eq!(link.caller.heard.len(), 1, "the answer to a goodbye is not reported");
    assert_eq!(link.caller.shown, b"wait\n");
}

#[test]
fn the_answer_to_a_goodbye_waits_until_everything_is_shown() {
    let mut link = Link::answered(Input::Person);
    link.handler.stalled = true;
    link.caller.say(b"the last line\n", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [None, None]);
    link.handler.stalled = false;
    link.handler.act(link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
}

#[test]
fn a_goodbye_that_nobody_answers_is_not_confirmed() {
    let mut link = Link::answered(Input::Person);
    link.handler.stalled = true;
    link.caller.say(b"1\n2\n3", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    link.later(GOODBYE_LIMIT - TICK);
    assert_eq!(link.caller.end, None);
    link.later(TICK);
    assert_eq!(link.caller.end, Some(End::NotConfirmed));
    assert_eq!(link.caller.conversation.lines(), 3);
}

#[test]
fn a_goodbye_is_extended_by_what_still_comes_unless_it_is_immediate() {
    for (goodbye, end) in
        [(Goodbye::InputEnded, None), (Goodbye::Leaving(""), Some(End::NotConfirmed))]
    {
        let mut link = Link::answered(Input::Stream);
        link.caller.conversation.leave(goodbye, link.now);
        link.carry(usize::MAX);
        for _ in 0..30 {
            link.later(Duration::from_millis(500));
            link.handler.say(b"and another thing\n", link.now);
            link.carry(usize::MAX);
        }
        assert_eq!(link.caller.end, end, "{goodbye:?}");
    }
}

#[test]
fn a_stream_sends_its_trailing_data_before_it_answers() {
    let mut link = Link::answered(Input::Stream);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert!(link.handler.conversation.wants_input());
    for _ in 0..3 {
        link.handler.say(b"still here\n", link.now);
        link.later(TRAILING_LIMIT / 2);
        link.carry(usize::MAX);
        assert_eq!(link.ends(), [None, None]);
    }
    link.handler.say(b"the end", link.now);
    link.handler.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert_eq!(link.caller.shown, b"still here\nstill here\nstill here\nthe end");
}

#[test]
fn a_stream_that_is_silent_after_the_goodbye_has_ended() {
    let mut link = Link::answered(Input::Stream);
    link.caller.conversation.leave(Goodbye::Leaving(""), link.now);
    link.carry(usize::MAX);
    link.later(TRAILING_LIMIT);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
}

#[test]
fn a_stream_that_waits_for_its_peer_lets_it_leave_first() {
    let mut link = Link::answered(Input::Person);
    link.caller = Side::new(Role::Caller, "alice", Input::WaitForPeer, link.now);
    link.handler = Side::new(Role::Handler, "desk", Input::Person, link.now);
    link.carry(usize::MAX);
    link.caller.say(b"which printer works?\n", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    for _ in 0..3 {
        link.carry(usize::MAX);
        link.later(Duration::from_secs(3600));
        assert_eq!(link.ends(), [None, None]);
        link.handler.say(b"a minute\n", link.now);
    }
    link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert_eq!(link.caller.shown, b"a minute\n".repeat(3));
}

#[test]
fn a_stream_that_ends_after_the_goodbye_still_waits_for_its_screen() {
    for goodbye in [Goodbye::InputEnded, Goodbye::Leaving("")] {
        let mut link = Link::answered(Input::Stream);
        link.handler.stalled = true;
        link.caller.say(b"the last line\n", link.now);
        link.caller.conversation.leave(Goodbye::InputEnded, link.now);
        link.carry(usize::MAX);
        link.handler.conversation.leave(goodbye, link.now);
        link.later(TRAILING_LIMIT);
        assert_eq!(link.handler.end, None);
        link.handler.stalled = false;
        link.handler.act(link.now);
        link.carry(usize::MAX);
        assert_eq!(link.ends(), [Some(&End::Done); 2]);
    }
}

#[test]
fn an_answer_behind_much_text_is_given_up_only_when_nothing_moves() {
    for input in [Input::Stream, Input::WaitForPeer] {
        let mut link = Link::new(input);
        link.handler = Side::new(Role::Handler, "desk", Input::Stream, link.now);
        link.carry(usize::MAX);
        link.caller.say(&[b'x'; 200_000], link.now);
        link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
        let goodbye = link.handler.send(usize::MAX, link.now);
        link.caller.receive(&goodbye, link.now);
        link.caller.conversation.leave(Goodbye::InputEnded, link.now);
        for _ in 0..10 {
            link.now += GOODBYE_LIMIT - TICK;
            link.caller.act(link.now);
            link.caller.send(10_000, link.now);
        }
        assert_eq!(link.caller.end, None);
        link.later(GOODBYE_LIMIT);
        assert_eq!(link.caller.end, Some(End::NotConfirmed));
    }
}

#[test]
fn goodbyes_that_cross_answer_each_other() {
    let mut link = Link::answered(Input::Person);
    link.caller.say(b"a\n", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.handler.say(b"b\n", link.now);
    link.handler.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert_eq!((&link.caller.shown[..], &link.handler.shown[..]), (&b"b\n"[..], &b"a\n"[..]));
}

#[test]
fn goodbyes_that_cross_wait_for_a_stalled_screen_as_long_as_it_takes() {
    let mut link = Link::answered(Input::Person);
    link.handler.stalled = true;
    link.caller.say(b"a\n", link.now);
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.handler.conversation.leave(Goodbye::Leaving(""), link.now);
    // The caller's BYE arrives before the handler's is sent.
    let goodbye = link.caller.send(usize::MAX, link.now);
    link.handler.receive(&goodbye, link.now);
    link.carry(usize::MAX);
    link.later(2 * GOODBYE_LIMIT);
    assert_eq!(link.handler.end, None);
    link.handler.stalled = false;
    link.handler.act(link.now);
    assert_eq!(link.handler.end, Some(End::Done));
}

#[test]
fn a_handler_whose_input_has_ended_leaves_the_first_goodbye_to_the_caller() {
    let mut link = Link::answered(Input::Stream);
    link.handler.say(b"that is all\n", link.now);
    link.handler.conversation.leave(Goodbye::InputEnded, link.now);
    for _ in 0..5 {
        link.caller.say(b"and more\n", link.now);
        link.later(TRAILING_LIMIT / 2);
        link.carry(usize::MAX);
    }
    link.handler.stalled = true;
    link.caller.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert_eq!(link.caller.end, None, "not everything is shown yet");
    link.handler.stalled = false;
    link.handler.act(link.now);
    link.carry(usize::MAX);
    assert_eq!(link.ends(), [Some(&End::Done); 2]);
    assert!(
        link.handler.conversation.peer_left_first() && !link.caller.conversation.peer_left_first()
    );

    // A handler that is told to leave does not wait for the caller.
    let mut link = Link::answered(Input::Stream);
    link.handler.conversation.leave(Goodbye::InputEnded, link.now);
    link.handler.conversation.leave(Goodbye::Leaving("terminated"), link.now);
    link.carry(usize::MAX);
    assert_eq!(link.caller.heard[1..], ["left terminated"]);

    // A caller that is silent is not waited for.
    let mut link = Link::answered(Input::Stream);
    link.handler.conversation.leave(Goodbye::InputEnded, link.now);
    link.carry(usize::MAX);
    assert_eq!(link.caller.heard.len(), 1);
    link.later(TRAILING_LIMIT);
    link.carry(usize::MAX);
    assert_eq!(link.caller.heard[1..], ["left "]);
}

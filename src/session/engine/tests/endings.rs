//! Engines at the end of a conversation, whoever ends it.
//!
//! The invariant under test: an end is done only if everything was said, shown and confirmed.

use super::*;

#[test]
fn the_goodbye_of_the_peer_is_answered_when_its_last_line_is_on_the_screen() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    peer.says(b"T\0\x03bye");
    peer.says(b"B\0\x05lunch");
    peer.expects(BYE);
    let mut shown = [0; 4];
    running.screen.as_mut().unwrap().read_exact(&mut shown).unwrap();
    assert_eq!(&shown, b"bye\n");
    drop(peer);
    let (_, result) = running.finish();
    assert_eq!(result.ended.words(), "bob left: lunch");
    assert_eq!(result.events, ["answered bob", "left lunch", "Ended { lost: false }"]);
}

#[test]
fn a_peer_that_vanishes_leaves_a_lost_connection_and_unconfirmed_lines() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    running.types(b"are you there?\n");
    peer.expects(b"T\0\x0eare you there?");
    drop(peer);
    let (_, result) = running.finish();
    let closed = "the connection to bob was lost: connection closed without BYE";
    assert_eq!(result.ended.to_string(), format!("{closed}; 1 line is unconfirmed"));
    let named = ["1 line was not confirmed:", "  are you there?"];
    let named = named.map(|line| format!("Notice({line:?})"));
    assert_eq!(result.events[1..], [&["Ended { lost: true }".into()], &named[..]].concat());

    // What the peer has not read makes it a reset.
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    running.types(b"are you there?\n");
    peer.expects(b"T");
    drop(peer);
    let (_, result) = running.finish();
    assert_eq!(result.ended.how, How::Over(End::Lost("connection reset by peer".into())));
}

#[test]
fn a_screen_that_is_gone_breaks_the_connection_off() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    running.screen = None;
    peer.says(b"T\0\x05hello");
    // No BYE, which would promise that the line was shown.
    assert_ne!(peer.0.read(&mut [0]).unwrap_or(0), 1);
    let (_, result) = running.finish();
    assert_eq!(result.ended.how, How::Unshown { why: "broken pipe".into(), closed: true });
    assert!(result.ended.status().is_ok(), "a closed pipe is not worth a message");
}

#[test]
fn the_end_of_input_means_goodbye_and_a_file_lets_the_caller_go_first() {
    let _guard = one_at_a_time();
    for input in [Input::Person, Input::Stream] {
        let (mut peer, mut running) = Peer::answered(handler(input));
        running.types(b"no newline");
        running.ends_input();
        peer.expects(b"t\0\nno newline");
        if input == Input::Stream {
            // Before its own goodbye it waits for ours.
            peer.says(BYE);
            peer.expects(BYE);
        } else {
            peer.expects(BYE);
            peer.says(BYE);
        }
        let (_, result) = running.finish();
        assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), false));
    }
}

#[test]
fn what_takes_longer_than_its_limit_ends_with_a_reason() {
    let _guard = one_at_a_time();
    let limit = Duration::from_millis(30);
    let (mut peer, running) =
        Peer::answered(Setup { limit: Some(limit), ..handler(Input::Person) });
    peer.expects(b"B\0\x0bout of time");
    peer.expects_the_end();
    let (_, result) = running.finish();
    assert_eq!(result.ended.how, How::Over(End::OutOfTime(limit)));
    assert_eq!(result.ended.words(), "the conversation with bob was not over after 0.03 s");
}

#[test]
fn a_goodbye_that_nobody_answers_is_not_confirmed() {
    let _guard = one_at_a_time();
    let goodbye = Duration::from_millis(30);
    let setup = handler(Input::Person);
    let limits = Limits { goodbye, ..setup.limits };
    let (mut peer, mut running) = Peer::answered(Setup { limits, ..setup });
    running.types(b"line");
    peer.expects(b"T\0\x06a line");
    running.types(b"quit");
    peer.expects(BYE);
    let (_, result) = running.finish();
    assert_eq!(result.ended.to_string(), "bob did not confirm the goodbye; 1 line is unconfirmed");
}

#[test]
fn the_server_can_hang_up_and_its_end_changes_nothing() {
    let _guard = one_at_a_time();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let link = Some(FakeLink(theirs));
    let (mut peer, running) = Peer::answered(Setup { link, ..handler(Input::Person) });
    (&ours).write_all(b"x").unwrap();
    peer.expects(BYE);
    peer.says(BYE);
    let (_, result) = running.finish();
    assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), true));

    let (ours, theirs) = UnixStream::pair().unwrap();
    let link = Some(FakeLink(theirs));
    let (mut peer, mut running) = Peer::answered(Setup { link, ..handler(Input::Person) });
    drop(ours);
    running.types(b"line");
    peer.expects(b"T\0\x06a line");
    peer.says(BYE);
    peer.expects(BYE);
    let (_, result) = running.finish();
    assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), false));
}

#[test]
fn the_first_signal_is_polite_and_the_second_ends_at_once() {
    let _guard = one_at_a_time();
    for (signal, reason) in [(Signal::SIGINT, ""), (Signal::SIGTERM, "terminated")] {
        let raises = vec![("answered", signal)];
        let (mut peer, running) = Peer::answered(Setup { raises, ..handler(Input::Person) });
        peer.expects(&[b"B\0", &[reason.len() as u8][..], reason.as_bytes()].concat());
        peer.says(BYE);
        let (_, result) = running.finish();
        assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), true));
    }

    // The next one comes while the goodbye is still unanswered.
    let raises = vec![("answered", Signal::SIGINT), ("text more", Signal::SIGTERM)];
    let (mut peer, running) = Peer::answered(Setup { raises, ..handler(Input::Person) });
    peer.expects(BYE);
    peer.says(b"T\0\x04more");
    let (_, result) = running.finish();
    assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::NotConfirmed), true));
}

#[test]
fn a_hangup_is_polite_however_often_it_comes() {
    let _guard = one_at_a_time();
    let raises = vec![("answered", Signal::SIGHUP), ("text more", Signal::SIGHUP)];
    let (mut peer, running) = Peer::answered(Setup { raises, ..handler(Input::Stream) });
    peer.expects(b"B\0\x15the window was closed");
    peer.says(b"T\0\x04more");
    peer.says(BYE);
    let (_, result) = running.finish();
    assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), true));
}

#[test]
fn a_goodbye_before_the_end_of_input_is_an_error() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answering(Setup::new(Role::Caller, Input::Stream));
    running.types(b"first\n");
    peer.expects(b"T\0\x05first");
    peer.says(&[&ack(1), BYE].concat());
    peer.expects(&[&ack(0), BYE].concat());
    let (_, result) = running.finish();
    let left = "desk left before the end of input (confirmed up to line 1)";
    assert_eq!(result.ended.to_string(), left);
    assert!(result.ended.status().is_err());

    // The same by a signal.
    let raises = vec![("text enough", Signal::SIGTERM)];
    let setup = Setup { raises, ..Setup::new(Role::Caller, Input::Stream) };
    let (mut peer, mut running) = Peer::answering(setup);
    running.types(b"first\n");
    peer.expects(b"T\0\x05first");
    peer.says(b"T\0\x06enough");
    peer.expects(&[&ack(1), &b"B\0\x0aterminated"[..]].concat());
    peer.says(&[&ack(1), BYE].concat());
    let (_, result) = running.finish();
    let left = "said goodbye to desk before the end of input (confirmed up to line 1)";
    assert_eq!(result.ended.to_string(), left);
    assert!(result.ended.status().is_err());
}

#[test]
fn a_line_that_is_said_after_the_goodbye_of_the_desk_is_unconfirmed() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answering(Setup::new(Role::Caller, Input::Person));
    running.types(b"line");
    peer.expects(b"T\0\x06a line");
    // It is on its way when the desk's window closes.
    peer.says(&[&ack(0), &b"B\0\x06closed"[..]].concat());
    peer.expects(&[&ack(0), BYE].concat());
    let (_, result) = running.finish();
    let left = "desk left: closed; 1 line is unconfirmed; check with the other side what arrived";
    assert_eq!(result.ended.to_string(), left);
    assert!(result.ended.status().is_err());
    let named = ["1 line was not confirmed:", "  a line"].map(|line| format!("Notice({line:?})"));
    assert_eq!(result.events[3..], named);
}

#[test]
fn input_that_cannot_be_read_is_an_error() {
    let _guard = one_at_a_time();
    for (path, write, why) in
        [("/", false, "is a directory"), ("/dev/null", true, "bad file descriptor")]
    {
        let unread = std::fs::File::options().read(!write).write(write).open(path).unwrap();
        let keyboard = Some(unread.into());
        let setup = Setup { keyboard, ..Setup::new(Role::Caller, Input::Stream) };
        let (mut peer, running) = Peer::answering(setup);
        peer.expects(&[&ack(0), &b"B\0\x1acannot read standard input"[..]].concat());
        peer.says(&[&ack(0), BYE].concat());
        let (_, result) = running.finish();
        let error = result.ended.status().unwrap_err().to_string();
        assert_eq!(error, format!("cannot read standard input: {why}"));
    }
}

/// A caller whose screen nobody reads, and a desk that sends more than it takes.
fn stuck(setup: Setup) -> (Peer, Running) {
    let setup = Setup { finishes: true, ..setup };
    let (peer, running) = Peer::answering(setup);
    let mut sender = peer.0.try_clone().unwrap();
    thread::spawn(move || {
        let line = [b"T\x10\0", &[b'x'; 4096][..]].concat();
        while sender.write_all(&line).is_ok() {}
    });
    (peer, running)
}

#[test]
fn a_time_limit_does_not_wait_for_a_screen_that_nobody_reads() {
    let _guard = one_at_a_time();
    let limit = Duration::from_millis(100);
    let setup = Setup { limit: Some(limit), ..Setup::new(Role::Caller, Input::Stream) };
    let (peer, running) = stuck(setup);
    let result = running.ends();
    assert_eq!(result.ended.how, How::Over(End::OutOfTime(limit)));
    drop(peer);
}

#[test]
fn a_second_signal_does_not_wait_for_a_screen_that_nobody_reads() {
    let _guard = one_at_a_time();
    let raises = vec![("text x", Signal::SIGINT), ("text x", Signal::SIGTERM)];
    let setup = Setup { raises, ..Setup::new(Role::Caller, Input::Stream) };
    let (peer, running) = stuck(setup);
    let result = running.ends();
    assert_eq!((result.ended.how, result.ended.hurried), (How::Over(End::NotConfirmed), true));
    drop(peer);
}

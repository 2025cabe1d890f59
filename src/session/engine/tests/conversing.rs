//! Engines while they converse: lines, screens that are slow, acknowledgements.
//!
//! The invariant under test: what is said is shown once and whole, and never faster than a screen
//! takes it.

use super::*;

#[test]
fn two_engines_converse_both_ways_and_say_goodbye() {
    let _guard = one_at_a_time();
    let (here, there) = UnixStream::pair().unwrap();
    let mut caller = Setup::new(Role::Caller, Input::Stream).start(here);
    let mut handler = handler(Input::Stream).start(there);
    caller.types(b"one\ntwo\nthr");
    handler.types("früh\n".as_bytes());
    caller.types(b"ee");
    let mut heard = vec![0; "früh\n".len()];
    caller.screen.as_mut().unwrap().read_exact(&mut heard).unwrap();
    caller.ends_input();
    handler.ends_input();
    let (_, caller) = caller.finish();
    let (shown, handler) = handler.finish();
    assert_eq!((&heard[..], shown.as_str()), ("früh\n".as_bytes(), "one\ntwo\nthree"));
    for result in [&caller, &handler] {
        assert_eq!(result.ended.how, How::Over(End::Done));
        assert_eq!((result.ended.unconfirmed, result.ended.asked), (0, false));
        assert_eq!(result.events.last().unwrap(), "Ended { lost: false }");
        assert_eq!(result.observed.last().unwrap(), "ended Over(Done)");
    }
    assert!(handler.ended.peer_left.is_some() && caller.ended.peer_left.is_none());
    assert_eq!(handler.observed[0], "answered Name(bob)");
    let said = "said fr\\xc3\\xbch true".to_owned();
    let heard = ["heard one true", "heard two true"].map(String::from);
    assert!(handler.observed.contains(&said), "{:?}", handler.observed);
    assert!(heard.iter().all(|line| handler.observed.contains(line)), "{:?}", handler.observed);
    assert!(handler.observed.contains(&"left ".to_owned()), "{:?}", handler.observed);
    assert!(!caller.observed.iter().any(|line| line.starts_with("left")), "its own BYE is no news");
}

#[test]
fn the_keyboard_waits_for_the_screen() {
    let _guard = one_at_a_time();
    let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
    let output = || Output::new(null.as_fd()).unwrap();
    let outputs = Outputs { screen: output(), notices: output() };
    let mut terminal =
        FakeTerminal { outputs, events: Vec::new(), raises: Vec::new(), edits: true };
    let signals = watch(&terminal).unwrap();
    let (name, limits) = ("bob".parse().unwrap(), Limits::default());
    let conversation =
        Conversation::new(Role::Handler, name, Input::Person, limits, Instant::now());
    let socket = UnixStream::pair().unwrap().0.into();
    let mut observer = ();
    let mut engine = Engine::new(socket, conversation, &mut terminal, &signals, &mut observer);
    assert!(engine.wants_keys());
    engine.terminal.outputs().screen.push(&[0; SCREEN_LIMIT]);
    assert!(engine.wants_keys() && !engine.screen_keeps_up());
    engine.terminal.outputs().screen.push(&[0; KEYS_LIMIT - SCREEN_LIMIT]);
    assert!(!engine.wants_keys());
}

#[test]
fn a_line_is_said_whole_and_a_wish_to_leave_is_a_goodbye() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    running.types(b"line");
    peer.expects(b"T\0\x06a line");
    running.types(b"quit");
    peer.expects(BYE);
    peer.expects_the_end();
    peer.says(b"T\0\x04last");
    peer.says(BYE);
    let (shown, result) = running.finish();
    assert_eq!(shown, "last\n");
    assert_eq!((result.ended.how, result.ended.asked), (How::Over(End::Done), true));
    assert!(result.observed.contains(&"said a line true".to_owned()));
}

#[test]
fn a_screen_that_stalls_stops_the_socket_and_loses_nothing() {
    let _guard = one_at_a_time();
    let (mut peer, mut running) = Peer::answered(handler(Input::Person));
    // A pipe, the screen's output, the inbox and the socket hold far less than this.
    let rounds = 1024;
    let wire = [b"T\x10\0", &[b'x'; 4096][..]].concat().repeat(rounds);
    // Nobody reads the screen, so after a while the socket takes nothing for as long as this.
    peer.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut taken = 0;
    let held_up = loop {
        match peer.0.write(&wire[taken..]) {
            Ok(count) if count > 0 => taken += count,
            Ok(_) => panic!("all {taken} bytes were taken"),
            Err(error) => break error,
        }
    };
    assert_eq!(held_up.kind(), ErrorKind::WouldBlock);
    assert!((SCREEN_LIMIT..2 * 1024 * 1024).contains(&taken), "{taken} bytes were taken");
    peer.0.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut screen = running.screen.take().unwrap();
    let reading = thread::spawn(move || {
        let mut shown = Vec::new();
        screen.read_to_end(&mut shown).unwrap();
        shown.len()
    });
    peer.0.write_all(&wire[taken..]).unwrap();
    peer.says(BYE);
    peer.expects(BYE);
    let (_, result) = running.finish();
    assert_eq!(result.ended.how, How::Over(End::Done));
    assert_eq!(reading.join().unwrap(), rounds * 4097);
}

#[test]
fn what_is_shown_is_acknowledged_while_the_conversation_goes_on() {
    let _guard = one_at_a_time();
    let setup = handler(Input::Person);
    let limits = Limits { ack: Duration::from_millis(30), ..setup.limits };
    let (mut peer, mut running) = Peer::and(Setup { limits, ..setup });
    peer.says(NEW_HELLO_BOB);
    peer.expects(HELLO_DESK);
    peer.says(b"T\0\x03onet\0\x03two");
    peer.expects(&ack(2));
    running.types(b"line");
    peer.expects(b"T\0\x06a line");
    peer.says(&[&ack(1), BYE].concat());
    peer.expects(&[&ack(2), BYE].concat());
    let (shown, result) = running.finish();
    assert_eq!((shown.as_str(), result.ended.to_string().as_str()), ("one\ntwo", "bob left"));
}

#[test]
fn only_what_a_screen_has_taken_is_acknowledged() {
    let _guard = one_at_a_time();
    let setup = handler(Input::Person);
    let limits = Limits { ack: Duration::from_millis(30), ..setup.limits };
    let (mut peer, mut running) = Peer::and(Setup { limits, ..setup });
    peer.says(NEW_HELLO_BOB);
    peer.expects(HELLO_DESK);
    // A pipe holds 64 KiB: some of this waits, and goes on waiting.
    let line = [b"T\x10\0", &[b'x'; 4096][..]].concat();
    (0..24).for_each(|_| peer.says(&line));
    let mut early = [0; 11];
    peer.0.read_exact(&mut early).unwrap();
    assert!((ack(0)..=ack(15)).contains(&early.to_vec()), "{early:?}");
    let mut screen = running.screen.take().unwrap();
    screen.read_exact(&mut vec![0; 24 * 4097]).unwrap();
    while early != ack(24)[..] {
        peer.0.read_exact(&mut early).unwrap();
    }
    peer.says(BYE);
    peer.expects(&[&ack(24), BYE].concat());
    running.finish();
}

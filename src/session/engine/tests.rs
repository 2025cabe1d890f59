//! An engine on a socket pair, with a fake keyboard, screen and observer, and with short limits.
//!
//! The invariant: each test ends by itself, because the engine has a limit and every wait on this
//! side has a timeout. Tests run one after another: noted signals belong to the whole process.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, raise};

use super::*;
use crate::protocol::events::Role;
use crate::protocol::limits::Limits;
use crate::protocol::name::Name;
use crate::session::closing;
use crate::session::observer::Decision;
use crate::terminal::Typed;
use crate::terminal::output::Output;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// A caller that does not acknowledge, and one that does.
const HELLO_BOB: &[u8] = b"H\0\x05\x01\0bob";
const NEW_HELLO_BOB: &[u8] = b"H\0\x05\x01\x08bob";
const HELLO_DESK: &[u8] = b"H\0\x06\x01\x08desk";
const BYE: &[u8] = b"B\0\0";

fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ack(count: u64) -> Vec<u8> {
    [b"K\0\x08", &count.to_be_bytes()[..]].concat()
}

/// Passes lines through, and the word `quit` as the wish to leave.
struct FakeTerminal {
    outputs: Outputs,
    events: Vec<String>,
    /// Signals that come while something is shown that begins with a word, one after the other.
    raises: Vec<(&'static str, Signal)>,
    edits: bool,
}

impl Terminal for FakeTerminal {
    fn typed(&mut self, bytes: &[u8], _open: bool, pass: &mut dyn FnMut(Typed<'_>)) {
        match bytes {
            b"quit" => pass(Typed::Leave),
            b"line" => pass(Typed::Line("a line")),
            bytes => pass(Typed::Text(bytes)),
        }
    }

    fn edits(&self) -> bool {
        self.edits
    }

    fn show(&mut self, event: Event<'_>) {
        let shown = match event {
            Event::Text { text, complete } => {
                let end: &[u8] = if complete { b"\n" } else { b"" };
                self.outputs.screen.push_all([text, end]);
                format!("text {}", text.escape_ascii())
            }
            Event::Answered { name } => format!("answered {}", name.escape_ascii()),
            Event::Left { reason } => format!("left {}", reason.escape_ascii()),
            other => format!("{other:?}"),
        };
        if self.raises.first().is_some_and(|(word, _)| shown.starts_with(word)) {
            raise(self.raises.remove(0).1).unwrap();
        }
        if !shown.starts_with("text") {
            self.events.push(shown);
        }
    }

    fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }
}

#[derive(Default)]
struct FakeObserver(Vec<String>);

impl Observer for FakeObserver {
    fn on_said(&mut self, text: &[u8], complete: bool) {
        self.0.push(format!("said {} {complete}", text.escape_ascii()));
    }

    fn on_heard(&mut self, text: &[u8], complete: bool) {
        self.0.push(format!("heard {} {complete}", text.escape_ascii()));
    }

    fn on_answered(&mut self, name: &Name) {
        self.0.push(format!("answered {name:?}"));
    }

    fn on_left(&mut self, reason: &[u8]) {
        self.0.push(format!("left {}", reason.escape_ascii()));
    }

    fn on_ended(&mut self, ended: &Ended) {
        self.0.push(format!("ended {:?}", ended.how));
    }
}

/// A link on which each byte is a decision.
struct FakeLink(UnixStream);

impl AsFd for FakeLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Decisions for FakeLink {
    fn poll_decision(&mut self) -> io::Result<Option<Decision>> {
        match sockets::receive(self.0.as_fd(), &mut [0]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(Some(Decision::HangUp)),
            Err(error) if sys::would_block(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How an engine is set up.
struct Setup {
    role: Role,
    input: Input,
    limits: Limits,
    limit: Option<Duration>,
    link: Option<FakeLink>,
    raises: Vec<(&'static str, Signal)>,
    /// In place of a pipe.
    keyboard: Option<OwnedFd>,
    /// After the conversation, the window is closed as well.
    finishes: bool,
}

impl Setup {
    fn new(role: Role, input: Input) -> Self {
        let linger = Duration::from_millis(50);
        let limits = Limits { trailing: PATIENCE, linger, ..Limits::default() };
        Self {
            role,
            input,
            limits,
            limit: None,
            link: None,
            raises: Vec::new(),
            keyboard: None,
            finishes: false,
        }
    }

    /// Runs the engine in a thread, with `socket` as its side of the call.
    fn start(mut self, socket: UnixStream) -> Running {
        let (keyboard, typed) = pipe().unwrap();
        let (screen, shown) = pipe().unwrap();
        let thread = thread::spawn(move || {
            let output = |fd: BorrowedFd<'_>| Output::new(fd).unwrap();
            let outputs = Outputs { screen: output(shown.as_fd()), notices: output(shown.as_fd()) };
            drop(shown);
            let mut terminal =
                FakeTerminal { outputs, events: Vec::new(), raises: self.raises, edits: false };
            let mut observer = FakeObserver::default();
            signals::restore_defaults(&LEAVING);
            let signals = watch(&terminal).unwrap();
            let name = if self.role == Role::Caller { "bob" } else { "desk" };
            let name = name.parse().unwrap();
            let conversation =
                Conversation::new(self.role, name, self.input, self.limits, Instant::now());
            let mut engine =
                Engine::new(socket.into(), conversation, &mut terminal, &signals, &mut observer);
            let keyboard = self.keyboard.unwrap_or(keyboard.into());
            let keyboard: &OwnedFd = Box::leak(Box::new(keyboard));
            engine.keyboard = Keyboard::on(keyboard.as_fd());
            let limit = self.limit.unwrap_or(PATIENCE);
            engine.limit(Instant::now() + limit, limit);
            if let Some(link) = &mut self.link {
                engine.obey(link);
            }
            let ended = engine.run().unwrap();
            if self.finishes {
                let bound = self.limit.map(|limit| Instant::now() + limit);
                closing::finish(&mut terminal, &signals, &ended, bound);
            }
            Finished { ended, events: terminal.events, observed: observer.0 }
        });
        Running { typed: Some(typed), screen: Some(screen), thread }
    }
}

/// An engine that runs, with the other ends of its keyboard and screen.
struct Running {
    typed: Option<PipeWriter>,
    screen: Option<PipeReader>,
    thread: JoinHandle<Finished>,
}

struct Finished {
    ended: Ended,
    /// What the terminal showed, without text.
    events: Vec<String>,
    /// What the observer was told.
    observed: Vec<String>,
}

impl Running {
    fn types(&mut self, bytes: &[u8]) {
        self.typed.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// The keyboard comes to its end.
    fn ends_input(&mut self) {
        self.typed = None;
    }

    /// How it ended, though nobody reads its screen.
    fn ends(self) -> Finished {
        let deadline = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            assert!(Instant::now() < deadline, "it waits for its screen");
            thread::sleep(Duration::from_millis(1));
        }
        self.thread.join().unwrap()
    }

    /// What was shown and how it ended.
    fn finish(mut self) -> (String, Finished) {
        let mut shown = String::new();
        if let Some(mut screen) = self.screen.take() {
            screen.read_to_string(&mut shown).unwrap();
        }
        (shown, self.thread.join().unwrap())
    }
}

/// The peer's side of a call: a socket that the test itself reads and writes.
struct Peer(UnixStream);

impl Peer {
    /// A peer and the engine that it talks to.
    fn and(setup: Setup) -> (Self, Running) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        ours.set_write_timeout(Some(PATIENCE)).unwrap();
        (Self(ours), setup.start(theirs))
    }

    /// A desk that acknowledges and has answered, and its caller.
    fn answering(setup: Setup) -> (Self, Running) {
        let (mut peer, running) = Self::and(setup);
        peer.expects(NEW_HELLO_BOB);
        peer.says(HELLO_DESK);
        (peer, running)
    }

    /// A caller that the handler has answered, and its handler.
    fn answered(setup: Setup) -> (Self, Running) {
        let (mut peer, running) = Self::and(setup);
        peer.says(HELLO_BOB);
        peer.expects(HELLO_DESK);
        (peer, running)
    }

    fn says(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn expects(&mut self, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        self.0.read_exact(&mut read).unwrap();
        assert_eq!(read.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    fn expects_the_end(&mut self) {
        assert_eq!(self.0.read(&mut [0]).unwrap(), 0);
    }
}

fn handler(input: Input) -> Setup {
    Setup::new(Role::Handler, input)
}

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
    let (peer, mut running) = Peer::answered(handler(Input::Person));
    running.types(b"are you there?\n");
    while sockets::peek(peer.0.as_fd(), &mut [0]).is_err() {
        thread::yield_now();
    }
    drop(peer);
    let (_, result) = running.finish();
    assert_eq!(result.ended.how, How::Over(End::Lost("connection reset by peer".into())));
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

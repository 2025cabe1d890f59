//! An engine on a socket pair, with a fake keyboard, screen and observer, and with short limits.
//!
//! The invariant: each test ends by itself, because the engine has a limit and every wait on this
//! side has a timeout. Tests run one after another: noted signals belong to the whole process.

mod conversing;
mod endings;

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
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
        let (ending, over) = mpsc::channel();
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
            let _ = ending.send(());
            Finished { ended, events: terminal.events, observed: observer.0 }
        });
        Running { typed: Some(typed), screen: Some(screen), over, thread }
    }
}

/// An engine that runs, with the other ends of its keyboard and screen.
struct Running {
    typed: Option<PipeWriter>,
    screen: Option<PipeReader>,
    /// Says when the engine is done.
    over: Receiver<()>,
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
        self.over.recv_timeout(PATIENCE).expect("it waits for its screen");
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

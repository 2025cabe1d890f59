//! kill -9 of every process of a conversation, at random moments: the others end properly and say
//! why, and the desk is as good as new.
//!
//! Each round has a call in which lines go to and fro, kills one process after a random time, looks
//! at what becomes of the rest, and then holds a whole new conversation at the same desk, which
//! admits one call at a time. `TALK_KILLS` is how many rounds there are for each kind of window;
//! `TALK_SEED` repeats the moments of a run that failed.

use std::env;
use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::display::Display;
use crate::support::{Desk, Program, children, installed, talk, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Rounds for each kind of window; more than any of them has victims.
const ROUNDS: usize = 7;
/// The longest time that a conversation has before somebody is killed, in milliseconds.
const LONGEST: u64 = 250;

const SERVER: [&str; 5] = ["server", "--name", "desk", "--max-calls", "1"];

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Client,
    Server,
    /// The process this many forks away from the server, once it runs this program.
    Process(usize, &'static str),
}

/// What may become of the others.
struct Kill {
    victim: Victim,
    /// The exit status of the client: 0 if it can be told by somebody that all it said was shown,
    /// else 1.
    client: &'static [i32],
    /// How the server's last line about the call begins, after its number: with the address if it
    /// never came to a window. A server that is killed says nothing.
    ends: &'static [&'static str],
}

/// Ends after which nothing can have been confirmed.
const UNCONFIRMED: [&str; 4] = ["ended: its handler", "ended: no window", "ended: what", "from "];

/// A desk that is kept over many rounds.
struct Kept {
    desk: Desk,
    console: bool,
    /// What it holds without a call.
    idle: (usize, usize),
    /// The number of the last call.
    calls: u32,
}

impl Kept {
    fn new(mut desk: Desk) -> Self {
        let console = desk.server.line_with("windows: ").contains("console");
        Self { idle: desk.holdings(), desk, console, calls: 0 }
    }

    /// Says a line to the last call, where the desk has a keyboard for that.
    fn say(&mut self, line: &str) {
        if self.console {
            self.desk.server.say(&format!("/{} {line}\n", self.calls));
        }
    }

    fn call(&mut self) -> Program {
        self.calls += 1;
        self.desk.call("alice")
    }

    /// How the last call ended. Each call says so once: the line before was that of the call
    /// before.
    fn end(&mut self) -> String {
        loop {
            let line = self.desk.server.line();
            let ended =
                [" ended: ", " dropped: ", " refused: "].iter().any(|how| line.contains(how));
            if line.starts_with("call ") && ended {
                let number = format!("call {} ", self.calls);
                return line.strip_prefix(&number).expect("an end of the last call").to_owned();
            }
        }
    }

    /// The process of the call that is this many forks away.
    fn process(&self, forks: usize) -> Option<Pid> {
        (0..forks).try_fold(self.desk.server.pid(), |pid, _| children(pid).first().copied())
    }

    /// Asks the handler that waits for a key to close its window.
    fn close_window(&self) {
        if let Some(handler) = (1..).map_while(|forks| self.process(forks)).last() {
            // In the console, none waits.
            let _ = kill(handler, Signal::SIGTERM);
        }
    }

    fn wait_until_idle(&self) {
        wait_for("the desk to hold nothing", || (self.desk.holdings() == self.idle).then_some(()));
    }

    /// A whole conversation, which needs all that one call leaves to the next.
    fn converse(&mut self) {
        let mut caller = self.call();
        caller.say("a new call\n");
        caller.end_input();
        assert_eq!((caller.status(), self.end().as_str()), (0, "ended: alice left"));
        self.close_window();
        self.wait_until_idle();
    }
}

/// A setting from the environment.
fn setting<T: FromStr>(name: &str, otherwise: impl FnOnce() -> T) -> T {
    env::var(name).map_or_else(|_| otherwise(), |value| value.parse().ok().expect("a number"))
}

fn kill_in_turn(open: impl Fn() -> Desk, kills: &[Kill]) {
    let seed: u64 = setting("TALK_SEED", || RandomState::new().hash_one(()));
    let mut kept = Kept::new(open());
    for (round, kill) in kills.iter().cycle().enumerate().take(setting("TALK_KILLS", || ROUNDS)) {
        let random = BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, round));
        let moment = Duration::from_millis(random % LONGEST);
        println!("TALK_SEED={seed} round {round}: {:?} after {moment:?}", kill.victim);
        play(&mut kept, kill, moment);
        if kill.victim == Victim::Server {
            kept = Kept::new(open());
        }
        kept.converse();
    }
}

/// One round.
fn play(kept: &mut Kept, &Kill { victim, client, ends }: &Kill, moment: Duration) {
    let mut caller = kept.call();
    let process = wait_for("a process of the call", || kept.process(1));
    let start = Instant::now();
    while start.elapsed() < moment {
        caller.say("to\n");
        kept.say("fro");
        thread::sleep(Duration::from_millis(1));
    }
    let pid = match victim {
        Victim::Client => caller.pid(),
        Victim::Server => kept.desk.server.pid(),
        Victim::Process(forks, program) => {
            wait_for("the victim", || kept.process(forks).filter(|pid| is_running(*pid, program)))
        }
    };
    kill(pid, Signal::SIGKILL).unwrap();

    // Who is cut off does not wait for more input.
    if client.contains(&0) {
        caller.end_input();
    }
    let status = caller.status();
    let notices = caller.notices();
    assert!(client.contains(&status), "{status}: {notices:?}");
    if status == 1 {
        let known = ["the desk ", "the connection ", "hung up", "left before the end of input"];
        let last = notices.last().unwrap();
        assert!(known.iter().any(|known| last.contains(known)), "{notices:?}");
    }
    if victim == Victim::Server {
        // Its window is the server's, where there is no other.
        let gone = || kill(process, None).is_err().then_some(());
        kept.console.then(|| wait_for("the handler's end", gone));
        return;
    }
    let end = kept.end();
    assert!(ends.iter().any(|&one| end.starts_with(one)), "{end}");
    assert!(status != 0 || !UNCONFIRMED.iter().any(|how| end.starts_with(how)), "0, but {end}");
    if victim == Victim::Client {
        kept.close_window();
    }
    kept.wait_until_idle();
}

fn is_running(pid: Pid, program: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == program)
}

const CLIENT: Kill = Kill {
    victim: Victim::Client,
    client: &[137],
    ends: &["ended: the connection to alice was lost", "from "],
};

#[test]
fn in_the_console() {
    let open = || Desk::open(&mut talk(&[&SERVER[..], &["--window", "console"]].concat()));
    let server = Kill { victim: Victim::Server, client: &[0, 1], ends: &[] };
    let handler = Kill {
        victim: Victim::Process(1, "talk"),
        client: &[1],
        ends: &["ended: its handler was killed by SIGKILL", "from "],
    };
    kill_in_turn(open, &[CLIENT, server, handler]);
}

#[test]
fn in_xterms() {
    let display = Display::open();
    let open = || {
        let mut server = talk(&[&SERVER[..], &["--window", installed("xterm")]].concat());
        Desk::open(server.env("DISPLAY", &display.name))
    };
    let server = Kill { victim: Victim::Server, client: &[0], ends: &[] };
    let window = Kill {
        victim: Victim::Process(1, "xterm"),
        client: &[0, 1],
        ends: &[
            "ended: its window was killed by SIGKILL",
            "ended: alice left",
            "ended: said goodbye to alice",
            "ended: cannot show what alice says",
            "ended: no window: it was killed by SIGKILL",
        ],
    };
    let handler = Kill {
        victim: Victim::Process(2, "talk"),
        client: &[1],
        ends: &["ended: its handler was killed", "ended: no window: it exited with status 0"],
    };
    kill_in_turn(open, &[CLIENT, server, window, handler]);
}

#[test]
fn in_windows_that_collect_their_call() {
    let display = Display::open();
    // A helper that is killed cannot take back what it offers.
    let offers = TempDir::new().unwrap();
    let open = || {
        let window = format!("{} -e", installed("xterm"));
        let mut server = talk(&[&SERVER[..], &["--window", &window]].concat());
        Desk::open(server.env("DISPLAY", &display.name).env("XDG_RUNTIME_DIR", offers.path()))
    };
    let server = Kill { victim: Victim::Server, client: &[0], ends: &[] };
    // A conversation that has begun goes on without it.
    let helper = Kill {
        victim: Victim::Process(1, "talk"),
        client: &[0, 1],
        ends: &[
            "ended: its helper was killed by SIGKILL",
            "ended: alice left",
            "ended: no window",
            "from ",
        ],
    };
    let window = Kill {
        victim: Victim::Process(2, "xterm"),
        client: &[0, 1],
        ends: &[
            "ended: alice left",
            "ended: said goodbye to alice",
            "ended: cannot show what alice says",
            "ended: no window",
        ],
    };
    let handler = Kill {
        victim: Victim::Process(3, "talk"),
        client: &[1],
        ends: &["ended: its handler was killed", "ended: no window"],
    };
    kill_in_turn(open, &[CLIENT, server, helper, window, handler]);
}

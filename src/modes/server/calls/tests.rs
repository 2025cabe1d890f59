//! The table of calls on virtual time: each stage, each report, and every order of both.
//!
//! The invariant under test: a call that was checked in ends in exactly one line of the log.

use proptest::prelude::*;

use crate::protocol::events::{End, Role};
use crate::session::outcome::{Ended, How};
use crate::window::Window;

use super::*;

/// A table on virtual time, and what it has asked for.
struct Table {
    calls: Calls,
    now: Instant,
    actions: Vec<Action>,
}

const FROM: &str = "192.0.2.7:51234";

impl Table {
    fn of(window: &Window) -> Self {
        let calls = Calls::new(window.profile());
        Self { calls, now: Instant::now(), actions: Vec::new() }
    }

    /// A table with call 1, whose process is 1001.
    fn with_call(window: &Window) -> Self {
        let mut table = Self::of(window);
        assert_eq!(table.calls.next_number(), 1);
        table.calls.begin(1, pid(1), FROM.parse().unwrap());
        table
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.calls.on_time(self.now);
    }

    fn report(&mut self, report: Report) {
        self.calls.on_report(1, report, self.now);
    }

    fn exit(&mut self, exit: Exit) {
        self.calls.on_exit(pid(1), exit, self.now);
    }

    /// What has been asked for since the last time, in words.
    fn words(&mut self) -> Vec<String> {
        let new: Vec<_> = std::iter::from_fn(|| self.calls.poll_action()).collect();
        let words = new.iter().map(|action| match action {
            Action::Log(line) => line.clone(),
            Action::LogRejected(line) => format!("rejected: {line}"),
            Action::Show { call, .. } => format!("show {call}"),
            Action::Hide(call) => format!("hide {call}"),
            Action::Terminate(pid) => format!("terminate {pid}"),
            Action::Release(call) => format!("release {call}"),
        });
        let words = words.collect();
        self.actions.extend(new);
        words
    }
}

fn pid(call: u32) -> Pid {
    Pid::from_raw(1000 + call as i32)
}

fn hello() -> Report {
    Report::Hello(Name::from_wire(b"alice").unwrap())
}

fn ended(end: End) -> Report {
    Report::Ended(Ended {
        how: How::Over(end),
        role: Role::Handler,
        peer: Name::from_wire(b"alice"),
        peer_left: Some((*b"back at two").into()),
        asked: false,
        hurried: false,
        unfinished: false,
        confirmed: 0,
        unconfirmed: 0,
    })
}

const KILLED: Exit = Exit::Signal(nix::sys::signal::Signal::SIGKILL);

#[test]
fn a_call_in_a_window_from_beginning_to_end() {
    let mut table = Table::with_call(&Window::Xterm);
    table.report(hello());
    table.report(Report::Open);
    table.report(ended(End::Done));
    assert_eq!(
        table.words(),
        [
            "call 1 from 192.0.2.7:51234 (alice)",
            "call 1 window open",
            "call 1 ended: alice left: back at two",
        ]
    );
    // Somebody reads the last lines for as long as they like.
    table.pass(3600);
    assert_eq!((table.words(), table.calls.deadline()), (vec![], None));
    table.exit(Exit::Status(0));
    assert_eq!(table.words(), ["release 1"]);
}

#[test]
fn in_the_console_a_call_is_shown_from_hello_to_its_end() {
    let mut table = Table::with_call(&Window::Console);
    assert!(!table.calls.is_shown(1));
    table.report(hello());
    assert_eq!(table.words(), ["call 1 from 192.0.2.7:51234 (alice)", "show 1"]);
    // Nothing has to open within some time, however long nobody reads the screen.
    assert_eq!(table.calls.deadline(), None);
    table.report(Report::Open);
    assert!(table.calls.is_shown(1));
    table.exit(KILLED);
    // What the handler has shown is still being read.
    table.pass(3600);
    assert_eq!(table.words(), ["call 1 window open"]);
    assert!(table.calls.is_shown(1));
    table.calls.on_link_end(1);
    assert_eq!(
        table.words(),
        ["hide 1", "call 1 ended: its handler was killed by SIGKILL", "release 1"]
    );
}

#[test]
fn what_a_process_reported_before_its_end_counts_though_it_is_read_later() {
    for late in [Report::Dropped("no HELLO".into()), hello()] {
        let mut table = Table::with_call(&Window::Tmux);
        table.exit(Exit::Status(1));
        assert_eq!(table.words(), [""; 0]);
        table.report(late);
        table.report(Report::NoWindow("tmux refuses".into()));
        table.calls.on_link_end(1);
        let words = table.words();
        assert!(
            words == ["rejected: call 1 from 192.0.2.7:51234 dropped: no HELLO", "release 1"]
                || words[1..] == ["call 1 ended: no window: tmux refuses", "release 1"],
            "{words:?}"
        );
    }
}

#[test]
fn a_window_that_does_not_open_is_given_up_once() {
    let mut table = Table::with_call(&Window::Xterm);
    table.pass(3600);
    assert_eq!(table.calls.deadline(), None, "the helper has its own limit for the check-in");
    table.report(hello());
    table.words();
    table.pass(59);
    assert_eq!(table.words(), [""; 0]);
    table.pass(1);
    let words = table.words();
    assert!(words[0].starts_with("call 1 ended: no window: none was open after 60 s"), "{words:?}");
    assert_eq!(words[1..], ["terminate 1001"]);
    // The window that opens just now has missed its time.
    table.report(Report::Open);
    table.report(ended(End::NotConfirmed));
    table.exit(Exit::Signal(nix::sys::signal::Signal::SIGTERM));
    assert_eq!(table.words(), ["release 1"]);
}

#[test]
fn a_window_that_is_gone_leaves_the_last_word_to_its_handler() {
    for (says, end) in [
        (true, "call 1 ended: the connection to alice was lost: x"),
        (false, "call 1 ended: its window exited with status 84"),
    ] {
        let mut table = Table::with_call(&Window::Xterm);
        table.report(hello());
        table.report(Report::Open);
        table.exit(Exit::Status(84));
        table.pass(10);
        assert_eq!(table.words().len(), 2);
        if says {
            table.report(ended(End::Lost("x".into())));
        } else {
            table.pass(1);
        }
        assert_eq!(table.words(), [end, "release 1"]);
        assert_eq!(table.calls.deadline(), None);
    }
}

#[test]
fn the_process_of_a_call_is_named_only_while_it_runs() {
    let mut table = Table::with_call(&Window::Xterm);
    assert_eq!(table.calls.process(1), Some(pid(1)));
    table.exit(KILLED);
    assert_eq!((table.calls.process(1), table.calls.process(2)), (None, None));
}

#[test]
fn no_report_can_write_the_log() {
    for report in [Report::Dropped("x\ncall 2 ended: \u{1b}[2J".into()), {
        let mut evil = ended(End::Lost("\u{1b}[2J\ncall 2".into()));
        if let Report::Ended(ended) = &mut evil {
            ended.peer = Name::from_wire(b"x\ncall 9 \x1b[2J");
        }
        evil
    }] {
        let mut table = Table::with_call(&Window::Xterm);
        if matches!(report, Report::Ended(_)) {
            table.report(Report::Hello(Name::from_wire(b"a\nb").unwrap()));
        }
        table.report(report);
        for line in table.words() {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

/// Something that happens to one of three calls.
#[derive(Debug, Clone)]
enum Step {
    Report(u32, Report),
    Exit(u32, Exit),
    LinkEnd(u32),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let report = prop_oneof![
        Just(hello()),
        Just(Report::Dropped("why".into())),
        Just(Report::NoWindow("why".into())),
        Just(Report::Open),
        Just(ended(End::Done)),
        Just(ended(End::NotConfirmed)),
    ];
    let exit = prop_oneof![Just(Exit::Status(0)), Just(Exit::Status(84)), Just(KILLED)];
    prop_oneof![
        4 => (1u32..4, report).prop_map(|(call, report)| Step::Report(call, report)),
        1 => (1u32..4, exit).prop_map(|(call, exit)| Step::Exit(call, exit)),
        1 => (1u32..4).prop_map(Step::LinkEnd),
        1 => (0u64..70).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever comes in whatever order: a call that was checked in has one line about its end, any
    /// other has one that counts as rejected; each is released once, after that and only when its
    /// process has ended; the console shows and hides it once each.
    #[test]
    fn every_call_ends_exactly_once(
        steps in proptest::collection::vec(step(), 0..60),
        window in prop_oneof![Just(Window::Xterm), Just(Window::Tmux), Just(Window::Console)],
    ) {
        let mut table = Table::of(&window);
        for call in 1..4 {
            table.calls.begin(call, pid(call), FROM.parse().unwrap());
        }
        // In the end every process is gone, and with it the links.
        let ends = (1..4).flat_map(|call| [Step::Exit(call, KILLED), Step::LinkEnd(call)]);
        let mut exited = [false; 4];
        for step in steps.into_iter().chain(ends) {
            match step {
                Step::Report(call, report) => table.calls.on_report(call, report, table.now),
                Step::Exit(call, exit) => {
                    table.calls.on_exit(pid(call), exit, table.now);
                    exited[call as usize] = true;
                }
                Step::LinkEnd(call) => table.calls.on_link_end(call),
                Step::Pass(seconds) => table.pass(seconds),
            }
            for word in table.words() {
                if let Some(call) = word.strip_prefix("release ") {
                    prop_assert!(exited[call.parse::<usize>().unwrap()], "{word} too early");
                }
            }
        }
        prop_assert!(table.calls.calls.is_empty() && table.calls.deadline().is_none());
        for call in 1..4 {
            let line = |action: &Action, event: &str| match action {
                Action::Log(line) | Action::LogRejected(line) => {
                    line.starts_with(&format!("call {call} {event}"))
                }
                _ => false,
            };
            let logged = |action: &Action| matches!(action, Action::Log(_));
            let shows =
                |action: &Action| matches!(*action, Action::Show { call: of, .. } if of == call);
            let releases = |action: &Action| matches!(*action, Action::Release(of) if of == call);
            let count = |what: &dyn Fn(&Action) -> bool| {
                table.actions.iter().filter(|action| what(action)).count()
            };
            let checked_in = count(&|action| logged(action) && line(action, "from "));
            let ended = count(&|action| logged(action) && line(action, "ended: "));
            let rejected = count(&|action| !logged(action) && line(action, ""));
            prop_assert!(checked_in <= 1);
            prop_assert_eq!((ended, rejected), (checked_in, 1 - checked_in));
            prop_assert_eq!(count(&releases), 1);
            let shown = if window == Window::Console { checked_in } else { 0 };
            prop_assert_eq!(count(&shows), shown);
            prop_assert_eq!(count(&|action| *action == Action::Hide(call)), shown);
            let last = |what: &dyn Fn(&Action) -> bool| table.actions.iter().rposition(what);
            prop_assert!(last(&releases) > last(&|action| line(action, "")));
        }
    }
}

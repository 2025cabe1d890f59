//! The console on virtual time, asked as a person asks it, on a surface that a test reads.

mod bounds;
mod floods;
mod pictures;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::terminal::editor::Prompt;
use crate::terminal::fake::{Fake, Seen};
use crate::terminal::output::Outputs;

const CLOCK: Clock = Clock::of(14, 5);

/// A console, what is seen of it, and its time.
struct Person {
    console: Console,
    seen: Rc<RefCell<Seen>>,
    now: Rc<Cell<Instant>>,
}

/// A console on this surface, and its time.
fn console(surface: Box<dyn Surface>) -> (Console, Rc<Cell<Instant>>) {
    let now = Rc::new(Cell::new(Instant::now()));
    let time = Rc::clone(&now);
    let time = Box::new(move || (time.get(), CLOCK));
    (Console { time, ..Console::on(surface, false) }, now)
}

impl Person {
    /// Without an editor, so that heads have no time.
    fn new() -> Self {
        Self::at(Fake::new(false))
    }

    fn at(fake: Fake) -> Self {
        let seen = Rc::clone(&fake.seen);
        let (console, now) = console(Box::new(fake));
        Self { console, seen, now }
    }

    /// That the first call becomes the current one is left out of what was shown.
    fn called_by(&mut self, call: u32, name: &str) -> &mut Self {
        let from = format!("192.0.2.{call}:51234").parse().unwrap();
        let before = self.seen.borrow().entries.len();
        self.console.begin(call, name.as_bytes(), from);
        self.seen.borrow_mut().entries.truncate(before);
        self
    }

    fn later(&mut self, seconds: u64) -> &mut Self {
        self.now.set(self.now.get() + Duration::from_secs(seconds));
        self
    }

    fn shown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().entries)
    }

    /// Types a line; what is to be said, is.
    fn types(&mut self, line: &str) -> Vec<Order> {
        self.console.typed(format!("{line}\n").as_bytes());
        let orders: Vec<Order> = std::iter::from_fn(|| self.console.order()).collect();
        for order in &orders {
            if let Order::Say { calls, text } = order {
                calls.iter().for_each(|&call| self.console.said(call, text));
            }
        }
        orders
    }

    /// Types a line and returns the entries that it makes.
    fn says(&mut self, line: &str) -> Vec<String> {
        self.types(line);
        self.shown()
    }

    #[track_caller]
    fn is_refused(&mut self, line: &str, why: &str) -> &mut Self {
        assert_eq!(self.types(line), []);
        assert_eq!(std::mem::take(&mut self.seen.borrow_mut().refused), [why], "{line}");
        self
    }

    /// Hears lines, the last one without its end unless it is empty.
    fn hears(&mut self, call: u32, text: &str) -> Vec<String> {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let complete = lines.peek().is_some();
            if complete || !line.is_empty() {
                self.console.hear(call, line.as_bytes(), complete);
            }
        }
        self.shown()
    }

    /// The partial line, the status, and whom the line goes to.
    fn live(&mut self) -> [String; 3] {
        self.console.paint();
        self.seen.borrow().live.clone()
    }

    fn status(&mut self) -> String {
        self.live()[1].clone()
    }

    fn prompt(&mut self) -> String {
        self.live()[2].clone()
    }
}

#[test]
fn the_first_call_is_current_and_no_other_takes_its_place() {
    let mut person = Person::new();
    assert_eq!(person.live(), ["", "-- no calls --", ""]);
    person.console.begin(1, b"alice", "192.0.2.1:51234".parse().unwrap());
    assert_eq!(person.shown(), ["-- [1 alice] is the current call"]);
    person.called_by(2, "bob");
    assert_eq!(person.prompt(), "1 alice");
    assert_eq!(person.says("hello"), ["> [1 alice] hello"]);
    assert_eq!(person.says("/2"), ["-- [2 bob] is the current call"]);
    assert_eq!(person.prompt(), "2 bob");
    assert_eq!(person.says("and you"), ["> [2 bob] and you"]);
}

#[test]
fn what_was_meant_for_somebody_who_has_left_goes_to_nobody() {
    let mut person = Person::new();
    person.called_by(1, "alice");
    person.called_by(2, "bob");
    person.console.end(1);
    let nobody = "no call is current; /2 turns to call 2, /who lists them";
    assert_eq!(person.shown(), [format!("-- {nobody}")]);
    person.is_refused("for alice", nobody);
    person.console.end(2);
    assert_eq!(person.shown(), [""; 0]);
    person.console.begin(3, b"eve", "192.0.2.3:51234".parse().unwrap());
    assert_eq!((person.prompt(), person.shown()), (String::new(), vec![]));
    person.is_refused("for bob", "no call is current; /3 turns to call 3, /who lists them");
}

#[test]
fn what_was_typed_before_the_first_call_goes_to_nobody() {
    let mut person = Person::new();
    person.console.typed(b"is anybody");
    person.called_by(1, "alice").called_by(2, "bob");
    assert_eq!(person.prompt(), "");
    person.is_refused(" here", "no call is current; /1 turns to call 1, /who lists them");
}

#[test]
fn one_line_goes_where_it_is_told_to_and_the_next_one_where_it_went_before() {
    let mut person = Person::new();
    person.called_by(1, "alice").called_by(2, "bob").called_by(7, "eve");
    assert_eq!(person.says("/2 one line"), ["> [2 bob] one line"]);
    assert_eq!(person.says("//2 one line"), ["> [1 alice] /2 one line"]);
    assert_eq!(
        person.says("/all closing"),
        ["> [1 alice] closing", "> [2 bob] closing", "> [7 eve] closing"]
    );
    assert_eq!(person.types("/hangup 7"), [Order::HangUp(7)]);
    assert_eq!(person.types("/quit"), [Order::Quit]);
    assert_eq!(person.says("/help")[0], format!("-- {}", command::CONSOLE_HELP[0]));
}

#[test]
fn a_person_ends_conversations_only_by_asking_twice() {
    let mut person = Person::new();
    person.console.person = true;
    assert_eq!(person.types("/quit"), [Order::Quit]);
    assert!(person.console.interrupt());
    person.called_by(1, "alice").later(60);
    assert_eq!(person.types("/quit"), []);
    assert_eq!(person.shown(), ["-- repeat within 10 s to end the desk and 1 call"]);
    assert!(!person.later(10).console.interrupt(), "that is too late");
    person.says("wait");
    assert_eq!(person.types("/quit"), [], "something else was typed between");
    assert!(person.later(9).console.interrupt());
    assert!(person.console.interrupt(), "once more does not wait for goodbyes");
    person.called_by(2, "bob").later(10).shown();
    assert!(!person.console.interrupt());
    assert_eq!(person.shown(), ["-- repeat within 10 s to end the desk and 2 calls"]);
    person.console.person = false;
    assert_eq!(person.later(60).types("/quit"), [Order::Quit]);
}

#[test]
fn an_interrupt_clears_the_line_first() {
    let prompt = Prompt::new(80, 24, false, false);
    let guard = TerminalGuard::around(prompt, Outputs::nowhere());
    let (mut console, _) = console(Box::new(guard));
    console.typed(b"half a line");
    assert_eq!(console.order(), None);
    assert!(!console.interrupt());
    assert_eq!(console.surface.typed_ahead(), 0);
    assert!(console.interrupt());
    console.typed(b"\x19");
    assert_eq!(console.order(), None);
    assert_eq!(console.surface.typed_ahead(), "half a line".len());
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut person = Person::new();
    person.is_refused("hello", "no callers");
    person.is_refused("/all hello", "no callers");
    person.called_by(1, "alice");
    for line in ["/2", "/2 hello", "/hangup 2"] {
        person.is_refused(line, "there is no call 2; /who lists them");
    }
    person.is_refused("/nonsense", command::UNKNOWN);
    person.is_refused("^D", NOT_BY_KEY);
}

#[test]
fn what_was_not_read_is_counted_until_one_turns_or_speaks_to_the_caller() {
    let mut person = Person::new();
    person.called_by(1, "alice").later(90).called_by(2, "bob").called_by(3, "eve");
    person.hears(1, "read at once\n");
    person.hears(2, "one\ntwo\nthr");
    person.hears(3, "one\n");
    assert_eq!(person.status(), "-- 3 calls; unread: 3 eve (1), 2 bob (2) --");
    assert_eq!(
        person.later(7200).says("/who"),
        [
            "-- [1 alice] from 192.0.2.1:51234, 2 h 1 min, 0 unread, current",
            "-- [2 bob] from 192.0.2.2:51234, 2 h 0 min, 2 unread",
            "-- [3 eve] from 192.0.2.3:51234, 2 h 0 min, 1 unread",
        ]
    );
    person.says("/3 yes?");
    assert_eq!(person.status(), "-- 3 calls; unread: 2 bob (2) --");
    person.says("/2");
    assert_eq!(person.live(), ["[2 bob] thr", "-- 3 calls --", "2 bob"]);
    assert_eq!(person.hears(2, "ee\n"), ["[2 bob] three"]);
    person.console.end(2);
    assert_eq!(person.status(), "-- 2 calls --");
}

#[test]
fn the_newest_of_many_unread_callers_are_named() {
    let mut person = Person::new();
    for call in 1..=9 {
        person.called_by(call, "a name of some length").hears(call, "hello\n");
    }
    person.hears(3, "hello?\n");
    let [three, nine, eight] = [(3, 2), (9, 1), (8, 1)]
        .map(|(call, unread)| format!("{call} a name of some l… ({unread})"));
    assert_eq!(
        person.status(),
        format!("-- 9 calls; unread: {three}, {nine}, {eight}, +5 more --")
    );
}

#[test]
fn ages_are_said_roughly() {
    for (seconds, age) in
        [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (90_000, "25 h 0 min")]
    {
        let mut person = Person::new();
        let list = person.called_by(1, "alice").later(seconds).says("/who");
        assert_eq!(list, [format!("-- [1 alice] from 192.0.2.1:51234, {age}, 0 unread, current")]);
    }
}

#[test]
fn a_last_line_is_shown_whatever_becomes_of_its_caller() {
    let mut person = Person::new();
    person.called_by(1, "alice").hears(1, "so far");
    person.console.end(1);
    assert_eq!(person.shown(), ["[1 alice] so far"]);
    person.called_by(2, "bob").hears(2, "I have to");
    person.console.left(2, b"gone\tfor lunch\x1B");
    assert_eq!(person.shown(), ["[2 bob] I have to", "-- [2 bob] left: gone^Ifor lunch^["]);
    person.console.end(2);
    assert_eq!(person.shown(), [""; 0]);
}

#[test]
fn what_a_call_does_is_said_with_its_name() {
    let mut person = Person::new();
    person.called_by(1, "alice");
    person.console.reads(1, false);
    person.console.reads(1, true);
    person.console.notice_of(1, "something happened");
    person.console.unsaid(1, "is hanging up");
    person.console.left(1, b"");
    assert_eq!(
        person.shown(),
        [
            "-- [1 alice] is not reading; what you say waits",
            "-- [1 alice] is reading again",
            "-- [1 alice] something happened",
            "-- [1 alice] is hanging up; line not sent",
        ]
    );
}

#[test]
fn a_long_line_says_where_it_goes_on() {
    let mut person = Person::new();
    person.called_by(1, "alice");
    let shown = person.hears(1, &("€".repeat(6000) + &"€".repeat(10) + "\nnext\n"));
    assert_eq!(shown.len(), 1, "a line that comes whole is one entry");
    person.later(60);
    person.console.hear(1, "€".repeat(6000).as_bytes(), false);
    person.later(60).console.hear(1, b"end", true);
    let shown = person.shown();
    assert!(shown[0].starts_with("[1 alice] €") && shown[1] == "[1 alice, continued] end");
}

#[test]
fn only_the_program_writes_what_stands_before_a_text() {
    let mut person = Person::new();
    person.called_by(1, "x] hi\n> [2 bob\u{1b}[2J\u{202e}");
    let name = "x<5D> hi^J> <5B>2 bob^<5B><5B>2J<U+202E>";
    assert_eq!(
        person.hears(1, "\r\x1b[K> [2 bob] forged\x07\u{9b}\n"),
        [format!("[1 {name}] ^M^[[K> [2 bob] forged^G<U+009B>")]
    );
    assert_eq!(person.prompt(), "1 x] hi^J> [2 bob^[[2J<U+202E>");
    assert_eq!(person.says("a\tb\x07"), [format!("> [1 {name}] a\tb^G")]);
    person.console.log("call 1 ended:\n\x1B");
    assert_eq!(person.shown(), ["call 1 ended:^J^["]);
}

#[test]
fn nobody_speaks_before_or_after_a_call() {
    let mut person = Person::new();
    assert_eq!(person.hears(4, "hello\n"), [""; 0]);
    person.console.end(4);
    person.console.left(4, b"");
    assert_eq!(person.shown(), [""; 0]);
    person.console.unsaid(4, "is hanging up");
    assert_eq!(person.shown(), ["-- [4] is hanging up; line not sent"]);
}

#[test]
fn a_call_rings_and_a_line_when_that_is_asked_for() {
    let mut person = Person::new();
    person.called_by(1, "alice").hears(1, "hello\n");
    assert_eq!(person.seen.borrow().rings, 1);
    person.console.rings_for_lines = true;
    person.hears(1, "part");
    assert_eq!(person.seen.borrow().rings, 1);
    person.hears(1, "of a line\n");
    assert_eq!(person.seen.borrow().rings, 2);
}

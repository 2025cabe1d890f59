//! The roster, asked as a person asks it.

use super::*;

/// A roster, its time, and whether the next line is being typed.
struct Person {
    roster: Roster,
    now: Instant,
    idle: bool,
}

impl Person {
    fn new() -> Self {
        Self { roster: Roster::default(), now: Instant::now(), idle: true }
    }

    fn called_by(&mut self, call: u32, name: &str) -> &mut Self {
        let from = format!("192.0.2.{call}:51234").parse().unwrap();
        self.roster.begin(call, name.as_bytes(), from, self.idle, self.now);
        self
    }

    fn later(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn answer(&mut self, line: &str) -> Result<Answer, String> {
        self.roster.answer(line.as_bytes(), self.now)
    }

    /// Types a line that is said, and returns the rows that show it.
    #[track_caller]
    fn says(&mut self, line: &str) -> Vec<String> {
        let Ok(Answer::Order(Order::Say { calls, text })) = self.answer(line) else {
            panic!("{line} is not said");
        };
        calls.iter().flat_map(|&call| shown(&self.roster.said(call, &text))).collect()
    }

    #[track_caller]
    fn shows(&mut self, line: &str) -> Vec<String> {
        let Ok(Answer::Show(lines)) = self.answer(line) else { panic!("{line} shows nothing") };
        lines
    }

    #[track_caller]
    fn is_refused(&mut self, line: &str, why: &str) -> &mut Self {
        assert_eq!(self.answer(line), Err(why.into()), "{line}");
        self
    }

    fn hears(&mut self, call: u32, text: impl AsRef<[u8]>) -> Vec<String> {
        shown(&self.roster.hear(call, text.as_ref()))
    }
}

fn shown(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| format!("{}{}", row.head, row.text)).collect()
}

#[test]
fn the_first_call_is_current_and_no_other_takes_its_place() {
    let mut person = Person::new();
    assert_eq!(
        (person.roster.prompt(), person.roster.status()),
        ("".into(), "-- no calls --".into())
    );
    person.called_by(1, "alice").called_by(2, "bob");
    assert_eq!(person.roster.prompt(), "1 alice");
    assert_eq!(person.says("hello"), ["> [1 alice] hello"]);
    assert_eq!(person.shows("/2"), ["[2 bob] is the current call"]);
    assert_eq!(person.roster.prompt(), "2 bob");
    assert_eq!(person.says("and you"), ["> [2 bob] and you"]);
}

#[test]
fn what_was_meant_for_somebody_who_has_left_goes_to_nobody() {
    let mut person = Person::new();
    person.called_by(1, "alice");
    person.idle = false;
    assert_eq!(person.roster.end(1), None);
    person.called_by(2, "bob");
    assert_eq!(person.roster.prompt(), "");
    person.is_refused("x", "no call is current; /2 turns to call 2, /who lists them");
    person.idle = true;
    person.called_by(3, "eve");
    assert_eq!(person.roster.prompt(), "3 eve");
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
    assert_eq!(
        person.says("first\n/2\nthird"),
        ["first", "/2", "third"].map(|line| format!("> [1 alice] {line}"))
    );
    assert_eq!(person.answer("/hangup 7"), Ok(Answer::Order(Order::HangUp(7))));
    assert_eq!(person.answer("/quit"), Ok(Answer::Order(Order::Quit)));
    assert_eq!(person.answer("/help"), Ok(Answer::Help(&command::HELP)));
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut person = Person::new();
    person.is_refused("hello", "nobody is here to hear it");
    person.is_refused("/all hello", "nobody is here to hear it");
    person.called_by(1, "alice");
    for line in ["/2", "/2 hello", "/hangup 2"] {
        person.is_refused(line, "there is no call 2; /who lists them");
    }
    person.is_refused("/nonsense", command::UNKNOWN);
}

#[test]
fn what_was_not_read_is_counted_until_one_turns_or_speaks_to_the_caller() {
    let mut person = Person::new();
    person.called_by(1, "alice").later(90).called_by(2, "bob").called_by(3, "eve");
    person.hears(1, "read at once\n");
    person.hears(2, "one\ntwo\nthr");
    person.hears(3, "one\n");
    assert_eq!(person.roster.status(), "-- 3 calls; unread: 2 bob (2), 3 eve (1) --");
    assert_eq!(
        person.later(7200).shows("/who"),
        [
            "[1 alice] from 192.0.2.1:51234, 2 h 1 min, 0 unread, current",
            "[2 bob] from 192.0.2.2:51234, 2 h 0 min, 2 unread",
            "[3 eve] from 192.0.2.3:51234, 2 h 0 min, 1 unread",
        ]
    );
    person.says("/3 yes?");
    assert_eq!(person.roster.status(), "-- 3 calls; unread: 2 bob (2) --");
    person.shows("/2");
    assert_eq!(person.roster.status(), "-- 3 calls --");
    assert_eq!(person.hears(2, "ee\n"), ["[2 bob] three"]);
    person.roster.end(2);
    assert_eq!(person.roster.status(), "-- 2 calls --");
}

#[test]
fn ages_are_said_roughly() {
    let ages = [0, 59, 60, 3599, 3600, 90_000].map(|seconds| age(Duration::from_secs(seconds)));
    assert_eq!(ages, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "25 h 0 min"]);
}

#[test]
fn lines_come_out_whole_wherever_they_are_cut() {
    let text = "one\n\ntwo € 漢\nlast".as_bytes();
    let whole = ["[1 alice] one", "[1 alice] ", "[1 alice] two € 漢", "[1 alice] last"];
    for cut in 0..=text.len() {
        let mut person = Person::new();
        person.called_by(1, "alice");
        let mut rows = person.hears(1, &text[..cut]);
        rows.extend(person.hears(1, &text[cut..]));
        rows.extend(person.roster.end(1).map(|row| row.head + &row.text));
        assert_eq!(rows, whole, "cut at {cut}");
    }
}

#[test]
fn a_line_without_an_end_is_shown_in_parts_and_costs_little() {
    let mut person = Person::new();
    person.called_by(1, "alice");
    let mut rows = Vec::new();
    for _ in 0..10 {
        rows.extend(person.hears(1, "€".repeat(2000)));
        assert!(person.roster.callers[&1].partial.len() <= PARTIAL_LIMIT);
    }
    rows.extend(person.hears(1, "end\nnext\n"));
    assert!(rows[0].starts_with("[1 alice] €"));
    assert!(rows[1].starts_with("[1 alice, continued] €"));
    assert_eq!(rows.last().unwrap(), "[1 alice] next");
    assert_eq!(rows.concat().matches('€').count(), 20_000);
    assert_eq!(person.hears(1, "more"), [""; 0]);
    assert_eq!(person.roster.partial().unwrap().text, "more");
}

#[test]
fn only_the_program_writes_what_stands_before_a_text() {
    let mut person = Person::new();
    person.called_by(1, "x] hi\n> [2 bob\u{1b}[2J\u{202e}");
    let name = "x] hi^J> [2 bob^[[2J<U+202E>";
    assert_eq!(
        person.hears(1, b"\r\x1b[K> [2 bob] forged\x07\x9b\n"),
        [format!("[1 {name}] ^M^[[K> [2 bob] forged^G<9B>")]
    );
    assert_eq!(person.roster.prompt(), format!("1 {name}"));
    assert_eq!(person.says("a\tb\x07"), [format!("> [1 {name}] a\tb^G")]);
}

#[test]
fn nobody_speaks_before_or_after_a_call() {
    let mut person = Person::new();
    assert_eq!(person.hears(4, "hello\n"), [""; 0]);
    assert_eq!(person.roster.end(4), None);
    assert!(person.roster.said(4, b"hello\n").is_empty());
}

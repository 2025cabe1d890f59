//! A caller who floods a screen hides nobody else, and nothing of it is lost without a word.

use super::*;

/// Hears so many numbered lines; returns how many entries they make.
fn flood(person: &mut Person, call: u32, lines: usize) -> usize {
    (1..=lines).map(|line| person.hears(call, &format!("line {line}\n")).len()).sum()
}

#[test]
fn a_flood_is_held_back_and_counted_once_it_pauses() {
    let mut person = Person::new();
    person.called_by(1, "alice").called_by(31, "eve");
    assert_eq!(flood(&mut person, 31, 1000), 20);
    assert_eq!(person.hears(1, "and me?\n"), ["[1 alice] and me?"]);
    let due = person.console.deadline().unwrap() - person.now.get();
    assert!(due > Duration::from_secs(1) && due < Duration::from_secs(3), "{due:?}");
    person.console.keep_time();
    assert_eq!(person.shown(), [""; 0]);
    person.later(3).console.keep_time();
    assert_eq!(person.shown(), ["-- [31 eve] … 980 more lines; /31 shows the last of them"]);
    assert_eq!(person.console.deadline(), None);
    assert_eq!(person.hears(31, "sorry\n"), ["[31 eve] sorry"]);
    let shown = person.says("/31");
    assert_eq!(shown[0], "-- [31 eve] 70 earlier lines were not kept");
    assert_eq!(shown[1], "[31 eve] line 91");
    assert_eq!(shown[shown.len() - 2..], ["[31 eve] line 1000", "-- [31 eve] is the current call"]);
    assert_eq!(person.says("/31"), ["-- [31 eve] is the current call"]);
}

#[test]
fn nothing_of_a_flood_is_shown_while_it_goes_on_but_its_count() {
    let mut person = Person::new();
    person.called_by(1, "eve");
    assert_eq!(flood(&mut person, 1, 100), 20);
    let mut said = Vec::new();
    for _ in 0..=100 {
        person.now.set(person.now.get() + Duration::from_millis(200));
        assert_eq!(flood(&mut person, 1, 10), 0);
        person.console.keep_time();
        said.extend(person.shown());
    }
    assert_eq!(
        said,
        [580, 510]
            .map(|count| format!("-- [1 eve] … {count} more lines; /1 shows the last of them"))
    );
}

#[test]
fn a_long_line_is_shown_whole_and_counts_as_its_rows() {
    let mut person = Person::new();
    person.called_by(1, "eve");
    assert_eq!(person.hears(1, &("x".repeat(16_000) + "\n")).len(), 1);
    assert_eq!(person.later(8).hears(1, "x\n").len(), 0);
    assert_eq!(person.later(5).hears(1, "x\n").len(), 1);
}

#[test]
fn what_was_held_back_outlives_the_call() {
    let mut person = Person::new();
    person.called_by(1, "alice").called_by(2, "builder");
    flood(&mut person, 2, 30);
    person.console.end(2);
    assert_eq!(person.shown(), ["-- [2 builder] … 10 more lines; /2 shows the last of them"]);
    let shown = person.says("/2");
    assert_eq!((shown.len(), shown[10].as_str()), (11, "-- [2 builder] is over"));
    assert_eq!((shown[9].as_str(), person.prompt().as_str()), ("[2 builder] line 30", "1 alice"));
    assert_eq!(person.says("/2"), ["-- [2 builder] is over"]);
    person.is_refused("/2 hello", "there is no call 2; /who lists them");
}

#[test]
fn of_a_muted_call_only_the_count_is_shown() {
    let mut person = Person::new();
    person.called_by(1, "alice").called_by(2, "eve");
    assert_eq!(person.says("/mute 2"), ["-- [2 eve] is muted; /mute 2 shows its lines again"]);
    assert_eq!(person.hears(2, "one\ntwo\n"), [""; 0]);
    assert_eq!(person.console.deadline(), None);
    assert_eq!(person.status(), "-- 2 calls; unread: 2 eve (2) --");
    assert!(person.says("/who")[1].ends_with(", 2 unread, muted"));
    assert_eq!(person.says("/mute 2"), ["-- [2 eve] is not muted any more"]);
    person.later(10).console.keep_time();
    assert_eq!(person.shown(), ["-- [2 eve] … 2 more lines; /2 shows the last of them"]);
    assert_eq!(person.hears(2, "three\n"), ["[2 eve] three"]);
    person.is_refused("/mute 3", "there is no call 3; /who lists them");
}

#[test]
fn over_pipes_nothing_is_held_back() {
    let (mut console, _) = console(Box::new(Plain::new(Outputs::nowhere(), None)));
    console.begin(1, b"eve", "192.0.2.1:51234".parse().unwrap());
    (0..1000).for_each(|_| console.hear(1, b"a line", true));
    let shown = console.surface.outputs_mut().screen.drain();
    assert_eq!(shown.iter().filter(|&&byte| byte == b'\n').count(), 1001);
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut person = Person::new();
    for call in 1..=40 {
        person.called_by(call, "eve");
        for _ in 0..100 {
            person.hears(call, &("x".repeat(15_000) + "\n"));
        }
        person.console.end(call);
    }
    person.shown();
    assert_eq!(person.says("/40").len(), 6, "four lines of the last 64 KB");
    person.is_refused("/24", "there is no call 24; /who lists them");
}

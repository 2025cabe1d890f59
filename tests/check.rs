//! The conformance tester: it finds nothing wrong with this program, and each thing that is wrong
//! with another.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use crate::support::check::{check_client, listening};
use crate::support::peer::{Bug, Peer};
use crate::support::{Desk, Program, connect, frame, hello, talk, unheard_port};

/// A desk with a console, whose person says nothing.
fn desk() -> Desk {
    Desk::open(&mut talk(&["server", "--window", "console"]))
}

/// Lets a check run to its end: its status and what it printed.
fn finish(mut check: Program) -> (i32, Vec<String>) {
    let lines = check.rest();
    (check.status(), lines)
}

fn start(options: &[&str], port: &str) -> Program {
    Program::start(&mut talk(&[&["check"], options, &["127.0.0.1", port]].concat()))
}

fn assert_all_hold((status, lines): (i32, Vec<String>)) {
    let (last, rules) = lines.split_last().unwrap();
    assert!(rules.iter().all(|line| line.starts_with("ok     ")), "{lines:#?}");
    assert_eq!((status, last), (0, &format!("{0} of {0} rules hold", rules.len())));
    assert!(rules.len() > 20, "{lines:#?}");
}

#[test]
fn this_server_keeps_every_rule() {
    let desk = desk();
    assert_all_hold(finish(start(&[], &desk.port())));
}

#[test]
fn this_client_keeps_every_rule() {
    assert_all_hold(check_client(|port| talk(&["client", "127.0.0.1", port])));
}

#[test]
fn tap_has_a_plan_and_numbers() {
    let desk = desk();
    let (status, lines) = finish(start(&["--tap"], &desk.port()));
    assert_eq!((status, lines[0].as_str()), (0, "TAP version 14"));
    assert_eq!(lines[1], format!("1..{}", lines.len() - 2));
    for (number, line) in (1..).zip(&lines[2..]) {
        assert!(line.starts_with(&format!("ok {number} - ")), "{line}");
    }
}

/// A desk that does the same with every call, at the returned port.
fn serve(take: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for call in listener.incoming() {
            let take = take.clone();
            thread::spawn(move || take(call.unwrap()));
        }
    });
    port
}

/// A desk that says the same to everybody, whatever they say.
fn parrot(words: Vec<u8>) -> String {
    serve(move |mut call| {
        let _ = call.write_all(&words);
    })
}

#[test]
fn a_broken_rule_says_what_was_expected_and_what_came_harmlessly() {
    let words = || [hello("desk"), frame(b'B', b"it's \x1b[2J\n")].concat();
    let (status, lines) = finish(start(&["--tap"], &parrot(words())));
    assert_eq!(status, 1);
    let at = lines.iter().position(|line| line.starts_with("not ok ")).unwrap();
    assert!(lines[at].contains(" - "), "{}", lines[at]);
    let rule = lines.iter().position(|line| line.contains("a second HELLO")).unwrap();
    assert_eq!(
        lines[rule + 1..rule + 5],
        [
            "  ---",
            "  expected: 'BYE \"protocol error: …\" within 10 s'",
            "  came: 'BYE \"it''s ^[[2J^J\"'",
            "  ..."
        ]
    );
    let (status, lines) = finish(start(&["--limit=7"], &parrot(words())));
    assert_eq!(status, 1);
    let line = lines.iter().find(|line| line.contains("a second HELLO")).unwrap();
    assert_eq!(
        line,
        "wrong  What a receiver does with wrong input: a second HELLO is a protocol error; \
         expected BYE \"protocol error: …\" within 7 s, got BYE \"it's ^[[2J^J\""
    );
}

/// Version 1 without acknowledgements is kept by not sending any, and a reader sees what that
/// means.
#[test]
fn rules_about_acknowledgements_are_skipped_when_the_peer_does_not_offer_any() {
    let port = serve(move |call| Peer::converse(call, false, Bug::OffersNoAck));
    let (status, lines) = finish(start(&[], &port));
    let (last, rules) = lines.split_last().unwrap();
    let skipped: Vec<_> = rules.iter().filter(|line| !line.starts_with("ok     ")).collect();
    assert!(skipped.iter().all(|line| line.starts_with("skip   ")), "{skipped:#?}");
    assert!(skipped.iter().all(|line| line.ends_with("; not offered")), "{skipped:#?}");
    let hold = rules.len() - skipped.len();
    let skips = skipped.len();
    let summary =
        format!("{hold} of {hold} rules hold; {skips} skipped: the HELLO has no flag 0x08");
    assert_eq!((status, last), (0, &summary));

    let (status, lines) = finish(start(&["--tap"], &port));
    let skips_in_tap = lines.iter().filter(|line| line.ends_with(" # SKIP not offered"));
    assert_eq!((status, skips_in_tap.count()), (0, skips));
    assert!(skips > 5, "{lines:#?}");
}

#[test]
fn without_a_call_it_gives_up_and_says_so() {
    let (mut check, port, count) = listening(&["--tap", "--limit", "1"]);
    // The first call is waited for, the second one does not come.
    drop(connect(format!("127.0.0.1:{port}").parse().unwrap()));
    assert_eq!(check.line_with("1.."), format!("1..{count}"));
    check.line_with("not ok 1 - ");
    check.line_with("Bail out! no call came within 1 s");
    assert_eq!(check.status(), 1);
    check.notice_with("talk: no call came within 1 s; does the client end after each call?");

    let (_unheard, port) = unheard_port();
    let mut check = start(&[], &port);
    check.notice_with(&format!("no desk answers at 127.0.0.1 port {port}"));
    assert_eq!((check.status(), check.rest()), (1, Vec::new()));
}

/// Each bug, with a part of the name of every rule that it breaks; an empty one stands for any
/// others.
const BUGS_OF_BOTH: [(Bug, &[&str]); 38] = [
    (Bug::Nothing, &[]),
    (Bug::WrongVersion, &["with version 1 and a name", ""]),
    (Bug::MindsUnknown, &["unknown tag"]),
    (Bug::MindsEmpty, &["an empty TEXT and an empty PART", "counts each TEXT and PART"]),
    (Bug::MindsLarge, &["a frame of 16,384 bytes"]),
    (Bug::MindsPart, &["many PART frames"]),
    (Bug::MindsBytesInText, &["text may hold any bytes"]),
    (Bug::MindsBytesInName, &["64 bytes that are not UTF-8"]),
    (Bug::MindsFlags, &["flags without a meaning"]),
    (Bug::MindsPieces, &["a byte at a time"]),
    (Bug::LosesMany, &["many PART frames", "many frames may arrive at once"]),
    (Bug::TakesLongText, &["a TEXT of 16,385 bytes"]),
    (Bug::TakesLongSkipped, &["a skipped frame of 16,385 bytes"]),
    (Bug::TakesLongBye, &["a BYE of 201 bytes"]),
    (Bug::TakesVersion, &["a HELLO of version 2"]),
    (Bug::TakesNoName, &["a HELLO with no name"]),
    (Bug::TakesLongName, &["a name of 65 bytes"]),
    (Bug::TakesEarlyText, &["TEXT before HELLO"]),
    (Bug::TakesSecondHello, &["a second HELLO"]),
    (Bug::FaultWithoutReason, &["is a protocol error"]),
    (Bug::FaultWithoutBye, &["is a protocol error"]),
    (Bug::NoAnswerToBye, &["it answers BYE with BYE", ""]),
    (Bug::TalksAfterBye, &["it answers BYE with BYE", ""]),
    (Bug::ReadsAfterBye, &["anything after BYE"]),
    (Bug::IgnoresEnd, &["the end of the stream without a BYE"]),
    (Bug::IgnoresTornFrame, &["the end of the stream inside a frame"]),
    (Bug::OffersNoAck, &[]),
    (Bug::AcksNoBye, &["ACK directly before", "ACK within a second"]),
    (Bug::AcksOnlyBye, &["ACK within a second"]),
    (Bug::AcksEverything, &["one ACK a second"]),
    (Bug::AcksUnasked, &["no ACK to a peer"]),
    (Bug::AcksNoPart, &["counts each TEXT and PART"]),
    (Bug::AcksLess, &["never go back and never exceed"]),
    (Bug::AcksMore, &["never go back and never exceed"]),
    (Bug::TakesShortAck, &["an ACK of 7 bytes"]),
    (Bug::TakesLongAck, &["an ACK of 9 bytes"]),
    (Bug::TakesAckOfTooMany, &["an ACK that counts more"]),
    (Bug::MindsAckUnoffered, &["an ACK from a peer"]),
];
const BUGS_OF_DESKS: [(Bug, &[&str]); 3] = [
    (Bug::NoHello, &["it answers HELLO", ""]),
    (Bug::NoHelloLimit, &["not complete within 5 seconds"]),
    (Bug::TakesAnyBeginning, &["begins with anything else"]),
];
const BUGS_OF_CALLERS: [(Bug, &[&str]); 8] = [
    (Bug::TalksBeforeAnswer, &["it says nothing more before", ""]),
    (Bug::SaysNothing, &["its input ended, it says BYE", "an ACK that goes back"]),
    (Bug::NeverLeaves, &["its input ended"]),
    (Bug::GoesUnanswered, &["its input ended"]),
    (Bug::IgnoresRefusal, &["BYE instead of the handler's HELLO"]),
    (Bug::MindsUnknownEarly, &["an unknown tag is skipped before"]),
    (Bug::LeavesWithoutAck, &["it sends ACK directly before its BYE"]),
    (Bug::TakesAckThatGoesBack, &["an ACK that goes back"]),
];

#[test]
fn each_thing_that_a_desk_does_wrong_is_found_and_nothing_else() {
    find_bugs(&BUGS_OF_DESKS, check_desk);
}

#[test]
fn each_thing_that_a_caller_does_wrong_is_found_and_nothing_else() {
    find_bugs(&BUGS_OF_CALLERS, check_caller);
}

/// Checks an end with each bug. Together the bugs break every rule, so there is none that cannot be
/// broken.
fn find_bugs(own: &[(Bug, &[&str])], check: impl Fn(Bug) -> (i32, Vec<String>) + Sync) {
    let broken = Mutex::new(BTreeSet::new());
    let check = |bug: Bug, parts: &[&str]| {
        let (status, lines) = check(bug);
        let wrong: Vec<&str> =
            lines.iter().filter_map(|line| line.strip_prefix("wrong  ")).collect();
        let found = |part: &&str| wrong.iter().any(|rule| rule.contains(part));
        let meant = |rule: &&str| parts.iter().any(|part| rule.contains(part));
        assert!(parts.iter().all(found) && wrong.iter().all(meant), "{bug:?}: {wrong:#?}");
        assert_eq!(status, i32::from(!parts.is_empty()), "{bug:?}");
        broken.lock().unwrap().extend(wrong.into_iter().map(name));
        lines.len() - 1
    };
    let rules = thread::scope(|scope| {
        let checks: Vec<_> = BUGS_OF_BOTH
            .iter()
            .chain(own)
            .map(|&(bug, parts)| scope.spawn(move || check(bug, parts)))
            .collect();
        checks.into_iter().map(|check| check.join().unwrap()).max()
    });
    let broken = broken.into_inner().unwrap();
    assert_eq!(Some(broken.len()), rules, "only these can be broken: {broken:#?}");
}

/// A broken rule without what was expected.
fn name(wrong: &str) -> String {
    wrong.split("; expected ").next().unwrap().into()
}

fn check_desk(bug: Bug) -> (i32, Vec<String>) {
    finish(start(&["--limit", "3"], &serve(move |call| Peer::converse(call, false, bug))))
}

fn check_caller(bug: Bug) -> (i32, Vec<String>) {
    let (check, port, count) = listening(&["--limit", "3"]);
    let address = format!("127.0.0.1:{port}");
    thread::spawn(move || {
        for _ in 0..count {
            Peer::converse(TcpStream::connect(&address).unwrap(), true, bug);
        }
    });
    finish(check)
}

//! Conversations across a network that loses, delays and cuts.

mod support;

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use support::network::{DESK, Network, network};
use support::{Desk, Program, Window, handler, talk, wait_for};

/// A caller and the handler of its call, who have met.
fn conversation(network: &Network) -> (Program, Program) {
    let listener = network.desk.at(|| TcpListener::bind((DESK, 0)).unwrap());
    let port = listener.local_addr().unwrap().port().to_string();
    let client = &["client", DESK, &port, "--name", "alice"];
    let mut alice = network.caller.start(&mut talk(client));
    listener.set_nonblocking(true).unwrap();
    let (call, _) = wait_for("the call", || listener.accept().ok());
    let mut desk = network.desk.start(&mut handler(&call));
    alice.notice_with("desk answered");
    desk.notice_with("alice answered");
    (alice, desk)
}

/// Lines that tell when one is lost, doubled or in a wrong place.
fn numbered(who: &str, lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(|line| format!("{who} {line}")).collect()
}

fn text(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

/// The next `count` lines that a program shows.
fn shown(program: &mut Program, count: usize) -> Vec<String> {
    (0..count).map(|_| program.line()).collect()
}

#[test]
fn a_cable_that_is_out_for_five_seconds_loses_nothing() {
    network(|network| {
        let (mut alice, mut desk) = conversation(network);
        for (phase, loss) in [0, 100, 0].into_iter().enumerate() {
            let said = phase * 100..(phase + 1) * 100;
            let (question, answer) = (numbered("question", said.clone()), numbered("answer", said));
            network.cable().loss = loss;
            alice.say(&text(&question));
            desk.say(&text(&answer));
            if loss > 0 {
                // How long the cable is out.
                thread::sleep(Duration::from_secs(5));
                network.cable().loss = 0;
            }
            assert_eq!(shown(&mut desk, 100), question);
            assert_eq!(shown(&mut alice, 100), answer);
        }
        alice.end_input();
        assert_eq!(alice.status(), 0);
        assert_eq!(desk.status(), 0);
        assert!(network.cable().lost > 0);
    });
}

#[test]
fn a_slow_and_lossy_cable_changes_nothing() {
    network(|network| {
        let (questions, answers) = (numbered("question", 0..3000), numbered("answer", 0..3000));
        let window = Window::answering(&text(&answers));
        let mut server = talk(&["server", "0", "--bind", DESK, "--window", "xterm"]);
        let mut desk = Desk::of(network.desk.start(server.env("PATH", window.path())));
        network.cable().loss = 10;
        network.cable().delay = Duration::from_millis(200);
        let client = &["client", DESK, &desk.port(), "--name", "alice"];
        let mut alice = network.caller.start(&mut talk(client));
        alice.say(&text(&questions));
        alice.end_input();
        assert_eq!(alice.rest(), answers);
        assert_eq!(alice.status(), 0);
        desk.server.line_with("call 1 ended");
        assert_eq!(window.read("shown"), text(&questions));
        assert!(network.cable().lost > 0);
    });
}

#[test]
fn what_came_before_a_reset_is_shown_and_the_rest_is_reported() {
    network(|network| {
        let (mut alice, mut desk) = conversation(network);
        let questions = numbered("question", 0..4000);
        let frames = |lines: &[String]| lines.iter().map(|line| 3 + line.len()).sum::<usize>();
        let half = frames(&questions) / 2;
        network.cable().reset_after = Some(half);
        alice.say(&text(&questions));
        assert_eq!((alice.status(), desk.status()), (1, 1));
        alice.notice_with("the connection to desk was lost: connection reset by peer; ");
        let notice = desk.notice_with("the connection to alice was lost");
        assert!(notice.ends_with(": connection reset by peer"), "{notice}");
        let shown = desk.rest();
        assert!(questions.starts_with(&shown));
        // What is missing from the half is part of one packet.
        assert!((half - 1500..=half).contains(&frames(&shown)), "{} shown", shown.len());
    });
}

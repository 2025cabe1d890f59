//! Conversations across a network that loses, delays and cuts.

use std::fs::File;
use std::io::{Seek, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::network::{DESK, Network, network};
use crate::support::{Desk, Listener, Program, Started, Window, handler, talk};

/// A call across the network, its two ends started by `caller` and `desk`.
fn call<A: Send, D: Send>(
    network: &Network,
    caller: impl FnOnce(&mut Command) -> A + Send,
    desk: impl FnOnce(&mut Command) -> D + Send,
) -> (A, D) {
    let listener = network.desk.at(|| Listener::at(DESK));
    let client = &["client", DESK, &listener.port, "--name", "alice"];
    let caller = network.caller.at(|| caller(&mut talk(client)));
    let call = listener.take();
    (caller, network.desk.at(|| desk(&mut handler(&call))))
}

/// Starts a program whose output nobody reads yet.
fn stalled(command: &mut Command) -> Started {
    Started::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()))
}

/// Starts a program that says what is in `input`.
fn saying(input: &File) -> impl FnOnce(&mut Command) -> Program {
    |command| Program::start_with_own_input(command.stdin(input.try_clone().unwrap()))
}

/// More than the programs and kernels between a writer and a reader keep, in a file.
fn plenty() -> (String, File) {
    let text: String = (0..30_000).map(|line| format!("{line:0999}\n")).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    (text, file)
}

/// Waits until a program that says what is in `input` is held up by its peer, long before it has
/// said all.
fn wait_until_held_up(writer: &mut Program, mut input: &File) {
    writer.notice_with(" is not reading");
    // The program reads at the same place in the file.
    assert!(input.stream_position().unwrap() < input.metadata().unwrap().len());
}

/// A caller and the handler of its call, who have met.
fn conversation(network: &Network) -> (Program, Program) {
    let (mut alice, mut desk) = call(network, Program::start, Program::start);
    alice.notice_with("desk answered");
    desk.notice_with("alice answered");
    (alice, desk)
}

/// How long a reader stalls: longer than it takes to notice that one has vanished. In five minutes
/// the kernel's pauses between two looks at a stalled reader (RFC 9293, 3.8.6.1) also grow longer
/// than that; `make soak` takes them.
fn stall() -> Duration {
    Duration::from_secs(if std::env::var_os("TALK_SOAK").is_some() { 300 } else { 75 })
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
fn a_cable_that_is_cut_for_good_is_noticed_at_both_ends() {
    network(|network| {
        // How many lines the caller and the desk say after the cut.
        let mut conversations = [(0, 0), (2, 0), (0, 2)].map(|on_their_way| {
            let (mut alice, mut desk) = conversation(network);
            alice.say("before\n");
            desk.line_with("before");
            desk.say("before\n");
            alice.line_with("before");
            (alice, desk, on_their_way)
        });
        let (_, input) = plenty();
        let (_alice, mut held_up) = call(network, stalled, saying(&input));
        wait_until_held_up(&mut held_up, &input);
        network.cable().loss = 100;
        for (alice, desk, (asked, answered)) in &mut conversations {
            alice.say(&"question\n".repeat(*asked));
            desk.say(&"answer\n".repeat(*answered));
        }
        for (alice, desk, (asked, answered)) in &mut conversations {
            for (end, peer, said) in [(alice, "desk", *asked), (desk, "alice", *answered)] {
                let notice = end.notice_with(&format!("the connection to {peer} was lost"));
                // What was said while the cable was in has been acknowledged since.
                let count = if said == 0 { "" } else { "; 2 lines are unconfirmed" };
                let count = format!("{count} (confirmed up to line 1)");
                assert!(notice.contains(&count), "{notice}");
                assert_eq!(end.status(), 1);
            }
        }
        held_up.notice_with("the connection to alice was lost");
        assert_eq!(held_up.status(), 1);
    });
}

#[test]
fn a_reader_that_stalls_is_waited_for_however_long() {
    network(|network| {
        let ((text, to_alice), (_, to_desk)) = (plenty(), plenty());
        // Nothing confirms what arrives after a caller's goodbye, so alice waits for the desk's.
        let waiting = |command: &mut Command| stalled(command.arg("--wait"));
        let (alice, mut handler) = call(network, waiting, saying(&to_alice));
        let (mut client, desk) = call(network, saying(&to_desk), stalled);
        wait_until_held_up(&mut handler, &to_alice);
        wait_until_held_up(&mut client, &to_desk);
        thread::sleep(stall());
        for (mut writer, reader) in [(handler, alice), (client, desk)] {
            let shown = reader.output();
            assert_eq!(writer.status(), 0, "{:?}", writer.notices());
            assert_eq!(shown.status.code(), Some(0));
            assert!(shown.stdout == text.as_bytes(), "{} bytes shown", shown.stdout.len());
        }
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

//! The console: every conversation in the server's own terminal, over pipes and in tmux.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use crate::support::flood::{Flood, LAST};
use crate::support::tmux::Tmux;
use crate::support::{
    Desk, Program, Started, TALK, assert_confined, children, frame, gone, hello, read_frame,
    status, talk, wait_for,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A desk with a console at pipes.
fn desk() -> Desk {
    let mut desk = Desk::open(&mut server());
    assert_eq!(desk.server.line(), "windows: console (this terminal)");
    desk
}

fn server() -> Command {
    talk(&["server", "--window", "console", "--name", "desk"])
}

/// A caller at pipes, whose call is open.
fn caller(desk: &mut Desk, number: u32, name: &str) -> Program {
    let mut caller = desk.call(name);
    caller.notice_with("desk answered");
    let from = desk.server.line();
    assert!(from.starts_with(&format!("call {number} from 127.0.0.1:")), "{from}");
    assert!(from.ends_with(&format!(" ({name})")), "{from}");
    if number == 1 {
        assert_eq!(desk.server.line(), format!("-- [1 {name}] is the current call"));
    }
    assert_eq!(desk.server.line(), format!("call {number} window open"));
    caller
}

/// Types a command and returns the line that it shows.
fn answer(desk: &mut Desk, command: &str) -> String {
    desk.server.say(&format!("{command}\n"));
    desk.server.line()
}

fn sleeps(pid: Pid) -> bool {
    status(pid, "State") == "S (sleeping)"
}

/// How much memory a process has, in kB.
fn memory(pid: Pid) -> u64 {
    status(pid, "VmRSS").strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn five_callers_share_a_console_at_pipes() {
    let names = ["alice", "bob", "carol", "dave", "eve"];
    let mut desk = desk();
    let before = desk.holdings();
    let mut callers: Vec<Program> =
        (1..).zip(names).map(|(number, name)| caller(&mut desk, number, name)).collect();
    for (number, (caller, name)) in (1..).zip(callers.iter_mut().zip(names)) {
        caller.say("hello\n\tand more\n");
        assert_eq!(desk.server.line(), format!("[{number} {name}] hello"));
        assert_eq!(desk.server.line(), format!("[{number} {name}] \tand more"));
    }
    // The first is the current call, and stays it whatever is said to another.
    assert_eq!(answer(&mut desk, "hi"), "> [1 alice] hi");
    assert_eq!(answer(&mut desk, "/3 only you"), "> [3 carol] only you");
    assert_eq!(answer(&mut desk, "//slash"), "> [1 alice] /slash");
    assert_eq!(answer(&mut desk, "/2"), "-- [2 bob] is the current call");
    assert_eq!(answer(&mut desk, "your turn"), "> [2 bob] your turn");
    desk.server.say("/who\n");
    let who: Vec<String> = names.iter().map(|_| desk.server.line()).collect();
    let unread = [0, 0, 0, 2, 2];
    for (line, (name, unread)) in who.iter().zip(names.iter().zip(unread)) {
        assert!(line.starts_with("-- [") && line.contains(&format!(" {name}] from 127.0.0.1:")));
        assert!(line.contains(&format!(" s, {unread} unread")), "{line}");
        assert_eq!(line.ends_with(", current"), *name == "bob", "{line}");
    }
    desk.server.say("/all good night\n");
    for (number, name) in (1..).zip(names) {
        assert_eq!(desk.server.line(), format!("> [{number} {name}] good night"));
    }
    let heard: Vec<Vec<String>> = callers
        .iter_mut()
        .map(|caller| {
            let mut lines = vec![caller.line()];
            while lines.last().unwrap() != "good night" {
                lines.push(caller.line());
            }
            lines
        })
        .collect();
    assert_eq!(heard[0], ["hi", "/slash", "good night"]);
    assert_eq!(heard[1], ["your turn", "good night"]);
    assert_eq!(heard[2], ["only you", "good night"]);
    assert_eq!(heard[3], ["good night"]);

    desk.server.say("/hangup 2\n");
    callers[1].notice_with("desk left");
    // Its input had not come to its end.
    assert_eq!(callers[1].status(), 1);
    let nobody = "-- no call is current; /1 turns to call 1, /who lists them";
    assert_eq!(desk.server.line(), nobody);
    assert_eq!(desk.server.line(), "call 2 ended: said goodbye to bob");
    assert_eq!(answer(&mut desk, "x"), nobody);
    for (index, caller) in callers.iter_mut().enumerate() {
        caller.end_input();
        assert_eq!(caller.status(), i32::from(index == 1));
    }
    for _ in 0..4 {
        assert!(desk.server.line().contains(" left"));
    }
    wait_for("the handlers to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn what_cannot_be_done_is_said_and_done_to_nobody() {
    let mut desk = desk();
    assert_eq!(answer(&mut desk, "hello?"), "-- no callers");
    assert_eq!(answer(&mut desk, "/who"), "-- no calls");
    assert_eq!(answer(&mut desk, "/1"), "-- there is no call 1; /who lists them");
    assert_eq!(
        answer(&mut desk, "/hangup"),
        "-- /hangup takes the number of a call; /who lists them"
    );
    assert_eq!(
        answer(&mut desk, "/etc/passwd"),
        "-- no such command; /help lists them, //word sends it"
    );
    assert!(answer(&mut desk, "/help").starts_with("-- /2 turns to call 2"));
    desk.server.line_with("//word");
    desk.server.say(&"x".repeat(200_000));
    assert_eq!(answer(&mut desk, ""), "-- line not sent: it is longer than 64 KB");
    assert_eq!(answer(&mut desk, "/who"), "-- no calls");
    assert!(desk.server.is_running());
}

#[test]
fn no_caller_can_write_a_line_of_the_console() {
    let mut desk = desk();
    let mut eve = desk.connect();
    eve.write_all(&hello("eve] x\n> [2 bob\u{1b}[2J")).unwrap();
    for text in [&b"\r\x1b[K> [2 bob] forged\x07"[..], b"two\ncall 2 window open", b"\x9b2J\xff"] {
        eve.write_all(&frame(b'T', text)).unwrap();
    }
    eve.write_all(&frame(b't', "unfinished \u{202e}".as_bytes())).unwrap();
    eve.write_all(&frame(b'B', b"\x1b]0;bye\x07")).unwrap();
    let head = "[1 eve<5D> x^J> <5B>2 bob^<5B><5B>2J]";
    assert!(desk.server.line().ends_with(" (eve] x^J> [2 bob^[[2J)"));
    assert_eq!(desk.server.line(), format!("-- {head} is the current call"));
    assert_eq!(desk.server.line(), "call 1 window open");
    assert_eq!(desk.server.line(), format!("{head} ^M^[[K> [2 bob] forged^G"));
    assert_eq!(desk.server.line(), format!("{head} two^Jcall 2 window open"));
    assert_eq!(desk.server.line(), format!("{head} <9B>2J<FF>"));
    assert_eq!(desk.server.line(), format!("{head} unfinished <U+202E>"));
    assert_eq!(desk.server.line(), format!("-- {head} left: ^[]0;bye^G"));
    let end = "call 1 ended: eve] x^J> [2 bob^[[2J left: ^[]0;bye^G";
    assert_eq!(desk.server.line(), end);
}

#[test]
fn what_a_handler_learns_reaches_the_operator() {
    let mut desk = desk();
    let mut alice = desk.connect();
    alice.write_all(&hello("alice")).unwrap();
    read_frame(&mut alice);
    desk.server.line_with("call 1 window open");
    // More than the sockets between hold, to a caller who does not read.
    for _ in 0..200 {
        desk.server.say(&format!("/1 {}\n", "x".repeat(50_000)));
    }
    desk.server.line_with("-- [1 alice] is not reading; what you say waits");
    drop(alice);
    desk.server.line_with("call 1 ended: the connection to alice was lost");

    let mut bob = desk.connect();
    bob.write_all(&[hello("bob"), frame(b'B', b"back at two")].concat()).unwrap();
    desk.server.line_with("-- [2 bob] left: back at two");
    assert_eq!(desk.server.line(), "call 2 ended: bob left: back at two");
}

#[test]
fn strangers_do_not_show_up_but_in_the_log() {
    let mut desk = desk();
    let before = desk.holdings();
    desk.connect().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let line = desk.server.line();
    assert!(line.starts_with("call 1 from 127.0.0.1:") && line.contains(" dropped: "), "{line}");
    assert_eq!(answer(&mut desk, "/who"), "-- no calls");
    wait_for("the helper to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn a_handler_has_nothing_open_but_its_own_call_and_can_open_nothing() {
    let mut desk = desk();
    let _alice = caller(&mut desk, 1, "alice");
    let _bob = caller(&mut desk, 2, "bob");
    for handler in children(desk.server.pid()) {
        let fds = fs::read_dir(format!("/proc/{handler}/fd")).unwrap().map(Result::unwrap);
        let mut targets: Vec<String> =
            fds.map(|fd| fs::read_link(fd.path()).unwrap().display().to_string()).collect();
        targets.sort();
        targets.dedup();
        // The call, and the link in place of keyboard and screen; standard error goes nowhere.
        assert_eq!(targets.len(), 3, "{targets:?}");
        assert_eq!(targets[0], "/dev/null");
        assert!(targets[1..].iter().all(|target| target.starts_with("socket:")), "{targets:?}");
        assert_confined(handler);
    }
}

#[test]
fn a_desk_without_a_keyboard_goes_on_serving() {
    let mut server = server();
    server.args(["0", "--bind", "127.0.0.1"]);
    let mut desk = Desk::of(Program::start_with_own_input(&mut server));
    desk.server.line();
    let mut alice = caller(&mut desk, 1, "alice");
    alice.say("anybody?\n");
    assert_eq!(desk.server.line(), "[1 alice] anybody?");
    // With nothing to do it sleeps, every time that somebody looks: at its end, the keyboard does
    // not keep it awake.
    wait_for("the desk to sleep", || (0..100).all(|_| sleeps(desk.server.pid())).then_some(()));
    alice.end_input();
    assert_eq!(alice.status(), 0);
    assert_eq!(desk.server.line(), "call 1 ended: alice left");
    assert!(desk.server.is_running());
}

#[test]
fn a_last_line_without_a_newline_is_one() {
    let mut desk = desk();
    let mut alice = caller(&mut desk, 1, "alice");
    desk.server.say("one\ntwo");
    desk.server.end_input();
    assert_eq!([alice.line(), alice.line()], ["one", "two"]);
    assert_eq!([desk.server.line(), desk.server.line()], ["> [1 alice] one", "> [1 alice] two"]);
}

#[test]
fn a_caller_or_handler_that_stalls_stalls_nobody_else() {
    let mut desk = desk();
    // This one reads nothing of what it is told.
    let mut stalled = desk.connect();
    stalled.write_all(&hello("stalled")).unwrap();
    read_frame(&mut stalled);
    desk.server.line_with("call 1 window open");
    let mut frozen = caller(&mut desk, 2, "frozen");
    let handler = children(desk.server.pid())[1];
    kill(handler, Signal::SIGSTOP).unwrap();
    let mut alice = caller(&mut desk, 3, "alice");
    let text = "x".repeat(60_000);
    for call in [1, 2] {
        let mut refused = String::new();
        for _ in 0..500 {
            refused = answer(&mut desk, &format!("/{call} {text}"));
            if refused.starts_with("-- ") {
                break;
            }
        }
        let name = if call == 1 { "stalled" } else { "frozen" };
        assert_eq!(refused, format!("-- [{call} {name}] is not reading; line not sent"));
        alice.say("still here\n");
        assert_eq!(desk.server.line(), "[3 alice] still here");
        assert_eq!(answer(&mut desk, "/3 so am I"), "> [3 alice] so am I");
        assert_eq!(alice.line(), "so am I");
    }
    kill(handler, Signal::SIGCONT).unwrap();
    assert_eq!(frozen.line(), text);
    // Twice is enough for one who never reads.
    desk.server.say("/hangup 1\n");
    desk.server.say("/hangup 1\n");
    desk.server.line_with("call 1 ended: ");
    assert_eq!(answer(&mut desk, "/3 and you?"), "> [3 alice] and you?");
}

#[test]
fn a_handler_that_is_killed_ends_its_call_only() {
    let mut desk = desk();
    let before = desk.holdings();
    let mut alice = caller(&mut desk, 1, "alice");
    let mut bob = caller(&mut desk, 2, "bob");
    kill(children(desk.server.pid())[0], Signal::SIGKILL).unwrap();
    let nobody = "-- no call is current; /2 turns to call 2, /who lists them";
    assert_eq!(desk.server.line(), nobody);
    assert_eq!(desk.server.line(), "call 1 ended: its handler was killed by SIGKILL");
    assert_eq!(alice.status(), 1);
    bob.say("and me?\n");
    assert_eq!(desk.server.line(), "[2 bob] and me?");
    bob.end_input();
    assert_eq!(bob.status(), 0);
    assert_eq!(desk.server.line(), "call 2 ended: bob left");
    wait_for("the handlers to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn a_desk_that_ends_says_goodbye() {
    for end in [Some(Signal::SIGTERM), Some(Signal::SIGINT), None] {
        let mut desk = desk();
        let mut callers = [caller(&mut desk, 1, "alice"), caller(&mut desk, 2, "bob")];
        callers[0].say("a last line\n");
        desk.server.line_with("a last line");
        match end {
            Some(signal) => desk.server.signal(signal),
            None => desk.server.say("/quit\n"),
        }
        for caller in &mut callers {
            caller.notice_with("desk left");
            // Its input had not come to its end.
            assert_eq!(caller.status(), 1);
        }
        desk.server.line_with("call 1 ended: said goodbye to alice");
        assert_eq!(desk.server.status(), 0);
    }
}

#[test]
fn a_desk_that_is_killed_ends_its_calls_too() {
    let mut desk = desk();
    let mut alice = caller(&mut desk, 1, "alice");
    let handler = children(desk.server.pid())[0];
    desk.server.signal(Signal::SIGKILL);
    alice.notice_with("desk left");
    // Its input had not come to its end.
    assert_eq!(alice.status(), 1);
    wait_for("the handler's end", || kill(handler, None).is_err().then_some(()));
}

#[test]
fn a_caller_who_leaves_does_not_wait_for_the_operator_to_pause() {
    let mut desk = desk();
    let mut alice = caller(&mut desk, 1, "alice");
    alice.end_input();
    // Who waits for a pause waits as long as there is none.
    let said = (0..100_000).find(|_| !answer(&mut desk, "/1 go on").starts_with("> "));
    assert!(said.is_some(), "the call goes on");
    assert_eq!(alice.status(), 0);
}

#[test]
fn a_console_that_nobody_reads_holds_callers_back_and_loses_nothing() {
    let mut server =
        Started::new(server().args(["0", "--bind", "127.0.0.1"]).stdout(Stdio::piped()));
    let mut out = BufReader::new(server.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    let port = first.trim().rsplit(':').next().unwrap().to_owned();
    let mut alice = Program::start(&mut talk(&["client", "127.0.0.1", &port, "--name", "alice"]));
    alice.notice_with("answered");
    let flood = Flood::of(&mut alice);
    alice.notice_with("desk is not reading");
    assert!(memory(server.pid()) < 20_000, "{} kB", memory(server.pid()));
    flood.stop();
    let shown: Vec<String> = out
        .by_ref()
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.starts_with("[1 alice] "))
        .take_while(|line| !line.ends_with(LAST))
        .collect();
    let (said, keyboard) = flood.join();
    assert_eq!(shown.len() + 1, said);
    drop(keyboard);
    assert_eq!(alice.status(), 0);
    assert_eq!(out.lines().next().unwrap().unwrap(), "call 1 ended: alice left");
}

#[test]
fn a_console_that_nobody_reads_takes_no_more_commands_than_it_answers() {
    let mut server = server();
    server.args(["0", "--bind", "127.0.0.1"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Started::new(&mut server);
    let mut out = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    out.find(|line| line.starts_with("windows: "));
    let keyboard = server.stdin.take().unwrap();
    let pipe = keyboard.as_fd().try_clone_to_owned().unwrap();
    let flood = Flood::into(keyboard, "/nonsense".into(), "/quit");
    wait_for("the desk to sleep beside a full keyboard", || {
        let mut room = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
        let full = poll(&mut room, PollTimeout::ZERO).unwrap() == 0;
        (full && sleeps(server.pid())).then_some(())
    });
    assert!(memory(server.pid()) < 20_000, "{} kB", memory(server.pid()));
    flood.stop();
    let answers = out.filter(|line| line.contains("no such command")).count();
    let (typed, _keyboard) = flood.join();
    assert_eq!(answers + 1, typed);
}

/// A desk that somebody keeps in tmux, and the port of it.
fn desk_in(tmux: &Tmux, options: &str) -> String {
    tmux.command(&format!(
        "{TALK} server 0 --bind 127.0.0.1 --window console --name desk {options}; echo status $?"
    ));
    port_in(tmux)
}

/// The port of the desk that has just been opened in tmux.
fn port_in(tmux: &Tmux) -> String {
    tmux.wait_for("windows: console (this terminal)");
    let screen = tmux.screen();
    let port = screen.split("127.0.0.1:").nth(1).unwrap();
    port.split(|c: char| !c.is_ascii_digit()).next().unwrap().to_owned()
}

fn call(port: &str, name: &str) -> Program {
    let mut caller = Program::start(&mut talk(&["client", "127.0.0.1", port, "--name", name]));
    caller.notice_with("desk answered");
    caller
}

#[test]
fn what_is_typed_at_the_console_stays_whole_and_goes_where_the_prompt_says() {
    let tmux = Tmux::open(80, 20);
    let port = desk_in(&tmux, "");
    tmux.wait_for("-- no calls --");
    tmux.wait_for_last_row(">");
    let mut alice = call(&port, "alice");
    tmux.wait_for_last_row("1 alice>");
    tmux.types("half a sen");
    let mut bob = call(&port, "bob");
    for line in 1..=50 {
        bob.say(&format!("line {line}\n"));
    }
    tmux.wait_for(" [2 bob] line 20");
    tmux.wait_for("-- 2 calls; unread: 2 bob (50) --");
    tmux.wait_for("-- [2 bob] … 30 more lines; /2 shows the last of them");
    tmux.wait_for_last_row("1 alice> half a sen");
    tmux.press(&["tence", "Enter"]);
    assert_eq!(alice.line(), "half a sentence");
    tmux.wait_for(" > [1 alice] half a sentence");
    tmux.command("/2");
    tmux.wait_for(" [2 bob] line 50");
    tmux.wait_for_last_row("2 bob>");
    tmux.wait_for("-- 2 calls --");
    tmux.command("hello, bob");
    assert_eq!(bob.line(), "hello, bob");
    // What was meant for somebody who has left goes to nobody else.
    tmux.types("for your eyes only");
    bob.end_input();
    assert_eq!(bob.status(), 0);
    tmux.wait_for_last_row("> for your eyes only");
    tmux.press(&["Enter"]);
    tmux.wait_for("no call is current");
    tmux.wait_for_last_row("> for your eyes only");
    let _carol = call(&port, "carol");
    tmux.wait_for("(carol)");
    tmux.wait_for_last_row("> for your eyes only");
    tmux.press(&["C-u", "C-d"]);
    tmux.wait_for("/quit ends the desk");
    tmux.command("/quit");
    tmux.wait_for("repeat within 10 s to end the desk and 2 calls");
    tmux.command("/quit");
    alice.notice_with("desk left");
    tmux.wait_for("status 0");
}

#[test]
fn a_call_rings_the_bell() {
    let tmux = Tmux::open(80, 20);
    let port = desk_in(&tmux, "");
    tmux.run(&["set-option", "-g", "monitor-bell", "on"]);
    tmux.run(&["new-window", "-d", "sleep 60"]);
    tmux.run(&["select-window", "-t", ":1"]);
    let _alice = call(&port, "alice");
    wait_for("the bell", || {
        let flags = tmux.run(&["list-windows", "-F", "#{window_index}#{window_bell_flag}"]);
        flags.contains("01").then_some(())
    });
}

#[test]
fn a_stopped_console_gives_the_terminal_back_and_goes_on_with_fg() {
    let tmux = Tmux::open(80, 20);
    tmux.command("before=$(stty -g)");
    let port = desk_in(&tmux, "");
    let mut alice = call(&port, "alice");
    tmux.types("not done");
    tmux.wait_for_last_row("1 alice> not done");
    tmux.press(&["C-z"]);
    tmux.wait_for("Stopped");
    tmux.command("stty -a | grep -o ' icanon\\| echo '");
    tmux.wait_for(" icanon\n echo");
    alice.say("are you still there?\n");
    tmux.command("fg");
    tmux.wait_for(" [1 alice] are you still there?");
    tmux.wait_for_last_row("1 alice> not done");
    // In the background it goes on showing, and leaves the terminal to the shell.
    tmux.press(&["C-z"]);
    tmux.wait_for_last_row("$");
    tmux.command("bg");
    alice.say("and now?\n");
    tmux.wait_for(" [1 alice] and now?");
    tmux.command("stty -a | grep -o ' icanon' | tr a-z A-Z");
    tmux.wait_for(" ICANON");
    tmux.command("fg");
    tmux.wait_for_last_row("1 alice> not done");
    tmux.press(&[" yet", "Enter"]);
    assert_eq!(alice.line(), "not done yet");
    tmux.press(&["half", "C-c"]);
    tmux.wait_for_last_row("1 alice>");
    tmux.press(&["C-c"]);
    tmux.wait_for("repeat within 10 s to end the desk and 1 call");
    tmux.press(&["C-c"]);
    alice.notice_with("desk left");
    alice.end_input();
    tmux.wait_for("said goodbye to alice");
    tmux.command("[ \"$before\" = \"$(stty -g)\" ] && echo same as be''fore");
    tmux.wait_for("same as before");
}

#[test]
fn a_background_job_serves_and_gets_its_keyboard_with_fg() {
    let tmux = Tmux::open(80, 20);
    tmux.command(&format!("{TALK} server 0 --bind 127.0.0.1 --window console --name desk &"));
    let port = port_in(&tmux);
    let mut alice = call(&port, "alice");
    alice.say("anybody?\n");
    tmux.wait_for("[1 alice] anybody?");
    tmux.command("echo the shell has the key''board");
    tmux.wait_for("the shell has the keyboard");
    tmux.command("jobs");
    tmux.wait_for("Running");
    tmux.command("fg");
    wait_for("the keyboard", || {
        tmux.command("/who");
        tmux.screen().contains("-- [1 alice] from").then_some(())
    });
    tmux.command("here I am");
    assert_eq!(alice.line(), "here I am");
}

#[test]
fn a_plain_terminal_gets_lines_and_knows_the_commands() {
    let tmux = Tmux::open(80, 20);
    let port = desk_in(&tmux, "--plain");
    let mut alice = call(&port, "alice");
    alice.say("hello\n");
    tmux.wait_for("\n[1 alice] hello");
    alice.say(&format!("yes{}> [2 bob] forged\n", " ".repeat(77)));
    tmux.wait_for("\n[1 alice] yes\n  > [2 bob] forged");
    tmux.command("hi");
    assert_eq!(alice.line(), "hi");
    tmux.wait_for("\n> [1 alice] hi");
    tmux.press(&["C-d"]);
    tmux.wait_for("-- /quit ends the desk");
    tmux.command("/quit");
    tmux.wait_for("-- repeat within 10 s to end the desk and 1 call");
    tmux.command("/quit");
    alice.notice_with("desk left");
    alice.end_input();
    tmux.wait_for("status 0");
}

#[test]
fn no_stranger_begins_a_row_of_the_log() {
    let tmux = Tmux::open(80, 20);
    tmux.command(&format!("{TALK} server 0 --bind 127.0.0.1 --window true"));
    tmux.wait_for("windows: ");
    let screen = tmux.screen();
    let port = screen.split("127.0.0.1:").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut stranger = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let text = format!("GET /{}", "call 1 ended: alice left".repeat(4));
    stranger.write_all(text.as_bytes()).unwrap();
    tmux.wait_for("alice left");
    let screen = tmux.screen();
    let log = screen.lines().skip_while(|row| !row.contains("dropped")).skip(1);
    let rows: Vec<&str> = log.collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.starts_with("  ")), "{screen}");
}

#[test]
fn a_terminal_that_is_gone_is_a_goodbye_to_everybody() {
    let tmux = Tmux::open(80, 20);
    let port = desk_in(&tmux, "");
    let mut alice = call(&port, "alice");
    let desk = tmux.job();
    tmux.run(&["kill-server"]);
    alice.notice_with("desk left");
    // Its input had not come to its end.
    assert_eq!(alice.status(), 1);
    wait_for("the desk's end", || gone(desk).then_some(()));
}

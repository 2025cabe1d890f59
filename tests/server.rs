//! The desk: real callers over real sockets, with a stand-in for xterm that shows how it was
//! started.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::{
    Desk, Listener, Program, Started, TALK, Window, connect, failure, frame, hello, read_frame,
    talk, wait_for,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A call from its beginning to its end.
fn complete_call(desk: &mut Desk) {
    let mut alice = desk.call("alice");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    desk.server.line_with("ended");
}

#[test]
fn a_call_gets_a_window_and_the_log_says_so() {
    let window = Window::answering("hello, alice\n");
    let mut desk = Desk::with_windows_of(&window);
    let before = desk.holdings();
    let mut alice = desk.call("alice");
    alice.say("one\ntwo\n");
    assert_eq!(alice.line(), "hello, alice");
    alice.end_input();
    assert_eq!(alice.status(), 0);

    let from = desk.server.line_with("from");
    assert!(from.starts_with("call 1 from 127.0.0.1:") && from.ends_with(" (alice)"), "{from}");
    assert_eq!(desk.server.line(), "call 1 window open");
    let end = desk.server.line();
    assert!(end.starts_with("call 1 ended: "), "{end}");
    assert_eq!(window.read("shown"), "one\ntwo\n");
    wait_for("the helper to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn the_window_is_started_with_just_these_arguments_and_descriptors() {
    let window = Window::new("env > \"$dir/env\"; handler \"$@\" < /dev/null");
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("al\u{202e}[31mice");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    desk.server.line_with("ended");

    let argv = window.read("argv");
    let argv: Vec<&str> = argv.lines().collect();
    let (options, command) = argv.split_at(argv.iter().position(|&word| word == "-e").unwrap());
    assert_eq!(options[..3], ["-u8", "-title", "al<U+202E>[31mice (call 1)"]);
    let switched_off: Vec<&str> =
        options[3..].iter().filter(|&&word| word != "-xrm").copied().collect();
    for feature in ["allowTitleOps", "allowColorOps", "allowTcapOps", "allowMouseOps"] {
        assert!(switched_off.contains(&format!("*{feature}: false").as_str()), "{switched_off:?}");
    }
    let [_, program, mode, number] = command else { panic!("{command:?}") };
    assert_eq!(
        (fs::canonicalize(program).unwrap(), *mode),
        (fs::canonicalize(TALK).unwrap(), "handler")
    );

    // "lr-x------ 1 user group 64 date time 5 -> socket:[4711]"
    let fds = window.read("fds");
    let inherited: Vec<(&str, &str)> = fds
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().unwrap(), target))
        // The shell that runs the stand-in keeps its script open, at a number from 10 up.
        .filter(|(_, target)| !target.ends_with("/xterm"))
        .filter(|(number, _)| number.parse::<u32>().unwrap() > 2)
        .collect();
    // The call, the link, and the pipe with the handover record.
    let env = window.read("env");
    let handover = env.lines().find_map(|line| line.strip_prefix("TALK_HANDOVER=")).unwrap();
    assert!(!env.contains("TALK_NAME"), "{env}");
    assert_eq!(inherited.len(), 3, "{fds}");
    let target = |number: &str| inherited.iter().find(|(fd, _)| *fd == number).unwrap().1;
    assert!(
        target(number).starts_with("socket:") && target(handover).starts_with("pipe:"),
        "{fds}"
    );
    // What the window prints is not the log's, and does not keep its reader waiting.
    let standard = fds.lines().filter(|line| line.ends_with(" -> /dev/null")).count();
    assert_eq!(standard, 3, "{fds}");
}

#[test]
fn the_window_starts_with_the_signals_as_any_program_expects_them() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    complete_call(&mut desk);
    let status = window.read("status");
    let signals = |field: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap()
    };
    let of =
        |signals: &[Signal]| signals.iter().fold(0, |set, &signal| set | 1 << (signal as u64 - 1));
    assert_eq!(signals("SigBlk:"), 0, "{status}");
    let ours =
        of(&[Signal::SIGPIPE, Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    assert_eq!(signals("SigIgn:") & ours, 0, "{status}");
}

#[test]
fn what_a_handler_needs_is_in_the_handover_record() {
    let window = Window::new("cat \"/proc/self/fd/$TALK_HANDOVER\" > \"$dir/record\"");
    let mut server = talk(&["server", "--name", "desk", "--window", "xterm", "--plain", "--bell"]);
    let mut desk = Desk::open(server.env("PATH", window.path()));
    let _alice = desk.call("alice");
    desk.server.line_with("ended");
    assert!(window.read("argv").contains("\nhandler\n"), "{}", window.read("argv"));
    assert!(!window.read("argv").contains("\n--"), "{}", window.read("argv"));
    let record = window.read("record");
    for part in ["D\0\x04desk", "C\0\x05alice", "127.0.0.1:", "S\0\x01\x03"] {
        assert!(record.contains(part), "{part:?} in {record:?}");
    }
}

#[test]
fn a_desk_that_is_stopped_holds_no_conversation_up_and_hears_of_every_end_later() {
    let (window, _keyboard) = Window::typing();
    let mut desk = Desk::with_windows_of(&window);
    let mut callers: Vec<Program> =
        (0..20).map(|number| desk.call(&format!("caller{number}"))).collect();
    for caller in &mut callers {
        caller.notice_with("desk answered");
    }
    desk.server.signal(Signal::SIGSTOP);
    for caller in &mut callers {
        caller.say("are you all right?\n");
        caller.end_input();
        assert_eq!(caller.status(), 0);
    }
    desk.server.signal(Signal::SIGCONT);
    for _ in &callers {
        let end = desk.server.line_with(" ended: ");
        assert!(end.ends_with(" left"), "{end}");
    }
}

#[test]
fn a_process_that_babbles_on_its_link_holds_nobody_up_and_ends_its_own_call_only() {
    // Frames of no meaning, as fast as they are taken, on every descriptor that is a link.
    let flood = "touch \"$dir/flooding\"; for fd in 3 4 5 6 7 8 9; do \
                 [ $fd = $3 ] || eval \"head -c 30000000 /dev/zero >&$fd\"; done 2> /dev/null";
    let window = Window::new(&format!(
        "case \"$(cat \"$dir/argv\")\" in *eve*) {flood};; \
         *) handler \"$@\" < /dev/null > /dev/null;; esac"
    ));
    let mut desk = Desk::with_windows_of(&window);
    let mut eve = desk.call("eve");
    wait_for("the flood", || window.file("flooding").exists().then_some(()));
    for number in 2..12 {
        let mut alice = desk.call("alice");
        alice.end_input();
        assert_eq!(alice.status(), 0);
        let end = desk.server.line_with(&format!("call {number} ended"));
        assert_eq!(end, format!("call {number} ended: alice left"));
    }
    eve.end_input();
    assert_eq!(eve.status(), 1);
    desk.server.line_with("call 1 ended: no window: it exited with status ");
}

#[test]
fn a_log_ends_with_its_desk_though_windows_are_open() {
    let (window, mut keyboard) = Window::typing();
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("alice");
    alice.notice_with("desk answered");
    desk.server.signal(Signal::SIGTERM);
    assert_eq!(desk.server.status(), 0);
    // These wait for the end of the pipes.
    desk.server.rest();
    desk.server.notices();
    keyboard.write_all(b"still here\n").unwrap();
    assert_eq!(alice.line(), "still here");
}

#[test]
fn a_helper_that_is_ended_while_it_checks_a_call_in_says_so() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut silent = desk.connect();
        let helper = wait_for("a helper", || crate::support::children(desk.server.pid()).pop());
        // It is in its own session once it waits for the caller.
        wait_for("the helper's session", || {
            (nix::unistd::getsid(Some(helper)) == Ok(helper)).then_some(())
        });
        nix::sys::signal::kill(helper, signal).unwrap();
        let said = format!("terminated by {signal}");
        assert_eq!(read_frame(&mut silent), (b'B', said.clone().into_bytes()));
        assert!(desk.server.line_with("dropped").ends_with(&said));
        drop(silent);
        wait_for("its end", || {
            crate::support::children(desk.server.pid()).is_empty().then_some(())
        });
    }
}

#[test]
fn every_caller_has_a_conversation_of_their_own() {
    let window = Window::new("handler \"$@\" < /dev/null > \"$dir/shown.$$\"");
    let mut desk = Desk::with_windows_of(&window);
    let before = desk.holdings();
    // Said at once: a handler whose input has ended leaves a caller who is silent for a second.
    let say = |number| {
        let mut caller = desk.call(&format!("caller{number}"));
        caller.say(&format!("I am {number}\n"));
        caller
    };
    let mut callers: Vec<Program> = (0..5).map(say).collect();
    for caller in &mut callers {
        caller.notice_with("desk answered");
    }
    for caller in &mut callers {
        caller.end_input();
        assert_eq!(caller.status(), 0);
    }
    for _ in &callers {
        desk.server.line_with("ended");
    }
    let shown = fs::read_dir(window.dir.path()).unwrap().map(|file| file.unwrap().path());
    let mut shown: Vec<String> = shown
        .filter(|path| path.to_string_lossy().contains("shown."))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    shown.sort();
    assert_eq!(shown, ["I am 0\n", "I am 1\n", "I am 2\n", "I am 3\n", "I am 4\n"]);
    wait_for("the helpers to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn a_file_arrives_byte_for_byte_in_both_directions_at_once() {
    let file: String =
        (0..60_000).map(|line| format!("{line} {}\n", "ä≠x".repeat(line % 40))).collect();
    let file = file + "no newline at the end";
    let back: String = (0..40_000).map(|line| format!("answer {line}\n")).collect();
    let window = Window::answering(&back);
    fs::write(window.file("file"), &file).unwrap();
    let desk = Desk::with_windows_of(&window);
    let output = talk(&["client", "127.0.0.1", &desk.port()])
        .stdin(fs::File::open(window.file("file")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        output.stdout == back.as_bytes(),
        "{} of {} bytes came back",
        output.stdout.len(),
        back.len()
    );
    let shown = window.read("shown");
    assert!(shown == file, "{} of {} bytes arrived", shown.len(), file.len());
}

#[test]
fn without_xterm_the_caller_is_told_and_the_desk_lives_on() {
    let empty = tempfile::TempDir::new().unwrap();
    let mut desk = Desk::open(talk(&["server", "--window", "xterm"]).env("PATH", empty.path()));
    let before = desk.holdings();
    for call in 1..=2 {
        let mut alice = desk.call("alice");
        assert_eq!(alice.status(), 1);
        alice.notice_with("the desk refused the call: the desk could not open a window");
        let end = desk.server.line_with("ended");
        assert_eq!(
            end,
            format!(
                "call {call} ended: no window: xterm is not on PATH; install it (Debian: apt install xterm)"
            )
        );
    }
    wait_for("the helpers to be reaped", || (desk.holdings() == before).then_some(()));
}

#[test]
fn an_xterm_that_ends_before_its_handler_began_is_reported() {
    let window = Window::new("exit 3");
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("alice");
    assert_eq!(alice.status(), 1);
    alice.notice_with("something answered and hung up");
    let end = desk.server.line_with("ended");
    assert_eq!(
        end,
        "call 1 ended: no window: it exited with status 3 before its handler said hello; \
         does DISPLAY name a display that you may use? Try it: xterm -e true"
    );
}

#[test]
fn a_handler_that_is_killed_ends_its_call_only() {
    let (window, _keyboard) = Window::typing();
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.call("alice");
    alice.notice_with("desk answered");
    assert_eq!(desk.server.line_with("window open"), "call 1 window open");
    kill(Pid::from_raw(window.read("pid").trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(alice.status(), 1);
    alice.notice_with("the connection to desk was lost");
    assert_eq!(desk.server.line(), "call 1 ended: its window was killed by SIGKILL");
    assert!(desk.server.is_running());
}

#[test]
fn strangers_open_no_window() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    for (said, complaint) in [
        (&b""[..], "hung up without a HELLO"),
        (b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n", "protocol error: "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "protocol error: "),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol error: "),
        (b"H\0\x07\x01\0al", "hung up without a HELLO"),
        (b"H\0\x03\x02\0x", "unsupported version 2"),
        (b"T\0\x01x", "; it began with \"T\\x00\\x01x\""),
        (b"H\x40\0\x01\0", "the first frame is not a HELLO"),
        (&[b'N'; 128], "protocol error: "),
    ] {
        let mut stranger = desk.connect();
        stranger.write_all(said).unwrap();
        stranger.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stranger.read_to_end(&mut Vec::new());
        let line = desk.server.line_with("dropped");
        assert!(line.contains(" from 127.0.0.1:") && line.contains(complaint), "{said:?}: {line}");
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    assert_eq!(window.read("argv"), "", "a window was opened");
}

#[test]
fn who_is_silent_or_slow_opens_no_window() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    let mut silent = desk.connect();
    silent.write_all(b"H\0").unwrap();
    let mut slow = desk.connect();
    let mut dribbled = slow.try_clone().unwrap();
    let dribble = thread::spawn(move || {
        for byte in hello(&"x".repeat(64)).chunks(1) {
            if dribbled.write_all(byte).is_err() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    for stranger in [&mut silent, &mut slow] {
        assert_eq!(read_frame(stranger), (b'B', b"no HELLO within 5 s".to_vec()));
        desk.server.line_with("dropped: no HELLO within 5 s");
    }
    drop((silent, slow));
    dribble.join().unwrap();
    assert_eq!(window.read("argv"), "", "a window was opened");
}

#[test]
fn a_flood_of_strangers_is_no_flood_of_lines() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    for _ in 0..200 {
        let mut stranger = desk.connect();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = stranger.read_to_end(&mut Vec::new());
    }
    let (mut lines, mut counted) = (0, 0);
    while counted < 200 {
        let line = desk.server.line();
        lines += 1;
        match line.split_once(" more call") {
            Some((count, _)) => counted += count.parse::<usize>().unwrap(),
            None if line.contains(" from ") => counted += 1,
            None => {}
        }
    }
    assert_eq!(counted, 200);
    assert!(lines < 40, "{lines} lines");
    // The caller receives its lines all the while.
    let mut alice = desk.call("alice");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    desk.server.line_with("(alice)");
    desk.server.line_with("ended: alice left");
}

#[test]
fn a_hello_may_come_byte_by_byte_and_with_more_behind_it() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    let mut alice = desk.connect();
    alice.set_nodelay(true).unwrap();
    for byte in hello("alice") {
        alice.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_frame(&mut alice), (b'H', b"\x01\x08desk".to_vec()));
    let mut eager = desk.connect();
    eager
        .write_all(&[hello("bob"), frame(b'T', &[b'x'; 5000]), frame(b'B', b"")].concat())
        .unwrap();
    assert_eq!(read_frame(&mut eager).0, b'H');
    assert_eq!(read_frame(&mut eager).0, b'B');
    assert!(desk.server.line_with("(bob)").starts_with("call 2"));
}

#[test]
fn a_name_from_the_network_cannot_write_the_log() {
    let window = Window::answering("");
    let mut desk = Desk::with_windows_of(&window);
    let mut liar = desk.connect();
    liar.write_all(&[hello("x)\ncall 9 from \u{1b}[2J"), frame(b'B', b"bye\r\ncall 8")].concat())
        .unwrap();
    let line = desk.server.line_with("call 1 from");
    assert!(line.ends_with(" (x)^Jcall 9 from ^[[2J)"), "{line}");
    assert_eq!(desk.server.line(), "call 1 window open");
    let end = desk.server.line();
    assert_eq!(end, "call 1 ended: x)^Jcall 9 from ^[[2J left: bye^M^Jcall 8");
}

#[test]
fn stopping_the_desk_leaves_conversations_alone() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (window, mut keyboard) = Window::typing();
        // No other test has ports of this address, so nobody takes this one once it is free.
        let host = "127.8.25.5";
        let mut server = talk(&["server", "0", "--bind", host, "--window", "xterm"]);
        let mut desk = Desk::of(Program::start(server.env("PATH", window.path())));
        let mut alice = Program::start(&mut talk(&["client", host, &desk.port()]));
        alice.notice_with(" answered");
        desk.server.line_with("window open");
        desk.server.signal(signal);
        assert_eq!(desk.server.status(), 0);
        TcpListener::bind(desk.address).expect("the port is free again");
        keyboard.write_all(b"still here\n").unwrap();
        assert_eq!(alice.line(), "still here");
        alice.end_input();
        assert_eq!(alice.status(), 0);
    }
}

#[test]
fn a_desk_that_cannot_listen_says_what_to_do() {
    let taken = Listener::open();
    let port = taken.address().port();
    let (status, error) = failure(&mut talk(&["server", &port.to_string(), "--bind", "127.0.0.1"]));
    assert_eq!(status, 1);
    assert_eq!(
        error,
        format!("talk: port {port} is taken; pick another: talk server {}", port + 1)
    );
    let (status, error) = failure(&mut talk(&["server", "0", "--bind", "192.0.2.1"]));
    assert_eq!(status, 1);
    assert_eq!(error, "talk: 192.0.2.1 is not an address of this machine; 'ip address' lists them");
}

#[test]
fn it_listens_on_ipv4_and_ipv6_alike() {
    let window = Window::answering("");
    let mut server = Program::start(
        talk(&["server", "0", "--name", "desk", "--window", "xterm"]).env("PATH", window.path()),
    );
    let line = server.line();
    let port = line.strip_prefix("listening on [::]:").expect("a dual-stack address");
    for host in ["127.0.0.1", "::1", "localhost"] {
        let mut caller = Program::start(&mut talk(&["client", host, port]));
        caller.end_input();
        assert_eq!(caller.status(), 0, "{host}: {:?}", caller.notices());
    }
    assert!(
        server.line_with("call 1 from").contains(" 127.0.0.1:"),
        "an IPv4 caller is shown as one"
    );
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let window = Window::answering("");
    let server = ["server", "0", "--bind", "127.0.0.1", "--window", "xterm", "--max-calls", "2000"];
    let mut server = Started::new(talk(&server).env("PATH", window.path()).stdout(Stdio::piped()));
    let mut log = BufReader::new(server.stdout.take().unwrap());
    let mut first = String::new();
    log.read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
    // Each of these costs a line of some 90 bytes; a pipe holds 64 KiB.
    for _ in 0..1000 {
        connect(address).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    }
    let mut alice = connect(address);
    alice.write_all(&hello("alice")).unwrap();
    assert_eq!(read_frame(&mut alice).0, b'H');
    drop(log);
    let mut bob = connect(address);
    bob.write_all(&hello("bob")).unwrap();
    assert_eq!(read_frame(&mut bob).0, b'H', "the desk outlives the reader of its log");
}

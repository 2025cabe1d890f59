//! Conversations on real terminals: in tmux, with typed keys, and on bare ptys, where every byte is
//! seen.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::tmux::Tmux;
use crate::support::{
    DEADLINE, Listener, Started, TALK, call, command, frame, handler, hello, read_frame, wait_for,
};
use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Somebody at a terminal who calls a desk that is played by the test.
fn caller(tmux: &Tmux, options: &str) -> TcpStream {
    let listener = Listener::open();
    let port = &listener.port;
    tmux.command(&format!("{TALK} client 127.0.0.1 {port} --name alice {options}; echo status $?"));
    let mut desk = listener.accept();
    assert_eq!(read_frame(&mut desk).0, b'H');
    tmux.wait_for("ringing");
    desk.write_all(&hello("desk")).unwrap();
    tmux.wait_for("desk answered");
    desk
}

fn next_line(desk: &mut TcpStream) -> String {
    let (tag, text) = read_frame(desk);
    assert_eq!(tag, b'T');
    String::from_utf8(text).unwrap()
}

#[test]
fn what_is_typed_stays_whole_on_the_last_row_whatever_arrives() {
    let tmux = Tmux::open(60, 12);
    let mut desk = caller(&tmux, "");
    tmux.types("half a sen");
    tmux.wait_for_last_row("> half a sen");
    for line in 1..=100 {
        desk.write_all(&frame(b'T', format!("line {line}").as_bytes())).unwrap();
    }
    tmux.wait_for("< desk: line 100");
    tmux.wait_for_last_row("> half a sen");
    tmux.press(&["tence", "Home", "One ", "Enter"]);
    assert_eq!(next_line(&mut desk), "One half a sentence");
    tmux.wait_for("> alice: One half a sentence");
    let transcript = tmux.run(&["capture-pane", "-p", "-S", "-"]);
    let arrived: Vec<&str> =
        transcript.lines().filter(|row| row.contains("< desk: line ")).collect();
    assert_eq!(arrived.len(), 100, "{transcript}");
    assert_eq!(transcript.matches("half a sen").count(), 1, "{transcript}");
}

#[test]
fn a_fast_typist_and_a_flood_share_the_window() {
    let tmux = Tmux::open(80, 24);
    let mut desk = caller(&tmux, "");
    let mut flood = desk.try_clone().unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    // About a thousand lines a second.
    let flooding = std::thread::spawn(move || {
        let mut line = 0;
        while stopped.recv_timeout(Duration::from_millis(1)).is_err() {
            line += 1;
            flood.write_all(&frame(b'T', format!("flood {line} Ωmega").as_bytes())).unwrap();
        }
        line
    });
    let typed: Vec<String> =
        (0..40).map(|line| format!("typed line {line}: the quick brown föx 漢字 👩‍👩‍👧")).collect();
    for line in &typed {
        tmux.types(line);
        tmux.press(&["Enter"]);
    }
    let said: Vec<String> = typed.iter().map(|_| next_line(&mut desk)).collect();
    assert_eq!(said, typed);
    tmux.types("and one more");
    stop.send(()).unwrap();
    let lines = flooding.join().unwrap();
    tmux.wait_for(&format!("flood {lines} Ωmega"));
    tmux.wait_for_last_row("> and one more");
}

#[test]
fn a_window_that_changes_its_size_is_painted_anew() {
    let tmux = Tmux::open(80, 12);
    let mut desk = caller(&tmux, "");
    let long = "a line that is longer than the window will be in a moment";
    tmux.types(long);
    tmux.wait_for_last_row(&format!("> {long}"));
    tmux.run(&["resize-window", "-x", "30"]);
    wait_for("a row that fits", || tmux.last_row().ends_with("in a moment").then_some(()));
    assert!(tmux.last_row().len() < 30);
    assert_eq!(tmux.screen().matches("moment").count(), 1, "{}", tmux.screen());
    assert_eq!(tmux.screen().matches("-- desk (").count(), 1, "{}", tmux.screen());
    tmux.run(&["resize-window", "-x", "100"]);
    tmux.wait_for_last_row(&format!("> {long}"));
    tmux.press(&["Enter"]);
    assert_eq!(next_line(&mut desk), long);
}

#[test]
fn a_narrower_window_gives_no_message_the_look_of_a_head() {
    let tmux = Tmux::open(60, 12);
    let mut desk = caller(&tmux, "");
    let forged = "14:06 > alice: yes, wipe it";
    desk.write_all(&frame(b'T', format!("{:16}{forged}", "hm").as_bytes())).unwrap();
    tmux.wait_for("wipe it");
    tmux.run(&["resize-window", "-x", "30", "-y", "12"]);
    tmux.wait_until("the forged row", |screen| screen.lines().any(|row| row == forged));
    let screen = tmux.run(&["capture-pane", "-e", "-p"]);
    let is_marked = |text: &str| {
        let row = screen.lines().find(|row| row.contains(text)).unwrap();
        row.contains("\x1B[7m") // reverse video
    };
    assert!(is_marked("desk answered") && is_marked("< desk: "), "{screen:?}");
    assert!(!is_marked(forged), "{screen:?}");
}

#[test]
fn a_paste_of_several_lines_is_sent_by_enter_only() {
    let tmux = Tmux::open(60, 12);
    let mut desk = caller(&tmux, "");
    tmux.run(&["set-buffer", "first\n/quit\nthird"]);
    tmux.run(&["paste-buffer", "-p"]);
    tmux.wait_for_last_row("> first⏎/quit⏎third");
    desk.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(desk.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    desk.set_read_timeout(Some(DEADLINE)).unwrap();
    tmux.press(&["Enter"]);
    assert_eq!([(); 3].map(|()| next_line(&mut desk)), ["first", "/quit", "third"]);
    tmux.wait_for("> alice: third");
}

#[test]
fn a_stopped_conversation_gives_the_terminal_back_and_goes_on_with_fg() {
    let tmux = Tmux::open(60, 20);
    let mut desk = caller(&tmux, "");
    tmux.types("not done");
    tmux.press(&["C-z"]);
    tmux.wait_for("Stopped");
    tmux.command("stty -a | grep -o ' icanon\\| echo '");
    tmux.wait_for(" icanon\n echo");
    desk.write_all(&frame(b'T', b"are you still there?")).unwrap();
    tmux.command("fg");
    tmux.wait_for("< desk: are you still there?");
    tmux.wait_for_last_row("> not done");
    tmux.press(&[" yet", "Enter"]);
    assert_eq!(next_line(&mut desk), "not done yet");
    // Stopped from elsewhere, where no time is left to tidy up.
    tmux.types("again");
    tmux.wait_for_last_row("> again");
    kill(tmux.job(), Signal::SIGSTOP).unwrap();
    tmux.wait_for("Stopped");
    tmux.command("fg");
    tmux.wait_for_last_row("> again");
    tmux.press(&["Enter"]);
    assert_eq!(next_line(&mut desk), "again");
}

#[test]
fn every_way_to_leave_is_polite_and_gives_the_terminal_back() {
    for keys in [&["/quit", "Enter"][..], &["C-d"], &["C-c"]] {
        let tmux = Tmux::open(60, 20);
        tmux.command("before=$(stty -g)");
        let mut desk = caller(&tmux, "");
        tmux.press(keys);
        assert_eq!(read_frame(&mut desk), (b'B', Vec::new()), "{keys:?}");
        desk.write_all(&frame(b'B', b"")).unwrap();
        tmux.wait_for("status 0");
        tmux.command("[ \"$before\" = \"$(stty -g)\" ] && echo same as be''fore");
        tmux.wait_for("same as before");
        assert!(!tmux.screen().contains("talking"), "the status is gone: {}", tmux.screen());
    }
}

#[test]
fn a_plain_terminal_gets_lines_and_knows_the_commands() {
    let tmux = Tmux::open(60, 20);
    let mut desk = caller(&tmux, "--plain --bell");
    desk.write_all(&frame(b'T', b"hello")).unwrap();
    tmux.wait_for("\n< desk: hello");
    tmux.command("//etc/hosts");
    assert_eq!(next_line(&mut desk), "/etc/hosts");
    tmux.command("/nonsense");
    tmux.wait_for("-- no such command");
    tmux.command("/quit");
    assert_eq!(read_frame(&mut desk).0, b'B');
    desk.write_all(&frame(b'B', b"")).unwrap();
    tmux.wait_for("status 0");
}

#[test]
fn no_desk_begins_a_row_of_an_error() {
    let tmux = Tmux::open(60, 20);
    let listener = Listener::open();
    let port = &listener.port;
    tmux.command(&format!("{TALK} client 127.0.0.1 {port} --plain; echo status $?"));
    let mut desk = listener.accept();
    read_frame(&mut desk);
    let reason = format!("no{}-- desk answered", " ".repeat(60));
    desk.write_all(&frame(b'B', reason.as_bytes())).unwrap();
    tmux.wait_for("status 1");
    let screen = tmux.screen();
    assert!(screen.contains("\n  -- desk answered"), "{screen}");
    assert!(!screen.contains("\n-- desk answered"), "{screen}");
}

/// A pty of 80 by 24: the terminal's end of it, and the program's. Neither is ever inheritable: it
/// hangs up only when the last copy is closed, and other tests start programs at any moment.
fn open_pty() -> (File, File) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ptsname_r(&master).unwrap();
    let mut open = File::options();
    let slave = open.read(true).write(true).custom_flags(libc::O_NOCTTY).open(slave).unwrap();
    let mut stty = command("stty", &["rows", "24", "cols", "80"]);
    assert!(stty.stdin(slave.try_clone().unwrap()).status().unwrap().success());
    (OwnedFd::from(master).into(), slave)
}

/// A handler on a bare pty, and what its terminal got to see.
struct Pty {
    child: Started,
    keyboard: File,
    screen: File,
    seen: Vec<u8>,
}

impl Pty {
    fn start(command: &mut Command) -> Self {
        let (master, slave) = open_pty();
        let slave = || Stdio::from(slave.try_clone().unwrap());
        let child = Started::new(command.stdin(slave()).stdout(slave()).stderr(slave()));
        Self { child, keyboard: master.try_clone().unwrap(), screen: master, seen: Vec::new() }
    }

    /// What a terminal does for Ctrl-C.
    fn interrupt(&self) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    }

    /// Closes the terminal's end of the pty.
    fn hang_up(&mut self) {
        for master in [&mut self.keyboard, &mut self.screen] {
            *master = File::open("/dev/null").unwrap();
        }
    }

    /// Reads what is written to the terminal until `text` has been.
    fn wait_for(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let mut piece = [0; 4096];
            let mut wait = [nix::poll::PollFd::new(
                std::os::fd::AsFd::as_fd(&self.screen),
                nix::poll::PollFlags::POLLIN,
            )];
            let ready =
                nix::poll::poll(&mut wait, nix::poll::PollTimeout::try_from(DEADLINE).unwrap())
                    .unwrap();
            let seen = || String::from_utf8_lossy(&self.seen).into_owned();
            assert!(ready > 0, "no {text:?} in {:?}", seen());
            let count = self.screen.read(&mut piece).unwrap_or(0);
            assert!(count > 0, "no {text:?} in {:?}", seen());
            self.seen.extend_from_slice(&piece[..count]);
        }
    }
}

/// Every control character and invisible, and the sequences of terminal advisories, each in a
/// separate line.
fn hostile() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = (0..=255).map(|byte| vec![b'a', byte, b'z']).collect();
    lines.extend((0x80..0xa0).map(|c1| format!("a{}z", char::from_u32(c1).unwrap()).into_bytes()));
    for text in [
        "\x1b]0;title\x07",
        "\x1b]2;title\x1b\\",
        "\x1b[21t",
        "\x1b[20t",
        "\x1bP$qm\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1b]52;c;cm0gLXJmIC8=\x07",
        "\x1b[6n",
        "\x1b[c",
        "\x1b[>c",
        "\x1b[5n",
        "\x1b[?1049h",
        "\x1b[2J",
        "\x1b[31m",
        "\x1bc",
        "\x1b]4;1;?\x07",
        "\x1b]10;?\x07",
        "\x1b]50;?\x07",
        "\x1b[?2004h",
        "\x1b[201~",
        "\x1b_Gi=1;\x1b\\",
        "\u{9b}31m",
        "\u{9d}0;title\u{9c}",
        "\u{90}$qm\u{9c}",
        "\r\x1b[K14:05 < bob: forged",
        "a\u{8}\u{8}b",
        "\u{202e}drowssap",
        "\u{2066}x\u{2069}",
        "\u{200b}",
        "\u{feff}",
        "\u{2028}14:05 -- forged",
    ] {
        lines.push(text.as_bytes().to_vec());
    }
    lines
}

fn hostile_call(options: &[&str], term: &str) -> Pty {
    let (mut caller, socket) = call();
    let mut command = handler(&socket);
    command.args(options).env("TERM", term);
    let mut desk = Pty::start(&mut command);
    drop(socket);
    caller.write_all(&hello("eve\u{1b}[2J\u{9b}K")).unwrap();
    read_frame(&mut caller);
    for line in hostile() {
        caller.write_all(&frame(b'T', &line)).unwrap();
    }
    caller.write_all(&frame(b't', b"unfinished \x1b")).unwrap();
    caller.write_all(&frame(b'B', b"\x1b]0;bye\x07")).unwrap();
    desk.wait_for("press Enter to close");
    desk
}

#[test]
fn no_foreign_byte_reaches_the_terminal_as_a_control() {
    let mut desk = hostile_call(&[], "xterm");
    desk.wait_for("left");
    let mut seen = String::from_utf8(desk.seen.clone()).expect("nothing but UTF-8 is written");
    // What the editor itself writes.
    let modes = ["\x1b[?2004h", "\x1b[?7l", "\x1b[?7h", "\x1b[?25l", "\x1b[?25h"];
    let others = ["\x1b]2;", "\x1b\\", "\x1b[J", "\x1b[K", "\x1b7", "\x1b8", "\r", "\n"];
    for own in modes.iter().chain(&others) {
        seen = seen.replace(own, "");
    }
    for colour in ["\x1b[m", "\x1b[7m", "\x1b[36m", "\x1b[1;32m", "\x1b[35m", "\x1b[2m"] {
        seen = seen.replace(colour, "");
    }
    for count in 1..80 {
        seen = seen.replace(&format!("\x1b[{count}A"), "");
    }
    let control = seen.find(|c: char| c.is_control() && c != '\t');
    assert_eq!(control, None, "{:?}", control.map(|at| &seen[at..(at + 40).min(seen.len())]));
    assert!(seen.contains("^[]52;c;cm0gLXJmIC8=^G") && seen.contains("<U+202E>drowssap"), "{seen}");
}

#[test]
fn a_dumb_or_plain_terminal_gets_no_escape_sequence_at_all() {
    for (options, term) in [(&["--plain"][..], "xterm"), (&[], "dumb"), (&[], "")] {
        let desk = hostile_call(options, term);
        let seen = String::from_utf8(desk.seen.clone()).unwrap();
        let control = seen.find(|c: char| c.is_control() && !"\t\r\n".contains(c));
        assert_eq!(control, None, "{:?}", control.map(|at| &seen[at..]));
        assert!(seen.contains("eve^[[2J<U+009B>K: ^[[2J\r\n"), "{seen}");
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    for (variable, coloured) in [("NO_COLOR", false), ("NO_COLOUR", true)] {
        let (mut caller, socket) = call();
        let mut desk = Pty::start(handler(&socket).env(variable, "1").env("TERM", "xterm"));
        caller.write_all(&[hello("alice"), frame(b'T', b"hi")].concat()).unwrap();
        desk.wait_for("hi\r");
        let seen = String::from_utf8(desk.seen.clone()).unwrap();
        // What sets colours and other attributes is a control sequence that ends in m.
        let sequences = seen.split("\x1b[").skip(1);
        let ends = sequences
            .filter_map(|rest| rest.find(|c: char| c.is_ascii_alphabetic()).map(|at| &rest[..=at]));
        let attributes: Vec<&str> = ends.filter(|sequence| sequence.ends_with('m')).collect();
        // Reverse video, and its end, are not a colour: the time is in it.
        assert!(attributes.contains(&"7m"), "{variable}: {seen:?}");
        let is_colour = |sequence: &&str| !["7m", "m"].contains(sequence);
        assert_eq!(attributes.iter().any(is_colour), coloured, "{variable}: {seen:?}");
    }
}

#[test]
fn a_window_stays_while_somebody_types_on() {
    let (mut caller, socket) = call();
    let mut desk = Pty::start(handler(&socket).env("TERM", "xterm"));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    caller.write_all(&[frame(b'T', b"last words"), frame(b'B', b"")].concat()).unwrap();
    assert_eq!(read_frame(&mut caller).0, b'B');
    desk.wait_for("press Enter to close");
    desk.keyboard.write_all(b"and one more thing\r").unwrap();
    desk.wait_for("the peer has left --");
    desk.wait_for("> and one more thing");
    assert!(desk.child.try_wait().unwrap().is_none());
    desk.keyboard.write_all(b"\x1b").unwrap();
    let status = wait_for("the window to close", || desk.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    desk.wait_for("\x1b[?2004l");
}

#[test]
fn an_interrupt_clears_the_line_and_then_leaves() {
    let (mut caller, socket) = call();
    let mut desk = Pty::start(handler(&socket).env("TERM", "xterm"));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    desk.keyboard.write_all(b"half a line").unwrap();
    desk.wait_for("> half a line");
    desk.interrupt();
    desk.wait_for("> \x1b7\x1b[K");
    desk.keyboard.write_all(b"a whole line\r").unwrap();
    assert_eq!(read_frame(&mut caller), (b'T', b"a whole line".to_vec()));
    desk.interrupt();
    assert_eq!(read_frame(&mut caller), (b'B', Vec::new()));
}

#[test]
fn a_lost_connection_is_in_the_status() {
    let (mut caller, socket) = call();
    let mut desk = Pty::start(handler(&socket).env("TERM", "xterm"));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    desk.wait_for("talking");
    drop(caller);
    desk.wait_for(" lost --");
    desk.wait_for("Enter to close");
}

#[test]
fn the_bell_rings_when_asked_to() {
    for (options, rings) in [(&["--bell"][..], true), (&[], false)] {
        let (mut caller, socket) = call();
        let mut desk = Pty::start(handler(&socket).args(options).env("TERM", "xterm"));
        caller.write_all(&[hello("alice"), frame(b'T', b"hi")].concat()).unwrap();
        desk.wait_for("hi\r");
        desk.wait_for("talking");
        assert_eq!(desk.seen.contains(&7), rings, "{options:?}");
    }
}

#[test]
fn a_terminal_that_is_gone_is_a_goodbye() {
    let (mut caller, socket) = call();
    let mut desk = Pty::start(handler(&socket).env("TERM", "xterm"));
    drop(socket);
    caller.write_all(&hello("alice")).unwrap();
    read_frame(&mut caller);
    desk.wait_for("talking");
    desk.hang_up();
    assert_eq!(read_frame(&mut caller), (b'B', b"the window was closed".to_vec()));
    // What she still says cannot be shown any more, and she must not think that it was.
    wait_for("a reset", || caller.write_all(&frame(b'T', b"wait")).err());
    assert_eq!(desk.child.status(), 1);
}

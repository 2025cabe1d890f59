//! Windows that do not inherit the call: tmux, terminals that are clients of a daemon, and any
//! other command; and desks behind other listeners.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use crate::support::display::Display;
use crate::support::network::{DESK, network};
use crate::support::tmux::Tmux;
use crate::support::{
    DEADLINE, Desk, MARK, Program, Started, TALK, Window, as_root, as_user, children, command,
    connect, copy_for_everybody, failure, frame, hello, read_frame, talk, wait_for,
};
use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

/// A desk whose windows are opened in a tmux without sessions.
fn desk_in(tmux: &Tmux) -> Desk {
    let mut server = talk(&["server", "--name", "desk", "--window", "tmux"]);
    Desk::open(server.env("TMUX_TMPDIR", tmux.path()).env("LC_ALL", "C.UTF-8"))
}

#[test]
fn a_session_is_made_on_demand_with_a_window_for_each_call() {
    let sessions = Tmux::new();
    let mut desk = desk_in(&sessions);
    assert_eq!(desk.server.line(), "windows: in tmux; attach with: tmux attach -t talk");
    let before = desk.holdings();
    let mut alice = desk.call("alice");
    alice.notice_with("desk answered");
    let mut bob = desk.call("bob #(touch /tmp/never) #{pid}");
    bob.notice_with("desk answered");
    desk.server.line_with("call 2 window open");
    let windows = sessions.run(&["list-windows", "-t", "talk", "-F", "#{window_name}"]);
    assert_eq!(windows, "alice (call 1)\nbob ♯(touch /tmp/never) ♯{pid} (call 2)\n");

    sessions.run(&["send-keys", "-t", "talk:alice", "-l", "from the desk"]);
    sessions.run(&["send-keys", "-t", "talk:alice", "Enter"]);
    assert_eq!(alice.line(), "from the desk");
    alice.say("from alice\n");
    wait_for("alice's line", || {
        sessions
            .run(&["capture-pane", "-p", "-t", "talk:alice"])
            .contains("< alice: from alice")
            .then_some(())
    });

    sessions.run(&["kill-window", "-t", "talk:alice"]);
    alice.notice_with("desk left: the window was closed");
    // Its input had not come to its end.
    assert_eq!(alice.status(), 1);
    assert_eq!(desk.server.line_with("ended"), "call 1 ended: said goodbye to alice");

    sessions.run(&["kill-server"]);
    bob.notice_with("desk left: the window was closed");
    bob.end_input();
    bob.status();
    wait_for("the helpers to be reaped", || (desk.holdings() == before).then_some(()));

    // The session is created again.
    let mut carol = desk.call("carol");
    carol.notice_with("desk answered");
    let windows = sessions.run(&["list-windows", "-t", "talk", "-F", "#{window_name}"]);
    assert_eq!(windows, "carol (call 3)\n");
}

#[test]
fn inside_tmux_the_windows_open_around_the_server() {
    let tmux = Tmux::open(80, 24);
    tmux.command(&format!("env -u DISPLAY {TALK} server 0 --bind 127.0.0.1 --name desk"));
    tmux.wait_for("windows: in this tmux session, one for each call");
    let screen = tmux.screen();
    let address =
        screen.lines().find_map(|row| row.strip_prefix("listening on ")).unwrap().parse().unwrap();
    let mut alice = connect(address);
    alice.write_all(&hello("alice")).unwrap();
    assert_eq!(read_frame(&mut alice), (b'H', b"\x01\x08desk".to_vec()));
    tmux.wait_for("call 1 window open");
    assert!(
        tmux.run(&["list-windows", "-F", "#{window_name} #{window_active}"])
            .contains("alice (call 1) 0")
    );
    alice.write_all(&frame(b'T', b"hello")).unwrap();
    wait_for("the activity in the status line", || {
        let flags = tmux.run(&["list-windows", "-F", "#{window_name} #{window_activity_flag}"]);
        flags.contains("alice (call 1) 1").then_some(())
    });
    tmux.run(&["select-window", "-t", ":alice"]);
    tmux.wait_for("< alice: hello");
    tmux.command("hello yourself");
    assert_eq!(read_frame(&mut alice), (b'T', b"hello yourself".to_vec()));
}

/// A desk whose windows are opened by `command`.
fn desk_with(command: &str, runtime: &TempDir) -> Desk {
    let mut server = talk(&["server", "--name", "desk", "--window", command]);
    Desk::open(server.env("XDG_RUNTIME_DIR", runtime.path()))
}

#[test]
fn any_command_opens_a_window() {
    let (dir, runtime) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let title = dir.path().join("the title");
    // As a terminal that hands its program to a daemon and is done.
    let command = format!(
        "sh -c 'printf %s \"$1\" > \"$0\"; shift; \"$@\" < /dev/null > /dev/null &' '{}' %t",
        title.display()
    );
    let mut desk = desk_with(&command, &runtime);
    let before = desk.holdings();
    let mut alice = desk.call("alice; \"$(id)\"");
    alice.notice_with("desk answered");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    assert_eq!(fs::read_to_string(title).unwrap(), "alice; \"$(id)\" (call 1)");
    desk.server.line_with("ended");
    wait_for("the helper to be reaped", || (desk.holdings() == before).then_some(()));
    assert_eq!(fs::read_dir(runtime.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn without_a_runtime_directory_calls_are_offered_in_the_temporary_one() {
    let temporary = TempDir::new().unwrap();
    for missing in ["", "/no/such/place"] {
        let command = "sh -c '\"$@\" < /dev/null &' sh";
        let mut server = talk(&["server", "--name", "desk", "--window", command]);
        server.env("XDG_RUNTIME_DIR", missing).env("TMPDIR", temporary.path());
        let desk = Desk::open(&mut server);
        let mut alice = desk.call("alice");
        alice.notice_with("desk answered");
        alice.end_input();
        assert_eq!(alice.status(), 0);
    }
}

#[test]
fn what_a_killed_helper_leaves_behind_is_swept_by_the_next_desk() {
    let runtime = TempDir::new().unwrap();
    let window = "sh -c 'exec sleep 2'";
    let desk = desk_with(window, &runtime);
    let _alice = desk.call("alice");
    let offers = || fs::read_dir(runtime.path()).unwrap().count();
    wait_for("the offer", || (offers() == 1).then_some(()));
    kill(children(desk.server.pid())[0], Signal::SIGKILL).unwrap();
    wait_for("the helper's end", || children(desk.server.pid()).is_empty().then_some(()));
    assert_eq!(offers(), 1);
    drop(desk);
    let _next = desk_with(window, &runtime);
    assert_eq!(offers(), 0);
}

#[test]
fn a_command_that_fails_is_reported_to_both_ends() {
    let runtime = TempDir::new().unwrap();
    let mut desk = desk_with("sh -c 'exit 3'", &runtime);
    let mut alice = desk.call("alice");
    assert_eq!(alice.status(), 1);
    alice.notice_with("the desk could not open a window");
    let end = desk.server.line_with("ended");
    assert_eq!(
        end,
        "call 1 ended: no window: the terminal failed (exit status: 3) before its handler started; \
         try it in a shell"
    );
    let (status, error) = failure(&mut talk(&["server", "0", "--window", "no-such-terminal -e"]));
    assert_eq!(status, 2);
    assert!(error.contains("no program 'no-such-terminal' is on PATH"), "{error}");
}

#[test]
fn a_window_that_never_says_hello_is_given_up() {
    let runtime = TempDir::new().unwrap();
    let mut desk = desk_with("sh -c 'exec sleep 600'", &runtime);
    let before = desk.holdings();
    let mut alice = desk.call("alice");
    alice.notice_with("the desk could not open a window");
    assert_eq!(alice.status(), 1);
    assert_eq!(
        desk.server.line_with("ended"),
        "call 1 ended: no window: no handler claimed the call within 20 s; \
         does the terminal run the command in its last arguments?"
    );
    wait_for("the helper to be reaped", || (desk.holdings() == before).then_some(()));
    assert_eq!(fs::read_dir(runtime.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn nobody_but_the_same_user_claims_a_call() {
    as_root(|| {
        let (dir, runtime) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let path = dir.path().join("path");
        let command = format!(
            "sh -c 'printf %s \"$3\" > \"$0.new\" && mv \"$0.new\" \"$0\"' '{}'",
            path.display()
        );
        let desk = desk_with(&command, &runtime);
        let mut alice = desk.call("alice");
        let offered = wait_for("the offer", || fs::read_to_string(&path).ok());
        let directory = std::path::Path::new(&offered).parent().unwrap();
        assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);

        // Even somebody whom the directory would let in is refused by the kernel's word on who they
        // are.
        for open in [runtime.path(), directory, offered.as_ref()] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let (_dir, copy) = copy_for_everybody();
        let mut stranger = as_user(65534, copy);
        stranger.args(["handler", &offered]).env("TALK_NAME", "eve");
        let (status, error) = failure(&mut stranger);
        assert_eq!(status, 1);
        assert!(error.contains("is offered by another user; only they can claim it"), "{error}");
        let mut handler = Program::start(&mut talk(&["handler", &offered]));
        alice.notice_with("desk answered");
        handler.say("hello\n");
        assert_eq!(alice.line(), "hello");
        let (status, _) = failure(&mut talk(&["handler", &offered]));
        assert_eq!(status, 1, "a call is claimed once");
        alice.end_input();
        assert_eq!(alice.status(), 0);
    });
}

#[test]
fn terminals_of_both_kinds_work_on_a_display() {
    let (display, runtime) = (Display::open(), TempDir::new().unwrap());
    let socket = runtime.path().join("urxvt");
    let mut daemon = command("urxvtd", &["--quiet", "--opendisplay"]);
    daemon.env("DISPLAY", &display.name).env("RXVT_SOCKET", &socket);
    let _daemon = Started::new(&mut daemon);
    wait_for("the terminal's daemon", || socket.exists().then_some(()));
    for command in ["urxvtc -title %t -e", "xterm -title %t -e"] {
        let mut server = talk(&["server", "--name", "desk", "--window", command]);
        server
            .env("DISPLAY", &display.name)
            .env("RXVT_SOCKET", &socket)
            .env("XDG_RUNTIME_DIR", runtime.path());
        let desk = Desk::open(&mut server);
        let mut alice = desk.call("alice");
        alice.notice_with("desk answered");
        display.type_into(&display.wait_for_window("alice"), "typed at the desk\n");
        assert_eq!(alice.line(), "typed at the desk", "{command}");
        alice.end_input();
        assert_eq!(alice.status(), 0, "{command}");
        display.close_window("alice");
    }
}

#[test]
fn it_works_behind_tcpserver() {
    let window = Window::answering("hello from behind\n");
    let script = format!("exec xterm -e {TALK} handler 3 3<&0");
    let mut tcpserver =
        command("tcpserver", &["-1", "-RHl0", "127.0.0.1", "0", "sh", "-c", &script]);
    let mut tcpserver = Program::start(tcpserver.env("PATH", window.path()));
    let port = tcpserver.line();
    let mut alice = Program::start(&mut talk(&["client", "127.0.0.1", &port, "--name", "alice"]));
    assert_eq!(alice.line(), "hello from behind");
    alice.say("thank you\n");
    alice.end_input();
    assert_eq!(alice.status(), 0);
    wait_for("the last line", || (window.read("shown") == "thank you\n").then_some(()));
}

fn expect_answer(address: SocketAddr) {
    let mut alice = connect(address);
    alice.write_all(&hello("alice")).unwrap();
    assert_eq!(read_frame(&mut alice).0, b'H');
}

#[test]
fn a_socket_that_is_handed_over_is_listened_on() {
    let window = Window::answering("");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ready = std::os::unix::net::UnixDatagram::bind(window.file("notify")).unwrap();
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" server --window xterm";
    let mut server = command("sh", &["-c", script, TALK]);
    server.env("PATH", window.path()).env("NOTIFY_SOCKET", window.file("notify"));
    server.fd_mappings(vec![FdMapping { parent_fd: listener.into(), child_fd: 3 }]).unwrap();
    let mut server = Program::start(&mut server);
    assert_eq!(server.line(), format!("listening on {address}"));
    let mut message = [0; 64];
    ready.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = ready.recv(&mut message).unwrap();
    assert_eq!(&message[..length], b"READY=1\n");
    expect_answer(address);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.status(), 0);

    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut wrong = command("sh", &["-c", script, TALK]);
    wrong.fd_mappings(vec![FdMapping { parent_fd: one.into(), child_fd: 3 }]).unwrap();
    let (status, error) = failure(&mut wrong);
    assert_eq!(status, 1);
    assert!(error.contains("LISTEN_FDS passes a Unix socket; one listening TCP"), "{error}");
}

#[test]
fn systemd_can_activate_it() {
    // It takes no port 0; at a host of the test, every port is free.
    network(|network| {
        let window = Window::answering("");
        let address: SocketAddr = format!("{DESK}:8255").parse().unwrap();
        // It passes nothing on of the environment but what is named.
        let listen = ["-l", &address.to_string(), "-E", "PATH", "-E", MARK];
        let server = [TALK, "server", "--window", "xterm"];
        let mut activate = command("systemd-socket-activate", &[&listen[..], &server].concat());
        let _server = network.desk.start(activate.env("PATH", window.path()));
        network.caller.at(|| {
            wait_for("the port", || TcpStream::connect(address).ok().map(drop));
            expect_answer(address);
        });
    });
}

//! What the program says when it cannot begin: the thing, the reason, and what to do next.
//!
//! How calls and desks fail that have begun is next door, in `endings`; `error_texts` looks that
//! every sentence is in a test. The invariant: who reads an error knows what to type next.

use std::ffi::OsStr;
use std::fs::File;
use std::io::IoSlice;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;

use crate::support::{
    Desk, Program, TALK, Window, as_root, as_user, call, command, connect, copy_for_everybody,
    expect, failure, full, handler, talk,
};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socket,
};
use nix::unistd::geteuid;
use tempfile::TempDir;

/// A mode, its wrong arguments, and what is said before the page to read on.
const WRONG_ARGUMENTS: [(&str, &[&str], &str); 12] = [
    ("handler", &[], "required positional arguments not provided: fd"),
    ("client", &["desk", "--nmae", "x"], "unrecognized argument: --nmae"),
    ("client", &["desk", "--name"], "no value provided for option '--name'"),
    (
        "client",
        &["desk", "--name", " "],
        "option '--name' with value ' ': a name needs at least one visible character",
    ),
    (
        "client",
        &["desk", "--name=\u{1b}[2J"],
        "option '--name' with value '^[[2J': a name cannot contain control characters",
    ),
    (
        "client",
        &["desk", "--timeout", "0"],
        "option '--timeout' with value '0': must be a positive number of seconds, at most 1000000000",
    ),
    (
        "client",
        &["desk", "--timeout", "1e19"],
        "option '--timeout' with value '1e19': must be a positive number of seconds, at most 1000000000",
    ),
    (
        "server",
        &["--bind", "desk"],
        "option '--bind' with value 'desk': must be an IP address of this machine, such as 127.0.0.1",
    ),
    (
        "server",
        &["--max-calls", "-1"],
        "option '--max-calls' with value '-1': must be a whole number from 1 up",
    ),
    (
        "server",
        &["65536"],
        "positional argument 'port' with value '65536': must be a port number from 0 to 65535",
    ),
    (
        "server",
        &["--window", "no-such-terminal -e"],
        "option '--window' with value 'no-such-terminal -e': no program 'no-such-terminal' is on PATH",
    ),
    (
        "server",
        &["--window="],
        "option '--window' with value '': a terminal's command has at least one word, such as 'foot -e'",
    ),
];

#[test]
fn a_wrong_word_is_named_with_the_page_that_knows_better() {
    let long = "x".repeat(65);
    for (mode, arguments, error) in WRONG_ARGUMENTS {
        let error = format!("{error}; see talk {mode} --help");
        expect(&mut talk(&[&[mode], arguments].concat()), 2, &error);
    }
    let (status, error) = failure(&mut talk(&["client", "desk", "--name", &long]));
    assert_eq!(status, 2);
    assert!(error.ends_with("bytes; this one has 65; see talk client --help"), "{error}");
}

#[test]
fn a_desk_that_cannot_be_called_by_what_was_given_is_a_usage_error() {
    for (arguments, error) in [
        (&["client"][..], "no desk to call; give its host, or set TALK_DESK"),
        (&["client", ""], "'' names no host"),
        (&["client", "desk", "talk"], "port 'talk' must be a port number from 1 to 65535"),
        (&["client", "desk", "1", "2"], "give one host and one port"),
        (&["client", "desk:"], "the port in 'desk:' must be a port number from 1 to 65535"),
        (&["client", "[::1]:0"], "the port in '[::1]:0' must be a port number from 1 to 65535"),
        (&["client", "desk:9000", "9000"], "'desk:9000' names a port already; give one port"),
        (&["check", "desk", "0"], "port '0' must be a port number from 1 to 65535"),
        (&["check", "--listen", "desk"], "port 'desk' must be a port number from 0 to 65535"),
    ] {
        expect(&mut talk(arguments), 2, error);
    }
}

#[test]
fn a_mode_that_is_not_there_or_not_named_brings_the_list() {
    for (arguments, error) in
        [(&["desk\u{1b}[2J"][..], "unknown mode 'desk^[[2J'"), (&[], "no mode given")]
    {
        let output = talk(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let (first, overview) = said.split_once("\n\n").unwrap();
        assert_eq!((output.status.code(), first), (Some(2), format!("talk: {error}").as_str()));
        let (head, modes) = overview.split_once("  client    call a desk\n").unwrap();
        assert_eq!(
            head,
            "Usage: talk <mode> [<arguments>]\n\n\
             Direct conversations between two people on terminals.\n\nModes:\n"
        );
        let end = "Examples:\n  talk server              at the desk\n  \
                   talk client desk-host    from any other machine\n\n\
                   Run talk <mode> --help for the options of a mode.\n";
        assert!(modes.ends_with(end), "{modes}");
        for about in [
            "  server    keep a desk: a window for each caller\n",
            "  handler   the desk's side of one call (started by the server)\n",
            "  check     conformance-test a desk or a client\n",
        ] {
            assert!(modes.contains(about), "{modes}");
        }
    }
}

#[test]
fn words_that_are_no_text_are_an_error_wherever_they_come_from() {
    let odd = OsStr::from_bytes(b"desk\xff");
    for arguments in [vec![odd], vec![OsStr::new("client"), odd]] {
        let error = "argument 'desk\u{fffd}' is not UTF-8; use UTF-8 or ASCII";
        expect(talk(&[]).args(arguments), 2, error);
    }
    for (name, error) in [
        (odd, "TALK_NAME is not UTF-8; change or unset it"),
        (
            OsStr::new("a\u{7}"),
            "TALK_NAME: a name cannot contain control characters; change or unset it",
        ),
    ] {
        expect(talk(&["client", "localhost"]).env("TALK_NAME", name), 2, error);
    }
}

#[test]
fn a_full_disk_is_named_when_help_is_written_to_it() {
    let output = talk(&["help"]).stdout(full()).output().unwrap();
    let said =
        "talk: cannot write to standard output: no space left on device; redirect it elsewhere\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_check_that_cannot_go_on_says_why() {
    let mut check = command("prlimit", &["--nofile=4", TALK, "check", "--listen", "0"]);
    let mut check = Program::start(&mut check);
    let invitation = check.notice_with("listening on ");
    let port = invitation.split_once("]:").unwrap().1.split(';').next().unwrap();
    let _caller = connect(format!("127.0.0.1:{port}").parse().unwrap());
    assert_eq!(check.status(), 1);
    assert_eq!(
        check.notices().pop().unwrap(),
        "talk: cannot accept a call: too many open files; allow more with ulimit -n"
    );
    let window = Window::answering("");
    let desk = Desk::with_windows_of(&window);
    let mut check = talk(&["check", "--tap", "127.0.0.1", &desk.port()]);
    let said = String::from_utf8(check.stdout(full()).output().unwrap().stderr).unwrap();
    assert_eq!(
        said,
        "talk: cannot print the results: no space left on device; \
         redirect stdout elsewhere\n"
    );
}

#[test]
fn a_host_that_cannot_be_resolved_is_named() {
    let (status, error) = failure(&mut talk(&["client", "desk.invalid"]));
    assert_eq!(status, 1);
    // The reason is the resolver's, and another one without a network.
    assert!(error.starts_with("talk: cannot resolve 'desk.invalid': "), "{error}");
    assert!(error.ends_with("; check the spelling, or use an IP address"), "{error}");
    let (status, error) = failure(&mut talk(&["client", "fe80::g:8255"]));
    assert_eq!(status, 1);
    assert!(error.starts_with("talk: cannot resolve 'fe80::g:8255': "), "{error}");
    assert!(error.ends_with("; give host and port as separate arguments"), "{error}");
}

#[test]
fn what_cannot_be_listened_on_is_named_with_what_could() {
    expect(
        &mut talk(&["server", "0", "--bind", "fe80::1"]),
        1,
        "cannot listen on fe80::1: invalid argument; leave --bind out, or give it another address",
    );
    // A new network namespace has the usual rule for low ports, whatever this one has. Root is
    // bound by it only without a capability.
    let mut server = command(TALK, &["server", "517"]);
    if geteuid().is_root() {
        let unshare = ["--net", "setpriv", "--bounding-set=-net_bind_service", TALK];
        server = command("unshare", &[&unshare[..], &["server", "517"]].concat());
    }
    expect(
        &mut server,
        1,
        "port 517 is reserved for root; pick one from 1024 up: talk server 8255",
    );
    for (count, what) in [("many", "'many', which is not a number"), ("2", "2 sockets")] {
        let script = format!("LISTEN_PID=$$ LISTEN_FDS={count} exec \"$0\" server");
        let wanted = "one listening TCP socket is wanted, as ListenStream=8255 in talk.socket";
        let error = format!("LISTEN_FDS passes {what}; {wanted}");
        expect(&mut command("sh", &["-c", &script, TALK]), 1, &error);
    }
}

#[test]
fn too_few_descriptors_are_named_with_how_to_have_more() {
    let more = "too many open files; allow more with ulimit -n";
    let server = [TALK, "server", "0", "--bind", "127.0.0.1", "--name", "desk"];
    for (limit, what) in
        [("--nofile=5", "cannot use standard output"), ("--nofile=6", "cannot create epoll set")]
    {
        let server = [&[limit], &server[..]].concat();
        expect(&mut command("prlimit", &server), 1, &format!("{what}: {more}"));
    }

    let window = Window::answering("");
    let desk = Desk::with_windows_of(&window);
    let client = ["--nofile=4", TALK, "client", "127.0.0.1", &desk.port(), "--name", "alice"];
    let error = format!("cannot use standard input and output: {more}");
    expect(&mut command("prlimit", &client), 1, &error);
}

#[test]
fn a_descriptor_that_select_cannot_hold_is_an_error_with_what_to_do() {
    let window = Window::answering("");
    let desk = Desk::with_windows_of(&window);
    let script = "for n in {3..1023}; do eval \"exec $n</dev/null\"; done; exec \"$@\"";
    let crowded = ["--nofile=2048", "bash", "-c", script, "bash"];
    let client = [TALK, "client", "127.0.0.1", &desk.port(), "--quiet"];
    let (status, error) = failure(&mut command("prlimit", &[&crowded[..], &client].concat()));
    assert_eq!(status, 1);
    assert!(error.starts_with("talk: descriptor 10"), "{error}");
    assert!(
        error.ends_with(" is beyond select's limit of 1023; open fewer files before"),
        "{error}"
    );
}

#[test]
fn what_only_root_can_lose_is_an_error_once_it_is_lost() {
    as_root(|| {
        let bounds = ["--bounding-set=-setuid,-setgid", TALK, "server", "0", "--user", "daemon"];
        expect(
            &mut command("setpriv", &bounds),
            1,
            "--user daemon: changing the user failed (operation not permitted); start as that user",
        );
        let (_dir, copy) = copy_for_everybody();
        let mut nameless = as_user(4242, copy);
        nameless.args(["client", "localhost"]).env_remove("LOGNAME");
        expect(&mut nameless, 2, "this user has no printable login name; set TALK_NAME");
        let script = "mount -t tmpfs none /proc && exec \"$0\" server 0 --window xterm";
        let (status, error) =
            failure(&mut command("unshare", &["--mount", "sh", "-c", script, TALK]));
        assert_eq!(status, 1);
        assert!(
            error.starts_with("talk: cannot find out where this program is: no /proc"),
            "{error}"
        );
    });
}

/// Offers what `offer` does at a path to one handler, and returns the handler's error.
fn collected(offer: impl FnOnce(UnixStream) + Send + 'static) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("call");
    let listener = UnixListener::bind(&path).unwrap();
    let offering = thread::spawn(move || offer(listener.accept().unwrap().0));
    let (status, error) = failure(&mut talk(&["handler", path.to_str().unwrap()]));
    offering.join().unwrap();
    assert_eq!(status, 1);
    error.replace(path.to_str().unwrap(), "P")
}

/// Hands a descriptor over with a message, as a helper does.
fn hand_over(stream: &UnixStream, fd: impl AsFd, message: &[u8]) {
    let fds = [fd.as_fd().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(message)], &rights, MsgFlags::empty(), None)
        .unwrap();
}

#[test]
fn what_is_collected_and_is_no_call_is_an_error_that_says_where_to_look() {
    let log = "the log of the desk may say more";
    expect(
        &mut talk(&["handler", "/no/such/call"]),
        1,
        &format!("no call is offered at /no/such/call: no such file or directory; {log}"),
    );
    assert_eq!(collected(drop), format!("talk: no call came from P: it was taken back; {log}"));
    assert_eq!(
        collected(|stream| hand_over(&stream, File::open("/dev/null").unwrap(), b"desk\0")),
        format!("talk: what came from P is not a socket; {log}")
    );
    assert_eq!(
        collected(|stream| hand_over(&stream, call().1, b"no note")),
        "talk: what came from P is not understood; is the desk's talk another version?"
    );
    for (number, error) in [
        ("five", "'five' is neither a descriptor number nor the path of a call's socket"),
        ("0", "descriptor 0 is standard input, output or error; the call needs one from 3 up"),
        ("2", "descriptor 2 is standard input, output or error; the call needs one from 3 up"),
        (
            "99999999999",
            "'99999999999' is neither a descriptor number nor the path of a call's socket",
        ),
        ("1024", "descriptor 1024 is beyond select's limit of 1023"),
        ("77", "descriptor 77 is not open"),
    ] {
        let error = format!("{error}; see talk handler --help");
        expect(&mut talk(&["handler", number]), 2, &error);
    }
    let file = File::open("/dev/null").unwrap();
    let (datagram, _peer) = UnixDatagram::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for (fd, error) in [
        (OwnedFd::from(file), "descriptor 5 is not a socket"),
        (datagram.into(), "descriptor 5 is not a stream socket"),
        (listener.into(), "descriptor 5 is a listening socket, not a call"),
    ] {
        expect(&mut handler(fd), 2, &format!("{error}; see talk handler --help"));
    }
    let lonely = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None);
    expect(
        &mut handler(lonely.unwrap()),
        2,
        "descriptor 5 is not connected; see talk handler --help",
    );
}

//! The names, options and errors of the command line.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::{TALK, command, failure, talk};
use tempfile::TempDir;

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_and_version_are_asked_for_and_go_to_standard_output() {
    for (arguments, expected) in [
        (&["--version"][..], concat!("talk ", env!("CARGO_PKG_VERSION"), "\n")),
        (&["help"], "Usage: talk <mode>"),
        (&["--help"], "Usage: talk <mode>"),
        (&["help", "server"], "Usage: talk server"),
        (&["client", "--help"], "Usage: talk client [--name <name>]"),
        (&["server", "-h"], "Usage: talk server"),
        (&["handler", "--help"], "Usage: talk handler [--plain] [--bell] [--] <fd>"),
        (
            &["check", "--help"],
            "Usage: talk check [--listen] [--tap] [--limit <seconds>] [--] [<address...>]",
        ),
    ] {
        let (status, out, err) = output(&mut talk(arguments));
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.starts_with(expected), "{arguments:?}: {out}");
        assert!(!out.contains("{command_name}"), "{out}");
    }
    for mode in ["client", "server", "handler", "check"] {
        let (_, out, _) = output(&mut talk(&[mode, "--help"]));
        assert!(out.contains("Examples:"), "{mode} has no examples: {out}");
    }
}

#[test]
fn exact_names_mean_a_mode_and_nothing_else_does() {
    let dir = TempDir::new().unwrap();
    for name in ["talk_client", "talk_server"] {
        let usage = format!("Usage: {name} ");
        let link = dir.path().join(name);
        std::os::unix::fs::symlink(TALK, &link).unwrap();
        let (status, out, _) = output(&mut command(&link, &["--help"]));
        assert!(status == 0 && out.starts_with(&usage), "symlink {name}: {out}");

        std::fs::remove_file(&link).unwrap();
        // Copied by another process: a file that this one had open for writing could be busy.
        assert!(command("cp", &[TALK]).arg(&link).status().unwrap().success());
        let (_, out, _) = output(&mut command(&link, &["--help"]));
        assert!(out.starts_with(&usage), "copy {name}: {out}");

        let (_, out, _) = output(talk(&[]).arg0(name).arg("--help"));
        assert!(out.starts_with(&usage), "argv[0] {name}: {out}");
    }
    for name in ["talk_handler", "talk_check", "talk_cli", "talk_client2", "Talk_client", ""] {
        let (status, _, err) = output(talk(&[]).arg0(name));
        assert_eq!(status, 2, "{name}");
        assert!(err.contains("Modes:") && err.contains("handler"), "{name}: {err}");
    }
    for arguments in [&[][..], &["cli"], &["servers"], &[""], &["help", "me"]] {
        let (status, out, err) = output(&mut talk(arguments));
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("Modes:"), "{arguments:?}: {err}");
    }
}

#[test]
fn wrong_arguments_are_named_and_exit_with_2() {
    for (arguments, complaint) in [
        (&["client", "localhost", "65536"][..], "must be a port number from 1 to 65535"),
        (&["client", "localhost", "1", "more"], "give one host and one port"),
        (&["client", "localhost", "--name", ""], "visible"),
        (&["server", "-1"], "-1"),
        (&["handler"], "fd"),
        (&["check"], "give the host of a desk, or --listen"),
        (&["check", "localhost", "talk"], "must be a port number from 1 to 65535"),
        (&["check", "localhost", "1", "more"], "give one host and one port"),
        (&["check", "--listen", "localhost"], "must be a port number from 0 to 65535"),
        (&["check", "--listen", "localhost", "1"], "with --listen, give a port and no host"),
        (&["check", "localhost", "--limit", "0"], "--limit"),
    ] {
        let (status, error) = failure(&mut talk(arguments));
        assert_eq!(status, 2, "{arguments:?}: {error}");
        assert!(error.starts_with("talk: ") && error.contains(complaint), "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn the_desk_can_come_from_the_environment() {
    for (desk, expected, complaint) in [
        ("127.0.0.1:1", 1, "no desk answers at 127.0.0.1 port 1"),
        ("[::ffff:127.0.0.1]:1", 1, "port 1"),
        ("localhost:talk", 2, "TALK_DESK: the port in 'localhost:talk' must be a port number"),
        ("", 2, "no desk to call; give its host, or set TALK_DESK"),
        (":1", 2, "TALK_DESK: ':1' names no host; change or unset it"),
    ] {
        let (status, error) = failure(talk(&["client"]).env("TALK_DESK", desk));
        assert_eq!(status, expected, "{error}");
        assert!(error.contains(complaint), "{desk}: {error}");
    }
    let (_, error) = failure(talk(&["client", "127.0.0.1:2"]).env("TALK_DESK", "127.0.0.1:1"));
    assert!(error.contains("port 2"), "arguments go before: {error}");
}

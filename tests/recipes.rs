//! The recipes of the README and the examples of --help, run as they are written.
//!
//! A recipe is a line that stands apart and names a mode of `talk`; commands in running text are
//! not run. The invariant: each is run by a shell, but for what [`STAND_FOR`] replaces, or is in
//! [`PICTURES`]; one that is neither a caller's nor a desk's fails until it has a way.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;

use crate::support::usage::modes;
use crate::support::{Desk, Program, TALK, Window, command, install, installed, talk};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

const README: &str = include_str!("../README.md");

/// What stands in a recipe, and in a test for it: places, and ports that could be taken. `PORT` is
/// the test's desk's.
const STAND_FOR: [(&str, &str); 10] = [
    ("localhost 8255", "localhost"),
    ("localhost", "127.0.0.1 PORT"),
    ("check --listen", "check --listen 0"),
    ("desk-host", "127.0.0.1 PORT"),
    ("helpdesk", "127.0.0.1 PORT"),
    ("talk server 517", "talk server"),
    ("talk server 9000", "talk server"),
    ("talk server", "talk server 0"),
    // It says which port it got, and asks nobody about the caller.
    ("tcpserver 0 8255", "tcpserver -1RHl0 127.0.0.1 0"),
    ("--user operator", "--user USER"),
];

/// Lines in which a command is part of a picture: of two screens, and of the processes.
const PICTURES: [&str; 3] =
    ["caller$ talk client desk-host  ", "talk client ──TCP── ", "talk server ──fork──> "];

/// The lines of `text` that stand apart by this indent and name a mode. A remark may follow after
/// some space.
fn recipes(text: &str, indent: &str) -> Vec<String> {
    let names_a_mode = |line: &str| {
        modes().iter().any(|mode| {
            let call = format!("talk {mode}");
            let after = line.split(&call).nth(1);
            after.is_some_and(|after| after.is_empty() || after.starts_with(' '))
        })
    };
    let apart = text.lines().filter_map(|line| line.strip_prefix(indent)).map(str::trim);
    let recipes = apart.filter(|line| names_a_mode(line));
    let recipes = recipes.filter(|line| !PICTURES.iter().any(|picture| line.contains(picture)));
    recipes.map(|line| line.split("  ").next().unwrap().to_owned()).collect()
}

/// The recipe with the places and ports of the test.
fn here(recipe: &str, port: &str) -> String {
    let mut line = recipe.to_owned();
    for (written, here) in STAND_FOR {
        line = line.replace(written, here);
    }
    // Who is root gives that up; who is not stays who they are.
    let user = if geteuid().is_root() { "nobody".into() } else { name_of_user() };
    line.replace("PORT", port).replace("USER", &user)
}

fn name_of_user() -> String {
    User::from_uid(geteuid()).unwrap().expect("this user has a name").name
}

/// A shell that runs `line` where `talk`, terminals and `make` are those of the test.
fn shell(line: &str, window: &Window) -> Command {
    let mut shell = command("sh", &["-c", line]);
    shell
        .env("PATH", window.path())
        .env("TMUX_TMPDIR", window.dir.path())
        .env("LC_ALL", "C.UTF-8")
        .current_dir(window.dir.path());
    shell
}

/// A place to run recipes in, whose windows answer with what somebody at a desk could.
fn place() -> Window {
    let window = Window::answering("the one upstairs\n");
    symlink(TALK, window.file("talk")).unwrap();
    symlink(window.file("xterm"), window.file("foot")).unwrap();
    install(&window.file("make"), "#!/bin/sh\necho compiling\necho a warning >&2\n", "755");
    window
}

/// Runs the recipe of a caller: what it says arrives, what is answered comes out, and it ends well.
fn call_by(recipe: &str) {
    let window = place();
    let desk = Desk::with_windows_of(&window);
    let line = here(recipe, &desk.port());
    let said = match line.split_once("| talk") {
        Some((source, _)) => shell(source, &window).output().unwrap().stdout,
        None => b"hello\n".to_vec(),
    };
    assert!(!said.is_empty(), "{recipe} says nothing");
    let mut caller = Program::start(&mut shell(&line, &window));
    if !line.contains("| talk") {
        caller.say("hello\n");
    }
    caller.end_input();
    assert_eq!(caller.status(), 0, "{recipe}: {:?}", caller.notices());
    assert_eq!(window.read("shown").as_bytes(), said, "{recipe}");
    let answers = match line.split_once(" > ") {
        Some((_, file)) => window.read(file),
        None => caller.rest().join("\n") + "\n",
    };
    assert_eq!(answers, "the one upstairs\n", "{recipe}");
    if line.contains("--quiet") {
        assert_eq!(caller.notices(), [""; 0], "{recipe}");
    }
}

/// Runs the recipe of a desk: it opens, a caller is answered, unless this machine is not allowed to
/// call, and it ends when it is told to.
fn keep_by(recipe: &str) {
    let window = place();
    let line = here(recipe, "");
    installed(line.split(' ').next().filter(|&program| program != "talk").unwrap_or("sh"));
    let mut desk = Program::start(&mut shell(&format!("exec {line}"), &window));
    let first = desk.line();
    let port = first.rsplit(':').next().unwrap();
    let mut alice = Program::start(&mut talk(&["client", "127.0.0.1", port, "--name", "alice"]));
    let refusal = alice.refusal();
    if line.contains("--allow 192.0.2.0/24") {
        assert!(
            refusal.is_some_and(|why| why.contains("your address is not allowed to call")),
            "{recipe}"
        );
    } else {
        assert_eq!(refusal, None, "{recipe}");
        alice.say("hello\n");
        alice.end_input();
        assert_eq!(alice.status(), 0, "{recipe}");
    }
    desk.signal(Signal::SIGTERM);
    let status = desk.status();
    assert!(status == 0 || !line.starts_with("talk "), "{recipe}: {status}");
}

/// Runs the recipe of a check: of a desk, or of a client that is called as often as it says.
fn check_by(recipe: &str) {
    let window = place();
    let desk = Desk::open(&mut talk(&["server", "--window", "console"]));
    let line = here(recipe, &desk.port());
    let mut check = Program::start(&mut shell(&line, &window));
    if line.contains("--listen") {
        symlink(TALK, window.file("talk_client")).unwrap();
        let lines = [(); 2].map(|()| check.notice_with(""));
        let said = "times with a line of input, such as:\n  for i in $(seq ";
        assert!(lines.join("\n").contains(said), "{lines:?}");
        let calls = lines[1].replace("my-client localhost", "talk_client 127.0.0.1");
        shell(&calls, &window).output().unwrap();
    }
    assert_eq!(check.status(), 0, "{recipe}: {:?}", check.rest());
    match line.split_once(" > ") {
        Some((_, file)) => assert!(window.read(file).starts_with("TAP version 14\n")),
        None => assert!(check.rest().pop().unwrap().ends_with(" rules hold")),
    }
}

fn run(recipe: &str) {
    if recipe.contains("talk client") {
        call_by(recipe);
    } else if recipe.contains("talk server") || recipe.contains("talk handler") {
        keep_by(recipe);
    } else if recipe.contains("talk check") {
        check_by(recipe);
    } else {
        panic!("nobody knows how to try this: {recipe}");
    }
}

/// Runs them side by side: each has its own directory, and some wait for a long time.
fn run_all(recipes: &[String]) {
    thread::scope(|threads| recipes.iter().for_each(|recipe| drop(threads.spawn(|| run(recipe)))));
}

#[test]
fn every_recipe_of_the_readme_works() {
    for picture in PICTURES {
        assert!(README.contains(picture), "there is no picture with {picture:?} any more");
    }
    let recipes = recipes(README, "    ");
    assert!(recipes.len() > 4, "{recipes:?}");
    run_all(&recipes);
}

#[test]
fn every_example_of_help_works() {
    let help = |arguments: &[&str]| {
        let text = String::from_utf8(talk(arguments).output().unwrap().stdout).unwrap();
        let examples = text.split("\nExamples:\n").nth(1).expect("examples");
        examples.split("\n\n").next().unwrap().to_owned()
    };
    let mut examples = recipes(&help(&["--help"]), "  ");
    assert_eq!(examples.len(), 2, "{examples:?}");
    for mode in modes() {
        let of_mode = recipes(&help(&[&mode, "--help"]), "    ");
        assert!(!of_mode.is_empty(), "talk {mode} --help has no example");
        examples.extend(of_mode);
    }
    run_all(&examples);
}

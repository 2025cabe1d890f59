//! Starting programs, and reading line by line what they say.
//!
//! The invariant: nothing is waited for without a deadline.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DEADLINE, wait_for};

/// The program under test.
pub const TALK: &str = env!("CARGO_BIN_EXE_talk");

/// A command that runs the program with this name and nothing of the surroundings that could change
/// what it does.
pub fn talk(arguments: &[&str]) -> Command {
    command(TALK, arguments)
}

pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_remove("TALK_NAME")
        .env_remove("TALK_HANDOVER")
        .env_remove("DISPLAY");
    command
}

/// A running program, killed when the test is over.
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Lines,
    err: Lines,
}

impl Program {
    /// Starts it with pipes in place of standard input, output and error.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped());
        Self::start_with_own_input(command)
    }

    /// The same, with the standard input that `command` has.
    pub fn start_with_own_input(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = Lines::of(child.stdout.take().unwrap());
        let err = Lines::of(child.stderr.take().unwrap());
        Self { stdin: child.stdin.take(), child, out, err }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub fn say(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Its standard input, for another thread.
    pub fn take_input(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The next line on its standard output.
    pub fn line(&mut self) -> String {
        self.out.next().expect("the program ended its output")
    }

    /// Reads standard output up to the line that contains `part`, and returns that line.
    pub fn line_with(&mut self, part: &str) -> String {
        self.out.find(part)
    }

    /// Reads standard error up to the line that contains `part`, and returns that line.
    pub fn notice_with(&mut self, part: &str) -> String {
        self.err.find(part)
    }

    /// Waits until its call is answered, or refused with the line that is returned.
    pub fn refusal(&mut self) -> Option<String> {
        loop {
            match self.err.next() {
                Some(line) if line.contains("refused the call") => return Some(line),
                Some(line) if line.contains(" answered") => return None,
                Some(_) => {}
                None => panic!("neither answered nor refused: {:#?}", self.err.seen),
            }
        }
    }

    /// The lines that are left on its standard output.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.out.next()).collect()
    }

    /// The lines that are left on its standard error.
    pub fn notices(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.err.next()).collect()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end; the status, with 128 + n for signal n.
    pub fn status(&mut self) -> i32 {
        let child = &mut self.child;
        let status: ExitStatus = wait_for("the program's end", || child.try_wait().unwrap());
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, read as they come.
struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text =
                    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
                if sender.send(text).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { lines, seen: Vec::new() }
    }

    /// The next line, or `None` at the end.
    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => {
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no further line after {:#?}", self.seen),
        }
    }

    fn find(&mut self, part: &str) -> String {
        loop {
            match self.next() {
                Some(line) if line.contains(part) => return line,
                Some(_) => {}
                None => panic!("no line with {part:?} in {:#?}", self.seen),
            }
        }
    }
}

/// The error of a program that fails at once: its status and what it says, in the form of every
/// error.
pub fn failure(command: &mut Command) -> (i32, String) {
    let mut program = Program::start(command);
    program.end_input();
    let status = program.status();
    let error = program.notices().join("\n");
    assert_well_said(&error);
    (status, error)
}

/// That this command fails with this status, and says this.
pub fn expect(command: &mut Command, status: i32, error: &str) {
    assert_eq!(failure(command), (status, format!("talk: {error}")));
}

/// A disk that is full.
pub fn full() -> fs::File {
    fs::File::options().write(true).open("/dev/full").unwrap()
}

/// That an error has the form of every error: one line, from this program, of a length that is
/// read, without the system's numbers and without anything that a terminal would obey.
pub fn assert_well_said(error: &str) {
    assert!(error.starts_with("talk: "), "who says it? {error}");
    assert!(!error.contains(char::is_control), "more than one line, or worse: {error:?}");
    assert!(!error.contains("os error") && !error.contains("panicked"), "{error}");
    assert!(error.chars().count() < 200, "too long: {error}");
}

/// A program on PATH, which scripts/setup-tests has installed.
pub fn installed(name: &str) -> &str {
    let path = std::env::var("PATH").unwrap();
    let found = path.split(':').any(|dir| Path::new(dir).join(name).exists());
    assert!(found, "{name} is not installed; make test installs it (scripts/setup-tests)");
    name
}

//! Starting programs, and reading line by line what they say.
//!
//! The invariant: every program is started by [`command`] and held by a [`Started`], which ends it
//! and whatever it has started.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::{env, fs, thread};

use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

use super::process::{self, end_all, gone};
use super::{DEADLINE, wait_for};

/// The program under test.
pub const TALK: &str = env!("CARGO_BIN_EXE_talk");

/// The variable that marks all processes that come from one started program.
pub const MARK: &str = "TEST_OF_TALK";

/// A command that runs the program with these arguments, see [`command`].
pub fn talk(arguments: &[&str]) -> Command {
    command(TALK, arguments)
}

/// A command that runs a program with nothing of the surroundings that could change what it does:
/// no settings of `talk`, no display or tmux of whoever runs the tests, no terminal of theirs to
/// read from, and every signal as a program expects it.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let program = program.as_ref();
    if let Some(name) = program.to_str().filter(|name| !name.contains('/')) {
        installed(name);
    }
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command.env(MARK, format!("{}-{number}", std::process::id()));
    default_signals(&mut command);
    command
}

/// Whether a variable says something to `talk`, or where its windows open.
fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"TALK_")
        || ["DISPLAY", "TMUX", "TMUX_PANE"].iter().any(|&ours| name == ours)
}

/// Has the command start with the default action for every signal.
///
/// nohup(1) ignores SIGHUP for the command that it runs, and a shell without job control ignores
/// SIGINT and SIGQUIT for `command &`. What is ignored stays ignored in every program that is
/// executed from there on (execve(2)), and `talk` leaves it that way: under `nohup make test`, a
/// test that sends such a signal would wait in vain.
#[expect(unsafe_code, reason = "only in the child may signals be set without touching the tests")]
fn default_signals(command: &mut Command) {
    let reset = || {
        for number in Signal::iterator() {
            // SIGKILL and SIGSTOP cannot be set, and need not be.
            // SAFETY: no handler is installed that could be unsafe.
            let _ = unsafe { signal(number, SigHandler::SigDfl) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec, only sigaction(2) is called, which is async-signal-safe.
    unsafe { command.pre_exec(reset) };
}

/// A program on PATH.
pub fn installed(name: &str) -> &str {
    let path = env::var("PATH").unwrap();
    let found = path.split(':').any(|dir| Path::new(dir).join(name).exists());
    assert!(found, "{name} is not installed; {}", package(name));
    name
}

/// How somebody gets a program, by the list in scripts/setup-tests.
fn package(name: &str) -> String {
    let mut pairs = include_str!("../../scripts/setup-tests").lines().map(str::trim);
    let package = pairs.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let all = "make setup installs all that the tests need";
    package.map_or(all.into(), |package| format!("on Debian: apt install {package}; {all}"))
}

/// A running program. When the test is over, also by a failure, it is killed, and so is every
/// process that has come from it.
pub struct Started {
    child: Child,
    mark: String,
}

impl Started {
    pub fn new(command: &mut Command) -> Self {
        let value = command.get_envs().find_map(|(name, value)| (name == MARK).then_some(value?));
        let value = value.expect("support::command has made it");
        let mark = format!("{MARK}={}", value.to_str().unwrap());
        Self { child: command.spawn().expect("the program starts"), mark }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits for its end; the status, with 128 + n for signal n.
    pub fn status(&mut self) -> i32 {
        let status: ExitStatus = wait_for("the program's end", || self.child.try_wait().unwrap());
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
    }

    /// Reads what is piped from it up to its end.
    pub fn output(mut self) -> Output {
        fn read(stream: Option<impl Read>) -> Vec<u8> {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut bytes).unwrap();
            }
            bytes
        }
        self.child.stdin = None;
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        let errors = thread::spawn(|| read(err));
        let (stdout, stderr) = (read(out), errors.join().unwrap());
        Output { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

impl Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have cleared its environment, and the mark with it.
        let _ = self.child.kill();
        end_all(&self.mark);
        let _ = self.child.wait();
    }
}

/// A running program with pipes that are read as it writes to them.
pub struct Program {
    child: Started,
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
        let mut child = Started::new(command);
        let out = Lines::of(child.pid(), child.stdout.take().unwrap());
        let err = Lines::of(child.pid(), child.stderr.take().unwrap());
        Self { stdin: child.stdin.take(), child, out, err }
    }

    pub fn pid(&self) -> Pid {
        self.child.pid()
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
        self.child.status()
    }
}

/// The lines of a stream, read as they come.
struct Lines {
    writer: Pid,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(writer: Pid, stream: impl Read + Send + 'static) -> Self {
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
        Self { writer, lines, seen: Vec::new() }
    }

    /// The next line, or `None` at the end.
    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => {
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let Self { writer, seen, .. } = self;
                // Whether it waits, is stopped or has ended, and where in the kernel.
                let state = (!gone(*writer)).then(|| process::status(*writer, "State"));
                let place = fs::read_to_string(format!("/proc/{writer}/wchan"));
                panic!("no further line after {seen:#?}; its process: {state:?}, {place:?}")
            }
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

/// That an error has the form of every error: one line, from this program, of a length that is
/// read, without the system's numbers and without anything that a terminal would obey.
pub fn assert_well_said(error: &str) {
    assert!(error.starts_with("talk: "), "who says it? {error}");
    assert!(!error.contains(char::is_control), "more than one line, or worse: {error:?}");
    assert!(!error.contains("os error") && !error.contains("panicked"), "{error}");
    assert!(error.chars().count() < 200, "too long: {error}");
}

/// A disk that is full.
pub fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Writes a file with these permissions. Another process does: a script that this one had open for
/// writing while another test starts a program could not be executed (ETXTBSY).
pub fn install(path: &Path, text: &str, mode: &str) {
    let mut install = Program::start(command("install", &["-m", mode, "/dev/stdin"]).arg(path));
    install.say(text);
    install.end_input();
    assert_eq!(install.status(), 0);
}

//! What the tests of the program share: start it, wait for what it says, never longer than
//! [`DEADLINE`].

pub mod cable;
pub mod check;
pub mod display;
pub mod network;
pub mod peer;
pub mod tmux;
pub mod usage;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long a test waits for anything before it fails: longer than it takes to notice that the
/// other end has vanished.
pub const DEADLINE: Duration = Duration::from_secs(90);

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

/// Waits until `found` finds something that no event announces.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Waits until a count that somebody raises is not raised any more: they are held up.
pub fn wait_until_held_up<T: Default + PartialEq>(mut count: impl FnMut() -> T) {
    wait_for("somebody to be held up", || {
        let before = count();
        thread::park_timeout(Duration::from_millis(300));
        (before != T::default() && before == count()).then_some(())
    });
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

/// A desk: a server on a port of its own.
pub struct Desk {
    pub server: Program,
    pub address: SocketAddr,
}

impl Desk {
    pub fn open(command: &mut Command) -> Self {
        Self::of(Program::start(command.args(["0", "--bind", "127.0.0.1"])))
    }

    /// The desk of a server that was just started.
    pub fn of(mut server: Program) -> Self {
        let line = server.line();
        let address = line.strip_prefix("listening on ").expect("the first line names the address");
        Self { address: address.parse().unwrap(), server }
    }

    /// A desk whose `xterm` is the script of a [`Window`].
    pub fn with_windows_of(window: &Window) -> Self {
        Self::open(
            talk(&["server", "--name", "desk", "--window", "xterm"]).env("PATH", window.path()),
        )
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// A caller at pipes.
    pub fn call(&self, name: &str) -> Program {
        Program::start(&mut talk(&["client", "127.0.0.1", &self.port(), "--name", name]))
    }

    /// A connection that is no talk client yet.
    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Descriptors that the server has open, and children that it has.
    pub fn holdings(&self) -> (usize, usize) {
        let fds = fs::read_dir(format!("/proc/{}/fd", self.server.pid())).unwrap().count();
        (fds, children(self.server.pid()).len())
    }
}

/// The children of a process, also those that were not reaped; none of one that is gone.
pub fn children(pid: Pid) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A stand-in for xterm, early on PATH: a script that records how it was started and then does what
/// `body` says. In it, `$dir` is a directory of the test, and `handler` runs the command that
/// stands after `-e`.
pub struct Window {
    pub dir: TempDir,
}

impl Window {
    pub fn new(body: &str) -> Self {
        let window = Self { dir: TempDir::new().unwrap() };
        let script = format!(
            "#!/bin/sh\n\
             dir={}\n\
             ls -l /proc/$$/fd > \"$dir/fds\" & wait\n\
             cp /proc/self/status \"$dir/status\"\n\
             for word; do printf '%s\\n' \"$word\"; done > \"$dir/argv.new\"\n\
             mv \"$dir/argv.new\" \"$dir/argv\"\n\
             while [ \"$1\" != -e ]; do shift; done\n\
             shift\n\
             handler() {{ \"$@\"; }}\n\
             {body}\n",
            window.dir.path().display()
        );
        // Written by another process: a script that this one had open for writing could be busy.
        let path = window.file("xterm");
        let mut install =
            Program::start(Command::new("install").args(["-m755", "/dev/stdin"]).arg(path));
        install.say(&script);
        install.end_input();
        assert_eq!(install.status(), 0);
        window
    }

    /// A window whose person says what stands in `input`, and that keeps what is shown.
    pub fn answering(input: &str) -> Self {
        let window =
            Self::new("handler \"$@\" < \"$dir/input\" > \"$dir/shown\" 2> \"$dir/notices\"");
        fs::write(window.file("input"), input).unwrap();
        window
    }

    /// A window whose person types what is written to the returned keyboard. Its process becomes
    /// the handler, and leaves its number in `pid`.
    pub fn typing() -> (Self, fs::File) {
        let window = Self::new("echo $$ > \"$dir/pid\"; exec \"$@\" < \"$dir/keyboard\"");
        let keyboard = window.file("keyboard");
        assert!(Command::new("mkfifo").arg(&keyboard).status().unwrap().success());
        // Open for reading as well, so that it never comes to its end.
        let keyboard = fs::File::options().read(true).write(true).open(keyboard).unwrap();
        (window, keyboard)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// PATH with this window in front.
    pub fn path(&self) -> String {
        format!("{}:{}", self.dir.path().display(), std::env::var("PATH").unwrap())
    }
}

/// What `/proc` says of a process under this heading of its `status`.
pub fn status(pid: Pid, heading: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(heading)?.strip_prefix(':'));
    line.expect("there is such a heading").trim().into()
}

/// That a process has given up what it does not need, as far as can be seen from outside.
pub fn assert_confined(pid: Pid) {
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("0"), "{files}");
}

/// The two ends of a TCP connection: the caller's, and the accepted one.
pub fn call() -> (TcpStream, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = connect(listener.local_addr().unwrap());
    (caller, listener.accept().unwrap().0.into())
}

/// A handler command that holds `call` as descriptor 5.
pub fn handler(call: impl AsFd) -> Command {
    let mut command = talk(&["handler", "5"]);
    command.env("TALK_NAME", "desk");
    let parent_fd = call.as_fd().try_clone_to_owned().unwrap();
    command.fd_mappings(vec![FdMapping { parent_fd, child_fd: 5 }]).unwrap();
    command
}

/// A HELLO of `name`.
pub fn hello(name: &str) -> Vec<u8> {
    frame(b'H', &[&[1, 0], name.as_bytes()].concat())
}

pub fn frame(tag: u8, payload: &[u8]) -> Vec<u8> {
    [&[tag][..], &u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

/// Reads one frame: its tag and payload.
pub fn read_frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut header = [0; 3];
    stream.read_exact(&mut header).expect("a frame");
    let mut payload = vec![0; u16::from_be_bytes([header[1], header[2]]).into()];
    stream.read_exact(&mut payload).expect("a whole frame");
    (header[0], payload)
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

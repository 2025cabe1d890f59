//! A lot of text: it all arrives, and takes no more memory than a little.
//!
//! A quarter of a gigabyte is sixteen times what either end may use; `make soak` sends a whole one.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use crate::support::{DEADLINE, Listener, Started, handler, status, talk};

/// More than either end ever needs, in kB.
const MEMORY: usize = 16 * 1024;
const LINE: &[u8] = b"seventy columns of nothing in particular, as a build or a log prints\n";

fn start(command: &mut Command) -> Started {
    Started::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()))
}

/// How many bytes are said.
fn plenty() -> usize {
    if std::env::var_os("TALK_SOAK").is_some() { 1 << 30 } else { 1 << 28 }
}

/// The most memory that a process has had, in kB.
fn peak(process: &Started) -> usize {
    let peak = status(process.pid(), "VmHWM");
    peak.trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn any_amount_passes_through_a_few_megabytes() {
    let listener = Listener::open();
    let mut client = start(&mut talk(&["client", "127.0.0.1", &listener.port]));
    let call = listener.take();
    let mut desk = start(&mut handler(&call));
    drop(call);

    let block = LINE.repeat(20_000);
    let text = block.clone();
    let mut keyboard = client.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let mut fed = 0;
        while fed < plenty() {
            keyboard.write_all(&text).unwrap();
            fed += text.len();
        }
        (fed, keyboard)
    });
    let (shows, shown_now) = channel();
    let mut screen = desk.stdout.take().unwrap();
    thread::spawn(move || {
        let mut piece = vec![0; 1 << 20];
        let mut shown = 0;
        while let Ok(count @ 1..) = screen.read(&mut piece) {
            let at = shown % LINE.len();
            shown += count;
            let _ = shows.send((piece[..count] == block[at..at + count]).then_some(shown));
        }
    });

    let shown = || shown_now.recv_timeout(DEADLINE).unwrap().expect("the same text");
    while shown() < plenty() {}
    for end in [&client, &desk] {
        assert!(peak(end) < MEMORY, "{} kB", peak(end));
    }
    let (fed, keyboard) = feeder.join().unwrap();
    drop(keyboard);
    while shown() < fed {}
    for end in [&mut client, &mut desk] {
        assert_eq!(end.status(), 0);
    }
}

//! Both ends of a call as a test plays them: sockets and frames.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};

use super::{DEADLINE, talk};

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
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

//! Both ends of a call as a test plays them: frames, sockets that listen, a client that calls.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};

use super::{DEADLINE, Program, Started, talk, wait_for};

/// A desk that is played by the test, at a port of the system's choice.
pub struct Listener {
    socket: TcpListener,
    pub port: String,
}

impl Listener {
    pub fn open() -> Self {
        Self::at("127.0.0.1")
    }

    pub fn at(host: &str) -> Self {
        let socket = TcpListener::bind((host, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        Self { socket, port }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The next call; reads from it have a deadline.
    pub fn accept(&self) -> TcpStream {
        let call = self.take();
        call.set_read_timeout(Some(DEADLINE)).unwrap();
        call
    }

    /// The next call, with a socket as the kernel makes it.
    pub fn take(&self) -> TcpStream {
        wait_for("a call", || self.socket.accept().ok()).0
    }
}

/// A port of 127.0.0.1 on which nobody listens, for as long as the returned socket has it.
pub fn unheard_port() -> (OwnedFd, String) {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let port = getsockname::<SockaddrIn>(fd.as_raw_fd()).unwrap().port().to_string();
    (fd, port)
}

/// A client with these options, by the name of alice, that has called, and the desk's end of the
/// call.
pub fn calling(options: &[&str]) -> (Program, TcpStream) {
    let listener = Listener::open();
    let client = ["client", "127.0.0.1", &listener.port, "--name", "alice"];
    let caller = Program::start(&mut talk(&[&client, options].concat()));
    let mut desk = listener.accept();
    assert_eq!(read_frame(&mut desk), (b'H', b"\x01\x08alice".to_vec()));
    (caller, desk)
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// The two ends of a TCP connection: the caller's, and the accepted one.
pub fn call() -> (TcpStream, OwnedFd) {
    let listener = Listener::open();
    let caller = connect(listener.address());
    (caller, listener.take().into())
}

/// A handler command that holds `call` as descriptor 5.
pub fn handler(call: impl AsFd) -> Command {
    let mut command = talk(&["handler", "5"]);
    command.env("TALK_NAME", "desk");
    let parent_fd = call.as_fd().try_clone_to_owned().unwrap();
    command.fd_mappings(vec![FdMapping { parent_fd, child_fd: 5 }]).unwrap();
    command
}

/// An ACK of the first `count` frames.
pub fn ack(count: u64) -> Vec<u8> {
    frame(b'K', &count.to_be_bytes())
}

/// A HELLO of `name`, who knows nothing of ACK.
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

/// Says lines until a program ends whose output nobody reads any more. One line is not enough: a
/// program that another test is starting has a copy of the pipe for a moment, as its reader.
pub fn say_until_it_ends(peer: &mut TcpStream, program: &mut Started) {
    wait_for("the program's end", || {
        // It resets the connection when it ends.
        let _ = peer.write_all(&frame(b'T', b"and another thing"));
        program.try_wait().unwrap()
    });
}

//! A desk: a server with a port of the system's choice.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use super::{Program, Window, children, connect, talk};

/// A running server, and where it listens.
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

    /// A connection that has not sent HELLO.
    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Descriptors that the server has open, and children that it has.
    pub fn holdings(&self) -> (usize, usize) {
        let fds = fs::read_dir(format!("/proc/{}/fd", self.server.pid())).unwrap().count();
        (fds, children(self.server.pid()).len())
    }
}

//! The smallest Rust program with std that holds a call: what every Rust program costs before it
//! does anything.
//!
//! `minimal hold` sends standard input back on standard output; `minimal serve <port>` forks a
//! process for each call, which sends back what comes.

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;

unsafe extern "C" {
    safe fn fork() -> i32;
}

fn hold(mut call: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 4096];
    while let count @ 1.. = call.read(&mut bytes)? {
        call.write_all(&bytes[..count])?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().collect();
    if words[1] == "hold" {
        let (mut input, mut bytes) = (io::stdin().lock(), [0; 4096]);
        while let count @ 1.. = input.read(&mut bytes)? {
            io::stdout().write_all(&bytes[..count])?;
            io::stdout().flush()?;
        }
        return Ok(());
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{}", words[2]))?;
    loop {
        let (call, _) = listener.accept()?;
        if fork() == 0 {
            process::exit(hold(call).is_err().into());
        }
    }
}

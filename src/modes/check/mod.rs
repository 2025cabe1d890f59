//! Check an own implementation of the protocol: play its other end, and say rule by rule what it
//! does.
//!
//! Next door: `rules` is what is checked, `trial` plays a rule, `wire` moves its frames, `results`
//! prints. The invariant: every rule has a call of its own, so none suffers from what another did.

mod results;
mod rules;
mod trial;
mod wire;

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use argh::FromArgs;
use nix::sys::signal::SigSet;

use super::cli::{PORT, Usage, parse, port};
use super::dial::dial;
use crate::errors;
use crate::protocol::events::Role;
use crate::sys::ready::{self, Interest};
use crate::sys::{self, sockets};
use results::Results;
use trial::Trial;

/// Test an own implementation of the protocol: call a desk, or be the desk that a client calls, and
/// print for each rule of docs/PROTOCOL.md whether it is kept.
///
/// Each rule takes one call. A client needs a line of input for each, which ends after a second.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "A desk:\n  {command_name} localhost 8255",
    example = "A client, which has to call as often as this says:\n  {command_name} --listen",
    example = "For a test harness that reads TAP 14:\n  {command_name} --tap localhost > desk.tap",
    error_code(1, "A rule is broken, or could not be checked."),
    error_code(2, "The arguments are wrong.")
)]
struct Options {
    /// the host of a desk and its port (8255); with --listen, only the port to listen on (8255; 0
    /// picks a free one)
    #[argh(positional, arg_name = "address")]
    address: Vec<String>,

    /// be the desk, and test the client that calls
    #[argh(switch)]
    listen: bool,

    /// print the result in version 14 of the Test Anything Protocol
    #[argh(switch)]
    tap: bool,

    /// how long an answer may take, and the next call of a client (10)
    #[argh(option, default = "NonZeroU16::new(10).unwrap()", arg_name = "seconds")]
    limit: NonZeroU16,
}

/// Where the calls come from.
enum Subject {
    /// We call this desk.
    To { host: String, port: u16 },
    /// A client calls us.
    From(TcpListener),
}

/// Plays every rule that binds the other end.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let wait = Duration::from_secs(options.limit.get().into());
    let calls = calls(&options)?;
    let rules = rules::of(calls.tested());
    if let Subject::From(listener) = &calls {
        invite(listener, rules.len())?;
    }
    let mut report = Results::begin(options.tap, rules.len())?;
    for (index, rule) in rules.iter().enumerate() {
        let limit = (index > 0).then_some(wait);
        let socket = match calls.next(limit) {
            Ok(socket) => socket,
            Err(why) => {
                report.bail_out(&why)?;
                return Err(why);
            }
        };
        let verdict = Trial::new(socket, calls.tested(), wait)?.play(&rule.steps);
        report.rule(rule, &verdict)?;
    }
    report.end()
}

/// What the arguments mean.
fn calls(options: &Options) -> Result<Subject> {
    let words: Vec<&str> = options.address.iter().map(String::as_str).collect();
    let number = |text| port(text).map_err(Usage::wrong);
    match (options.listen, &words[..]) {
        (false, [host]) => Ok(Subject::To { host: (*host).into(), port: PORT }),
        (false, [host, port]) => Ok(Subject::To { host: (*host).into(), port: number(port)? }),
        (true, []) => listen(PORT),
        (true, [port]) => listen(number(port)?),
        (false, []) => bail!(Usage::wrong("name the host of a desk, or say --listen")),
        (false, _) => bail!(Usage::wrong("a desk has one host and one port")),
        (true, _) => bail!(Usage::wrong("with --listen, give a port and no host")),
    }
}

fn listen(port: u16) -> Result<Subject> {
    let listener = sockets::listen(None, port).map_err(|error| {
        anyhow!("cannot listen on port {port}: {}; give another port", errors::reason(&error))
    })?;
    Ok(Subject::From(listener))
}

/// Says how to call. Not on standard output, which is for the result.
fn invite(listener: &TcpListener, count: usize) -> io::Result<()> {
    let address = listener.local_addr()?;
    let port = address.port();
    // Standard error may be closed; then nobody wants to be told.
    let _ = writeln!(
        io::stderr(),
        "talk: listening on {address}; call {count} times with a line of input, such as:\n  \
         for i in $(seq {count}); do (echo hello; sleep 1) | my-client localhost {port}; done"
    );
    Ok(())
}

impl Subject {
    /// Which end is tested.
    fn tested(&self) -> Role {
        match self {
            Self::To { .. } => Role::Handler,
            Self::From(_) => Role::Caller,
        }
    }

    /// The next call. The first of a client may take as long as it takes to start one.
    fn next(&self, limit: Option<Duration>) -> Result<TcpStream> {
        let listener = match self {
            Self::To { host, port } => return Ok(dial(host, *port, None)?.0),
            Self::From(listener) => listener,
        };
        let deadline = limit.map(|limit| Instant::now() + limit);
        loop {
            ready::poll(&mut [Interest::read(listener, true)], deadline, &SigSet::empty())?;
            match listener.accept() {
                Ok((socket, _)) => return Ok(socket),
                Err(error) if !sys::would_block(&error) => {
                    return Err(error).context("cannot accept a call");
                }
                Err(_) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    let seconds = limit.unwrap_or_default().as_secs();
                    bail!("no call came within {seconds} s; does the client end after each call?")
                }
                Err(_) => {}
            }
        }
    }
}

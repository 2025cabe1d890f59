//! `talk check`: be the peer of an implementation of the protocol, and say for each rule whether it
//! holds.
//!
//! Next door: `rules` is what is checked, `trial` plays a rule, `wire` moves its frames, `acks`
//! counts what is acknowledged, `results` prints. The invariant: every rule has its own call, so
//! that a broken rule cannot affect others.

mod acks;
mod results;
mod rules;
mod trial;
mod wire;

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use argh::FromArgs;
use nix::sys::signal::SigSet;

use super::cli::{PORT, Usage, parse, port, seconds};
use super::dial::Destination;
use crate::errors;
use crate::protocol::events::Role;
use crate::sys::ready::{self, Interest};
use crate::sys::{self, sockets};
use results::Results;
use trial::Trial;

/// Conformance-test an implementation of the protocol: call a desk, or be the desk that a client
/// calls, and print for each rule of docs/PROTOCOL.md whether it holds.
///
/// Each rule takes one call. In each call, a client needs one line of input that ends after two
/// seconds.
#[derive(FromArgs)]
#[cfg_attr(test, derive(argh::ArgsInfo))]
#[argh(
    help_triggers("-h", "--help"),
    example = "Test a desk:\n  {command_name} localhost 8255",
    example = "Test a client, which has to call as often as this says:\n  {command_name} --listen",
    example = "For a test harness that reads TAP 14:\n  {command_name} --tap localhost > desk.tap",
    error_code(1, "A rule is broken, or could not be checked."),
    error_code(2, "The command line is wrong.")
)]
pub struct Options {
    /// host of a desk, and its port (default: 8255); with --listen, only the port to listen on
    /// (default: 8255; 0 picks a free port)
    #[argh(positional, arg_name = "address")]
    address: Vec<String>,

    /// act as the desk, and test the client that calls
    #[argh(switch)]
    listen: bool,

    /// print the results as TAP version 14 (the Test Anything Protocol)
    #[argh(switch)]
    tap: bool,

    /// seconds to wait for each answer, and for the next call of a client (default: 10)
    #[argh(option, default = "WAIT", arg_name = "seconds", from_str_fn(seconds))]
    limit: Duration,
}

/// How long each answer may take unless `--limit` says.
const WAIT: Duration = Duration::from_secs(10);

/// The implementation under test.
enum Subject {
    Desk(Destination),
    /// A client, which calls here.
    Client(TcpListener),
}

/// Plays every rule that binds the implementation under test.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let subject = subject(&options)?;
    let rules = rules::of(subject.role());
    if let Subject::Client(listener) = &subject {
        invite(listener, rules.len())?;
    }
    let mut results = Results::begin(options.tap, rules.len())?;
    for (index, rule) in rules.iter().enumerate() {
        // The first call of a client may take as long as somebody needs to start one.
        let limit = (index > 0).then_some(options.limit);
        let socket = match subject.next_call(limit) {
            Ok(socket) => socket,
            Err(why) => {
                results.bail_out(&why)?;
                return Err(why);
            }
        };
        let verdict = Trial::new(socket, subject.role(), options.limit)?.play(&rule.steps);
        results.rule(rule, &verdict)?;
    }
    results.end()
}

fn subject(options: &Options) -> Result<Subject> {
    if !options.listen {
        let desk = Destination::given(&options.address)?;
        let none = || Usage::wrong("give the host of a desk, or --listen");
        return Ok(Subject::Desk(desk.ok_or_else(none)?));
    }
    match &options.address[..] {
        [] => listen(PORT),
        [number] => {
            listen(port(number).map_err(|error| Usage::wrong(format!("port '{number}' {error}")))?)
        }
        _ => bail!(Usage::wrong("with --listen, give a port and no host")),
    }
}

fn listen(port: u16) -> Result<Subject> {
    let listener = sockets::listen(None, port).map_err(|error| {
        anyhow!("cannot listen on port {port}: {}; give another port", errors::reason(&error))
    })?;
    Ok(Subject::Client(listener))
}

/// Says how to call: on standard error, since standard output is for the results.
fn invite(listener: &TcpListener, count: usize) -> io::Result<()> {
    let address = listener.local_addr()?;
    let port = address.port();
    // Standard error may be closed; the check works without it.
    let _ = writeln!(
        io::stderr(),
        "talk: listening on {address}; call {count} times with a line of input, such as:\n  \
         for i in $(seq {count}); do (echo hello; sleep 2) | my-client localhost {port}; done"
    );
    Ok(())
}

impl Subject {
    fn role(&self) -> Role {
        match self {
            Self::Desk(_) => Role::Handler,
            Self::Client(_) => Role::Caller,
        }
    }

    /// Calls the desk, or waits for a call of the client, for `limit` at most.
    fn next_call(&self, limit: Option<Duration>) -> Result<TcpStream> {
        let listener = match self {
            Self::Desk(desk) => return Ok(desk.dial(None)?.0),
            Self::Client(listener) => listener,
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
                    let seconds = limit.unwrap_or_default().as_secs_f64();
                    bail!("no call came within {seconds} s; does the client end after each call?")
                }
                Err(_) => {}
            }
        }
    }
}

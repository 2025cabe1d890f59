//! Call somebody: resolve, connect, ring, converse.
//!
//! The invariant: nothing is read from the keyboard before somebody has answered.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use argh::FromArgs;

use super::{PORT, own_name, parse, port};
use crate::engine::{self, Engine};
use crate::outcome;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::Role;
use crate::protocol::name::Name;
use crate::sys;
use crate::sys::confine;
use crate::terminal::{self, Event, Settings, printable};

/// How long each address of a host may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Call a desk. Type whenever you like; end with Ctrl-D or Ctrl-C.
///
/// With a pipe or a file in place of the keyboard, its lines are sent as they are, and the exit status is 0 only when
/// every one was shown at the desk.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Call the desk on machine helpdesk:\n  {command_name} helpdesk",
    example = "Send a log, and know that it was seen:\n  make 2>&1 | {command_name} helpdesk --name builder",
    error_code(1, "The conversation did not take place or not end properly."),
    error_code(2, "The arguments are wrong.")
)]
struct Options {
    /// the machine where the desk is: a name or an address
    #[argh(positional)]
    host: String,

    /// the port of the desk (8255)
    #[argh(positional, default = "PORT", from_str_fn(port))]
    port: u16,

    /// what the desk calls you (default: $TALK_NAME, or your login name)
    #[argh(option)]
    name: Option<Name>,

    /// only append lines: no cursor movement, no colours (for screen readers and braille)
    #[argh(switch)]
    plain: bool,

    /// ring the terminal's bell when a line arrives
    #[argh(switch)]
    bell: bool,
}

/// Calls the desk and converses until either end leaves.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let name = own_name(options.name)?;
    let (socket, address) = dial(&options.host, options.port)?;
    let mut terminal = terminal::open(Settings {
        name: name.as_bytes(),
        address: address.to_string(),
        plain: options.plain,
        bell: options.bell,
    })?;
    let signals = engine::watch(&*terminal)?;
    confine::to_what_is_open();
    let host = printable::label(options.host.as_bytes());
    terminal.show(Event::Notice(&format!("ringing {host} ({address})")));
    let conversation =
        Conversation::new(Role::Caller, name.clone(), engine::input(), Instant::now());
    let mut answered = |_: &_| {};
    let mut engine =
        Engine::new(socket.into(), conversation, &mut *terminal, &signals, &mut answered);
    let outcome = engine.run()?;
    engine.finish();
    outcome::conclude(&outcome, engine.conversation())
}

/// Connects to the first of the host's addresses that answers.
fn dial(host: &str, port: u16) -> Result<(TcpStream, SocketAddr)> {
    let addresses = (host, port).to_socket_addrs().with_context(|| {
        format!("no host '{host}' is known; check its spelling, or use its address")
    })?;
    let mut failed = Vec::new();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => failed.push(format!("{address}: {}", sys::reason(&error))),
        }
    }
    if failed.is_empty() {
        bail!("host '{host}' has no address");
    }
    let advice = "is a desk open there? It is opened with: talk server";
    Err(anyhow!("no desk answers at {host} port {port} ({}); {advice} {port}", failed.join("; ")))
}

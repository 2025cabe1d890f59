//! Call somebody: resolve, connect, ring, converse.
//!
//! The invariant: nothing is read from the keyboard before somebody has answered.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use argh::FromArgs;

use super::cli::{PORT, own_name, parse, port};
use super::dial::dial;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Input, Role};
use crate::protocol::limits::Limits;
use crate::protocol::name::Name;
use crate::session::closing;
use crate::session::engine::{self, Engine};
use crate::sys::sandbox;
use crate::terminal::{self, Event, Settings, sanitize};

/// Call a desk. Type whenever you like; end with Ctrl-D or Ctrl-C.
///
/// With a pipe or a file in place of the keyboard, its lines are sent as they are, and the exit
/// status is 0 only when every one was shown at the desk.
#[derive(FromArgs)]
#[argh(
    help_triggers("-h", "--help"),
    example = "Call the desk on machine helpdesk:\n  {command_name} helpdesk",
    example = "Send a log, and know that it was seen:\n  make 2>&1 | {command_name} helpdesk --name builder",
    example = "Ask, and have the answers in a file:\n  \
               echo 'which printer works?' | {command_name} helpdesk --wait --timeout 600 > answers",
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

    /// stay for answers after the input has ended, until the desk leaves
    #[argh(switch)]
    wait: bool,

    /// end after this many seconds at most, whatever has been reached by then (default: never)
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    timeout: Option<Duration>,

    /// no notices on standard error, only errors
    #[argh(switch)]
    quiet: bool,

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
    let limit = options.timeout.map(|limit| (Instant::now() + limit, limit));
    let (socket, address) = dial(&options.host, options.port, limit.map(|(at, _)| at))?;
    let mut terminal = terminal::open(Settings {
        name: name.as_bytes(),
        address: address.to_string(),
        plain: options.plain,
        bell: options.bell,
        quiet: options.quiet,
    })
    .context("cannot use standard input and output")?;
    let signals = engine::watch(&*terminal)?;
    sandbox::enter();
    let host = sanitize::label(options.host.as_bytes());
    terminal.show(Event::Notice(&format!("ringing {host} ({address})")));
    let input = match engine::input() {
        Input::Stream if options.wait => Input::WaitForPeer,
        input => input,
    };
    let conversation =
        Conversation::new(Role::Caller, name.clone(), input, Limits::default(), Instant::now());
    let mut nobody = ();
    let mut engine =
        Engine::new(socket.into(), conversation, &mut *terminal, &signals, &mut nobody);
    if let Some((at, limit)) = limit {
        engine.limit(at, limit);
    }
    let ended = engine.run()?;
    closing::finish(&mut *terminal, &signals);
    ended.status()
}

/// A number of seconds as a person writes it.
fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no number of seconds above 0");
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|limit| !limit.is_zero()).ok_or_else(wrong)
}

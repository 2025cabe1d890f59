//! `talk client`: resolve, connect, ring, converse.
//!
//! Next door, `dial` connects; `session::engine` holds the conversation. The invariant: the
//! keyboard is not read before the desk has answered.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use argh::FromArgs;

use super::cli::{own_name, parse, seconds};
use super::dial::Destination;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Input, Role};
use crate::protocol::limits::{LINGER_LIMIT, Limits};
use crate::protocol::name::Name;
use crate::session::closing;
use crate::session::engine::{self, Engine};
use crate::sys::sandbox;
use crate::terminal::{self, Event, Settings, sanitize};

/// Call a desk. Type whenever you like; leave with Ctrl-D or Ctrl-C.
///
/// When standard input is a pipe or a file, its lines are sent as they are, and the exit status is
/// 0 only if every line was shown at the desk.
#[derive(FromArgs)]
#[cfg_attr(test, derive(argh::ArgsInfo))]
#[argh(
    help_triggers("-h", "--help"),
    example = "Call the desk on the machine helpdesk:\n  {command_name} helpdesk",
    example = "Send a log; the exit status says whether all of it was shown:\n  \
               make 2>&1 | {command_name} helpdesk --name builder",
    example = "Ask a question, and save the replies in a file:\n  \
               echo 'which printer works?' | \
               {command_name} helpdesk --wait --timeout 600 > answers",
    error_code(1, "There was no conversation, or it did not end properly."),
    error_code(2, "The command line is wrong.")
)]
pub struct Options {
    /// host name or address of the desk, and its port (default: 8255), which can be attached as in
    /// desk:8255 (IPv6 addresses in brackets); without both, $TALK_DESK
    #[argh(positional)]
    desk: Vec<String>,

    /// your name as shown at the desk, at most 64 bytes (default: $TALK_NAME, or your login name)
    #[argh(option)]
    name: Option<Name>,

    /// wait for replies after end of input, until the desk leaves
    #[argh(switch)]
    wait: bool,

    /// leave after this many seconds, whatever has been reached by then (default: never)
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    timeout: Option<Duration>,

    /// print only errors on standard error, no notices
    #[argh(switch)]
    quiet: bool,

    /// append-only output: no cursor movement, no colours (for screen readers and braille)
    #[argh(switch)]
    plain: bool,

    /// ring the terminal's bell for each line that arrives
    #[argh(switch)]
    bell: bool,
}

/// Calls the desk and converses until either side leaves.
pub fn run(command: &[&str], arguments: &[&str]) -> Result<ExitCode> {
    let options: Options = parse(command, arguments)?;
    let name = own_name(options.name)?;
    let limit = options.timeout.map(|limit| (Instant::now() + limit, limit));
    let desk = Destination::find(&options.desk)?;
    let (socket, address) = desk.dial(limit.map(|(at, _)| at))?;
    let mut terminal = terminal::open(Settings {
        name: name.as_bytes(),
        address: address.to_string(),
        plain: options.plain,
        bell: options.bell,
        quiet: options.quiet,
        window: false,
        call: None,
    })
    .context("cannot use standard input and output")?;
    let signals = engine::watch(&*terminal)?;
    sandbox::enter();
    let host = sanitize::label(desk.host.as_bytes());
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
    let bound = limit.map(|(at, _)| at + LINGER_LIMIT);
    closing::finish(&mut *terminal, &signals, &ended, bound);
    ended.status()
}

//! The desk's end of one conversation, whatever process holds it.
//!
//! `talk handler` is this in a window of its own. Next door, `engine` runs the conversation and
//! `outcome` says how it ended. The invariant: the server hears of the end before the window is
//! closed.

use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::protocol::conversation::Conversation;
use crate::protocol::events::{Input, Role};
use crate::protocol::limits::Limits;
use crate::protocol::name::Name;
use crate::session::closing;
use crate::session::engine::{self, Engine};
use crate::session::report::Reporter;
use crate::sys::{sandbox, sockets};
use crate::terminal::{self, Settings};

/// A call that has its window.
#[derive(Debug)]
pub struct DeskSide<'a> {
    pub call: OwnedFd,
    /// The desk's name.
    pub name: Name,
    /// Only lines appended.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
    /// Who types on standard input.
    pub input: Input,
    /// Tells the server what happens.
    pub reporter: &'a Reporter,
}

impl DeskSide<'_> {
    /// Converses on standard input and output until either end leaves, and until the person has
    /// read the last words.
    ///
    /// # Errors
    /// The conversation did not end properly.
    pub fn converse(self) -> Result<ExitCode> {
        let mut terminal = terminal::open(Settings {
            name: self.name.as_bytes(),
            address: sockets::peer(&self.call)
                .map_or("this machine".into(), |peer| peer.to_string()),
            plain: self.plain,
            bell: self.bell,
            quiet: false,
        })
        .context("cannot use standard input and output")?;
        let signals = engine::watch(&*terminal)?;
        sandbox::enter();
        let conversation = Conversation::new(
            Role::Handler,
            self.name.clone(),
            self.input,
            Limits::default(),
            Instant::now(),
        );
        let mut reporter = self.reporter;
        let engine = Engine::new(self.call, conversation, &mut *terminal, &signals, &mut reporter);
        let ended = engine.run()?;

        let status = ended.status();
        if !ended.asked {
            let error = status.as_ref().err().map_or(String::new(), |error| format!("{error}; "));
            closing::linger(&mut *terminal, &signals, &(error + "press a key to close"))?;
        }
        closing::finish(&mut *terminal, &signals);
        status
    }
}

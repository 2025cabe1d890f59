//! The desk's side of one conversation, whatever process holds it.
//!
//! `talk handler` is this in a window, a helper in the console is this without exec. Next door,
//! `engine` runs the conversation and `link` carries what the server hears of it. The order is
//! load-bearing: terminal, link and signals are opened before `sandbox::enter`, after which nothing
//! can be opened, and which comes before the first byte of the caller is taken. The invariant: the
//! server hears how the call ended before the window closes.

use std::io;
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
use crate::session::link::{Downlink, LinkTerminal, Report, Reporter};
use crate::session::observer::{Decisions, Observer};
use crate::session::outcome::Ended;
use crate::sys::sandbox;
use crate::sys::signals::Signals;
use crate::terminal::{self, Settings, Terminal};

/// A call that has its keyboard and screen.
#[derive(Debug)]
pub struct DeskSide {
    pub call: OwnedFd,
    /// The desk's name.
    pub name: Name,
    /// Where the caller is, printable.
    pub address: String,
    /// Who types on standard input.
    pub input: Input,
}

/// A window: standard input and output of this process.
#[derive(Debug)]
pub struct Window {
    /// The number of the call, where a server counts them.
    pub number: Option<u32>,
    /// Only lines appended.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
    /// `None` where no server started this process.
    pub link: Option<OwnedFd>,
}

impl DeskSide {
    /// Converses in the console, where standard input and output are the link, until either side
    /// leaves.
    ///
    /// # Errors
    /// The conversation did not end properly.
    pub fn converse_in_console(self) -> Result<ExitCode> {
        let mut terminal = LinkTerminal::open().context(UNUSABLE)?;
        let signals = engine::watch(&terminal)?;
        sandbox::enter();
        // The terminal itself reports, so that reports and text stay in order.
        let ended = self.run(&mut terminal, &signals, &mut (), None)?;
        terminal.report(&Report::Ended(ended.clone()));
        closing::finish(&mut terminal, &signals, &ended, None);
        ended.status()
    }

    /// Converses in a window until either side leaves, and until the person has read the last
    /// lines.
    ///
    /// # Errors
    /// The conversation did not end properly.
    pub fn converse_in_window(self, window: Window) -> Result<ExitCode> {
        let Window { number, plain, bell, link } = window;
        let settings = Settings {
            name: self.name.as_bytes(),
            address: self.address.clone(),
            plain,
            bell,
            quiet: false,
            window: true,
            call: number,
        };
        let mut terminal = terminal::open(settings).context(UNUSABLE)?;
        let mut downlink = link.as_ref().map(OwnedFd::try_clone).transpose()?.map(Downlink::new);
        let mut reporter = Reporter::new(link);
        let signals = engine::watch(&*terminal)?;
        sandbox::enter();
        let decisions = downlink.as_mut().map(|downlink| downlink as &mut dyn Decisions);
        let ended = self.run(&mut *terminal, &signals, &mut reporter, decisions)?;
        let status = ended.status();
        if !ended.asked {
            let error = status.as_ref().err().map_or(String::new(), |error| format!("{error}; "));
            closing::linger(&mut *terminal, &signals, &(error + "press Enter to close"))?;
        }
        closing::finish(&mut *terminal, &signals, &ended, None);
        status
    }

    fn run(
        self,
        terminal: &mut dyn Terminal,
        signals: &Signals,
        observer: &mut dyn Observer,
        decisions: Option<&mut dyn Decisions>,
    ) -> io::Result<Ended> {
        let Self { call, name, input, .. } = self;
        let conversation =
            Conversation::new(Role::Handler, name, input, Limits::default(), Instant::now());
        let mut engine = Engine::new(call, conversation, terminal, signals, observer);
        if let Some(decisions) = decisions {
            engine.obey(decisions);
        }
        engine.run()
    }
}

const UNUSABLE: &str = "cannot use standard input and output";

//! What a helper or handler tells the server about its call.
//!
//! The server cannot see into a window: xterm's exit status says nothing about the program in it.
//! So each process of a call posts short reports to the server's mailbox, whose address the
//! window's program finds in `TALK_REPORT`. The invariant: a report is never needed for the
//! conversation; without a server, or after its end, it goes nowhere.

use std::env;

use crate::protocol::name::Name;
use crate::session::observer::Observer;
use crate::session::outcome::Ended;
use crate::sys::mailbox::Sender;

/// The variable that names the mailbox and the call, as `address/number`.
pub const VARIABLE: &str = "TALK_REPORT";

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It was checked in: a caller of this name.
    Hello(Name),
    /// It was dropped at check-in, and why.
    Dropped(String),
    /// Its window could not be opened, and why.
    NoWindow(String),
    /// The handler has said hello: the window is open.
    Open,
    /// The conversation is over, and how it ended.
    Ended(String),
}

/// Where reports about one call go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    mailbox: String,
    call: u32,
}

impl Address {
    pub fn new(mailbox: &str, call: u32) -> Self {
        Self { mailbox: mailbox.into(), call }
    }

    /// The address that the server prepared for this process, if a server started it.
    pub fn inherited() -> Option<Self> {
        Self::parse(&env::var(VARIABLE).ok()?)
    }

    /// What [`Address::variable`] says.
    pub fn parse(value: &str) -> Option<Self> {
        let (mailbox, call) = value.rsplit_once('/')?;
        Some(Self::new(mailbox, call.parse().ok()?))
    }

    /// The value of [`VARIABLE`] for the program of this call's window.
    pub fn variable(&self) -> String {
        format!("{}/{}", self.mailbox, self.call)
    }
}

/// Sends reports about one call.
#[derive(Debug)]
pub struct Reporter {
    /// `None` where nobody wants to know.
    sender: Option<Sender>,
    call: u32,
}

impl Reporter {
    /// A reporter to this address, if there is one and its server is still there. It opens nothing
    /// later.
    pub fn to(address: Option<&Address>) -> Self {
        let sender = address.and_then(|address| Sender::connect(&address.mailbox).ok());
        Self { sender, call: address.map_or(0, |address| address.call) }
    }

    /// Sends a report. A server that has ended does not want it any more, so failing is no error.
    pub fn send(&self, report: &Report) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(&encode(self.call, report));
        }
    }
}

impl Observer for &Reporter {
    fn on_answered(&mut self, _name: &Name) {
        self.send(&Report::Open);
    }

    fn on_ended(&mut self, ended: &Ended) {
        self.send(&Report::Ended(ended.to_string()));
    }
}

/// The number of the call (4 bytes, big endian), a letter for the kind, then the text.
fn encode(call: u32, report: &Report) -> Vec<u8> {
    let (kind, text) = match report {
        Report::Hello(name) => (b'h', name.as_bytes()),
        Report::Dropped(why) => (b'd', why.as_bytes()),
        Report::NoWindow(why) => (b'n', why.as_bytes()),
        Report::Open => (b'o', &b""[..]),
        Report::Ended(how) => (b'e', how.as_bytes()),
    };
    [&call.to_be_bytes()[..], &[kind], text].concat()
}

/// Which call a message is about, and what it says; `None` when it is no report.
pub fn decode(message: &[u8]) -> Option<(u32, Report)> {
    let (call, message) = message.split_first_chunk()?;
    let (kind, bytes) = message.split_first()?;
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let report = match kind {
        b'h' => Report::Hello(Name::from_wire(bytes)?),
        b'd' => Report::Dropped(text()),
        b'n' => Report::NoWindow(text()),
        b'o' => Report::Open,
        b'e' => Report::Ended(text()),
        _ => return None,
    };
    Some((u32::from_be_bytes(*call), report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_travel_whole_and_anything_else_is_none() {
        for report in [
            Report::Hello(Name::from_wire(b"\xffzo\xc3\xab").unwrap()),
            Report::Dropped("no HELLO within 5 s".into()),
            Report::NoWindow("xterm is not on PATH".into()),
            Report::Open,
            Report::Ended("alice left: späti".into()),
        ] {
            assert_eq!(decode(&encode(7, &report)), Some((7, report)));
        }
        for junk in [&b""[..], b"abc", b"\0\0\0\x01", b"\0\0\0\x01x", b"\0\0\0\x01h"] {
            assert_eq!(decode(junk), None, "{junk:?}");
        }
    }
}

//! The peer as one conversation shows it: its name, what it is doing, and its partial line.
//!
//! Next door, `mod` shows it. The invariant: the name and the text are as they came, for a surface
//! to make printable.

use crate::terminal::assembler::{Assembler, Piece};
use crate::terminal::sanitize;
use crate::terminal::surface::{Entry, Origin, Who};

/// What the peer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// It has not answered yet.
    Ringing,
    Talking,
    /// What was sent waits to be read.
    NotReading,
    Left,
    /// The connection to it was lost.
    Lost,
}

impl PeerState {
    fn words(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::NotReading => "not reading",
            Self::Left => "left",
            Self::Lost => "lost",
        }
    }

    /// Why a line cannot be sent now.
    pub fn obstacle(self) -> &'static str {
        match self {
            Self::Ringing => "nobody has answered yet",
            Self::Talking | Self::NotReading => "send buffer full",
            Self::Left => "the peer has left",
            Self::Lost => "the connection is lost",
        }
    }
}

/// The peer.
pub struct Peer {
    pub state: PeerState,
    /// Empty until it has answered.
    name: Vec<u8>,
    address: String,
    pub line: Assembler,
}

impl Peer {
    /// Somebody at this address, [`PeerState::Ringing`].
    pub fn new(address: String) -> Self {
        let (state, line) = (PeerState::Ringing, Assembler::default());
        Self { state, name: Vec::new(), address, line }
    }

    pub fn answered(&mut self, name: &[u8]) {
        self.name = name.to_owned();
        self.state = PeerState::Talking;
    }

    /// Whether it reads what is sent.
    pub fn reads(&mut self, reads: bool) {
        self.state = match self.state {
            PeerState::Talking if !reads => PeerState::NotReading,
            PeerState::NotReading if reads => PeerState::Talking,
            state => state,
        };
    }

    /// The conversation is over. A goodbye counts for more than what happens to the connection
    /// after it.
    pub fn ended(&mut self, lost: bool) {
        if self.state != PeerState::Left {
            self.state = if lost { PeerState::Lost } else { PeerState::Left };
        }
    }

    /// Its name if it has said one, else its address.
    pub fn who(&self) -> &[u8] {
        if self.name.is_empty() { self.address.as_bytes() } else { &self.name }
    }

    /// Who it is and what it is doing, printable.
    pub fn status(&self) -> Vec<u8> {
        let (address, words) = (&self.address, self.state.words());
        match self.name.as_slice() {
            b"" => format!("-- {address} {words} --"),
            name => format!("-- {} ({address}) {words} --", sanitize::name(name)),
        }
        .into_bytes()
    }

    /// What it said, as an entry.
    pub fn entry<'a>(&'a self, piece: &'a Piece<'_>) -> Entry<'a> {
        piece.entry(Origin::Peer, Who::Person(self.who()))
    }
}

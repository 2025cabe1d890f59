//! One end of a conversation that keeps every rule, but for the one that it is told to break.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{frame, hello};

/// A rule that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    Nothing,
    // What both ends can do wrong.
    WrongVersion,
    MindsUnknown,
    MindsEmpty,
    MindsLarge,
    MindsPart,
    MindsBytesInText,
    MindsBytesInName,
    MindsFlags,
    MindsPieces,
    LosesMany,
    TakesLongText,
    TakesLongSkipped,
    TakesLongBye,
    TakesVersion,
    TakesNoName,
    TakesLongName,
    TakesEarlyText,
    TakesSecondHello,
    FaultWithoutReason,
    FaultWithoutBye,
    NoAnswerToBye,
    TalksAfterBye,
    ReadsAfterBye,
    IgnoresEnd,
    IgnoresTornFrame,
    OffersNoAck,
    AcksNoBye,
    AcksOnlyBye,
    AcksEverything,
    AcksUnasked,
    AcksNoPart,
    AcksLess,
    AcksMore,
    TakesShortAck,
    TakesLongAck,
    TakesAckOfTooMany,
    MindsAckUnoffered,
    // A desk.
    NoHello,
    NoHelloLimit,
    TakesAnyBeginning,
    // A caller.
    TalksBeforeAnswer,
    SaysNothing,
    NeverLeaves,
    GoesUnanswered,
    IgnoresRefusal,
    MindsUnknownEarly,
    LeavesWithoutAck,
    TakesAckThatGoesBack,
}

const FAULT: &str = "protocol error: wrong";
/// How long a person stays.
const IDLE: Duration = Duration::from_secs(2);
/// How long it takes at most to acknowledge what was shown.
const ACK_LIMIT: Duration = Duration::from_secs(1);
/// The flag of an end that acknowledges.
const ACKNOWLEDGES: u8 = 0x08;
/// More lines than most rules send.
const MANY: u64 = 20;
/// How long a desk waits for a HELLO.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// Longer than a check waits for the end of a call, and not so long that it gives up waiting for
/// the next.
const HELD: Duration = Duration::from_secs(5);
/// Longer than a check waits for anything.
const FOR_LONG: Duration = Duration::from_secs(9);

/// What a frame, or the time, leads to.
enum Then {
    GoOn,
    Close,
    /// Everything is said: read to the end of the stream.
    Drain,
}

/// One end.
pub struct Peer {
    socket: TcpStream,
    bug: Bug,
    calls: bool,
    open: bool,
    left: bool,
    /// The other end's BYE has come.
    over: bool,
    /// The other end acknowledges.
    acknowledges: bool,
    /// What is said here and confirmed, and what is shown and acknowledged.
    said: u64,
    confirmed: u64,
    shown: u64,
    ack_at: Option<Instant>,
    /// When something came last; for a caller, when it was answered.
    since: Instant,
}

impl Peer {
    /// Converses until the call is over. `calls`: it is the caller.
    pub fn converse(socket: TcpStream, calls: bool, bug: Bug) {
        socket.set_nodelay(true).unwrap();
        let mut peer = Self {
            socket,
            bug,
            calls,
            open: false,
            left: false,
            over: false,
            acknowledges: false,
            said: 0,
            confirmed: 0,
            shown: 0,
            ack_at: None,
            since: Instant::now(),
        };
        if calls {
            peer.greet();
        }
        if bug == Bug::TalksBeforeAnswer {
            peer.send(b'T', b"early");
        }
        // A check that hangs up first does not fail the peer.
        if let Then::Drain = peer.run() {
            let _ = peer.socket.shutdown(Shutdown::Write);
            let _ = peer.socket.set_read_timeout(Some(FOR_LONG));
            let mut rest = [0; 4096];
            while peer.socket.read(&mut rest).is_ok_and(|count| count > 0) {}
        }
    }

    fn send(&mut self, tag: u8, payload: &[u8]) {
        let _ = self.socket.write_all(&frame(tag, payload));
    }

    fn greet(&mut self) {
        let mut hello = hello("peer");
        match self.bug {
            Bug::WrongVersion => hello[3] = 2,
            Bug::OffersNoAck => {}
            _ => hello[4] = ACKNOWLEDGES,
        }
        let _ = self.socket.write_all(&hello);
    }

    fn say_bye(&mut self, reason: &str) {
        let answers = self.over;
        match self.bug {
            Bug::AcksNoBye => {}
            Bug::LeavesWithoutAck if !answers => {}
            _ => self.acknowledge(),
        }
        self.send(b'B', reason.as_bytes());
    }

    fn acknowledge(&mut self) {
        self.ack_at = None;
        let count = match self.bug {
            Bug::AcksLess if self.shown > MANY => 0,
            Bug::AcksMore if self.shown > MANY => 2 * self.shown,
            _ => self.shown,
        };
        if self.open && (self.acknowledges || self.bug == Bug::AcksUnasked) {
            self.send(b'K', &count.to_be_bytes());
        }
    }

    /// Acknowledges what was shown, or plans to.
    fn shown(&mut self) {
        match self.bug {
            Bug::AcksOnlyBye => {}
            Bug::AcksEverything => self.acknowledge(),
            _ => self.ack_at = self.ack_at.or(Some(Instant::now() + ACK_LIMIT)),
        }
    }

    fn run(&mut self) -> Then {
        let mut inbox = Vec::new();
        loop {
            let limit = match (self.calls, self.open) {
                (true, true) if !self.left => IDLE,
                (false, false) if self.bug != Bug::NoHelloLimit => HELLO_LIMIT,
                _ => FOR_LONG,
            };
            let idle_at = self.since + limit;
            let next = self.ack_at.filter(|_| !self.left).map_or(idle_at, |at| at.min(idle_at));
            let wait = next.saturating_duration_since(Instant::now());
            self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
            let mut piece = [0; 65536];
            let then = match self.socket.read(&mut piece) {
                Ok(0) => self.ended(&inbox),
                Ok(count) => {
                    if !self.calls || !self.open || self.left {
                        self.since = Instant::now();
                    }
                    inbox.extend_from_slice(&piece[..count]);
                    self.take_frames(&mut inbox)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if next < idle_at {
                        self.acknowledge();
                        Then::GoOn
                    } else {
                        self.since = Instant::now();
                        self.idle()
                    }
                }
                Err(_) => Then::Close,
            };
            if !matches!(then, Then::GoOn) {
                return then;
            }
        }
    }

    fn ended(&mut self, inbox: &[u8]) -> Then {
        let torn = !inbox.is_empty();
        if self.bug == if torn { Bug::IgnoresTornFrame } else { Bug::IgnoresEnd } {
            thread::sleep(HELD);
        }
        Then::Close
    }

    /// The time is over: a caller has nothing more to say.
    fn idle(&mut self) -> Then {
        if !self.calls || !self.open || self.left {
            return Then::Close;
        }
        match self.bug {
            Bug::NeverLeaves => return Then::GoOn,
            Bug::GoesUnanswered => {
                self.send(b'B', b"");
                return Then::Close;
            }
            _ => {}
        }
        self.say_bye("");
        self.left = true;
        let _ = self.socket.shutdown(Shutdown::Write);
        Then::GoOn
    }

    fn take_frames(&mut self, inbox: &mut Vec<u8>) -> Then {
        for count in 0.. {
            let &[tag, high, low, ..] = &inbox[..] else { break };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if self.too_long(tag, length) {
                return self.fault();
            }
            if inbox.len() < 3 + length {
                break;
            }
            let payload = inbox[3..3 + length].to_vec();
            inbox.drain(..3 + length);
            if self.bug == Bug::LosesMany && count == 100 {
                inbox.clear();
            }
            let then = self.take(tag, &payload);
            if !matches!(then, Then::GoOn) {
                return then;
            }
        }
        // A small frame that did not come at once.
        if (1..100).contains(&inbox.len()) && self.bug == Bug::MindsPieces {
            return self.fault();
        }
        if self.over { Then::Close } else { Then::GoOn }
    }

    fn too_long(&self, tag: u8, length: usize) -> bool {
        match tag {
            b'B' => length > 200 && self.bug != Bug::TakesLongBye,
            b'K' if self.bug == Bug::OffersNoAck => false,
            b'K' if length < 8 => self.bug != Bug::TakesShortAck,
            b'K' => length > 8 && self.bug != Bug::TakesLongAck,
            b'T' | b't' if self.bug == Bug::MindsLarge => length >= 16_384,
            b'T' | b't' => length > 16_384 && self.bug != Bug::TakesLongText,
            _ => length > 16_384 && self.bug != Bug::TakesLongSkipped,
        }
    }

    fn take(&mut self, tag: u8, payload: &[u8]) -> Then {
        match tag {
            b'H' => self.take_hello(payload),
            b'T' | b't' => self.take_text(tag, payload),
            b'B' => self.take_bye(),
            b'K' if self.open && self.bug != Bug::OffersNoAck => self.take_ack(payload),
            _ if self.bug == Bug::MindsUnknown => self.fault(),
            _ if !self.open && self.bug == Bug::MindsUnknownEarly => self.fault(),
            _ if !self.open && !self.calls && self.bug != Bug::TakesAnyBeginning => Then::Close,
            _ => Then::GoOn,
        }
    }

    fn take_hello(&mut self, payload: &[u8]) -> Then {
        if self.open && self.bug == Bug::TakesSecondHello {
            return Then::GoOn;
        }
        let (version, flags, name) = match payload {
            &[version, flags, ref name @ ..] => (version, flags, name),
            _ => return self.fault(),
        };
        let wrong = self.open
            || version != 1 && self.bug != Bug::TakesVersion
            || flags & !ACKNOWLEDGES != 0 && self.bug == Bug::MindsFlags
            || name.is_empty() && self.bug != Bug::TakesNoName
            || name.len() > 64 && self.bug != Bug::TakesLongName
            || str::from_utf8(name).is_err() && self.bug == Bug::MindsBytesInName;
        if wrong {
            return self.fault();
        }
        self.open = true;
        self.acknowledges = flags & ACKNOWLEDGES != 0 && self.bug != Bug::OffersNoAck;
        match (self.calls, self.bug) {
            (false, Bug::NoHello) => return Then::Close,
            (false, _) => self.greet(),
            (true, Bug::SaysNothing) => {}
            (true, _) => {
                self.send(b'T', b"hello");
                self.said = 1;
            }
        }
        Then::GoOn
    }

    fn take_text(&mut self, tag: u8, payload: &[u8]) -> Then {
        let wrong = !self.open && self.bug != Bug::TakesEarlyText
            || payload.is_empty() && self.bug == Bug::MindsEmpty
            || tag == b't' && payload.len() == 1 && self.bug == Bug::MindsPart
            || str::from_utf8(payload).is_err() && self.bug == Bug::MindsBytesInText;
        if wrong {
            return self.fault();
        }
        self.shown += u64::from(tag == b'T' || self.bug != Bug::AcksNoPart);
        self.shown();
        Then::GoOn
    }

    fn take_ack(&mut self, payload: &[u8]) -> Then {
        let Ok(count) = payload.try_into().map(u64::from_be_bytes) else {
            return Then::GoOn;
        };
        let wrong = count > self.said && self.bug != Bug::TakesAckOfTooMany
            || count < self.confirmed && self.bug != Bug::TakesAckThatGoesBack;
        if wrong && (self.acknowledges || self.bug == Bug::MindsAckUnoffered) {
            return self.fault();
        }
        self.confirmed = count;
        Then::GoOn
    }

    fn take_bye(&mut self) -> Then {
        match self.bug {
            Bug::IgnoresRefusal if !self.open => return Then::GoOn,
            Bug::NoAnswerToBye => return Then::Close,
            _ if !self.open => return Then::Close,
            _ => {}
        }
        self.over = true;
        if !self.left {
            self.say_bye("");
        }
        match self.bug {
            Bug::ReadsAfterBye => return Then::GoOn,
            Bug::TalksAfterBye => self.send(b'T', b"and another thing"),
            _ => {}
        }
        Then::Close
    }

    fn fault(&mut self) -> Then {
        match self.bug {
            Bug::FaultWithoutBye => return Then::Close,
            Bug::FaultWithoutReason => self.send(b'B', b"no"),
            _ => self.say_bye(FAULT),
        }
        Then::Drain
    }
}

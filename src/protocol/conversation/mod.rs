//! Who may say what, when: one side of a conversation, without any I/O (docs/PROTOCOL.md, "A
//! conversation").
//!
//! The engine reports what happened (`on_*`), gives commands (`say`, `leave`, `expire`, `give_up`)
//! and does what [`Conversation::poll`] returns, in order. Here are text and HELLO; next door,
//! `acks` counts what is confirmed, and `goodbye` is everything about the end. The invariant: an
//! ACK counts only frames that [`Conversation::on_shown`] has counted, and BYE answers the peer's
//! BYE only after all of them, so a peer that reads either knows what was shown or written here.

mod acks;
mod goodbye;

use std::time::Instant;

use super::channel::Channel;
use super::events::{Action, End, Fault, Input, Role};
use super::frame::{Flags, Frame};
use super::limits::Limits;
use super::name::Name;
use acks::{Heard, Said};
use goodbye::{At, Timer};

/// Whether input is taken; it only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    /// Not yet: the peer has not said HELLO.
    Waiting,
    Taking,
    /// No more. `immediate`: this side wants to go now, so bytes that move do not extend its
    /// goodbye.
    Over {
        immediate: bool,
    },
}

/// Our sending direction; it only moves down this list.
#[derive(Debug, PartialEq, Eq)]
enum Sending {
    Open,
    /// BYE is the last of the outgoing bytes.
    Bye,
    /// BYE has been sent, and the direction is shut.
    Shut,
    /// Sending failed, and why.
    Failed(String),
}

/// The peer's sending direction; it only moves down this list.
#[derive(Debug, PartialEq, Eq)]
enum Receiving {
    BeforeHello,
    Talking,
    /// BYE has come.
    Left,
    /// BYE has come, and all that came before it is shown.
    Shown,
    /// The end is decided: what still comes is thrown away.
    Deaf,
}

/// One side of a conversation.
#[derive(Debug)]
pub struct Conversation {
    role: Role,
    name: Name,
    input: Input,
    limits: Limits,
    /// The name in the peer's HELLO.
    peer: Option<Name>,
    /// The flags in the peer's HELLO.
    flags: Flags,
    channel: Channel,

    intake: Intake,
    sending: Sending,
    said: Said,
    /// The input has come to its end.
    input_ended: bool,

    receiving: Receiving,
    heard: Heard,
    /// The reason in the peer's BYE.
    reason: Box<[u8]>,
    /// The peer said BYE while our direction was open.
    peer_left_first: bool,

    /// What [`Conversation::on_tick`] does next, and when.
    timer: Option<(Timer, Instant)>,
    /// When [`Timer::Acknowledge`] is due, which runs beside the other.
    ack_due: Option<Instant>,
    /// How it ends, once that is decided. [`End::Done`] is never decided in advance.
    fate: Option<(End, At)>,
}

/// What one look at the first frame found.
enum Found {
    Nothing,
    Skipped,
    Answered,
    Text { length: usize, complete: bool },
    Left,
}

impl Conversation {
    /// A conversation that begins `now`. A caller says HELLO at once, a handler once it has read
    /// one.
    pub fn new(role: Role, name: Name, input: Input, limits: Limits, now: Instant) -> Self {
        let mut conversation = Self {
            role,
            name,
            input,
            limits,
            peer: None,
            flags: Flags::default(),
            channel: Channel::default(),
            intake: Intake::Waiting,
            sending: Sending::Open,
            said: Said::default(),
            input_ended: false,
            receiving: Receiving::BeforeHello,
            heard: Heard::default(),
            reason: Box::default(),
            peer_left_first: false,
            timer: None,
            ack_due: None,
            fate: None,
        };
        conversation.start(Timer::Hello, now);
        if role == Role::Caller {
            conversation.channel.put_hello(&conversation.name);
        }
        conversation
    }

    /// Lines said here so far, including a last one without a newline.
    pub fn lines(&self) -> u64 {
        self.said.lines()
    }

    /// How many of the [lines](Conversation::lines) the peer has confirmed. A peer that
    /// acknowledges confirms by that and by nothing else: a BYE that crosses ours, or that a closed
    /// window sends, says nothing about our lines. An older peer confirms all of them, in the end.
    pub fn confirmed(&self) -> u64 {
        match self.acknowledges() {
            true => self.said.confirmed(),
            false if self.is_done() => self.said.lines(),
            false => 0,
        }
    }

    /// Whether the peer acknowledges what it shows, and wants that from this side.
    pub fn acknowledges(&self) -> bool {
        self.flags.acknowledges()
    }

    /// Whether there is input that was not said: a stream that has not come to its end.
    pub fn has_input_left(&self) -> bool {
        self.input != Input::Person && !self.input_ended
    }

    /// How many TEXT and PART frames of the peer [`Conversation::poll`] has returned.
    pub fn heard(&self) -> u64 {
        self.heard.frames
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn input(&self) -> Input {
        self.input
    }

    /// Whether the peer was the first to say BYE.
    pub fn peer_left_first(&self) -> bool {
        self.peer_left_first
    }

    /// The reason in the peer's BYE; empty without one.
    pub fn peer_reason(&self) -> &[u8] {
        &self.reason
    }

    /// What the peer calls itself, once it has said HELLO.
    pub fn peer(&self) -> Option<&Name> {
        self.peer.as_ref()
    }

    /// When to call [`Conversation::on_tick`].
    pub fn deadline(&self) -> Option<Instant> {
        let timer = self.timer.map(|(_, at)| at);
        timer.into_iter().chain(self.ack_due).min()
    }

    /// Whether input can be said: the peer has answered, nobody has left, and not too much waits to
    /// be sent.
    pub fn wants_input(&self) -> bool {
        self.intake == Intake::Taking && self.channel.waiting() < self.limits.outgoing
    }

    /// Says text without a newline: a line or the last piece of one if `complete`, else a piece of
    /// one. Returns whether it was taken; after a goodbye, and before the peer's HELLO, it is not.
    pub fn say(&mut self, text: &[u8], complete: bool, now: Instant) -> bool {
        if self.intake != Intake::Taking {
            return false;
        }
        let frames = self.channel.put_text(text, complete);
        self.said.on_said(frames, complete);
        if let Some((timer @ Timer::TrailingData, _)) = self.timer {
            self.start(timer, now);
        }
        true
    }

    /// Room to read into from the socket, or `None` when nothing more arrives.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        self.channel.room()
    }

    /// `count` bytes arrived in [`Conversation::room`].
    pub fn on_received(&mut self, count: usize, now: Instant) {
        self.channel.on_received(count);
        self.on_progress(now);
    }

    /// Bytes that wait to be sent.
    pub fn outgoing(&self) -> &[u8] {
        self.channel.outgoing()
    }

    /// The first `count` outgoing bytes have been sent.
    pub fn on_sent(&mut self, count: usize, now: Instant) {
        self.channel.on_sent(count);
        self.on_progress(now);
    }

    /// The next thing to do, or `None` until something happens. The end is returned again each time
    /// it is asked for. Text is readable until the next call.
    pub fn poll(&mut self, now: Instant) -> Option<Action<'_>> {
        let found = loop {
            match self.look(now) {
                Found::Skipped => {}
                found => break found,
            }
        };
        match found {
            Found::Answered => self.peer.as_ref().map(Action::Answered),
            Found::Text { length, complete } => {
                self.heard.frames += 1;
                Some(Action::Show { text: self.channel.take(length), complete })
            }
            // The answer to our own BYE is not reported: the person here has left already.
            Found::Left if self.peer_left_first => Some(Action::Left(&self.reason)),
            Found::Left | Found::Nothing | Found::Skipped => self.poll_end(),
        }
    }

    /// Looks at the first frame that has been received and changes state accordingly. Text stays
    /// where it is, for `poll` to take out.
    fn look(&mut self, now: Instant) -> Found {
        if !matches!(self.receiving, Receiving::BeforeHello | Receiving::Talking) {
            self.channel.ignore();
            return Found::Nothing;
        }
        let (frame, length) = match self.channel.frame() {
            Ok(Some(found)) => found,
            Ok(None) => return Found::Nothing,
            Err(error) => return self.on_fault(Fault::Frame(error), now),
        };
        let open = self.receiving == Receiving::Talking;
        let found = match frame {
            Frame::Text(_) if open => return Found::Text { length, complete: true },
            Frame::Part(_) if open => return Found::Text { length, complete: false },
            Frame::Text(_) | Frame::Part(_) => return self.on_fault(Fault::TextBeforeHello, now),
            Frame::Hello(..) if open => return self.on_fault(Fault::SecondHello, now),
            Frame::Hello(hello) => self.on_hello(hello.to_name(), hello.flags),
            Frame::Bye(reason) => {
                self.reason = reason.into();
                if open { self.on_bye(now) } else { self.on_refused() }
            }
            Frame::Ack(count) if self.acknowledges() => match self.said.on_ack(count) {
                Ok(()) => Found::Skipped,
                Err(fault) => return self.on_fault(fault, now),
            },
            Frame::Ack(_) | Frame::Unknown(_) => Found::Skipped,
        };
        self.channel.take(length);
        found
    }

    fn on_hello(&mut self, name: Name, flags: Flags) -> Found {
        self.peer = Some(name);
        self.flags = flags;
        self.receiving = Receiving::Talking;
        self.timer = None;
        if self.intake == Intake::Waiting {
            self.intake = Intake::Taking;
        }
        if self.role == Role::Handler {
            self.channel.put_hello(&self.name);
        }
        Found::Answered
    }
}

#[cfg(test)]
mod tests;

//! Who may say what, when: one end of a conversation, without any I/O (docs/PROTOCOL.md, "A
//! conversation").
//!
//! The engine feeds in what was typed, what arrived and what time it is; [`Conversation::poll`]
//! hands out what to do, in order. Bytes to send wait in [`Conversation::outgoing`]. The invariant:
//! BYE answers the other end's BYE only after [`Conversation::shown`], so whoever sees the answer
//! knows that every line was shown or written here.

use std::time::{Duration, Instant};

use memchr::memchr_iter;

use super::events::{Action, CLOSED, End, Fault, Goodbye, Input, Role};
use super::frame::{self, Frame};
use super::limits::Limits;
use super::name::Name;
use crate::buffer::{Buffer, ReadSize};

/// Our sending direction; it only moves down this list.
#[derive(Debug, PartialEq, Eq)]
enum Sending {
    Open,
    /// BYE is the last of the outgoing bytes.
    Bye,
    /// Nothing more can be sent.
    Shut,
}

/// The other end's sending direction; it only moves down this list.
#[derive(Debug, PartialEq, Eq)]
enum Receiving {
    BeforeHello,
    Talking,
    /// BYE has come.
    Left,
    /// The end is decided: what still comes is thrown away.
    Deaf,
}

/// One end of a conversation.
#[derive(Debug)]
pub struct Conversation {
    role: Role,
    name: Name,
    input: Input,
    limits: Limits,
    peer: Option<Name>,

    sending: Sending,
    outgoing: Buffer,
    /// Why sending failed.
    unsent: Option<String>,
    /// No more input is taken.
    input_over: bool,
    /// Lines said here, the last one even if its newline never came.
    lines: u64,
    in_partial_line: bool,

    receiving: Receiving,
    inbox: Buffer,
    read_size: ReadSize,
    /// Nothing more arrives.
    closed: bool,
    /// All that came before the other end's BYE is shown.
    shown: bool,
    /// The reason in the other end's BYE.
    reason: Box<[u8]>,
    /// The other end said goodbye while we still talked.
    answering: bool,

    /// When [`Conversation::tick`] has something to do; what, follows from the state.
    deadline: Option<Instant>,
    /// This end wants to go now: progress does not extend its goodbye.
    immediate: bool,
    /// How it ends, once that is decided and is not [`End::Done`].
    verdict: Option<End>,
    /// Nothing has to be waited for before the verdict takes effect.
    settled: bool,
}

/// What one look into the inbox found.
enum Found {
    Nothing,
    Skipped,
    Answered,
    Text { length: usize, complete: bool },
    Left,
}

impl Conversation {
    /// A conversation that begins `now`. A caller says HELLO at once, a handler once it has heard
    /// one.
    pub fn new(role: Role, name: Name, input: Input, limits: Limits, now: Instant) -> Self {
        let mut outgoing = Buffer::default();
        if role == Role::Caller {
            frame::put_hello(&mut outgoing, &name);
        }
        Self {
            role,
            name,
            input,
            limits,
            peer: None,
            sending: Sending::Open,
            outgoing,
            unsent: None,
            input_over: false,
            lines: 0,
            in_partial_line: false,
            receiving: Receiving::BeforeHello,
            inbox: Buffer::default(),
            read_size: ReadSize::default(),
            closed: false,
            shown: false,
            reason: Box::default(),
            answering: false,
            deadline: Some(now + hello_limit(role, &limits)),
            immediate: false,
            verdict: None,
            settled: false,
        }
    }

    /// Lines said here so far. Only [`End::Done`] confirms them.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// Who types here.
    pub fn input(&self) -> Input {
        self.input
    }

    /// Whether the peer was the first to say BYE.
    pub fn peer_left_first(&self) -> bool {
        self.answering
    }

    /// Who is at the other end, once they have said HELLO.
    pub fn peer(&self) -> Option<&Name> {
        self.peer.as_ref()
    }

    /// When to call [`Conversation::tick`].
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether input is welcome: somebody listens and not too much waits to be sent.
    pub fn wants_input(&self) -> bool {
        self.peer.is_some() && !self.input_over && self.outgoing.len() < self.limits.outgoing
    }

    /// Says `bytes` of input: each line as TEXT, what follows the last newline as PART. What comes
    /// after a goodbye has nobody to go to and is dropped.
    pub fn say(&mut self, bytes: &[u8], now: Instant) {
        if self.peer.is_none() || self.input_over {
            return;
        }
        let mut said = 0;
        for newline in memchr_iter(b'\n', bytes) {
            self.say_piece(&bytes[said..newline], true);
            said = newline + 1;
        }
        if said < bytes.len() {
            self.say_piece(&bytes[said..], false);
        }
        if self.receiving == Receiving::Left {
            self.deadline = Some(now + self.limits.trailing);
        }
    }

    fn say_piece(&mut self, text: &[u8], complete: bool) {
        self.lines += u64::from(!self.in_partial_line);
        self.in_partial_line = !complete;
        frame::put_text(&mut self.outgoing, text, complete);
    }

    /// Says goodbye as the last thing that is said. Before anybody has answered, that is the end. A
    /// handler whose input has ended waits until the caller has been silent for a while, or has
    /// said goodbye.
    pub fn leave(&mut self, goodbye: Goodbye<'_>, now: Instant) {
        if self.sending != Sending::Open || self.verdict.is_some() {
            return;
        }
        self.input_over = true;
        let reason = match goodbye {
            Goodbye::InputEnded => "",
            Goodbye::Leaving(reason) => reason,
        };
        self.immediate = goodbye != Goodbye::InputEnded;
        match self.receiving {
            Receiving::BeforeHello => self.drop_peer(End::GaveUp, reason, now),
            // Whoever answers a goodbye gets none, and it is the caller whose exit status somebody
            // looks at.
            Receiving::Talking if self.role == Role::Handler && !self.immediate => {
                self.deadline = Some(now + self.limits.trailing);
            }
            Receiving::Talking if self.waits_for_peer() => {}
            Receiving::Talking => self.say_bye(reason, now),
            Receiving::Left => {
                // Only the screen is waited for now, and that as long as it takes.
                self.deadline = None;
                self.answer(now);
            }
            Receiving::Deaf => {}
        }
    }

    /// Ends the conversation because it has taken as long as it may.
    pub fn expire(&mut self, limit: Duration, now: Instant) {
        if self.verdict.is_none() {
            let unanswered = self.peer.is_none();
            let end = if unanswered { End::NoHello(limit) } else { End::OutOfTime(limit) };
            self.drop_peer(end, "out of time", now);
        }
    }

    /// Stops waiting for anything, be it the answer to our goodbye or room to show what has come.
    pub fn give_up(&mut self) {
        self.receiving = Receiving::Deaf;
        self.decide(End::NotConfirmed);
    }

    /// Whether nothing that still arrives matters, so that the end need not wait for the screen.
    pub fn given_up(&self) -> bool {
        self.verdict == Some(End::NotConfirmed)
    }

    /// Everything that [`Conversation::poll`] handed out has been shown or written. Returns whether
    /// that leads to more.
    pub fn shown(&mut self, now: Instant) -> bool {
        let news = !self.shown && self.receiving == Receiving::Left;
        self.shown |= news;
        self.answer(now);
        news
    }

    /// Room to read into from the socket, or `None` when nothing more arrives.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        (!self.closed).then(|| self.inbox.space(self.read_size.get()))
    }

    /// `count` bytes arrived in [`Conversation::room`].
    pub fn received(&mut self, count: usize, now: Instant) {
        self.inbox.filled(count);
        self.read_size.came(count);
        self.progress(now);
    }

    /// The other end closed its sending direction.
    pub fn closed(&mut self) {
        self.closed = true;
        match self.receiving {
            Receiving::Left => {}
            Receiving::Deaf => self.settled = true,
            // Whoever failed to send was told why; who receives then is only told of the end.
            _ => self.decide(End::Lost(self.unsent.clone().unwrap_or_else(|| CLOSED.into()))),
        }
    }

    /// Receiving failed, and with it the connection.
    pub fn receive_failed(&mut self, why: String) {
        self.closed = true;
        self.decide(End::Lost(why));
    }

    /// Sending failed. What the other end said last may still be on its way, so the end waits for
    /// the end of receiving.
    pub fn send_failed(&mut self, why: String) {
        self.outgoing.clear();
        self.input_over = true;
        self.sending = Sending::Shut;
        self.unsent.get_or_insert(why);
    }

    /// Bytes that wait to be sent.
    pub fn outgoing(&self) -> &[u8] {
        self.outgoing.bytes()
    }

    /// The first `count` outgoing bytes have been sent.
    pub fn sent(&mut self, count: usize, now: Instant) {
        self.outgoing.take(count);
        self.progress(now);
    }

    /// Does what is due at the [deadline](Self::deadline), if it has passed.
    pub fn tick(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.deadline = None;
        if self.verdict.is_some() {
            self.settled = true;
            return;
        }
        match self.receiving {
            Receiving::BeforeHello => {
                let limit = hello_limit(self.role, &self.limits);
                let reason = format!("no HELLO within {} s", limit.as_secs());
                self.drop_peer(End::NoHello(limit), &reason, now);
            }
            // Silence means nothing while input is held back because too much waits to be sent.
            Receiving::Left if self.outgoing.len() >= self.limits.outgoing => {
                self.deadline = Some(now + self.limits.trailing);
            }
            Receiving::Left if !self.input_over => {
                self.input_over = true;
                self.answer(now);
            }
            Receiving::Talking if self.sending == Sending::Open => self.say_bye("", now),
            _ => self.give_up(),
        }
    }

    /// The next thing to do, or `None` until something happens. Text is readable until the next
    /// call.
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
                let text = &self.inbox.take(length)[frame::HEADER..];
                Some(Action::Show { text, complete })
            }
            // An answer to our own goodbye is no news.
            Found::Left if self.answering => Some(Action::Left(&self.reason)),
            Found::Left => self.outcome(),
            Found::Nothing | Found::Skipped => self.outcome(),
        }
    }

    /// Looks at the next frame in the inbox and changes state accordingly. Text stays in the inbox
    /// for `poll`.
    fn look(&mut self, now: Instant) -> Found {
        if matches!(self.receiving, Receiving::Left | Receiving::Deaf) {
            self.inbox.clear();
            return Found::Nothing;
        }
        let (frame, length) = match frame::decode(self.inbox.bytes()) {
            Ok(Some(found)) => found,
            Ok(None) => return Found::Nothing,
            Err(error) => return self.fault(Fault::Frame(error), now),
        };
        let open = self.receiving == Receiving::Talking;
        let found = match frame {
            Frame::Unknown(_) => Found::Skipped,
            Frame::Hello(_) if open => return self.fault(Fault::SecondHello, now),
            Frame::Hello(name) => self.meet(name),
            Frame::Text(_) if open => {
                return Found::Text { length, complete: true };
            }
            Frame::Part(_) if open => {
                return Found::Text { length, complete: false };
            }
            Frame::Text(_) | Frame::Part(_) => return self.fault(Fault::TextBeforeHello, now),
            Frame::Bye(reason) => {
                self.reason = reason.into();
                if open { self.part(now) } else { self.refused() }
            }
        };
        self.inbox.take(length.min(self.inbox.len()));
        found
    }

    /// The other end said HELLO.
    fn meet(&mut self, name: Name) -> Found {
        self.peer = Some(name);
        self.receiving = Receiving::Talking;
        self.deadline = None;
        if self.role == Role::Handler {
            frame::put_hello(&mut self.outgoing, &self.name);
        }
        Found::Answered
    }

    /// The other end said BYE.
    fn part(&mut self, now: Instant) -> Found {
        self.receiving = Receiving::Left;
        if self.sending == Sending::Open {
            self.answering = true;
            self.input_over |= self.input == Input::Person;
            self.deadline = (!self.input_over).then_some(now + self.limits.trailing);
        } else if self.sending == Sending::Shut {
            self.deadline = None;
        }
        Found::Left
    }

    fn refused(&mut self) -> Found {
        self.decide(End::Refused(self.reason.clone()));
        self.receiving = Receiving::Deaf;
        Found::Nothing
    }

    fn fault(&mut self, fault: Fault, now: Instant) -> Found {
        let reason = format!("protocol error: {fault}");
        self.drop_peer(End::Broken(fault), &reason, now);
        Found::Nothing
    }

    /// Tells the other end why it is being dropped, and gives it a moment to read that.
    fn drop_peer(&mut self, end: End, reason: &str, now: Instant) {
        if self.sending == Sending::Open {
            self.say_bye(reason, now);
        }
        self.input_over = true;
        self.receiving = Receiving::Deaf;
        self.deadline = Some(now + self.limits.linger);
        self.settled = self.closed;
        self.verdict.get_or_insert(end);
    }

    /// Answers the other end's BYE once all is shown and nothing more is to be said.
    fn answer(&mut self, now: Instant) {
        let due = self.receiving == Receiving::Left && self.shown && self.input_over;
        if due && self.sending == Sending::Open {
            self.say_bye("", now);
        }
    }

    fn say_bye(&mut self, reason: &str, now: Instant) {
        frame::put_bye(&mut self.outgoing, reason);
        self.sending = Sending::Bye;
        self.deadline = Some(now + self.limits.goodbye);
    }

    /// Whether the other end is to say goodbye first, however long that takes.
    fn waits_for_peer(&self) -> bool {
        self.input == Input::WaitForPeer && self.input_over && !self.immediate
    }

    /// Bytes moved: a goodbye that is in no hurry waits for more.
    fn progress(&mut self, now: Instant) {
        let ending = match self.receiving {
            Receiving::Talking => self.input_over && !self.waits_for_peer(),
            // The answer stands behind all that was said before.
            Receiving::Left => self.sending == Sending::Bye,
            Receiving::BeforeHello | Receiving::Deaf => false,
        };
        if ending && !self.immediate {
            let held_back = self.sending == Sending::Open;
            self.deadline =
                Some(now + if held_back { self.limits.trailing } else { self.limits.goodbye });
        }
    }

    /// The first verdict stands.
    fn decide(&mut self, end: End) {
        self.verdict.get_or_insert(end);
        self.settled = true;
    }

    /// What is left to do when the inbox has nothing.
    fn outcome(&mut self) -> Option<Action<'static>> {
        if self.sending == Sending::Bye && self.outgoing.is_empty() {
            self.sending = Sending::Shut;
            // A caller who hangs up while it rings has nothing to wait for.
            self.settled |= self.verdict == Some(End::GaveUp);
            return Some(Action::Shutdown);
        }
        if let Some(end) = &self.verdict {
            return self.settled.then(|| Action::End(end.clone()));
        }
        let end = self.unsent.clone().map_or(End::Done, End::Lost);
        (self.sending == Sending::Shut && self.shown).then_some(Action::End(end))
    }
}

fn hello_limit(role: Role, limits: &Limits) -> Duration {
    match role {
        Role::Caller => limits.ring,
        Role::Handler => limits.hello,
    }
}

#[cfg(test)]
mod tests;

//! How a conversation ends: BYE and its answer, what is waited for and how long, and what is
//! decided when the peer breaks a rule or is gone (docs/PROTOCOL.md, "Endings").
//!
//! Next door, `super` says and shows text. The invariant: the first thing that decides the end is
//! the one that is reported, and at most one timer runs beside the one that acknowledges.

use std::time::{Duration, Instant};

use super::{Conversation, Found, Intake, Receiving, Sending};
use crate::protocol::events::{Action, CLOSED, End, Fault, Goodbye, Input, Role};

/// What is waited for, and not for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// When to stop waiting for the peer's HELLO.
    Hello,
    /// When to say BYE first, because the caller has been silent since the input here ended.
    Silence,
    /// When to stop waiting for more input, because it has been silent since the peer's BYE.
    TrailingData,
    /// When to stop waiting for a BYE to be sent or answered, because nothing moves any more.
    Goodbye,
    /// When to stop waiting for the peer to read why it is dropped.
    Linger,
    /// When to tell the peer how much of what it said has been shown.
    Acknowledge,
}

/// When a decided end takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Once the peer has closed, or [`Timer::Linger`] has run out.
    Linger,
    Now,
}

impl Conversation {
    /// Says goodbye as the last thing that is said. Before the peer's HELLO, that is the end. A
    /// second call can only turn a goodbye that waits into an immediate one.
    pub fn leave(&mut self, goodbye: Goodbye<'_>, now: Instant) {
        self.input_ended |= goodbye == Goodbye::InputEnded;
        if self.sending != Sending::Open || self.fate.is_some() {
            return;
        }
        let (reason, immediate) = match goodbye {
            Goodbye::InputEnded => ("", false),
            Goodbye::Leaving(reason) => (reason, true),
        };
        self.intake = Intake::Over { immediate };
        match self.receiving {
            Receiving::BeforeHello => self.drop_peer(End::GaveUp, reason, now),
            // Only the side that says BYE first learns from the answer that its lines were shown.
            // Let that be the caller, whose exit status a script reads.
            Receiving::Talking if self.role == Role::Handler && !immediate => {
                self.start(Timer::Silence, now);
            }
            Receiving::Talking if self.input == Input::WaitForPeer && !immediate => {}
            Receiving::Talking => self.say_bye(reason, now),
            Receiving::Left | Receiving::Shown => {
                // Only the screen is waited for now, and that as long as it takes.
                self.timer = None;
                self.answer(now);
            }
            Receiving::Deaf => {}
        }
    }

    /// Ends the conversation because it has taken as long as it may, which is `limit`.
    pub fn expire(&mut self, limit: Duration, now: Instant) {
        if self.fate.is_some() {
            // Only the screen is waited for, or the peer to read why it is dropped.
            self.receiving = Receiving::Deaf;
            return self.settle();
        }
        let unanswered = self.peer.is_none();
        let end = if unanswered { End::NoHello(limit) } else { End::OutOfTime(limit) };
        self.drop_peer(end, "out of time", now);
    }

    /// Stops waiting for anything: the answer to our BYE, or room to show what has come.
    pub fn give_up(&mut self) {
        self.receiving = Receiving::Deaf;
        self.decide(End::NotConfirmed);
    }

    /// Whether nothing that still arrives matters, so that the end does not wait for the screen.
    pub fn is_deaf(&self) -> bool {
        self.receiving == Receiving::Deaf
    }

    /// The first `count` TEXT and PART frames that [`Conversation::poll`] returned have been shown
    /// or written. Returns whether to poll again because of that.
    pub fn on_shown(&mut self, count: u64, now: Instant) -> bool {
        self.heard.shown = count;
        if self.ack_due.is_none() && count > self.heard.acknowledged {
            self.start_ack(now);
        }
        let left = self.receiving == Receiving::Left && count == self.heard.frames;
        if left {
            self.receiving = Receiving::Shown;
            self.answer(now);
        }
        left
    }

    /// The peer has shut its sending direction.
    pub fn on_closed(&mut self) {
        self.channel.on_closed();
        match self.receiving {
            Receiving::Left | Receiving::Shown => {}
            Receiving::Deaf => self.settle(),
            Receiving::BeforeHello | Receiving::Talking => {
                // The error of a reset is reported once, to send or to receive: if sending got it,
                // receiving sees a plain end.
                self.decide(End::Lost(self.send_error().unwrap_or_else(|| CLOSED.into())));
            }
        }
    }

    /// Receiving failed: the connection is lost.
    pub fn on_receive_failed(&mut self, why: String) {
        self.channel.on_closed();
        self.decide(End::Lost(why));
    }

    /// Sending failed. What the peer said last, and its BYE, may still be on their way: the end is
    /// decided when receiving ends, or when nothing more comes.
    pub fn on_send_failed(&mut self, why: String, now: Instant) {
        self.channel.discard();
        self.end_input();
        if self.fate.is_none() && self.receiving == Receiving::Talking {
            self.start(Timer::Goodbye, now);
        }
        if !matches!(self.sending, Sending::Failed(_)) {
            self.sending = Sending::Failed(why);
        }
    }

    /// Does what is due at the [deadline](Conversation::deadline), if it has passed.
    pub fn on_tick(&mut self, now: Instant) {
        if self.ack_due.take_if(|at| now >= *at).is_some() {
            self.on_timer(Timer::Acknowledge, now);
        }
        if let Some((timer, _)) = self.timer.take_if(|(_, at)| now >= *at) {
            self.on_timer(timer, now);
        }
    }

    fn on_timer(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::Hello => {
                let limit = self.limit(timer);
                let reason = format!("no HELLO within {} s", limit.as_secs_f64());
                self.drop_peer(End::NoHello(limit), &reason, now);
            }
            Timer::Silence => self.say_bye("", now),
            // The input is not silent: it is not read while too much waits to be sent.
            Timer::TrailingData if self.channel.waiting() >= self.limits.outgoing => {
                self.start(timer, now);
            }
            Timer::TrailingData => {
                // A desk's input may stay open for ever; a caller's has been cut short.
                self.input_ended |= self.role == Role::Handler;
                self.end_input();
                self.answer(now);
            }
            Timer::Goodbye => match self.send_error() {
                Some(why) => self.decide(End::Lost(why)),
                None => self.give_up(),
            },
            Timer::Linger => self.settle(),
            Timer::Acknowledge => self.acknowledge(now),
        }
    }

    /// Bytes moved, so a goodbye that is not immediate waits for more.
    pub(super) fn on_progress(&mut self, now: Instant) {
        if let Some((timer @ (Timer::Silence | Timer::Goodbye), _)) = self.timer
            && self.intake != (Intake::Over { immediate: true })
        {
            self.start(timer, now);
        }
    }

    /// The peer said BYE.
    pub(super) fn on_bye(&mut self, now: Instant) -> Found {
        self.receiving = Receiving::Left;
        match self.sending {
            Sending::Open => {
                self.peer_left_first = true;
                self.timer = None;
                // A person cannot say more to a peer that has left, and a caller's lines would
                // stay unconfirmed. A desk sends its file to the end, and so does a caller to an
                // older peer, whose BYE promises to show it.
                let unconfirmable = self.role == Role::Caller && self.acknowledges();
                if self.input == Input::Person || unconfirmable {
                    self.end_input();
                } else if !self.input_is_over() {
                    self.start(Timer::TrailingData, now);
                }
            }
            // Ours still has to be sent: the timer for that runs on.
            Sending::Bye => {}
            Sending::Shut | Sending::Failed(_) => self.timer = None,
        }
        Found::Left
    }

    /// The peer said BYE before HELLO.
    pub(super) fn on_refused(&mut self) -> Found {
        self.decide(End::Refused(self.reason.clone()));
        self.receiving = Receiving::Deaf;
        Found::Nothing
    }

    /// The peer broke a rule.
    pub(super) fn on_fault(&mut self, fault: Fault, now: Instant) -> Found {
        let reason = format!("protocol error: {fault}");
        self.drop_peer(End::Broken(fault), &reason, now);
        Found::Nothing
    }

    /// What is left to do when no frame is left to look at.
    pub(super) fn poll_end(&mut self) -> Option<Action<'static>> {
        if self.sending == Sending::Bye && self.channel.waiting() == 0 {
            self.sending = Sending::Shut;
            if self.has_left() {
                // Only the screen is waited for now.
                self.timer = None;
            }
            if let Some((End::GaveUp, at)) = &mut self.fate {
                // Nothing of a call that rings has to be confirmed.
                *at = At::Now;
            }
            return Some(Action::Shutdown);
        }
        match (&self.fate, &self.sending) {
            (Some((end, At::Now)), _) => Some(Action::End(end.clone())),
            (Some((_, At::Linger)), _) => None,
            _ if self.receiving != Receiving::Shown => None,
            (None, Sending::Shut) => Some(Action::End(End::Done)),
            (None, Sending::Failed(why)) => Some(Action::End(End::Lost(why.clone()))),
            (None, Sending::Open | Sending::Bye) => None,
        }
    }

    /// Whether the peer has said BYE in an open conversation.
    pub(super) fn has_left(&self) -> bool {
        matches!(self.receiving, Receiving::Left | Receiving::Shown)
    }

    /// Whether goodbyes were exchanged, and everything was shown here.
    pub(super) fn is_done(&self) -> bool {
        let shown = self.receiving == Receiving::Shown;
        self.fate.is_none() && self.sending == Sending::Shut && shown
    }

    /// Starts `timer` in place of the one that runs.
    pub(super) fn start(&mut self, timer: Timer, now: Instant) {
        self.timer = Some((timer, now + self.limit(timer)));
    }

    fn limit(&self, timer: Timer) -> Duration {
        match (timer, self.role) {
            (Timer::Hello, Role::Caller) => self.limits.ring,
            (Timer::Hello, Role::Handler) => self.limits.hello,
            (Timer::Silence | Timer::TrailingData, _) => self.limits.trailing,
            (Timer::Goodbye, _) => self.limits.goodbye,
            (Timer::Linger, _) => self.limits.linger,
            (Timer::Acknowledge, _) => self.limits.ack,
        }
    }

    fn send_error(&self) -> Option<String> {
        match &self.sending {
            Sending::Failed(why) => Some(why.clone()),
            _ => None,
        }
    }

    fn input_is_over(&self) -> bool {
        matches!(self.intake, Intake::Over { .. })
    }

    fn end_input(&mut self) {
        if !self.input_is_over() {
            self.intake = Intake::Over { immediate: false };
        }
    }

    /// Tells the peer why it is dropped, and gives it a moment to read that: closing at once would
    /// reset the connection if it has sent something, and the BYE would be lost with it.
    fn drop_peer(&mut self, end: End, reason: &str, now: Instant) {
        if self.sending == Sending::Open {
            self.say_bye(reason, now);
        }
        self.end_input();
        self.receiving = Receiving::Deaf;
        self.start(Timer::Linger, now);
        let at = if self.channel.is_closed() { At::Now } else { At::Linger };
        self.fate.get_or_insert((end, at));
    }

    /// Answers the peer's BYE, once everything is shown and nothing more is to be said.
    fn answer(&mut self, now: Instant) {
        let due = self.receiving == Receiving::Shown && self.input_is_over();
        if due && self.sending == Sending::Open {
            self.say_bye("", now);
        }
    }

    fn start_ack(&mut self, now: Instant) {
        if self.acknowledges() && self.sending == Sending::Open {
            self.ack_due = Some(now + self.limit(Timer::Acknowledge));
        }
    }

    /// Tells the peer how much has been shown, unless so much waits to be sent that the peer does
    /// not read.
    fn acknowledge(&mut self, now: Instant) {
        match self.sending {
            Sending::Open if self.channel.waiting() < self.limits.outgoing => self.put_ack(),
            _ => self.start_ack(now),
        }
    }

    fn put_ack(&mut self) {
        self.heard.acknowledged = self.heard.shown;
        self.channel.put_ack(self.heard.shown);
    }

    /// BYE is the last frame of its direction, so an ACK that covers everything shown goes before.
    fn say_bye(&mut self, reason: &str, now: Instant) {
        if self.acknowledges() {
            self.put_ack();
            self.ack_due = None;
        }
        self.channel.put_bye(reason);
        self.sending = Sending::Bye;
        self.start(Timer::Goodbye, now);
    }

    /// Decides the end, unless it is decided already, and waits no longer.
    fn decide(&mut self, end: End) {
        self.fate.get_or_insert((end, At::Now));
        self.settle();
    }

    /// Lets the end that is decided take effect.
    fn settle(&mut self) {
        self.timer = None;
        if let Some((_, at)) = &mut self.fate {
            *at = At::Now;
        }
    }
}

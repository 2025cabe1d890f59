//! How a conversation ended, in words and as an exit status.
//!
//! The same rules for client and handler: 0 when every line was shown at the other end and goodbyes
//! were exchanged, 1 with one line that says what happened and how many lines nobody confirmed, 1
//! in silence when standard output closed.

use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use crate::errors;
use crate::protocol::conversation::Conversation;
use crate::protocol::events::{End, Fault, Role};
use crate::protocol::frame::FrameError;
use crate::protocol::name::Name;
use crate::session::engine::Outcome;
use crate::terminal::sanitize;

/// The exit status of a conversation's process.
///
/// # Errors
/// The conversation did not end properly.
pub fn conclude(outcome: &Outcome, conversation: &Conversation) -> Result<ExitCode> {
    match outcome {
        Outcome::Ended(End::Done) => Ok(ExitCode::SUCCESS),
        Outcome::Unshown(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::FAILURE),
        outcome => {
            let end = describe(outcome, conversation);
            let advice = advice(outcome, conversation);
            Err(anyhow!("{end}{}{advice}", unconfirmed(conversation.lines())))
        }
    }
}

/// What happened, without a word about lines.
pub fn describe(outcome: &Outcome, conversation: &Conversation) -> String {
    let peer = conversation.peer().map_or("the other end".into(), shown);
    let end = match outcome {
        Outcome::Unshown(error) => {
            return format!("what {peer} says cannot be shown: {}", errors::reason(error));
        }
        Outcome::Ended(end) => end,
    };
    match (end, conversation.role()) {
        (End::Done, _) if conversation.left_first() => format!("{peer} left"),
        (End::Done, _) => format!("said goodbye to {peer}"),
        (End::Refused(reason), Role::Caller) if reason.is_empty() => {
            "the desk does not take the call, and does not say why".into()
        }
        (End::Refused(reason), Role::Caller) => {
            format!("the desk does not take the call: {}", sanitize::label(reason))
        }
        (End::Refused(_), Role::Handler) => "the caller hung up before it was answered".into(),
        (End::GaveUp, Role::Caller) => "hung up before anybody answered".into(),
        (End::GaveUp, Role::Handler) => "closed before the caller said hello".into(),
        (End::NoHello(limit), Role::Caller) => {
            format!("nobody answered within {} s", limit.as_secs_f64())
        }
        (End::NoHello(limit), Role::Handler) => {
            format!("the caller said no hello within {} s", limit.as_secs())
        }
        (End::Broken(fault), _) => format!("{peer} does not speak this protocol: {fault}"),
        (End::Lost(why), Role::Caller) if conversation.peer().is_none() => {
            format!("the desk hung up before anybody answered: {why}")
        }
        (End::Lost(why), _) => format!("the connection to {peer} was lost: {why}"),
        (End::OutOfTime(limit), _) => {
            format!("{peer} had not left after {} s", limit.as_secs_f64())
        }
        (End::NotConfirmed, _) => format!("{peer} did not confirm the goodbye"),
    }
}

/// What to do about it: for a caller, who can call again. At the desk, that is up to the caller.
fn advice(outcome: &Outcome, conversation: &Conversation) -> &'static str {
    let end = match outcome {
        Outcome::Unshown(_) => return "; let standard output go elsewhere",
        Outcome::Ended(end) => end,
    };
    match end {
        End::Broken(Fault::Frame(FrameError::Version(_))) => "; update the older program",
        _ if conversation.role() == Role::Handler => "",
        End::Broken(_) if conversation.peer().is_none() => "; is it a desk that listens there?",
        End::Refused(reason) if reason.is_empty() => "; try again later",
        End::NoHello(_) => "; try again later",
        End::OutOfTime(_) => "; a longer --timeout gives it more",
        End::Lost(_) => "; call again",
        End::NotConfirmed => "; ask there what has arrived",
        _ => "",
    }
}

fn shown(name: &Name) -> String {
    sanitize::label(name.as_bytes()).into_owned()
}

fn unconfirmed(lines: u64) -> String {
    match lines {
        0 => String::new(),
        1 => "; 1 line is unconfirmed".into(),
        lines => format!("; {lines} lines are unconfirmed"),
    }
}

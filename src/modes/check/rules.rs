//! The rules of docs/PROTOCOL.md, each with the steps that show on the wire whether it holds.
//!
//! Next door, `trial` performs the steps. The invariant: a rule is under the heading that it names,
//! and needs nothing from a client but a line of input that ends after two seconds.

use std::time::Duration;

use Expected::{Ack, Bye, Confirmed, Dropped, End, Fault, Silence, Text};
use Step::{Acks, Expect, Goodbye, Greet, Leave, NeedAcks, Pace, Send, Shut, Trickle, Within};

use crate::protocol::events::Role;
use crate::protocol::frame::{MAX_PAYLOAD, MAX_REASON, VERSION};
use crate::protocol::limits::{ACK_LIMIT, HELLO_LIMIT};
use crate::protocol::name::MAX_NAME;

/// A rule, and how to see whether it holds.
pub struct Rule {
    /// The heading in docs/PROTOCOL.md.
    pub section: &'static str,
    pub name: &'static str,
    pub steps: Vec<Step>,
}

/// A rule of a section: whom it binds (`None`: both sides), its name and its steps.
type Entry = (Option<Role>, &'static str, Vec<Step>);

/// What to do next in a call. A client under test has said HELLO before the first step.
#[derive(Clone)]
pub enum Step {
    /// Sends this HELLO, and waits for the HELLO of a desk under test.
    Greet(Vec<u8>),
    /// Skips the rest unless the HELLO of the implementation under test offers to acknowledge.
    NeedAcks,
    /// Sends all bytes in one write.
    Send(Vec<u8>),
    /// Sends the bytes one at a time.
    Trickle(Vec<u8>),
    /// Sends this line every 50 ms, for this time or until BYE or the end of the stream comes.
    Pace(Vec<u8>, Duration),
    /// Sends BYE, and before it an ACK if our HELLO offered that.
    Leave,
    /// Shuts our sending direction.
    Shut,
    Expect(Expected),
    /// Expects it within this time instead of `--limit`.
    Within(Duration, Expected),
    /// Expects this answer to our BYE, and the end of the stream after it.
    Goodbye(Expected),
    /// Expects this of all ACKs that have come in the call.
    Acks(Counts),
}

/// What is expected of all ACKs of a call.
#[derive(Debug, Clone, Copy)]
pub enum Counts {
    None,
    OncePerSecond,
    /// They never go back, and never exceed what was sent.
    True,
    /// One came together with the end of the lines.
    Last,
}

/// What the implementation under test has to do.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    Hello,
    /// TEXT or PART.
    Text,
    /// An ACK of so many frames.
    Ack(u64),
    /// A BYE that reports no protocol error.
    Bye,
    /// The same, directly after an ACK of so many frames.
    Confirmed(u64),
    /// A BYE that reports a protocol error.
    Fault,
    /// A BYE of either kind, or the end of the connection.
    Dropped,
    /// The end of the stream.
    End,
    Silence,
}

/// How long a caller must be silent to count as waiting.
const QUIET: Duration = Duration::from_secs(1);
/// How late a desk may notice that a time limit has passed.
const LATE: Duration = Duration::from_secs(2);
/// How long lines are sent: a bit more than a second, and less than a client's input lasts.
const PACED: Duration = Duration::from_millis(1200);
/// How long a client may take to leave after two seconds of input.
const LEAVING: Duration = Duration::from_secs(10);
/// The flag in the HELLO of a side that acknowledges.
pub const ACKNOWLEDGES: u8 = 0x08;
/// More frames than anybody sends in a call.
const TOO_MANY: u64 = 1 << 40;

const BOTH: Option<Role> = None;
const CALLER: Option<Role> = Some(Role::Caller);
const DESK: Option<Role> = Some(Role::Handler);

/// The rules that bind this side.
pub fn of(tested: Role) -> Vec<Rule> {
    let sections = [
        ("Frames", frames()),
        ("A conversation", conversation()),
        ("Acknowledgements", acknowledgements()),
        ("Endings", endings()),
        ("What a receiver does with wrong input", wrong_input()),
    ];
    let mut rules = Vec::new();
    for (section, entries) in sections {
        for (binds, name, steps) in entries {
            if binds.is_none_or(|role| role == tested) {
                rules.push(Rule { section, name, steps });
            }
        }
    }
    rules
}

fn frames() -> Vec<Entry> {
    let unknown = [sized(b'N', 3), sized(b'W', 0), sized(b'D', MAX_PAYLOAD), sized(0, 1)];
    let empty = [sized(b't', 0), sized(b'T', 0), sized(b't', 0)];
    let largest = [sized(b'T', MAX_PAYLOAD), sized(b't', MAX_PAYLOAD), sized(b'T', 1)];
    let pieces = [sized(b't', 1).repeat(200), sized(b'T', 1), sized(b't', 1)];
    let hostile = frame(b'T', b"\xff\xc3\x28\xed\xa0\x80\0\x07\x1b]0;x\x07\x1b[2J\r\n\x9b");
    let bytewise = [frame(b'T', b"byte by byte"), bye(b"")];
    vec![
        (
            BOTH,
            "a name of 64 bytes that are not UTF-8 is a name",
            met(&hello(0, &[0xff; MAX_NAME])),
        ),
        (BOTH, "frames with an unknown tag are skipped", heard(&unknown.concat())),
        (BOTH, "an empty TEXT and an empty PART are allowed", heard(&empty.concat())),
        (BOTH, "a frame of 16,384 bytes is allowed", heard(&largest.concat())),
        (BOTH, "a line may come in many PART frames, and need not end", heard(&pieces.concat())),
        (BOTH, "text may hold any bytes", heard(&hostile)),
        (
            BOTH,
            "frames may arrive a byte at a time",
            vec![greet(), Trickle(bytewise.concat()), Goodbye(Bye)],
        ),
        (BOTH, "many frames may arrive at once", heard(&frame(b'T', b"at once").repeat(200))),
    ]
}

fn conversation() -> Vec<Entry> {
    let half_hello = hello(0, b"check")[..4].to_vec();
    let talk = frame(b'T', b"read on").repeat(10);
    vec![
        (
            CALLER,
            "it says HELLO at once, with version 1 and a name of 1 to 64 bytes",
            vec![greet(), Send(bye(b""))],
        ),
        (
            CALLER,
            "it says nothing more before the handler's HELLO",
            [vec![Within(QUIET, Silence)], heard(b"")].concat(),
        ),
        (
            DESK,
            "it answers HELLO with HELLO, with version 1 and a name of 1 to 64 bytes",
            vec![greet(), Send(bye(b""))],
        ),
        (
            DESK,
            "it drops a call whose HELLO is not complete within 5 seconds",
            vec![Send(half_hello), Within(HELLO_LIMIT + LATE, Dropped)],
        ),
        (
            DESK,
            "it drops a call that begins with anything else",
            vec![Send(sized(b'W', 1)), Expect(Dropped)],
        ),
        (
            CALLER,
            "its input ended, it says BYE, shuts, and reads on until it is answered",
            vec![greet(), Expect(Text), Expect(Bye), Expect(End), Trickle(talk), Send(bye(b""))],
        ),
        (BOTH, "it answers BYE with BYE, and shuts", heard(b"")),
    ]
}

fn acknowledgements() -> Vec<Entry> {
    let line = frame(b'T', b"line");
    let mixed = [sized(b't', 2), sized(b'T', 2), sized(b't', 0), sized(b'T', 0)].concat();
    let two = line.repeat(2);
    let paced =
        |counts| met_with_acks(vec![Pace(line.clone(), PACED), Leave, Goodbye(Bye), Acks(counts)]);
    vec![
        (
            BOTH,
            "it sends ACK directly before a BYE that answers, and counts each TEXT and PART",
            met_with_acks(vec![Send(mixed), Leave, Goodbye(Confirmed(4))]),
        ),
        (
            CALLER,
            "its input ended, it sends ACK directly before its BYE",
            met_with_acks(vec![
                Pace(line.clone(), LEAVING),
                Expect(Bye),
                Expect(End),
                Leave,
                Acks(Counts::Last),
            ]),
        ),
        (
            BOTH,
            "it sends ACK within a second, and does not wait for a BYE",
            met_with_acks(vec![
                Send(two.clone()),
                Within(ACK_LIMIT + LATE, Ack(2)),
                Leave,
                Goodbye(Confirmed(2)),
            ]),
        ),
        (
            BOTH,
            "it sends one ACK a second at most, and one before its BYE",
            paced(Counts::OncePerSecond),
        ),
        (BOTH, "its ACKs never go back and never exceed what was sent", paced(Counts::True)),
        (
            BOTH,
            "it sends no ACK to a peer that does not acknowledge",
            [heard(&two), vec![Acks(Counts::None)]].concat(),
        ),
    ]
}

fn endings() -> Vec<Entry> {
    vec![
        (
            CALLER,
            "BYE instead of the handler's HELLO means that the call is not taken",
            vec![Send(bye(b"busy")), Expect(Dropped)],
        ),
        (
            BOTH,
            "the end of the stream without a BYE means that the connection is lost",
            vec![greet(), Shut, Expect(Dropped)],
        ),
    ]
}

fn wrong_input() -> Vec<Entry> {
    let too_long = MAX_PAYLOAD + 1;
    let version = frame(b'H', b"\x02\0check");
    let after_bye = [bye(b""), hello(0, b"check"), vec![0xff; 100]];
    vec![
        (BOTH, "a TEXT of 16,385 bytes is a protocol error", fault(&header(b'T', too_long))),
        (
            BOTH,
            "a skipped frame of 16,385 bytes is a protocol error",
            fault(&header(b'x', too_long)),
        ),
        (BOTH, "a BYE of 201 bytes is a protocol error", fault(&header(b'B', MAX_REASON + 1))),
        (BOTH, "a HELLO of version 2 is a protocol error", fault_at_once(&version)),
        (BOTH, "a HELLO with no name is a protocol error", fault_at_once(&hello(0, b""))),
        (
            BOTH,
            "a HELLO with a name of 65 bytes is a protocol error",
            fault_at_once(&hello(0, &[b'x'; MAX_NAME + 1])),
        ),
        (BOTH, "TEXT before HELLO is a protocol error", fault_at_once(&sized(b'T', 1))),
        (BOTH, "a second HELLO is a protocol error", fault(&hello(0, b"check"))),
        (
            CALLER,
            "an unknown tag is skipped before the handler's HELLO, too",
            [vec![Send(sized(b'W', 1))], heard(b"")].concat(),
        ),
        (BOTH, "flags without a meaning are ignored", met(&hello(!ACKNOWLEDGES, b"check"))),
        (BOTH, "an ACK of 7 bytes is a protocol error", fault_of_ack(&header(b'K', 7))),
        (BOTH, "an ACK of 9 bytes is a protocol error", fault_of_ack(&header(b'K', 9))),
        (
            BOTH,
            "an ACK that counts more than was sent is a protocol error",
            fault_of_ack(&ack(TOO_MANY)),
        ),
        (
            CALLER,
            "an ACK that goes back is a protocol error",
            met_with_acks(vec![
                Expect(Text),
                Send([ack(1), ack(0)].concat()),
                Expect(Fault),
                Expect(End),
            ]),
        ),
        (BOTH, "an ACK from a peer that does not acknowledge is skipped", heard(&ack(TOO_MANY))),
        (
            BOTH,
            "anything after BYE is thrown away",
            vec![greet(), Send(after_bye.concat()), Goodbye(Bye)],
        ),
        (
            BOTH,
            "the end of the stream inside a frame means that the connection is lost",
            vec![greet(), Send(frame(b'T', b"half")[..5].to_vec()), Shut, Expect(Dropped)],
        ),
    ]
}

fn greet() -> Step {
    Greet(hello(0, b"check"))
}

/// This HELLO opens a conversation that ends properly.
fn met(hello: &[u8]) -> Vec<Step> {
    vec![Greet(hello.to_vec()), Send(bye(b"")), Goodbye(Bye)]
}

/// These frames are accepted in a conversation that ends properly.
fn heard(frames: &[u8]) -> Vec<Step> {
    vec![greet(), Send([frames, &bye(b"")].concat()), Goodbye(Bye)]
}

/// These steps follow in a conversation in which both sides acknowledge.
fn met_with_acks(steps: Vec<Step>) -> Vec<Step> {
    [vec![Greet(hello(ACKNOWLEDGES, b"check")), NeedAcks], steps].concat()
}

/// These bytes are a protocol error in a conversation.
fn fault(bytes: &[u8]) -> Vec<Step> {
    vec![greet(), Send(bytes.to_vec()), Expect(Fault), Expect(End)]
}

/// This ACK is a protocol error in a conversation in which both sides acknowledge.
fn fault_of_ack(ack: &[u8]) -> Vec<Step> {
    met_with_acks(vec![Send(ack.to_vec()), Expect(Fault), Expect(End)])
}

/// These bytes are a protocol error before HELLO.
fn fault_at_once(bytes: &[u8]) -> Vec<Step> {
    vec![Send(bytes.to_vec()), Expect(Fault), Expect(End)]
}

fn hello(flags: u8, name: &[u8]) -> Vec<u8> {
    frame(b'H', &[&[VERSION, flags], name].concat())
}

fn bye(reason: &[u8]) -> Vec<u8> {
    frame(b'B', reason)
}

fn ack(count: u64) -> Vec<u8> {
    frame(b'K', &count.to_be_bytes())
}

/// A frame with a payload of this length.
fn sized(tag: u8, length: usize) -> Vec<u8> {
    frame(tag, &vec![b'x'; length])
}

/// A frame that may be invalid, unlike those of `protocol::frame`.
fn frame(tag: u8, payload: &[u8]) -> Vec<u8> {
    [&header(tag, payload.len()), payload].concat()
}

fn header(tag: u8, length: usize) -> Vec<u8> {
    let [high, low] = (length as u16).to_be_bytes();
    vec![tag, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_under_a_heading_of_the_document() {
        let document = include_str!("../../../docs/PROTOCOL.md");
        for tested in [Role::Caller, Role::Handler] {
            for rule in of(tested) {
                assert!(document.contains(&format!("\n## {}\n", rule.section)), "{}", rule.section);
            }
        }
        let calls = of(Role::Caller).len();
        assert!(
            document.contains(&format!("$(seq {calls})")),
            "a client has to call {calls} times"
        );
    }

    /// In TAP, the text after a `#` is a directive.
    #[test]
    fn names_are_plain_lines_and_unique() {
        for tested in [Role::Caller, Role::Handler] {
            let names: Vec<&str> = of(tested).iter().map(|rule| rule.name).collect();
            for (index, name) in names.iter().enumerate() {
                assert!(!name.contains(['#', '\\', '\n']), "{name}");
                assert!(!names[..index].contains(name), "{name}");
            }
        }
    }
}

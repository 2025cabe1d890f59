//! How a handler gets its call, its link and the handover record.
//!
//! An xterm inherits descriptors: the call by the number in its arguments, and a pipe, named by
//! `TALK_HANDOVER`, that holds the record. A terminal that is a client of a daemon (tmux,
//! gnome-terminal) starts the handler from a process that has never seen the call, so `offer` hands
//! over call, link and record on a Unix socket. The record is the same in both cases: frames of the
//! protocol's codec, of which a reader skips those it does not know. The invariant: the record
//! never stands in arguments or environment, which other processes can read.

mod offer;

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};

use anyhow::{Context, Result};

pub use offer::{Claimed, Offer, claim, sweep};

use crate::buffer::Buffer;
use crate::protocol::frame;
use crate::protocol::name::Name;
use crate::sys::{fd, fd_passing};

/// The variable with the number of the pipe that holds the record.
pub const VARIABLE: &str = "TALK_HANDOVER";
/// The longest record, in bytes.
const MAX_RECORD: usize = fd_passing::MAX_MESSAGE;
const VERSION: u8 = 1;

/// The parts of a record: its version, which comes first, then in any order.
const RECORD: u8 = b'V';
const NUMBER: u8 = b'N';
const DESK: u8 = b'D';
const CALLER: u8 = b'C';
const ADDRESS: u8 = b'A';
const SETTINGS: u8 = b'S';
const LINK: u8 = b'L';

/// Bits of [`SETTINGS`].
const PLAIN: u8 = 1;
const BELL: u8 = 2;

/// The handover record: what a handler needs in addition to the descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The number of the call.
    pub number: u32,
    /// The desk's name.
    pub desk: Name,
    /// The caller's name.
    pub caller: Name,
    /// Where the caller is.
    pub from: SocketAddr,
    /// Only lines appended.
    pub plain: bool,
    /// Ring when a line arrives.
    pub bell: bool,
}

impl Handover {
    /// The record as bytes; `link` is the number of the link, where that is inherited.
    fn encode(&self, link: Option<RawFd>) -> Vec<u8> {
        let settings = (u8::from(self.plain) * PLAIN) | (u8::from(self.bell) * BELL);
        let mut out = Buffer::default();
        frame::put(&mut out, RECORD, &[VERSION]);
        frame::put(&mut out, NUMBER, &self.number.to_be_bytes());
        frame::put(&mut out, DESK, self.desk.as_bytes());
        frame::put(&mut out, CALLER, self.caller.as_bytes());
        frame::put(&mut out, ADDRESS, self.from.to_string().as_bytes());
        frame::put(&mut out, SETTINGS, &[settings]);
        if let Some(link) = link {
            frame::put(&mut out, LINK, &link.to_be_bytes());
        }
        out.bytes().to_vec()
    }

    /// The record in `bytes`, and the number of the link if it names one. `None` if they are not a
    /// whole record of this version.
    fn decode(mut bytes: &[u8]) -> Option<(Self, Option<RawFd>)> {
        let (mut number, mut desk, mut caller) = (None, None, None);
        let (mut from, mut settings, mut link) = (None, None, None);
        let (RECORD, [VERSION], used) = frame::raw(bytes)? else { return None };
        bytes = &bytes[used..];
        while !bytes.is_empty() {
            let (tag, payload, used) = frame::raw(bytes)?;
            match tag {
                NUMBER => number = Some(u32::from_be_bytes(payload.try_into().ok()?)),
                DESK => desk = Some(Name::from_wire(payload)?),
                CALLER => caller = Some(Name::from_wire(payload)?),
                ADDRESS => from = Some(str::from_utf8(payload).ok()?.parse().ok()?),
                SETTINGS => settings = Some(*payload.first()?),
                LINK => link = Some(RawFd::from_be_bytes(payload.try_into().ok()?)),
                _ => {}
            }
            bytes = &bytes[used..];
        }
        let settings = settings?;
        let (plain, bell) = (settings & PLAIN != 0, settings & BELL != 0);
        let (number, desk, caller, from) = (number?, desk?, caller?, from?);
        Some((Self { number, desk, caller, from, plain, bell }, link))
    }

    /// Lets the program that this process is about to become inherit the record and the link.
    /// Returns the value of [`VARIABLE`] for it.
    ///
    /// # Errors
    /// pipe2(2) failed, or no descriptor that select(2) can wait for is free.
    pub fn bequeath(&self, link: OwnedFd) -> io::Result<String> {
        let link = fd::hand_over(link)?;
        let (reader, mut writer) = io::pipe()?;
        // An empty pipe has room for 4,096 bytes at least (pipe(7)): this does not wait.
        writer.write_all(&self.encode(Some(link)))?;
        Ok(fd::hand_over(reader.into())?.to_string())
    }
}

/// A record that this process inherited.
#[derive(Debug)]
pub struct Inherited {
    pub record: Handover,
    pub link: OwnedFd,
}

/// The record that the server prepared for this process, if a server started it. Read once: nothing
/// of it stays in the copy of the pipe that the terminal keeps until it exits.
///
/// # Errors
/// [`VARIABLE`] names something else.
pub fn inherited() -> Result<Option<Inherited>> {
    let Some(number) = env::var_os(VARIABLE) else { return Ok(None) };
    let inherited = read(&number);
    let wrong = || format!("{VARIABLE} does not name a handover record; unset it");
    Ok(Some(inherited.with_context(wrong)?))
}

fn read(number: &OsStr) -> Option<Inherited> {
    let pipe = fd::inherited(number.to_str()?.parse().ok()?).ok()?;
    let mut bytes = Vec::new();
    File::from(pipe).take(MAX_RECORD as u64).read_to_end(&mut bytes).ok()?;
    let (record, link) = Handover::decode(&bytes)?;
    Some(Inherited { record, link: fd::adopt(link?).ok()? })
}

#[cfg(test)]
mod tests;

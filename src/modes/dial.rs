//! How a caller names a desk, and connects to it.
//!
//! The invariant: every address of the host is tried before the desk counts as unreachable.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow, bail};

use super::cli::{DESK_VARIABLE, PORT, Usage, desk_port, variable};
use crate::errors;

/// How long each address of a host may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The time an address gets when the deadline has passed already: connect(2) may fail at once, and
/// its error says more than "timed out".
const SHORTEST: Duration = Duration::from_millis(1);

/// Where a desk listens.
#[derive(Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

impl Destination {
    /// The desk that the arguments name, as a host and perhaps a port; else the environment's.
    ///
    /// # Errors
    /// Nothing names a desk, or what does is wrong.
    pub fn find(arguments: &[String]) -> Result<Self, Usage> {
        match Self::given(arguments)? {
            Some(desk) => Ok(desk),
            None => variable(DESK_VARIABLE, |text| Self::new(text, None))?.ok_or_else(|| {
                Usage::wrong(format!("no desk to call; give its host, or set {DESK_VARIABLE}"))
            }),
        }
    }

    /// The desk that the arguments name; `None` if there are no arguments.
    ///
    /// # Errors
    /// They are something other than a host and perhaps a port.
    pub fn given(arguments: &[String]) -> Result<Option<Self>, Usage> {
        let desk = match arguments {
            [] => return Ok(None),
            [host] => Self::new(host, None),
            [host, port] => match desk_port(port) {
                Ok(port) => Self::new(host, Some(port)),
                Err(error) => Err(Usage::wrong(format!("port '{port}' {error}"))),
            },
            _ => Err(Usage::wrong("give one host and one port")),
        };
        desk.map(Some)
    }

    /// Reads a host with or without its port: `host`, `host:port`, `address`, `[address]` or
    /// `[address]:port`.
    ///
    /// # Errors
    /// There is no host, the attached port is wrong, or `port` was given as well.
    fn new(text: &str, port: Option<u16>) -> Result<Self, Usage> {
        let (host, attached) = split(text);
        if host.is_empty() {
            return Err(Usage::wrong(format!("'{text}' names no host")));
        }
        let port = match attached {
            None => port.unwrap_or(PORT),
            Some(_) if port.is_some() => {
                return Err(Usage::wrong(format!("'{text}' names a port already; give one port")));
            }
            Some(attached) => desk_port(attached)
                .map_err(|error| Usage::wrong(format!("the port in '{text}' {error}")))?,
        };
        Ok(Self { host: host.into(), port })
    }

    /// Connects to the first address of the host that answers, and gives up at `end`.
    ///
    /// # Errors
    /// The host cannot be resolved, or none of its addresses accepts a connection.
    pub fn dial(&self, end: Option<Instant>) -> Result<(TcpStream, SocketAddr)> {
        let Self { host, port } = self;
        let addresses =
            (host.as_str(), *port).to_socket_addrs().map_err(|error| unresolved(host, &error))?;
        let mut failed = Vec::new();
        for address in addresses {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let limit = left.map_or(CONNECT_LIMIT, |left| left.clamp(SHORTEST, CONNECT_LIMIT));
            match TcpStream::connect_timeout(&address, limit) {
                Ok(socket) => return Ok((socket, address)),
                Err(error) => failed.push(format!("{address}: {}", errors::reason(&error))),
            }
        }
        if failed.is_empty() {
            bail!("host '{host}' has no address; use an IP address instead");
        }
        let advice = "start one there with: talk server";
        let failed = failed.join("; ");
        Err(anyhow!("no desk answers at {host} port {port} ({failed}); {advice} {port}"))
    }
}

/// Splits a host from the port that is attached to it. Colons without brackets are an IPv6 address
/// when there are several.
fn split(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        match rest.strip_prefix(':') {
            None if rest.is_empty() => return (host, None),
            Some(port) => return (host, Some(port)),
            None => {}
        }
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Why a host was not found, and what to try. Of the resolver's error, only what follows the last
/// colon is the reason.
fn unresolved(host: &str, error: &io::Error) -> Error {
    let text = errors::reason(error).to_lowercase();
    let reason = text.rsplit(": ").next().unwrap_or_default();
    if host.contains(':') {
        anyhow!("cannot resolve '{host}': {reason}; give host and port as separate arguments")
    } else {
        anyhow!("cannot resolve '{host}': {reason}; check the spelling, or use an IP address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_named_with_or_without_its_port() {
        for (text, port, host, expected) in [
            ("desk", None, "desk", PORT),
            ("desk", Some(9000), "desk", 9000),
            ("desk:9000", None, "desk", 9000),
            ("192.0.2.1:9000", None, "192.0.2.1", 9000),
            ("2001:db8::1", None, "2001:db8::1", PORT),
            ("[2001:db8::1]", None, "2001:db8::1", PORT),
            ("[2001:db8::1]", Some(9000), "2001:db8::1", 9000),
            ("[2001:db8::1]:9000", None, "2001:db8::1", 9000),
            ("[2001:db8::1]x", None, "[2001:db8::1]x", PORT),
        ] {
            let destination = Destination { host: host.into(), port: expected };
            assert_eq!(Destination::new(text, port).ok(), Some(destination), "{text}");
        }
        for (text, port) in [
            ("", None),
            (":9000", None),
            ("desk:", None),
            ("desk:0", None),
            ("desk:talk", None),
            ("[::1]:65536", None),
            ("desk:9000", Some(9000)),
        ] {
            assert!(Destination::new(text, port).is_err(), "{text}");
        }
    }
}

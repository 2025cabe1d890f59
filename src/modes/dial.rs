//! Reaching a desk by the name of its machine.
//!
//! The invariant: every address of the host is tried before the desk counts as unreachable.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow, bail};

use crate::errors;

/// How long each address of a host may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What an address gets at least when the time is over: an error of the connection says more than
/// none.
const SHORTEST: Duration = Duration::from_millis(1);

/// Connects to the first of the host's addresses that answers, each of which has its time and all
/// of them until `end`.
///
/// # Errors
/// The host is not known, or nobody listens at any of its addresses.
pub fn dial(host: &str, port: u16, end: Option<Instant>) -> Result<(TcpStream, SocketAddr)> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| unknown(host, &error))?;
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
        bail!("host '{host}' has no address; call it by one");
    }
    let advice = "is a desk open there? It is opened with: talk server";
    Err(anyhow!("no desk answers at {host} port {port} ({}); {advice} {port}", failed.join("; ")))
}

/// Why a host was not found, and what to try. The resolver's own words are the last ones of its
/// error.
fn unknown(host: &str, error: &io::Error) -> Error {
    let text = errors::reason(error).to_lowercase();
    let reason = text.rsplit(": ").next().unwrap_or_default();
    let port = |text: &str| text.parse::<u16>().is_ok();
    match host.split_once(':') {
        Some((host, number)) if port(number) => {
            anyhow!("host and port are two words; write: {host} {number}")
        }
        _ => anyhow!("no host '{host}' is known: {reason}; check its spelling, or use its address"),
    }
}

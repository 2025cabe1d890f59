//! One conversation with its socket, its terminal and its signals.
//!
//! `engine` is the loop that client and handler share, `observer` who watches it, `outcome` how a
//! conversation ended, `closing` what comes after that. `handler` is the desk's side of a call,
//! `link` what its process and the server tell each other, `liveness` whether the peer takes what
//! is sent. The invariant: a conversation waits in one place, the engine's select(2).

pub mod closing;
pub mod engine;
pub mod handler;
pub mod link;
pub mod liveness;
pub mod observer;
pub mod outcome;

//! One conversation with its socket, its terminal and its signals.
//!
//! `engine` is the loop that client and handler share, `observer` who watches it, `outcome` how a
//! conversation ended, `closing` what comes after that. `handler` is the desk's side of a call,
//! `liveness` whether the peer takes what is sent, `report` what a call's processes tell the
//! server.

pub mod closing;
pub mod engine;
pub mod handler;
pub mod liveness;
pub mod observer;
pub mod outcome;
pub mod report;

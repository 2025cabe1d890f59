//! One conversation with its socket, its terminal and its signals.
//!
//! `engine` is the loop that client and handler share, `handler` the desk's side of a call,
//! `outcome` how a conversation ended, `liveness` whether the peer takes what is sent, `report`
//! what a call's processes tell the server.

pub mod engine;
pub mod handler;
pub mod liveness;
pub mod outcome;
pub mod report;

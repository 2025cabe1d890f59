//! What travels on the wire and who may say what when (docs/PROTOCOL.md).
//!
//! `conversation` is the rules, `events` what goes in and comes out of it, `channel` the bytes
//! below it, `frame` and `name` the format, `limits` the times and sizes. The invariant: everything
//! here is pure. There is no clock, no descriptor, no environment; bytes and times come in as
//! parameters, what to do comes out as values, and `session::engine` does it. So every rule is
//! tested without a socket.

pub mod channel;
pub mod conversation;
pub mod events;
pub mod frame;
pub mod limits;
pub mod name;

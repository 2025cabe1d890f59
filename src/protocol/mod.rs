//! What travels on the wire and who may say what when (docs/PROTOCOL.md).
//!
//! Everything here is pure: no clock, no descriptor, no environment. Bytes and times come in as
//! parameters, what is to be done comes out as values, and `engine` does it. That is why every rule
//! can be tested without a socket.

pub mod channel;
pub mod conversation;
pub mod events;
pub mod frame;
pub mod limits;
pub mod name;

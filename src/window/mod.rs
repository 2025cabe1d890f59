//! How a handler gets its own keyboard and screen.
//!
//! One file for each way. The invariant: a window is opened by the helper of a call, in place of itself, and whatever
//! program it is, it ends up running `talk handler` with the call's socket.

pub mod xterm;

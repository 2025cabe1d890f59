//! Tests that start the program, as one crate: it is linked once, and tests that wait run beside
//! others instead of after them.
//!
//! Each module is a file of this directory and named after what it tries; what they share is in
//! `support`. The invariant: tests run in any order and all at once in one process. None changes
//! the environment, the working directory or the limits of this process; they belong to the
//! programs that a test starts.

mod admission;
mod bulk;
mod check;
mod client;
mod command_line;
mod completions;
mod console;
mod endings;
mod error_texts;
mod errors;
mod examples;
mod exhaustion;
mod handler;
mod kills;
mod manual;
mod network;
mod privilege;
mod recipes;
mod server;
mod support;
mod terminal;
mod windows;
mod xterm;

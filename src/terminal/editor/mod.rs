//! A line being typed below a scrollback, on a terminal that obeys cursor movements.
//!
//! [`Prompt`] is made of `keys`, `line` and `history`, and of `screen` with its `row`s and the
//! line's `viewport`. All of it is pure: size and time come in, and bytes for the terminal come
//! out. Next door, `guard` takes the terminal over for it. The invariant: only keys change the line
//! being typed, and only its owner takes it.

mod history;
mod keys;
mod line;
mod prompt;
mod row;
mod screen;
#[cfg(test)]
mod tests;
mod viewport;

pub use keys::{Key, SEQUENCE_PAUSE};
#[cfg(test)]
pub use line::LIMIT as LINE_LIMIT;
pub use prompt::{Asked, KEYS, Prompt};
pub use screen::LEAVE;

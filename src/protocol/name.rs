//! Names: what each side calls itself in its HELLO.
//!
//! The invariant: a [`Name`] has 1 to 64 bytes. A name from the wire may be any bytes, so it is
//! shown only through `terminal::sanitize`; a name that a person chose here is checked when it is
//! parsed.

use std::fmt;
use std::str::FromStr;

/// The most bytes of a name (docs/PROTOCOL.md, HELLO).
pub const MAX_NAME: usize = 64;

/// A name of 1 to [`MAX_NAME`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(Box<[u8]>);

impl Name {
    /// A name from the wire; `None` when it is empty or too long.
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        (1..=MAX_NAME).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.0.escape_ascii())
    }
}

impl FromStr for Name {
    type Err = String;

    /// A name that a person chose: it can be read, and is short enough to send.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err("a name needs at least one visible character".into());
        }
        if text.chars().any(char::is_control) {
            return Err("a name cannot contain control characters".into());
        }
        Self::from_wire(text.as_bytes()).ok_or_else(|| {
            format!("a name has at most {MAX_NAME} bytes; this one has {}", text.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_is_visible_and_fits() {
        for good in ["a", "Zoë", "名前", "alice in accounts", &"x".repeat(64)] {
            assert_eq!(good.parse::<Name>().unwrap().as_bytes(), good.as_bytes());
        }
        for bad in ["", "   ", "a\tb", "a\u{1b}[2J", "a\u{9b}", &"x".repeat(65), &"ö".repeat(33)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_from_the_wire_may_be_any_bytes_of_the_right_length() {
        assert!(Name::from_wire(b"").is_none());
        assert!(Name::from_wire(&[0xff; 64]).is_some());
        assert!(Name::from_wire(&[b'x'; 65]).is_none());
    }
}

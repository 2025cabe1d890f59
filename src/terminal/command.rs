//! What a typed line asks for: to be said, or something of this end.
//!
//! Only a person types commands: what comes from a pipe is said as it is. The invariant: every line
//! can be said, those that begin with a slash by doubling it.

/// What `/help` shows of commands.
pub const HELP: [&str; 2] =
    ["/help lists keys and commands; /quit leaves", "//word sends a line that starts with /word"];
/// The answer to a command that does not exist.
pub const UNKNOWN: &str = "no such command; /help lists them, //word sends it";

/// A typed line, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// To be said to the other end.
    Say(&'a [u8]),
    Quit,
    Help,
    Unknown,
}

/// What a line, without its newline, asks for.
pub fn parse(line: &[u8]) -> Command<'_> {
    match line {
        [b'/', said @ ..] if said.starts_with(b"/") => Command::Say(said),
        [b'/', word @ ..] => match word.trim_ascii_end() {
            b"quit" => Command::Quit,
            b"help" => Command::Help,
            _ => Command::Unknown,
        },
        said => Command::Say(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_a_command_and_two_make_none() {
        for (line, command) in [
            ("hello", Command::Say(b"hello")),
            ("", Command::Say(b"")),
            (" /quit", Command::Say(b" /quit")),
            ("/quit", Command::Quit),
            ("/quit  ", Command::Quit),
            ("/help", Command::Help),
            ("/", Command::Unknown),
            ("/quit now", Command::Unknown),
            ("/etc/passwd", Command::Unknown),
            ("//", Command::Say(b"/")),
            ("//quit", Command::Say(b"/quit")),
            ("///", Command::Say(b"//")),
        ] {
            assert_eq!(parse(line.as_bytes()), command, "{line}");
        }
    }
}

//! What a typed line asks for, in a conversation and at the console.
//!
//! Only a person types commands: what comes from a pipe is said as it is. The invariant: every line
//! can be said, a line that begins with a slash by doubling it.

/// What `/help` shows of commands in a conversation, where all others are unknown.
pub const CONVERSATION_HELP: [&str; 2] =
    ["/help lists keys and commands; /quit leaves", "//word sends a line that starts with /word"];
/// What `/help` shows of commands at the console.
pub const CONSOLE_HELP: [&str; 5] = [
    "/2 turns to call 2 and shows what was held back; /2 some text sends one line to it",
    "/mute 2 holds back what call 2 says, or shows it again",
    "/all some text sends one line to everybody; /who lists the calls",
    "/hangup 2 ends call 2; /quit ends the desk, with a goodbye to everybody",
    "//word sends a line that starts with /word",
];
/// The answer to a command that does not exist.
pub const UNKNOWN: &str = "no such command; /help lists them, //word sends it";

/// A typed line, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Say it to the peer, or to the current call.
    Say(&'a [u8]),
    /// Say it to this call.
    SayTo(u32, &'a [u8]),
    SayToAll(&'a [u8]),
    /// Make this call the current one.
    Turn(u32),
    Who,
    HangUp(u32),
    /// Show nothing of this call, or show it again.
    Mute(u32),
    Help,
    Quit,
    /// It is not a command, and why.
    Wrong(&'static str),
}

/// What a line, without its newline, asks for. Only a single line can be a command.
pub fn parse(line: &[u8]) -> Command<'_> {
    let word = match line {
        _ if line.contains(&b'\n') => return Command::Say(line),
        [b'/', said @ ..] if said.starts_with(b"/") => return Command::Say(said),
        [b'/', word @ ..] => word,
        said => return Command::Say(said),
    };
    let end = word.iter().position(|&byte| byte == b' ').unwrap_or(word.len());
    let (word, rest) = (&word[..end], word.get(end + 1..).unwrap_or_default());
    let bare = rest.trim_ascii().is_empty();
    match word {
        b"who" if bare => Command::Who,
        b"help" if bare => Command::Help,
        b"quit" if bare => Command::Quit,
        b"all" if bare => Command::Wrong("/all takes the line to be sent"),
        b"all" => Command::SayToAll(rest),
        b"hangup" => match number(rest.trim_ascii()) {
            Some(call) => Command::HangUp(call),
            None => Command::Wrong("/hangup takes the number of a call; /who lists them"),
        },
        b"mute" => match number(rest.trim_ascii()) {
            Some(call) => Command::Mute(call),
            None => Command::Wrong("/mute takes the number of a call; /who lists them"),
        },
        _ => match number(word) {
            Some(call) if bare => Command::Turn(call),
            Some(call) => Command::SayTo(call, rest),
            None => Command::Wrong(UNKNOWN),
        },
    }
}

/// A number in digits only: `parse` would also take a sign.
fn number(word: &[u8]) -> Option<u32> {
    let word =
        str::from_utf8(word).ok().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_a_command_and_two_make_none() {
        let wrong_hangup = Command::Wrong("/hangup takes the number of a call; /who lists them");
        let wrong_all = Command::Wrong("/all takes the line to be sent");
        for (line, command) in [
            ("hello", Command::Say(b"hello")),
            ("", Command::Say(b"")),
            (" /quit", Command::Say(b" /quit")),
            ("//2 x", Command::Say(b"/2 x")),
            ("//", Command::Say(b"/")),
            ("///", Command::Say(b"//")),
            ("//2\n/3", Command::Say(b"//2\n/3")),
            ("/2\n/3", Command::Say(b"/2\n/3")),
            ("/2", Command::Turn(2)),
            ("/2  ", Command::Turn(2)),
            ("/2 some text ", Command::SayTo(2, b"some text ")),
            ("/2  indented", Command::SayTo(2, b" indented")),
            ("/2 /3", Command::SayTo(2, b"/3")),
            ("/all both of you", Command::SayToAll(b"both of you")),
            ("/all", wrong_all),
            ("/all ", wrong_all),
            ("/who", Command::Who),
            ("/who ", Command::Who),
            ("/help", Command::Help),
            ("/quit", Command::Quit),
            ("/quit  ", Command::Quit),
            ("/hangup 12", Command::HangUp(12)),
            ("/mute 12", Command::Mute(12)),
            ("/mute", Command::Wrong("/mute takes the number of a call; /who lists them")),
            ("/hangup", wrong_hangup),
            ("/hangup alice", wrong_hangup),
            ("/hangup 2 3", wrong_hangup),
            ("/", Command::Wrong(UNKNOWN)),
            ("/+2", Command::Wrong(UNKNOWN)),
            ("/-2", Command::Wrong(UNKNOWN)),
            ("/99999999999", Command::Wrong(UNKNOWN)),
            ("/who is there", Command::Wrong(UNKNOWN)),
            ("/quit now", Command::Wrong(UNKNOWN)),
            ("/etc/passwd", Command::Wrong(UNKNOWN)),
        ] {
            assert_eq!(parse(line.as_bytes()), command, "{line}");
        }
    }
}

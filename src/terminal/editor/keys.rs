//! Bytes from the keyboard, read as keys.
//!
//! `vte` reads UTF-8 and control sequences. What follows a lone ESC is read here: `vte` is made for
//! the output of programs. It would wait without a limit for the end of a string, such as a late
//! answer of the terminal, and knows no Escape key. Next door, `line` does what the keys ask for.
//! The invariant: the same bytes give the same keys, wherever they are cut, unless there was a
//! [pause](Keys::pause) between them.

use std::mem;
use std::time::Duration;

use vte::{Params, Parser, Perform};

use super::line::Edit;

const CANCEL: u8 = 0x18;
const ESCAPE: u8 = 0x1B;
const DELETE: u8 = 0x7F;
const BELL: u8 = 0x07;

/// The bytes of a sequence follow each other within this time; what a person types does not.
pub const SEQUENCE_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a string, such as an answer of the terminal, that are skipped. After these, its end is
/// not waited for any more.
const STRING_LIMIT: u16 = 4096;

/// What a person asks for by one key, or by one character of a paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character for the line: never a control character, except the tab and, in a paste, the
    /// newline.
    Text(char),
    /// A change to the line or a move in it.
    Edit(Edit),
    Enter,
    /// Ctrl-D: leaves if the line is empty, else deletes forward.
    EndOfInput,
    /// To the line before this one in the history.
    Older,
    /// To the line after this one in the history.
    Newer,
    /// Clears the screen.
    Clear,
    /// A paste begins: text up to its [end](Self::PasteEnd).
    Paste,
    PasteEnd,
}

/// Reads keys from bytes that may be cut anywhere. Unknown keys have no effect.
#[derive(Default)]
pub struct Keys {
    parser: Parser,
    reading: Reading,
}

impl Keys {
    /// The keys that these bytes complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        for &byte in bytes {
            self.byte(byte);
        }
        mem::take(&mut self.reading.keys)
    }

    /// Nothing has come for [`SEQUENCE_PAUSE`]: what looks like the beginning of a sequence was a
    /// key, such as Escape. The mark at the end of a paste is waited for.
    pub fn pause(&mut self) {
        if !self.reading.pasting && !matches!(self.reading.after, After::Key) {
            self.reading.after = After::Key;
            self.feed(CANCEL);
        }
    }

    fn byte(&mut self, byte: u8) {
        match (mem::take(&mut self.reading.after), byte) {
            (After::Escape { .. }, ESCAPE) => self.reading.after = After::Escape { twice: true },
            (_, ESCAPE) => {
                self.reading.after = After::Escape { twice: false };
                self.feed(ESCAPE);
            }
            (After::Escape { twice }, b'[') => {
                self.reading.alt = twice;
                self.feed(b'[');
            }
            (After::Escape { .. }, _) => {
                self.feed(CANCEL);
                if self.reading.pasting { self.feed(byte) } else { self.reading.alt(byte) }
            }
            (After::String { .. }, BELL) => {}
            (After::String { left: 1.. } | After::Mouse { left: 1.. }, ..b' ') => self.feed(byte),
            (After::String { left: left @ 1.. }, _) => {
                self.reading.after = After::String { left: left - 1 };
            }
            (After::Mouse { left: left @ 1.. }, _) => {
                self.reading.after = After::Mouse { left: left - 1 };
            }
            (After::SingleShift, _) => self.reading.cursor_key(byte.into(), false),
            (After::ConsoleFunction, _) => {}
            (After::Key | After::String { .. } | After::Mouse { .. }, _) => self.feed(byte),
        }
    }

    /// One byte at a time: of a longer slice, `vte` would take some characters for others.
    fn feed(&mut self, byte: u8) {
        self.parser.advance(&mut self.reading, &[byte]);
    }
}

/// What the next byte follows.
#[derive(Default)]
enum After {
    /// A whole key, or the part of one that `vte` has seen.
    #[default]
    Key,
    /// ESC, or more than one: Alt, or the beginning of a sequence, or both.
    Escape { twice: bool },
    /// ESC O, or SS3: one byte of a cursor key is to come.
    SingleShift,
    /// ESC [ [: one byte of a function key of the Linux console is to come.
    ConsoleFunction,
    /// OSC, DCS, APC, PM or SOS: what it says is skipped up to BEL, or ST, which begins with ESC.
    /// Any other control character was typed and ends it as well.
    String { left: u16 },
    /// ESC [ M: a report of the mouse, of three characters.
    Mouse { left: u8 },
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    keys: Vec<Key>,
    after: After,
    /// The sequence being read came with Alt, as a second ESC.
    alt: bool,
    /// Between the marks of a bracketed paste.
    pasting: bool,
    /// The last character of the paste was a carriage return.
    returned: bool,
}

impl Reading {
    fn edit(&mut self, edit: Edit) {
        self.keys.push(Key::Edit(edit));
    }

    /// A byte after ESC: a key pressed with Alt.
    fn alt(&mut self, byte: u8) {
        match byte {
            b'O' => self.after = After::SingleShift,
            b']' | b'P' | b'X' | b'^' | b'_' => self.after = After::String { left: STRING_LIMIT },
            b'b' | b'B' => self.edit(Edit::WordLeft),
            b'f' | b'F' => self.edit(Edit::WordRight),
            b'd' | b'D' => self.edit(Edit::CutWordRight),
            DELETE | 0x08 => self.edit(Edit::CutWordLeft),
            _ => {}
        }
    }

    /// The end of a sequence that the cursor keys send.
    fn cursor_key(&mut self, end: char, by_word: bool) {
        match (end, by_word) {
            ('A', _) => self.keys.push(Key::Older),
            ('B', _) => self.keys.push(Key::Newer),
            ('C', false) => self.edit(Edit::Right),
            ('C', true) => self.edit(Edit::WordRight),
            ('D', false) => self.edit(Edit::Left),
            ('D', true) => self.edit(Edit::WordLeft),
            ('F', _) => self.edit(Edit::End),
            ('H', _) => self.edit(Edit::Home),
            _ => {}
        }
    }

    /// A character of a paste. Whatever ends its lines becomes a newline; of the other control
    /// characters, only tabs stay.
    fn pasted(&mut self, c: char) {
        let joined = mem::replace(&mut self.returned, c == '\r') && c == '\n';
        match c {
            '\n' if joined => {}
            '\n' | '\r' => self.keys.push(Key::Text('\n')),
            c if c == '\t' || !c.is_control() => self.keys.push(Key::Text(c)),
            _ => {}
        }
    }
}

impl Perform for Reading {
    fn print(&mut self, c: char) {
        match c {
            _ if self.pasting => self.pasted(c),
            '\x7F' => self.edit(Edit::Backspace),
            c if !c.is_control() => self.keys.push(Key::Text(c)),
            _ => {}
        }
    }

    fn execute(&mut self, byte: u8) {
        if self.pasting {
            return self.pasted(byte.into());
        }
        match byte {
            b'\t' => self.keys.push(Key::Text('\t')),
            b'\r' | b'\n' => self.keys.push(Key::Enter),
            0x01 => self.edit(Edit::Home),
            0x02 => self.edit(Edit::Left),
            0x04 => self.keys.push(Key::EndOfInput),
            0x05 => self.edit(Edit::End),
            0x06 => self.edit(Edit::Right),
            0x08 => self.edit(Edit::Backspace),
            0x0B => self.edit(Edit::CutToEnd),
            0x0C => self.keys.push(Key::Clear),
            0x0E => self.keys.push(Key::Newer),
            0x10 => self.keys.push(Key::Older),
            0x14 => self.edit(Edit::Transpose),
            0x15 => self.edit(Edit::CutToStart),
            0x17 => self.edit(Edit::CutWord),
            0x19 => self.edit(Edit::Yank),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, marks: &[u8], ignore: bool, end: char) {
        let alt = mem::take(&mut self.alt);
        if ignore || !marks.is_empty() {
            return;
        }
        let mut params = params.iter().map(|param| param[0]);
        let number = params.next().unwrap_or(0);
        // One more than a set of bits: 1 Shift, 2 Alt, 4 Ctrl (xterm's "PC-Style Function Keys").
        let modifiers = params.next().unwrap_or(0).saturating_sub(1);
        let by_word = alt || modifiers & 6 != 0;
        match (end, number) {
            ('~', 201) if mem::take(&mut self.pasting) => self.keys.push(Key::PasteEnd),
            _ if self.pasting => {}
            ('~', 200) => {
                self.pasting = true;
                self.keys.push(Key::Paste);
            }
            ('~', 1 | 7) => self.edit(Edit::Home),
            ('~', 4 | 8) => self.edit(Edit::End),
            ('~', 3) if by_word => self.edit(Edit::CutWordRight),
            ('~', 3) => self.edit(Edit::Delete),
            ('[', 0) => self.after = After::ConsoleFunction,
            ('M', 0) => self.after = After::Mouse { left: 3 },
            _ => self.cursor_key(end, by_word),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Key> {
        Keys::default().read(bytes)
    }

    fn text(text: &str) -> Vec<Key> {
        text.chars().map(Key::Text).collect()
    }

    #[track_caller]
    fn assert_all(sequences: &[&[u8]], key: Key) {
        for sequence in sequences {
            // The letters before and after show that nothing of the sequence is left over.
            let expected = [text("é"), vec![key], text("x")].concat();
            assert_eq!(read(&["é".as_bytes(), sequence, b"x"].concat()), expected, "{sequence:X?}");
        }
    }

    #[test]
    fn every_form_of_a_key_is_known() {
        let edit = Key::Edit;
        assert_all(&[b"\x1B[D", b"\x1BOD", b"\x02"], edit(Edit::Left));
        assert_all(&[b"\x1B[C", b"\x1BOC", b"\x06"], edit(Edit::Right));
        let left: [&[u8]; 5] = [b"\x1B[1;5D", b"\x1B[1;3D", b"\x1B\x1B[D", b"\x1Bb", b"\x1B[1;7D"];
        assert_all(&left, edit(Edit::WordLeft));
        let right: [&[u8]; 4] = [b"\x1B[1;5C", b"\x1B[1;3C", b"\x1B\x1B[C", b"\x1Bf"];
        assert_all(&right, edit(Edit::WordRight));
        let home: [&[u8]; 5] = [b"\x1B[H", b"\x1BOH", b"\x1B[1~", b"\x1B[7~", b"\x01"];
        assert_all(&home, edit(Edit::Home));
        let end: [&[u8]; 5] = [b"\x1B[F", b"\x1BOF", b"\x1B[4~", b"\x1B[8~", b"\x05"];
        assert_all(&end, edit(Edit::End));
        assert_all(&[b"\x7F", b"\x08"], edit(Edit::Backspace));
        assert_all(&[b"\x1B[3~"], edit(Edit::Delete));
        assert_all(&[b"\x1Bd", b"\x1B[3;5~"], edit(Edit::CutWordRight));
        assert_all(&[b"\x1B\x7F", b"\x1B\x08"], edit(Edit::CutWordLeft));
        assert_all(&[b"\x1B[A", b"\x1BOA", b"\x10"], Key::Older);
        assert_all(&[b"\x1B[B", b"\x1BOB", b"\x0E"], Key::Newer);
        assert_all(&[b"\r", b"\n"], Key::Enter);
    }

    #[test]
    fn unknown_keys_have_no_effect() {
        // F1 to F5 in all forms, Page Up, Alt-., Shift-Tab, focus, the keys of signals.
        for sequence in ["\x1B[[A", "\x1BOP", "\x1B[15~", "\x1B[5~", "\x1B.", "\x1B[Z"] {
            assert_eq!(read(format!("a{sequence}b").as_bytes()), text("ab"), "{sequence:?}");
        }
        assert_eq!(read(b"a\x1B[I\x03\x1A\x1C\0b"), text("ab"));
    }

    #[test]
    fn what_a_terminal_says_is_not_typed() {
        for sequence in [
            "\x1B]11;rgb:1111/2222/3333\x07",
            "\x1B]11;rgb:1111/2222/3333\x1B\\",
            "\x1BP1+r636F=38\x1B\\",
            "\x1B_Gi=1;OK\x1B\\",
            "\x1B^private\x1B\\",
            "\x1BXstring\x1B\\",
            "\x1B[M !!",
            "\x1B[<0;12;3M",
            "\x1B[?64;1;9c",
        ] {
            assert_eq!(read(format!("a{sequence}b").as_bytes()), text("ab"), "{sequence:?}");
        }
        assert_eq!(read(b"\x1B]unended\rb"), [vec![Key::Enter], text("b")].concat());
        assert_eq!(read(b"\x1B[M !\rb"), [vec![Key::Enter], text("b")].concat());
        let long = [b"\x1B]", &[b'x'; 5000][..]].concat();
        assert_eq!(read(&long).len(), 5000 - usize::from(STRING_LIMIT));
    }

    #[test]
    fn after_a_pause_a_sequence_is_over() {
        for key in ["\x1B", "\x1B\x1B", "\x1B]", "\x1BP", "\x1BO", "\x1B[M"] {
            let mut keys = Keys::default();
            assert_eq!(keys.read(key.as_bytes()), []);
            keys.pause();
            assert_eq!(keys.read(b"y\x1B[D"), [text("y"), vec![Key::Edit(Edit::Left)]].concat());
        }
        let mut keys = Keys::default();
        assert_eq!(keys.read(b"\x1B[200~a\x1B"), [Key::Paste, Key::Text('a')]);
        keys.pause();
        assert_eq!(keys.read(b"[201~\r"), [Key::PasteEnd, Key::Enter]);
        assert_eq!(keys.read(b"\xC3"), []);
        keys.pause();
        assert_eq!(keys.read(b"\xA9"), text("\u{e9}"));
    }

    #[test]
    fn a_sequence_that_is_cut_off_does_not_swallow_the_next_key() {
        assert_eq!(read(b"\x1B[1;\x1Bbc"), [vec![Key::Edit(Edit::WordLeft)], text("c")].concat());
        assert_eq!(read(b"\x1B\x1B\x1B[Ax"), [vec![Key::Older], text("x")].concat());
        assert_eq!(
            read(b"\xE2\x82\x1B[Ax"),
            [text("\u{FFFD}"), vec![Key::Older], text("x")].concat()
        );
    }

    #[test]
    fn a_paste_is_text() {
        let pasted = |bytes: &[u8]| {
            let mut keys = read(&[b"\x1B[200~", bytes, b"\x1B[201~"].concat());
            assert_eq!((keys.remove(0), keys.pop()), (Key::Paste, Some(Key::PasteEnd)));
            keys
        };
        assert_eq!(pasted(b"a\tb\rc\nd\r\ne\r\rf"), text("a\tb\nc\nd\ne\n\nf"));
        assert_eq!(pasted(b"\x04\x15\x7F\x03\0/quit"), text("/quit"));
        assert_eq!(pasted(b"\x1Bb \x1B[31mred\x1B[m \x1BOA"), text("b red OA"));
        assert_eq!(pasted("\u{85}\u{9B}ok".as_bytes()), text("ok"));
        let then_entered = [Key::Paste, Key::Text('\n'), Key::PasteEnd, Key::Enter];
        assert_eq!(read(b"\x1B[200~\r\x1B[201~\r"), then_entered);
    }

    proptest! {
        #[test]
        fn keys_do_not_depend_on_where_their_bytes_are_cut(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..9),
                    "\\x1B{0,2}[\\[\\]OP]{0,2}[0-9;]{0,3}[A-Z~a-d]".prop_map(String::into_bytes),
                    "\\PC{0,4}".prop_map(String::into_bytes),
                    Just(b"\x1B[200~".to_vec()),
                    Just(b"\x1B[201~".to_vec()),
                ],
                0..12,
            ),
        ) {
            let mut keys = Keys::default();
            let cut: Vec<Key> = pieces.iter().flat_map(|piece| keys.read(piece)).collect();
            prop_assert_eq!(&cut, &read(&pieces.concat()));
            let harmful = |c: char| c.is_control() && !"\t\n".contains(c);
            let harmless = |key: &Key| !matches!(key, Key::Text(c) if harmful(*c));
            prop_assert!(cut.iter().all(harmless));
        }
    }
}

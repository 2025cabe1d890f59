//! The sanitizer: untrusted bytes reach a terminal, a window title or a log only through it.
//!
//! Control characters and invisible characters are shown, not obeyed: controls in caret notation
//! (`^[`), other code points as `<U+202E>`, bytes that are not UTF-8 as `<FF>`. The result is for
//! reading and cannot be decoded: a peer may as well type `^` and `[`. Next door, `wrap` breaks the
//! result into rows.
//!
//! The invariant: whatever the input, the output has no C0 control except the tab (in a [`line()`]
//! only), no DEL and no C1 control, and is at most four times as long.

use std::borrow::Cow;

const ZERO_WIDTH_JOINER: char = '\u{200D}';
const TEXT_STYLE: char = '\u{FE0E}';
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
const BRAILLE_BLANK: char = '\u{2800}';

/// A line of text: tabs stay, everything else harmful becomes visible.
///
/// Clean text is borrowed. Line ends are harmful too (`^J`, `^M`): split lines before, not after.
pub fn line(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes)
        && harmful(text).next().is_none()
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(2 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let mut done = 0;
        for (at, c) in harmful(text) {
            shown += &text[done..at];
            shown += &visible(c);
            done = at + c.len_utf8();
        }
        shown += &text[done..];
        for byte in chunk.invalid() {
            shown += &format!("<{byte:02X}>");
        }
    }
    Cow::Owned(shown)
}

/// A label (a name, a reason, a title): like [`line()`], and a tab becomes visible too (`^I`).
pub fn label(bytes: &[u8]) -> Cow<'_, str> {
    let text = line(bytes);
    if text.contains('\t') { Cow::Owned(text.replace('\t', &visible('\t'))) } else { text }
}

/// A name: like [`label()`], and one that shows nothing is `<no name>`.
pub fn name(bytes: &[u8]) -> Cow<'_, str> {
    let text = label(bytes);
    let blank = |c: char| c.is_whitespace() || c == BRAILLE_BLANK;
    if text.chars().all(blank) { Cow::Borrowed("<no name>") } else { text }
}

/// A name between these `marks`, which are ASCII and become visible in it (`<5D>`): the first mark
/// after the name ends it.
pub fn name_within<'a>(bytes: &'a [u8], marks: &[char]) -> Cow<'a, str> {
    let text = name(bytes);
    if !text.contains(marks) {
        return text;
    }
    let mut shown = String::with_capacity(2 * text.len());
    for c in text.chars() {
        match marks.contains(&c) {
            true => shown += &format!("<{:02X}>", u32::from(c)),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A name in a sentence: in quotes if it is not a single word, or one that the program uses itself.
pub fn name_in_words(bytes: &[u8]) -> Cow<'_, str> {
    let text = name_within(bytes, &['"']);
    let is_word = text.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c));
    let is_ours = ["nobody", "somebody", "something"].contains(&&*text.to_lowercase());
    if is_word && !is_ours { text } else { Cow::Owned(format!("\"{text}\"")) }
}

/// How many of the bytes can be passed to [`line()`] now, when more of the same line will come: all
/// but a character at the end of which only the beginning has come, at most 3 bytes.
///
/// Characters stay whole. Emoji sequences may not: a joiner or a style selector that is cut off
/// from its neighbours becomes visible.
pub fn complete(bytes: &[u8]) -> usize {
    let is_incomplete = |tail: &[u8]| {
        str::from_utf8(tail).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
    };
    (bytes.len().saturating_sub(3)..bytes.len())
        .find(|&at| is_incomplete(&bytes[at..]))
        .unwrap_or(bytes.len())
}

/// The harmful characters of `text`, each with its byte position.
fn harmful(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|&(at, c)| match c {
        '\t' | ' '..='~' => false,
        ZERO_WIDTH_JOINER => !joins_emoji(&text[..at], &text[at + c.len_utf8()..]),
        TEXT_STYLE | EMOJI_STYLE => !styles_emoji(&text[..at], &text[at + c.len_utf8()..]),
        _ => is_control_or_invisible(c),
    })
}

/// Caret notation for C0 and DEL, the code point for everything else.
fn visible(c: char) -> String {
    match c {
        '\0'..='\x1F' | '\x7F' => format!("^{}", char::from(c as u8 ^ 0x40)),
        _ => format!("<U+{:04X}>", u32::from(c)),
    }
}

/// Whether a zero width joiner here is part of an emoji ZWJ sequence (UTS #51, ED-16).
fn joins_emoji(before: &str, after: &str) -> bool {
    let base = before.strip_suffix(is_skin_tone).unwrap_or(before);
    let base = base.strip_suffix(EMOJI_STYLE).unwrap_or(base);
    base.ends_with(is_pictographic) && after.starts_with(is_pictographic)
}

/// Whether a style selector here follows an emoji, or stands within a keycap (UTS #51, ED-8a,
/// ED-9a, ED-14c). After any other digit it would make two names differ invisibly.
fn styles_emoji(before: &str, after: &str) -> bool {
    before.ends_with(is_pictographic)
        || before.ends_with(|c| matches!(c, '0'..='9' | '#' | '*')) && after.starts_with(KEYCAP)
}

/// General categories Cc, Cf, Zl and Zp, `Default_Ignorable_Code_Point` and the noncharacters. Of
/// Cf, `Prepended_Concatenation_Mark` (U+0600, U+06DD, ...) is left out: these signs are visible.
fn is_control_or_invisible(c: char) -> bool {
    matches!(c,
        '\0'..='\x1F' | '\x7F'..='\u{9F}' | '\u{AD}' | '\u{34F}' | '\u{61C}'
        | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    ) || u32::from(c) & 0xFFFE == 0xFFFE // noncharacters end every plane
}

/// `Extended_Pictographic` (UTS #51, emoji-data.txt), ranges rounded up to visible neighbours.
fn is_pictographic(c: char) -> bool {
    matches!(c,
        '©' | '®' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{2199}'
        | '\u{21A9}'..='\u{21AA}' | '\u{231A}'..='\u{231B}' | '\u{2328}' | '\u{2388}'
        | '\u{23CF}' | '\u{23E9}'..='\u{23FA}' | '\u{24C2}' | '\u{25AA}'..='\u{25AB}'
        | '\u{25B6}' | '\u{25C0}' | '\u{25FB}'..='\u{25FE}' | '\u{2600}'..='\u{27BF}'
        | '\u{2934}'..='\u{2935}' | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}'..='\u{2B1C}'
        | '\u{2B50}' | '\u{2B55}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}'
        | '\u{1F000}'..='\u{1F1E5}' | '\u{1F200}'..='\u{1F3FA}' | '\u{1F400}'..='\u{1FAFF}'
        | '\u{1FC00}'..='\u{1FFFD}'
    )
}

/// `Emoji_Modifier` (UTS #51, emoji-data.txt).
fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the invariant of this module, and that what was sanitized stays as it is.
    #[track_caller]
    fn assert_harmless(bytes: &[u8]) {
        let (text, name) = (line(bytes), label(bytes));
        assert!(!text.replace('\t', "").contains(char::is_control), "{bytes:X?}");
        assert!(!name.contains(char::is_control), "{bytes:X?}");
        assert!(name.len() <= 4 * bytes.len(), "{bytes:X?}");
        assert_eq!(line(text.as_bytes()), text);
        assert_eq!(label(name.as_bytes()), name);
    }

    #[track_caller]
    fn assert_shown(untrusted: impl AsRef<[u8]>, shown: &str) {
        let bytes = untrusted.as_ref();
        assert_eq!(line(bytes), shown);
        assert_eq!(label(bytes), shown);
        assert_harmless(bytes);
    }

    #[track_caller]
    fn assert_clean(text: &str) {
        assert_shown(text, text);
        assert!(matches!(line(text.as_bytes()), Cow::Borrowed(_)), "{text}");
        assert!(matches!(label(text.as_bytes()), Cow::Borrowed(_)), "{text}");
    }

    #[test]
    fn every_code_point_is_harmless() {
        for c in '\0'..=char::MAX {
            assert_harmless(format!("a{c}b").as_bytes());
        }
    }

    #[test]
    fn every_byte_and_pair_of_bytes_is_harmless() {
        for first in 0..=u8::MAX {
            assert_harmless(&[first]);
            for second in 0..=u8::MAX {
                assert_harmless(&[first, second]);
            }
        }
    }

    #[test]
    fn clean_text_is_borrowed() {
        assert_clean("");
        assert_clean(" !\"#0123ABCxyz{|}~");
        assert_clean("naïve cafe\u{301} Ω ж");
        assert_clean("漢字 かな 한국어 עברית");
        assert_clean("\u{600}١ \u{6DD} \u{110BD}"); // visible signs, though of category Cf
        assert_clean("\u{A0}\u{3000}\u{2800}"); // blank, but with a width
        assert_clean("\u{E000}\u{FFFC}\u{FFFD}"); // private use, replacements
        assert_clean("👨‍👩‍👧 👩‍❤️‍👨 🏳️‍🌈 🕵🏽‍♂️ 👩🏽‍🚀");
        assert_clean("❤️ ❤\u{FE0E} 1️⃣ #️⃣ 👍🏽 🇨🇭");
    }

    #[test]
    fn a_tab_stays_in_a_line_only() {
        assert!(matches!(line(b"a\tb"), Cow::Borrowed("a\tb")));
        assert_eq!(line(b"a\tb\x07"), "a\tb^G");
        assert_eq!(label(b"a\tb\x07"), "a^Ib^G");
        assert_eq!(label(b"a\tb"), "a^Ib");
    }

    #[test]
    fn a_name_of_blanks_is_said_to_be_none() {
        for blank in ["", " ", "\u{3000}", "\u{2800}\u{A0}"] {
            assert_eq!(name(blank.as_bytes()), "<no name>");
        }
        assert!(matches!(name(b" al ice"), Cow::Borrowed(" al ice")));
        assert_eq!(name(b"\t"), "^I");
    }

    #[test]
    fn a_name_does_not_contain_the_marks_around_it() {
        let within = |text: &'static str| name_within(text.as_bytes(), &['[', ']']);
        assert!(matches!(within("alice"), Cow::Borrowed("alice")));
        assert_eq!(within("x] [1 alice"), "x<5D> <5B>1 alice");
        assert_eq!(within("]][a]"), "<5D><5D><5B>a<5D>");
        assert_eq!(within("\x1B[m"), "^<5B><5B>m");
    }

    #[test]
    fn a_name_does_not_look_like_words_of_the_program() {
        for (name, shown) in [
            ("alice", "alice"),
            ("zoë.m-2@example", "zoë.m-2@example"),
            ("Nobody", "\"Nobody\""),
            ("alice left; bob", "\"alice left; bob\""),
            ("a\" left, \"b", "\"a<22> left, <22>b\""),
            (" ", "\"<no name>\""),
        ] {
            assert_eq!(name_in_words(name.as_bytes()), shown);
        }
    }

    #[test]
    fn controls_are_shown() {
        assert_shown("\0\x07\x08\x0B\x7F", "^@^G^H^K^?");
        assert_shown("one\r\ntwo", "one^M^Jtwo");
        assert_shown("\x1B]0;root\x07", "^[]0;root^G"); // sets the title
        assert_shown("\x1B[21t", "^[[21t"); // reports the title, as if typed
        assert_shown("\x1BP$q\nid\n\x1B\\", "^[P$q^Jid^J^[\\"); // DECRQSS, echoed as if typed
        assert_shown("\x1B]52;c;bHM=\x1B\\", "^[]52;c;bHM=^[\\"); // sets the clipboard
        assert_shown("\x1B[6n\x05", "^[[6n^E"); // reports the cursor; answerback
        assert_shown("\u{9B}6n\u{9D}0;x\u{9C}", "<U+009B>6n<U+009D>0;x<U+009C>");
        assert_shown(b"\x9B6n", "<9B>6n");
    }

    #[test]
    fn invisibles_are_shown() {
        assert_shown("abc\u{202E}txt.exe\u{202C}", "abc<U+202E>txt.exe<U+202C>");
        assert_shown("\u{2066}a\u{2069}\u{61C}", "<U+2066>a<U+2069><U+061C>");
        assert_shown("\u{FEFF}bom", "<U+FEFF>bom");
        assert_shown("so\u{AD}ft\u{3164}", "so<U+00AD>ft<U+3164>");
        assert_shown("a\u{2028}b\u{2029}c", "a<U+2028>b<U+2029>c");
        assert_shown("\u{FDD0}\u{FFFE}\u{10FFFF}", "<U+FDD0><U+FFFE><U+10FFFF>");
        assert_shown("\u{E0041}\u{1343F}\u{1D173}", "<U+E0041><U+1343F><U+1D173>");
    }

    #[test]
    fn joiners_and_selectors_are_shown_outside_of_emoji() {
        assert_shown("bo\u{200D}b", "bo<U+200D>b");
        assert_shown("👩\u{200D}", "👩<U+200D>");
        assert_shown("👩\u{200D}b", "👩<U+200D>b");
        assert_shown("👩\u{200D}\u{200D}🚀", "👩<U+200D><U+200D>🚀");
        assert_shown("\u{200D}🚀", "<U+200D>🚀");
        assert_shown("🏽\u{200D}🚀", "🏽<U+200D>🚀");
        assert_shown("🇨🇭\u{200D}🚀", "🇨🇭<U+200D>🚀");
        assert_shown("a\u{FE0F}", "a<U+FE0F>");
        assert_shown("bob1\u{FE0F}", "bob1<U+FE0F>");
        assert_shown("🏽\u{FE0F}", "🏽<U+FE0F>");
        assert_shown("❤\u{FE0F}\u{FE0F}\u{200D}🚀", "❤\u{FE0F}<U+FE0F><U+200D>🚀");
        assert_shown("\u{FE0F}❤\u{FE00}", "<U+FE0F>❤<U+FE00>");
        assert_shown(b"\xE2\x9D\xA4\xFF\xEF\xB8\x8F", "❤<FF><U+FE0F>");
    }

    #[test]
    fn invalid_utf8_is_shown_byte_by_byte() {
        assert_shown(b"a\xFFb\xC0\xAF", "a<FF>b<C0><AF>"); // never valid; overlong
        assert_shown(b"\xED\xA0\x80", "<ED><A0><80>"); // a surrogate
        assert_shown(b"\xF4\x90\x80\x80", "<F4><90><80><80>"); // beyond U+10FFFF
        assert_shown(b"\xF0\x9F\x91", "<F0><9F><91>"); // truncated by the end
        assert_shown(b"\xE2\x82\x1B[m\xE2\x82\xAC", "<E2><82>^[[m€"); // truncated by a control
    }

    #[test]
    fn complete_holds_back_an_incomplete_character_only() {
        assert_eq!(complete(b""), 0);
        assert_eq!(complete(b"abc"), 3);
        assert_eq!(complete("é€👍".as_bytes()), 9);
        assert_eq!(complete(b"a\xC3"), 1);
        assert_eq!(complete(b"a\xE2\x82"), 1);
        assert_eq!(complete(b"a\xF0\x9F\x91"), 1);
        assert_eq!(complete(b"\xFF\xF0\x9F"), 1);
        assert_eq!(complete(b"a\xFF"), 2); // never valid
        assert_eq!(complete(b"a\xED\xA0"), 3); // a surrogate
        assert_eq!(complete(b"\x80\x80\x80"), 3); // nothing begins here
    }

    #[test]
    fn pieces_cut_by_complete_show_the_same_as_the_whole() {
        let text = "né €5\t漢字 👍🏽 \u{202E}\u{9B}\x1B[m".as_bytes();
        let whole = [text, b"\xFF\xE2\x82", text].concat();
        for end in 0..=whole.len() {
            let cut = complete(&whole[..end]);
            assert!(end - cut <= 3);
            assert_eq!(line(&whole[..cut]) + line(&whole[cut..]), line(&whole), "cut at {cut}");
        }
    }
}

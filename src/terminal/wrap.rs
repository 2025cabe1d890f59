//! Measuring a line, and breaking it into rows of a terminal.
//!
//! Terminals disagree about widths. Most draw an emoji sequence as its parts side by side, some as
//! one picture. A row that is too short harms nobody; letters of a row that is too long are cut off
//! or begin a row. So text is measured at its widest. Next door, `sanitize` makes the text harmless
//! before it is measured here. The invariant: the rows of a text, joined, are the text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// How many columns `text` takes at most: the sum of its code points.
pub fn columns(text: &str) -> usize {
    text.chars().map(widest).sum()
}

/// How many columns `text` takes at least: of a grapheme, only the first code point. Later emoji
/// count nothing: a terminal that does not know one yet may leave it out.
pub fn least_columns(text: &str) -> usize {
    let least = |grapheme: &str| match grapheme.chars().next() {
        Some(c @ ('\u{3000}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')) => widest(c),
        Some(c @ ('가'..='힣' | '🌀'..='🙏')) => widest(c),
        Some(c @ ..='\u{FFFF}') => c.width().map_or(1, |width| width.min(1)),
        _ => 0,
    };
    text.graphemes(true).map(least).sum()
}

/// The columns of a code point in the terminal that gives it the most, of xterm, urxvt, tmux, VTE,
/// alacritty and kitty. Vowel signs and the later parts of a Hangul syllable have columns in some;
/// kitty widens a sign to an emoji, and a letter of a flag that stands alone.
fn widest(c: char) -> usize {
    match c {
        '\u{FE0F}' => 1, // emoji style
        '\u{1F1E6}'..='\u{1F1FF}' => 2,
        _ => match c.width() {
            Some(0) => usize::from(c.is_alphabetic()),
            width => width.unwrap_or(1),
        },
    }
}

/// The longest beginning of `text` that fits in `room` columns.
pub fn beginning(text: &str, room: usize) -> &str {
    let end = text.grapheme_indices(true).scan(0, |taken, (at, grapheme)| {
        *taken += columns(grapheme);
        (*taken <= room).then_some(at + grapheme.len())
    });
    &text[..end.last().unwrap_or(0)]
}

/// The longest end of `text` that fits in `room` columns.
pub fn end(text: &str, room: usize) -> &str {
    let start = text.grapheme_indices(true).rev().scan(0, |taken, (at, grapheme)| {
        *taken += columns(grapheme);
        (*taken <= room).then_some(at)
    });
    &text[start.last().unwrap_or(text.len())..]
}

/// The text with spaces in place of tabs, so that rows keep their look when they are indented. Tab
/// stops are counted from the start of the text.
pub fn without_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut expanded = String::with_capacity(text.len() + TAB);
    let mut column = 0;
    for grapheme in text.graphemes(true) {
        if grapheme == "\t" {
            let spaces = TAB - column % TAB;
            expanded.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            expanded += grapheme;
            column += columns(grapheme);
        }
    }
    Cow::Owned(expanded)
}

/// The rows of `text`: the first at most `width` columns wide, the others at most `width - indent`,
/// broken after spaces where there are any and between graphemes where not.
///
/// The spaces at a break hang over the edge and are not counted. A grapheme that is wider than a
/// row is broken between its code points. A code point that is wider gets a row for itself. An
/// empty text is one empty row. Control characters count as one column: expand tabs before.
pub fn rows(text: &str, width: usize, indent: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let mut room = width;
    std::iter::from_fn(move || {
        let text = rest?;
        let (row, more) = text.split_at(first_row(text, room));
        rest = (!more.is_empty()).then_some(more);
        room = width.saturating_sub(indent);
        Some(row)
    })
}

/// How many bytes of `text` stand in a row of `room` columns.
fn first_row(text: &str, room: usize) -> usize {
    let mut taken = 0;
    let mut after_space = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += columns(grapheme);
        if grapheme == " " {
            after_space = Some(at + 1);
        } else if taken > room {
            let before = after_space.or((at > 0).then_some(at));
            return before.unwrap_or_else(|| first_code_points(grapheme, room));
        }
    }
    text.len()
}

/// How many bytes of a grapheme that is too wide stand in a row of `room` columns.
fn first_code_points(grapheme: &str, room: usize) -> usize {
    let ends = grapheme.char_indices().map(|(at, c)| at + c.len_utf8());
    let fits = |&end: &usize| columns(&grapheme[..end]) <= room;
    ends.clone().take_while(fits).last().or(ends.min()).unwrap_or(0)
}

/// Passes on the rows of `head` and `text`, both printable: what each is indented by, and what of
/// the head and of the text it holds, without spaces at its end.
pub fn with_head(
    head: &str,
    text: &str,
    width: usize,
    indent: usize,
    mut pass: impl FnMut(&str, &str, &str),
) {
    let whole = [head, &without_tabs(text)].concat();
    let spaces = " ".repeat(indent);
    let mut head = head.len();
    for (index, row) in rows(&whole, width, indent).enumerate() {
        let ink = row.trim_end_matches(' ');
        let (of_head, of_text) = ink.split_at(head.min(ink.len()));
        head = head.saturating_sub(row.len());
        pass(if index == 0 { "" } else { &spaces }, of_head, of_text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::terminal::sanitize;

    #[track_caller]
    fn assert_rows(text: &str, width: usize, indent: usize, expected: &[&str]) {
        assert_eq!(rows(text, width, indent).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_ends_of_a_text_are_cut_between_graphemes() {
        assert_eq!((beginning("a漢字", 4), end("漢字a", 4)), ("a漢", "字a"));
        assert_eq!((beginning("e\u{301}x", 1), end("xe\u{301}", 1)), ("e\u{301}", "e\u{301}"));
        assert_eq!((beginning("abc", 0), end("abc", 0)), ("", ""));
        assert_eq!((beginning("abc", 9), end("abc", 9)), ("abc", "abc"));
    }

    #[test]
    fn text_is_measured_at_its_widest() {
        for (text, most, least) in [
            ("e\u{301}漢字カ한", 9, 9),
            ("👍🏽", 4, 2),
            ("👨‍👩‍👧", 6, 2),
            ("🇨🇭", 4, 0),
            ("1\u{FE0F}\u{20E3}", 2, 1),
            ("❤\u{FE0F}", 2, 1),
            ("\u{1100}\u{1161}\u{11A8}", 4, 1),
            ("क\u{94D}षि", 3, 1),
            ("ক\u{9BE}", 2, 1),
        ] {
            assert_eq!((columns(text), least_columns(text)), (most, least), "{text}");
        }
    }

    #[test]
    fn tabs_become_spaces_up_to_the_next_stop() {
        assert_eq!(without_tabs("\ta\t漢\tb"), "        a       漢      b");
        assert!(matches!(without_tabs("no tab"), Cow::Borrowed("no tab")));
    }

    #[test]
    fn a_row_breaks_after_spaces() {
        assert_rows("", 5, 0, &[""]);
        assert_rows("hello", 5, 0, &["hello"]);
        assert_rows("one two three", 8, 0, &["one two ", "three"]);
        assert_rows("one two three", 7, 2, &["one two ", "three"]);
        assert_rows("one   two", 3, 0, &["one   ", "two"]);
        assert_rows("  code", 5, 0, &["  ", "code"]);
    }

    #[test]
    fn a_word_wider_than_a_row_breaks_between_graphemes() {
        assert_rows("abcdefgh", 4, 1, &["abcd", "efg", "h"]);
        assert_rows("漢字漢字", 5, 0, &["漢字", "漢字"]);
        assert_rows("e\u{301}e\u{301}e\u{301}", 2, 0, &["e\u{301}e\u{301}", "e\u{301}"]);
        assert_rows("👨‍👩‍👧👨‍👩‍👧", 6, 0, &["👨‍👩‍👧", "👨‍👩‍👧"]);
        assert_rows("x👨‍👩‍👧x", 5, 0, &["x", "👨\u{200D}👩\u{200D}", "👧x"]);
        assert_rows("漢字", 1, 0, &["漢", "字"]);
        assert_rows("ab", 0, 7, &["a", "b"]);
    }

    #[test]
    fn a_head_and_its_text_are_told_apart_in_every_row() {
        let mut shown = Vec::new();
        with_head("14:05 < a long name: ", "one\ttwo", 10, 2, |indent, head, text| {
            shown.push([indent, head, text].map(str::to_owned));
        });
        let expected = [
            ["", "14:05 < a", ""],
            ["  ", "long", ""],
            ["  ", "name:", ""],
            ["  ", "", "one"],
            ["  ", "", "two"],
        ];
        assert_eq!(shown, expected);
    }

    /// Terminals: one that draws a sequence as one picture, one that draws its parts side by side,
    /// one that leaves out what is newer than it.
    const MODELS: [fn(&str) -> usize; 3] = [
        |text| text.graphemes(true).map(UnicodeWidthStr::width).sum(),
        |text| text.chars().map(|c| c.width().unwrap_or(1)).sum(),
        |text| text.chars().filter(|&c| c <= '🙏').map(|c| c.width().unwrap_or(1)).sum(),
    ];

    proptest! {
        #[test]
        fn nothing_is_lost_and_every_row_fits(
            text in "([a-z]{1,9}|[ 漢é👍🏽❤🇨🇭\u{FE0F}\u{301}\u{200D}]|👨‍👩‍👧|1\u{FE0F}\u{20E3}|\\PC){0,60}",
            width in 0usize..30,
            indent in 0usize..10,
        ) {
            // As a surface does: what no terminal draws is escaped before it is measured.
            let text = sanitize::line(text.as_bytes());
            let rows: Vec<&str> = rows(&text, width, indent).collect();
            prop_assert_eq!(rows.concat(), &*text);
            for (index, row) in rows.iter().enumerate() {
                let room = if index == 0 { width } else { width.saturating_sub(indent) };
                let ink = row.trim_end_matches(' ');
                for columns in MODELS {
                    prop_assert!(columns(ink) <= room || ink.chars().count() == 1, "{row:?}");
                    prop_assert!(least_columns(row) <= columns(row), "{row:?}");
                }
                prop_assert!(index == 0 || !row.is_empty());
            }
        }
    }
}

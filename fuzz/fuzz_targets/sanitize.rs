//! Any bytes through the sanitizer of untrusted text.
//!
//! The invariant: what comes out has nothing that a terminal obeys, leaves nothing out, stays the
//! same when it is shown again, and is at most four times as long; a cut that `complete` allows
//! splits no character.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use talk_fuzz::sanitize;

/// Obeyed by a terminal, or known for turning or hiding what stands next to it.
fn is_harmful(c: char) -> bool {
    let invisible = ['\u{200B}', '\u{2060}', '\u{FEFF}'].contains(&c);
    c.is_control() || invisible || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// What the gate makes of `bytes`.
fn check_gate(gate: fn(&[u8]) -> Cow<'_, str>, bytes: &[u8]) -> String {
    let shown = gate(bytes);
    assert!(shown.len() <= 4 * bytes.len());
    let characters = String::from_utf8_lossy(bytes).chars().count();
    assert!(shown.chars().count() >= characters, "something vanished");
    assert_eq!(gate(shown.as_bytes()), shown, "shown again, it changes");
    let clean = shown.as_bytes() == bytes;
    assert_eq!(matches!(shown, Cow::Borrowed(_)), clean, "only clean text is borrowed");
    shown.into_owned()
}

/// Cuts at the last place that can be shown when only the first `end` bytes have come.
fn check_cut(bytes: &[u8], end: usize) {
    let cut = sanitize::complete(&bytes[..end]);
    assert!(cut <= end && end - cut <= 3);
    let (left, right) = bytes.split_at(cut);
    let lossy = String::from_utf8_lossy;
    assert_eq!(lossy(left) + lossy(right), lossy(bytes), "a character was split at {cut}");
    // What joins or styles an emoji is judged by its neighbours: a cut between them may make it
    // visible.
    if !lossy(bytes).contains(['\u{200D}', '\u{FE0E}', '\u{FE0F}']) {
        assert_eq!(sanitize::line(left) + sanitize::line(right), sanitize::line(bytes));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let line = check_gate(sanitize::line, bytes);
    let label = check_gate(sanitize::label, bytes);
    assert!(!line.replace('\t', "").contains(is_harmful), "{line:?}");
    assert!(!label.contains(is_harmful), "{label:?}");
    assert_eq!(label, line.replace('\t', "^I"));
    if let [first, ..] = bytes {
        check_cut(bytes, usize::from(*first) % bytes.len());
        check_cut(bytes, bytes.len());
    }
});

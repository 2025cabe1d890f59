//! What a person said last: the lines that are named when they stay unconfirmed.
//!
//! Next door, the conversation only counts lines. The invariant: memory is bounded, and a stream's
//! lines are not kept, because a script can tell them by their numbers.

use std::collections::VecDeque;
use std::mem;

use crate::protocol::frame;

/// The most lines that are kept.
const LINES: usize = 20;

/// The last lines, the oldest first. Of a long line, its beginning.
#[derive(Debug, Default)]
pub struct Recent {
    lines: VecDeque<String>,
    in_partial_line: bool,
}

impl Recent {
    /// A line was said, or the last piece of one if `complete`, else a piece of one.
    pub fn on_said(&mut self, text: &[u8], complete: bool) {
        if !mem::replace(&mut self.in_partial_line, !complete) {
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(String::new());
        }
        if let Some(line) = self.lines.back_mut() {
            line.push_str(&String::from_utf8_lossy(text));
            line.truncate(frame::fit_reason(line).len());
        }
    }

    /// What is to be shown of this many unconfirmed lines, which are the last that were said.
    pub fn notices(&self, unconfirmed: u64) -> impl Iterator<Item = String> {
        let kept = self.lines.len();
        let named = usize::try_from(unconfirmed).unwrap_or(kept).min(kept);
        let head = match unconfirmed {
            1 => "1 line was not confirmed:".into(),
            lines if lines > named as u64 => {
                format!("{lines} lines were not confirmed, the last {named} of them:")
            }
            lines => format!("{lines} lines were not confirmed:"),
        };
        let lines = self.lines.range(kept - named..).map(|line| format!("  {line}"));
        (named > 0).then_some(head).into_iter().chain(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(recent: &Recent, unconfirmed: u64) -> Vec<String> {
        recent.notices(unconfirmed).collect()
    }

    #[test]
    fn the_last_lines_are_named() {
        let mut recent = Recent::default();
        assert_eq!(notices(&recent, 0), [""; 0]);
        assert_eq!(notices(&recent, 3), [""; 0], "a stream's lines are only counted");
        for (text, complete) in [("one", true), ("tw", false), ("o", true), ("thr", false)] {
            recent.on_said(text.as_bytes(), complete);
        }
        assert_eq!(notices(&recent, 0), [""; 0]);
        assert_eq!(notices(&recent, 1), ["1 line was not confirmed:", "  thr"]);
        assert_eq!(notices(&recent, 2), ["2 lines were not confirmed:", "  two", "  thr"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut recent = Recent::default();
        for line in 0..100 {
            recent.on_said(format!("{line} {}", "ü".repeat(40_000)).as_bytes(), line % 3 == 0);
        }
        let notices = notices(&recent, 34);
        assert_eq!(notices[0], "34 lines were not confirmed, the last 20 of them:");
        assert_eq!(notices.len(), 1 + LINES);
        assert!(notices[1..].iter().all(|line| line.len() < 210));
        assert!(notices[20].starts_with("  97 ü"), "{}", notices[20]);
    }
}

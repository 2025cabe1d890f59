//! The lines that were typed before, to be recalled.
//!
//! Next door, `line` is the one being typed. The invariant: the line that was being typed when the
//! recalling began comes back after the newest one.

use std::collections::VecDeque;

/// How many lines are kept, each at most as long as a line that is typed.
const LIMIT: usize = 500;

/// The last lines, and how far back in them the person is.
#[derive(Default)]
pub struct History {
    lines: VecDeque<String>,
    /// How many lines back: 0 is the line being typed.
    back: usize,
    draft: String,
}

impl History {
    /// Keeps a line, but not twice in a row, and goes back to the line being typed.
    pub fn push(&mut self, line: &str) {
        self.back = 0;
        self.draft.clear();
        if self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == LIMIT {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The line before, if there is one. `current` is the text of the line now.
    pub fn older(&mut self, current: &str) -> Option<&str> {
        let at = self.lines.len().checked_sub(self.back + 1)?;
        if self.back == 0 {
            self.draft = current.to_owned();
        }
        self.back += 1;
        Some(&self.lines[at])
    }

    /// The line after, if there is one; after the newest comes the one being typed.
    pub fn newer(&mut self) -> Option<&str> {
        self.back = self.back.checked_sub(1)?;
        Some(if self.back == 0 { &self.draft } else { &self.lines[self.lines.len() - self.back] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_history_recalls_nothing() {
        let mut history = History::default();
        assert_eq!(history.older("draft"), None);
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn the_line_being_typed_comes_back() {
        let mut history = History::default();
        history.push("one");
        history.push("two");
        assert_eq!(history.older("draft"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("draft"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn a_line_is_not_kept_twice_in_a_row() {
        let mut history = History::default();
        for line in ["a", "b", "b", "a"] {
            history.push(line);
        }
        let older: Vec<String> =
            std::iter::from_fn(|| history.older("").map(str::to_owned)).collect();
        assert_eq!(older, ["a", "b", "a"]);
    }

    #[test]
    fn the_oldest_line_goes_first() {
        let mut history = History::default();
        for number in 0..LIMIT + 3 {
            history.push(&number.to_string());
        }
        let older = std::iter::from_fn(|| history.older("").map(str::to_owned));
        assert_eq!(older.last().as_deref(), Some("3"));
    }
}

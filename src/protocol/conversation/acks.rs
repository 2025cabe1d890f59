//! What is confirmed, in both directions: the lines said here, and the frames shown here.
//!
//! An ACK counts frames, a person counts lines: [`Said`] turns one into the other. Next door,
//! `super` puts and takes the frames, and `goodbye` has the timer. The invariant: lines are counted
//! as confirmed only if every frame of theirs is, and memory does not grow with what is
//! unconfirmed.

use std::collections::VecDeque;
use std::mem;

use crate::protocol::events::Fault;

/// Runs that are told apart. A file that is read in pieces begins a run with each piece.
const RUNS: usize = 64;

/// Frames in the order in which they were said: PART frames, then TEXT frames.
#[derive(Debug, Default)]
struct Run {
    parts: u64,
    texts: u64,
}

/// What is said here. Totals are sums of runs, so that a line costs no more than its place in the
/// last of them.
#[derive(Debug, Default)]
pub(super) struct Said {
    in_partial_line: bool,
    /// Frames that the peer has acknowledged.
    acknowledged: u64,
    /// Lines whose last frame is a TEXT that the peer has acknowledged.
    confirmed: u64,
    /// What is not acknowledged: the older runs, and the one that grows.
    older: VecDeque<Run>,
    last: Run,
}

impl Said {
    /// Text was said in so many frames: the last of them is a TEXT if `complete`, the others are
    /// PART.
    pub fn on_said(&mut self, frames: u64, complete: bool) {
        let texts = u64::from(complete);
        if frames > texts {
            self.begin_run(frames - texts);
        }
        self.last.texts += texts;
        self.in_partial_line = !complete;
    }

    /// When the runs are used up, PARTs are counted in front of TEXTs that came before them. That
    /// is on the safe side: fewer lines count as confirmed, until all frames are.
    #[cold]
    fn begin_run(&mut self, parts: u64) {
        if self.last.texts > 0 && self.older.len() < RUNS {
            self.older.push_back(mem::take(&mut self.last));
        }
        self.last.parts += parts;
    }

    /// The peer has shown the first `count` frames. It says so once a second, so this stays out of
    /// the path of a line.
    ///
    /// # Errors
    /// It cannot have, or it has said before that it has shown more.
    #[cold]
    pub fn on_ack(&mut self, count: u64) -> Result<(), Fault> {
        let mut new = count.checked_sub(self.acknowledged).ok_or(Fault::AckGoesBack)?;
        if new > self.unacknowledged().parts + self.unacknowledged().texts {
            return Err(Fault::AckOfTooMany);
        }
        self.acknowledged = count;
        while new > 0 {
            let run = self.older.front_mut().unwrap_or(&mut self.last);
            let parts = new.min(run.parts);
            let texts = (new - parts).min(run.texts);
            run.parts -= parts;
            run.texts -= texts;
            self.confirmed += texts;
            new -= parts + texts;
            if run.parts + run.texts == 0 {
                self.older.pop_front();
            }
        }
        Ok(())
    }

    /// Lines, including a last one without a newline.
    pub fn lines(&self) -> u64 {
        self.confirmed + self.unacknowledged().texts + u64::from(self.in_partial_line)
    }

    /// Lines that the peer has acknowledged, including a last one without a newline.
    pub fn confirmed(&self) -> u64 {
        let rest = self.unacknowledged();
        if rest.parts + rest.texts == 0 { self.lines() } else { self.confirmed }
    }

    fn unacknowledged(&self) -> Run {
        let runs = || self.older.iter().chain([&self.last]);
        Run { parts: runs().map(|run| run.parts).sum(), texts: runs().map(|run| run.texts).sum() }
    }
}

/// What the peer says, in TEXT and PART frames.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Frames that `poll` has returned.
    pub frames: u64,
    /// Of those, how many are on the screen.
    pub shown: u64,
    /// Of those, how many were acknowledged.
    pub acknowledged: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_confirmed_with_their_last_frame() {
        let mut said = Said::default();
        // A line, a long line in three frames, and the beginning of one.
        for (frames, complete) in [(1, true), (3, true), (1, false)] {
            said.on_said(frames, complete);
        }
        assert_eq!((said.lines(), said.confirmed()), (3, 0));
        for (count, confirmed) in [(1, 1), (2, 1), (3, 1), (4, 2), (4, 2), (5, 3)] {
            said.on_ack(count).unwrap();
            assert_eq!(said.confirmed(), confirmed, "{count} frames");
        }
        // The last line goes on.
        said.on_said(1, false);
        assert_eq!((said.lines(), said.confirmed()), (3, 2));
        assert_eq!(said.on_ack(4), Err(Fault::AckGoesBack));
        assert_eq!(said.on_ack(7), Err(Fault::AckOfTooMany));
    }

    proptest! {
        /// Never more than there is, exact while the runs are few, and all at the end.
        #[test]
        fn no_line_counts_as_confirmed_before_it_is(
            pieces in proptest::collection::vec((1u64..4, any::<bool>()), 1..400),
            counts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        ) {
            let mut said = Said::default();
            let mut ends = Vec::new();
            for &(frames, complete) in &pieces {
                said.on_said(frames, complete);
                let parts = frames - u64::from(complete);
                ends.extend((0..frames).map(|at| at >= parts));
            }
            let few = said.older.len() < RUNS;
            let mut counts: Vec<_> = counts.iter().map(|at| at.index(ends.len() + 1)).collect();
            counts.sort_unstable();
            for count in counts.into_iter().chain([ends.len()]) {
                said.on_ack(count as u64).unwrap();
                let lines = ends[..count].iter().filter(|&&end| end).count() as u64;
                let all = count == ends.len();
                let exact = if all { said.lines() } else { lines };
                prop_assert!(said.confirmed() <= exact);
                prop_assert!(said.confirmed() == exact || !few && !all);
                prop_assert!(said.older.len() <= RUNS);
            }
        }
    }
}

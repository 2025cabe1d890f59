//! How much of what the peer said is on the screen, in frames.
//!
//! Next door, `super` hands frames to the terminal and writes its bytes. The invariant: a frame
//! counts as shown only when the last byte that it became has been written.

/// Counts what is shown.
///
/// A terminal makes rows of frames, so nothing in its output says where a frame ends. When all that
/// was handed to it waits as bytes, a mark is put behind the last of them; when that byte has been
/// written, all frames before it are shown. One mark at a time is enough: under a flood, which
/// leaves the output empty never or seldom, the next one is set whenever the last is passed, so the
/// count lags behind by as much as may wait for the screen.
#[derive(Debug, Default)]
pub struct Progress {
    shown: u64,
    /// So many frames are shown when so many bytes have been written.
    mark: Option<(u64, u64)>,
}

impl Progress {
    /// Of `heard` frames handed to the terminal, how many are shown, now that it has `waiting`
    /// bytes to show, `painted` of them in its output, which has `written` so many before.
    pub fn look(&mut self, heard: u64, waiting: usize, painted: usize, written: u64) -> u64 {
        if waiting == 0 {
            *self = Self { shown: heard, mark: None };
            return heard;
        }
        if let Some((frames, _)) = self.mark.take_if(|(_, end)| written >= *end) {
            self.shown = frames;
        }
        if self.mark.is_none() && waiting == painted {
            self.mark = Some((heard, written + painted as u64));
        }
        self.shown
    }

    /// How many frames are shown, as of the last look.
    pub fn shown(&self) -> u64 {
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_shown_when_its_last_byte_is_written() {
        let mut progress = Progress::default();
        // Three frames became 100 bytes, a fourth 20 more.
        assert_eq!(progress.look(3, 100, 100, 0), 0);
        assert_eq!(progress.look(4, 60, 60, 60), 0);
        assert_eq!(progress.look(4, 21, 21, 99), 0);
        assert_eq!(progress.look(4, 20, 20, 100), 3);
        assert_eq!(progress.look(9, 90, 90, 119), 3);
        assert_eq!(progress.look(9, 89, 89, 120), 4);
        assert_eq!(progress.look(9, 0, 0, 209), 9);
    }

    #[test]
    fn what_is_not_painted_is_not_shown() {
        let mut progress = Progress::default();
        // A frame waits behind a painting, in the editor.
        assert_eq!(progress.look(1, 50, 30, 0), 0);
        assert_eq!(progress.look(1, 25, 5, 25), 0);
        assert_eq!(progress.look(1, 20, 0, 30), 0);
        // Now it is painted, with more bytes than it was taken for.
        assert_eq!(progress.look(1, 35, 35, 30), 0);
        assert_eq!(progress.look(2, 11, 1, 64), 0);
        assert_eq!(progress.look(2, 10, 0, 65), 1);
        assert_eq!(progress.shown(), 1);
    }
}

//! Which rows are due when, told in time since the start.

use std::time::Duration;

use super::source::Share;

/// Rows of a split that become due within this time are made together, unless they are the first.
const TICK: Duration = Duration::from_millis(20);

/// What a reader does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing until then.
    Wait(Duration),
    /// Make rows of a split.
    Make { index: usize, count: usize },
    /// A split has no more rows.
    Ended(usize),
    /// No split has.
    End,
}

/// The beat of some splits.
#[derive(Debug)]
pub(super) struct Pace {
    rows_per_second: f64,
    /// Rows in the whole table, where they end.
    rows: Option<u64>,
    batch_rows: usize,
    beats: Vec<Beat>,
}

#[derive(Debug)]
struct Beat {
    share: Share,
    /// Rows made before this reader began.
    first: u64,
    ended: bool,
    /// When rows were made last, unless there were more than a batch.
    last: Option<Duration>,
}

impl Pace {
    pub fn new(rows_per_second: usize, rows: Option<u64>, batch_rows: usize, shares: &[Share]) -> Self {
        let beat = |share: &Share| Beat { share: *share, first: share.made, ended: false, last: None };
        Self {
            rows_per_second: rows_per_second as f64,
            rows,
            batch_rows: batch_rows.max(1),
            beats: shares.iter().map(beat).collect(),
        }
    }

    /// What to do when `passed` has passed; waiting is over when its time has come.
    pub fn step(&self, passed: Duration) -> Step {
        let open = self.beats.iter().enumerate().filter(|(_, beat)| !beat.ended);
        let Some((when, index)) = open.map(|(i, beat)| (self.due(beat), i)).min() else {
            return Step::End;
        };
        let beat = &self.beats[index];
        if self.left(beat) == 0 {
            return Step::Ended(index);
        }
        if when > passed {
            return Step::Wait(when);
        }
        Step::Make { index, count: self.ready(beat, passed) }
    }

    /// `count` rows of a split were made.
    pub fn made(&mut self, index: usize, count: usize, passed: Duration) {
        let full = count >= self.batch_rows;
        let beat = &mut self.beats[index];
        beat.share.made += count as u64;
        beat.last = (!full).then_some(passed);
    }

    pub fn ended(&mut self, index: usize) {
        self.beats[index].ended = true;
    }

    pub fn share(&self, index: usize) -> Share {
        self.beats[index].share
    }

    /// Rows that the split still has.
    fn left(&self, beat: &Beat) -> u64 {
        let Share { number, of, made } = beat.share;
        let rows = self.rows.map_or(u64::MAX, |rows| rows.saturating_sub(number).div_ceil(of));
        rows.saturating_sub(made)
    }

    /// When the split wants its turn.
    fn due(&self, beat: &Beat) -> Duration {
        if self.left(beat) == 0 {
            return Duration::ZERO; // its end is told at once
        }
        let row = (beat.share.made - beat.first).saturating_mul(beat.share.of).saturating_add(beat.share.number);
        let due = Duration::try_from_secs_f64(row as f64 / self.rows_per_second).unwrap_or(Duration::MAX / 4);
        beat.last.map_or(due, |last| due.max(last + TICK))
    }

    /// How many rows to make of a split whose turn it is.
    fn ready(&self, beat: &Beat, passed: Duration) -> usize {
        let Share { number, of, made } = beat.share;
        let due = (passed.as_secs_f64() * self.rows_per_second - number as f64) / of as f64;
        let made_here = made - beat.first;
        // The row whose time it is counts, though rounding may put it just ahead.
        let ready = (due.max(0.0) as u64 + 1).saturating_sub(made_here).max(1).min(self.left(beat));
        usize::try_from(ready).unwrap_or(usize::MAX).min(self.batch_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rows_per_second: usize, rows: u64, splits: u64) -> Pace {
        let shares: Vec<Share> = (0..splits).map(|number| Share { number, of: splits, made: 0 }).collect();
        Pace::new(rows_per_second, Some(rows), 8192, &shares)
    }

    /// All steps that make rows, each with its time, on a clock that jumps.
    fn run(mut pace: Pace) -> Vec<(Duration, usize)> {
        let (mut passed, mut made) = (Duration::ZERO, Vec::new());
        loop {
            match pace.step(passed) {
                Step::Wait(until) => passed = until,
                Step::Make { index, count } => {
                    pace.made(index, count, passed);
                    made.push((passed, count));
                }
                Step::Ended(index) => pace.ended(index),
                Step::End => return made,
            }
        }
    }

    #[test]
    fn one_row_a_second_comes_each_second_and_the_first_at_once() {
        for splits in [1, 2, 3] {
            let expected: Vec<_> = (0..5).map(|second| (Duration::from_secs(second), 1)).collect();
            assert_eq!(run(pace(1, 5, splits)), expected, "{splits} splits");
        }
    }

    #[test]
    fn the_rate_is_kept_and_shared_and_batches_come_often() {
        for splits in [1, 4] {
            let made = run(pace(1000, 5000, splits));
            assert_eq!(made.iter().map(|(_, count)| count).sum::<usize>(), 5000);
            let (last, _) = *made.last().unwrap();
            assert!((4980..5040).contains(&last.as_millis()), "{last:?}");
            let gaps = made.windows(2).map(|pair| pair[1].0 - pair[0].0);
            assert!(gaps.max().unwrap() <= Duration::from_millis(100));
            assert!(made.len() <= 260 * splits as usize, "{} batches", made.len());
        }
    }

    #[test]
    fn a_late_reader_catches_up_in_whole_batches() {
        let mut pace = pace(100_000, 1_000_000, 1);
        let late = Duration::from_secs(1);
        for _ in 0..12 {
            assert_eq!(pace.step(late), Step::Make { index: 0, count: 8192 });
            pace.made(0, 8192, late);
        }
        assert_eq!(pace.step(late), Step::Make { index: 0, count: 100_001 - 12 * 8192 });
    }
}

//! The watermarks of a source's splits, and their minimum over those that are not idle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::max as arrow_max;
use arrow::datatypes::*;
use tokio::time::Instant;

use super::metrics::{SourceMetrics, SplitStatus};
use crate::error::{Error, Result};
use crate::time::Watermark;

/// What is known of every split, and what was said last.
pub struct SplitWatermarks {
    splits: HashMap<Arc<str>, Split>,
    idle_timeout: Option<Duration>,
    sent: Watermark,
    idle: bool,
    metrics: Arc<SourceMetrics>,
}

struct Split {
    watermark: Watermark,
    rows: u64,
    /// When its last row came, or when it was opened.
    active: Instant,
    has_rows: bool,
    idle: bool,
}

impl Split {
    fn open(now: Instant) -> Self {
        Self { watermark: Watermark::MIN, rows: 0, active: now, has_rows: false, idle: false }
    }
}

/// What a source has to say downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Watermark(Watermark),
    Idle,
}

impl SplitWatermarks {
    pub fn new(
        splits: impl IntoIterator<Item = Arc<str>>,
        idle_timeout: Option<Duration>,
        metrics: Arc<SourceMetrics>,
        now: Instant,
    ) -> Self {
        let splits = splits.into_iter().map(|id| (id, Split::open(now))).collect();
        let mut this = Self { splits, idle_timeout, sent: Watermark::MIN, idle: false, metrics };
        this.report();
        this
    }

    /// Rows came from a split, the highest watermark among them being `watermark`.
    pub fn on_rows(&mut self, split: &Arc<str>, rows: usize, watermark: Option<Watermark>, now: Instant) {
        let split = self.splits.entry(split.clone()).or_insert_with(|| Split::open(now));
        split.rows += rows as u64;
        split.active = now;
        split.has_rows = true;
        split.idle = false;
        if let Some(watermark) = watermark {
            split.watermark = split.watermark.max(watermark);
        }
    }

    /// A split was found while reading: until its first row, or until it counts as idle, time stands still.
    pub fn on_split_start(&mut self, split: Arc<str>, now: Instant) {
        self.splits.entry(split).or_insert_with(|| Split::open(now));
    }

    /// A split has no more rows: it no longer counts.
    pub fn on_split_end(&mut self, split: &Arc<str>) {
        if let Some(ended) = self.splits.remove(split) {
            let status = SplitStatus { rows: ended.rows, watermark: Watermark::MAX, last_row: None, idle: false };
            self.metrics.set_split(split.clone(), status);
        }
    }

    /// The watermark where it has risen, or that all splits are idle, or (the last watermark again) that one no longer
    /// is.
    pub fn advance(&mut self, now: Instant) -> Option<Advance> {
        if let Some(timeout) = self.idle_timeout {
            for split in self.splits.values_mut() {
                split.idle = now.saturating_duration_since(split.active) >= timeout;
            }
        }
        self.report();
        let minimum = self.splits.values().filter(|s| !s.idle).map(|s| s.watermark).min();
        match minimum {
            Some(watermark) if watermark > self.sent => {
                self.sent = watermark;
                self.idle = false;
                Some(Advance::Watermark(watermark))
            }
            Some(_) if self.idle => {
                self.idle = false;
                Some(Advance::Watermark(self.sent))
            }
            None if !self.idle && !self.splits.is_empty() => {
                self.idle = true;
                Some(Advance::Idle)
            }
            _ => None,
        }
    }

    fn report(&mut self) {
        for (id, split) in &self.splits {
            let status = SplitStatus {
                rows: split.rows,
                watermark: split.watermark,
                last_row: split.has_rows.then_some(split.active),
                idle: split.idle,
            };
            self.metrics.set_split(id.clone(), status);
        }
    }
}

/// The highest event time of a watermark expression's results in milliseconds; NULLs are skipped.
pub fn highest(results: &ArrayRef) -> Result<Option<Watermark>> {
    let ms = match results.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => arrow_max(results.as_primitive::<TimestampMillisecondType>()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            arrow_max(results.as_primitive::<TimestampMicrosecondType>()).map(|us| us.div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            arrow_max(results.as_primitive::<TimestampNanosecondType>()).map(|ns| ns.div_euclid(1_000_000))
        }
        other => return Err(Error::internal(format!("a watermark of type {other}"))),
    };
    Ok(ms.map(Watermark))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of two splits, `a/0` and `a/1`, on a clock of seconds.
    struct Script {
        watermarks: SplitWatermarks,
        splits: [Arc<str>; 2],
        start: Instant,
        now: Instant,
    }

    impl Script {
        fn new(idle_timeout: Option<u64>) -> Self {
            let splits: [Arc<str>; 2] = ["a/0".into(), "a/1".into()];
            let metrics = Arc::new(SourceMetrics::new("a", true));
            let start = Instant::now();
            let timeout = idle_timeout.map(Duration::from_secs);
            let watermarks = SplitWatermarks::new(splits.clone(), timeout, metrics, start);
            Self { watermarks, splits, start, now: start }
        }

        fn at(&mut self, second: u64) {
            self.now = self.start + Duration::from_secs(second);
        }

        fn row(&mut self, split: usize, watermark: i64) {
            self.watermarks.on_rows(&self.splits[split], 1, Some(Watermark(watermark)), self.now);
        }

        fn advance(&mut self) -> Option<Advance> {
            self.watermarks.advance(self.now)
        }
    }

    fn risen(ms: i64) -> Option<Advance> {
        Some(Advance::Watermark(Watermark(ms)))
    }

    #[test]
    fn the_slowest_split_decides_and_a_watermark_never_falls() {
        let mut source = Script::new(None);
        source.row(0, 10);
        assert_eq!(source.advance(), None, "nothing is known of the other split");
        source.row(1, 7);
        assert_eq!(source.advance(), risen(7));
        source.row(1, 3);
        assert_eq!(source.advance(), None);
        source.row(1, 20);
        assert_eq!(source.advance(), risen(10));
    }

    #[test]
    fn a_split_that_has_ended_no_longer_counts() {
        let mut source = Script::new(None);
        source.row(0, 10);
        source.watermarks.on_split_end(&source.splits[1]);
        assert_eq!(source.advance(), risen(10));
        source.watermarks.on_split_end(&source.splits[0]);
        assert_eq!(source.advance(), None, "the end of the source says the rest");
    }

    #[test]
    fn a_silent_split_is_left_out_after_its_timeout_and_counts_again_with_its_next_row() {
        let mut source = Script::new(Some(5));
        source.row(0, 10);
        source.at(4);
        source.row(0, 11);
        assert_eq!(source.advance(), None);
        source.at(6);
        assert_eq!(source.advance(), risen(11), "a/1 has been silent for 6 s, a/0 for 2 s");
        source.row(1, 2);
        source.row(0, 30);
        assert_eq!(source.advance(), None, "a/1 holds it back again");
    }

    #[test]
    fn a_source_says_each_time_that_it_falls_idle_and_that_it_wakes_up() {
        let mut source = Script::new(Some(5));
        source.row(0, 10);
        for second in [6, 12] {
            source.at(second);
            assert_eq!(source.advance(), Some(Advance::Idle));
            assert_eq!(source.advance(), None, "it is said once");
            source.row(0, 4);
            assert_eq!(source.advance(), risen(10), "at {second} s");
        }
    }

    #[test]
    fn the_highest_watermark_is_floored_to_milliseconds() {
        use arrow::array::{
            Int32Array, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
        };
        let cases: [(ArrayRef, Option<i64>); 5] = [
            (Arc::new(TimestampMillisecondArray::from(vec![Some(5), None, Some(3)])), Some(5)),
            (Arc::new(TimestampMicrosecondArray::from(vec![-1_500])), Some(-2)),
            (Arc::new(TimestampNanosecondArray::from(vec![1_999_999])), Some(1)),
            (Arc::new(TimestampMillisecondArray::from(vec![None, None])), None),
            (Arc::new(TimestampMillisecondArray::from(Vec::<i64>::new())), None),
        ];
        for (array, expected) in cases {
            assert_eq!(highest(&array).unwrap(), expected.map(Watermark), "{array:?}");
        }
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert!(highest(&numbers).is_err());
    }
}

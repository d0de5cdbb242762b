//! The watermarks of a source's splits, their minimum over those that are not idle, and when it is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMillisecondArray};
use arrow::compute::max as arrow_max;
use arrow::datatypes::*;
use tokio::time::Instant;

use super::metrics::{SourceMetrics, SplitStatus};
use crate::error::{Error, Result};
use crate::plan::stream_plan::{WatermarkEmit, WatermarkNode};
use crate::time::Watermark;

/// How often idleness is looked at and progress reported where no watermark interval says otherwise.
const TICK: Duration = Duration::from_millis(200);

/// When the watermark of a source is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Told by the clock this often, where it has risen.
    pub every: Duration,
    /// Told between two rows, too, as soon as it has risen by more milliseconds than this.
    at_once: Option<i64>,
    /// It is told between all rows that it rises at, not only in front of rows that could tell the difference.
    each: bool,
    /// It is told only where it is higher.
    floor: Watermark,
}

impl Pace {
    /// The pace of a source without watermarks.
    pub const NONE: Self = Self { every: TICK, at_once: None, each: false, floor: Watermark::MIN };

    /// A source that makes its own watermarks goes by the clock or by every row. In Flink those of another are made by
    /// an operator behind it, which starts at 1970 and tells each step that is longer than the interval.
    pub fn of(node: &WatermarkNode, of_source: bool) -> Self {
        let interval = match node.emit {
            WatermarkEmit::Every(interval) => interval,
            WatermarkEmit::OnEvent => Duration::ZERO,
        };
        let at_once =
            (!of_source || interval.is_zero()).then(|| i64::try_from(interval.as_millis()).unwrap_or(i64::MAX));
        let every = if interval.is_zero() { TICK } else { interval };
        Self { every, at_once, each: node.each, floor: if of_source { Watermark::MIN } else { Watermark(0) } }
    }
}

/// Event times of rows, and what the watermark expression says of each.
pub struct RowTimes {
    pub times: ArrayRef,
    pub watermarks: ArrayRef,
}

impl RowTimes {
    /// Of the rows whose watermark is beyond `limit`: the position of the first, and what it says.
    pub fn beyond(&self, limit: Watermark) -> Result<Option<(usize, Beyond)>> {
        if highest(&self.watermarks)?.is_none_or(|highest| highest <= limit) {
            return Ok(None);
        }
        let watermarks = milliseconds(&self.watermarks)?;
        let beyond = |ms: &Option<i64>| ms.is_some_and(|ms| ms > limit.0);
        let rows = watermarks.iter().filter(beyond).count() as u64;
        let first = watermarks.iter().enumerate().find(|(_, ms)| beyond(ms));
        Ok(first.and_then(|(row, ms)| Some((row, Beyond { rows, first: Watermark(ms?) }))))
    }
}

/// Rows whose watermarks are beyond a limit.
pub struct Beyond {
    pub rows: u64,
    pub first: Watermark,
}

/// A watermark to be told in front of the row at this position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    pub row: usize,
    pub watermark: Watermark,
}

/// What is known of every split, and what was said last.
pub struct SplitWatermarks {
    splits: HashMap<Arc<str>, Split>,
    idle_timeout: Option<Duration>,
    pace: Pace,
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
        pace: Pace,
        metrics: Arc<SourceMetrics>,
        now: Instant,
    ) -> Self {
        let splits = splits.into_iter().map(|id| (id, Split::open(now))).collect();
        let mut this = Self { splits, idle_timeout, pace, sent: Watermark::MIN, idle: false, metrics };
        this.report();
        this
    }

    /// Gives a split the watermark that it had at a checkpoint.
    pub fn restore(&mut self, split: &str, watermark: Watermark) {
        if let Some(split) = self.splits.get_mut(split) {
            split.watermark = watermark;
        }
    }

    /// The watermark of a split; none before its first row with a time.
    pub fn of(&self, split: &str) -> Option<Watermark> {
        self.splits.get(split).map(|split| split.watermark).filter(|watermark| *watermark > Watermark::MIN)
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Rows came from a split.
    pub fn on_rows(&mut self, split: &Arc<str>, rows: usize, now: Instant) {
        let split = self.splits.entry(split.clone()).or_insert_with(|| Split::open(now));
        split.rows += rows as u64;
        split.active = now;
        split.has_rows = true;
        split.idle = false;
    }

    /// Moves the watermark by rows of a split, in their order, and says where between them it is to be told.
    ///
    /// A watermark is put off while the rows behind it are newer: what is told between them would be the same. A row
    /// that could be late, or touch a session that is over, finds it told.
    pub fn on_times(&mut self, split: &Arc<str>, rows: &RowTimes) -> Result<Vec<Stop>> {
        let others = self.splits.iter().filter(|(id, other)| *id != split && !other.idle);
        let others = others.map(|(_, other)| other.watermark).min().unwrap_or(Watermark::MAX);
        let Some(split) = self.splits.get_mut(split) else { return Ok(Vec::new()) };
        let Some(step) = self.pace.at_once else {
            split.watermark = split.watermark.max(highest(&rows.watermarks)?.unwrap_or(Watermark::MIN));
            return Ok(Vec::new());
        };
        let watermarks = milliseconds(&rows.watermarks)?;
        let times = milliseconds(&rows.times)?;
        let mut stops = Vec::new();
        let mut put_off: Option<Watermark> = None;
        for row in 0..watermarks.len() {
            let may_tell =
                |told: &Watermark| self.pace.each || times.is_null(row) || times.value(row) <= told.0.saturating_add(1);
            if let Some(watermark) = put_off.take_if(|told| may_tell(told)) {
                stops.push(Stop { row, watermark });
            }
            if watermarks.is_valid(row) {
                split.watermark = split.watermark.max(Watermark(watermarks.value(row)));
            }
            let watermark = split.watermark.min(others);
            let told = self.sent.max(self.pace.floor);
            if watermark > told && watermark.0.saturating_sub(told.0) > step {
                self.sent = watermark;
                self.idle = false;
                put_off = Some(watermark);
            }
        }
        stops.extend(put_off.map(|watermark| Stop { row: watermarks.len(), watermark }));
        Ok(stops)
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
    ///
    /// Splits that are found idle at once have fallen idle one after the other: the last of them had the word alone.
    pub fn advance(&mut self, now: Instant) -> Option<Advance> {
        if let Some(timeout) = self.idle_timeout {
            for split in self.splits.values_mut() {
                split.idle = now.saturating_duration_since(split.active) >= timeout;
            }
        }
        self.report();
        let counting = self.splits.values().filter(|s| !s.idle).map(|s| s.watermark).min();
        let minimum = counting.or_else(|| self.last_words().filter(|last| *last > self.sent.max(self.pace.floor)));
        match minimum {
            Some(watermark) if watermark > self.sent.max(self.pace.floor) => {
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

    /// The watermark of the split that fell idle last.
    fn last_words(&self) -> Option<Watermark> {
        let last = self.splits.values().map(|split| split.active).max()?;
        self.splits.values().filter(|split| split.active == last).map(|split| split.watermark).min()
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

/// Times in milliseconds.
fn milliseconds(times: &ArrayRef) -> Result<TimestampMillisecondArray> {
    Ok(match times.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => times.as_primitive::<TimestampMillisecondType>().clone(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            times.as_primitive::<TimestampMicrosecondType>().unary(|us| us.div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            times.as_primitive::<TimestampNanosecondType>().unary(|ns| ns.div_euclid(1_000_000))
        }
        other => return Err(Error::internal(format!("an event time of type {other}"))),
    })
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
            let watermarks = SplitWatermarks::new(splits.clone(), timeout, Pace::NONE, metrics, start);
            Self { watermarks, splits, start, now: start }
        }

        fn paced(pace: Pace) -> Self {
            let mut script = Self::new(None);
            script.watermarks.pace = pace;
            script
        }

        fn at(&mut self, second: u64) {
            self.now = self.start + Duration::from_secs(second);
        }

        fn row(&mut self, split: usize, watermark: i64) {
            assert_eq!(self.rows(split, &[watermark]), []);
        }

        /// Rows whose watermarks are their times; where between them the watermark is told.
        fn rows(&mut self, split: usize, times: &[i64]) -> Vec<(usize, i64)> {
            self.watermarks.on_rows(&self.splits[split], times.len(), self.now);
            let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(times.to_vec()));
            let rows = RowTimes { times: times.clone(), watermarks: times };
            let stops = self.watermarks.on_times(&self.splits[split], &rows).unwrap();
            stops.into_iter().map(|stop| (stop.row, stop.watermark.0)).collect()
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
    fn of_splits_that_are_found_idle_at_once_the_one_with_the_latest_row_had_the_last_word() {
        let mut source = Script::new(Some(5));
        source.row(0, 20);
        source.at(1);
        source.row(1, 10);
        source.row(1, 30);
        source.at(9);
        assert_eq!(source.advance(), risen(30));
        assert_eq!(source.advance(), Some(Advance::Idle));
        assert_eq!(source.advance(), None);
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
    fn between_rows_the_watermark_is_told_before_one_that_may_be_late() {
        let pace = Pace { at_once: Some(0), ..Pace::NONE };
        let mut source = Script::paced(pace);
        assert_eq!(source.rows(1, &[100]), [], "nothing is known of the other split");
        assert_eq!(source.rows(0, &[10, 20, 30]), [(3, 30)], "all of them newer");
        assert_eq!(source.rows(0, &[40, 39, 50, 51, 7]), [(1, 40), (3, 50), (4, 51)]);
        assert_eq!(source.rows(0, &[200, 150, 101]), [(2, 100)], "the other split holds it back");
        assert_eq!(source.advance(), None, "it is told already");
        let mut source = Script::paced(Pace { each: true, ..pace });
        source.watermarks.on_split_end(&source.splits[1]);
        assert_eq!(source.rows(0, &[10, 20, 15, 30]), [(1, 10), (2, 20), (4, 30)]);
    }

    #[test]
    fn steps_within_the_interval_and_times_before_1970_wait() {
        let mut source = Script::paced(Pace { at_once: Some(200), floor: Watermark(0), ..Pace::NONE });
        source.watermarks.on_split_end(&source.splits[1]);
        assert_eq!(source.rows(0, &[-5_000, -9_000]), []);
        assert_eq!(source.advance(), None);
        assert_eq!(source.rows(0, &[200, 100, 201, 100, 401, 100]), [(3, 201)]);
        assert_eq!(source.advance(), risen(401), "the clock tells the rest");
    }

    #[test]
    fn rows_beyond_a_limit_are_counted_and_the_first_is_found() {
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![Some(5), None, Some(12), Some(30)]));
        let rows = RowTimes { times: times.clone(), watermarks: times };
        let (row, beyond) = rows.beyond(Watermark(10)).unwrap().unwrap();
        assert_eq!((row, beyond.rows, beyond.first), (2, 2, Watermark(12)));
        assert!(rows.beyond(Watermark(30)).unwrap().is_none());
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

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
    ) -> Self {
        let now = Instant::now();
        let open = |id| (id, Split { watermark: Watermark::MIN, rows: 0, active: now, has_rows: false, idle: false });
        let splits = splits.into_iter().map(open).collect();
        let mut this = Self { splits, idle_timeout, sent: Watermark::MIN, idle: false, metrics };
        this.report();
        this
    }

    /// Rows came from a split, the highest watermark among them being `watermark`.
    pub fn on_rows(&mut self, split: &Arc<str>, rows: usize, watermark: Option<Watermark>) {
        let now = Instant::now();
        let split = self.splits.entry(split.clone()).or_insert_with(|| Split {
            watermark: Watermark::MIN,
            rows: 0,
            active: now,
            has_rows: false,
            idle: false,
        });
        split.rows += rows as u64;
        split.active = now;
        split.has_rows = true;
        split.idle = false;
        if let Some(watermark) = watermark {
            split.watermark = split.watermark.max(watermark);
        }
    }

    /// A split has no more rows: it no longer counts.
    pub fn on_split_end(&mut self, split: &Arc<str>) {
        if let Some(ended) = self.splits.remove(split) {
            let status = SplitStatus { rows: ended.rows, watermark: Watermark::MAX, last_row: None, idle: false };
            self.metrics.set_split(split.clone(), status);
        }
    }

    /// The watermark where it has risen, or that all splits are idle.
    pub fn advance(&mut self) -> Option<Advance> {
        if let Some(timeout) = self.idle_timeout {
            for split in self.splits.values_mut() {
                split.idle = split.active.elapsed() >= timeout;
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

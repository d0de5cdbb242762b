//! Marks where mini-batches end: by the clock, or by event time where something behind needs watermarks.
//!
//! A mark is a watermark. By the clock it is the start of the interval at hand, sent when the interval begins; watermarks
//! of the source end here. By event time a watermark passes when it completes an interval; others wait for it, so that
//! windows, too, close by intervals. State: none; barriers: unchanged. (Flink's ProcTimeMiniBatchAssigner and
//! RowTimeMiniBatchAssigner.)

use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::operators::{Operator, Output, Progress};
use crate::time::Watermark;

/// What mini-batches go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MiniBatchMode {
    ProcTime,
    RowTime,
}

pub struct MiniBatchAssigner {
    mode: MiniBatchMode,
    interval_ms: i64,
    now_ms: i64,
    /// By the clock: the start of the interval at hand. By event time: the highest watermark. As in Flink neither is
    /// before 1970.
    at: i64,
    /// The last millisecond of the interval that the next watermark must complete.
    end: i64,
}

impl MiniBatchAssigner {
    pub fn new(mode: MiniBatchMode, interval_ms: i64) -> Self {
        let interval_ms = interval_ms.max(1);
        Self { mode, interval_ms, now_ms: 0, at: 0, end: interval_ms - 1 }
    }

    fn mark(&mut self, now_ms: i64, out: &mut Output) {
        let start = now_ms - now_ms.rem_euclid(self.interval_ms);
        if self.mode == MiniBatchMode::ProcTime && start > self.at {
            self.at = start;
            out.watermark(Watermark(start));
        }
    }
}

impl Operator for MiniBatchAssigner {
    fn name(&self) -> &'static str {
        "MiniBatchAssigner"
    }

    fn tell_time(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.mark(self.now_ms, out);
        out.emit(batch);
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        if watermark == Watermark::MAX {
            out.watermark(watermark);
        } else if self.mode == MiniBatchMode::RowTime {
            self.at = self.at.max(watermark.0);
            if self.at >= self.end {
                out.watermark(Watermark(self.at));
                let end = self.at - self.at.rem_euclid(self.interval_ms) + (self.interval_ms - 1);
                self.end = if end > self.at { end } else { end.saturating_add(self.interval_ms) };
            }
        }
        Ok(Progress::Done)
    }

    fn on_time(&mut self, now_ms: i64, out: &mut Output) -> Result<Progress> {
        self.mark(now_ms, out);
        Ok(Progress::Done)
    }

    fn next_timer(&self) -> Option<i64> {
        (self.mode == MiniBatchMode::ProcTime).then(|| self.at + self.interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};

    use super::*;
    use crate::changelog::StreamElement;

    /// `row`, `clock 1500`, `wm 3`, `wm MAX`: what comes out of each.
    fn script(mode: MiniBatchMode, lines: &[&str]) -> Vec<String> {
        let (mut operator, mut out, mut said) = (MiniBatchAssigner::new(mode, 1000), Output::new(), Vec::new());
        for line in lines {
            let progress = match line.split_once(' ') {
                None => {
                    let rows = RecordBatch::try_from_iter([("v", Arc::new(Int64Array::from(vec![1])) as _)]).unwrap();
                    operator.process(0, ChangelogBatch::inserts(rows), &mut out)
                }
                Some(("clock", now)) => {
                    let now = now.parse().unwrap();
                    operator.tell_time(now);
                    match operator.next_timer().is_some_and(|timer| timer <= now) {
                        true => operator.on_time(now, &mut out),
                        false => Ok(Progress::Done),
                    }
                }
                Some((_, "MAX")) => operator.on_watermark(Watermark::MAX, &mut out),
                Some((_, time)) => operator.on_watermark(Watermark(time.parse().unwrap()), &mut out),
            };
            assert_eq!(progress.unwrap(), Progress::Done);
            let words = out.drain().map(|element| match element {
                StreamElement::Watermark(Watermark::MAX) => "MAX".to_string(),
                StreamElement::Watermark(watermark) => watermark.0.to_string(),
                _ => "row".to_string(),
            });
            said.push(words.collect::<Vec<_>>().join(" "));
        }
        said
    }

    #[test]
    fn the_clock_marks_every_interval_once() {
        let said = script(
            MiniBatchMode::ProcTime,
            &["clock 1700", "row", "clock 1999", "wm 9999", "clock 2000", "row", "row", "clock 4100", "wm MAX"],
        );
        assert_eq!(said, ["1000", "row", "", "", "2000", "row", "row", "4000", "MAX"]);
    }

    #[test]
    fn a_row_after_a_pause_comes_behind_the_mark() {
        let (mut operator, mut out) = (MiniBatchAssigner::new(MiniBatchMode::ProcTime, 1000), Output::new());
        operator.tell_time(5300);
        let rows = RecordBatch::try_from_iter([("v", Arc::new(Int64Array::from(vec![1])) as _)]).unwrap();
        let _ = operator.process(0, ChangelogBatch::inserts(rows), &mut out).unwrap();
        let out: Vec<_> = out.drain().collect();
        assert!(matches!(out[..], [StreamElement::Watermark(Watermark(5000)), StreamElement::Batch(_)]), "{out:?}");
    }

    #[test]
    fn watermarks_pass_when_they_complete_an_interval() {
        let said = script(
            MiniBatchMode::RowTime,
            &["wm 5", "wm 999", "wm 1500", "row", "wm 1998", "wm 4200", "wm 4998", "wm 4999", "clock 9000", "wm MAX"],
        );
        assert_eq!(said, ["", "999", "", "row", "", "4200", "", "4999", "", "MAX"]);
    }
}

//! Fields that may be the event time, and how far out of order they come.

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value};

use super::shape::{Epoch, Spelling};
use super::topic::by_partition;
use crate::connectors::kafka::inspect::Record;

/// Names of the time when something happened, the likeliest first.
const EVENT_TIMES: &[&str] =
    &["event_time", "eventtime", "event_ts", "occurred_at", "happened_at", "timestamp", "ts", "time", "created_at"];

/// Watermark delays: milliseconds, and the literal behind INTERVAL.
const DELAYS: &[(i64, &str)] = &[
    (5_000, "'5' SECOND"),
    (10_000, "'10' SECOND"),
    (30_000, "'30' SECOND"),
    (60_000, "'1' MINUTE"),
    (300_000, "'5' MINUTE"),
    (600_000, "'10' MINUTE"),
    (1_800_000, "'30' MINUTE"),
    (3_600_000, "'1' HOUR"),
    (21_600_000, "'6' HOUR"),
    (86_400_000, "'1' DAY"),
];

/// A column with a time.
#[derive(Debug)]
pub struct Moment {
    field: String,
    /// The column of the table: the field itself, or one that is computed from it.
    pub column: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text(Spelling),
    Number(Epoch),
}

impl Moment {
    pub fn of_text(field: &str, spelling: Spelling) -> Self {
        Self { field: field.to_string(), column: field.to_string(), kind: Kind::Text(spelling) }
    }

    pub fn of_epoch(field: &str, column: String, epoch: Epoch) -> Self {
        Self { field: field.to_string(), column, kind: Kind::Number(epoch) }
    }

    /// The less, the likelier.
    pub fn rank(&self) -> usize {
        let name = self.field.to_lowercase();
        EVENT_TIMES.iter().position(|known| *known == name).unwrap_or(EVENT_TIMES.len())
    }

    /// Milliseconds since 1970, wall clocks as if they were of UTC.
    pub fn millis(&self, object: &Map<String, Value>) -> Option<i64> {
        let value = object.get(&self.field)?;
        match &self.kind {
            Kind::Number(epoch) => {
                let number = value.as_i64()?;
                Some(match epoch {
                    Epoch::Seconds => number.checked_mul(1000)?,
                    Epoch::Millis => number,
                    Epoch::Micros => number / 1000,
                })
            }
            Kind::Text(spelling) => {
                let text = value.as_str()?.trim_end_matches('Z');
                let format = if spelling.is_iso() { "%Y-%m-%dT%H:%M:%S%.f" } else { "%Y-%m-%d %H:%M:%S%.f" };
                let time: DateTime<chrono::Utc> = NaiveDateTime::parse_from_str(text, format).ok()?.and_utc();
                Some(time.timestamp_millis())
            }
        }
    }
}

/// By how many milliseconds a record is older than one before it in its partition, at most.
pub fn disorder<'a>(records: impl Iterator<Item = (&'a Record, Option<i64>)>) -> i64 {
    let times = records.filter_map(|(r, time)| Some((r.partition, r.offset, time?)));
    let mut worst = 0;
    for times in by_partition(times).into_values() {
        let mut newest = i64::MIN;
        for (_, time) in times {
            newest = newest.max(time);
            worst = worst.max(newest - time);
        }
    }
    worst
}

/// A delay that such disorder fits into, and the disorder for people.
pub fn delay(disorder: i64) -> (&'static str, String) {
    let fitting = DELAYS.iter().find(|(millis, _)| *millis >= disorder).or(DELAYS.last());
    let shown = match disorder {
        0..1_000 => format!("{disorder} ms"),
        1_000..120_000 => format!("{:.1} s", disorder as f64 / 1e3),
        120_000..7_200_000 => format!("{:.1} min", disorder as f64 / 6e4),
        _ => format!("{:.1} h", disorder as f64 / 3.6e6),
    };
    (fitting.map_or("'5' SECOND", |(_, literal)| literal), shown)
}

//! The statement that no later row is older.

use std::fmt;

/// Milliseconds since the Unix epoch, UTC (of a TIMESTAMP: of its wall clock read as UTC).
pub type EventTime = i64;

/// No later row has an event time at or below this one; rows that do count as late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watermark(pub EventTime);

impl Watermark {
    /// Before the first row.
    pub const MIN: Watermark = Watermark(i64::MIN);
    /// Behind the last row of bounded data.
    pub const MAX: Watermark = Watermark(i64::MAX);
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("-"),
            Self::MAX => f.write_str("end"),
            Self(ms) => match chrono::DateTime::from_timestamp_millis(ms) {
                Some(t) => write!(f, "{}", t.format("%Y-%m-%d %H:%M:%S%.3f")),
                None => write!(f, "{ms} ms"),
            },
        }
    }
}

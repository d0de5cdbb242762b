//! Time as text and through zones: Flink's default formats, Java's patterns, the session zone.

mod format;
mod lenient;
mod names;
mod parse;
mod pattern;
mod resolve;
mod rollover;
mod simple;
mod text;
mod zone;

#[cfg(test)]
mod tests;

pub use pattern::JavaPattern;
pub use simple::SimplePattern;
pub use text::{parse_date, parse_time, parse_timestamp};
pub use zone::{instant_to_local, local_to_instant, naive_from_ms};

//! Dates and times.

mod clock;
mod convert;
mod difference;
pub mod extract;
mod format;

pub use clock::UNIX_NOW;
pub use difference::TIMESTAMP_DIFF;

use super::Builtin;

/// Need no parentheses.
pub static CLOCK_FUNCTIONS: &[&Builtin] = &[
    &clock::CURRENT_TIMESTAMP,
    &clock::NOW,
    &clock::CURRENT_ROW_TIMESTAMP,
    &clock::PROCTIME,
    &clock::LOCALTIMESTAMP,
    &clock::CURRENT_DATE,
    &clock::CURRENT_TIME,
    &clock::LOCALTIME,
];

pub static FUNCTIONS: &[&Builtin] = &[
    &clock::CURRENT_TIMESTAMP,
    &clock::NOW,
    &clock::CURRENT_ROW_TIMESTAMP,
    &clock::PROCTIME,
    &clock::LOCALTIMESTAMP,
    &clock::CURRENT_DATE,
    &clock::CURRENT_TIME,
    &clock::LOCALTIME,
    &convert::TO_TIMESTAMP,
    &convert::TO_TIMESTAMP_LTZ,
    &convert::TO_DATE,
    &convert::UNIX_TIMESTAMP,
    &convert::FROM_UNIXTIME,
    &convert::CONVERT_TZ,
    &format::DATE_FORMAT,
    &extract::YEAR,
    &extract::QUARTER,
    &extract::MONTH,
    &extract::WEEK,
    &extract::DAYOFYEAR,
    &extract::DAYOFMONTH,
    &extract::DAYOFWEEK,
    &extract::HOUR,
    &extract::MINUTE,
    &extract::SECOND,
];

//! Rows on standard output or standard error, as Flink prints them.

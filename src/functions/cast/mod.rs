//! CAST and TRY_CAST by Flink's rules.

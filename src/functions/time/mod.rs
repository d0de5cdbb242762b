//! Java's date patterns, Flink's timestamp texts, session zones.

//! Kafka: a source that reads partitions in blocks, a sink that produces records.

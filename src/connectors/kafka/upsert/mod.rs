//! The connector `upsert-kafka`: a topic in which a record replaces the one before it with its key.
//!
//! The primary key is the record's key; a record without a value deletes it. Reading always starts at the beginning,
//! for the topic is a table; what the rows of a key were before is known to the plan, not to the source. Written are
//! the last rows of keys, and records without a value for those that are gone, so that the topic may be compacted.

mod sink;
mod writer;

use std::sync::{Arc, LazyLock};

use self::sink::UpsertSink;
use super::columns::RecordColumns;
use super::options::{KafkaOptions, OPTIONS, StartupMode};
use super::source::KafkaSource;
use super::{properties, record_metadata, shows};
use crate::connectors::options::{OptionSpec, OptionType, RawOptions};
use crate::connectors::{Connector, OptionNotice, Sink, Source, TableDescriptor};
use crate::error::{Error, Result};
use crate::types::SqlType;

/// The connector `upsert-kafka`.
#[derive(Debug)]
pub struct UpsertKafka;

/// The options that it has in common with `kafka`.
const SHARED: &[&str] = &[
    "topic",
    "topic-pattern",
    "properties.bootstrap.servers",
    "properties.*",
    "key.format",
    "value.format",
    "key.fields-prefix",
    "value.fields-include",
    "scan.bounded.mode",
    "scan.bounded.timestamp-millis",
    "scan.bounded.specific-offsets",
    "scan.topic-partition-discovery.interval",
    "scan.parallelism",
    "scan.client",
    "sink.parallelism",
    "sink.delivery-guarantee",
    "sink.transactional-id-prefix",
    "sink.transaction-naming-strategy",
    "connection.max-retry-timeout",
];

static UPSERT_OPTIONS: LazyLock<Vec<OptionSpec>> = LazyLock::new(|| {
    let mut specs: Vec<OptionSpec> = OPTIONS.iter().filter(|spec| SHARED.contains(&spec.key)).copied().collect();
    for spec in &mut specs {
        match spec.key {
            "key.format" => {
                *spec = OptionSpec::new(spec.key, spec.ty, "The format of record keys, which hold the primary key.")
                    .required();
            }
            "value.format" => {
                *spec = OptionSpec::new(spec.key, spec.ty, "The format of record values.").required();
            }
            _ => {}
        }
    }
    specs.extend([
        OptionSpec::new(
            "sink.buffer-flush.max-rows",
            OptionType::Int,
            "Keys whose last rows are kept before they are written; more rows of a key within that become one. Only together with 'sink.buffer-flush.interval'; 0 writes every row.",
        )
        .default("0"),
        OptionSpec::new(
            "sink.buffer-flush.interval",
            OptionType::Duration,
            "How long rows are kept at most before they are written. Only together with 'sink.buffer-flush.max-rows'; 0 writes every row.",
        )
        .default("0 s"),
    ]);
    specs
});

/// Options of `kafka` that mean nothing here, and what to write instead.
const OF_KAFKA_ALONE: &[(&str, &str)] = &[
    ("format", "Write 'key.format' and 'value.format': the key holds the PRIMARY KEY."),
    ("key.fields", "Leave it out: the fields of the key are those of the PRIMARY KEY."),
    ("scan.startup.mode", "Leave it out: an upsert-kafka table is always read from the earliest offset."),
    ("scan.startup.timestamp-millis", "Leave it out: an upsert-kafka table is always read from the earliest offset."),
    ("scan.startup.specific-offsets", "Leave it out: an upsert-kafka table is always read from the earliest offset."),
];

/// Checks options and the primary key of a table.
fn check(table: &TableDescriptor) -> Result<(KafkaOptions, RecordColumns)> {
    for (key, hint) in OF_KAFKA_ALONE {
        if table.options.get(key).is_some() {
            return Err(Error::statement(format!("unknown option '{key}' in {}", table.owner()))
                .with_hint(*hint)
                .at(table.options.key_span(key)));
        }
    }
    let options = KafkaOptions::check_against(table, &UPSERT_OPTIONS)?;
    if table.primary_key.is_empty() {
        return Err(Error::statement("'upsert-kafka' tables require to define a PRIMARY KEY constraint")
            .context(table.owner())
            .with_hint("The PRIMARY KEY says which columns the record's key holds, and which row a record replaces or deletes: PRIMARY KEY (...) NOT ENFORCED.")
            .at(table.options.span("connector")));
    }
    let columns = RecordColumns::check_upserts(table, &options.options)?;
    Ok((options, columns))
}

impl Connector for UpsertKafka {
    fn names(&self) -> &'static [&'static str] {
        &["upsert-kafka"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &UPSERT_OPTIONS
    }

    fn shows(&self, key: &str) -> bool {
        shows(&UPSERT_OPTIONS, key)
    }

    fn notices(&self, table: &TableDescriptor) -> Vec<OptionNotice> {
        properties::notices(table)
    }

    fn address_option(&self) -> Option<&'static str> {
        Some("properties.bootstrap.servers")
    }

    fn metadata(&self, _table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        record_metadata().collect()
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        let (options, columns) = check(table)?;
        Ok(Arc::new(KafkaSource::of(table, options, columns, StartupMode::Earliest)?))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        let (options, columns) = check(table)?;
        Ok(Arc::new(UpsertSink::try_new(table, options, columns)?))
    }
}

#[cfg(test)]
mod tests;

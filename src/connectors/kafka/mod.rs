//! Kafka: a source that reads partitions in blocks, a sink that produces records.
//!
//! A table's [`options`] name topics, brokers, formats and modes; [`properties`] and [`security`] turn the Java client's
//! settings ([`java`]) into librdkafka's. Brokers are found under an [`address`]. Reading: [`cluster`] answers which partitions there are, [`offsets`] where each begins and
//! ends, which makes a [`split`], and [`resume`] what of those in a checkpoint still holds. The native client in [`lean`], or a [`fetcher`] thread through [`consume`] from
//! librdkafka, takes records and makes [`block`]s, or says why not ([`faults`]); the [`reader`] decodes them ([`decode`]) into batches of the columns that are needed. Writing: the [`writer`] encodes a
//! batch into one buffer and hands it to its [`output`]: [`produce`], or the [`epochs`] of exactly-once. Which column lives where in a record is in [`columns`] and
//! [`metadata`]. The connector `upsert-kafka`, whose records replace one another by key, is in [`upsert`].
//!
//! `unsafe` is in [`consume`], [`answers`], [`produce`] and [`transaction`] only, whose calls of librdkafka rdkafka doesn't have; `make sanitize` runs it under Valgrind.

mod address;
#[allow(unsafe_code)]
mod answers;
mod block;
mod cluster;
mod columns;
#[allow(unsafe_code)]
mod consume;
mod context;
mod decode;
mod deliveries;
mod discovery;
mod epochs;
mod faults;
mod fetcher;
mod handshake;
pub mod inspect;
mod java;
mod lean;
mod metadata;
mod offsets;
mod options;
mod output;
#[allow(unsafe_code)]
mod produce;
mod progress;
mod properties;
mod reader;
mod records;
mod resume;
mod row_offsets;
mod security;
mod sink;
mod source;
mod split;
mod stores;
#[cfg(test)]
mod testing;
mod topic_settings;
#[allow(unsafe_code)]
mod transaction;
mod upsert;
mod writer;

use std::sync::Arc;

use self::columns::VALUE_METADATA;
#[cfg(test)]
pub(crate) use self::lean::records_to_rows;
use self::metadata::Metadata;
use self::sink::KafkaSink;
use self::source::KafkaSource;
pub use self::upsert::UpsertKafka;
use super::options::{OptionSpec, RawOptions};
use super::{Connector, OptionNotice, Sink, Source, TableDescriptor};
use crate::error::Result;
use crate::formats;
use crate::types::SqlType;

/// The connector `kafka`.
#[derive(Debug)]
pub struct Kafka;

impl Connector for Kafka {
    fn names(&self) -> &'static [&'static str] {
        &["kafka"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        options::OPTIONS
    }

    fn shows(&self, key: &str) -> bool {
        shows(options::OPTIONS, key)
    }

    fn notices(&self, table: &TableDescriptor) -> Vec<OptionNotice> {
        properties::notices(table)
    }

    fn address_option(&self) -> Option<&'static str> {
        Some("properties.bootstrap.servers")
    }

    fn metadata(&self, table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        let of_value =
            formats::metadata(table).into_iter().map(|(key, ty)| (format!("{VALUE_METADATA}{key}"), ty, false));
        record_metadata().chain(of_value).collect()
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(KafkaSource::try_new(table)?))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Ok(Arc::new(KafkaSink::try_new(table)?))
    }
}

/// What every record has, whatever its formats.
fn record_metadata() -> impl Iterator<Item = (String, SqlType, bool)> {
    Metadata::ALL.iter().map(|m| (m.key().to_string(), m.ty(), m.is_writable()))
}

/// True for one of `options`, or a setting of the client, that is no secret.
fn shows(options: &[OptionSpec], key: &str) -> bool {
    match key.strip_prefix("properties.") {
        Some(property) => properties::is_known(property),
        None => options.iter().any(|spec| spec.matches(key) && !spec.secret),
    }
}

//! PostgreSQL behind `'connector' = 'jdbc'`: bounded scan, lookup, insert and upsert.
//!
//! Every door opens a connection, reads the table's definition from the database and binds by the types it finds
//! there. A scan is one streaming query per split; a lookup is one query per batch of keys; a flush is one transaction,
//! or, where rows are written exactly once, an epoch of all tables is one, with its marker in `millstream_epochs`.

mod cells;
mod committer;
mod epoch_writer;
mod epochs_table;
mod errors;
mod filter;
pub mod inspect;
mod link;
mod lookup;
mod options;
mod parameter;
mod parameters;
mod payload;
mod question;
mod refusals;
mod rows;
mod scan;
mod sink;
mod statements;
mod table;
mod target;
mod tls;
mod transaction;
mod types;
mod url;
mod watch;
mod writer;
mod written;

use std::sync::Arc;

use super::options::OptionSpec;
use super::{Connector, LookupSource, OptionNotice, Sink, Source, TableDescriptor};
use crate::error::Result;
use lookup::JdbcLookupSource;
use options::{JdbcOptions, check_types};
pub use parameters::{documentation as parameter_table, shows_parameter};
use scan::JdbcScan;
use sink::JdbcSink;

/// The connector `jdbc`.
#[derive(Debug)]
pub struct Jdbc;

impl Connector for Jdbc {
    fn names(&self) -> &'static [&'static str] {
        &["jdbc"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        options::OPTIONS
    }

    fn notices(&self, table: &TableDescriptor) -> Vec<OptionNotice> {
        let address = table.options.get("url").and_then(|url| url::Url::parse(url).ok());
        let unknown = address.map(|address| address.unknown).unwrap_or_default();
        let notice = |name: String| OptionNotice {
            key: "url".to_string(),
            message: format!("option 'url' of {}: the parameter \"{name}\" is unknown and ignored", table.owner()),
            hint: parameters::nearest_parameter(&name).map(|near| format!("Did you mean \"{near}\"?")),
            unknown: true,
        };
        unknown.into_iter().map(notice).collect()
    }

    fn address_option(&self) -> Option<&'static str> {
        Some("url")
    }

    fn is_blank_address(&self, value: &str) -> bool {
        url::is_blank(value)
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        check_types(table)?;
        Ok(Arc::new(JdbcScan::new(Arc::new(table.clone()), JdbcOptions::of(table)?)))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        check_types(table)?;
        Ok(Arc::new(JdbcSink::new(Arc::new(table.clone()), JdbcOptions::of(table)?)?))
    }

    fn lookup(&self, table: &TableDescriptor) -> Result<Arc<dyn LookupSource>> {
        check_types(table)?;
        Ok(Arc::new(JdbcLookupSource::new(Arc::new(table.clone()), JdbcOptions::of(table)?)))
    }
}

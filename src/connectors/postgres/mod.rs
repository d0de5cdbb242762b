//! PostgreSQL behind `'connector' = 'jdbc'`: bounded scan, lookup, insert and upsert.
//!
//! Every door opens a connection, reads the table's definition from the database and binds by the types it finds
//! there. A scan is one streaming query per split; a lookup is one query per batch of keys; a flush is one transaction.

mod cells;
mod errors;
mod filter;
mod link;
mod lookup;
mod options;
mod parameter;
mod question;
mod rows;
mod scan;
mod sink;
mod statements;
mod table;
mod types;
mod url;
mod writer;

use std::sync::Arc;

use super::options::OptionSpec;
use super::{Connector, LookupSource, Sink, Source, TableDescriptor};
use crate::error::Result;
use lookup::JdbcLookupSource;
use options::{JdbcOptions, check_types};
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

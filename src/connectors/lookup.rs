//! Tables that are asked for rows by key, as they are now.

use std::fmt::Debug;
use std::time::Duration;

use arrow::array::UInt32Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::logical_expr::Expr;

use super::OpenContext;
use super::options::Options;
use crate::error::Result;

/// A description of a table that can be looked up.
#[async_trait]
pub trait LookupSource: Send + Sync + Debug {
    /// The cache that the table's options ask for; `None` for none: then every batch asks anew.
    fn cache(&self) -> Option<LookupCacheOptions> {
        None
    }

    /// See [`super::Source::supports_filter`].
    fn supports_filter(&self, _filter: &Expr) -> bool {
        false
    }

    /// One line for EXPLAIN, without secrets.
    fn describe(&self) -> String;

    /// Asks whether it could be opened, and makes nothing: see [`super::Sink::check`].
    async fn check(&self, request: &LookupRequest, context: &OpenContext) -> Result<()> {
        self.open(request, context).await.map(drop)
    }

    async fn open(&self, request: &LookupRequest, context: &OpenContext) -> Result<Box<dyn Lookup>>;
}

/// What is asked: rows whose `key_columns` equal a key, for which `filters` are true, with the columns `projection`.
#[derive(Debug, Clone)]
pub struct LookupRequest {
    /// Positions in the scan schema. Keys come with these columns' SQL types.
    pub key_columns: Vec<usize>,
    /// Positions in the scan schema.
    pub projection: Vec<usize>,
    pub filters: Vec<Expr>,
}

/// The bounds of a lookup cache. Misses are kept too where `cache_missing_keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupCacheOptions {
    pub max_rows: Option<usize>,
    pub expire_after_write: Option<Duration>,
    pub expire_after_access: Option<Duration>,
    pub cache_missing_keys: bool,
}

impl LookupCacheOptions {
    /// What `lookup.cache` and the `lookup.partial-cache` options ask for. `instead` tells who wants a FULL cache what
    /// to do.
    pub fn of(options: &Options, instead: &str) -> Result<Option<Self>> {
        let cache = options.text("lookup.cache").unwrap_or("NONE");
        match cache.to_ascii_uppercase().as_str() {
            "NONE" => Ok(None),
            "PARTIAL" => Ok(Some(Self {
                max_rows: options.positive("lookup.partial-cache.max-rows")?,
                expire_after_write: options.duration("lookup.partial-cache.expire-after-write"),
                expire_after_access: options.duration("lookup.partial-cache.expire-after-access"),
                cache_missing_keys: options.bool("lookup.partial-cache.cache-missing-key"),
            })),
            "FULL" => Err(options.invalid("lookup.cache", "the connector has no 'FULL' cache").with_hint(instead)),
            _ => Err(options.invalid("lookup.cache", format!("'{cache}' is not one of 'NONE', 'PARTIAL'"))),
        }
    }
}

/// A running lookup. Several calls may be in flight.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The rows for a batch of distinct keys without NULLs (one column per key column). Retries as the table's
    /// options say; the other side decides equality.
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows>;
}

/// The answer to a batch of keys.
#[derive(Debug)]
pub struct LookupRows {
    /// The matching rows, columns as in the request's projection.
    pub rows: RecordBatch,
    /// For each row the position of its key in the batch of keys, ascending.
    pub key_of_row: UInt32Array,
}

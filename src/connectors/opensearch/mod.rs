//! OpenSearch (and Elasticsearch 7): a bulk sink, and a bounded read of an index (ours).
//!
//! With a PRIMARY KEY rows become partial updates and deletes of the document whose id is made of the key; without one
//! every row is indexed under an id of the server's choice. One bulk request is in flight per writer, so that what
//! happens to one id happens in order.
//!
//! Exactly once: a writer only collects its epoch's actions, with ids of our own where there is no PRIMARY KEY, and the
//! committer sends them when the checkpoint that holds them is complete. A marker in an index of ours says up to where.

mod bulk;
mod client;
mod committer;
mod document_id;
mod durability;
mod index_name;
pub mod inspect;
mod key_text;
pub mod mapping;
mod marker;
mod node;
mod options;
mod outcome;
mod page;
mod plain_index;
mod reader;
mod request;
mod sender;
mod sink;
mod source;
mod staged;
#[cfg(test)]
mod stub;
mod target;
mod tasks;
mod tls;
mod writer;

use std::sync::Arc;

use super::options::{OptionSpec, RawOptions};
use super::{Connector, Sink, Source, TableDescriptor, TableUse};
use crate::error::Result;
use crate::types::SqlType;

/// The connectors `opensearch`, `opensearch-2`, `opensearch-3` and `elasticsearch-7`.
#[derive(Debug, Clone, Copy)]
pub struct OpenSearch;

impl Connector for OpenSearch {
    fn names(&self) -> &'static [&'static str] {
        &["opensearch", "opensearch-2", "opensearch-3", "elasticsearch-7"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        options::OPTIONS
    }

    fn address_option(&self) -> Option<&'static str> {
        Some("hosts")
    }

    fn metadata(&self, _table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        let text = SqlType::string().with_nullable(false);
        source::METADATA.iter().map(|key| (key.to_string(), text.clone(), false)).collect()
    }

    fn beyond_flink(&self) -> &'static [TableUse] {
        &[TableUse::Read]
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(source::OpenSearchSource::try_new(table)?))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Ok(Arc::new(sink::OpenSearchSink::try_new(table)?))
    }
}

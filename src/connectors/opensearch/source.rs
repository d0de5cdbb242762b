//! A bounded read of an index (an addition of ours): `SELECT * FROM CPU_OUT_OS` shows what was indexed.
//!
//! It reads by scroll, ordered by the place in the index: a snapshot of the index as it is when the read begins, which
//! every version of the service gives, whole and without duplicates. A scroll can't be taken up again after a restart.

use std::sync::Arc;

use async_trait::async_trait;
use opensearch::http::Method;

use super::client::Cluster;
use super::index_name::IndexName;
use super::options::{ConnectionOptions, TableOptions};
use super::reader::{OpenSearchReader, missing_index};
use super::request::{Failure, Request, path_segment};
use crate::connectors::{OpenContext, ScanRequest, Source, SourceReader, Split, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats::DecodingFormat;
use crate::types::Schema;

/// The metadata columns there are.
pub const METADATA: &[&str] = &["_id", "_index"];

/// An index, or several by a dynamic name, to read once.
#[derive(Debug, Clone)]
pub struct OpenSearchSource {
    pub(super) connection: ConnectionOptions,
    pub(super) index: String,
    pub(super) owner: String,
    pub(super) decoding: Arc<dyn DecodingFormat>,
    /// What comes out.
    pub(super) columns: Vec<Column>,
    pub(super) schema: Schema,
    pub(super) fetch_size: usize,
    pub(super) limit: Option<usize>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// A field of `_source`: the position among the table's physical columns.
    Field(usize),
    Id,
    Index,
}

impl OpenSearchSource {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let checked = TableOptions::check(table)?;
        let index = IndexName::parse(&checked.index, table, &checked.options)?.search_expression();
        let fetch_size = checked.options.positive("scan.fetch-size")?;
        let fields = (0..table.columns.len()).map(Column::Field);
        let metadata = table.metadata.iter().map(|m| if m.key == "_id" { Column::Id } else { Column::Index });
        Ok(Self {
            decoding: checked.format.decoding(&table.columns)?.into(),
            columns: fields.chain(metadata).collect(),
            schema: table.scan_schema(),
            owner: table.owner(),
            // What the server allows in one page is 10,000.
            fetch_size: fetch_size.unwrap_or(1000).min(10_000),
            limit: None,
            connection: checked.connection,
            index,
        })
    }

    /// The physical columns that come out, in order of coming out.
    fn fields(&self) -> Vec<usize> {
        self.columns.iter().filter_map(|c| if let Column::Field(i) = c { Some(*i) } else { None }).collect()
    }

    /// What the first request asks for.
    pub(super) fn search_body(&self, size: usize) -> String {
        let wanted = self.columns.iter().zip(self.schema.names());
        let names: Vec<_> = wanted.filter(|(c, _)| matches!(c, Column::Field(_))).map(|(_, name)| name).collect();
        let source = match names {
            names if names.is_empty() => serde_json::Value::Bool(false),
            // An asterisk would be a wildcard.
            names if names.iter().any(|name| name.contains('*')) => serde_json::Value::Bool(true),
            names => serde_json::json!({ "includes": names }),
        };
        serde_json::json!({ "size": size, "sort": ["_doc"], "track_total_hits": true, "_source": source }).to_string()
    }
}

#[async_trait]
impl Source for OpenSearchSource {
    fn resumes(&self) -> bool {
        false
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        let column = |&i: &usize| {
            let column = self.columns.get(i).copied();
            column.ok_or_else(|| Error::internal(format!("no column {i} in {}", self.owner)))
        };
        let columns = scan.projection.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Self { columns, schema: self.schema.project(&scan.projection), limit: scan.limit, ..self.clone() }))
    }

    fn describe(&self) -> String {
        let limit = self.limit.map(|n| format!(", limit={n}")).unwrap_or_default();
        format!("index={}, hosts={}, bounded{limit}", self.index, self.connection.addresses())
    }

    fn parallelism(&self) -> Option<usize> {
        Some(1)
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(vec![Split { id: self.index.clone(), position: String::new() }])
    }

    async fn check(&self, context: &OpenContext) -> Result<()> {
        let cluster = Cluster::try_new(&self.connection, context).await?;
        cluster.greet(&self.connection).await?;
        self.refresh(&cluster).await
    }

    /// Refreshes the index first, so that everything acknowledged is read.
    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        if splits.iter().any(|split| !split.position.is_empty()) {
            let message = format!("a read of {} can't be taken up where it stopped", self.owner);
            return Err(Error::state(message).with_hint("Start the job from the beginning."));
        }
        let cluster = Cluster::try_new(&self.connection, context).await?;
        cluster.greet(&self.connection).await?;
        self.refresh(&cluster).await?;
        let fields = self.fields();
        let decoder = if fields.is_empty() { None } else { Some(self.decoding.decoder(&fields)?) };
        Ok(Box::new(OpenSearchReader::new(self.clone(), cluster, context.clone(), decoder)))
    }
}

impl OpenSearchSource {
    /// # Errors
    /// An index that isn't there.
    async fn refresh(&self, cluster: &Cluster) -> Result<()> {
        let refresh = Request::new(Method::Post, format!("/{}/_refresh", path_segment(&self.index)));
        match cluster.send(&refresh).await.map_err(Failure::into_error)? {
            answer if answer.status == 404 => Err(missing_index(cluster, &self.index, &self.owner).await),
            // Reading is allowed where refreshing may not be: then the last second may be missing.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;

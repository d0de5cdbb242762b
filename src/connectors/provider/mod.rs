//! Any connector's table as a DataFusion table: scanned with projection, filters and limit pushed down, and written.
//!
//! Bounded queries run on DataFusion's own executor through it: [`ScanExec`] reads the splits, [`InsertSink`] writes
//! through the connector's writer, and [`QuerySource`] hands the answer of such a query to a job.

mod insert;
mod query;
mod scan;
mod source_table;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::datasource::sink::DataSinkExec;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

pub use insert::InsertSink;
pub use query::QuerySource;
pub use scan::ScanExec;
pub use source_table::SourceTable;

use super::{Connector, OpenContext, Reporter, Source, SourceChanges, TableDescriptor};
use crate::changelog::rejects::ErrorHandling;
use crate::error::{Error, Result};

/// A table of any connector. Registered in a stock `SessionContext` it answers SELECT and takes INSERT.
///
/// Its columns are those of the scan schema; INSERT leaves virtual metadata columns out.
#[derive(Debug)]
pub struct ConnectorTable {
    descriptor: Arc<TableDescriptor>,
    connector: &'static dyn Connector,
    schema: SchemaRef,
    /// What the doors that a bounded query opens are told.
    context: OpenContext,
    /// Made when first needed: a table that is only written need not be readable.
    source: OnceLock<Arc<dyn Source>>,
}

impl ConnectorTable {
    pub fn new(descriptor: TableDescriptor, connector: &'static dyn Connector) -> Self {
        let context = default_context(&descriptor.name);
        let schema = descriptor.scan_schema().arrow();
        let descriptor = Arc::new(descriptor);
        Self { descriptor, connector, schema, context, source: OnceLock::new() }
    }

    /// The clock, reporter and metrics for bounded queries; the default is the system's clock and the log.
    pub fn with_context(mut self, context: OpenContext) -> Self {
        self.context = context;
        self
    }

    pub fn descriptor(&self) -> &TableDescriptor {
        &self.descriptor
    }

    pub fn connector(&self) -> &'static dyn Connector {
        self.connector
    }

    /// What the table reads, whole.
    ///
    /// # Errors
    /// When the table can't be read: the connector has no source, or the options of its source are wrong.
    pub fn source(&self) -> Result<Arc<dyn Source>> {
        if let Some(source) = self.source.get() {
            return Ok(source.clone());
        }
        let source = self.connector.source(&self.descriptor)?;
        if source.changes() != SourceChanges::Inserts {
            return Err(Error::unsupported(format!("a bounded query over the changes of {}", self.descriptor.owner())));
        }
        Ok(self.source.get_or_init(|| source).clone())
    }

    fn as_source(&self) -> Result<SourceTable> {
        let (name, schema) = (self.descriptor.name.clone(), self.schema.clone());
        Ok(SourceTable { name, source: self.source()?, schema, context: self.context.clone() })
    }
}

/// The system's clock, the log, and metrics that nobody reads.
pub fn default_context(table: &str) -> OpenContext {
    OpenContext {
        job: table.into(),
        subtask: 0,
        parallelism: 1,
        clock: Arc::new(crate::time::SystemClock),
        reporter: Reporter::new(|line| tracing::info!("{line}")),
        metrics: Arc::default(),
        batch_rows: 8192,
        errors: ErrorHandling::Fail,
        may_reject: false,
        epochs: None,
    }
}

#[async_trait]
impl TableProvider for ConnectorTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        self.as_source()?.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.as_source()?.scan(state, projection, filters, limit).await
    }

    async fn insert_into(
        &self,
        _state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        insert_op: InsertOp,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if insert_op != InsertOp::Append {
            let construct = format!("{insert_op} into {}", self.descriptor.owner());
            return Err(Error::unsupported(construct).into());
        }
        let sink = self.connector.sink(&self.descriptor)?;
        let sink = InsertSink::new(self.descriptor.clone(), sink, self.schema.clone(), self.context.clone());
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }
}

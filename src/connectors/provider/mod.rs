//! Any connector's table as a DataFusion table: scanned with projection, filters and limit pushed down, and written.
//!
//! Streams use it for planning only. Bounded queries run on DataFusion's own executor through it: [`ScanExec`] reads
//! the splits, [`InsertSink`] writes through the connector's writer.

mod insert;
mod scan;
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
pub use scan::ScanExec;

use super::{Connector, OpenContext, Reporter, ScanRequest, Source, TableDescriptor};
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
        let context = OpenContext {
            job: descriptor.name.as_str().into(),
            subtask: 0,
            parallelism: 1,
            clock: Arc::new(crate::time::SystemClock),
            reporter: Reporter::new(|line| tracing::info!("{line}")),
            metrics: Arc::default(),
            batch_rows: 8192,
            errors: ErrorHandling::Fail,
            may_reject: false,
        };
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
        Ok(self.source.get_or_init(|| source).clone())
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
        let source = self.source()?;
        Ok(filters
            .iter()
            .map(|filter| match source.supports_filter(filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&projection)?);
        let request = ScanRequest { projection, filters: filters.to_vec(), limit };
        let source = self.source()?.narrow(request)?;
        let context = self.context.clone();
        let splits = source.splits(&context).await?;
        let partitions = state.config().target_partitions().min(source.parallelism().unwrap_or(usize::MAX));
        let groups = scan::deal(splits, partitions);
        Ok(Arc::new(ScanExec::new(&self.descriptor.name, source, groups, schema, context)))
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

//! A source as a DataFusion table that is only read.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::ScanExec;
use super::scan::deal;
use crate::connectors::{OpenContext, ScanRequest, Source};

/// Its columns are those of the source's scan schema.
#[derive(Debug)]
pub struct SourceTable {
    pub name: String,
    pub source: Arc<dyn Source>,
    pub schema: SchemaRef,
    /// What the readers are told where the query's session brings no [`OpenContext`].
    pub context: OpenContext,
}

#[async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let of = |filter: &&Expr| match self.source.supports_filter(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of).collect())
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
        let source = self.source.narrow(ScanRequest { projection, filters: filters.to_vec(), limit })?;
        let of_session = state.config().get_extension::<OpenContext>();
        let context = of_session.map_or_else(|| self.context.clone(), |context| context.as_ref().clone());
        let splits = source.splits(&context).await?;
        let partitions = state.config().target_partitions().min(source.parallelism().unwrap_or(usize::MAX));
        Ok(Arc::new(ScanExec::new(&self.name, source, deal(splits, partitions), schema, context)))
    }
}

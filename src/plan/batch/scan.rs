//! Scans of a batch query: the table's provider, its computed columns, the filters that its source does not take.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableScanBuilder};

use super::Translation;
use crate::catalog::ObjectName;
use crate::connectors::SourceChanges;
use crate::connectors::provider::{ConnectorTable, SourceTable, default_context};
use crate::error::{Error, Result};
use crate::plan::lower::internal;
use crate::plan::lower::source::{bare, is_plain, outputs, scan_columns, table_of};
use crate::plan::table::{Door, PlannedTable};

impl Translation {
    pub(super) fn scan(&self, scan: &TableScan) -> Result<LogicalPlan> {
        let table = table_of(scan)?;
        let source = table.source()?;
        if !source.is_bounded() {
            return Err(unbounded(&table));
        }
        if source.changes() != SourceChanges::Inserts {
            return Err(Error::unsupported(format!(
                "a query in batch mode over table \"{}\", which gives updates and deletes beside inserts",
                table.name
            ))
            .with_hint(
                "SET 'execution.runtime-mode' = 'streaming': a query over bounded input ends by itself there, too.",
            ));
        }
        let (pushed, kept): (Vec<Expr>, Vec<Expr>) = scan
            .filters
            .iter()
            .cloned()
            .partition(|filter| is_plain(&table, filter) && source.supports_filter(&bare(filter)));
        let output = outputs(scan, &table);
        let mut declared: BTreeSet<usize> = output.iter().copied().collect();
        let names = kept.iter().flat_map(|filter| filter.column_refs());
        declared.extend(names.filter_map(|column| table.schema.index_of(&column.name)));
        let declared: Vec<usize> = declared.into_iter().collect();
        let read = scan_columns(&table, &declared);
        let scanned = TableScanBuilder::new(scan.table_name.clone(), provider_as_source(provider(&table)))
            .with_projection(Some(read))
            .with_filters(pushed.iter().map(bare).collect::<Vec<_>>())
            .with_fetch(scan.fetch.filter(|_| kept.is_empty()))
            .build()
            .map_err(internal)?;
        let mut builder = LogicalPlanBuilder::from(LogicalPlan::TableScan(scanned));
        let name = |i: usize| table.schema.fields[i].name.clone();
        if !declared.is_empty() {
            let exprs = declared.iter().map(|&i| {
                Ok(self.expr(table.columns[i].clone())?.alias_qualified(Some(scan.table_name.clone()), name(i)))
            });
            builder = builder.project(exprs.collect::<Result<Vec<Expr>>>()?).map_err(internal)?;
        }
        if let Some(filter) = conjunction(kept) {
            builder = builder.filter(self.expr(filter)?).map_err(internal)?;
        }
        if output != declared {
            let column = |i: &usize| Expr::Column(Column::new(Some(scan.table_name.clone()), name(*i)));
            builder = builder.project(output.iter().map(column)).map_err(internal)?;
        }
        builder.build().map_err(internal)
    }
}

fn provider(table: &PlannedTable) -> Arc<dyn TableProvider> {
    match &table.door {
        Door::Connector { connector, descriptor } => {
            Arc::new(ConnectorTable::new(descriptor.as_ref().clone(), *connector))
        }
        Door::Registered { source, schema } => Arc::new(SourceTable {
            name: table.name.clone(),
            source: source.clone(),
            schema: schema.arrow(),
            context: default_context(&table.name),
        }),
    }
}

fn unbounded(table: &PlannedTable) -> Error {
    let name = ObjectName::local(&table.name);
    Error::statement(format!(
        "querying an unbounded table '{name}' in batch mode is not allowed: the table source is unbounded"
    ))
    .with_hint("Say where it ends (a Kafka table: 'scan.bounded.mode' = 'latest-offset'), or SET 'execution.runtime-mode' = 'streaming'.")
}

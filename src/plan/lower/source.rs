//! Scans: what is decoded, computed, checked for the watermark, filtered and handed on. A table that several INSERTs
//! of one job read is read once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;

use super::normalize::{self, NormalizedScan};
use super::{LowerOptions, Lowered, internal, physical, rejects, schema_ref};
use crate::connectors::ScanRequest;
use crate::error::{Error, Result};
use crate::plan::nodes::StreamTableSource;
use crate::plan::stream_plan::{CalcNode, NodeKind, OnReject, SourceNode, StreamPlan, WatermarkNode};
use crate::plan::table::{Door, PlannedTable, column};
use crate::plan::text::bare_expression;
use crate::types::Schema;

/// What all scans of one table need together.
pub struct ScanNeeds {
    /// Positions in the declared columns.
    columns: BTreeSet<usize>,
    /// Those of them that are not there for the watermark alone.
    used: BTreeSet<usize>,
    scans: usize,
    node: Option<usize>,
}

/// Adds what the scans in `plan` need.
pub fn collect(plan: &LogicalPlan, needs: &mut HashMap<String, ScanNeeds>) -> Result<()> {
    let walked = plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table = table_of(scan)?;
            let entry = needs.entry(key_of(&table)).or_insert_with(|| ScanNeeds {
                columns: BTreeSet::new(),
                used: BTreeSet::new(),
                scans: 0,
                node: None,
            });
            entry.scans += 1;
            entry.used.extend(used_columns(scan, &table));
            entry.columns.extend(used_columns(scan, &table));
            entry.columns.extend(watermark_columns(&table));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map(|_| ()).map_err(internal)
}

/// The nodes of a scan.
pub fn lower(
    plan: &mut StreamPlan,
    needs: &mut HashMap<String, ScanNeeds>,
    scan: &TableScan,
    options: &LowerOptions,
) -> Result<Lowered> {
    let table = table_of(scan)?;
    let Some(entry) = needs.get_mut(&key_of(&table)) else {
        return Err(Error::internal("a scan was not counted"));
    };
    let on_reject = rejects::of(plan, &table)?.unwrap_or_default();
    let is_normalized = normalize::is_needed(&table, table.source()?.as_ref(), options)?;
    // What only the watermark needs is not kept.
    let declared = if is_normalized { &entry.used } else { &entry.columns };
    let declared: Vec<usize> = declared.iter().copied().collect();
    let output = outputs(scan, &table);
    let normalized = match is_normalized {
        true => Some(NormalizedScan { table: &table, scan, declared: &declared, options, on_reject }),
        false => None,
    };
    let mut filters = scan.filters.clone();
    let source = match (&normalized, entry.node) {
        (_, Some(node)) => node,
        (Some(normalized), None) if entry.scans == 1 => {
            let taken: Vec<Expr> = filters.extract_if(.., |filter| normalized.takes(filter)).collect();
            normalized.lower(plan, &taken)?
        }
        (Some(normalized), None) => normalized.lower(plan, &[])?,
        (None, None) if entry.scans == 1 => {
            let node = source_node(&table, scan, &declared, &scan.filters, Some(&output), on_reject)?;
            let node = plan.add(Vec::new(), NodeKind::Source(node), schema_ref(&scan.projected_schema));
            return Ok((node, scan.projected_schema.clone()));
        }
        (None, None) => {
            let node = source_node(&table, scan, &declared, &[], None, on_reject)?;
            let schema = declared_schema(&table, scan.table_name.clone(), &declared)?;
            plan.add(Vec::new(), NodeKind::Source(node), schema_ref(&schema))
        }
    };
    entry.node = Some(source);
    let schema = declared_schema(&table, scan.table_name.clone(), &declared)?;
    let predicate = conjunction(filters);
    if normalized.is_some() && predicate.is_none() && output == declared && entry.scans == 1 {
        return Ok((source, scan.projected_schema.clone()));
    }
    let calc = CalcNode {
        predicate: predicate.as_ref().map(|p| physical(p, &schema)).transpose()?,
        projection: Some(positions(&table.schema, &declared, &output)),
        condition: predicate.as_ref().map(bare_expression),
        selected: output.iter().map(|&i| table.schema.fields[i].name.clone()).collect(),
    };
    let node = plan.add(vec![source], NodeKind::Calc(calc), schema_ref(&scan.projected_schema));
    Ok((node, scan.projected_schema.clone()))
}

fn source_node(
    table: &Arc<PlannedTable>,
    scan: &TableScan,
    declared: &[usize],
    filters: &[Expr],
    output: Option<&[usize]>,
    on_reject: OnReject,
) -> Result<SourceNode> {
    let mut source = table.source()?;
    let (pushed, kept): (Vec<Expr>, Vec<Expr>) = filters.iter().cloned().partition(|filter| {
        table.watermark.is_none() && is_plain(table, filter) && source.supports_filter(&bare(filter))
    });
    let scan_schema = table.scan_schema();
    let read = scan_columns(table, declared);
    source = source.narrow(ScanRequest {
        projection: read.clone(),
        filters: pushed.iter().map(bare).collect(),
        limit: scan.fetch,
    })?;
    let read_schema = scan_schema.project(&read);
    let schema = declared_schema(table, scan.table_name.clone(), declared)?;
    let same = declared.len() == read.len()
        && declared.iter().zip(&read).all(|(&d, &r)| table.columns[d] == column(&scan_schema.fields[r].name));
    let columns = match same {
        true => None,
        false => {
            let over = DFSchema::try_from(read_schema.arrow()).map_err(internal)?;
            let exprs = declared.iter().map(|&i| physical(&table.columns[i], &over)).collect::<Result<Vec<_>>>()?;
            Some((exprs, schema_ref(&schema)))
        }
    };
    let watermark = match &table.watermark {
        Some(watermark) => Some(WatermarkNode {
            column: table.schema.fields[watermark.column].name.clone(),
            column_index: position(declared, watermark.column)?,
            expr: physical(&watermark.expr, &schema)?,
            text: watermark.text.clone(),
            emit: watermark.emit,
            each: false,
            idle_timeout: watermark.idle_timeout,
        }),
        None => None,
    };
    let filter_text = conjunction(kept.iter().cloned()).map(|f| bare_expression(&f));
    let given = output.unwrap_or(declared);
    let in_given = |name: &String| given.iter().position(|&i| table.schema.fields[i].name == *name);
    let key = table.primary_key.iter().map(in_given).collect::<Option<Vec<_>>>().filter(|key| !key.is_empty());
    let output = match output {
        Some(output) if output != declared => {
            Some(output.iter().map(|&i| position(declared, i)).collect::<Result<Vec<_>>>()?)
        }
        _ => None,
    };
    Ok(SourceNode {
        table: table.name.clone(),
        source,
        scan_schema: read_schema.arrow(),
        columns,
        watermark,
        filter: conjunction(kept).map(|f| physical(&f, &schema)).transpose()?,
        output,
        pushed_text: pushed.iter().map(bare_expression).collect(),
        filter_text,
        on_reject,
        key,
    })
}

pub fn table_of(scan: &TableScan) -> Result<Arc<PlannedTable>> {
    match scan.source.downcast_ref::<StreamTableSource>() {
        Some(source) => Ok(source.table.clone()),
        None => Err(Error::internal(format!("{} is not a table of the catalog", scan.table_name))),
    }
}

/// Scans with one key read the same rows.
fn key_of(table: &PlannedTable) -> String {
    match &table.door {
        Door::Connector { descriptor, .. } => {
            let options: Vec<(&str, &str)> = descriptor.options.iter().collect();
            format!("{} {options:?}", table.name)
        }
        Door::Registered { .. } => table.name.clone(),
    }
}

pub fn outputs(scan: &TableScan, table: &PlannedTable) -> Vec<usize> {
    scan.projection.clone().unwrap_or_else(|| (0..table.schema.len()).collect())
}

/// The declared columns that a scan hands on or filters by.
fn used_columns(scan: &TableScan, table: &PlannedTable) -> BTreeSet<usize> {
    let filters = scan.filters.iter().flat_map(|filter| declared_columns(filter, table));
    outputs(scan, table).into_iter().chain(filters).collect()
}

/// The declared columns that watermarks are made from.
pub(super) fn watermark_columns(table: &PlannedTable) -> BTreeSet<usize> {
    let columns = table.watermark.iter().flat_map(|watermark| {
        declared_columns(&watermark.expr, table).into_iter().chain(std::iter::once(watermark.column))
    });
    columns.collect()
}

fn declared_columns(expr: &Expr, table: &PlannedTable) -> Vec<usize> {
    expr.column_refs().into_iter().filter_map(|c| table.schema.index_of(&c.name)).collect()
}

/// The positions in the scan schema that the declared columns are made of.
pub fn scan_columns(table: &PlannedTable, declared: &[usize]) -> Vec<usize> {
    let scan = table.scan_schema();
    let mut read = BTreeSet::new();
    for &i in declared {
        read.extend(table.columns[i].column_refs().into_iter().filter_map(|c| scan.index_of(&c.name)));
    }
    read.into_iter().collect()
}

pub(super) fn declared_schema(table: &PlannedTable, name: TableReference, declared: &[usize]) -> Result<Arc<DFSchema>> {
    let arrow = table.schema.project(declared).arrow();
    DFSchema::try_from_qualified_schema(name, &arrow).map(Arc::new).map_err(internal)
}

/// The columns at `output` of `schema`, of which those at `given` are there.
pub(super) fn positions(schema: &Schema, given: &[usize], output: &[usize]) -> Vec<Arc<dyn PhysicalExpr>> {
    let of = |&i: &usize| {
        let position = given.iter().position(|&d| d == i).unwrap_or(0);
        Arc::new(PhysicalColumn::new(&schema.fields[i].name, position)) as _
    };
    output.iter().map(of).collect()
}

pub(super) fn position(declared: &[usize], column: usize) -> Result<usize> {
    declared.iter().position(|&d| d == column).ok_or_else(|| Error::internal("a needed column is not read"))
}

/// True when a filter reads only columns that the source itself has.
pub fn is_plain(table: &PlannedTable, filter: &Expr) -> bool {
    filter
        .column_refs()
        .into_iter()
        .all(|c| table.schema.index_of(&c.name).is_some_and(|i| table.columns[i] == column(&c.name)))
}

pub fn bare(expr: &Expr) -> Expr {
    let moved = expr.clone().transform(|e| {
        Ok(match e {
            Expr::Column(c) => Transformed::yes(Expr::Column(Column::new_unqualified(c.name))),
            other => Transformed::no(other),
        })
    });
    moved.map_or_else(|_| expr.clone(), |t| t.data)
}

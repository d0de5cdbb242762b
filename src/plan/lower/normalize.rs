//! Scans of tables whose rows are changes by key: the source, an exchange by the key, the last row of every key, and
//! only then computed columns and filters, which need whole rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableScan};
use datafusion::physical_expr::PhysicalExpr;

use super::source::{bare, declared_schema, is_plain, position, positions, scan_columns, watermark_columns};
use super::{LowerOptions, internal, physical, schema_ref};
use crate::connectors::{ScanRequest, Source, SourceChanges};
use crate::error::{Error, Result};
use crate::plan::stream_plan::{
    CalcNode, ChangelogNormalizeNode, Distribution, NodeKind, OnReject, SourceNode, StreamPlan, WatermarkNode,
};
use crate::plan::table::{PlannedTable, column};
use crate::plan::text::bare_expression;
use crate::types::{Field, Schema};

/// True where the rows of a table must be made a whole changelog.
///
/// # Errors
/// Changes that may come twice from a table without a primary key, in Flink's words.
pub fn is_needed(table: &PlannedTable, source: &dyn Source, options: &LowerOptions) -> Result<bool> {
    match source.changes() {
        SourceChanges::Inserts => Ok(false),
        SourceChanges::Upserts => Ok(true),
        SourceChanges::All if options.duplicate_changes && table.primary_key.is_empty() => {
            Err(Error::statement(format!(
                "configuration 'table.exec.source.cdc-events-duplicate' is enabled which requires the changelog sources \
                 to define a PRIMARY KEY, but table \"{}\" doesn't have a primary key",
                table.name
            ))
            .with_hint("Declare PRIMARY KEY (...) NOT ENFORCED, or set the option to 'false' where no change comes twice."))
        }
        SourceChanges::All => Ok(options.duplicate_changes),
    }
}

/// A scan of a table whose `declared` columns are needed.
pub struct NormalizedScan<'a> {
    pub table: &'a Arc<PlannedTable>,
    pub scan: &'a TableScan,
    pub declared: &'a [usize],
    pub options: &'a LowerOptions,
    pub on_reject: OnReject,
}

impl NormalizedScan<'_> {
    /// Adds the nodes that give the declared columns; with filters the rows that meet them.
    pub fn lower(&self, plan: &mut StreamPlan, filters: &[Expr]) -> Result<usize> {
        let table = self.table;
        let scan_schema = table.scan_schema();
        let key: Vec<usize> = table.primary_key.iter().filter_map(|name| scan_schema.index_of(name)).collect();
        let kept: BTreeSet<usize> = scan_columns(table, self.declared).into_iter().chain(key.iter().copied()).collect();
        let kept: Vec<usize> = kept.into_iter().collect();
        let place = |column: &usize| kept.iter().position(|kept| kept == column);
        let source = table.source()?;
        let whole = scan_schema.project(&kept);
        let given = match source.changes() {
            SourceChanges::Upserts => scan_schema.nullable_but(&key),
            _ => scan_schema.clone(),
        };
        let key: Vec<usize> = key.iter().filter_map(place).collect();
        let node = self.source(&source, &given, &kept)?;
        let (whole, given) = (whole.arrow(), given.project(&kept).arrow());
        let node = plan.add(Vec::new(), NodeKind::Source(node), given.clone());
        let exchange = NodeKind::Exchange(Distribution::Hash(key.clone()));
        let node = plan.add(vec![node], exchange, given);
        let over = DFSchema::try_from(whole.clone()).map_err(internal)?;
        let condition = conjunction(filters.iter().map(bare));
        let names: Vec<&str> = key.iter().map(|&i| whole.field(i).name().as_str()).collect();
        let mut text = format!("key=[{}]", names.join(", "));
        if let Some(condition) = &condition {
            text += &format!(", condition=[{}]", bare_expression(condition));
        }
        let normalize = ChangelogNormalizeNode {
            key,
            condition: condition.map(|condition| physical(&condition, &over)).transpose()?,
            tells_before: true,
            ttl: self.options.state_ttl,
            text,
        };
        let node = plan.add(vec![node], NodeKind::ChangelogNormalize(normalize), whole);
        self.compute(plan, node, &over, &kept)
    }

    /// The declared columns over those that are kept.
    fn compute(&self, plan: &mut StreamPlan, node: usize, over: &DFSchema, kept: &[usize]) -> Result<usize> {
        let (table, scan_schema) = (self.table, self.table.scan_schema());
        let same = self.declared.len() == kept.len()
            && self.declared.iter().zip(kept).all(|(&d, &r)| table.columns[d] == column(&scan_schema.fields[r].name));
        if same {
            return Ok(node);
        }
        let exprs = self.declared.iter().map(|&i| physical(&table.columns[i], over)).collect::<Result<Vec<_>>>()?;
        let calc = CalcNode {
            predicate: None,
            projection: Some(exprs),
            condition: None,
            selected: self.declared.iter().map(|&i| bare_expression(&table.columns[i])).collect(),
        };
        let schema = declared_schema(table, self.scan.table_name.clone(), self.declared)?;
        Ok(plan.add(vec![node], NodeKind::Calc(calc), schema_ref(&schema)))
    }

    /// The source that gives the columns at `kept` of `given`, which is all that could be read; beside them it computes
    /// what the watermark needs.
    fn source(&self, source: &Arc<dyn Source>, given: &Schema, kept: &[usize]) -> Result<SourceNode> {
        let table = self.table;
        let timed: Vec<usize> = watermark_columns(table).into_iter().collect();
        let mut read = kept.to_vec();
        read.extend(scan_columns(table, &timed).into_iter().filter(|column| !kept.contains(column)));
        let source = source.narrow(ScanRequest { projection: read.clone(), ..ScanRequest::default() })?;
        let (given, kept) = (given.project(&read), kept.len());
        let mut node = SourceNode {
            table: table.name.clone(),
            source,
            scan_schema: given.arrow(),
            columns: None,
            watermark: None,
            filter: None,
            output: None,
            pushed_text: Vec::new(),
            filter_text: None,
            on_reject: self.on_reject,
            key: None,
        };
        let Some(watermark) = &table.watermark else { return Ok(node) };
        let over = DFSchema::try_from(given.arrow()).map_err(internal)?;
        let all: Vec<usize> = (0..kept).collect();
        let mut exprs: Vec<Arc<dyn PhysicalExpr>> = positions(&given, &all, &all);
        // Declared columns may be called as those that are read.
        let mut fields: Vec<Field> =
            given.fields[..kept].iter().map(|f| Field::new(format!("{} as read", f.name), f.ty.clone())).collect();
        for &i in &timed {
            exprs.push(physical(&table.columns[i], &over)?);
            let field = &table.schema.fields[i];
            fields.push(Field::new(&field.name, field.ty.clone().with_nullable(true)));
        }
        let computed = Schema::new(fields).arrow();
        let over = DFSchema::try_from(computed.clone()).map_err(internal)?;
        node.watermark = Some(WatermarkNode {
            column: table.schema.fields[watermark.column].name.clone(),
            column_index: kept + position(&timed, watermark.column)?,
            expr: physical(&watermark.expr, &over)?,
            text: watermark.text.clone(),
            emit: watermark.emit,
            each: false,
            idle_timeout: watermark.idle_timeout,
        });
        node.columns = Some((exprs, computed));
        node.output = Some(all);
        Ok(node)
    }

    /// True where the last row of a key can be dropped at once if it doesn't meet `filter`.
    pub fn takes(&self, filter: &Expr) -> bool {
        is_plain(self.table, filter) && !filter.is_volatile()
    }
}

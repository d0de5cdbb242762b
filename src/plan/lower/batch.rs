//! A query in batch mode: one source, which gives the answer.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use super::{Lowered, Lowering, rejects, schema_ref};
use crate::connectors::TableUse;
use crate::error::{Error, Result};
use crate::plan::batch::{self, BatchOptions};
use crate::plan::explain::batch_plan;
use crate::plan::stream_plan::{NodeKind, OnReject, SourceNode};
use crate::plan::uses::table_uses;

impl Lowering {
    pub(super) fn answer(&mut self, plan: &LogicalPlan, options: BatchOptions) -> Result<Lowered> {
        let source = batch::query(plan, options)?;
        let text = batch_plan(source.plan());
        let mut tables: Vec<String> = Vec::new();
        let mut rules: Vec<OnReject> = Vec::new();
        for (table, _) in table_uses(plan).into_iter().filter(|(_, used)| *used == TableUse::Read) {
            let rule = rejects::of(&mut self.plan, &table)?.unwrap_or_default();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
            if !tables.contains(&table.name) {
                tables.push(table.name.clone());
            }
        }
        if rules.len() > 1 {
            return Err(Error::unsupported("tables of different 'error-handling.mode' in one batch query"));
        }
        let schema = schema_ref(plan.schema());
        let node = SourceNode {
            table: if tables.is_empty() { "VALUES".to_string() } else { tables.join(", ") },
            source: Arc::new(source),
            key: None,
            scan_schema: schema.clone(),
            columns: None,
            watermark: None,
            filter: None,
            output: None,
            pushed_text: Vec::new(),
            filter_text: None,
            on_reject: rules.pop().unwrap_or_default(),
        };
        let node = self.plan.add(Vec::new(), NodeKind::Source(node), schema);
        self.plan.answers.push((node, text));
        Ok((node, plan.schema().clone()))
    }
}

//! Groupings: the columns they need, the exchange that brings each group to one subtask, the group's results.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;

use super::{Lowered, Lowering, MiniBatch, Needed, physical, position, schema_ref, with_columns};
use crate::error::{Error, Result};
use crate::operators::{AggregateCall, BundleEnd, states};
use crate::plan::aggregate::Aggregate;
use crate::plan::changelog_mode::is_updated;
use crate::plan::stream_plan::{Distribution, GroupAggregateNode, LocalGroupAggregateNode, NodeKind};
use crate::plan::text::expression;

impl Lowering {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, needed: Needed<'_>) -> Result<Lowered> {
        let aggregate = &needed_calls(aggregate, needed)?;
        if let Some(window) = &aggregate.window {
            return self.window_aggregate(aggregate, window);
        }
        let GroupInput { node, key, calls } = self.group_input(aggregate, &aggregate.keys)?;
        let bundle = self.options.mini_batch.map(|mini_batch| mini_batch.rows());
        let bundle = bundle.transpose()?.map(BundleEnd::Rows);
        let retracts = is_updated(&self.plan, node);
        let (node, key, partials) = self.local_groups(aggregate, GroupInput { node, key, calls: calls.clone() })?;
        let schema = self.plan.nodes[node].schema.clone();
        let distribution = if key.is_empty() { Distribution::Single } else { Distribution::Hash(key.clone()) };
        let node = self.plan.add(vec![node], NodeKind::Exchange(distribution), schema);
        let kind = NodeKind::GroupAggregate(GroupAggregateNode {
            key,
            calls,
            retracts,
            tells_before: true,
            ttl: aggregate.ttl,
            bundle,
            partials,
            text: aggregate.describe(),
        });
        let out = aggregate.schema.clone();
        Ok((self.plan.add(vec![node], kind, schema_ref(&out)), out))
    }

    /// Puts rows of a mini-batch together before the exchange, where all calls can be: a node, its key, and where it
    /// counts.
    fn local_groups(&mut self, aggregate: &Aggregate, input: GroupInput) -> Result<(usize, Vec<usize>, Option<usize>)> {
        let GroupInput { node, key, calls } = input;
        let Some(mini_batch) = self.options.mini_batch.filter(|mini_batch| mini_batch.two_phases) else {
            return Ok((node, key, None));
        };
        if calls.iter().any(|call| !call.function.merges()) {
            return Ok((node, key, None));
        }
        let retracts = is_updated(&self.plan, node);
        let below = self.plan.nodes[node].schema.clone();
        let mut fields: Vec<Field> = key.iter().map(|&i| below.field(i).clone()).collect();
        fields.push(Field::new("count", DataType::Int64, false));
        fields.extend(state_fields(&calls, retracts)?);
        let (counts, text) = (key.len(), aggregate.describe());
        let local = LocalGroupAggregateNode { key, calls, rows: mini_batch.rows()?, retracts, text };
        let kind = NodeKind::LocalGroupAggregate(local);
        Ok((self.plan.add(vec![node], kind, Arc::new(Schema::new(fields))), (0..counts).collect(), Some(counts)))
    }

    /// A node that gives `keys` and what the calls of a grouping read.
    pub(super) fn group_input(&mut self, aggregate: &Aggregate, keys: &[Expr]) -> Result<GroupInput> {
        let calls = aggregate.calls.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
        let exprs: Vec<&Expr> = keys.iter().chain(calls).collect();
        let needed = with_columns(&Default::default(), exprs.iter().copied());
        let (input, input_schema) = self.node(&aggregate.input, Some(&needed))?;
        // Each expression once: the keys first, then what the calls read.
        let mut columns: Vec<&Expr> = Vec::new();
        for expr in &exprs {
            if !columns.contains(expr) {
                columns.push(expr);
            }
        }
        let column = |expr: &Expr| columns.iter().position(|known| *known == expr).unwrap_or(0);
        let selected: Vec<String> = columns.iter().map(|expr| expression(expr, &input_schema)).collect();
        let projection = columns.iter().map(|expr| physical(expr, &input_schema)).collect::<Result<Vec<_>>>()?;
        let mut fields = Vec::with_capacity(columns.len());
        for (i, (expr, name)) in projection.iter().zip(&selected).enumerate() {
            let arrow = input_schema.as_arrow();
            let name = if selected[..i].contains(name) { format!("{name}{i}") } else { name.clone() };
            let field = Field::new(name, expr.data_type(arrow).map_err(super::internal)?, true);
            fields.push(field);
        }
        let schema = Arc::new(Schema::new(fields));
        let key: Vec<usize> = keys.iter().map(column).collect();
        let calls = aggregate.calls.iter().map(|call| AggregateCall {
            function: call.function.clone(),
            types: call.types.clone(),
            arguments: call.arguments.iter().map(column).collect(),
            distinct: call.distinct,
            filter: call.filter.as_ref().map(column),
        });
        let calls: Vec<AggregateCall> = calls.collect();
        // What can't be computed is refused before anything runs.
        calls.iter().try_for_each(|call| call.accumulator(true).map(|_| ()))?;
        let positions: Option<Vec<usize>> = columns.iter().map(|expr| position(expr, &input_schema)).collect();
        Ok(GroupInput { node: self.calculate(input, projection, selected, positions.as_deref(), schema), key, calls })
    }
}

/// The columns of the states of calls.
pub(super) fn state_fields(calls: &[AggregateCall], retracts: bool) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    for (call, columns) in states(calls, retracts)?.into_iter().enumerate() {
        for (i, ty) in columns.into_iter().enumerate() {
            fields.push(Field::new(format!("agg{call}${i}"), ty, true));
        }
    }
    Ok(fields)
}

impl MiniBatch {
    /// Rows of a bundle.
    fn rows(self) -> Result<usize> {
        match self.rows {
            0 => Err(Error::statement(
                "Key: 'table.exec.mini-batch.size' , default: -1 (fallback keys: []) must be > 0.",
            )
            .with_hint("Say how many rows a mini-batch has at most: SET 'table.exec.mini-batch.size' = '5000'.")),
            rows => Ok(rows),
        }
    }
}

/// What a grouping reads.
pub(super) struct GroupInput {
    pub node: usize,
    /// Positions in the node's schema.
    pub key: Vec<usize>,
    pub calls: Vec<AggregateCall>,
}

/// The grouping with those calls alone whose results somebody reads.
fn needed_calls(aggregate: &Aggregate, needed: Needed<'_>) -> Result<Aggregate> {
    let keys = aggregate.keys.len();
    let is_needed = |i: &usize| {
        let name = aggregate.schema.field(keys + i).name();
        needed.is_none_or(|needed| needed.iter().any(|column| column.name == *name))
    };
    let kept: Vec<usize> = (0..aggregate.calls.len()).filter(is_needed).collect();
    let columns: Vec<usize> = (0..keys).chain(kept.iter().map(|i| keys + i)).collect();
    let schema = aggregate.schema.as_arrow().project(&columns)?;
    Ok(Aggregate {
        calls: kept.iter().map(|&i| aggregate.calls[i].clone()).collect(),
        schema: Arc::new(DFSchema::try_from(schema).map_err(super::internal)?),
        ..aggregate.clone()
    })
}

//! Window functions and the aggregates of windows: which columns they need, one phase or two.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::Expr;

use super::group::{GroupInput, state_fields};
use super::{Lowered, Lowering, Needed, schema_ref, with_columns};
use crate::error::{Error, Result};
use crate::operators::{WindowInput, WindowKind, WindowOutput, WindowPart};
use crate::plan::aggregate::{Aggregate, AggregateWindow};
use crate::plan::changelog_mode::is_updated;
use crate::plan::stream_plan::{
    Distribution, LocalWindowAggregateNode, NodeKind, WindowAggregateNode, WindowTableNode,
};
use crate::plan::window::WindowTable;
use crate::types::TimeAttribute;

impl Lowering {
    pub(super) fn window_table(&mut self, table: &WindowTable, needed: Needed<'_>) -> Result<Lowered> {
        let own = table.input.schema().fields().len();
        let is_needed = |column: &Column| needed.is_none_or(|needed| needed.contains(column));
        let all = table.schema.columns();
        let below: Option<HashSet<Column>> = needed.map(|needed| {
            let columns = all[..own].iter().filter(|column| needed.contains(column)).cloned().collect();
            with_columns(&columns, std::iter::once(&table.time).chain(&table.partition))
        });
        let (mut node, mut input) = self.node(&table.input, below.as_ref())?;
        let session = matches!(table.spec.kind, WindowKind::Session { .. }) && !table.slices;
        let position = |expr: &Expr| match expr {
            Expr::Column(column) => input.maybe_index_of_column(column),
            _ => None,
        };
        let lost = || Error::internal("the time column of a window got lost");
        let time = position(&table.time).ok_or_else(lost)?;
        let key = table.partition.iter().map(position).collect::<Option<Vec<usize>>>().ok_or_else(lost)?;
        if session {
            let distribution = if key.is_empty() { Distribution::Single } else { Distribution::Hash(key.clone()) };
            node = self.plan.add(vec![node], NodeKind::Exchange(distribution), schema_ref(&input));
        }
        let parts: Vec<WindowPart> =
            (own..all.len()).filter(|i| is_needed(&all[*i])).filter_map(|i| table.part(i)).collect();
        let columns = (own..all.len()).filter(|i| is_needed(&all[*i])).map(|i| table.schema.qualified_field(i));
        let mut fields: Vec<_> = input.iter().map(|(q, field)| (q.cloned(), field.clone())).collect();
        fields.extend(columns.map(|(q, field)| (q.cloned(), field.clone())));
        let schema = DFSchema::new_with_metadata(fields, Default::default()).map_err(super::internal)?;
        input = Arc::new(schema);
        let kind = NodeKind::WindowTable(WindowTableNode {
            time,
            spec: table.spec.clone(),
            slices: table.slices,
            of_group: table.of_group,
            key,
            parts,
            text: table.describe(),
        });
        Ok((self.plan.add(vec![node], kind, schema_ref(&input)), input))
    }

    pub(super) fn window_aggregate(&mut self, aggregate: &Aggregate, window: &AggregateWindow) -> Result<Lowered> {
        // The end of the slice says which pane a row goes to. Of windows that rows already have, the start is part of
        // the group.
        let is_key = |part: &Option<WindowPart>| match part {
            None => true,
            Some(part) => !window.sliced && *part == WindowPart::Start,
        };
        let slice = aggregate.keys.iter().zip(&window.parts).find(|(_, part)| **part == Some(WindowPart::End));
        let (slice, _) = slice.ok_or_else(|| Error::internal("a window without its end"))?;
        let own: Vec<usize> = (0..aggregate.keys.len()).filter(|i| is_key(&window.parts[*i])).collect();
        let mut keys: Vec<Expr> = own.iter().map(|i| aggregate.keys[*i].clone()).collect();
        keys.push(slice.clone());
        let GroupInput { mut node, mut key, calls } = self.group_input(aggregate, &keys)?;
        let mut slice = key.pop().unwrap_or_default();
        let mut output: Vec<WindowOutput> = Vec::with_capacity(aggregate.schema.fields().len());
        for (i, part) in window.parts.iter().enumerate() {
            output.push(match (own.iter().position(|own| *own == i), part) {
                (Some(key), _) => WindowOutput::Key(key),
                (None, Some(part)) => WindowOutput::Window(*part),
                (None, None) => return Err(Error::internal("a key of a window got lost")),
            });
        }
        output.extend((0..calls.len()).map(WindowOutput::Result));
        let text = aggregate.describe();
        let is_session = matches!(window.spec.kind, WindowKind::Session { .. }) && window.sliced;
        let by_clock = window.spec.time == TimeAttribute::Proctime;
        let mut input = WindowInput::Rows;
        let merges = calls.iter().all(|call| call.function.merges());
        if self.options.two_phases && merges && !is_session && !by_clock && !is_updated(&self.plan, node) {
            let below = self.plan.nodes[node].schema.clone();
            let mut fields: Vec<Field> = key.iter().map(|&i| below.field(i).clone()).collect();
            fields.push(Field::new("slice_end", DataType::Timestamp(TimeUnit::Millisecond, None), false));
            fields.push(Field::new("count", DataType::Int64, false));
            fields.extend(state_fields(&calls, false)?);
            let local = LocalWindowAggregateNode { key: key.clone(), slice, calls: calls.clone(), text: text.clone() };
            let kind = NodeKind::LocalWindowAggregate(local);
            node = self.plan.add(vec![node], kind, Arc::new(Schema::new(fields)));
            slice = key.len();
            key = (0..key.len()).collect();
            input = WindowInput::Partials { counts: slice + 1 };
        }
        let schema = self.plan.nodes[node].schema.clone();
        let distribution = if key.is_empty() { Distribution::Single } else { Distribution::Hash(key.clone()) };
        let node = self.plan.add(vec![node], NodeKind::Exchange(distribution), schema);
        let kind = NodeKind::WindowAggregate(WindowAggregateNode {
            kind: if window.sliced { window.spec.kind } else { WindowKind::Attached },
            spec: window.spec.clone(),
            key,
            slice,
            input,
            calls,
            earliest_first: window.of_group,
            retracts: false,
            output,
            text,
        });
        let out = aggregate.schema.clone();
        Ok((self.plan.add(vec![node], kind, schema_ref(&out)), out))
    }
}

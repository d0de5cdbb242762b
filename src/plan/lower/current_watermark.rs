//! The watermark beside rows, where somebody reads it.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema};

use super::{Lowered, Lowering, Needed, internal, schema_ref};
use crate::error::Result;
use crate::plan::current_watermark::CurrentWatermark;
use crate::plan::stream_plan::{NodeKind, StreamPlan};

impl Lowering {
    pub(super) fn current_watermark(&mut self, node: &CurrentWatermark, needed: Needed<'_>) -> Result<Lowered> {
        let own = node.input.schema().fields().len();
        let all = node.schema.columns();
        let is_needed = |column: &Column| needed.is_none_or(|needed| needed.contains(column));
        let below: Option<HashSet<Column>> =
            needed.map(|needed| all[..own].iter().filter(|column| needed.contains(column)).cloned().collect());
        let (input, below) = self.node(&node.input, below.as_ref())?;
        let added: Vec<_> = (own..all.len()).filter(|i| is_needed(&all[*i])).collect();
        if added.is_empty() {
            return Ok((input, below));
        }
        let mut fields: Vec<_> = below.iter().map(|(q, field)| (q.cloned(), field.clone())).collect();
        fields.extend(added.into_iter().map(|i| {
            let (q, field) = node.schema.qualified_field(i);
            (q.cloned(), field.clone())
        }));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, Default::default()).map_err(internal)?);
        Ok((self.plan.add(vec![input], NodeKind::CurrentWatermark, schema_ref(&schema)), schema))
    }
}

/// Has every step of a watermark told where a node looks at watermarks: beside rows, or for the end of a mini-batch.
pub(super) fn tell_each(plan: &mut StreamPlan) {
    let looks = |kind: &NodeKind| matches!(kind, NodeKind::CurrentWatermark | NodeKind::MiniBatchAssigner(_));
    if !plan.nodes.iter().any(|node| looks(&node.kind)) {
        return;
    }
    for node in &mut plan.nodes {
        if let NodeKind::Source(source) = &mut node.kind
            && let Some(watermark) = &mut source.watermark
        {
            watermark.each = true;
        }
    }
}

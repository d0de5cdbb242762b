//! Lookup joins: which of the table's columns are asked for.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;

use super::{Lowered, Lowering, Needed, internal, physical, rejects, schema_ref, with_columns};
use crate::connectors::LookupRequest;
use crate::error::Result;
use crate::plan::nodes::LookupJoin;
use crate::plan::stream_plan::{LookupJoinNode, NodeKind};

impl Lowering {
    pub(super) fn lookup_join(&mut self, join: &LookupJoin, needed: Needed<'_>) -> Result<Lowered> {
        let own: Vec<&Expr> = join.keys.iter().chain(&join.condition).collect();
        let needed = needed.map(|needed| with_columns(needed, own));
        let (input, input_schema) = self.node(&join.input, needed.as_ref())?;
        let scan = join.table.scan_schema();
        let is_needed = |name: &str| {
            needed.as_ref().is_none_or(|needed| {
                needed.iter().any(|c| c.name == name && c.relation.as_ref().is_none_or(|r| *r == join.alias))
            })
        };
        let projection: Vec<usize> = (0..scan.len()).filter(|&i| is_needed(&scan.fields[i].name)).collect();
        let mut right = scan.project(&projection);
        let right_schema = right.arrow();
        if join.outer {
            right.fields.iter_mut().for_each(|f| f.ty.nullable = true);
        }
        let right_df = DFSchema::try_from_qualified_schema(join.alias.clone(), &right.arrow()).map_err(internal)?;
        let schema = Arc::new(input_schema.join(&right_df).map_err(internal)?);
        let keys = join.keys.iter().map(|k| physical(k, &input_schema)).collect::<Result<Vec<_>>>()?;
        let (connector, descriptor) = join.table.connector()?;
        let mut key_schema = scan.project(&join.key_columns);
        key_schema.fields.iter_mut().for_each(|f| f.ty.nullable = true);
        let node = LookupJoinNode {
            table: join.table.name.clone(),
            lookup: connector.lookup(descriptor)?,
            keys,
            key_schema: key_schema.arrow(),
            request: LookupRequest { key_columns: join.key_columns.clone(), projection, filters: join.filters.clone() },
            primary_key: descriptor.primary_key.clone(),
            right_schema,
            outer: join.outer,
            on_reject: rejects::of(&mut self.plan, &join.table)?,
            condition: join.condition.as_ref().map(|c| physical(c, &schema)).transpose()?,
            text: join.describe(),
        };
        Ok((self.plan.add(vec![input], NodeKind::LookupJoin(node), schema_ref(&schema)), schema))
    }
}

//! Grouping sets: what their rows are copied from.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};

use super::{Lowered, Lowering, Needed, internal, physical, position, schema_ref, with_columns};
use crate::error::Result;
use crate::plan::expand::Expand;
use crate::plan::stream_plan::{CalcNode, ExpandNode, NodeKind};
use crate::plan::text::expression;

impl Lowering {
    pub(super) fn expand(&mut self, expand: &Expand, needed: Needed<'_>) -> Result<Lowered> {
        let needed = needed.map(|needed| with_columns(needed, &expand.keys));
        let (mut node, input) = self.node(&expand.input, needed.as_ref())?;
        let schema = Expand::schema_of(&input, &expand.keys, &expand.names, &expand.set_name).map_err(internal)?;
        let width = input.fields().len();
        let positions: Option<Vec<usize>> = expand.keys.iter().map(|key| position(key, &input)).collect();
        let keys = match positions {
            Some(positions) => positions,
            None => {
                let columns: Vec<_> = input.columns().into_iter().map(datafusion::logical_expr::Expr::Column).collect();
                let exprs: Vec<_> = columns.iter().chain(&expand.keys).collect();
                let projection = exprs.iter().map(|expr| physical(expr, &input)).collect::<Result<Vec<_>>>()?;
                let selected = exprs.iter().map(|expr| expression(expr, &input)).collect();
                let added = &schema.fields()[width..width + expand.keys.len()];
                let fields = input.fields().iter().chain(added);
                let fields: Vec<Field> = fields.map(|field| field.as_ref().clone()).collect();
                let calc = CalcNode { predicate: None, projection: Some(projection), condition: None, selected };
                node = self.plan.add(vec![node], NodeKind::Calc(calc), Arc::new(Schema::new(fields)));
                (width..width + expand.keys.len()).collect()
            }
        };
        let kind = ExpandNode { columns: width, keys, sets: expand.sets.clone(), text: expand.describe() };
        Ok((self.plan.add(vec![node], NodeKind::Expand(kind), schema_ref(&schema)), schema))
    }
}

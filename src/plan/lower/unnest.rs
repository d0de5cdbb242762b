//! UNNEST: the collection as a column, then its elements.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::logical_expr::Expr;

use super::{Lowered, Lowering, Needed, internal, physical, position, schema_ref, with_columns};
use crate::error::Result;
use crate::operators::UnnestShape;
use crate::plan::stream_plan::{CalcNode, NodeKind, UnnestNode};
use crate::plan::text::expression;
use crate::plan::unnest::Unnest;

impl Lowering {
    pub(super) fn unnest(&mut self, unnest: &Unnest, needed: Needed<'_>) -> Result<Lowered> {
        let of_input = unnest.input.schema().columns();
        let below = needed.map(|needed| {
            let columns = of_input.iter().filter(|column| needed.contains(column)).cloned().collect();
            with_columns(&columns, [&unnest.collection])
        });
        let (mut node, input) = self.node(&unnest.input, below.as_ref())?;
        let width = input.fields().len();
        let collection = match position(&unnest.collection, &input) {
            Some(position) => position,
            None => {
                let columns: Vec<Expr> = input.columns().into_iter().map(Expr::Column).collect();
                let exprs: Vec<&Expr> = columns.iter().chain([&unnest.collection]).collect();
                let projection = exprs.iter().map(|expr| physical(expr, &input)).collect::<Result<Vec<_>>>()?;
                let selected = exprs.iter().map(|expr| expression(expr, &input)).collect();
                let ty = projection[width].data_type(input.as_arrow()).map_err(internal)?;
                let mut fields: Vec<Field> = input.fields().iter().map(|field| field.as_ref().clone()).collect();
                fields.push(Field::new("$collection", ty, true));
                let calc = CalcNode { predicate: None, projection: Some(projection), condition: None, selected };
                node = self.plan.add(vec![node], NodeKind::Calc(calc), Arc::new(Schema::new(fields)));
                width
            }
        };
        let schema = Unnest::schema_of(&input, &unnest.elements, unnest.alias.as_ref()).map_err(internal)?;
        let shape = UnnestShape {
            columns: width,
            collection,
            multiset: unnest.multiset,
            outer: unnest.outer,
            ordinality: unnest.ordinality,
            schema: schema_ref(&schema),
        };
        let kind = NodeKind::Unnest(UnnestNode { shape, text: unnest.describe() });
        Ok((self.plan.add(vec![node], kind, schema_ref(&schema)), schema))
    }
}

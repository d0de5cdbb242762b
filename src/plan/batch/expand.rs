//! Grouping sets of a batch query: every row with a list of the sets, which is unnested.

use std::sync::Arc;

use arrow::array::{Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, NullHandling, ScalarValue, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit, when};

use super::Translation;
use crate::error::Result;
use crate::plan::expand::Expand;
use crate::plan::lower::internal;

impl Translation {
    pub(super) fn expand(&self, expand: &Expand) -> Result<LogicalPlan> {
        let input = self.node(&expand.input)?;
        let own: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let set = Column::new_unqualified(expand.set_name.clone());
        let key = |i: usize| format!("{}$", expand.names[i]);
        let keys = (0..expand.keys.len()).map(|i| Ok(self.expr(expand.keys[i].clone())?.alias(key(i))));
        let mut below = own.clone();
        below.extend(keys.collect::<Result<Vec<Expr>>>()?);
        below.push(Expr::Literal(numbers(expand.sets.len()), None).alias(expand.set_name.clone()));
        let unnested = LogicalPlanBuilder::from(input)
            .project(below)
            .and_then(|builder| builder.unnest_columns_with_options(vec![set.clone()], unnested()))
            .map_err(internal)?;
        let mut above = own;
        for (i, name) in expand.names.iter().enumerate() {
            let value = Expr::Column(Column::new_unqualified(key(i)));
            let without = (0..expand.sets.len()).filter(|at| !expand.sets[*at][i]);
            let without: Vec<Expr> = without.map(|at| lit(at as i64)).collect();
            let kept = match without.is_empty() {
                true => value,
                false => {
                    let has = Expr::Column(set.clone()).in_list(without, true);
                    when(has, value).end().map_err(internal)?
                }
            };
            above.push(kept.alias(name.clone()));
        }
        above.push(Expr::Column(set));
        unnested.project(above).and_then(LogicalPlanBuilder::build).map_err(internal)
    }
}

/// One row per entry of the list; none where it is NULL or empty.
pub(super) fn unnested() -> UnnestOptions {
    UnnestOptions { null_handling: NullHandling::Drop, ..UnnestOptions::default() }
}

/// The list 0, 1, … as a constant.
fn numbers(count: usize) -> ScalarValue {
    let field = Arc::new(Field::new_list_field(DataType::Int64, false));
    let values = Int64Array::from_iter_values(0..count as i64);
    let list = ListArray::new(field, OffsetBuffer::from_lengths([count]), Arc::new(values), None);
    ScalarValue::List(Arc::new(list))
}

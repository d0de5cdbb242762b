//! AND and OR as Flink has them, row by row: the right side is not computed for rows that the left side has decided, so
//! that `a <> 0 AND 10 / a > 1` guards its division.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and_kleene, or_kleene};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};

/// The same expression with every AND and OR guarded whose right side may fail.
///
/// DataFusion decides for a whole batch whether the right side is computed, and then for all of its rows: quicker where
/// nothing can fail, which is left as it is.
pub fn guard(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let guarded = expr.transform_up(|node| {
        let Some(binary) = node.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(node)) };
        let is_and = match binary.op() {
            Operator::And => true,
            Operator::Or => false,
            _ => return Ok(Transformed::no(node)),
        };
        if !may_fail(binary.right()) {
            return Ok(Transformed::no(node));
        }
        let (left, right) = (binary.left().clone(), binary.right().clone());
        Ok(Transformed::yes(Arc::new(GuardedExpr { is_and, left, right }) as Arc<dyn PhysicalExpr>))
    });
    Ok(guarded?.data)
}

/// Whether it is AND, and its sides, if this is one of the two with a guard.
pub fn guarded_sides(expr: &Arc<dyn PhysicalExpr>) -> Option<(bool, &Arc<dyn PhysicalExpr>, &Arc<dyn PhysicalExpr>)> {
    let guarded = expr.downcast_ref::<GuardedExpr>()?;
    Some((guarded.is_and, &guarded.left, &guarded.right))
}

/// False only for what is known to have a value for every row, and the same for the same row.
pub fn may_fail(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let is_safe = match expr.downcast_ref::<BinaryExpr>() {
        Some(binary) => never_fails(binary.op()),
        None => {
            expr.is::<Column>()
                || expr.is::<Literal>()
                || expr.is::<GuardedExpr>()
                || expr.is::<IsNullExpr>()
                || expr.is::<IsNotNullExpr>()
                || expr.is::<NotExpr>()
                || expr.is::<LikeExpr>()
                || expr.is::<InListExpr>()
                || expr.is::<CaseExpr>()
        }
    };
    !is_safe || expr.children().into_iter().any(may_fail)
}

/// Comparisons of what has one type, as all that the binder makes.
fn never_fails(operator: &Operator) -> bool {
    use Operator::{And, Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq, Or};
    matches!(operator, And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// `left AND right` or `left OR right`.
#[derive(Debug, Eq)]
struct GuardedExpr {
    is_and: bool,
    left: Arc<dyn PhysicalExpr>,
    right: Arc<dyn PhysicalExpr>,
}

// By hand: what a derive makes of `Arc<dyn PhysicalExpr>` does not compile.
impl PartialEq for GuardedExpr {
    fn eq(&self, other: &Self) -> bool {
        self.is_and == other.is_and && self.left.eq(&other.left) && self.right.eq(&other.right)
    }
}

impl Hash for GuardedExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_and.hash(state);
        self.left.hash(state);
        self.right.hash(state);
    }
}

impl GuardedExpr {
    /// The rows that `left` has not decided.
    fn undecided(&self, left: &BooleanArray) -> BooleanArray {
        let values = if self.is_and { left.values().clone() } else { !left.values() };
        let undecided = match left.nulls() {
            Some(nulls) => &values | &!nulls.inner(),
            None => values,
        };
        BooleanArray::new(undecided, None)
    }
}

impl PhysicalExpr for GuardedExpr {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        Ok(self.left.nullable(input)? || self.right.nullable(input)?)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let left = match self.left.evaluate(batch)? {
            ColumnarValue::Scalar(ScalarValue::Boolean(Some(value))) if value == self.is_and => {
                return self.right.evaluate(batch);
            }
            decided @ ColumnarValue::Scalar(ScalarValue::Boolean(Some(_))) => return Ok(decided),
            left => left.into_array(batch.num_rows())?,
        };
        let undecided = self.undecided(left.as_boolean());
        if !undecided.has_true() {
            return Ok(ColumnarValue::Array(left));
        }
        // What comes out for the other rows is of no matter: their left side decides.
        let right = self.right.evaluate_selection(batch, &undecided)?.into_array(batch.num_rows())?;
        let (left, right) = (left.as_boolean(), right.as_boolean());
        let both = if self.is_and { and_kleene(left, right)? } else { or_kleene(left, right)? };
        Ok(ColumnarValue::Array(Arc::new(both)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.left, &self.right]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 2]>::try_from(children) {
            Ok([left, right]) => Ok(Arc::new(Self { is_and: self.is_and, left, right })),
            Err(_) => datafusion::common::internal_err!("AND and OR have two sides"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.left.fmt_sql(f)?;
        f.write_str(if self.is_and { " AND " } else { " OR " })?;
        self.right.fmt_sql(f)
    }
}

impl fmt::Display for GuardedExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_and { "AND" } else { "OR" };
        write!(f, "{} {name} {}", self.left, self.right)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use datafusion::common::DFSchema;
    use datafusion::common::cast::as_boolean_array;
    use datafusion::logical_expr::execution_props::ExecutionProps;
    use datafusion::logical_expr::{Expr, col, lit};
    use datafusion::physical_expr::create_physical_expr;

    use super::*;

    fn rows() -> RecordBatch {
        let values = Int64Array::from(vec![Some(0), Some(5), None, Some(20), Some(0)]);
        RecordBatch::try_from_iter([("a", Arc::new(values) as _)]).unwrap()
    }

    fn physical(expr: &Expr) -> Arc<dyn PhysicalExpr> {
        let schema = DFSchema::try_from(rows().schema()).unwrap();
        create_physical_expr(expr, &schema, &ExecutionProps::new(), &Default::default()).unwrap()
    }

    fn values(expr: Expr) -> Vec<Option<bool>> {
        let value = guard(physical(&expr)).unwrap().evaluate(&rows()).unwrap();
        as_boolean_array(&value.into_array(5).unwrap()).unwrap().iter().collect()
    }

    #[test]
    fn the_right_side_is_not_computed_where_the_left_side_decides() {
        let quotient = || lit(10i64) / col("a");
        let (t, f) = (Some(true), Some(false));
        assert!(physical(&quotient().gt(lit(1i64))).evaluate(&rows()).is_err(), "unguarded it fails");
        assert_eq!(values(col("a").not_eq(lit(0i64)).and(quotient().gt(lit(1i64)))), [f, t, None, f, f]);
        assert_eq!(values(col("a").eq(lit(0i64)).or(quotient().gt(lit(1i64)))), [t, t, None, f, t]);
        let nested = col("a").is_not_null().and(col("a").not_eq(lit(0i64))).and(quotient().gt(lit(1i64)));
        assert_eq!(values(nested), [f, t, f, f, f]);
        let all_decided = lit(false).and(quotient().gt(lit(1i64)));
        assert_eq!(values(all_decided), [f; 5]);
        let null_left = col("a").gt(lit(100i64)).or(col("a").is_null()).and(quotient().is_null());
        assert_eq!(values(null_left), [f, f, t, f, f]);
    }

    #[test]
    fn what_cannot_fail_is_left_to_datafusion() {
        let plain = physical(&col("a").gt(lit(1i64)).and(col("a").is_not_null()).or(col("a").eq(lit(0i64))));
        assert!(guard(plain.clone()).unwrap().is::<BinaryExpr>());
        let guarded = guard(physical(&col("a").gt(lit(1i64)).and((lit(1i64) / col("a")).gt(lit(0i64))))).unwrap();
        assert!(guarded.is::<GuardedExpr>());
    }
}

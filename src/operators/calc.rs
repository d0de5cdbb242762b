//! Keep the rows for which a predicate is true and compute new columns from them.
//!
//! Every row keeps its kind. Both halves of an update meet the predicate on their own: both pass: `-U +U`; only the old
//! one: a lone `-U`, which downstream takes for a retraction; only the new one: a lone `+U`, taken for an insert. (As
//! in Flink.) State: none. Watermarks and barriers: unchanged.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;

use super::parts::compute_parts;
use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::error::{Error, ErrorKind, Result};

/// Filters, then projects.
#[derive(Debug)]
pub struct Calc {
    /// Boolean; NULL is not true.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    projection: Option<Projection>,
}

/// What comes out, computed from the columns that survive the filter.
#[derive(Debug)]
struct Projection {
    /// The input columns that the expressions read; they count in these.
    inputs: Vec<usize>,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl Calc {
    /// A filter and a projection (either may be absent) over rows of `input`; `schema` is what comes out.
    pub fn try_new(
        input: &SchemaRef,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        projection: Option<(Vec<Arc<dyn PhysicalExpr>>, SchemaRef)>,
    ) -> Result<Self> {
        let projection = match projection {
            Some((exprs, schema)) => Some(Projection::try_new(input, exprs, schema)?),
            None => None,
        };
        Ok(Self { predicate, projection })
    }

    /// The rows that come out of `batch`, or `None` where there are none.
    pub fn apply(&self, batch: &ChangelogBatch) -> Result<Option<ChangelogBatch>> {
        let mask = match &self.predicate {
            Some(predicate) => match self.mask(predicate, batch.rows())? {
                Mask::All => None,
                Mask::None => return Ok(None),
                Mask::Some(mask) => Some(mask),
            },
            None => None,
        };
        let Some(projection) = &self.projection else {
            return match mask {
                Some(mask) => Ok(Some(batch.filter(&mask)?)),
                None => Ok(Some(batch.clone())),
            };
        };
        let narrowed = batch.with_rows(batch.rows().project(&projection.inputs)?);
        let kept = match mask {
            Some(mask) => narrowed.filter(&mask)?,
            None => narrowed,
        };
        let rows = projection.compute(kept.rows())?;
        Ok(Some(kept.with_rows(rows)))
    }

    fn mask(&self, predicate: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<Mask> {
        let value = predicate.evaluate(rows).map_err(evaluation_error)?;
        let array = match value {
            ColumnarValue::Scalar(scalar) => {
                let kept = matches!(scalar, datafusion::common::ScalarValue::Boolean(Some(true)));
                return Ok(if kept { Mask::All } else { Mask::None });
            }
            ColumnarValue::Array(array) => array,
        };
        let mask = array.as_any().downcast_ref::<BooleanArray>();
        let mask = mask.ok_or_else(|| Error::internal("a predicate is not BOOLEAN"))?;
        Ok(match mask.true_count() {
            0 => Mask::None,
            n if n == mask.len() => Mask::All,
            _ => Mask::Some(mask.clone()),
        })
    }
}

enum Mask {
    All,
    None,
    Some(BooleanArray),
}

impl Projection {
    fn try_new(input: &SchemaRef, exprs: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef) -> Result<Self> {
        let mut inputs: Vec<usize> =
            exprs.iter().flat_map(collect_columns).map(|column: Column| column.index()).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let narrowed = Arc::new(input.project(&inputs)?);
        let exprs =
            exprs.into_iter().map(|expr| reassign_columns(expr, &inputs, &narrowed)).collect::<Result<Vec<_>>>()?;
        Ok(Self { inputs, exprs, schema })
    }

    fn compute(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.exprs.len());
        for expr in &self.exprs {
            let value = expr.evaluate(rows).map_err(evaluation_error)?;
            columns.push(value.into_array(rows.num_rows()).map_err(evaluation_error)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// The expression over the columns `kept` of its input only. Columns are matched by position: names may repeat.
fn reassign_columns(
    expr: Arc<dyn PhysicalExpr>,
    kept: &[usize],
    narrowed: &SchemaRef,
) -> Result<Arc<dyn PhysicalExpr>> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let moved = expr.transform_up(|node| {
        if let Some(column) = node.downcast_ref::<Column>() {
            if let Ok(position) = kept.binary_search(&column.index()) {
                let name = narrowed.field(position).name();
                return Ok(Transformed::yes(Arc::new(Column::new(name, position)) as Arc<dyn PhysicalExpr>));
            }
        }
        Ok(Transformed::no(node))
    });
    Ok(moved.map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?.data)
}

/// An expression that can't be computed is a data error, unless it says otherwise itself.
pub(crate) fn evaluation_error(error: datafusion::error::DataFusionError) -> Error {
    Error::from_datafusion(ErrorKind::Data, error)
}

impl Operator for Calc {
    fn name(&self) -> &'static str {
        "Calc"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        compute_parts(&batch, &mut |batch| self.apply(batch), &mut |_, rows| {
            if let Some(rows) = rows {
                out.emit(rows);
            }
        })?;
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::logical_expr::Operator as Op;
    use datafusion::physical_expr::expressions::{binary, col, lit};

    use super::*;
    use crate::changelog::RowKind;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int64, true)]))
    }

    fn updates() -> ChangelogBatch {
        let keys = StringArray::from(vec!["a", "a", "b", "b", "c"]);
        let values = Int64Array::from(vec![Some(90), Some(10), Some(10), Some(90), None]);
        let rows = RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(values)]).unwrap();
        let (before, after) = (RowKind::UpdateBefore, RowKind::UpdateAfter);
        ChangelogBatch::new(rows, vec![before, after, before, after, RowKind::Insert])
    }

    fn above(limit: i64) -> Arc<dyn PhysicalExpr> {
        binary(col("v", &schema()).unwrap(), Op::Gt, lit(limit), &schema()).unwrap()
    }

    #[test]
    fn an_update_that_leaves_or_enters_the_filter_keeps_the_half_that_passes() {
        let calc = Calc::try_new(&schema(), Some(above(80)), None).unwrap();
        let out = calc.apply(&updates()).unwrap().unwrap();
        assert_eq!(out.kinds(), Some([RowKind::UpdateBefore, RowKind::UpdateAfter].as_slice()));
        let keys: Vec<_> = out.rows().column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(keys, ["a", "b"], "a lone -U of a, a lone +U of b, and NULL is not true");
    }

    #[test]
    fn no_row_is_nothing_and_every_row_is_the_batch() {
        assert!(Calc::try_new(&schema(), Some(above(1_000)), None).unwrap().apply(&updates()).unwrap().is_none());
        assert!(Calc::try_new(&schema(), Some(lit(false)), None).unwrap().apply(&updates()).unwrap().is_none());
        for predicate in [None, Some(lit(true))] {
            let calc = Calc::try_new(&schema(), predicate, None).unwrap();
            assert_eq!(calc.apply(&updates()).unwrap().unwrap().num_rows(), 5);
        }
    }

    #[test]
    fn a_projection_computes_only_the_rows_that_are_kept() {
        // 800 / (v - 10) fails for the rows that the filter drops.
        let minus = binary(col("v", &schema()).unwrap(), Op::Minus, lit(10i64), &schema()).unwrap();
        let divided = binary(lit(800i64), Op::Divide, minus, &schema()).unwrap();
        let output = Arc::new(Schema::new(vec![Field::new("d", DataType::Int64, true)]));
        let calc = Calc::try_new(&schema(), Some(above(80)), Some((vec![divided], output))).unwrap();
        let out = calc.apply(&updates()).unwrap().unwrap();
        assert_eq!(out.rows().column(0).as_primitive::<Int64Type>().values(), &[10, 10]);
    }

    #[test]
    fn a_projection_without_columns_keeps_the_count_of_rows() {
        let calc = Calc::try_new(&schema(), None, Some((Vec::new(), Arc::new(Schema::empty())))).unwrap();
        assert_eq!(calc.apply(&updates()).unwrap().unwrap().num_rows(), 5);
    }
}

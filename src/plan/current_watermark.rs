//! The logical node behind `CURRENT_WATERMARK(ts)`: rows with the watermark as of their arrival.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema, DFSchemaRef, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::functions::TypedExpr;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// What comes out: the columns of the input, then the watermark as a TIMESTAMP and as a TIMESTAMP_LTZ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CurrentWatermark {
    pub input: LogicalPlan,
    pub schema: DFSchemaRef,
}

impl CurrentWatermark {
    pub fn try_new(input: LogicalPlan) -> DfResult<Self> {
        let columns: Schema = [false, true].into_iter().map(Self::field).collect();
        let schema = Arc::new(input.schema().join(&DFSchema::try_from(columns.arrow())?)?);
        Ok(Self { input, schema })
    }

    fn field(ltz: bool) -> Field {
        let (name, kind) = match ltz {
            false => ("current$watermark", TypeKind::Timestamp(3)),
            true => ("current$watermark_ltz", TypeKind::TimestampLtz(3)),
        };
        Field::new(name, SqlType::nullable(kind))
    }

    /// True where rows of this plan have the watermark beside them.
    pub fn is_beside(plan: &LogicalPlan) -> bool {
        matches!(plan, LogicalPlan::Extension(extension) if extension.node.as_any().is::<Self>())
    }

    /// The watermark, where one of these nodes is below.
    pub fn column(ltz: bool) -> TypedExpr {
        let field = Self::field(ltz);
        TypedExpr::new(Expr::Column(Column::new_unqualified(field.name)), field.ty)
    }
}

impl PartialOrd for CurrentWatermark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for CurrentWatermark {
    fn name(&self) -> &str {
        "CurrentWatermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        [false, true].into_iter().map(|ltz| Self::field(ltz).name).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CurrentWatermark")
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        match inputs.into_iter().next() {
            Some(input) => Self::try_new(input),
            None => datafusion::common::internal_err!("the watermark needs rows to stand beside"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let width = self.input.schema().fields().len();
        Some(vec![output_columns.iter().copied().filter(|i| *i < width).collect()])
    }
}

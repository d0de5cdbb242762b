//! Time in a batch query: `CURRENT_TIMESTAMP` and its like have one value in all of it.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;

use super::in_batch;
use crate::error::{Error, ErrorKind, Result};
use crate::functions::with_clock;
use crate::time::{Clock, FirstLook};

/// Functions that tell when the query began. PROCTIME and CURRENT_ROW_TIMESTAMP go on with the rows.
const OF_QUERY: [&str; 6] = ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "NOW"];

/// When a query begins: the first look at it.
pub struct QueryStart(pub Arc<dyn Clock>);

impl QueryStart {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(FirstLook::new(clock)))
    }

    /// The expression with the functions that tell of the query's start standing still.
    pub fn fix(&self, expr: Expr) -> Result<Expr> {
        let fixed = expr.transform(|part| {
            let Expr::ScalarFunction(call) = &part else { return Ok(Transformed::no(part)) };
            if call.name() == "CURRENT_WATERMARK" {
                return Err(in_batch("CURRENT_WATERMARK").into());
            }
            if !OF_QUERY.contains(&call.name()) {
                return Ok(Transformed::no(part));
            }
            let fixed = with_clock(call, self.0.clone());
            Ok(fixed.map_or_else(|| Transformed::no(part), Transformed::yes))
        });
        fixed.map(|fixed| fixed.data).map_err(|error| Error::from_datafusion(ErrorKind::Internal, error))
    }
}

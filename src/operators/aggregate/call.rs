//! One call of an aggregate function over the columns of its operator's input.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::functions::aggregate::{Accumulator, AggregateFunction, Distinct};

/// `SUM(DISTINCT usage) FILTER (WHERE cpu = 'cpu0')`: columns by their positions.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    pub function: Arc<dyn AggregateFunction>,
    pub types: Signature,
    pub arguments: Vec<usize>,
    pub distinct: bool,
    /// A BOOLEAN column: only rows where it is true count.
    pub filter: Option<usize>,
}

impl AggregateCall {
    /// Values of no group yet.
    pub fn accumulator(&self, retracts: bool) -> Result<Box<dyn Accumulator>> {
        let plain = self.function.accumulator(&self.types, retracts)?;
        match self.distinct && !self.arguments.is_empty() {
            true => {
                let types: Vec<_> = self.types.arguments.iter().map(|ty| ty.arrow()).collect();
                Distinct::boxed(plain, &types)
            }
            false => Ok(plain),
        }
    }

    /// What is computed, for state: values of another call are not taken for its own.
    pub fn describe(&self, retracts: bool) -> String {
        let types: Vec<String> = self.types.arguments.iter().map(ToString::to_string).collect();
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let filter = if self.filter.is_some() { " FILTER" } else { "" };
        let retracts = if retracts { " retracting" } else { "" };
        format!("{}({distinct}{}){filter}{retracts}", self.function.name(), types.join(", "))
    }

    pub fn arguments(&self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.arguments.iter().map(|&column| rows.column(column).clone()).collect()
    }

    /// The signs of the rows that count; `None` where they are all `signs` says.
    pub fn filtered(&self, rows: &RecordBatch, signs: &[i8]) -> Result<Option<Vec<i8>>> {
        let Some(filter) = self.filter else { return Ok(None) };
        let mask = rows.column(filter).as_boolean_opt();
        let mask = mask.ok_or_else(|| Error::internal("the FILTER of an aggregate is not BOOLEAN"))?;
        let kept = |(row, sign): (usize, &i8)| if mask.is_valid(row) && mask.value(row) { *sign } else { 0 };
        Ok(Some(signs.iter().enumerate().map(kept).collect()))
    }
}

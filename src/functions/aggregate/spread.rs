//! `VAR_*` and `STDDEV_*`, as Flink computes them: from sums of values and of their squares, in the type of the result.

use super::average::Average;
use super::{Accumulator, AggregateFunction};
use crate::error::{Error, Result};
use crate::functions::Signature;
use crate::types::SqlType;

#[derive(Debug, Clone, Copy)]
pub struct Spread {
    name: &'static str,
    usage: &'static str,
    /// Of a sample: divided by one less than there are.
    sample: bool,
    /// The square root of the variance.
    root: bool,
}

impl Spread {
    pub const STDDEV: Self =
        Self { name: "STDDEV", usage: "STDDEV(number): as STDDEV_SAMP.", sample: true, root: true };
    pub const STDDEV_POP: Self = Self {
        name: "STDDEV_POP",
        usage: "STDDEV_POP(number): the standard deviation of the numbers that are not NULL, of the type of their mean; \
                NULL where there are none.",
        sample: false,
        root: true,
    };
    pub const STDDEV_SAMP: Self = Self {
        name: "STDDEV_SAMP",
        usage: "STDDEV_SAMP(number): the standard deviation that the numbers as a sample speak for; NULL of fewer than \
                two.",
        sample: true,
        root: true,
    };
    pub const VARIANCE: Self =
        Self { name: "VARIANCE", usage: "VARIANCE(number): as VAR_SAMP.", sample: true, root: false };
    pub const VAR_POP: Self = Self {
        name: "VAR_POP",
        usage: "VAR_POP(number): the variance of the numbers that are not NULL, of the type of their mean; NULL where \
                there are none.",
        sample: false,
        root: false,
    };
    pub const VAR_SAMP: Self = Self {
        name: "VAR_SAMP",
        usage: "VAR_SAMP(number): the variance that the numbers as a sample speak for; NULL of fewer than two.",
        sample: true,
        root: false,
    };
}

impl AggregateFunction for Spread {
    fn name(&self) -> &'static str {
        self.name
    }

    fn usage(&self) -> &'static str {
        self.usage
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        Average.signature(arguments)
    }

    fn formula(&self, types: &Signature) -> Option<String> {
        let ty = &types.returns.kind;
        let (x, sum) = (format!("CAST(x AS {ty})"), format!("CAST(SUM(x) AS {ty})"));
        let divisor = match self.sample {
            true => "CASE WHEN COUNT(x) = 1 THEN NULL ELSE COUNT(x) - 1 END",
            false => "COUNT(x)",
        };
        let variance = format!("(SUM({x} * {x}) - {sum} * {sum} / COUNT(x)) / {divisor}");
        Some(match self.root {
            true => format!("CAST(POWER({variance}, 0.5) AS {ty})"),
            false => format!("CAST({variance} AS {ty})"),
        })
    }

    fn accumulator(&self, _types: &Signature, _retracts: bool) -> Result<Box<dyn Accumulator>> {
        Err(Error::internal(format!("{} is computed from sums", self.name)))
    }
}

//! What operators and special syntax call where DataFusion's own kernel isn't Flink's. Not found by name.

mod collections;
mod decimals;
mod floats;
mod integers;
mod intervals;
mod patterns;
mod rounding;
mod texts;

pub use collections::{ARRAY, COALESCE, FIELD, ITEM, LOOKUP, MAP, ROW};
pub(super) use decimals::rescale;
pub use decimals::{
    DECIMAL_COMPARISONS, DECIMAL_DIVIDE, DECIMAL_MINUS, DECIMAL_MODULO, DECIMAL_MULTIPLY, DECIMAL_PLUS,
};
pub use floats::FLOAT_COMPARISONS;
pub use integers::{DIVIDE, MODULO};
pub(super) use intervals::add_months;
pub use intervals::{
    INTERVAL_MINUS, INTERVAL_MULTIPLY, INTERVAL_NEGATE, INTERVAL_PART, INTERVAL_PLUS, TIME_MINUS, TIME_PLUS,
};
pub use patterns::{LIKE, SIMILAR_TO};
pub use rounding::{CEIL_TO, FLOOR_TO};
pub(super) use texts::as_varchar;
pub use texts::{CONCATENATE, TRIM_BOTH, TRIM_LEADING, TRIM_TRAILING};

pub use super::temporal::TIMESTAMP_DIFF;

use super::Builtin;
use crate::error::Error;

/// ROUND or TRUNCATE, for calls that the binder types by the value of the second argument.
pub fn rounding_function(name: &str) -> &'static Builtin {
    if name == "ROUND" { &super::math::ROUND } else { &super::math::TRUNCATE }
}

/// What a zero divisor does to a job.
fn division_by_zero() -> Error {
    Error::data("division by zero").with_hint("Guard it: CASE WHEN divisor <> 0 THEN … END, or NULLIF(divisor, 0).")
}

//! From a bound query to a stream plan: names and types, pushdown, changelog modes, EXPLAIN.

pub mod bind;
pub mod stream_plan;

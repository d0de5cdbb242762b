//! Flink's built-in functions on DataFusion's UDF traits.
//!
//! A function is one value of [`ScalarFunction`]: its name, how it types its arguments, and how it computes a batch.
//! Adding one takes a small file, a line in the registry and one in `examples.txt`.

pub mod aggregate;
pub mod cast;
pub mod examples;
pub mod library;
mod scalar;
pub mod time;

pub use scalar::{Arity, EvalContext, ScalarFunction, Signature, TypedExpr, call, called, with_clock};

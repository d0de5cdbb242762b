//! CAST, TRY_CAST and the conversions that happen by themselves.
//!
//! [`cast`] decides at planning time how an expression becomes another type: not at all where the rows lie in memory
//! as they should, with Arrow's cast where that does exactly what Flink does, otherwise by a function of ours.
//! [`cast_array`] is that function on a batch. Each family of types has a file of its own for its kernels.

mod array;
mod collection;
mod decimal;
mod expression;
mod number;
mod string;
mod temporal;
mod text;

#[cfg(test)]
mod tests;

pub use array::cast_array;
pub use expression::{cast, implicitly_cast};

/// Who asks for a conversion, which decides what happens to values that don't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastMode {
    /// CAST: a value that can't be converted fails the job.
    Explicit,
    /// TRY_CAST: a value that can't be converted is NULL.
    Try,
    /// An INSERT or a function argument: only what can't fail.
    Implicit,
}

//! GREATEST and LEAST: NULL if one of the values is.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_comparator};
use arrow::compute::{SortOptions, interleave};

use crate::error::Result;
use crate::functions::library::builtin::{Family, Overload, Returns};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};

/// The binder gives all arguments one type.
const COMMON: &[Overload] = &[Overload { parameters: &[Family::Any], returns: Returns::Argument(0) }];

pub static GREATEST: Builtin = Builtin {
    name: "GREATEST",
    usage: "GREATEST(value, value, …) is the greatest of the values.",
    overloads: COMMON,
    variadic: true,
    common: true,
    kernel: |call| extreme(call, Ordering::Greater),
    ..BUILTIN
};

pub static LEAST: Builtin = Builtin {
    name: "LEAST",
    usage: "LEAST(value, value, …) is the least of the values.",
    overloads: COMMON,
    variadic: true,
    common: true,
    kernel: |call| extreme(call, Ordering::Less),
    ..BUILTIN
};

fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let columns = (0..call.arguments.len()).map(|n| call.array(n)).collect::<Result<Vec<_>>>()?;
    let options = SortOptions::default();
    let mut best = vec![0usize; call.rows()];
    for (n, column) in columns.iter().enumerate().skip(1) {
        let against = columns
            .iter()
            .take(n)
            .map(|other| make_comparator(column.as_ref(), other.as_ref(), options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for (row, best) in best.iter_mut().enumerate() {
            if against[*best](row, row) == wanted {
                *best = n;
            }
        }
    }
    let null = arrow::array::new_null_array(&call.types.returns.arrow(), 1);
    let pick = |(row, best): (usize, &usize)| match columns.iter().any(|c| c.is_null(row)) {
        true => (columns.len(), 0),
        false => (*best, row),
    };
    let picks = best.iter().enumerate().map(|(row, best)| pick((row, best))).collect::<Vec<_>>();
    let all = columns.iter().chain([&null]).map(AsRef::as_ref).collect::<Vec<&dyn Array>>();
    Ok(Arc::new(interleave(&all, &picks)?))
}

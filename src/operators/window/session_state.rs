//! What sessions are after a restart: those that are open, in the order in which they began.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::DataType;

use super::sessions::{Over, Sessions};
use super::windows::Window;
use crate::error::Result;
use crate::operators::aggregate::numbers;

/// The columns of a session's window.
pub fn window_columns() -> [(String, DataType); 2] {
    ["start", "end"].map(|name| (name.to_string(), DataType::Int64))
}

pub fn save_windows(sessions: &[Over]) -> Vec<ArrayRef> {
    let times = |of: fn(&Over) -> i64| Arc::new(Int64Array::from_iter_values(sessions.iter().map(of))) as ArrayRef;
    vec![times(|session| session.window.start), times(|session| session.window.end)]
}

/// Opens the sessions of a piece, which begins with [`window_columns`]. Gives their slots.
pub fn restore_windows(sessions: &mut Sessions, key: &[ArrayRef], piece: &RecordBatch) -> Result<Vec<u32>> {
    let keys = sessions.intern(key, piece.num_rows())?;
    let windows = numbers(piece, 0)?.iter().zip(numbers(piece, 1)?);
    let open = |(key, (start, end)): (&u32, (&i64, &i64))| sessions.open(*key, Window { start: *start, end: *end });
    Ok(keys.iter().zip(windows).map(open).collect())
}

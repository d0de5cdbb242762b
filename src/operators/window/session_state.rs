//! What sessions are after a restart: those that are open, with the order in which they began.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::DataType;

use super::sessions::{Open, Sessions};
use super::windows::Window;
use crate::error::{Error, Result};
use crate::operators::aggregate::numbers;

/// The columns in front of those of a session, or of a row of one.
pub fn session_columns() -> [(String, DataType); 3] {
    ["start", "end", "begun"].map(|name| (name.to_string(), DataType::Int64))
}

/// How many they are.
pub const SESSION_COLUMNS: usize = 3;

/// These columns, a row for each.
pub fn save_sessions(sessions: &[Open]) -> Vec<ArrayRef> {
    let column = |of: fn(&Open) -> i64| Arc::new(Int64Array::from_iter_values(sessions.iter().map(of))) as ArrayRef;
    vec![
        column(|session| session.window.start),
        column(|session| session.window.end),
        column(|session| session.number.cast_signed()),
    ]
}

/// Opens the sessions of pieces which begin with [`session_columns`], in the order in which they began; one may have
/// several rows. Gives the slot of every row, piece by piece. `key`: the key columns of a piece.
pub fn restore_sessions(
    sessions: &mut Sessions,
    pieces: &[RecordBatch],
    key: impl Fn(&RecordBatch) -> Vec<ArrayRef>,
) -> Result<Vec<Vec<u32>>> {
    let (mut rows, mut all): (Vec<Vec<(u32, i64)>>, Vec<(i64, u32, Window)>) = Default::default();
    for piece in pieces {
        let keys = sessions.intern(&key(piece), piece.num_rows())?;
        let (starts, ends, begun) = (numbers(piece, 0)?, numbers(piece, 1)?, numbers(piece, 2)?);
        let mut places = Vec::with_capacity(keys.len());
        for (row, &key) in keys.iter().enumerate() {
            let place = (key, starts[row]);
            if places.last() != Some(&place) {
                all.push((begun[row], key, Window { start: starts[row], end: ends[row] }));
            }
            places.push(place);
        }
        rows.push(places);
    }
    // Those of several subtasks have no order between them.
    all.sort_by_key(|(begun, key, window)| (*begun, *key, window.start));
    all.dedup_by_key(|(_, key, window)| (*key, window.start));
    for (_, key, window) in all {
        sessions.open(key, window);
    }
    let slot =
        |place: &(u32, i64)| sessions.slot(*place).ok_or_else(|| Error::state("the state of sessions is damaged"));
    rows.iter().map(|places| places.iter().map(slot).collect()).collect()
}

//! What the sessions of a table are after a restart: those that are open, and their rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType;

use super::super::session_state::{restore_windows, save_windows, window_columns};
use super::*;
use crate::error::Error;
use crate::operators::aggregate::numbers;
use crate::state::StateTable;

impl SessionTable {
    /// Sessions: window, key, how many rows. Rows, in the order of the sessions: kind, columns.
    fn tables(&self) -> (StateTable, StateTable) {
        let input = |column: usize| self.shape.input.field(column);
        let key = self.shape.key.iter().enumerate();
        let key = key.map(|(i, column)| (format!("key {i}"), input(*column).data_type().clone()));
        let rows = ("rows".to_string(), DataType::Int64);
        let columns = (0..self.shape.input.fields().len()).map(input);
        let columns = columns.map(|field| (format!("column {}", field.name()), field.data_type().clone()));
        let kind = ("kind".to_string(), DataType::Utf8);
        let of_key = (2..2 + key.len()).collect();
        (
            StateTable::new(window_columns().into_iter().chain(key).chain([rows])).keyed(of_key),
            StateTable::new(std::iter::once(kind).chain(columns))
                .keyed(self.shape.key.iter().map(|column| column + 1).collect()),
        )
    }

    pub(super) fn save(&self) -> Result<Snapshot> {
        let (mut table, mut row_table) = self.tables();
        let all = self.sessions.all();
        for sessions in all.chunks(StateTable::PIECE_ROWS) {
            let mut columns = save_windows(sessions);
            let keys: Vec<u32> = sessions.iter().map(|session| session.key).collect();
            columns.extend(self.sessions.key_columns(&keys)?);
            let counts = sessions.iter().map(|session| self.rows[session.slot as usize].len() as i64);
            columns.push(Arc::new(Int64Array::from_iter_values(counts)));
            table.push(columns)?;
        }
        let rows: Vec<_> = all.iter().flat_map(|session| &self.rows[session.slot as usize]).collect();
        for rows in rows.chunks(StateTable::PIECE_ROWS) {
            let kinds: StringArray = rows.iter().map(|(kind, _)| Some(kind.to_string())).collect();
            let mut columns: Vec<ArrayRef> = vec![Arc::new(kinds)];
            columns.extend(self.codec.decode(rows.iter().map(|(_, row)| row.as_ref()))?);
            row_table.push(columns)?;
        }
        let snapshot = Snapshot::of(self.name()).with_number("progress", self.progress.0);
        Ok(snapshot.with_table("sessions", table).with_table("rows", row_table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        // Sessions that were told are gone: what is over but was not told by a subtask that was behind comes next.
        state.parts().iter().try_for_each(|part| self.take(part))
    }

    fn take(&mut self, state: &Snapshot) -> Result<()> {
        let (table, row_table) = self.tables();
        self.progress = self.progress.max(Watermark(state.expect(self.name())?.number("progress")?));
        let mut places = Vec::new();
        for piece in state.table("sessions", &table)?.read() {
            let piece = &piece?;
            let counts = numbers(piece, 2 + self.shape.key.len())?;
            let slots = restore_windows(&mut self.sessions, &piece.columns()[2..2 + self.shape.key.len()], piece)?;
            for (slot, count) in slots.iter().zip(counts) {
                places.extend(std::iter::repeat_n(*slot, usize::try_from(*count).map_err(|_| damaged())?));
            }
        }
        self.rows.resize_with(self.sessions.slots(), Vec::new);
        let mut places = places.into_iter();
        for piece in state.table("rows", &row_table)?.read() {
            let piece = &piece?;
            let kinds = piece.column(0).as_any().downcast_ref::<StringArray>().ok_or_else(damaged)?;
            let values = self.codec.encode(&piece.columns()[1..])?;
            for row in 0..piece.num_rows() {
                let kind = kinds.is_valid(row).then(|| RowKind::of_symbol(kinds.value(row))).flatten();
                let (kind, slot) = (kind.ok_or_else(damaged)?, places.next().ok_or_else(damaged)?);
                let bytes: Box<[u8]> = values.row(row).as_ref().into();
                self.row_bytes += bytes.len();
                self.rows[slot as usize].push((kind, bytes));
            }
        }
        match places.next() {
            None => Ok(()),
            Some(_) => Err(damaged()),
        }
    }
}

fn damaged() -> Error {
    Error::state("the state of sessions is damaged")
}

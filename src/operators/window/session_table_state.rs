//! What the sessions of a table are after a restart: the rows of those that are open.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::DataType;

use super::super::session_state::{SESSION_COLUMNS, restore_sessions, save_sessions, session_columns};
use super::super::sessions::Open;
use super::*;
use crate::error::Error;
use crate::functions::aggregate::Values;
use crate::state::{PieceRows, StateTable};

impl SessionTable {
    /// Rows, those of a session in their order: its columns, the kind, the columns.
    fn table(&self) -> StateTable {
        let kind = ("kind".to_string(), DataType::Utf8);
        let columns = self.shape.input.fields().iter();
        let columns = columns.map(|field| (format!("column {}", field.name()), field.data_type().clone()));
        let key = self.shape.key.iter().map(|column| SESSION_COLUMNS + 1 + column).collect();
        StateTable::new(session_columns().into_iter().chain([kind]).chain(columns)).keyed(key)
    }

    pub(super) fn save(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let (empty, mut table) = (self.table(), self.table());
        let Self { sessions, rows, codec, .. } = self;
        let piece = |rows: &[(Open, &(RowKind, Box<[u8]>))]| -> PieceRows {
            let (mut copied, mut kinds) = (Values::default(), Vec::with_capacity(rows.len()));
            for (_, (kind, row)) in rows {
                kinds.push(kind.symbol());
                copied.push(row);
            }
            let sessions: Vec<Open> = rows.iter().map(|(session, _)| *session).collect();
            let codec = codec.clone();
            empty.rows_later(rows.len(), copied.memory() + size_of_val(&sessions[..]), move || {
                let mut columns = save_sessions(&sessions);
                columns.push(Arc::new(StringArray::from_iter_values(&kinds)));
                columns.extend(codec.decode(copied.iter())?);
                Ok(columns)
            })
        };
        sessions.save(&mut table, epoch, |sessions, slots| {
            let of_slot = |slot: &u32| sessions.session(*slot).map(|session| (session, &rows[*slot as usize]));
            let rows = slots.iter().filter_map(of_slot);
            let rows: Vec<_> = rows.flat_map(|(session, rows)| rows.iter().map(move |row| (session, row))).collect();
            Ok(StateTable::runs(&rows, |(_, (_, row))| row.len()).into_iter().map(piece).collect())
        })?;
        Ok(Snapshot::of(self.name()).with_number("progress", self.progress.0).with_table("rows", table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        let (table, mut pieces) = (self.table(), Vec::new());
        for part in state.parts() {
            // Sessions that were told are gone: what is over but was not told by a subtask that was behind comes next.
            self.progress = self.progress.max(Watermark(part.expect(self.name())?.number("progress")?));
            for piece in part.table("rows", &table)?.read() {
                pieces.push(piece?);
            }
        }
        let columns = |piece: &RecordBatch| -> Vec<ArrayRef> { piece.columns()[SESSION_COLUMNS + 1..].to_vec() };
        let key = |piece: &RecordBatch| -> Vec<ArrayRef> {
            self.shape.key.iter().map(|column| piece.column(SESSION_COLUMNS + 1 + column).clone()).collect()
        };
        let slots = restore_sessions(&mut self.sessions, &pieces, key)?;
        self.rows.resize_with(self.sessions.slots(), Vec::new);
        for (piece, slots) in pieces.iter().zip(&slots) {
            let kinds = piece.column(SESSION_COLUMNS).as_any().downcast_ref::<StringArray>().ok_or_else(damaged)?;
            let values = self.codec.encode(&columns(piece))?;
            for (row, slot) in slots.iter().enumerate() {
                let kind = kinds.is_valid(row).then(|| RowKind::of_symbol(kinds.value(row))).flatten();
                let bytes: Box<[u8]> = values.row(row).as_ref().into();
                self.row_bytes += bytes.len();
                self.rows[*slot as usize].push((kind.ok_or_else(damaged)?, bytes));
            }
        }
        Ok(())
    }
}

fn damaged() -> Error {
    Error::state("the state of sessions is damaged")
}

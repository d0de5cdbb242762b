//! What windows are after a restart: the panes of those that are not over, and how far windows were told.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;

use super::*;
use crate::operators::aggregate::{SavedGroups, numbers};
use crate::state::{Snapshot, StateTable};

impl WindowAggregate {
    fn saved(&self) -> Result<SavedGroups> {
        self.shape.pane.saved([("slice".to_string(), DataType::Int64)])
    }

    pub(super) fn save(&self) -> Result<Snapshot> {
        let saved = self.saved()?;
        let mut table = StateTable::new(saved.columns());
        for (slice, pane) in &self.panes {
            let slots: Vec<u32> = (0..pane.len() as u32).collect();
            for slots in slots.chunks(StateTable::PIECE_ROWS) {
                let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_value(*slice, slots.len()))];
                pane.save(&saved, &mut columns, slots)?;
                table.push(columns)?;
            }
        }
        Ok(Snapshot::of(self.name()).with_number("progress", self.progress.0).with_table("panes", table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        let saved = self.saved()?;
        let state = state.expect(self.name())?;
        self.progress = Watermark(state.number("progress")?);
        for piece in state.table("panes", &StateTable::new(saved.columns()))?.pieces() {
            let Some(slice) = numbers(piece, 0)?.first() else { continue };
            pane(&mut self.panes, &self.shape.pane, *slice)?.restore(&saved, piece)?;
        }
        Ok(())
    }
}

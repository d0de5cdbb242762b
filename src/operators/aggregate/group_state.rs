//! What groups are after a restart: those that have rows, and when each is forgotten.

use arrow::array::{ArrayRef, Int64Array};

use super::*;
use crate::operators::aggregate::{SavedGroups, numbers};
use crate::state::{Snapshot, StateTable};

impl GroupAggregate {
    fn saved(&self) -> Result<SavedGroups> {
        let touched = self.lifetime.as_ref().map(|_| Lifetime::column());
        SavedGroups::try_new(touched, &self.input, &self.key, &self.calls, self.retracts)
    }

    pub(super) fn save(&self) -> Result<Snapshot> {
        let saved = self.saved()?;
        let mut table = StateTable::new(saved.columns());
        let slots: Vec<u32> = (0..self.counts.len() as u32).filter(|slot| self.counts[*slot as usize] != 0).collect();
        for slots in slots.chunks(StateTable::PIECE_ROWS) {
            let mut columns: Vec<ArrayRef> = Vec::new();
            if let Some(lifetime) = &self.lifetime {
                columns.push(Arc::new(Int64Array::from(lifetime.touched(slots))));
            }
            saved.save(&mut columns, self.groups.keys(slots)?, &self.counts, &self.values, slots)?;
            table.push(columns)?;
        }
        Ok(Snapshot::of(self.name()).with_table("groups", table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        let saved = self.saved()?;
        let table = state.expect(self.name())?.table("groups", &StateTable::new(saved.columns()))?;
        for piece in table.pieces() {
            let slots = self.groups.intern(saved.key(piece), piece.num_rows())?;
            self.grow();
            saved.restore(piece, &mut self.counts, &mut self.values, &slots)?;
            if let Some(lifetime) = &mut self.lifetime {
                lifetime.restore(&slots, numbers(piece, 0)?);
            }
        }
        Ok(())
    }
}

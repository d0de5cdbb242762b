//! What groups are after a restart: those that have rows, and when each is forgotten.

use arrow::array::{ArrayRef, Int64Array};

use super::*;
use crate::operators::aggregate::{SavedGroups, numbers};
use crate::state::Snapshot;

impl GroupAggregate {
    fn saved(&self) -> Result<SavedGroups> {
        let touched = self.lifetime.as_ref().map(|_| Lifetime::column());
        SavedGroups::try_new(touched, &self.input, &self.key, &self.calls, self.retracts)
    }

    pub(super) fn save(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let saved = self.saved()?;
        let mut table = saved.table();
        let Self { groups, counts, values, lifetime, pieces, .. } = self;
        pieces.save(&mut table, epoch, counts.len(), |slots| {
            let slots: Vec<u32> = slots.filter(|slot| counts[*slot as usize] != 0).collect();
            saved.save(&slots, counts, values, &|slots| {
                let touched = lifetime.as_ref().map(|lifetime| lifetime.touched(slots));
                let mut columns: Vec<ArrayRef> = Vec::new();
                columns.extend(touched.map(|touched| Arc::new(Int64Array::from(touched)) as ArrayRef));
                columns.extend(groups.keys(slots)?);
                Ok(columns)
            })
        })?;
        Ok(Snapshot::of(self.name()).with_table("groups", table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        let saved = self.saved()?;
        for piece in state.expect(self.name())?.table("groups", &saved.table())?.read() {
            let piece = &piece?;
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

//! What was given of slots at the last barrier, in pieces of 4,096 slots, and which of these have changed since.

use super::piece::{Piece, PieceId, PieceRows};
use super::table::StateTable;
use crate::changelog::Epoch;
use crate::error::Result;

/// Pieces of the slots of one store. Those that have not changed are given again as they are.
#[derive(Debug, Default)]
pub struct SlotPieces {
    group: u64,
    /// By their place; of slots with many rows several.
    kept: Vec<Vec<Piece>>,
    changed: Vec<bool>,
    generation: u64,
}

const SLOTS: usize = StateTable::PIECE_ROWS;

impl SlotPieces {
    /// Of one of several stores whose rows are in one table.
    pub fn of_group(group: u64) -> Self {
        Self { group, ..Self::default() }
    }

    /// These slots change.
    #[inline]
    pub fn touch(&mut self, slots: &[u32]) {
        for slot in slots {
            let place = *slot as usize / SLOTS;
            match self.changed.get_mut(place) {
                Some(changed) => *changed = true,
                None => self.grow(place),
            }
        }
    }

    #[cold]
    fn grow(&mut self, place: usize) {
        self.changed.resize(place, false);
        self.changed.push(true);
    }

    /// Every slot has changed.
    pub fn touch_all(&mut self) {
        self.changed.fill(true);
        self.kept.clear();
    }

    /// Adds the rows of all `slots` slots to a table. `save` makes those of a range of slots, in pieces of not too many
    /// rows.
    pub fn save(
        &mut self,
        table: &mut StateTable,
        epoch: Epoch,
        slots: usize,
        mut save: impl FnMut(std::ops::Range<u32>) -> Result<Vec<PieceRows>>,
    ) -> Result<()> {
        self.generation = epoch.0.max(self.generation + 1);
        let places = slots.div_ceil(SLOTS);
        self.changed.resize(places, false);
        for place in 0..places {
            let known = place < self.kept.len();
            if !known || self.changed[place] {
                let id = |part| PieceId {
                    group: self.group,
                    place: place as u32,
                    part: part as u32,
                    generation: self.generation,
                };
                let range = (place * SLOTS) as u32..slots.min((place + 1) * SLOTS) as u32;
                let pieces = save(range)?.into_iter().enumerate();
                let pieces: Vec<Piece> = pieces.map(|(part, rows)| Piece::new(Some(id(part)), rows)).collect();
                match known {
                    true => self.kept[place] = pieces,
                    false => self.kept.push(pieces),
                }
            }
            table.extend(&self.kept[place]);
        }
        self.changed.fill(false);
        Ok(())
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.kept.iter().flatten().map(Piece::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::datatypes::DataType;

    use super::*;

    fn table() -> StateTable {
        StateTable::new([("v".to_string(), DataType::Int64)])
    }

    /// What is saved of these values, where 0 stands for a slot without a row, and how many rows were made for it.
    fn save(pieces: &mut SlotPieces, epoch: u64, values: &[i64]) -> (StateTable, usize) {
        let (mut saved, mut made) = (table(), 0);
        let rows = |range: std::ops::Range<u32>| {
            let of_range = values[range.start as usize..range.end as usize].iter().copied().filter(|v| *v != 0);
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(of_range));
            made += column.len();
            Ok(vec![table().rows(vec![column])?])
        };
        pieces.save(&mut saved, Epoch(epoch), values.len(), rows).unwrap();
        (saved, made)
    }

    fn ids(table: &StateTable) -> Vec<String> {
        table.pieces().iter().map(|piece| piece.id().unwrap().to_string()).collect()
    }

    #[test]
    fn only_pieces_with_slots_that_were_touched_are_made_anew() {
        let (mut pieces, mut values) = (SlotPieces::of_group(7), vec![1; 10_000]);
        pieces.touch(&[0, 9_999]);
        let (first, made) = save(&mut pieces, 3, &values);
        assert_eq!((made, ids(&first)), (10_000, vec!["7-0-0-3".into(), "7-1-0-3".into(), "7-2-0-3".into()]));
        let (same, made) = save(&mut pieces, 4, &values);
        assert_eq!((made, ids(&same)), (0, ids(&first)));
        assert_eq!(same, first);
        values[5_000] = 2;
        values[5_001] = 0;
        pieces.touch(&[5_000, 5_001]);
        let (changed, made) = save(&mut pieces, 5, &values);
        assert_eq!((made, ids(&changed)), (4_095, vec!["7-0-0-3".into(), "7-1-0-5".into(), "7-2-0-3".into()]));
        assert_eq!(same, first, "what was given stays what it is");
        assert!(pieces.memory() >= 10_000 * size_of::<i64>());
        values.extend(vec![3; 10_000]);
        pieces.touch(&[10_000, 12_288, 16_384]);
        let (grown, made) = save(&mut pieces, 7, &values);
        assert_eq!((made, grown.pieces().len()), (4_096 * 2 + 3_616, 5));
        pieces.touch(&[1]);
        let (again, _) = save(&mut pieces, 7, &values);
        assert_ne!(ids(&again)[0], ids(&grown)[0], "an epoch that comes again");
    }
}

//! Known pieces: those that the last checkpoint names, so that the next one need not write them again.

use std::collections::HashMap;

use super::data::PieceRef;
use super::state::Owner;
use crate::state::PieceId;

/// Whose piece it is, of which table, and which.
type Name = (String, usize, String, PieceId);

/// Where the pieces of a checkpoint lie that stay what they are while their ids do. Ids are those of operators that run:
/// a new attempt knows nothing.
#[derive(Debug, Clone, Default)]
pub struct KnownPieces {
    pieces: HashMap<Name, PieceRef>,
    /// Bytes of these pieces in each file: those of today, and those that it was written with.
    files: HashMap<String, FileBytes>,
}

#[derive(Debug, Clone, Copy, Default)]
struct FileBytes {
    live: u64,
    written: u64,
}

impl KnownPieces {
    /// Where a piece lies; `None`: it is to be written. Where less than half of its file is still needed, it is, too, so
    /// that the file can go.
    pub fn find(&self, owner: &Owner, table: &str, id: PieceId) -> Option<&PieceRef> {
        let piece = self.pieces.get(&name(owner, table, id))?;
        let bytes = self.files.get(&piece.file)?;
        (bytes.live * 2 >= bytes.written).then_some(piece)
    }

    /// Notes a piece of the checkpoint that follows on `before`.
    pub fn note(&mut self, before: &Self, owner: &Owner, table: &str, id: PieceId, piece: &PieceRef) {
        let written = before.files.get(&piece.file).map(|bytes| bytes.written);
        let bytes = self.files.entry(piece.file.clone()).or_default();
        bytes.live += piece.length;
        bytes.written = written.unwrap_or(bytes.live);
        self.pieces.insert(name(owner, table, id), piece.clone());
    }
}

fn name(owner: &Owner, table: &str, id: PieceId) -> Name {
    (owner.identity.clone(), owner.subtask, table.to_string(), id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::datatypes::DataType;

    use super::super::data::{DataReader, DataWriter};
    use super::super::manifest::OperatorState;
    use super::super::state::{read_snapshot, write_snapshot};
    use super::super::store::Store;
    use super::*;
    use crate::changelog::Epoch;
    use crate::state::{SlotPieces, Snapshot, StateTable};

    /// An operator with four pieces of numbers.
    struct Numbers {
        pieces: SlotPieces,
        values: Vec<i64>,
    }

    impl Numbers {
        fn set(&mut self, slot: u32, value: i64) {
            self.values[slot as usize] = value;
            self.pieces.touch(&[slot]);
        }

        fn snapshot(&mut self, epoch: u64) -> Snapshot {
            let empty = || StateTable::new([("v".to_string(), DataType::Int64)]).keyed(vec![0]);
            let mut table = empty();
            let rows = |range: std::ops::Range<u32>| {
                let of_range = &self.values[range.start as usize..range.end as usize];
                let column: ArrayRef = Arc::new(Int64Array::from(of_range.to_vec()));
                Ok(vec![empty().rows(vec![column])?])
            };
            self.pieces.save(&mut table, Epoch(epoch), self.values.len(), rows).unwrap();
            Snapshot::of("Numbers").with_number("seen", epoch as i64).with_table("numbers", table)
        }
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_written_again_until_little_of_its_file_is_needed() {
        let owner = Owner { identity: "n".into(), about: "n".into(), subtask: 0, parallelism: 1 };
        let store = Store::memory();
        let mut numbers = Numbers { pieces: SlotPieces::default(), values: (0..4 * 4_096).collect() };
        let (mut known, mut files) = (KnownPieces::default(), Vec::new());
        for (epoch, changed) in [vec![], vec![], vec![1], vec![2, 4_096], vec![9_000], vec![]].into_iter().enumerate() {
            changed.into_iter().for_each(|slot| numbers.set(slot, -(epoch as i64)));
            let snapshot = numbers.snapshot(epoch as u64);
            let (mut writer, mut noted) = (DataWriter::new(format!("{epoch}")), KnownPieces::default());
            let state: OperatorState = write_snapshot(&mut writer, &owner, &snapshot, &known, &mut noted).unwrap();
            writer.write(&store, "data").await.unwrap();
            known = noted;
            let read = read_snapshot(&mut DataReader::new(&store, "data"), &state).await.unwrap();
            assert_eq!(read, snapshot, "epoch {epoch}");
            let pieces = state.tables[0].pieces.iter().map(|piece| piece.file.trim_end_matches("-0").to_string());
            files.push(pieces.collect::<Vec<_>>().join(" "));
        }
        // Behind epoch 4 one of the four pieces of the first file is left.
        assert_eq!(files, ["0 0 0 0", "0 0 0 0", "2 0 0 0", "3 3 0 0", "3 3 4 0", "3 3 4 5"]);
        let other = Owner { subtask: 1, ..owner.clone() };
        let id = numbers.snapshot(9).tables()["numbers"].pieces()[0].id().unwrap();
        assert!(known.find(&owner, "numbers", id).is_some());
        assert!(known.find(&other, "numbers", id).is_none() && known.find(&owner, "others", id).is_none());
    }
}

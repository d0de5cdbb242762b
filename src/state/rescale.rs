//! State at another parallelism: rows go to the subtask that owns their key group now.

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;

use super::key_group::{KEY_GROUPS, key_groups, subtask_of};
use super::snapshot::Snapshot;
use super::table::StateTable;
use crate::error::{Error, Result};

impl Snapshot {
    /// What `subtask` of `parallelism` must find again: of all subtasks that there were, in their order, the rows that
    /// belong to its key groups. At the same parallelism it is what the same subtask has given, untouched.
    ///
    /// Rows of subtasks whose numbers differ are not put into one: each stays a part of its own ([`Snapshot::parts`]),
    /// for only the operator knows what its numbers mean for them.
    ///
    /// # Errors
    /// State that has no key, and so can't be dealt out, of kind `State`.
    pub fn rescaled(parts: &[Self], subtask: usize, parallelism: usize) -> Result<Self> {
        if let (true, Some(same)) = (parts.len() == parallelism, parts.get(subtask)) {
            return Ok(same.clone());
        }
        let groups = 0..KEY_GROUPS as u8;
        let mine = |group: &u8| subtask_of(*group, parallelism) == subtask;
        let mut merged: Vec<Self> = Vec::new();
        for (before, part) in parts.iter().enumerate() {
            if !groups.clone().filter(mine).any(|group| subtask_of(group, parts.len()) == before) {
                continue;
            }
            let part = part.dealt(|group| mine(&group), subtask)?;
            match merged.iter_mut().find(|it| it.operator == part.operator && it.numbers == part.numbers) {
                Some(same) => same.append(&part),
                None => merged.push(part),
            }
        }
        match merged.len() {
            0 | 1 => Ok(merged.pop().unwrap_or_default()),
            _ => Ok(Self { operator: merged[0].operator.clone(), parts: merged, ..Self::default() }),
        }
    }

    /// The rows of these key groups.
    fn dealt(&self, mine: impl Fn(u8) -> bool, subtask: usize) -> Result<Self> {
        if self.tables.is_empty() && !self.numbers.is_empty() {
            return Err(self.without_key());
        }
        let mut dealt = Self { operator: self.operator.clone(), numbers: self.numbers.clone(), ..Self::default() };
        for (name, table) in &self.tables {
            let key = table.key().ok_or_else(|| self.without_key())?;
            let mut pieces = Vec::new();
            for rows in table.read() {
                let rows = rows?;
                let kept: BooleanArray = match key.is_empty() {
                    true => vec![subtask == 0; rows.num_rows()].into(),
                    false => key_groups(&rows, key)?.into_iter().map(|group| Some(mine(group))).collect(),
                };
                match kept.true_count() {
                    0 => {}
                    all if all == rows.num_rows() => pieces.push(rows),
                    _ => pieces.push(filter_record_batch(&rows, &kept)?),
                }
            }
            let table = StateTable::of_pieces(table.schema().clone(), table.key().map(<[usize]>::to_vec), pieces);
            dealt.tables.insert(name.clone(), table);
        }
        Ok(dealt)
    }

    /// Adds the rows of another subtask behind its own.
    fn append(&mut self, other: &Self) {
        for (name, table) in &other.tables {
            match self.tables.get_mut(name) {
                Some(own) => own.extend(table.pieces()),
                None => drop(self.tables.insert(name.clone(), table.clone())),
            }
        }
    }

    fn without_key(&self) -> Error {
        Error::state(format!("the state of {} can't be dealt out to another number of subtasks", self.operator))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Int64Type};

    use super::*;
    use crate::error::ErrorKind;

    fn table() -> StateTable {
        StateTable::new([("v".to_string(), DataType::Int64), ("key 0".to_string(), DataType::Utf8)]).keyed(vec![1])
    }

    fn state(values: &[i64], progress: i64) -> Snapshot {
        let mut table = table();
        for values in values.chunks(10) {
            let keys: ArrayRef = Arc::new(StringArray::from_iter_values(values.iter().map(|v| format!("k{v}"))));
            table.push(vec![Arc::new(Int64Array::from(values.to_vec())), keys]).unwrap();
        }
        Snapshot::of("GroupAggregate").with_number("progress", progress).with_table("groups", table)
    }

    fn values(state: &Snapshot) -> Vec<i64> {
        let tables = state.parts().iter().map(|part| part.table("groups", &table()).unwrap());
        let pieces = tables.flat_map(|table| table.read().map(Result::unwrap).collect::<Vec<_>>());
        pieces.flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    fn deal(states: &[Snapshot], parallelism: usize) -> Vec<Snapshot> {
        (0..parallelism).map(|subtask| Snapshot::rescaled(states, subtask, parallelism).unwrap()).collect()
    }

    #[test]
    fn every_row_goes_to_the_owner_of_its_key_group() {
        let all: Vec<i64> = (0..1000).collect();
        let one = [state(&all, 5)];
        for (first, second) in [(3, 2), (2, 7), (128, 5), (1, 1)] {
            let dealt = deal(&one, first);
            let again = deal(&dealt, second);
            let sorted = |state: &Snapshot| {
                let mut values = values(state);
                values.sort_unstable();
                values
            };
            let direct: Vec<Vec<i64>> = deal(&one, second).iter().map(sorted).collect();
            assert_eq!(again.iter().map(sorted).collect::<Vec<_>>(), direct, "{first} to {second}");
            let mut found: Vec<i64> = direct.concat();
            found.sort_unstable();
            assert_eq!(found, all);
            for (subtask, state) in again.iter().enumerate() {
                for rows in state.table("groups", &table()).unwrap().read().map(Result::unwrap) {
                    assert!(key_groups(&rows, &[1]).unwrap().into_iter().all(|g| subtask_of(g, second) == subtask));
                }
            }
        }
    }

    #[test]
    fn the_same_parallelism_leaves_all_as_it_was() {
        let states = [state(&[1, 2], 3), state(&[4], 5)];
        assert_eq!(deal(&states, 2), states, "whatever the key groups");
        let unkeyed = [Snapshot::of("Limit").with_number("seen", 3)];
        assert_eq!(deal(&unkeyed, 1), unkeyed);
        assert_eq!(Snapshot::rescaled(&unkeyed, 0, 2).unwrap_err().kind(), ErrorKind::State);
        assert_eq!(deal(&[Snapshot::default()], 2), [Snapshot::default(), Snapshot::default()]);
    }

    #[test]
    fn subtasks_whose_numbers_differ_stay_apart() {
        let all: Vec<i64> = (0..1000).collect();
        let mut states = deal(&[state(&all, 5)], 3);
        states[1].numbers.insert("progress".to_string(), 7);
        let halves = deal(&states, 2);
        let told = |half: &Snapshot| half.parts().iter().map(|p| p.number("progress").unwrap()).collect::<Vec<_>>();
        assert_eq!(told(&halves[0]), [5, 7]);
        assert_eq!(told(&halves[1]), [7, 5]);
        let one = Snapshot::rescaled(&states, 0, 1).unwrap();
        assert_eq!(told(&one), [5, 7], "the first and the third are one");
        assert_eq!(values(&one).len(), 1000);
    }
}

//! A run of rows that are answered one by one: what each does to its group, and where the result before it stands.

use super::changes::{Changes, Tells};
use super::seen::{EMPTIED, Seen};
use crate::changelog::RowKind;

/// Rows up to one of a group that has become empty on the way.
#[derive(Default)]
pub struct Run {
    steps: Vec<Step>,
    /// 1: added, -1: taken back, 0: left out, for there is nothing to take back from.
    pub signs: Vec<i8>,
    /// True where every row is added.
    pub added: bool,
    /// Where the result before each row stands: behind an earlier row of the run, or among those of `firsts` behind all.
    pub positions: Vec<u32>,
    /// The slots in the order of their first rows.
    pub firsts: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    First,
    Update,
    Last,
}

/// Marks a position among those of `firsts` while the length of the run is not known.
const OLD: u32 = 1 << 31;

impl Run {
    /// Counts rows into `counts`.
    pub fn count(&mut self, slots: &[u32], kinds: Option<&[RowKind]>, counts: &mut [i64], seen: &mut Seen) {
        self.steps.clear();
        self.signs.clear();
        self.positions.clear();
        self.firsts.clear();
        self.added = kinds.is_none();
        seen.begin(counts.len());
        for (row, &slot) in slots.iter().enumerate() {
            let position = match seen.meet(slot, row as u32) {
                Some(EMPTIED) => break,
                Some(row) => row,
                None => {
                    self.firsts.push(slot);
                    OLD | (self.firsts.len() - 1) as u32
                }
            };
            let count = &mut counts[slot as usize];
            let before = *count;
            let sign = match kinds {
                Some(kinds) if !kinds[row].is_addition() => -i8::from(before != 0),
                _ => 1,
            };
            *count += i64::from(sign);
            self.steps.push(match (before, *count) {
                (0, 0) => Step::Nothing,
                (0, _) => Step::First,
                (_, 0) => {
                    seen.set(slot, EMPTIED);
                    Step::Last
                }
                _ => Step::Update,
            });
            self.signs.push(sign);
            self.positions.push(position);
        }
        let rows = self.positions.len() as u32;
        for position in &mut self.positions {
            if *position & OLD != 0 {
                *position = rows + (*position & !OLD);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// What follows from each row. `same`: which rows have left all results as they were.
    pub fn changes(&self, same: &[bool], tells: Tells) -> Changes {
        let mut changes = Changes::with_capacity(self.len() * if tells.before { 2 } else { 1 });
        for (row, step) in self.steps.iter().enumerate() {
            let (now, was) = (row as u32, self.positions[row]);
            match step {
                Step::Nothing => {}
                Step::First => changes.push(row, now, RowKind::Insert),
                Step::Last => changes.push(row, was, RowKind::Delete),
                Step::Update if same[row] && !tells.same => {}
                Step::Update => changes.update(row, was, now, tells),
            }
        }
        changes
    }

    /// The slots that have become empty.
    pub fn emptied(&self, slots: &[u32]) -> Vec<u32> {
        let lasts = self.steps.iter().zip(slots).filter(|(step, _)| **step == Step::Last);
        lasts.map(|(_, slot)| *slot).collect()
    }
}

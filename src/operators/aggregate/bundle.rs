//! Groups that have changed and were not told of yet, each with its result before: what is told is the net change.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;

use super::changes::{Changes, Tells, mark_same};
use super::seen::{EMPTIED, Seen};
use crate::changelog::RowKind;
use crate::error::{Error, Result};

/// When the groups of a bundle are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleEnd {
    /// Behind every micro-batch.
    MicroBatch,
    /// After so many rows, and before watermarks, barriers and the end.
    Rows(usize),
}

/// Slots in the order of their first rows.
pub struct Bundle {
    end: BundleEnd,
    slots: Vec<u32>,
    /// How many rows each had.
    before: Vec<i64>,
    /// The results of each, by call, in pieces.
    old: Vec<Vec<ArrayRef>>,
    rows: usize,
    /// Slots from here on are still to be told.
    told: usize,
}

/// What a piece of rows does to groups.
pub struct Piece {
    /// How many rows it has.
    pub rows: usize,
    /// As those of a run; none where every row is added.
    pub signs: Option<Vec<i8>>,
    /// Slots that are new to the bundle.
    pub fresh: Vec<u32>,
    /// Slots that have become empty.
    pub emptied: Vec<u32>,
}

/// Groups that are told at once.
const CHUNK: usize = 16_384;

impl Bundle {
    pub fn new(end: BundleEnd, calls: usize) -> Self {
        Self { end, slots: Vec::new(), before: Vec::new(), old: vec![Vec::new(); calls], rows: 0, told: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many rows it still takes.
    pub fn room(&self) -> usize {
        match self.end {
            BundleEnd::MicroBatch => usize::MAX,
            BundleEnd::Rows(rows) => rows.saturating_sub(self.rows),
        }
    }

    /// True where it is told when a micro-batch has been applied.
    pub fn ends_with_batch(&self) -> bool {
        self.end == BundleEnd::MicroBatch
    }

    /// Counts rows into `counts`, up to one of a group that has become empty on the way.
    pub fn count(&mut self, slots: &[u32], kinds: Option<&[RowKind]>, counts: &mut [i64], seen: &mut Seen) -> Piece {
        if self.is_empty() {
            seen.begin(counts.len());
        }
        seen.grow(counts.len());
        let (mut fresh, mut emptied, mut rows) = (Vec::new(), Vec::new(), 0);
        let mut signs = kinds.map(|_| Vec::with_capacity(slots.len()));
        for &slot in slots {
            let count = &mut counts[slot as usize];
            match seen.meet(slot, 0) {
                Some(EMPTIED) => break,
                Some(_) => {}
                None => {
                    fresh.push(slot);
                    self.before.push(*count);
                }
            }
            match (kinds, &mut signs) {
                (Some(kinds), Some(signs)) => {
                    let sign = if kinds[rows].is_addition() { 1 } else { -i8::from(*count != 0) };
                    *count += i64::from(sign);
                    if sign < 0 && *count == 0 {
                        seen.set(slot, EMPTIED);
                        emptied.push(slot);
                    }
                    signs.push(sign);
                }
                _ => *count += 1,
            }
            rows += 1;
        }
        emptied.iter().for_each(|slot| seen.set(*slot, 0));
        self.begin(&fresh, rows);
        Piece { rows, signs, fresh, emptied }
    }

    /// As [`Bundle::count`], of groups that were put together before: `added` says by how many rows each.
    pub fn count_partials(&mut self, slots: &[u32], added: &[i64], counts: &mut [i64], seen: &mut Seen) -> Piece {
        if self.is_empty() {
            seen.begin(counts.len());
        }
        seen.grow(counts.len());
        let mut fresh = Vec::new();
        for (slot, added) in slots.iter().zip(added) {
            let count = &mut counts[*slot as usize];
            if seen.meet(*slot, 0).is_none() {
                fresh.push(*slot);
                self.before.push(*count);
            }
            *count += added;
        }
        self.begin(&fresh, slots.len());
        Piece { rows: slots.len(), signs: None, fresh, emptied: Vec::new() }
    }

    fn begin(&mut self, fresh: &[u32], rows: usize) {
        self.slots.extend_from_slice(fresh);
        self.rows += rows;
    }

    /// Keeps the results of a call that the fresh slots of a piece had before it.
    pub fn keep(&mut self, call: usize, old: ArrayRef) {
        if !old.is_empty() {
            self.old[call].push(old);
        }
    }

    /// The next groups to be told, by their places; `None`: all were.
    pub fn next(&mut self) -> Result<Option<Range<usize>>> {
        if self.told >= self.slots.len() {
            return Ok(None);
        }
        for pieces in self.old.iter_mut().filter(|pieces| pieces.len() > 1) {
            let arrays: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            *pieces = vec![concat(&arrays)?];
        }
        let start = self.told;
        self.told = self.slots.len().min(start + CHUNK);
        Ok(Some(start..self.told))
    }

    pub fn slots(&self, places: Range<usize>) -> &[u32] {
        &self.slots[places]
    }

    /// The results of a call: those before, then the `new` ones. Leaves true in `same` what has not changed.
    pub fn results(
        &self,
        call: usize,
        places: Range<usize>,
        new: &ArrayRef,
        collected: bool,
        same: &mut [bool],
    ) -> Result<ArrayRef> {
        let old = self.old[call].first().ok_or_else(|| Error::internal("a bundle without the results before it"))?;
        let old = old.slice(places.start, places.len());
        let positions: Vec<u32> = (0..new.len() as u32).collect();
        mark_same(&old, &positions, new, collected, same)?;
        Ok(concat(&[&old, new])?)
    }

    /// The net changes of these groups, over [`Bundle::results`].
    pub fn changes(&self, places: Range<usize>, counts: &[i64], same: &[bool], tells: Tells) -> Changes {
        let rows = places.len();
        let mut changes = Changes::with_capacity(rows * if tells.before { 2 } else { 1 });
        for (row, place) in places.enumerate() {
            let (was, now) = (row as u32, (rows + row) as u32);
            match (self.before[place], counts[self.slots[place] as usize]) {
                (0, 0) => {}
                (0, _) => changes.push(row, now, RowKind::Insert),
                (_, 0) => changes.push(row, was, RowKind::Delete),
                _ if same[row] && !tells.same => {}
                _ => changes.update(row, was, now, tells),
            }
        }
        changes
    }

    /// Everything was told: gives the slots.
    pub fn finish(&mut self) -> Vec<u32> {
        self.before.clear();
        self.old.iter_mut().for_each(Vec::clear);
        (self.rows, self.told) = (0, 0);
        std::mem::take(&mut self.slots)
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        let old: usize = self.old.iter().flatten().map(|old| old.get_array_memory_size()).sum();
        self.slots.capacity() * size_of::<u32>() + self.before.capacity() * size_of::<i64>() + old
    }
}

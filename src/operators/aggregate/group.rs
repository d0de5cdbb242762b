//! `GROUP BY` without windows: a result per group, told anew whenever it changes.
//!
//! The first row of a group gives `+I`; a row that changes its result `-U` and `+U` (only `+U` where nobody needs the
//! old one); a row that changes nothing gives nothing. Where the input takes rows back, the last one gives `-D`, and what
//! is retracted from a group that has no rows is dropped. With a [`Bundle`] only the net change of each group is told,
//! when the bundle ends. State: key, number of rows and running values of every group, for ever or, with a time to live,
//! until no row has come for so long; a group that is forgotten begins anew, and a row that changes nothing tells the
//! result again, so that what lives as long behind stays. Watermarks and barriers: behind what they end.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::bundle::{Bundle, BundleEnd};
use super::call::AggregateCall;
use super::changes::{Tells, mark_same};
use super::keys::GroupKeys;
use super::lifetime::Lifetime;
use super::run::Run;
use super::seen::Seen;
use crate::changelog::{ChangelogBatch, Epoch};
use crate::error::{Error, Result};
use crate::functions::aggregate::{Accumulator, Signs};
use crate::operators::{Operator, Output, Progress, StateSize};
use crate::state::{SlotPieces, Snapshot};
use crate::time::Watermark;

/// Groups rows by columns of the input; the result is the key followed by the calls' values.
pub struct GroupAggregate {
    input: SchemaRef,
    key: Vec<usize>,
    groups: GroupKeys,
    calls: Vec<AggregateCall>,
    values: Vec<Box<dyn Accumulator>>,
    /// How many rows each slot has.
    counts: Vec<i64>,
    /// Whether the input may take rows back.
    retracts: bool,
    /// Whether the old result of an update is told, too.
    tells_before: bool,
    schema: SchemaRef,
    /// When each slot is forgotten; without a time to live there is nothing to know.
    lifetime: Option<Lifetime>,
    /// What was given at the last barrier.
    pieces: SlotPieces,
    /// What is left of the last batch.
    rest: Option<Rest>,
    /// Slots without rows, to be freed when no row of the last batch may need them.
    emptied: Vec<u32>,
    /// Rows to be answered at once: fewer where results are large, as lists of all values are.
    rows_max: usize,
    seen: Seen,
    run: Run,
    /// Changes that are not told yet, where not each is told by itself.
    bundle: Option<Bundle>,
    /// The bundle has ended and is being told.
    telling: bool,
    /// Of groups that were put together in front, the position of the column that counts their rows.
    partials: Option<usize>,
    /// What goes on when all is told.
    watermark: Option<Watermark>,
    /// When groups were to be forgotten, once all is told.
    sweep_ms: Option<i64>,
}

/// The bytes that the results of one run of rows should not exceed by much.
const RUN_BYTES: usize = 8 << 20;

/// A batch of which the rows from `row` on are still to be applied.
struct Rest {
    batch: ChangelogBatch,
    slots: Vec<u32>,
    row: usize,
}

impl GroupAggregate {
    /// `retracts`: the input may take rows back. `schema` is what comes out.
    pub fn try_new(
        input: &SchemaRef,
        key: Vec<usize>,
        calls: Vec<AggregateCall>,
        retracts: bool,
        tells_before: bool,
        schema: SchemaRef,
    ) -> Result<Self> {
        let values = calls.iter().map(|call| call.accumulator(retracts)).collect::<Result<_>>()?;
        let groups = GroupKeys::try_new(input, &key)?;
        Ok(Self {
            input: input.clone(),
            key,
            groups,
            calls,
            values,
            counts: Vec::new(),
            retracts,
            tells_before,
            schema,
            lifetime: None,
            pieces: SlotPieces::default(),
            rest: None,
            emptied: Vec::new(),
            rows_max: 256,
            seen: Seen::default(),
            run: Run::default(),
            bundle: None,
            telling: false,
            partials: None,
            watermark: None,
            sweep_ms: None,
        })
    }

    /// With a time to live of groups.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let lifetime = ttl.and_then(|ttl| i64::try_from(ttl.as_millis()).ok()).map(Lifetime::new);
        Self { lifetime, ..self }
    }

    /// Tells net changes alone.
    pub fn with_bundles(self, end: Option<BundleEnd>) -> Self {
        let bundle = end.map(|end| Bundle::new(end, self.calls.len()));
        Self { bundle, ..self }
    }

    /// Over groups that [`super::LocalGroupAggregate`] has put together, in bundles: at this position is how many rows
    /// each has, their states behind it.
    pub fn of_partials(self, counts: Option<usize>) -> Self {
        Self { partials: counts, ..self }
    }

    /// Gives every slot room.
    fn grow(&mut self) {
        self.counts.resize(self.groups.slots(), 0);
        for values in &mut self.values {
            values.grow(self.groups.slots());
        }
    }

    /// Forgets groups whose time is over.
    fn forget(&mut self, slots: &[u32]) {
        self.pieces.touch(slots);
        self.values.iter_mut().for_each(|values| values.clear(slots));
        slots.iter().for_each(|slot| self.counts[*slot as usize] = 0);
    }

    fn begin(&mut self, batch: ChangelogBatch) -> Result<()> {
        let key_columns: Vec<ArrayRef> = self.key.iter().map(|&column| batch.rows().column(column).clone()).collect();
        let slots = self.groups.intern(&key_columns, batch.num_rows())?;
        self.pieces.touch(&slots);
        self.grow();
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.touch(&slots, &self.counts);
            self.forget(&over);
        }
        self.rest = Some(Rest { batch, slots, row: 0 });
        Ok(())
    }

    fn go_on(&mut self, out: &mut Output) -> Result<Progress> {
        loop {
            if self.telling && self.tell(out)? == Progress::More {
                return Ok(Progress::More);
            }
            match self.rest.take() {
                None => break,
                Some(rest) if self.bundle.is_some() => self.gather(rest)?,
                Some(rest) => {
                    if self.answer(rest, out)? == Progress::More {
                        return Ok(Progress::More);
                    }
                }
            }
        }
        self.free();
        if let (Some(now_ms), Some(lifetime)) = (self.sweep_ms.take(), &mut self.lifetime) {
            let over = lifetime.sweep(now_ms, &self.counts);
            self.forget(&over);
            self.groups.remove(&over);
        }
        if let Some(watermark) = self.watermark.take() {
            out.watermark(watermark);
        }
        Ok(Progress::Done)
    }

    /// Answers row by row.
    fn answer(&mut self, mut rest: Rest, out: &mut Output) -> Result<Progress> {
        let mut run = std::mem::take(&mut self.run);
        while rest.row < rest.slots.len() {
            if out.is_full() {
                (self.rest, self.run) = (Some(rest), run);
                return Ok(Progress::More);
            }
            let most = rest.slots.len().min(rest.row + self.rows_max);
            let kinds = rest.batch.kinds().map(|kinds| &kinds[rest.row..most]);
            run.count(&rest.slots[rest.row..most], kinds, &mut self.counts, &mut self.seen);
            let rows = rest.batch.rows().slice(rest.row, run.len());
            let slots = &rest.slots[rest.row..rest.row + run.len()];
            let bytes = self.apply(&rows, slots, &run, out)?;
            // A group without rows is forgotten; a later row of its key begins anew.
            let emptied = run.emptied(slots);
            if !emptied.is_empty() {
                self.values.iter_mut().for_each(|values| values.clear(&emptied));
            }
            rest.row += run.len();
            // Results may grow with every row, so that what they took says little about many more.
            self.rows_max = (RUN_BYTES / (bytes / run.len()).max(1)).clamp(1, self.rows_max * 2);
            if bytes >= RUN_BYTES {
                (self.rest, self.run) = (Some(rest), run);
                return Ok(Progress::More);
            }
        }
        self.run = run;
        self.empty(rest.slots);
        Ok(Progress::Done)
    }

    /// Empties those of these slots that have no rows.
    fn empty(&mut self, mut slots: Vec<u32>) {
        if self.retracts {
            slots.retain(|slot| self.counts[*slot as usize] == 0);
            slots.sort_unstable();
            slots.dedup();
            self.values.iter_mut().for_each(|values| values.clear(&slots));
            self.emptied.append(&mut slots);
        }
    }

    /// Frees slots that have no rows, but for those that the bundle at hand knows.
    fn free(&mut self) {
        let mut slots = std::mem::take(&mut self.emptied);
        let bundled = self.bundle.as_ref().is_some_and(|bundle| !bundle.is_empty());
        slots.retain(|slot| self.counts[*slot as usize] == 0 && !(bundled && self.seen.has(*slot)));
        self.groups.remove(&slots);
    }

    /// Applies rows and says what follows from each; gives the bytes of the results.
    fn apply(&mut self, rows: &RecordBatch, slots: &[u32], run: &Run, out: &mut Output) -> Result<usize> {
        let mut results: Vec<ArrayRef> = Vec::with_capacity(self.calls.len());
        let mut same = vec![true; slots.len()];
        for (call, values) in self.calls.iter().zip(&mut self.values) {
            let old = values.evaluate(&run.firsts)?;
            let filtered = call.filtered(rows, &run.signs)?;
            let signs = match &filtered {
                Some(signs) => Signs::Each(signs),
                None if run.added => Signs::Added,
                None => Signs::Each(&run.signs),
            };
            let new = values.update_each(slots, &call.arguments(rows), signs)?;
            // The results behind each row, then those before the first row of each slot.
            let all = concat(&[&new, &old])?;
            mark_same(&all, &run.positions, &new, call.function.keeps_nulls(), &mut same)?;
            results.push(all);
        }
        let key: Vec<ArrayRef> = self.key.iter().map(|&column| rows.column(column).clone()).collect();
        out.emit(run.changes(&same, self.tells()).batch(&key, &results, &self.schema)?);
        Ok(results.iter().map(|result| result.get_array_memory_size()).sum())
    }

    fn tells(&self) -> Tells {
        Tells { before: self.tells_before, same: self.lifetime.is_some() }
    }

    /// Applies rows until the bundle ends.
    fn gather(&mut self, mut rest: Rest) -> Result<()> {
        let Some(mut bundle) = self.bundle.take() else { return Ok(()) };
        while rest.row < rest.slots.len() && bundle.room() > 0 {
            let most = rest.slots.len().min(rest.row.saturating_add(bundle.room()));
            rest.row += self.add(&rest, most, &mut bundle)?;
        }
        let is_applied = rest.row == rest.slots.len();
        self.telling = bundle.room() == 0 || (is_applied && bundle.ends_with_batch());
        self.bundle = Some(bundle);
        if !is_applied {
            self.rest = Some(rest);
        }
        Ok(())
    }

    /// Applies rows up to `most`; gives how many.
    fn add(&mut self, rest: &Rest, most: usize, bundle: &mut Bundle) -> Result<usize> {
        let slots = &rest.slots[rest.row..most];
        let Some(at) = self.partials else {
            let kinds = rest.batch.kinds().map(|kinds| &kinds[rest.row..most]);
            let piece = bundle.count(slots, kinds, &mut self.counts, &mut self.seen);
            let (slots, rows) = (&slots[..piece.rows], rest.batch.rows().slice(rest.row, piece.rows));
            let added =
                if self.calls.iter().any(|call| call.filter.is_some()) { vec![1; piece.rows] } else { Vec::new() };
            for (i, (call, values)) in self.calls.iter().zip(&mut self.values).enumerate() {
                bundle.keep(i, values.evaluate(&piece.fresh)?);
                let filtered = call.filtered(&rows, piece.signs.as_deref().unwrap_or(&added))?;
                let signs = match (&filtered, &piece.signs) {
                    (Some(signs), _) | (None, Some(signs)) => Signs::Each(signs),
                    (None, None) => Signs::Added,
                };
                values.update(slots, &call.arguments(&rows), signs)?;
                if !piece.emptied.is_empty() {
                    values.clear(&piece.emptied);
                }
            }
            return Ok(piece.rows);
        };
        let rows = rest.batch.rows().slice(rest.row, slots.len());
        let added = rows.column(at).as_any().downcast_ref::<Int64Array>();
        let added = added.ok_or_else(|| Error::internal("counts of another type"))?;
        let piece = bundle.count_partials(slots, added.values(), &mut self.counts, &mut self.seen);
        let mut states = &rows.columns()[at + 1..];
        for (i, values) in self.values.iter_mut().enumerate() {
            bundle.keep(i, values.evaluate(&piece.fresh)?);
            let width = values.state(&[])?.len();
            let torn = || Error::internal("a state without all its columns");
            let (state, behind) = states.split_at_checked(width).ok_or_else(torn)?;
            values.merge(slots, state)?;
            states = behind;
        }
        Ok(piece.rows)
    }

    /// Tells the net changes of a bundle.
    fn tell(&mut self, out: &mut Output) -> Result<Progress> {
        let Some(bundle) = &mut self.bundle else { return Ok(Progress::Done) };
        let tells = Tells { before: self.tells_before, same: self.lifetime.is_some() };
        while !out.is_full() {
            let Some(places) = bundle.next()? else {
                let slots = bundle.finish();
                self.telling = false;
                self.empty(slots);
                return Ok(Progress::Done);
            };
            let slots = bundle.slots(places.clone());
            let mut same = vec![true; slots.len()];
            let mut results = Vec::with_capacity(self.calls.len());
            for (i, (call, values)) in self.calls.iter().zip(&self.values).enumerate() {
                let new = values.evaluate(slots)?;
                results.push(bundle.results(i, places.clone(), &new, call.function.keeps_nulls(), &mut same)?);
            }
            let changes = bundle.changes(places.clone(), &self.counts, &same, tells);
            out.emit(changes.batch(&self.groups.keys(slots)?, &results, &self.schema)?);
        }
        Ok(Progress::More)
    }

    /// Ends the bundle at hand.
    fn end_bundle(&mut self) {
        self.telling = self.bundle.as_ref().is_some_and(|bundle| !bundle.is_empty());
    }
}

impl Operator for GroupAggregate {
    fn name(&self) -> &'static str {
        "GroupAggregate"
    }

    fn tell_time(&mut self, now_ms: i64) {
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.now_ms = now_ms;
        }
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        self.begin(batch)?;
        self.go_on(out)
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.watermark = Some(watermark);
        self.flush(out)
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress> {
        self.end_bundle();
        self.go_on(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        self.go_on(out)
    }

    /// Gives back the memory of groups whose time is over.
    fn on_time(&mut self, now_ms: i64, out: &mut Output) -> Result<Progress> {
        self.sweep_ms = Some(now_ms);
        self.flush(out)
    }

    fn next_timer(&self) -> Option<i64> {
        self.lifetime.as_ref().and_then(|lifetime| lifetime.next_sweep_ms)
    }

    fn snapshot(&mut self, epoch: Epoch) -> Result<Snapshot> {
        self.save(epoch)
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        self.load(state)
    }

    fn state_size(&self) -> Option<StateSize> {
        let values: usize = self.values.iter().map(|values| values.memory()).sum();
        let lifetime = self.lifetime.as_ref().map_or(0, Lifetime::memory);
        let notes = self.seen.memory() + self.bundle.as_ref().map_or(0, Bundle::memory) + self.pieces.memory();
        let bytes = self.groups.memory() + self.counts.capacity() * size_of::<i64>() + values + lifetime + notes;
        Some(StateSize { keys: self.groups.len(), bytes })
    }
}

#[path = "group_state.rs"]
mod state;

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;

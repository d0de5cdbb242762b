//! Makes a whole changelog of upserts, or of changes that may come twice: keeps the last row of every key.
//!
//! The first row of a key gives `+I`, a later one `-U` and `+U` (only `+U` where nobody needs the old one), the same row
//! again nothing. A delete gives the row that is kept as `-D`, whatever it brings itself, and nothing where the key is
//! unknown; `-U` gives nothing, for its `+U` says it all. With a condition only rows that meet it are kept and told: one
//! that no longer does gives `-D`. State: the last row of every key, for ever or, with a time to live, until no row has
//! come for so long; then the same row again is told, so that what lives as long behind stays. Watermarks and barriers:
//! unchanged.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::physical_expr::PhysicalExpr;

use super::aggregate::{GroupKeys, Lifetime, numbers};
use super::{Operator, Output, Progress, StateSize, compute_parts, evaluation_error};
use crate::changelog::{ChangelogBatch, Epoch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::{ValueCodec, Values};
use crate::state::{SlotPieces, Snapshot, StateTable};

/// Keeps rows by key; what comes out has the columns of the input.
pub struct ChangelogNormalize {
    key: Vec<usize>,
    condition: Option<Arc<dyn PhysicalExpr>>,
    /// Whether the old row of an update is told, too.
    tells_before: bool,
    /// What comes out.
    schema: SchemaRef,
    codec: Arc<ValueCodec>,
    keys: GroupKeys,
    /// The last row of each slot.
    rows: Vec<Option<Box<[u8]>>>,
    /// How many rows each slot has: one or none.
    counts: Vec<i64>,
    /// The bytes of all rows.
    row_bytes: usize,
    /// When each slot is forgotten; without a time to live there is nothing to know.
    lifetime: Option<Lifetime>,
    /// What was given at the last barrier.
    pieces: SlotPieces,
}

/// What follows from the rows of a batch: rows of its own, and rows that were kept.
#[derive(Default)]
struct Changes {
    /// For each row whether it was kept, and its place among those or in the batch.
    places: Vec<(usize, usize)>,
    kinds: Vec<RowKind>,
    kept: Vec<Box<[u8]>>,
}

impl Changes {
    fn push_new(&mut self, row: usize, kind: RowKind) {
        self.places.push((0, row));
        self.kinds.push(kind);
    }

    fn push_kept(&mut self, row: Box<[u8]>, kind: RowKind) {
        self.places.push((1, self.kept.len()));
        self.kinds.push(kind);
        self.kept.push(row);
    }
}

impl ChangelogNormalize {
    /// `schema`: the columns; of rows that are taken back only those at `key` need be there.
    pub fn try_new(
        key: Vec<usize>,
        condition: Option<Arc<dyn PhysicalExpr>>,
        tells_before: bool,
        schema: SchemaRef,
    ) -> Result<Self> {
        let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        Ok(Self {
            keys: GroupKeys::try_new(&schema, &key)?,
            codec: Arc::new(ValueCodec::try_new(&types)?),
            key,
            condition,
            tells_before,
            schema,
            rows: Vec::new(),
            counts: Vec::new(),
            row_bytes: 0,
            lifetime: None,
            pieces: SlotPieces::default(),
        })
    }

    /// With a time to live of rows.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let lifetime = ttl.and_then(|ttl| i64::try_from(ttl.as_millis()).ok()).map(Lifetime::new);
        Self { lifetime, ..self }
    }

    /// Makes room for the slots of all keys.
    fn grow(&mut self) {
        self.rows.resize(self.keys.slots(), None);
        self.counts.resize(self.keys.slots(), 0);
    }

    /// What is saved: when rows came where they are forgotten, then their columns.
    fn table(&self) -> StateTable {
        let touched = self.lifetime.as_ref().map(|_| Lifetime::column());
        let before = usize::from(touched.is_some());
        let columns = self.schema.fields().iter().enumerate().map(|(i, field)| {
            let role = if self.key.contains(&i) { "key" } else { "column" };
            (format!("{role} {}", field.name()), field.data_type().clone())
        });
        let key = self.key.iter().map(|column| before + column).collect();
        StateTable::new(touched.into_iter().chain(columns)).keyed(key)
    }

    fn forget(&mut self, slots: &[u32]) {
        self.pieces.touch(slots);
        for slot in slots.iter().map(|slot| *slot as usize) {
            self.row_bytes -= self.rows[slot].take().map_or(0, |row| row.len());
            self.counts[slot] = 0;
        }
    }

    /// Which rows of a batch meet the condition.
    fn met(&self, batch: &RecordBatch) -> Result<Option<BooleanArray>> {
        let Some(condition) = &self.condition else { return Ok(None) };
        let values = condition.evaluate(batch).map_err(evaluation_error)?;
        let values = values.into_array(batch.num_rows()).map_err(evaluation_error)?;
        Ok(Some(values.as_boolean().clone()))
    }

    /// Takes rows in and says what follows; an error leaves all as it was.
    fn apply(&mut self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let met = self.met(batch.rows())?;
        let key: Vec<ArrayRef> = self.key.iter().map(|&column| batch.rows().column(column).clone()).collect();
        let slots = self.keys.intern(&key, batch.num_rows())?;
        self.pieces.touch(&slots);
        self.grow();
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.touch(&slots, &self.counts);
            self.forget(&over);
        }
        let encoded = self.codec.encode(batch.rows().columns())?;
        let mut changes = Changes::default();
        for (row, &slot) in slots.iter().enumerate() {
            let kept = &mut self.rows[slot as usize];
            match batch.kind(row) {
                RowKind::UpdateBefore => {}
                RowKind::Delete => {
                    if let Some(old) = kept.take() {
                        self.row_bytes -= old.len();
                        changes.push_kept(old, RowKind::Delete);
                    }
                }
                RowKind::Insert | RowKind::UpdateAfter => {
                    let (new, meets) =
                        (encoded.row(row), met.as_ref().is_none_or(|met| met.is_valid(row) && met.value(row)));
                    let old_bytes = kept.as_ref().map_or(0, |old| old.len());
                    match kept.take() {
                        None if meets => changes.push_new(row, RowKind::Insert),
                        None => continue,
                        Some(old) if self.lifetime.is_none() && *old == *new.as_ref() => {
                            *kept = Some(old);
                            continue;
                        }
                        Some(old) if meets => {
                            if self.tells_before {
                                changes.push_kept(old, RowKind::UpdateBefore);
                            }
                            changes.push_new(row, RowKind::UpdateAfter);
                        }
                        Some(old) => {
                            self.row_bytes -= old_bytes;
                            changes.push_kept(old, RowKind::Delete);
                            continue;
                        }
                    }
                    self.row_bytes = self.row_bytes - old_bytes + new.as_ref().len();
                    *kept = Some(new.as_ref().into());
                }
            }
        }
        for slot in slots.iter().map(|slot| *slot as usize) {
            self.counts[slot] = i64::from(self.rows[slot].is_some());
        }
        let mut empty = slots;
        empty.retain(|slot| self.rows[*slot as usize].is_none());
        empty.sort_unstable();
        empty.dedup();
        self.keys.remove(&empty);
        self.batch(batch.rows(), changes)
    }

    fn batch(&self, rows: &RecordBatch, changes: Changes) -> Result<ChangelogBatch> {
        let kept = self.codec.decode(changes.kept.iter().map(AsRef::as_ref))?;
        let columns = rows.columns().iter().zip(&kept);
        let columns = columns.map(|(new, kept)| interleave(&[new.as_ref(), kept.as_ref()], &changes.places));
        let options = RecordBatchOptions::new().with_row_count(Some(changes.kinds.len()));
        let rows =
            RecordBatch::try_new_with_options(self.schema.clone(), columns.collect::<Result<_, _>>()?, &options)?;
        Ok(ChangelogBatch::new(rows, changes.kinds))
    }
}

impl Operator for ChangelogNormalize {
    fn name(&self) -> &'static str {
        "ChangelogNormalize"
    }

    fn tell_time(&mut self, now_ms: i64) {
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.now_ms = now_ms;
        }
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        compute_parts(&batch, &mut |part| self.apply(part), &mut |_, changes| out.emit(changes))?;
        Ok(Progress::Done)
    }

    /// Gives back the memory of rows whose time is over.
    fn on_time(&mut self, now_ms: i64, _out: &mut Output) -> Result<Progress> {
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.sweep(now_ms, &self.counts);
            self.forget(&over);
            self.keys.remove(&over);
        }
        Ok(Progress::Done)
    }

    fn next_timer(&self) -> Option<i64> {
        self.lifetime.as_ref().and_then(|lifetime| lifetime.next_sweep_ms)
    }

    fn snapshot(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let (empty, mut table) = (self.table(), self.table());
        let Self { rows, lifetime, pieces, codec, .. } = self;
        pieces.save(&mut table, epoch, rows.len(), |range| {
            let mut slot = range.start;
            let piece = |run: &[Option<Box<[u8]>>]| {
                let mut copied = Values::default();
                run.iter().flatten().for_each(|row| copied.push(row));
                let slots = slot..slot + run.len() as u32;
                slot = slots.end;
                let touched = lifetime.as_ref().map(|lifetime| -> ArrayRef {
                    let slots: Vec<u32> = slots.filter(|slot| rows[*slot as usize].is_some()).collect();
                    Arc::new(Int64Array::from(lifetime.touched(&slots)))
                });
                let codec = codec.clone();
                let (rows, bytes) = (copied.len(), copied.memory());
                empty.rows_later(rows, bytes, move || {
                    Ok(touched.iter().cloned().chain(codec.decode(copied.iter())?).collect())
                })
            };
            let rows = &rows[range.start as usize..range.end as usize];
            let bytes = |row: &Option<Box<[u8]>>| row.as_ref().map_or(0, |row| row.len());
            Ok(StateTable::runs(rows, bytes).into_iter().map(piece).collect())
        })?;
        Ok(Snapshot::of(self.name()).with_table("rows", table))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        let table = self.table();
        for piece in state.expect(self.name())?.table("rows", &table)?.read() {
            let piece = &piece?;
            let rows = &piece.columns()[usize::from(self.lifetime.is_some())..];
            let key: Vec<ArrayRef> = self.key.iter().map(|&column| rows[column].clone()).collect();
            let slots = self.keys.intern(&key, piece.num_rows())?;
            self.grow();
            let encoded = self.codec.encode(rows)?;
            for (row, slot) in slots.iter().map(|slot| *slot as usize).enumerate() {
                let row: Box<[u8]> = encoded.row(row).as_ref().into();
                self.row_bytes += row.len();
                (self.rows[slot], self.counts[slot]) = (Some(row), 1);
            }
            if let Some(lifetime) = &mut self.lifetime {
                lifetime.restore(&slots, numbers(piece, 0)?);
            }
        }
        Ok(())
    }

    fn state_size(&self) -> Option<StateSize> {
        let slots = self.rows.capacity() * size_of::<Option<Box<[u8]>>>() + self.counts.capacity() * size_of::<i64>();
        let lifetime = self.lifetime.as_ref().map_or(0, Lifetime::memory);
        let bytes = self.keys.memory() + slots + self.row_bytes + lifetime + self.pieces.memory();
        Some(StateSize { keys: self.keys.len(), bytes })
    }
}

#[cfg(test)]
#[path = "normalize_tests.rs"]
mod tests;

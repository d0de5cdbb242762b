//! Tell changes anew by the PRIMARY KEY of a sink, where a query's rows replace each other by other columns.
//!
//! Rows of different keys of the query may fall on one PRIMARY KEY: the last one that came holds there, and when it is
//! taken back, the one before it again. An added row (`+I`, `+U`) gives `+I` where it is the first of its PRIMARY KEY and
//! `+U` otherwise; one that is taken back (`-U`, `-D`) gives `-D` where no other is left, `+U` with the one before it where
//! it was the last, and nothing otherwise. What is taken back without having come is dropped. Where the query has a key, a
//! row takes the place of the one with the same; otherwise only equal rows are the same. State: the rows of every PRIMARY
//! KEY in the order in which they came, for ever or until none has come for so long. Watermarks and barriers: unchanged.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::aggregate::{GroupKeys, Lifetime, numbers};
use super::kept_rows::KeptRows;
use super::{Operator, Output, Progress, StateSize};
use crate::changelog::{ChangelogBatch, Epoch, RowKind};
use crate::error::Result;
use crate::functions::aggregate::{ValueCodec, Values};
use crate::state::{SlotPieces, Snapshot, StateTable};

/// Keeps the rows of every PRIMARY KEY.
pub struct SinkUpsertMaterializer {
    // Parameters.
    schema: SchemaRef,
    primary_key: Vec<usize>,
    has_upsert_key: bool,
    /// All columns as rows are kept: first those by which rows are the same, then the others.
    order: Vec<usize>,
    rows_codec: Arc<ValueCodec>,
    /// By which rows come to subtasks.
    dealt_by: Vec<usize>,
    /// Of the columns by which rows are the same: what a kept row begins with.
    identity: Vec<usize>,
    identity_codec: ValueCodec,
    // State.
    keys: GroupKeys,
    /// The rows of each slot in the order in which they came.
    kept: Vec<KeptRows>,
    /// How many they are.
    counts: Vec<i64>,
    /// Bytes of all rows.
    bytes: usize,
    /// When each slot is forgotten; without a time to live there is nothing to know.
    lifetime: Option<Lifetime>,
    /// What was given at the last barrier.
    pieces: SlotPieces,
}

impl SinkUpsertMaterializer {
    /// Over rows of `schema`. Without an upsert key rows are the same where they are equal.
    pub fn try_new(schema: SchemaRef, primary_key: Vec<usize>, upsert_key: Option<Vec<usize>>) -> Result<Self> {
        let has_upsert_key = upsert_key.is_some();
        let all = 0..schema.fields().len();
        let identity = upsert_key.unwrap_or_else(|| all.clone().collect());
        let others = all.filter(|column| !identity.contains(column));
        let order: Vec<usize> = identity.iter().copied().chain(others).collect();
        let types = |columns: &[usize]| -> Vec<DataType> {
            columns.iter().map(|&column| schema.field(column).data_type().clone()).collect()
        };
        Ok(Self {
            keys: GroupKeys::try_new(&schema, &primary_key)?,
            rows_codec: Arc::new(ValueCodec::try_new(&types(&order))?),
            dealt_by: primary_key.clone(),
            identity_codec: ValueCodec::try_new(&types(&identity))?,
            schema,
            primary_key,
            has_upsert_key,
            order,
            identity,
            kept: Vec::new(),
            counts: Vec::new(),
            bytes: 0,
            lifetime: None,
            pieces: SlotPieces::default(),
        })
    }

    /// Where rows come to subtasks by other columns than the PRIMARY KEY.
    pub fn dealt_by(self, columns: Vec<usize>) -> Self {
        Self { dealt_by: columns, ..self }
    }

    /// With a time to live of keys.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        let lifetime = ttl.and_then(|ttl| i64::try_from(ttl.as_millis()).ok()).map(Lifetime::new);
        Self { lifetime, ..self }
    }

    fn forget(&mut self, slots: &[u32]) {
        self.pieces.touch(slots);
        for &slot in slots {
            let kept = std::mem::take(&mut self.kept[slot as usize]);
            self.bytes -= kept.iter().map(size_of_row).sum::<usize>();
            self.counts[slot as usize] = 0;
        }
    }

    /// A row has been added to a slot.
    fn add(&mut self, slot: u32, identity: &[u8], row: &[u8]) -> Result<RowKind> {
        let kept = &mut self.kept[slot as usize];
        let kind = if kept.is_empty() { RowKind::Insert } else { RowKind::UpdateAfter };
        let replaced = if self.has_upsert_key { kept.replace(identity, row) } else { None };
        self.bytes += size_of_row(row);
        match replaced {
            Some(replaced) => self.bytes -= size_of_row(&replaced),
            None => self.keep(slot, identity, row)?,
        }
        Ok(kind)
    }

    /// Adds a row behind those that a slot has.
    fn keep(&mut self, slot: u32, identity: &[u8], row: &[u8]) -> Result<()> {
        let (rows_codec, identity_codec, columns) = (&self.rows_codec, &self.identity_codec, self.identity.len());
        self.counts[slot as usize] += 1;
        self.kept[slot as usize].push(row, identity, |rows| {
            let decoded = rows_codec.decode(rows.iter().map(AsRef::as_ref))?;
            let identities = identity_codec.encode(&decoded[..columns])?;
            Ok(identities.iter().map(|identity| identity.as_ref().into()).collect())
        })
    }

    /// A row has been taken back from a slot.
    fn retract(&mut self, slot: u32, identity: &[u8]) -> Retracted {
        let kept = &mut self.kept[slot as usize];
        let Some((row, was_last)) = kept.remove(identity) else { return Retracted::Unknown };
        self.bytes -= size_of_row(&row);
        self.counts[slot as usize] -= 1;
        match kept.last() {
            None => Retracted::Last,
            Some(last) if was_last => Retracted::Uncovered(last.into()),
            Some(_) => Retracted::Covered,
        }
    }

    fn apply(&mut self, batch: &ChangelogBatch) -> Result<ChangelogBatch> {
        let rows = batch.rows();
        let slots = self.keys.intern(&columns(rows, &self.primary_key), rows.num_rows())?;
        self.pieces.touch(&slots);
        self.kept.resize(self.keys.slots(), KeptRows::default());
        self.counts.resize(self.keys.slots(), 0);
        if let Some(lifetime) = &mut self.lifetime {
            let over = lifetime.touch(&slots, &self.counts);
            self.forget(&over);
        }
        let identities = self.identity_codec.encode(&columns(rows, &self.identity))?;
        let whole = self.rows_codec.encode(&columns(rows, &self.order))?;
        let mut told = Told::new(rows.num_rows());
        for (row, &slot) in slots.iter().enumerate() {
            let identity = identities.row(row);
            if batch.kind(row).is_addition() {
                let kind = self.add(slot, identity.as_ref(), whole.row(row).as_ref())?;
                told.push(row as u32, row as u32, kind);
                continue;
            }
            match self.retract(slot, identity.as_ref()) {
                Retracted::Last => told.push(row as u32, row as u32, RowKind::Delete),
                Retracted::Uncovered(last) => told.push_kept(row as u32, last),
                Retracted::Covered | Retracted::Unknown => {}
            }
        }
        let mut empty = slots;
        empty.retain(|slot| self.counts[*slot as usize] == 0);
        empty.sort_unstable();
        empty.dedup();
        self.keys.remove(&empty);
        self.batch(batch, told)
    }

    /// The rows to tell, taken from the batch and from those that were kept.
    fn batch(&self, batch: &ChangelogBatch, told: Told) -> Result<ChangelogBatch> {
        let mut rows = batch.rows().columns().to_vec();
        if !told.kept.is_empty() {
            let kept = self.rows_codec.decode(told.kept.iter().map(AsRef::as_ref))?;
            for (column, kept) in self.order.iter().zip(&kept) {
                rows[*column] = concat(&[&rows[*column], kept])?;
            }
        }
        let positions = UInt32Array::from(told.positions);
        let columns = rows.iter().map(|column| take(column, &positions, None)).collect::<Result<Vec<_>, _>>()?;
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        let origin = batch.origin().map(|origin| origin.take(&told.causes.into())).transpose()?;
        Ok(ChangelogBatch::new(rows, told.kinds).with_origin(origin))
    }
}

impl SinkUpsertMaterializer {
    /// The columns of a snapshot: when the row's PRIMARY KEY was last touched, where that counts, and the row.
    fn saved(&self) -> StateTable {
        let touched = self.lifetime.as_ref().map(|_| Lifetime::column());
        let fields = self.schema.fields().iter().enumerate();
        let columns = fields.map(|(i, field)| (format!("{i} {}", field.name()), field.data_type().clone()));
        let key = self.dealt_by.iter().map(|column| column + usize::from(self.lifetime.is_some())).collect();
        StateTable::new(touched.into_iter().chain(columns)).keyed(key)
    }

    /// The rows of all slots, those of each in their order.
    fn save(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let (empty, mut table) = (self.saved(), self.saved());
        let Self { kept, lifetime, pieces, rows_codec, order, .. } = self;
        pieces.save(&mut table, epoch, kept.len(), |slots| {
            let rows: Vec<(u32, &[u8])> =
                slots.flat_map(|slot| kept[slot as usize].iter().map(move |row| (slot, row))).collect();
            let piece = |rows: &[(u32, &[u8])]| {
                let mut copied = Values::default();
                rows.iter().for_each(|(_, row)| copied.push(row));
                let touched = lifetime.as_ref().map(|lifetime| -> ArrayRef {
                    let slots: Vec<u32> = rows.iter().map(|(slot, _)| *slot).collect();
                    Arc::new(Int64Array::from(lifetime.touched(&slots)))
                });
                let (codec, order) = (rows_codec.clone(), order.clone());
                empty.rows_later(rows.len(), copied.memory(), move || {
                    let mut whole: Vec<(usize, ArrayRef)> =
                        order.iter().copied().zip(codec.decode(copied.iter())?).collect();
                    whole.sort_by_key(|(column, _)| *column);
                    Ok(touched.iter().cloned().chain(whole.into_iter().map(|(_, values)| values)).collect())
                })
            };
            Ok(StateTable::runs(&rows, |(_, row)| row.len()).into_iter().map(piece).collect())
        })?;
        Ok(Snapshot::of(self.name()).with_table("rows", table))
    }

    fn load(&mut self, state: &Snapshot) -> Result<()> {
        let table = state.expect(self.name())?.table("rows", &self.saved())?;
        let before = usize::from(self.lifetime.is_some());
        for piece in table.read() {
            let piece = &piece?;
            let columns = |positions: &[usize]| -> Vec<ArrayRef> {
                positions.iter().map(|column| piece.column(before + column).clone()).collect()
            };
            let slots = self.keys.intern(&columns(&self.primary_key), piece.num_rows())?;
            self.kept.resize(self.keys.slots(), KeptRows::default());
            self.counts.resize(self.keys.slots(), 0);
            let rows = self.rows_codec.encode(&columns(&self.order))?;
            let identities = self.identity_codec.encode(&columns(&self.identity))?;
            for (row, &slot) in slots.iter().enumerate() {
                self.bytes += size_of_row(rows.row(row).as_ref());
                self.keep(slot, identities.row(row).as_ref(), rows.row(row).as_ref())?;
            }
            if let Some(lifetime) = &mut self.lifetime {
                lifetime.restore(&slots, numbers(piece, 0)?);
            }
        }
        Ok(())
    }
}

/// What is left of a key behind a row that was taken back.
enum Retracted {
    /// It never came, or was forgotten.
    Unknown,
    /// Nothing.
    Last,
    /// The row that came last before it, which holds again.
    Uncovered(Box<[u8]>),
    /// The row that came last, which held all along.
    Covered,
}

/// Rows to emit.
struct Told {
    /// In the batch; behind its rows stand those that were kept.
    positions: Vec<u32>,
    kinds: Vec<RowKind>,
    /// The row of the batch that each follows from.
    causes: Vec<u32>,
    kept: Vec<Box<[u8]>>,
    rows: u32,
}

impl Told {
    fn new(rows: usize) -> Self {
        Self { positions: Vec::new(), kinds: Vec::new(), causes: Vec::new(), kept: Vec::new(), rows: rows as u32 }
    }

    fn push(&mut self, cause: u32, position: u32, kind: RowKind) {
        self.positions.push(position);
        self.kinds.push(kind);
        self.causes.push(cause);
    }

    fn push_kept(&mut self, cause: u32, row: Box<[u8]>) {
        let position = self.rows + self.kept.len() as u32;
        self.kept.push(row);
        self.push(cause, position, RowKind::UpdateAfter);
    }
}

fn size_of_row(row: &[u8]) -> usize {
    row.len() + size_of::<Box<[u8]>>()
}

fn columns(rows: &RecordBatch, positions: &[usize]) -> Vec<ArrayRef> {
    positions.iter().map(|&column| rows.column(column).clone()).collect()
}

impl Operator for SinkUpsertMaterializer {
    fn name(&self) -> &'static str {
        "SinkUpsertMaterializer"
    }

    fn tell_time(&mut self, now_ms: i64) {
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.now_ms = now_ms;
        }
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        out.emit(self.apply(&batch)?);
        Ok(Progress::Done)
    }

    /// Gives back the memory of keys whose time is over.
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
        self.save(epoch)
    }

    fn restore(&mut self, state: &Snapshot) -> Result<()> {
        self.load(state)
    }

    fn state_size(&self) -> Option<StateSize> {
        let slots = self.kept.capacity() * size_of::<KeptRows>() + self.counts.capacity() * size_of::<i64>();
        let lifetime = self.lifetime.as_ref().map_or(0, Lifetime::memory);
        let bytes = self.keys.memory() + slots + self.bytes + lifetime + self.pieces.memory();
        Some(StateSize { keys: self.keys.len(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int32Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::changelog::StreamElement;

    fn schema() -> SchemaRef {
        let field = |name, ty| Field::new(name, ty, true);
        Arc::new(Schema::new(vec![
            field("k", DataType::Utf8),
            field("id", DataType::Int32),
            field("v", DataType::Int32),
        ]))
    }

    /// PRIMARY KEY k, the query's rows by id or by all columns.
    fn materializer(has_upsert_key: bool) -> SinkUpsertMaterializer {
        SinkUpsertMaterializer::try_new(schema(), vec![0], has_upsert_key.then(|| vec![1])).unwrap()
    }

    /// `+I a 1 10`, a row a line.
    fn batch(script: &str) -> ChangelogBatch {
        let (mut kinds, mut keys, mut ids, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            kinds.push(match words[0] {
                "+I" => RowKind::Insert,
                "-U" => RowKind::UpdateBefore,
                "+U" => RowKind::UpdateAfter,
                _ => RowKind::Delete,
            });
            keys.push(Some(words[1]).filter(|word| *word != "NULL"));
            ids.push(words[2].parse::<i32>().ok());
            values.push(words[3].parse::<i32>().ok());
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(keys)),
            Arc::new(Int32Array::from(ids)),
            Arc::new(Int32Array::from(values)),
        ];
        ChangelogBatch::new(RecordBatch::try_new(schema(), columns).unwrap(), kinds)
    }

    fn run(operator: &mut SinkUpsertMaterializer, script: &str) -> String {
        let mut out = Output::new();
        assert_eq!(operator.process(0, batch(script), &mut out).unwrap(), Progress::Done);
        let mut lines = Vec::new();
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
            for row in 0..batch.num_rows() {
                let cell = |column: &ArrayRef| match column.is_null(row) {
                    true => "NULL".to_string(),
                    false => arrow::util::display::array_value_to_string(column, row).unwrap(),
                };
                let cells: Vec<String> = batch.rows().columns().iter().map(cell).collect();
                lines.push(format!("{} {}", batch.kind(row), cells.join(" ")));
            }
        }
        lines.join(", ")
    }

    #[test]
    fn the_row_that_came_last_holds_and_uncovers_the_one_before_it() {
        let mut operator = materializer(true);
        assert_eq!(run(&mut operator, "+I a 1 10\n+I a 2 20\n+I b 3 30"), "+I a 1 10, +U a 2 20, +I b 3 30");
        assert_eq!(run(&mut operator, "-U a 2 20\n+U b 2 20"), "+U a 1 10, +U b 2 20");
        assert_eq!(run(&mut operator, "-D b 3 30"), "", "it was covered already");
        assert_eq!(run(&mut operator, "-D a 1 10\n-D b 2 20"), "-D a 1 10, -D b 2 20");
        assert_eq!(run(&mut operator, "+I a 4 40"), "+I a 4 40", "a key without rows begins anew");
    }

    #[test]
    fn a_row_takes_the_place_of_the_one_with_the_same_upsert_key() {
        let mut operator = materializer(true);
        assert_eq!(run(&mut operator, "+I a 1 10\n+I a 2 20\n+U a 1 11"), "+I a 1 10, +U a 2 20, +U a 1 11");
        assert_eq!(run(&mut operator, "-D a 2 99"), "+U a 1 11", "whatever else the row says");
        assert_eq!(run(&mut operator, "-D a 1 11"), "-D a 1 11");
    }

    #[test]
    fn without_an_upsert_key_only_equal_rows_are_the_same() {
        let mut operator = materializer(false);
        assert_eq!(run(&mut operator, "+I a 1 10\n+I a 1 10\n+U a 1 11"), "+I a 1 10, +U a 1 10, +U a 1 11");
        assert_eq!(run(&mut operator, "-U a 1 12"), "", "it never came");
        assert_eq!(run(&mut operator, "-U a 1 11\n-U a 1 10"), "+U a 1 10", "the other is still there");
        assert_eq!(run(&mut operator, "-D a 1 10"), "-D a 1 10");
    }

    #[test]
    fn null_is_a_key_as_others() {
        let mut operator = materializer(false);
        assert_eq!(
            run(&mut operator, "+I NULL 1 x\n+I NULL 2 x\n-D NULL 2 x"),
            "+I NULL 1 NULL, +U NULL 2 NULL, +U NULL 1 NULL"
        );
    }

    #[test]
    fn many_rows_of_one_key_hold_in_their_order_through_a_restart() {
        for has_upsert_key in [true, false] {
            let mut operator = materializer(has_upsert_key);
            let all: String = (1..=40).map(|id| format!("+I a {id} {}\n", 10 * id)).collect();
            assert!(run(&mut operator, &all).ends_with("+U a 40 400"));
            let mut again = materializer(has_upsert_key);
            again.restore(&operator.snapshot(Epoch(1)).unwrap()).unwrap();
            assert_eq!((again.counts.clone(), again.bytes), (operator.counts.clone(), operator.bytes));
            for operator in [&mut operator, &mut again] {
                assert_eq!(run(operator, "-D a 7 70\n-D a 40 400\n-D a 38 380"), "+U a 39 390");
                let others: String =
                    (1..=39).filter(|id| ![7, 38].contains(id)).map(|id| format!("-D a {id} {}\n", 10 * id)).collect();
                let told = run(operator, &others);
                assert_eq!(told, "-D a 39 390", "each was covered by the last");
                assert_eq!(operator.bytes, 0);
            }
        }
    }

    #[test]
    fn keys_are_forgotten_after_their_time_to_live() {
        let mut operator = materializer(true).with_ttl(Some(Duration::from_millis(5000)));
        operator.tell_time(1000);
        assert_eq!(run(&mut operator, "+I a 1 10\n+I b 1 10"), "+I a 1 10, +I b 1 10");
        operator.tell_time(5999);
        assert_eq!(run(&mut operator, "+U b 1 11"), "+U b 1 11");
        operator.tell_time(6000);
        assert_eq!(run(&mut operator, "-D a 1 10\n+I a 2 20"), "+I a 2 20");
        assert_eq!(operator.next_timer(), Some(6000));
        let mut out = Output::new();
        let _ = operator.on_time(20_000, &mut out).unwrap();
        assert_eq!(operator.state_size().map(|size| size.keys), Some(0));
        assert_eq!(operator.bytes, 0);
        assert_eq!(run(&mut operator, "+U b 1 12"), "+I b 1 12");
    }
}

//! How many rows per second does one core take through the operators that keep, copy, unfold or cut off rows, and how many
//! bytes do they ask for, a row?
//!
//! Rows of a BIGINT key, a text and a number, 8,192 to a batch. Operators with state know every key before, so that each
//! row updates one. Throughput is in rows (elements) per second, read.

use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use millstream::arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use millstream::arrow::buffer::OffsetBuffer;
use millstream::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millstream::operators::{
    ChangelogNormalize, Expand, Limit, Operator, Output, SinkUpsertMaterializer, Unnest, UnnestShape,
};
use millstream::{ChangelogBatch, RowKind};

mod drive;
mod measure;
use drive::push;

const ROWS: usize = 8_192;
const BATCHES: usize = 32;

fn schema_of(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, ty): &(&str, DataType)| Field::new(*name, ty.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn orders() -> SchemaRef {
    schema_of(&[("id", DataType::Int64), ("item", DataType::Utf8), ("price", DataType::Float64)])
}

/// The rows of these numbers; a number's key is what it leaves when it is divided by `keys`.
fn rows(numbers: std::ops::Range<u64>, keys: u64) -> RecordBatch {
    let spread = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % keys;
    let id = Int64Array::from_iter_values(numbers.clone().map(|i| spread(i) as i64));
    let item = StringArray::from_iter_values(numbers.clone().map(|i| format!("item {:06}", i % 1_000)));
    let price = Float64Array::from_iter_values(numbers.map(|i| i as f64 / 8.0));
    RecordBatch::try_new(orders(), vec![Arc::new(id), Arc::new(item), Arc::new(price)]).expect("a batch")
}

fn batches(kind: RowKind, keys: u64) -> Vec<ChangelogBatch> {
    let batch = |b: usize| {
        let first = (b * ROWS) as u64;
        ChangelogBatch::of_kinds(rows(first..first + ROWS as u64, keys), Some(vec![kind; ROWS]))
    };
    (0..BATCHES).map(batch).collect()
}

fn measured(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut operator: Box<dyn Operator>,
    batches: &[ChangelogBatch],
) {
    let mut out = Output::new();
    let rows = batches.iter().map(ChangelogBatch::num_rows).sum();
    measure::measure(group, name, rows, || {
        batches.iter().for_each(|batch| push(operator.as_mut(), batch.clone(), &mut out));
    });
}

fn changes(c: &mut Criterion) {
    let mut group = c.benchmark_group("changes");
    group.sample_size(10);
    let group = &mut group;
    for keys in [1_000, 100_000] {
        let normalize = ChangelogNormalize::try_new(vec![0], None, true, orders()).expect("an operator");
        let upserts = batches(RowKind::UpdateAfter, keys);
        measured(group, &format!("normalize upserts of {keys} keys"), Box::new(normalize), &upserts);
        let materializer = SinkUpsertMaterializer::try_new(orders(), vec![0], Some(vec![0])).expect("an operator");
        measured(group, &format!("materialize updates of {keys} keys"), Box::new(materializer), &upserts);
    }
    let inserts = batches(RowKind::Insert, 1_000);
    measured(group, "limit that is not reached", Box::new(Limit::new(0, Some(u64::MAX))), &inserts);
    let sets = vec![vec![true, true], vec![true, false], vec![false, false]];
    let expanded = schema_of(&[
        ("id", DataType::Int64),
        ("item", DataType::Utf8),
        ("price", DataType::Float64),
        ("key", DataType::Int64),
        ("other", DataType::Utf8),
        ("set", DataType::Int64),
    ]);
    measured(group, "expand to 3 grouping sets", Box::new(Expand::new(3, vec![0, 1], sets, expanded)), &inserts);
    let (unnest, lists) = unnest();
    measured(group, "unnest 3 elements", unnest, &lists);
}

/// Rows with three texts each, and what unfolds them.
fn unnest() -> (Box<dyn Operator>, Vec<ChangelogBatch>) {
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let schema = schema_of(&[("id", DataType::Int64), ("tags", DataType::List(item.clone()))]);
    let batch = |b: usize| {
        let first = (b * ROWS) as i64;
        let id = Int64Array::from_iter_values(first..first + ROWS as i64);
        let tags = StringArray::from_iter_values((0..ROWS * 3).map(|i| format!("tag {}", i % 100)));
        let tags = ListArray::new(item.clone(), OffsetBuffer::from_repeated_length(3, ROWS), Arc::new(tags), None);
        let columns: Vec<ArrayRef> = vec![Arc::new(id), Arc::new(tags)];
        ChangelogBatch::inserts(RecordBatch::try_new(schema.clone(), columns).expect("a batch"))
    };
    let output = schema_of(&[("id", DataType::Int64), ("tag", DataType::Utf8)]);
    let shape =
        UnnestShape { columns: 1, collection: 1, multiset: false, outer: false, ordinality: false, schema: output };
    (Box::new(Unnest::new(shape)), (0..BATCHES).map(batch).collect())
}

criterion_group!(benches, changes);
criterion_main!(benches);

//! How long does a barrier hold up an operator that keeps 10⁶ keys, when all of them have changed, a hundredth of them, or
//! none?
//!
//! Orders of a shop (a text) and an amount, a million shops. What is measured is `snapshot`: what is made in the
//! background of what it gives (the rows of ChangelogNormalize and SinkUpsertMaterializer, and all encoding) is not.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use millstream::ChangelogBatch;
use millstream::arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use millstream::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream::changelog::Epoch;
use millstream::functions::aggregate::find;
use millstream::operators::{
    AggregateCall, ChangelogNormalize, GroupAggregate, LateRows, Operator, Output, PaneShape, SinkUpsertMaterializer,
    WindowAggregate, WindowAggregateShape, WindowClock, WindowInput, WindowKind, WindowOutput, WindowPart,
};
use millstream::types::{SqlType, TypeKind};

mod drive;

const KEYS: u64 = 1_000_000;
const ROWS: u64 = 8_192;

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

fn input() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("shop", DataType::Utf8, true),
        Field::new("amount", DataType::Int64, true),
        Field::new("window_end", time(), true),
    ]))
}

/// A row of each of these shops; amounts differ from turn to turn.
fn orders(shops: impl Iterator<Item = u64> + Clone, turn: i64) -> ChangelogBatch {
    let names = StringArray::from_iter_values(shops.clone().map(|shop| format!("shop-{shop:06}")));
    let amounts = Int64Array::from_iter_values(shops.map(|shop| shop as i64 % 100 + turn));
    let ends = TimestampMillisecondArray::from_value(60_000, names.len());
    let rows = RecordBatch::try_new(input(), vec![Arc::new(names), Arc::new(amounts), Arc::new(ends)]);
    ChangelogBatch::inserts(rows.expect("a batch"))
}

/// A row of each of these shops.
fn push(operator: &mut dyn Operator, turn: i64, shops: std::ops::Range<u64>) {
    let mut out = Output::new();
    for start in shops.clone().step_by(ROWS as usize) {
        let batch = orders(start..shops.end.min(start + ROWS), turn);
        drive::push(operator, batch, &mut out);
    }
}

fn calls() -> Vec<AggregateCall> {
    let call = |name: &str, arguments: Vec<usize>| {
        let function = find(name).expect("a function");
        let types = vec![SqlType::nullable(TypeKind::BigInt); arguments.len()];
        let types = function.signature(&types).expect("it takes BIGINT");
        AggregateCall { function, types, arguments, distinct: false, filter: None }
    };
    vec![call("COUNT", vec![]), call("SUM", vec![1])]
}

fn operators() -> Vec<Box<dyn Operator>> {
    let results = |window: bool| -> SchemaRef {
        let mut fields = vec![Field::new("shop", DataType::Utf8, true)];
        fields.extend(window.then(|| Field::new("window_end", time(), false)));
        fields.extend([Field::new("orders", DataType::Int64, true), Field::new("amount", DataType::Int64, true)]);
        Arc::new(Schema::new(fields))
    };
    let group = GroupAggregate::try_new(&input(), vec![0], calls(), false, false, results(false));
    let shape = WindowAggregateShape {
        kind: WindowKind::Tumble { size: 60_000, offset: 0 },
        clock: WindowClock::UTC,
        processing_time: false,
        slice: 2,
        input: WindowInput::Rows,
        earliest_first: false,
        pane: PaneShape::try_new(input(), vec![0], calls(), false).expect("a pane"),
        output: vec![
            WindowOutput::Key(0),
            WindowOutput::Window(WindowPart::End),
            WindowOutput::Result(0),
            WindowOutput::Result(1),
        ],
        schema: results(true),
    };
    vec![
        Box::new(group.expect("an aggregate")),
        Box::new(WindowAggregate::new(shape, LateRows::default())),
        Box::new(ChangelogNormalize::try_new(vec![0], None, false, input()).expect("an operator")),
        Box::new(SinkUpsertMaterializer::try_new(input(), vec![0], Some(vec![0])).expect("an operator")),
    ]
}

fn barriers(c: &mut Criterion) {
    let mut group = c.benchmark_group("barrier at 10^6 keys");
    group.sample_size(10);
    for mut operator in operators() {
        let (mut epoch, mut turn) = (0, 0);
        push(operator.as_mut(), turn, 0..KEYS);
        for (changed, name) in [(KEYS, "all changed"), (KEYS / 100, "a hundredth changed"), (0, "unchanged")] {
            group.bench_function(format!("{}, {name}", operator.name()), |b| {
                b.iter_custom(|times| {
                    let mut taken = Duration::ZERO;
                    for _ in 0..times {
                        turn += 1;
                        epoch += 1;
                        push(operator.as_mut(), turn, 0..changed);
                        let start = Instant::now();
                        let snapshot = operator.snapshot(Epoch(epoch)).expect("a snapshot");
                        taken += start.elapsed();
                        black_box(snapshot);
                    }
                    taken
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, barriers);
criterion_main!(benches);

//! How many rows per second does one core put into the windows of 56, 10⁴ and 10⁶ groups, and how many bytes does a
//! group take while its window is open, and does a row ask for?
//!
//! Readings of a hostname and a cpu, 8,192 to a batch; average and maximum of their usage by both. A run takes every row
//! through the operators that the planner makes of such a query (the window function; where it says so the aggregate of
//! each batch; the aggregate of the window) into new windows, and then the watermark that closes them all. Throughput is
//! in rows (elements) per second, read.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millstream::ChangelogBatch;
use millstream::arrow::array::{Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use millstream::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millstream::changelog::StreamElement;
use millstream::functions::aggregate::find;
use millstream::operators::{
    AggregateCall, LateRows, LocalWindowAggregate, Operator, Output, PaneShape, Progress, SessionAggregate,
    WindowAggregate, WindowAggregateShape, WindowClock, WindowInput, WindowKind, WindowOutput, WindowPart, WindowTable,
    states,
};
use millstream::time::Watermark;
use millstream::types::{SqlType, TypeKind};

mod measure;
use measure::tell_bytes;

const ROWS: usize = 8_192;
const CPUS: usize = 8;
const MINUTE: i64 = 60_000;

/// Windows by how their groups are many.
const TUMBLE: WindowKind = WindowKind::Tumble { size: MINUTE, offset: 0 };
const HOP: WindowKind = WindowKind::Hop { slide: MINUTE, size: 5 * MINUTE, offset: 0 };
const SESSION: WindowKind = WindowKind::Session { gap: MINUTE };

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

fn readings_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("hostname", DataType::Utf8, true),
        Field::new("cpu", DataType::Utf8, true),
        Field::new("usage", DataType::Float64, true),
        Field::new("time_ltz", time(), true),
    ]))
}

/// `batches` of readings in `groups`, in no order of these, over `minutes` of time in order.
fn readings(groups: usize, batches: usize, minutes: i64) -> Vec<ChangelogBatch> {
    let all = (batches * ROWS) as i64;
    let batch = |b: usize| {
        let group = |i: usize| (b * ROWS + i).wrapping_mul(2_654_435_761) % 4_294_967_291 % groups;
        let hosts = StringArray::from_iter_values((0..ROWS).map(|i| format!("host-{:06}", group(i) / CPUS)));
        let cpus = StringArray::from_iter_values((0..ROWS).map(|i| format!("cpu{}", group(i) % CPUS)));
        let usages = Float64Array::from_iter_values((0..ROWS).map(|i| (i * 7919 % 1000) as f64 / 10.0));
        let at = |i: usize| (b * ROWS + i) as i64 * minutes * MINUTE / all;
        let times = TimestampMillisecondArray::from_iter_values((0..ROWS).map(at));
        let columns = vec![Arc::new(hosts) as _, Arc::new(cpus) as _, Arc::new(usages) as _, Arc::new(times) as _];
        ChangelogBatch::inserts(RecordBatch::try_new(readings_schema(), columns).expect("a batch"))
    };
    (0..batches).map(batch).collect()
}

fn calls() -> Vec<AggregateCall> {
    let of = |name: &str| {
        let function = find(name).expect("a function");
        let types = function.signature(&[SqlType::nullable(TypeKind::Double)]).expect("it takes DOUBLE");
        AggregateCall { function, types, arguments: vec![2], distinct: false, filter: None }
    };
    vec![of("AVG"), of("MAX")]
}

/// The operators of a query, one behind the other.
fn pipeline(kind: WindowKind, two_phases: bool) -> Vec<Box<dyn Operator>> {
    let mut fields: Vec<Field> = readings_schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("window_end", time(), false));
    let with_slices: SchemaRef = Arc::new(Schema::new(fields));
    let parts = vec![WindowPart::End];
    let mut operators: Vec<Box<dyn Operator>> =
        vec![Box::new(WindowTable::new(3, kind, WindowClock::UTC, true, parts, with_slices.clone()))];
    let (mut input, mut schema, mut slice) = (WindowInput::Rows, with_slices.clone(), 4);
    let key = vec![0, 1];
    if two_phases {
        let mut fields: Vec<Field> = vec![readings_schema().field(0).clone(), readings_schema().field(1).clone()];
        fields.push(Field::new("slice_end", time(), false));
        fields.push(Field::new("count", DataType::Int64, false));
        let columns = states(&calls(), false).expect("states").into_iter().flatten();
        fields.extend(columns.enumerate().map(|(i, ty)| Field::new(format!("state{i}"), ty, true)));
        schema = Arc::new(Schema::new(fields));
        let pane = PaneShape::try_new(with_slices, key.clone(), calls(), false).expect("a pane");
        operators.push(Box::new(LocalWindowAggregate::new(slice, pane, schema.clone())));
        (input, slice) = (WindowInput::Partials { counts: 3 }, 2);
    }
    let result = |name: &str| Field::new(name, DataType::Float64, true);
    let shape = WindowAggregateShape {
        kind,
        clock: WindowClock::UTC,
        processing_time: false,
        slice,
        input,
        earliest_first: false,
        pane: PaneShape::try_new(schema, key, calls(), false).expect("a pane"),
        output: vec![
            WindowOutput::Window(WindowPart::Start),
            WindowOutput::Window(WindowPart::End),
            WindowOutput::Key(0),
            WindowOutput::Key(1),
            WindowOutput::Result(0),
            WindowOutput::Result(1),
        ],
        schema: Arc::new(Schema::new(vec![
            Field::new("window_start", time(), false),
            Field::new("window_end", time(), false),
            Field::new("hostname", DataType::Utf8, true),
            Field::new("cpu", DataType::Utf8, true),
            result("usage_avg"),
            result("usage_max"),
        ])),
    };
    operators.push(match kind {
        WindowKind::Session { .. } => {
            Box::new(SessionAggregate::try_new(shape, LateRows::default()).expect("an aggregate"))
        }
        _ => Box::new(WindowAggregate::new(shape, LateRows::default())),
    });
    operators
}

/// Takes elements through the operators from `at` on, as the runtime does; gives how many rows come out at the end.
fn push(operators: &mut [Box<dyn Operator>], element: StreamElement) -> usize {
    let Some((first, rest)) = operators.split_first_mut() else {
        return match black_box(element) {
            StreamElement::Batch(batch) => batch.num_rows(),
            _ => 0,
        };
    };
    let mut out = Output::new();
    let mut progress = match element {
        StreamElement::Batch(batch) => first.process(0, batch, &mut out),
        StreamElement::Watermark(watermark) => first.on_watermark(watermark, &mut out),
        _ => Ok(Progress::Done),
    }
    .expect("it works");
    let mut rows = 0;
    loop {
        for element in out.drain() {
            rows += push(rest, element);
        }
        if progress == Progress::Done {
            return rows;
        }
        progress = first.resume(&mut out).expect("it works");
    }
}

fn run(mut operators: Vec<Box<dyn Operator>>, batches: &[ChangelogBatch]) -> usize {
    for batch in batches {
        push(&mut operators, StreamElement::Batch(batch.clone()));
    }
    push(&mut operators, StreamElement::Watermark(Watermark::MAX))
}

/// What a group takes when all rows are in.
fn bytes_per_group(mut operators: Vec<Box<dyn Operator>>, batches: &[ChangelogBatch]) -> String {
    for batch in batches {
        push(&mut operators, StreamElement::Batch(batch.clone()));
    }
    let size = operators.last().and_then(|last| last.state_size()).unwrap_or_default();
    format!("{} groups, {} bytes each", size.keys, size.bytes / size.keys.max(1))
}

fn windows(c: &mut Criterion) {
    let mut group = c.benchmark_group("window");
    group.sample_size(10);
    for (groups, batches) in [(56, 128), (10_000, 128), (1_000_000, 512)] {
        group.throughput(Throughput::Elements((batches * ROWS) as u64));
        let one = readings(groups, batches, 1);
        let five = readings(groups, batches, 5);
        let cases = [
            ("tumble", TUMBLE, false, &one),
            ("tumble in two phases", TUMBLE, true, &one),
            ("hop over 5 slices", HOP, false, &five),
            ("hop over 5 slices in two phases", HOP, true, &five),
            ("session", SESSION, false, &one),
        ];
        for (name, kind, two_phases, rows) in cases {
            let name = format!("{name}, {groups} groups");
            let mut told = false;
            group.bench_function(&name, |b| {
                if !std::mem::replace(&mut told, true) {
                    println!("{name}: {}", bytes_per_group(pipeline(kind, two_phases), rows));
                    let operators = pipeline(kind, two_phases);
                    tell_bytes(&name, batches * ROWS, || {
                        run(operators, rows);
                    });
                }
                b.iter_batched(|| pipeline(kind, two_phases), |operators| run(operators, rows), BatchSize::PerIteration)
            });
        }
    }
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);

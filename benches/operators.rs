//! How many rows per second does one core filter and project, join with a warm cache, split by key, and take through
//! the inner loop of the tutorial's first job (JSON in, filter, project, JSON out; Kafka left out), and how many bytes do
//! they ask for, a row?
//!
//! The rows are the tutorial's, 1,000 to a batch; about half of them pass the filter. Throughput is in rows (elements)
//! per second, read.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono_tz::Tz;
use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::logical_expr::Operator as Op;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, binary, lit};
use millstream::ChangelogBatch;
use millstream::arrow::array::{AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use millstream::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use millstream::changelog::StreamElement;
use millstream::connectors::options::RawOptions;
use millstream::connectors::{Lookup, LookupCacheOptions, LookupRows};
use millstream::formats::{FormatRole, Messages, TableFormat};
use millstream::operators::Calc;
use millstream::runtime::{LookupCache, LookupHead, LookupJoin, split_by_key};
use millstream::types::{Field as SqlField, Schema, SqlType, TypeKind};

mod measure;
use measure::measure;

const ROWS: usize = 1_000;
const HOSTS: [&str; 7] = ["doc", "grumpy", "sleepy", "bashful", "happy", "sneezy", "dopey"];
const THRESHOLDS: [i32; 7] = [20, 30, 40, 60, 70, 80, 90];

fn usage(i: usize) -> f64 {
    65.0 + (i * 7919 % 300) as f64 / 10.0
}

fn schema() -> SchemaRef {
    Arc::new(ArrowSchema::new(vec![
        Field::new("hostname", DataType::Utf8, true),
        Field::new("cpu", DataType::Utf8, true),
        Field::new("usage", DataType::Float64, true),
        Field::new("occurred_at", DataType::Int64, true),
    ]))
}

fn readings() -> ChangelogBatch {
    let hosts = StringArray::from_iter_values((0..ROWS).map(|i| HOSTS[i % 7]));
    let cpus = StringArray::from_iter_values((0..ROWS).map(|i| format!("cpu{}", i % 6)));
    let usages = Float64Array::from_iter_values((0..ROWS).map(usage));
    let times = Int64Array::from_iter_values((0..ROWS).map(|i| 1_633_956_789_277 + i as i64 * 13));
    let columns = vec![Arc::new(hosts) as _, Arc::new(cpus) as _, Arc::new(usages) as _, Arc::new(times) as _];
    ChangelogBatch::inserts(RecordBatch::try_new(schema(), columns).expect("a batch"))
}

fn column(name: &str, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(name, index))
}

/// `usage > 80`, and the columns in another order with one computed: job 1 in small.
fn filter_and_project() -> Calc {
    let above = binary(column("usage", 2), Op::Gt, lit(80.0), &schema()).expect("a comparison");
    let later = binary(column("occurred_at", 3), Op::Plus, lit(3_600_000i64), &schema()).expect("a sum");
    let output = Arc::new(ArrowSchema::new(vec![
        Field::new("time", DataType::Int64, true),
        Field::new("hostname", DataType::Utf8, true),
        Field::new("cpu", DataType::Utf8, true),
        Field::new("usage", DataType::Float64, true),
    ]));
    let exprs = vec![later, column("hostname", 0), column("cpu", 1), column("usage", 2)];
    Calc::try_new(&schema(), Some(above), Some((exprs, output))).expect("a calc")
}

/// A table that must not be asked once the cache is warm.
#[derive(Debug)]
struct Thresholds;

fn threshold_schema() -> SchemaRef {
    Arc::new(ArrowSchema::new(vec![Field::new("allowed_top", DataType::Int32, true)]))
}

#[async_trait]
impl Lookup for Thresholds {
    async fn lookup(&self, keys: &RecordBatch) -> millstream::Result<LookupRows> {
        let hosts = keys.column(0).as_string::<i32>();
        let top = |host: &str| THRESHOLDS[HOSTS.iter().position(|h| *h == host).unwrap_or(0)];
        let tops = Int32Array::from_iter_values(hosts.iter().flatten().map(top));
        let rows = RecordBatch::try_new(threshold_schema(), vec![Arc::new(tops)])?;
        Ok(LookupRows { rows, key_of_row: UInt32Array::from_iter_values(0..keys.num_rows() as u32) })
    }
}

fn lookup_join() -> LookupHead {
    let fields: Vec<_> = schema().fields().iter().chain(threshold_schema().fields()).cloned().collect();
    let options = LookupCacheOptions {
        max_rows: Some(1_000),
        expire_after_write: None,
        expire_after_access: None,
        cache_missing_keys: true,
    };
    LookupHead::new(LookupJoin {
        lookup: Box::new(Thresholds),
        keys: vec![column("hostname", 0)],
        key_schema: Arc::new(ArrowSchema::new(vec![Field::new("hostname", DataType::Utf8, true)])),
        right_schema: threshold_schema(),
        output_schema: Arc::new(ArrowSchema::new(fields)),
        outer: false,
        condition: None,
        cache: Some(Mutex::new(LookupCache::new(options))),
        errors: Default::default(),
        metrics: Default::default(),
    })
}

fn json() -> TableFormat {
    let options: RawOptions = [("format", "json")].into_iter().collect();
    TableFormat::require(&options, FormatRole::Value, "table \"bench\"", Tz::UTC, false).expect("a known format")
}

fn sql_schema(names: [(&str, TypeKind); 4]) -> Schema {
    names.into_iter().map(|(name, kind)| SqlField::new(name, SqlType::nullable(kind))).collect()
}

fn operators(c: &mut Criterion) {
    let mut group = c.benchmark_group("operators");
    let rows = readings();

    let calc = filter_and_project();
    measure(&mut group, "filter and project", ROWS, || {
        black_box(calc.apply(black_box(&rows)).expect("rows"));
    });

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut join = lookup_join();
    let mut ask = || {
        join.push(StreamElement::Batch(rows.clone()));
        runtime.block_on(join.next()).expect("joined rows")
    };
    black_box(ask());
    measure(&mut group, "lookup join, warm cache", ROWS, || {
        black_box(ask());
    });

    for receivers in [2, 8] {
        measure(&mut group, &format!("exchange by key to {receivers}"), ROWS, || {
            black_box(split_by_key(black_box(&rows), &[0], receivers).expect("parts"));
        });
    }

    let text = TypeKind::Varchar(millstream::types::STRING_LENGTH);
    let input = sql_schema([
        ("hostname", text.clone()),
        ("cpu", text.clone()),
        ("usage", TypeKind::Double),
        ("occurred_at", TypeKind::BigInt),
    ]);
    let output = sql_schema([
        ("time", TypeKind::BigInt),
        ("hostname", text.clone()),
        ("cpu", text),
        ("usage", TypeKind::Double),
    ]);
    let message = |i: usize| {
        let (host, cpu, usage, at) = (HOSTS[i % 7], i % 6, usage(i), 1_633_956_789_277 + i * 13);
        format!(r#"{{"hostname": "{host}", "cpu": "cpu{cpu}", "usage": {usage:?}, "occurred_at": {at}}}"#)
    };
    let messages: Vec<String> = (0..ROWS).map(message).collect();
    let mut decoder = json().decoding(&input).and_then(|d| d.decoder(&[0, 1, 2, 3])).expect("a decoder");
    let mut encoder = json().encoding(&output).and_then(|e| e.encoder()).expect("an encoder");
    let mut out = Messages::new();
    measure(&mut group, "json decode, filter, project, json encode", ROWS, || {
        for message in &messages {
            decoder.decode(message.as_bytes()).expect("a good message");
        }
        let batch = ChangelogBatch::inserts(decoder.finish().expect("a batch"));
        out.clear();
        if let Some(alerts) = calc.apply(&batch).expect("rows") {
            encoder.encode(alerts.rows(), &mut out).expect("messages");
        }
        black_box(out.len());
    });
    group.finish();
}

criterion_group!(benches, operators);
criterion_main!(benches);

//! How many rows per second does one core decode and encode?
//!
//! The message is the tutorial's, 8192 to a batch. Throughput is in rows (elements) per second.

use std::hint::black_box;

use chrono_tz::Tz;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millstream::connectors::options::RawOptions;
use millstream::formats::{Decoder, FormatRole, Messages, TableFormat};
use millstream::types::{Field, Schema, SqlType, TypeKind};

const ROWS: usize = 8192;

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("hostname", SqlType::string()),
        Field::new("cpu", SqlType::string()),
        Field::new("usage", SqlType::nullable(TypeKind::Double)),
        Field::new("occurred_at", SqlType::nullable(TypeKind::BigInt)),
    ])
}

fn format(name: &str) -> TableFormat {
    let options: RawOptions = [("format", name)].into_iter().collect();
    TableFormat::require(&options, FormatRole::Value, "table \"bench\"", Tz::UTC, false).expect("a known format")
}

/// Readings as the tutorial's producer publishes them.
fn messages(line: impl Fn(&str, usize, f64, i64) -> String) -> Vec<String> {
    const HOSTS: [&str; 7] = ["doc", "grumpy", "sleepy", "bashful", "happy", "sneezy", "dopey"];
    let reading = |i: usize| {
        let usage = 70.0 + (i * 7919 % 300) as f64 / 10.0;
        line(HOSTS[i % 7], i % 6, usage, 1_633_956_789_277 + i as i64 * 13)
    };
    (0..ROWS).map(reading).collect()
}

fn json(host: &str, cpu: usize, usage: f64, at: i64) -> String {
    format!(r#"{{"hostname": "{host}", "cpu": "cpu{cpu}", "usage": {usage:?}, "occurred_at": {at}}}"#)
}

fn decode_all(decoder: &mut dyn Decoder, messages: &[String]) {
    for message in messages {
        decoder.decode(message.as_bytes()).expect("a good message");
    }
    black_box(decoder.finish().expect("a batch"));
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("formats");
    group.throughput(Throughput::Elements(ROWS as u64));
    let schema = schema();

    let plain = messages(json);
    let long = messages(|host, cpu, usage, at| json(host, cpu, usage + 1.0 / 3.0, at));
    for (name, messages, projection) in [
        ("json decode 4 of 4 columns", &plain, &[0, 1, 2, 3][..]),
        ("json decode 2 of 4 columns", &plain, &[0, 2]),
        ("json decode doubles of 17 digits", &long, &[0, 1, 2, 3]),
    ] {
        let mut decoder = format("json").decoding(&schema).and_then(|d| d.decoder(projection)).expect("a decoder");
        group.bench_function(name, |b| b.iter(|| decode_all(decoder.as_mut(), messages)));
    }

    let csv = messages(|host, cpu, usage, at| format!("{host},cpu{cpu},{usage:?},{at}"));
    let mut decoder = format("csv").decoding(&schema).and_then(|d| d.decoder(&[0, 1, 2, 3])).expect("a decoder");
    group.bench_function("csv decode 4 of 4 columns", |b| b.iter(|| decode_all(decoder.as_mut(), &csv)));

    let mut decoder = format("json").decoding(&schema).and_then(|d| d.decoder(&[0, 1, 2, 3])).expect("a decoder");
    plain.iter().for_each(|m| assert_eq!(decoder.decode(m.as_bytes()), Ok(1)));
    let rows = decoder.finish().expect("a batch");
    for name in ["json", "csv"] {
        let mut encoder = format(name).encoding(&schema).and_then(|e| e.encoder()).expect("an encoder");
        let mut out = Messages::new();
        group.bench_function(format!("{name} encode 4 columns"), |b| {
            b.iter(|| {
                out.clear();
                encoder.encode(&rows, &mut out).expect("rows of the schema");
                black_box(out.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);

//! How many rows per second does one core decode and encode, and how many bytes does that ask for, a row?
//!
//! The message is the tutorial's, 8192 to a batch; for `raw` it is the whole message, for `debezium-json` the row of an
//! envelope, or both rows of one. Throughput is in rows (elements) per second.

use std::hint::black_box;

use chrono_tz::Tz;
use criterion::{Criterion, criterion_group, criterion_main};
use millstream::RowKind;
use millstream::connectors::options::RawOptions;
use millstream::formats::{Decoder, FormatRole, Messages, TableFormat};
use millstream::types::{Field, Schema, SqlType, TypeKind};

mod measure;
use measure::measure;

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

fn decoder(name: &str, schema: &Schema, projection: &[usize]) -> Box<dyn Decoder> {
    format(name).decoding(schema).and_then(|decoding| decoding.decoder(projection)).expect("a decoder")
}

fn decode_all(decoder: &mut dyn Decoder, messages: &[String]) {
    for message in messages {
        decoder.decode(message.as_bytes()).expect("a good message");
    }
    black_box(decoder.take_kinds());
    black_box(decoder.finish().expect("a batch"));
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("formats");
    let schema = schema();
    let message = Schema::new(vec![Field::new("message", SqlType::string())]);

    let plain = messages(json);
    let long = messages(|host, cpu, usage, at| json(host, cpu, usage + 1.0 / 3.0, at));
    let csv = messages(|host, cpu, usage, at| format!("{host},cpu{cpu},{usage:?},{at}"));
    let created = messages(|host, cpu, usage, at| {
        format!(r#"{{"before": null, "after": {}, "op": "c"}}"#, json(host, cpu, usage, at))
    });
    let updated = messages(|host, cpu, usage, at| {
        let (before, after) = (json(host, cpu, usage, at), json(host, cpu, usage + 1.0, at));
        format!(r#"{{"before": {before}, "after": {after}, "op": "u"}}"#)
    });
    for (name, format, schema, messages, projection, rows) in [
        ("json decode 4 of 4 columns", "json", &schema, &plain, &[0, 1, 2, 3][..], ROWS),
        ("json decode 2 of 4 columns", "json", &schema, &plain, &[0, 2], ROWS),
        ("json decode doubles of 17 digits", "json", &schema, &long, &[0, 1, 2, 3], ROWS),
        ("csv decode 4 of 4 columns", "csv", &schema, &csv, &[0, 1, 2, 3], ROWS),
        ("raw decode a text", "raw", &message, &plain, &[0], ROWS),
        ("debezium-json decode inserts of 4 columns", "debezium-json", &schema, &created, &[0, 1, 2, 3], ROWS),
        ("debezium-json decode updates of 4 columns", "debezium-json", &schema, &updated, &[0, 1, 2, 3], 2 * ROWS),
    ] {
        let mut decoder = decoder(format, schema, projection);
        measure(&mut group, name, rows, || decode_all(decoder.as_mut(), messages));
    }

    let rows = |name: &str, schema: &Schema| {
        let mut decoder = decoder(name, schema, &(0..schema.len()).collect::<Vec<_>>());
        plain.iter().for_each(|m| assert_eq!(decoder.decode(m.as_bytes()), Ok(1)));
        decoder.finish().expect("a batch")
    };
    let (readings, texts) = (rows("json", &schema), rows("raw", &message));
    let halves = [RowKind::UpdateBefore, RowKind::UpdateAfter];
    for (name, format, schema, rows, kinds) in [
        ("json encode 4 columns", "json", &schema, &readings, None),
        ("csv encode 4 columns", "csv", &schema, &readings, None),
        ("raw encode a text", "raw", &message, &texts, None),
        ("debezium-json encode inserts of 4 columns", "debezium-json", &schema, &readings, None),
        ("debezium-json encode updates of 4 columns", "debezium-json", &schema, &readings, Some(halves)),
    ] {
        let mut encoder = self::format(format).encoding(schema).and_then(|e| e.encoder()).expect("an encoder");
        let kinds: Option<Vec<RowKind>> = kinds.map(|halves| halves.into_iter().cycle().take(ROWS).collect());
        let mut out = Messages::new();
        measure(&mut group, name, ROWS, || {
            out.clear();
            match &kinds {
                Some(kinds) => encoder.encode_changes(rows, kinds, &mut out),
                None => encoder.encode(rows, &mut out),
            }
            .expect("rows of the schema");
            black_box(out.len());
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);

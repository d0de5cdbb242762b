//! The scanner against the general parser, and both against what the encoder writes.

use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::decoder::JsonDecoder;
use super::{Rules, TimestampStandard};
use crate::formats::testing::{rows, schema, table_format};
use crate::formats::{Decoder, Messages};
use crate::types::Schema;

const COLUMNS: &str = "t STRING, i INT, l BIGINT, d DOUBLE, f FLOAT, b BOOLEAN, n DECIMAL(10, 3), s TIMESTAMP(3), \
    z TIMESTAMP_LTZ(6), y BYTES, m MAP<STRING, INT>, a ARRAY<STRING>, r ROW<x BIGINT, q ROW<w DOUBLE>, e ARRAY<INT>>";

fn rules(ignore_errors: bool) -> Rules {
    Rules {
        fail_on_missing: false,
        ignore_errors,
        timestamps: TimestampStandard::Sql,
        plain_decimals: false,
        ignore_nulls: false,
        lines: false,
        prefix: "json.".into(),
    }
}

/// What becomes of messages, by both ways; the general one alone where not `scanning`.
fn decode(schema: &Schema, messages: &[Vec<u8>], ignore_errors: bool, scanning: bool) -> Vec<String> {
    let all: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = JsonDecoder::new(schema, &all, rules(ignore_errors)).unwrap();
    let mut failures = Vec::new();
    for message in messages {
        let before = decoder.len();
        let done = if scanning { decoder.decode(message) } else { decoder.decode_generally(message) };
        match done {
            Ok(count) => assert_eq!(decoder.len(), before + count),
            Err(error) => {
                assert_eq!(decoder.len(), before);
                failures.push(error.message);
            }
        }
    }
    let mut came = rows(&decoder.finish().unwrap(), schema);
    came.append(&mut failures);
    came
}

/// JSON texts, some of them odd: spaces, escapes, numbers of all forms, keys out of order, repeated or unknown.
fn value(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("null".to_string()),
        Just("true".to_string()),
        Just("false".to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (-1000i32..1000).prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |d| d.is_finite()).prop_map(|d| d.to_string()),
        any::<f64>().prop_filter("finite", |d| d.is_finite()).prop_map(|d| format!("{d:e}")),
        (-100_000i64..100_000, 0u32..6).prop_map(|(n, p)| format!("{}", n as f64 / 10f64.powi(p as i32))),
        "-?[0-9]{1,25}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        "[ -~]{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
        ".{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
        "\"(a|\\\\n|\\\\u00e9|\\\\ud83d\\\\ude00|\\\\ud800|\\\\/|\\\\x|\t|é){0,5}\"",
        Just("\"2020-02-29 10:11:12.5\"".to_string()),
        Just("\"2020-02-30 24:00:00.5Z\"".to_string()),
        Just("\"2020-02-29 10:11:12Z\"".to_string()),
        Just("\"AQI=\"".to_string()),
        Just("\" 12 \"".to_string()),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
            object(inner),
        ]
    })
    .boxed()
}

fn object(inner: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    let key = prop_oneof![
        8 => prop::sample::select(vec!["t", "i", "l", "d", "f", "b", "n", "s", "z", "y", "m", "a", "r", "x", "q", "w", "e"])
            .prop_map(str::to_string),
        1 => "[a-z]{1,3}",
        1 => prop::sample::select(vec!["\\u0074", "é", "\\n", ""]).prop_map(str::to_string),
    ];
    let space = prop::sample::select(vec!["", " ", "\n\t"]);
    prop::collection::vec((key, space, inner), 0..6)
        .prop_map(|fields| {
            let fields =
                fields.into_iter().map(|(key, space, value)| format!("{space}\"{key}\"{space}:{space}{value}"));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        })
        .boxed()
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let whole = object(value(3));
    prop_oneof![
        8 => whole.clone().prop_map(String::into_bytes),
        1 => (whole.clone(), any::<prop::sample::Index>()).prop_map(|(text, at)| {
            let mut bytes = text.into_bytes();
            bytes.truncate(at.index(bytes.len()).max(1));
            bytes
        }),
        1 => (whole, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn both_ways_agree(messages in prop::collection::vec(message(), 1..8), ignore in any::<bool>()) {
        let schema = schema(COLUMNS);
        prop_assert_eq!(decode(&schema, &messages, ignore, true), decode(&schema, &messages, ignore, false));
    }

    #[test]
    fn a_projection_reads_the_same_values(messages in prop::collection::vec(message(), 1..8), picked in any::<u16>()) {
        let schema = schema(COLUMNS);
        let projection: Vec<usize> = (0..schema.len()).rev().filter(|i| picked >> i & 1 == 1).collect();
        let batch = |projection: &[usize]| -> RecordBatch {
            let mut decoder = JsonDecoder::new(&schema, projection, rules(true)).unwrap();
            messages.iter().for_each(|m| assert!(decoder.decode(m).is_ok()));
            decoder.finish().unwrap()
        };
        let all: Vec<usize> = (0..schema.len()).collect();
        let (some, all) = (batch(&projection), batch(&all));
        prop_assert_eq!(some.num_rows(), all.num_rows());
        prop_assert_eq!(some, all.project(&projection).unwrap());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&schema(COLUMNS), &[message], false, true);
    }

    #[test]
    fn what_is_written_is_read_back(messages in prop::collection::vec(object(value(3)).prop_map(String::into_bytes), 1..8)) {
        let schema = schema(COLUMNS);
        let all: Vec<usize> = (0..schema.len()).collect();
        let mut decoder = JsonDecoder::new(&schema, &all, rules(true)).unwrap();
        messages.iter().for_each(|m| assert!(decoder.decode(m).is_ok()));
        let batch = decoder.finish().unwrap();
        let mut written = Messages::new();
        let format = table_format(&[("format", "json")], false);
        format.encoding(&schema).unwrap().encoder().unwrap().encode(&batch, &mut written).unwrap();
        prop_assert_eq!(written.len(), batch.num_rows());
        for i in 0..written.len() {
            let text = written.get(i).unwrap();
            prop_assert!(serde_json::from_slice::<serde_json::Value>(text).is_ok());
            prop_assert_eq!(decoder.decode(text).unwrap(), 1);
        }
        prop_assert_eq!(rows(&decoder.finish().unwrap(), &schema), rows(&batch, &schema));
    }
}

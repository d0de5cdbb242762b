use proptest::prelude::*;

use crate::changelog::RowKind;
use crate::formats::testing::{rows, schema, table_format};
use crate::formats::{Decoder, FormatError, Messages, TableFormat};
use crate::types::Schema;

fn format(options: &[(&str, &str)]) -> TableFormat {
    let mut options = options.to_vec();
    options.push(("format", "debezium-json"));
    table_format(&options, false)
}

fn decoder(columns: &str, options: &[(&str, &str)], projection: &[usize]) -> (Box<dyn Decoder>, Schema) {
    let (format, schema) = (format(options), schema(columns));
    let metadata = format.metadata().into_iter().map(|(key, ty)| crate::types::Field::new(key, ty));
    let all: Schema = schema.fields.iter().cloned().chain(metadata).collect();
    (format.decoding(&schema).unwrap().decoder(projection).unwrap(), all.project(projection))
}

/// What has been decoded, as Flink prints it.
fn finish(decoder: &mut dyn Decoder, schema: &Schema) -> Vec<String> {
    let kinds = decoder.take_kinds().unwrap();
    let printed = rows(&decoder.finish().unwrap(), schema);
    assert_eq!(kinds.len(), printed.len());
    kinds.iter().zip(printed).map(|(kind, row)| format!("{kind}[{row}]")).collect()
}

fn read(columns: &str, options: &[(&str, &str)], messages: &[&str]) -> Vec<String> {
    let all: Vec<usize> = (0..schema(columns).len()).collect();
    let (mut decoder, schema) = decoder(columns, options, &all);
    for message in messages {
        decoder.decode(message.as_bytes()).unwrap_or_else(|error| panic!("{message}: {error}"));
    }
    finish(decoder.as_mut(), &schema)
}

fn error(options: &[(&str, &str)], message: &str) -> FormatError {
    let (mut decoder, _) = decoder("id INT, v STRING", options, &[0, 1]);
    let error = decoder.decode(message.as_bytes()).unwrap_err();
    assert_eq!(decoder.len(), 0);
    assert_eq!(decoder.decode_null(), Ok(0));
    error
}

const CREATED: &str = r#"{"before":null,"after":{"id":1,"v":"a"},"op":"c"}"#;

#[test]
fn every_operation_makes_its_rows() {
    let messages = [
        CREATED,
        r#"{"before":null,"after":{"v":"b","id":2},"op":"r","ts_ms":7,"source":{"db":"d"}}"#,
        "",
        r#"{"before":{"id":1,"v":"a"},"after":{"id":1,"v":null},"op":"u","transaction":null}"#,
        r#"{"op":"u","after":{"id":2},"before":{"id":2,"v":"b"}}"#,
        r#"{"before":{"id":2,"v":"b"},"after":null,"op":"d"}"#,
        r#" { "after" : {"id": 3, "v": 5}, "op" : "c" } "#,
        r#"[{"after":{"id":4},"op":"c"},{"before":{"id":4},"after":{"id":5},"op":"u"}]"#,
    ];
    let expected = [
        "+I[1, a]",
        "+I[2, b]",
        "-U[1, a]",
        "+U[1, null]",
        "-U[2, b]",
        "+U[2, null]",
        "-D[2, b]",
        "+I[3, 5]",
        "+I[4, null]",
        "-U[4, null]",
        "+U[5, null]",
    ];
    assert_eq!(read("id INT, v STRING", &[], &messages), expected);
}

#[test]
fn a_batch_of_inserts_alone_is_the_same() {
    let columns = "id INT NOT NULL, v STRING";
    assert_eq!(read(columns, &[], &[CREATED, CREATED]), ["+I[1, a]", "+I[1, a]"]);
    let (mut twice, schema) = decoder(columns, &[], &[1, 0, 1]);
    for message in [CREATED, r#"{"before":{"id":1,"v":"a"},"after":null,"op":"d"}"#] {
        assert_eq!(twice.decode(message.as_bytes()), Ok(1));
    }
    assert_eq!(finish(twice.as_mut(), &schema), ["+I[a, 1, a]", "-D[a, 1, a]"]);
    assert!(twice.is_empty());
    let (mut counter, schema) = decoder(columns, &[], &[]);
    counter.decode(r#"{"before":{"id":1},"after":{"id":1},"op":"u"}"#.as_bytes()).unwrap();
    assert_eq!(finish(counter.as_mut(), &schema), ["-U[]", "+U[]"]);
}

#[test]
fn messages_that_tell_no_change_say_why() {
    let cases = [
        (
            r#"{"before":null,"after":{"id":1},"op":"u"}"#,
            "the \"before\" field of UPDATE message is null",
            "REPLICA IDENTITY",
        ),
        (r#"{"after":{"id":1},"op":"d"}"#, "the \"before\" field of DELETE message is null", "REPLICA IDENTITY"),
        (
            r#"{"before":{"id":1},"after":null,"op":"u"}"#,
            "the \"after\" field of UPDATE message is null",
            "ignore-parse-errors",
        ),
        (r#"{"after":null,"op":"c"}"#, "the \"after\" field of CREATE message is null", "ignore-parse-errors"),
        (r#"{"after":{"id":1},"op":"t"}"#, "unknown \"op\" value \"t\"", "ignore-parse-errors"),
        (r#"{"after":{"id":1}}"#, "field \"op\" is missing or NULL", "'debezium-json.schema-include' = 'true'"),
        (r#"{"payload":{}}"#, "field \"op\" is missing or NULL", "'debezium-json.schema-include' = 'true'"),
        (r#"{"after":{"id":"x"},"op":"c"}"#, "field \"after.id\" is \"x\", expected INT", "ignore-parse-errors"),
        (r#"[{"after":{"id":1},"op":"c"},{}]"#, "field \"op\" is missing or NULL", "ignore-parse-errors"),
        ("5", "the document is 5, expected an object", "ignore-parse-errors"),
        ("{", "not a JSON document: it ends too early (line 1, column 1)", "ignore-parse-errors"),
    ];
    for (message, expected, hint) in cases {
        let error = error(&[], message);
        assert_eq!(error.message, expected);
        assert!(error.hint.as_deref().is_some_and(|h| h.contains(hint)), "{message}: {:?}", error.hint);
    }
    let wrapped = [("debezium-json.schema-include", "true")];
    let plain = error(&wrapped, CREATED);
    assert_eq!(plain.message, "field \"payload\" is missing or NULL");
    assert!(plain.hint.unwrap().contains("'debezium-json.schema-include' = 'false'"));
}

#[test]
fn errors_can_be_ignored_and_are_counted() {
    let options = [("debezium-json.ignore-parse-errors", "true")];
    let (mut decoder, schema) = decoder("id INT, v STRING", &options, &[0, 1]);
    let messages = [
        (r#"{"after":{"id":"x","v":"a"},"op":"c"}"#, 1),
        (r#"{"after":5,"op":"c"}"#, 0),
        (r#"{"before":null,"after":{"id":1},"op":"u"}"#, 0),
        (r#"{"after":{"id":1},"op":"t"}"#, 0),
        ("{}", 0),
        ("broken", 0),
        (CREATED, 1),
    ];
    for (message, count) in messages {
        assert_eq!(decoder.decode(message.as_bytes()), Ok(count), "{message}");
    }
    assert_eq!(finish(decoder.as_mut(), &schema), ["+I[null, a]", "+I[1, a]"]);
    // A field each for the first two, and five messages.
    assert_eq!(decoder.undecodable(), 7);
}

#[test]
fn metadata_is_told_with_the_rows() {
    let source =
        r#""source":{"db":"shop","schema":"public","table":"orders","ts_ms":1700000000123,"lsn":42,"none":null}"#;
    let change = format!(r#"{{"before":{{"id":1}},"after":{{"id":2}},"op":"u","ts_ms":1700000000456,{source}}}"#);
    let bare = r#"{"after":{"id":3},"op":"c"}"#;
    let all: Vec<usize> = (0..8).rev().collect();
    let (mut plain, schema) = decoder("id INT", &[], &all);
    assert_eq!(plain.decode(change.as_bytes()), Ok(2));
    assert_eq!(plain.decode(bare.as_bytes()), Ok(1));
    let told = "{db=shop, schema=public, table=orders, ts_ms=1700000000123, lsn=42, none=null}, orders, public, shop, 2023-11-14T22:13:20.123Z, 2023-11-14T22:13:20.456Z, null";
    let expected = [
        format!("-U[{told}, 1]"),
        format!("+U[{told}, 2]"),
        "+I[null, null, null, null, null, null, null, 3]".to_string(),
    ];
    assert_eq!(finish(plain.as_mut(), &schema), expected);

    let (mut wrapped, schema) = decoder("id INT", &[("debezium-json.schema-include", "true")], &[1, 6, 0]);
    let message = format!(r#"{{"schema":{{"type":"struct"}},"payload":{change}}}"#);
    assert_eq!(wrapped.decode(message.as_bytes()), Ok(2));
    let expected = [r#"-U[{"type":"struct"}, orders, 1]"#, r#"+U[{"type":"struct"}, orders, 2]"#];
    assert_eq!(finish(wrapped.as_mut(), &schema), expected);
}

fn written(options: &[(&str, &str)], kinds: Option<&[RowKind]>) -> Vec<String> {
    let (mut decoder, _) = decoder("id INT, v DOUBLE", &[], &[0, 1]);
    for message in [r#"{"after":{"id":1,"v":1.5},"op":"c"}"#, r#"{"after":{"id":2},"op":"c"}"#] {
        decoder.decode(message.as_bytes()).unwrap();
    }
    let (rows, mut out) = (decoder.finish().unwrap(), Messages::new());
    let mut encoder = format(options).encoding(&schema("id INT, v DOUBLE")).unwrap().encoder().unwrap();
    match kinds {
        None => encoder.encode(&rows, &mut out).unwrap(),
        Some(kinds) => encoder.encode_changes(&rows, kinds, &mut out).unwrap(),
    }
    (0..out.len()).map(|i| String::from_utf8(out.get(i).unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn rows_are_written_as_flink_writes_them() {
    let first = r#"{"before":null,"after":{"id":1,"v":1.5},"op":"c"}"#;
    let second = r#"{"before":null,"after":{"id":2,"v":null},"op":"c"}"#;
    assert_eq!(written(&[], None), [first, second]);
    assert_eq!(written(&[], Some(&[RowKind::UpdateAfter, RowKind::Insert])), [first, second]);
    let taken_back = [
        r#"{"before":{"id":1,"v":1.5},"after":null,"op":"d"}"#,
        r#"{"before":{"id":2,"v":null},"after":null,"op":"d"}"#,
    ];
    assert_eq!(written(&[], Some(&[RowKind::UpdateBefore, RowKind::Delete])), taken_back);
    let short = [("debezium-json.encode.ignore-null-fields", "true")];
    let kinds = [RowKind::Delete, RowKind::UpdateAfter];
    assert_eq!(
        written(&short, Some(&kinds)),
        [r#"{"before":{"id":1,"v":1.5},"op":"d"}"#, r#"{"after":{"id":2},"op":"c"}"#]
    );
}

#[test]
fn a_schema_is_only_read() {
    let error = format(&[("debezium-json.schema-include", "true")]).encoding(&schema("id INT")).unwrap_err();
    assert!(error.message().contains("'debezium-json.schema-include'"), "{error}");
    let error = format(&[]).decoding(&schema("m MAP<INT, INT>")).unwrap_err();
    assert!(error.message().contains("the format 'debezium-json' can't hold MAP<INT, INT>"), "{error}");
}

fn any_part() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_string()),
        Just(r#"{"id":1,"v":"x"}"#.to_string()),
        Just(r#"{"id":"y"}"#.to_string()),
        Just("[]".to_string()),
        Just("\"c\"".to_string()),
        Just("\"u\"".to_string()),
        Just("\"d\"".to_string()),
        Just("{".to_string()),
        "\\PC{0,6}",
    ]
}

proptest! {
    #[test]
    fn no_bytes_panic_and_an_error_leaves_nothing(
        texts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            (any_part(), any_part(), any_part(), any_part()).prop_map(|(before, after, op, source)| {
                format!(r#"{{"before":{before},"after":{after},"op":{op},"source":{source}}}"#).into_bytes()
            }),
        ], 0..12),
        ignore in any::<bool>(),
        wrapped in any::<bool>(),
    ) {
        let options = [
            ("debezium-json.ignore-parse-errors", if ignore { "true" } else { "false" }),
            ("debezium-json.schema-include", if wrapped { "true" } else { "false" }),
        ];
        let (mut decoder, schema) = decoder("id INT, v STRING", &options, &[0, 1, 7, 8]);
        let mut count = 0;
        for text in &texts {
            let text = match wrapped {
                true => [b"{\"payload\":".as_slice(), text, b"}"].concat(),
                false => text.clone(),
            };
            match decoder.decode(&text) {
                Ok(rows) => count += rows,
                Err(_) => prop_assert!(!ignore),
            }
            prop_assert_eq!(decoder.len(), count);
        }
        prop_assert_eq!(finish(decoder.as_mut(), &schema).len(), count);
    }
}

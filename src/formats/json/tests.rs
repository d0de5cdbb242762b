use crate::formats::testing::{golden, outcome, rows, schema, table_format};

#[test]
fn messages_are_read_as_flink_reads_them() {
    let mut wrong = Vec::new();
    for case in golden(include_str!("flink_decode.golden")) {
        let came = outcome("json", &case).replace('\t', "\\t");
        if came != case.outcome {
            wrong.push(format!("{}\n    came: {came}", case.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The error of decoding `message`, its hint, and what is counted when errors are ignored.
fn error_of(columns: &str, options: &[(&str, &str)], message: &str) -> (String, Option<String>) {
    let mut options = options.to_vec();
    options.push(("format", "json"));
    let schema = schema(columns);
    let all: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = table_format(&options, false).decoding(&schema).unwrap().decoder(&all).unwrap();
    let error = decoder.decode(message.as_bytes()).unwrap_err();
    assert_eq!(decoder.len(), 0);
    assert_eq!(decoder.decode(b"{}").unwrap_or(1), 1, "the decoder goes on");
    (error.message, error.hint)
}

#[test]
fn errors_name_the_field_the_value_and_the_type() {
    let cases = [
        ("price DOUBLE", r#"{"price": "abc"}"#, r#"field "price" is "abc", expected DOUBLE"#),
        ("a ROW<b ARRAY<INT>>", r#"{"a": {"b": [1, true]}}"#, r#"field "a.b" is true, expected INT"#),
        ("m MAP<STRING, INT>", r#"{"m": {"k": {}}}"#, r#"field "m.k" is an object, expected INT"#),
        (
            "t TIMESTAMP(3)",
            r#"{"t": "2020-01-01T00:00:00"}"#,
            r#"field "t" is "2020-01-01T00:00:00", expected TIMESTAMP(3) such as 2020-12-30 12:13:14.123"#,
        ),
        ("n INT NOT NULL", r#"{"n": null}"#, r#"field "n" is NULL, expected INT NOT NULL"#),
        ("n INT", r#"{"n": 1"#, "not a JSON document: it ends too early (line 1, column 7)"),
        ("n INT", "null", "the document is null, expected an object"),
        (
            "n INT",
            &format!("{{\"n\": \"{}\"}}", "x".repeat(200)),
            &format!("field \"n\" is \"{}..., expected INT", "x".repeat(59)),
        ),
    ];
    for (columns, message, error) in cases {
        assert_eq!(error_of(columns, &[], message).0, error);
    }
}

#[test]
fn hints_spell_the_option_as_the_table_does() {
    let (_, hint) = error_of("n INT", &[], "{");
    assert!(hint.unwrap().starts_with("Set 'json.ignore-parse-errors' = 'true' to "));
    let (message, hint) = error_of("n INT, m INT", &[("json.fail-on-missing-field", "true")], r#"{"n": 1}"#);
    assert_eq!(message, r#"field "m" is missing"#);
    assert_eq!(hint.unwrap(), "Set 'json.fail-on-missing-field' = 'false' to read missing fields as NULL.");
}

#[test]
fn what_could_not_be_read_is_counted() {
    let schema = schema("a INT, b INT");
    let format = table_format(&[("format", "json"), ("json.ignore-parse-errors", "true")], false);
    let mut decoder = format.decoding(&schema).unwrap().decoder(&[0, 1]).unwrap();
    for (message, rows) in [("{\"a\":\"x\",\"b\":\"y\"}", 1), ("{", 0), ("{\"a\":1}", 1), ("", 0)] {
        assert_eq!(decoder.decode(message.as_bytes()).unwrap(), rows, "{message}");
    }
    assert_eq!((decoder.undecodable(), decoder.len()), (3, 2));
}

#[test]
fn only_the_wanted_columns_are_read() {
    let schema = schema("a INT, b STRING, c DOUBLE");
    let format = table_format(&[("format", "json")], false);
    let mut decoder = format.decoding(&schema).unwrap().decoder(&[2, 0, 2]).unwrap();
    decoder.decode(br#"{"b": {"x": "}\"]"}, "c": 1.5, "z": [1, {"a": 2}], "a": 7}"#).unwrap();
    assert_eq!(rows(&decoder.finish().unwrap(), &schema.project(&[2, 0, 2])), ["1.5, 7, 1.5"]);
    let mut counter = format.decoding(&schema).unwrap().decoder(&[]).unwrap();
    counter.decode(b"{\"a\":1}").unwrap();
    counter.decode(b"{}").unwrap();
    assert_eq!(counter.finish().unwrap().num_rows(), 2);
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    let options = [("format", "json"), ("json.ignore-parse-errors", "true"), ("json.fail-on-missing-field", "true")];
    let error = table_format(&options, false).decoding(&schema("a INT")).unwrap_err();
    assert_eq!(
        error.message(),
        "option 'json.ignore-parse-errors' of table \"t\": can't be true together with 'json.fail-on-missing-field'"
    );
    let error = table_format(&[("format", "json"), ("json.ignore-parse-erors", "true")], false)
        .decoding(&schema("a INT"))
        .unwrap_err();
    assert_eq!(error.hint(), Some("Did you mean \"json.ignore-parse-errors\"?"));
}

#[test]
fn maps_need_texts_as_keys() {
    let error = table_format(&[("format", "json")], false).decoding(&schema("m MAP<INT, INT>")).unwrap_err();
    assert_eq!(
        error.message(),
        "column \"m\" of table \"t\": the format 'json' can't hold MAP<INT, INT>, whose keys are not texts"
    );
}

use crate::formats::Messages;
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

/// What rows that were read from `messages` are written as.
fn written(columns: &str, options: &[(&str, &str)], messages: &[&str]) -> Vec<String> {
    let mut options = options.to_vec();
    options.push(("format", "json"));
    let (format, schema) = (table_format(&options, false), schema(columns));
    let all: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = format.decoding(&schema).unwrap().decoder(&all).unwrap();
    messages.iter().for_each(|m| assert_eq!(decoder.decode(m.as_bytes()), Ok(1)));
    let mut out = Messages::new();
    format.encoding(&schema).unwrap().encoder().unwrap().encode(&decoder.finish().unwrap(), &mut out).unwrap();
    (0..out.len()).map(|i| String::from_utf8(out.get(i).unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn values_are_written_as_flink_writes_them() {
    let columns = "a BOOLEAN, b TINYINT, e BIGINT, f FLOAT, g DOUBLE, h DECIMAL(10,2), i STRING, j BYTES, k DATE, \
        l TIME(3), m TIMESTAMP(3), n TIMESTAMP_LTZ(3), o TIMESTAMP(9), p DECIMAL(20,10)";
    let first = r#"{"a":true,"b":1,"e":4,"f":98.3,"g":1.0E10,"h":12.5,"i":"q\"u\\o\nte\té\u2028\u007f\u0001/\u001f","j":"AQL/","k":"2020-02-29","l":"10:11:12","m":"2020-01-01 10:11:12.120","n":"2020-01-01 10:11:12.12Z","o":"2020-01-01 10:11:12.123456789","p":0.0000001}"#;
    let second =
        r#"{"f":"NaN","g":"-Infinity","h":100,"m":"2020-01-01 10:11:00","n":"1969-12-31 23:59:59.999Z","p":0}"#;
    let expected = [
        "{\"a\":true,\"b\":1,\"e\":4,\"f\":98.3,\"g\":1.0E10,\"h\":12.5,\"i\":\"q\\\"u\\\\o\\nte\\té\u{2028}\u{7f}\\u0001/\\u001F\",\"j\":\"AQL/\",\"k\":\"2020-02-29\",\"l\":\"10:11:12\",\"m\":\"2020-01-01 10:11:12.12\",\"n\":\"2020-01-01 10:11:12.12Z\",\"o\":\"2020-01-01 10:11:12.123456789\",\"p\":1E-7}",
        r#"{"a":null,"b":null,"e":null,"f":"NaN","g":"-Infinity","h":1E+2,"i":null,"j":null,"k":null,"l":null,"m":"2020-01-01 10:11:00","n":"1969-12-31 23:59:59.999Z","o":null,"p":0}"#,
    ];
    assert_eq!(written(columns, &[], &[first, second]), expected);
    let options = [("json.encode.ignore-null-fields", "true"), ("json.encode.decimal-as-plain-number", "true")];
    assert_eq!(
        written(columns, &options, &[second]),
        [
            r#"{"f":"NaN","g":"-Infinity","h":100.00,"m":"2020-01-01 10:11:00","n":"1969-12-31 23:59:59.999Z","p":0.0000000000}"#
        ]
    );
    let iso = [("json.timestamp-format.standard", "ISO-8601")];
    let message = r#"{"m":"2020-01-01T10:11","n":"1969-12-31T23:59:59.999Z"}"#;
    assert_eq!(
        written("m TIMESTAMP(3), n TIMESTAMP_LTZ(3)", &iso, &[message]),
        [r#"{"m":"2020-01-01T10:11:00","n":"1969-12-31T23:59:59.999Z"}"#]
    );
}

#[test]
fn nested_values_are_written_as_flink_writes_them() {
    let columns =
        "a ROW<x INT, y ROW<z STRING>>, b ARRAY<ROW<x INT>>, c MAP<STRING,INT>, d ARRAY<INT>, e MULTISET<STRING>";
    let messages = [
        r#"{"a":{"x":1,"y":{"z":"z"}},"b":[{"x":1}],"c":{"a":1,"b":null},"d":[1,null],"e":null}"#,
        r#"{"a":null,"b":null,"c":null,"d":null,"e":{"q":2}}"#,
        r#"{"a":{"x":null,"y":{"z":null}},"b":[{"x":null}],"c":{"a":1},"d":[1,2],"e":null}"#,
    ];
    assert_eq!(written(columns, &[], &messages), messages);
    let ignoring = written(columns, &[("json.encode.ignore-null-fields", "true")], &messages);
    assert_eq!(
        ignoring,
        [
            r#"{"a":{"x":1,"y":{"z":"z"}},"b":[{"x":1}],"c":{"a":1,"b":null},"d":[1,null]}"#,
            r#"{"e":{"q":2}}"#,
            r#"{"a":{"y":{}},"b":[{}],"c":{"a":1},"d":[1,2]}"#,
        ]
    );
}

#[test]
fn lines_end_with_a_line_feed() {
    let schema = schema("a INT");
    let format = table_format(&[("format", "json")], true);
    let mut decoder = format.decoding(&schema).unwrap().decoder(&[0]).unwrap();
    decoder.decode(b"{\"a\":1}").unwrap();
    let mut out = Messages::new();
    format.encoding(&schema).unwrap().encoder().unwrap().encode(&decoder.finish().unwrap(), &mut out).unwrap();
    assert_eq!(out.get(0), Some(&b"{\"a\":1}\n"[..]));
}

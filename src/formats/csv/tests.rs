use crate::formats::Messages;
use crate::formats::testing::{golden, outcome, rows, schema, table_format};

#[test]
fn lines_are_read_as_flink_reads_them() {
    let mut wrong = Vec::new();
    for case in golden(include_str!("flink_decode.golden")) {
        let came = outcome("csv", &case).replace('\t', "\\t").replace('\n', "\\n");
        if came != case.outcome {
            wrong.push(format!("{}\n    came: {came}", case.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines of rows that JSON messages make.
fn written(columns: &str, options: &[(&str, &str)], messages: &[&str]) -> Vec<String> {
    let schema = schema(columns);
    let all: Vec<usize> = (0..schema.len()).collect();
    let mut decoder = table_format(&[("format", "json")], false).decoding(&schema).unwrap().decoder(&all).unwrap();
    messages.iter().for_each(|m| assert_eq!(decoder.decode(m.as_bytes()), Ok(1)));
    let mut all = vec![("format", "csv")];
    all.extend(options);
    let mut out = Messages::new();
    let encoding = table_format(&all, false).encoding(&schema).unwrap();
    encoding.encoder().unwrap().encode(&decoder.finish().unwrap(), &mut out).unwrap();
    (0..out.len()).map(|i| String::from_utf8(out.get(i).unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn values_are_written_as_flink_writes_them() {
    let columns = "a BOOLEAN, d INT, f FLOAT, g DOUBLE, h DECIMAL(10,2), i STRING, j BYTES, k DATE, l TIME(0), \
        m TIMESTAMP(3), o TIMESTAMP(9), p DECIMAL(20,10), z TIMESTAMP_LTZ(3)";
    let row = r#"{"a": true, "d": 3, "f": 98.3, "g": 1e10, "h": 12.5, "i": "a b", "j": "AQL/", "k": "2020-02-29",
        "l": "10:11:12", "m": "2020-01-01 10:11:12.12", "o": "2020-01-01 10:11:12.123456789", "p": 0.0000001,
        "z": "2020-01-01 10:11:12.12Z"}"#;
    let comma = r#"true,3,98.3,1.0E10,12.5,"a b",AQL/,2020-02-29,10:11:12,"2020-01-01 10:11:12.12","2020-01-01 10:11:12.123456789",1E-7,"2020-01-01 10:11:12.12Z""#;
    assert_eq!(written(columns, &[], &[row, "{}"]), [comma, &",".repeat(12)]);
    let semicolon = r#"true;3;98.3;1.0E10;12.5;"a b";"AQL/";"2020-02-29";"10:11:12";"2020-01-01 10:11:12.12";"2020-01-01 10:11:12.123456789";0.0000001;"2020-01-01 10:11:12.12Z""#;
    let options = [
        ("csv.field-delimiter", ";"),
        ("csv.null-literal", "NULL"),
        ("csv.write-bigdecimal-in-scientific-notation", "false"),
    ];
    assert_eq!(written(columns, &options, &[row, "{}"]), [semicolon, &["NULL"; 13].join(";")]);
}

#[test]
fn texts_are_quoted_as_jackson_quotes_them() {
    let texts = [
        "plain",
        "a,b",
        "q\"q",
        " lead",
        "semi;colon",
        "back\\slash",
        "#hash",
        "-",
        "+1",
        "a'b",
        "x|y",
        "é",
        "",
        "averyveryverylongstringwithmorethantwentyfourcharacters",
    ];
    let messages: Vec<String> = texts.iter().map(|t| serde_json::json!({ "s": t }).to_string()).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let quoted = |options: &[(&str, &str)]| written("s STRING", options, &messages);
    let long = texts[13];
    let quotes = |text: &str| format!("\"{text}\"");
    assert_eq!(
        quoted(&[]),
        [
            "plain",
            "\"a,b\"",
            "\"q\"\"q\"",
            "\" lead\"",
            "semi;colon",
            "\"back\\slash\"",
            "\"#hash\"",
            "-",
            "\"+1\"",
            "\"a'b\"",
            "x|y",
            "é",
            "",
            &quotes(long),
        ]
    );
    assert_eq!(quoted(&[("csv.disable-quote-character", "true")]), texts);
    assert_eq!(
        quoted(&[("csv.escape-character", "\\"), ("csv.quote-character", "'")]),
        [
            "plain",
            "'a,b'",
            "'q\"q'",
            "' lead'",
            "semi;colon",
            "'back\\\\slash'",
            "'#hash'",
            "-",
            "'+1'",
            "'a''b'",
            "x|y",
            "é",
            "",
            &format!("'{long}'"),
        ]
    );
}

#[test]
fn lists_are_one_cell() {
    let columns = "a ARRAY<INT>, b ARRAY<STRING>, c ROW<x INT, y STRING>";
    let messages = [
        r#"{"a": [1, 2], "b": ["a", "b;c", "d,e", "\""], "c": {"x": 1, "y": "q"}}"#,
        r#"{"a": [1, null], "b": ["", null], "c": {}}"#,
        "{}",
    ];
    assert_eq!(written(columns, &[], &messages), [r#"1;2,"a;b;c;d,e;""",1;q"#, "1;,;,;", ",,"]);
    let options = [("csv.array-element-delimiter", "|"), ("csv.null-literal", "N")];
    assert_eq!(written(columns, &options, &messages), [r#"1|2,"a|b;c|d,e|""",1|q"#, "1|N,|N,N|N", "N,N,N"]);
}

#[test]
fn a_bad_line_leaves_nothing_and_names_the_cell() {
    let schema = schema("a INT, b INT");
    let mut decoder = table_format(&[("format", "csv")], false).decoding(&schema).unwrap().decoder(&[1, 0]).unwrap();
    assert_eq!(decoder.decode(b"1,2"), Ok(1));
    let error = decoder.decode(b"x,2").unwrap_err();
    assert_eq!(error.message, "field \"a\" is \"x\", expected INT");
    assert!(error.hint.unwrap().starts_with("Set 'csv.ignore-parse-errors' = 'true' to "));
    let empty = decoder.decode(b",2").unwrap_err().hint.unwrap();
    assert!(empty.starts_with("Set 'csv.null-literal' = '' to read empty cells as NULL. Set '"), "{empty}");
    assert_eq!(decoder.decode(b"1").unwrap_err().message, "the line has 1 cell, expected 2");
    assert_eq!(rows(&decoder.finish().unwrap(), &schema), ["2, 1"]);
}

#[test]
fn options_that_can_not_be_are_refused() {
    let refused = |options: &[(&str, &str)], columns: &str| {
        let mut all = vec![("format", "csv")];
        all.extend(options);
        table_format(&all, false).decoding(&schema(columns)).unwrap_err().message().to_string()
    };
    assert_eq!(
        refused(&[("csv.field-delimiter", "||")], "a INT"),
        "option 'csv.field-delimiter' of table \"t\": '||' is not a single ASCII character"
    );
    assert_eq!(
        refused(&[("csv.quote-character", "'"), ("csv.disable-quote-character", "true")], "a INT"),
        "option 'csv.quote-character' of table \"t\": can't be set together with 'csv.disable-quote-character'"
    );
    assert_eq!(
        refused(&[], "m MAP<STRING, INT>"),
        "column \"m\" of table \"t\": the format 'csv' can't hold MAP<STRING, INT>"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        failure_persistence: None, ..proptest::prelude::ProptestConfig::with_cases(64)
    })]

    #[test]
    fn any_bytes_are_read_without_a_panic(message in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        let schema = schema("a STRING, b INT, c ARRAY<DATE>, d ROW<x BYTES, y TIMESTAMP(3)>");
        for options in [&[("format", "csv")][..], &[("format", "csv"), ("csv.escape-character", "\\")]] {
            let mut decoder = table_format(options, false).decoding(&schema).unwrap().decoder(&[0, 1, 2, 3]).unwrap();
            let _ = decoder.decode(&message);
        }
    }

    #[test]
    fn texts_come_back(text in ".{0,30}", other in "[ -~\\n\"]{0,30}") {
        let schema = schema("a STRING, b STRING");
        let message = serde_json::json!({ "a": text, "b": other }).to_string();
        let line = written("a STRING, b STRING", &[], &[&message]).remove(0);
        let mut decoder = table_format(&[("format", "csv")], true).decoding(&schema).unwrap().decoder(&[0, 1]).unwrap();
        proptest::prop_assert_eq!(decoder.decode(line.as_bytes()), Ok(1));
        proptest::prop_assert_eq!(rows(&decoder.finish().unwrap(), &schema), [format!("{text}, {other}")]);
    }
}

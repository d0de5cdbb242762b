//! `bench --source`: what files of rows may be, what is said of them, and when.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::ipc::writer::FileWriter;

use crate::bench::{JOB, operators, row};
use crate::millstream::{Ended, millstream_in};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn bench_in(folder: &Path, sources: &[&str], sql: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["bench", "--runs", "1", "--rows", "100", "-e", sql];
    sources.iter().for_each(|source| arguments.extend(["--source", source]));
    arguments.extend(more);
    millstream_in(folder, &arguments)
}

#[test]
fn a_column_that_no_line_has_is_told_once() {
    let lines = "{\"host\":\"load\",\"laod\":1,\"at_ms\":0}\n{\"host\":\"b\",\"laod\":2,\"at_ms\":1}\n";
    let null = "{\"host\":\"a\",\"load\":null,\"at_ms\":0}\n";
    let folder = folder(&[("rows.json", lines), ("null.json", null)]);
    let sql = format!("{JOB} SELECT host, load FROM readings; SELECT load FROM readings");
    let said = "warning: --source readings=rows.json: no line has the column \"load\": it is NULL in every row\n  \
                hint: In the file \"laod\" may be meant to be \"load\".";
    for more in [&[][..], &["--compare", "parallelism.default=1,2"]] {
        let ended = bench_in(folder.path(), &["readings=rows.json"], &sql, more).expect(0);
        assert_eq!(ended.err.matches(said).count(), 1, "{}", ended.err);
        assert_eq!(ended.err.matches("reading rows.json …").count(), 1, "{}", ended.err);
    }
    let ended = bench_in(folder.path(), &["readings=null.json"], &sql, &[]).expect(0);
    assert!(!ended.err.contains("warning"), "{}", ended.err);
    // A column that nobody reads may be missing.
    let sql = format!("{JOB} SELECT host FROM readings");
    let ended = bench_in(folder.path(), &["readings=rows.json"], &sql, &[]).expect(0);
    assert!(!ended.err.contains("warning"), "{}", ended.err);
    let sql = format!("{JOB} SELECT host, load, at_ms FROM readings");
    let two = folder.path().join("two.json");
    std::fs::write(two, "{\"host\":\"a\",\"x\":1,\"y\":2}\n").unwrap();
    let ended = bench_in(folder.path(), &["readings=two.json"], &sql, &[]).expect(0);
    let said = "no line has the columns \"load\", \"at_ms\": they are NULL in every row\n  hint: Other fields of the file are x, y.";
    assert!(ended.err.contains(said), "{}", ended.err);
}

#[test]
fn lines_are_read_in_the_format_of_the_table() {
    let table = |more: &str| {
        format!(
            "SET 'parallelism.default' = '2';
             CREATE TABLE stock (item INT, amount BIGINT, origin STRING METADATA FROM 'value.source.table' VIRTUAL,
               PRIMARY KEY (item) NOT ENFORCED) WITH (
               'connector' = 'kafka', 'topic' = 'stock', 'properties.bootstrap.servers' = 'nowhere:9092',
               'scan.startup.mode' = 'earliest-offset', 'format' = 'debezium-json'{more});
             SELECT origin, SUM(amount) AS amount FROM stock WHERE item > 0 GROUP BY origin"
        )
    };
    let plain = [
        r#"{"before":null,"after":{"item":1,"amount":5},"op":"c","source":{"table":"s"}}"#,
        r#"{"before":{"item":1,"amount":5},"after":{"item":1,"amount":7},"op":"u","source":{"table":"s"}}"#,
        r#"{"before":null,"after":{"item":2,"amount":1},"op":"r","source":{"table":"s"}}"#,
        r#"{"before":{"item":2,"amount":1},"after":null,"op":"d","source":{"table":"s"}}"#,
    ];
    let wrapped: Vec<String> = plain.iter().map(|line| format!("{{\"schema\":{{}},\"payload\":{line}}}")).collect();
    let typo = plain.join("\n").replace("amount", "amonut");
    let files = [
        ("changes.ndjson", plain.join("\n")),
        ("wrapped.jsonl", wrapped.join("\n")),
        ("typo.json", typo),
        ("rows.json", "{\"item\":1,\"amount\":5}\n".to_string()),
    ];
    let folder = folder(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let run = |file: &str, more: &str| bench_in(folder.path(), &[&format!("stock={file}")], &table(more), &[]);
    for (file, more) in [("changes.ndjson", ""), ("wrapped.jsonl", ", 'debezium-json.schema-include' = 'true'")] {
        let ended = run(file, more).expect(0);
        let first = ended.out.lines().next().unwrap_or_default();
        // An update is two rows.
        assert!(first.starts_with(&format!("collect: 5 rows of stock ({file}, once: its rows change)")), "{first}");
        assert!(!ended.err.contains("warning"), "{}", ended.err);
        // The first sum, its change to 7, one that is 1 more and one that is as before.
        let all = operators(&ended.out);
        assert_eq!(row(&all, "Source"), ("5", "5"), "{}", ended.out);
        let sums = all.iter().rfind(|operator| operator.0.contains("GroupAggregate"));
        let rows_out = sums.map(|sums| sums.2.as_str());
        assert!(rows_out.is_some_and(|rows| rows != "0"), "{}", ended.out);
    }
    let err = run("typo.json", "").expect(0).err;
    assert!(err.contains("no line has the column \"amount\""), "{err}");
    assert!(err.contains("\"amonut\" may be meant to be \"amount\""), "{err}");
    for (file, more, said) in [
        ("rows.json", "", "line 1: field \"op\" is missing or NULL"),
        ("rows.json", "", "A line is a message of the table's format 'debezium-json'"),
        ("wrapped.jsonl", "", "with a schema around it where 'debezium-json.schema-include' = 'true'"),
    ] {
        let err = run(file, more).expect(2).err;
        assert!(err.contains(said), "{file}: {said} is missing in\n{err}");
    }
}

#[test]
fn a_line_that_is_no_row_is_shown() {
    let folder = folder(&[
        ("much.json", "{\"host\":\"a\"}\n\n{\"host\":\"é\",\"load\":\"much\"}\r\n"),
        ("short.json", "{\"host\":\"a\",\"load\":"),
        ("list.json", "[\n  {\"host\":\"a\"}\n]\n"),
    ]);
    let sql = format!("{JOB} SELECT host, load FROM readings");
    for (file, said) in [
        ("much.json", "line 3: field \"load\" is \"much\", expected DOUBLE\n --> much.json:3:20\n"),
        (
            "much.json",
            "3 | {\"host\":\"é\",\"load\":\"much\"}\n  |                    ^^^^^^\n  hint: A line is a JSON object.",
        ),
        ("short.json", "line 1: not a JSON document: it ends too early\n --> short.json:1:19\n"),
        ("list.json", "hint: A line is a JSON object. Mend this one, or take it out of the file."),
    ] {
        let err = bench_in(folder.path(), &[&format!("readings={file}")], &sql, &[]).expect(2).err;
        assert!(err.contains(said), "{file}: {said} is missing in\n{err}");
        assert!(!err.contains("ignore-parse-errors"), "{err}");
    }
    // A table that passes them over does so here, and it is said.
    let sql = sql.replacen("'format' = 'json'", "'format' = 'json', 'json.ignore-parse-errors' = 'true'", 1);
    let err = bench_in(folder.path(), &["readings=much.json"], &sql, &[]).expect(0).err;
    assert!(
        err.contains("1 of its fields or lines can't be read, and are NULL or passed over as 'json.ignore-"),
        "{err}"
    );
}

#[test]
fn every_file_is_read_before_anything_is_measured() {
    let folder = folder(&[("rows.json", "{\"host\":\"a\",\"load\":1,\"at_ms\":0}\n"), ("owners.json", "{\"host\":1")]);
    let sql = format!(
        "{JOB} SELECT host FROM readings; SELECT o.owner FROM (SELECT *, PROCTIME() AS pt FROM readings) AS r
         JOIN owners FOR SYSTEM_TIME AS OF r.pt AS o ON r.host = o.host"
    );
    let sources = ["readings=rows.json", "owners=owners.json"];
    let ended = bench_in(folder.path(), &sources, &sql, &[]).expect(2);
    assert_eq!(ended.out, "");
    assert!(ended.err.contains("reading owners.json …"), "{}", ended.err);
    let ended = bench_in(folder.path(), &sources[..1], &format!("{sql}; SELECT 1"), &[]).expect(2);
    assert_eq!(ended.out, "", "the last job reads no table");
}

#[test]
fn files_that_are_damaged_are_told_apart() {
    let hosts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|i| format!("host {i}"))));
    let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let rows = RecordBatch::try_from_iter([("host", hosts), ("at_ms", times)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, &rows.schema()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let folder =
        folder(&[("lines.arrow", "{\"host\":\"a\"}\n"), ("empty.parquet", ""), ("old.arrow", "FEA1 and more")]);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("whole.arrow", &bytes);
    write("short.arrow", &bytes[..bytes.len() - 100]);
    write("named.parquet", &bytes);
    let mut damaged = bytes.clone();
    let footer = bytes.len() - 60;
    damaged[footer..footer + 20].fill(0xee);
    write("damaged.arrow", &damaged);
    let sql = format!("{JOB} SELECT host FROM readings");
    let run = |file: &str| bench_in(folder.path(), &[&format!("readings={file}")], &sql, &[]);
    assert!(run("whole.arrow").expect(0).out.starts_with("job: 100 rows of readings (whole.arrow)"));
    for (file, said) in [
        ("short.arrow", "it is an Arrow IPC file whose end is missing\n  hint: Write or copy it again"),
        ("damaged.arrow", "it is an Arrow IPC file that is damaged or cut off"),
        (
            "named.parquet",
            "it is an Arrow IPC file, and its name says something else\n  hint: Let its name end in .arrow.",
        ),
        ("lines.arrow", "it is no Arrow IPC file or stream\n  hint: JSON lines end in .json, .jsonl or .ndjson."),
        ("old.arrow", "it is a Feather file of version 1"),
        ("empty.parquet", "it is empty"),
    ] {
        let err = run(file).expect(2).err;
        assert!(err.contains(&format!("--source readings={file}: {said}")), "{file}: {said} is missing in\n{err}");
    }
}

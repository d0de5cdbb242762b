//! `bench`: what is counted, what is refused. What takes time is not looked at.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::millstream::{millstream, millstream_in};

pub const JOB: &str = "
    CREATE TABLE readings (
      host STRING, load DOUBLE, at_ms BIGINT,
      ts AS TO_TIMESTAMP_LTZ(at_ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
    ) WITH ('connector' = 'kafka', 'topic' = 'readings', 'properties.bootstrap.servers' = 'nowhere:9092',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
    CREATE TABLE alerts (host STRING, n BIGINT) WITH (
      'connector' = 'kafka', 'topic' = 'alerts', 'properties.bootstrap.servers' = 'nowhere:9092', 'format' = 'json');
    CREATE TABLE owners (host STRING, owner STRING, most DOUBLE) WITH (
      'connector' = 'jdbc', 'url' = 'jdbc:postgresql://nowhere:1/db', 'table-name' = 'owners');
    SET 'pipeline.name' = 'job';
    SET 'parallelism.default' = '1';";

const WINDOW: &str = "INSERT INTO alerts SELECT host, COUNT(*)
    FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '1' SECOND)) WHERE load >= 0 GROUP BY window_start, window_end, host";

/// The table of operators: what each is called, its rows in and its rows out.
pub fn operators(out: &str) -> Vec<(String, String, String)> {
    let lines = out.lines().skip_while(|line| !line.trim_start().starts_with("operator ")).skip(1);
    lines
        .take_while(|line| !line.trim().is_empty())
        .map(|line| {
            let name = line.trim().split(['(', ' ']).next().unwrap_or_default().to_string();
            // Behind the text: rows in, rows out (none of a sink and of the rest), CPU, bytes, share.
            let cells: Vec<&str> =
                line.trim_end_matches(" %").split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
            let numbers = &cells[1..];
            let out = if numbers.len() == 5 { numbers[1] } else { "" };
            (name, numbers[0].to_string(), out.to_string())
        })
        .collect()
}

pub fn row<'a>(operators: &'a [(String, String, String)], name: &str) -> (&'a str, &'a str) {
    let found = operators.iter().find(|operator| operator.0 == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {operators:?}"));
    (&found.1, &found.2)
}

fn bench(arguments: &[&str]) -> crate::millstream::Ended {
    let all: Vec<&str> = ["bench", "--runs", "1", "--rows", "20k"].iter().chain(arguments).copied().collect();
    millstream(&all)
}

#[test]
fn a_window_takes_every_row_and_gives_every_group_without_a_broker() {
    let sql = format!("{JOB} {WINDOW}");
    let ended = bench(&["-e", &sql]).expect(0);
    let first = ended.out.lines().next().unwrap_or_default();
    assert_eq!(first, "job: 20,000 rows of readings (made up), parallelism 1, 1 run");
    for measure in ["rows/s", "CPU ns/row", "bytes allocated/row"] {
        assert!(ended.out.contains(measure), "{}", ended.out);
    }
    // 20,000 rows at 10 a millisecond are two seconds; the rows of a host are drawn from a thousand hosts.
    let operators = operators(&ended.out);
    assert_eq!(row(&operators, "Source"), ("20,000", "20,000"), "{}", ended.out);
    assert_eq!(row(&operators, "WindowSlice"), ("20,000", "20,000"));
    assert_eq!(row(&operators, "WindowAggregate"), ("20,000", "2,000"), "{}", ended.out);
    assert_eq!(row(&operators, "Sink"), ("2,000", ""));
    assert_eq!(operators.last().map(|last| last.0.as_str()), Some("beside"));
}

#[test]
fn a_job_asks_for_as_much_memory_as_its_operators_however_few_its_rows() {
    let sql = format!("{JOB} {WINDOW}");
    let out = millstream(&["bench", "--runs", "1", "--rows", "20", "-e", &sql]).expect(0).out;
    let cells = |line: &str| -> Vec<String> {
        line.trim_end_matches(" %").split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_string).collect()
    };
    let number = |text: &str| text.replace(',', "").parse::<f64>().unwrap_or_else(|_| panic!("{text:?} in\n{out}"));
    let line = |name: &str| out.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
    let all = 20.0 * number(&cells(line("bytes allocated/row"))[1]);
    let head = out.lines().position(|line| line.contains("bytes/row")).unwrap_or_default();
    let each = out.lines().skip(head + 1).take_while(|line| !line.trim().is_empty()).map(|line| {
        let cells = cells(line);
        number(&cells[1]) * number(&cells[cells.len() - 2])
    });
    let each: Vec<f64> = each.collect();
    assert!(each.len() > 4 && each[0] > 0.0, "{out}");
    // What is printed is cut to tenths.
    assert!((all - each.iter().sum::<f64>()).abs() < 20.0, "{all} and {each:?} in\n{out}");
}

#[test]
fn rows_of_a_file_are_repeated_with_times_that_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["{\"host\":\"a\",\"load\":1,\"at_ms\":0}", "{\"host\":\"b\",\"load\":-1,\"at_ms\":999}", ""];
    std::fs::write(folder.path().join("rows.json"), lines.join("\n")).unwrap();
    let sql = format!("{JOB} {WINDOW}");
    let arguments = ["bench", "--runs", "1", "--rows", "1000", "--source", "readings=rows.json", "-e", &sql];
    let ended = millstream_in(folder.path(), &arguments).expect(0);
    assert!(ended.out.starts_with("job: 1,000 rows of readings (rows.json)"), "{}", ended.out);
    // Five hundred times two rows, a second each time: a window for each, of the one row whose load is not below zero.
    let operators = operators(&ended.out);
    assert_eq!(row(&operators, "Source"), ("1,000", "500"), "{}", ended.out);
    assert_eq!(row(&operators, "Sink"), ("500", ""));
}

/// A Parquet file of readings with these columns.
fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    // Several row groups.
    for start in (0..rows.num_rows()).step_by(100) {
        writer.write(&rows.slice(start, 100.min(rows.num_rows() - start))).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn a_parquet_file_gives_its_columns_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = || Arc::new(StringArray::from_iter_values((0..250).map(|i| format!("host {}", i % 5)))) as ArrayRef;
    // Half of the loads are below zero, and the times are four to a second.
    let loads =
        || Arc::new(Int32Array::from_iter_values((0..250).map(|i| if i % 2 == 0 { i } else { -1 }))) as ArrayRef;
    let times = || Arc::new(Int64Array::from_iter_values((0..250).map(|i| i * 250))) as ArrayRef;
    let other = || Arc::new(Int64Array::from_value(7, 250)) as ArrayRef;
    let columns = vec![("other", other()), ("at_ms", times()), ("load", loads()), ("host", hosts())];
    parquet(&folder.path().join("rows.parquet"), columns);
    let sql = format!("{JOB} {WINDOW}");
    let run = |rows: &str, source: &str| {
        millstream_in(folder.path(), &["bench", "--runs", "1", "--rows", rows, "--source", source, "-e", &sql])
    };
    let ended = run("500", "readings=rows.parquet").expect(0);
    assert!(ended.out.starts_with("job: 500 rows of readings (rows.parquet)"), "{}", ended.out);
    // The rows of a window have different hosts: each that passes is a group.
    let all = operators(&ended.out);
    assert_eq!(row(&all, "Source"), ("500", "250"), "{}", ended.out);
    assert_eq!(row(&all, "Sink"), ("250", ""), "{}", ended.out);
    let ended = run("120", "readings=rows.parquet").expect(0);
    assert_eq!(row(&operators(&ended.out), "Source"), ("120", "60"), "{}", ended.out);

    parquet(&folder.path().join("lacks.parquet"), vec![("hosts", hosts()), ("load", loads()), ("at_ms", times())]);
    parquet(&folder.path().join("text.parquet"), vec![("host", hosts()), ("load", hosts()), ("at_ms", times())]);
    for (file, said) in [
        ("lacks.parquet", "--source readings=lacks.parquet: it has no column \"host\""),
        ("lacks.parquet", "Did you mean \"hosts\"?"),
        ("text.parquet", "column \"load\" is Utf8, and the table's is DOUBLE"),
    ] {
        let err = run("500", &format!("readings={file}")).expect(2).err;
        assert!(err.contains(said), "{file}: {said} is missing in\n{err}");
    }
}

#[test]
fn a_lookup_of_which_nothing_is_read_finds_every_key() {
    let sql = "CREATE TABLE orders (id BIGINT, product STRING, proc AS PROCTIME()) WITH ('connector' = 'kafka', \
               'topic' = 'orders', 'properties.bootstrap.servers' = 'nowhere:1', 'format' = 'json'); \
               CREATE TABLE customers (id BIGINT, name STRING) WITH ('connector' = 'jdbc', \
               'url' = 'jdbc:postgresql://nowhere:1/db', 'table-name' = 'customers'); \
               SELECT product FROM orders JOIN customers FOR SYSTEM_TIME AS OF orders.proc AS c ON orders.id = c.id;";
    let ended = bench(&["-e", sql]).expect(0);
    assert_eq!(row(&operators(&ended.out), "LookupJoin"), ("20,000", "20,000"), "{}", ended.out);
}

#[test]
fn a_job_that_gives_nothing_says_that_it_measured_little() {
    let ended =
        bench(&["-e", &format!("{JOB} SELECT COUNT(*) AS n FROM readings WHERE host = 'nobody' GROUP BY host")])
            .expect(0);
    assert!(ended.out.contains("(no row came out: "), "{}", ended.out);
    let ended = bench(&["-e", &format!("{JOB} SELECT host FROM readings")]).expect(0);
    assert!(!ended.out.contains("no row came out"), "{}", ended.out);
    let batch = format!("{JOB} SET 'execution.runtime-mode' = 'batch'; SELECT host FROM readings");
    let ended = bench(&["-e", &batch]).expect(2);
    assert!(ended.err.contains("hint: Leave SET 'execution.runtime-mode' = 'batch' out"), "{}", ended.err);
}

#[test]
fn made_up_values_are_the_same_whatever_is_read() {
    let table = "CREATE TABLE orders (product STRING, region STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', \
                 'properties.bootstrap.servers' = 'nowhere:1', 'format' = 'json');";
    let sql = format!("{table} SELECT DISTINCT region FROM orders;");
    let ended = bench(&["--set", "parallelism.default=1", "-e", &sql]).expect(0);
    // The second column of texts has ten values, though it is the first that is read.
    assert_eq!(row(&operators(&ended.out), "GroupAggregate"), ("20,000", "10"), "{}", ended.out);
}

#[test]
fn a_lookup_finds_every_key_or_those_of_a_file() {
    let query = "SELECT r.host, o.owner FROM (SELECT *, PROCTIME() AS pt FROM readings) AS r
        JOIN owners FOR SYSTEM_TIME AS OF r.pt AS o ON r.host = o.host";
    let sql = format!("{JOB} {query}");
    let ended = bench(&["-e", &sql]).expect(0);
    assert!(ended.out.starts_with("job: 20,000 rows of owners (made up), readings (made up)"), "{}", ended.out);
    assert_eq!(row(&operators(&ended.out), "LookupJoin"), ("20,000", "20,000"), "{}", ended.out);

    let folder = tempfile::tempdir().unwrap();
    let rows = "{\"host\":\"a\",\"load\":1,\"at_ms\":0}\n{\"host\":\"b\",\"load\":1,\"at_ms\":1}\n";
    std::fs::write(folder.path().join("rows.json"), rows).unwrap();
    let owners =
        "{\"host\":\"b\",\"owner\":\"x\"}\n{\"host\":\"b\",\"owner\":\"y\"}\n{\"host\":\"c\",\"owner\":\"z\"}\n";
    std::fs::write(folder.path().join("owners.json"), owners).unwrap();
    let given = ["--source", "readings=rows.json", "--source", "owners=owners.json"];
    let arguments: Vec<&str> = ["bench", "--runs", "1", "--rows", "100", "-e", &sql].into_iter().chain(given).collect();
    let ended = millstream_in(folder.path(), &arguments).expect(0);
    assert_eq!(row(&operators(&ended.out), "LookupJoin"), ("100", "100"), "{}", ended.out);
    assert_eq!(row(&operators(&ended.out), "Sink"), ("100", ""), "{}", ended.out);
}

#[test]
fn changes_of_a_source_are_updates_of_keys() {
    for (format, connector, first) in [("debezium-json", "kafka", "+I"), ("json", "upsert-kafka", "+U")] {
        let format = match connector {
            "kafka" => format!("'format' = '{format}', 'scan.startup.mode' = 'earliest-offset'"),
            _ => format!("'key.format' = '{format}', 'value.format' = '{format}'"),
        };
        let sql = format!(
            "SET 'parallelism.default' = '1'; SET 'table.exec.source.cdc-events-duplicate' = 'false';
             CREATE TABLE stock (item INT, amount BIGINT, PRIMARY KEY (item) NOT ENFORCED) WITH (
               'connector' = '{connector}', 'topic' = 'stock', 'properties.bootstrap.servers' = 'nowhere:9092', {format});
             SELECT COUNT(*) AS n FROM stock"
        );
        let ended = bench(&["-e", &sql]).expect(0);
        assert!(ended.out.contains("Source(table=stock"), "{first}: {}", ended.out);
        assert!(ended.out.contains("GroupAggregate(select=[COUNT("), "{first}: {}", ended.out);
    }
}

#[test]
fn two_settings_or_two_files_stand_beside_each_other() {
    let sql = format!("{JOB} {WINDOW}");
    let compared = bench(&["--compare", "parallelism.default=1,2", "-e", &sql]).expect(0);
    for text in
        ["  A: parallelism.default=1\n", "  B: parallelism.default=2\n", "B/A", "operator of A", "operator of B"]
    {
        assert!(compared.out.contains(text), "{text} is missing in\n{}", compared.out);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.sql"), &sql).unwrap();
    std::fs::write(folder.path().join("new.sql"), sql.replace("load >= 0", "load > 0")).unwrap();
    std::fs::write(folder.path().join("two.sql"), format!("{sql}; SELECT * FROM readings")).unwrap();
    let arguments = ["bench", "--runs", "1", "--rows", "5k", "new.sql", "--against"];
    let ended = millstream_in(folder.path(), &[&arguments[..], &["old.sql"]].concat()).expect(0);
    assert!(ended.out.contains("  A: new.sql\n  B: old.sql\n"), "{}", ended.out);
    let ended = millstream_in(folder.path(), &[&arguments[..], &["two.sql"]].concat()).expect(2);
    assert!(
        ended.err.contains("the files have 1 job and those of --against 2 jobs: they can't be compared"),
        "{}",
        ended.err
    );
}

#[test]
fn jobs_are_told_apart_and_counted_in_words() {
    let sql = format!(
        "{} SELECT host FROM readings;\nSELECT load FROM readings; INSERT INTO alerts SELECT host, 1 FROM readings",
        JOB.replace("SET 'pipeline.name' = 'job';", "")
    );
    let heads = |arguments: &[&str]| -> Vec<String> {
        let all = [&["bench", "--runs", "1"], arguments, &["-e", &sql]].concat();
        let out = millstream(&all).expect(0).out;
        out.lines().filter(|line| line.contains(" of readings")).map(str::to_string).collect()
    };
    assert_eq!(
        heads(&["--rows", "1"]),
        [
            "collect (line 12): 1 row of readings (made up), parallelism 1, 1 run",
            "collect (line 13): 1 row of readings (made up), parallelism 1, 1 run",
            "insert-into_alerts: 1 row of readings (made up), parallelism 1, 1 run",
        ]
    );
    let heads = heads(&["--rows", "1.5k"]);
    assert!(heads[0].starts_with("collect (line 12): 1,500 rows of readings"), "{heads:?}");
}

#[test]
fn a_comparison_says_how_far_runs_are_apart() {
    let sql = format!("{JOB} SELECT host FROM readings");
    let compared = |runs: &str| {
        let arguments =
            ["bench", "--rows", "20k", "--compare", "parallelism.default=1,2", "--runs", runs, "-e", sql.as_str()];
        millstream(&arguments).expect(0).out
    };
    let out = compared("2");
    assert!(
        out.contains("  (medians; ±: the run that is farthest from it; ≈: no farther apart than runs are, chance)")
    );
    let rate = out.lines().find(|line| line.trim_start().starts_with("rows/s")).unwrap_or_default();
    assert!(rate.matches("±").count() == 2 && rate.matches(" %").count() == 2, "{out}");
    assert!(out.contains("  (of one run of each version: small differences are chance)"), "{out}");
    let whole = out.lines().take_while(|line| !line.trim_start().starts_with("operator"));
    let widest = whole.map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| widest <= 100), "{out}");
    let out = compared("1");
    assert!(
        out.contains("(of one run each: what is chance can't be told; --runs 5 tells)") && !out.contains('±'),
        "{out}"
    );
}

#[test]
fn what_is_misspelt_is_said_once() {
    let unused = "CREATE TABLE unused (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.time' = 'x');";
    let sql = format!("{JOB} {unused} {WINDOW}");
    let arguments =
        ["--set", "nonsense.key=1", "--set", "rest.port=1", "--compare", "parallelism.default=1,2", "-e", &sql];
    let err = bench(&arguments).expect(0).err;
    for said in ["warning: unknown option 'nonsense.key'", "unknown option 'json.time'"] {
        assert_eq!(err.matches(said).count(), 1, "{said} is not told once in\n{err}");
    }
    assert!(!err.contains("rest.port"), "{err}");
}

#[test]
fn jobs_of_the_tutorial_need_no_address() {
    for (job, node, rows) in [
        ("simple_filter", "Source", "20,000"),
        ("simple_agg", "WindowAggregate", "20,000"),
        ("simple_filter_pg", "LookupJoin", "20,000"),
        ("simple_filter_pg_agg", "LookupJoin", "20,000"),
        ("data_filtering_replication", "Source", "20,000"),
    ] {
        let file = format!("sql/alerting/{job}.sql");
        let ended = bench(&["--set", "parallelism.default=1", "--config", "/dev/null", &file]).expect(0);
        assert_eq!(row(&operators(&ended.out), node).0, rows, "{}", ended.out);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("wrong.json", "{\"host\":\"a\"}\n{\"load\":\"much\"}\n"),
        ("other.json", "{\"hots\":\"a\"}\n"),
        ("empty.json", "\n"),
        ("no.arrow", "neither"),
        ("no.parquet", "PAR1"),
        ("rows.txt", ""),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let refused = |sql: &str, source: &str| {
        let mut arguments = vec!["bench", "--rows", "10", "-e", sql];
        if !source.is_empty() {
            arguments.extend(["--source", source]);
        }
        millstream_in(folder.path(), &arguments).expect(2).err
    };
    let sql = format!("{JOB} {WINDOW}");
    for (source, said) in [
        ("reading=wrong.json", "no job reads a table of this name"),
        ("reading=wrong.json", "Did you mean \"readings\"?"),
        ("readings", "TABLE=FILE is expected"),
        ("readings=none.json", "--source readings=none.json: no such file"),
        ("readings=wrong.json", "--source readings=wrong.json: line 2: "),
        ("readings=other.json", "no line has any of the columns"),
        ("readings=empty.json", "it has no rows"),
        ("readings=no.arrow", "it is no Arrow IPC file or stream"),
        ("readings=no.parquet", "it is a Parquet file whose end is missing"),
        ("readings=rows.txt", "its name does not tell what it is"),
    ] {
        let err = refused(&sql, source);
        assert!(err.contains(said), "{source}: {said} is missing in\n{err}");
    }
    for (compared, said) in [
        ("nonsense.key=1,2", "--compare nonsense.key=1,2: unknown option 'nonsense.key'"),
        ("paralelism.default=1,2", "Did you mean 'parallelism.default'?"),
        ("rest.port=1,2", "option 'rest.port' has no effect in Millstream"),
        ("parallelism.default=1, 1", "the value '1' stands there twice"),
        ("parallelism.default=1", "KEY=A,B is expected"),
        ("parallelism.default=1,no", "--compare: "),
    ] {
        let err = bench(&["--compare", compared, "-e", &sql]).expect(2).err;
        assert!(err.contains(said), "{compared}: {said} is missing in\n{err}");
    }
    let twice = ["--source", "readings=wrong.json", "--source", "readings=other.json"];
    let err = bench(&[&twice[..], &["-e", &sql]].concat()).expect(2).err;
    assert!(err.contains("--source readings=other.json: table \"readings\" has wrong.json already"), "{err}");
    for (sql, said) in [
        (JOB.to_string(), "there is nothing to measure: no INSERT and no SELECT"),
        ("SELECT 1".to_string(), "reads no table: there is nothing to measure"),
        (format!("{sql} oops"), "error"),
        (format!("SET 'execution.runtime-mode' = 'batch'; {sql}"), "a benchmark of a batch job"),
        (
            sql.replace("TO_TIMESTAMP_LTZ(at_ms, 3)", "TO_TIMESTAMP_LTZ(900000000000 - at_ms, 3)"),
            "it is not clear how its event time \"ts\" is told",
        ),
    ] {
        let err = refused(&sql, "");
        assert!(err.contains(said), "{said} is missing in\n{err}");
    }
}

/// Every job file of the repository is measured as it is: what tells event time is found, be it a count of a generator.
#[test]
fn the_job_files_of_the_repository_can_be_measured() {
    let mut measured = 0;
    for folder in ["sql", "sql/alerting"] {
        for file in crate::millstream::files(folder, "sql") {
            let name = file.display().to_string();
            // It only declares tables.
            if name.ends_with("tables.sql") {
                continue;
            }
            let ended = bench(&[name.as_str()]);
            assert_eq!(ended.code, Some(0), "{name}: {}", ended.err);
            let operators = operators(&ended.out);
            assert_eq!(row(&operators, "Source").0, "20,000", "{name}: {}", ended.out);
            measured += 1;
        }
    }
    assert!(measured >= 8, "{measured}");
    let ended = bench(&["sql/quickstart.sql"]).expect(0);
    // A reading every quarter of a second: forty in a window, which is over when the next one has come.
    let operators = operators(&ended.out);
    let windows = operators.iter().find(|operator| operator.0.contains("WindowAggregate"));
    assert!(windows.is_some_and(|(_, rows_in, rows_out)| rows_in != "0" && rows_out != "0"), "{}", ended.out);
}

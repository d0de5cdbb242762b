//! `--log-format json`: whatever happens, standard error holds JSON objects, one a line, and nothing else.

use std::process::Stdio;

use serde_json::Value;

use crate::millstream::{Ended, command, millstream, signal, wait};

/// Every line of standard error, each an object with the four things that every line has.
#[track_caller]
fn lines(ended: &Ended) -> Vec<Value> {
    let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")) };
    let lines: Vec<Value> = ended.err.lines().map(parse).collect();
    for line in &lines {
        let time = line["timestamp"].as_str().unwrap_or_default();
        assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{line}");
        assert!(matches!(line["level"].as_str(), Some("ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE")), "{line}");
        assert!(line["target"].is_string() && line["message"].is_string(), "{line}");
    }
    lines
}

#[track_caller]
fn line_with<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["message"].as_str().is_some_and(|m| m.contains(message)));
    found.unwrap_or_else(|| panic!("no line says {message}: {lines:#?}"))
}

const TABLES: &str = "SET 'parallelism.default' = '1';
CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '5');
CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole');";

#[test]
fn a_run_says_what_its_jobs_did_with_their_counters() {
    let sql =
        format!("{TABLES} INSERT INTO hole SELECT n FROM numbers; INSERT INTO hole SELECT 6 / (n - 3) FROM numbers;");
    let ended = millstream(&["run", "--log-format", "json", "--name", "j", "-e", &sql]).expect(1);
    let lines = lines(&ended);
    assert_eq!(line_with(&lines, "job j started")["job"], "j");
    let finished = line_with(&lines, "job j finished");
    assert_eq!((&finished["level"], &finished["target"]), (&"INFO".into(), &"millstream::job".into()));
    assert_eq!((finished["rows_in"].as_u64(), finished["rows_out"].as_u64()), (Some(5), Some(5)), "{finished}");
    let failed = line_with(&lines, "job \"j-2\" failed: ");
    assert_eq!((&failed["level"], &failed["kind"], &failed["job"]), (&"ERROR".into(), &"data".into(), &"j-2".into()));
}

#[test]
fn an_error_of_a_statement_has_its_file_line_column_and_hint() {
    for command in ["run", "check", "explain"] {
        let ended = millstream(&["--log-format=json", command, "-e", "SELECT 1;\n  SELECT LOWR('x');"]).expect(2);
        let lines = lines(&ended);
        let error = line_with(&lines, "LOWR");
        assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(2), Some(10)), "{error}");
        assert_eq!(error["file"], "-e");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("LOWER")), "{error}");
    }
}

#[test]
fn warnings_notes_and_counts_of_check_are_lines_too() {
    let sql = format!("SET 'pipeline.nam' = 'x'; SET 'state.backend.type' = 'rocksdb'; {TABLES}");
    let ended = millstream(&["check", "--portable", "--log-format", "json", "-e", &sql]).expect(0);
    let lines = lines(&ended);
    assert_eq!(line_with(&lines, "unknown option 'pipeline.nam'")["level"], "WARN");
    assert_eq!(line_with(&lines, "has no effect")["notice"], "note");
    assert_eq!(line_with(&lines, "time zone is the JVM's")["notice"], "portable");
    assert_eq!(line_with(&lines, "from Flink 2.2 found: ")["differences"], 1);
    let end = line_with(&lines, "5 statements fine");
    assert_eq!((end["statements"].as_u64(), end["warnings"].as_u64()), (Some(5), Some(1)), "{end}");
}

#[test]
fn a_wrong_command_line_is_a_line_of_json_where_that_was_asked_for() {
    let ended = millstream(&["run", "--log-format", "json", "--no-such-flag"]).expect(2);
    assert!(line_with(&lines(&ended), "unexpected argument '--no-such-flag'")["hint"].is_string());
    let ended = millstream(&["run", "--no-such-flag"]).expect(2);
    assert!(ended.err.starts_with("error: unexpected argument '--no-such-flag'"), "{}", ended.err);
    let ended = millstream(&["run", "--log-format", "xml"]).expect(2);
    assert!(ended.err.contains("[possible values: text, json]"), "{}", ended.err);
}

#[test]
fn the_variable_stands_for_the_flag_and_what_is_traced_takes_the_same_form() {
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '10 ms'; {TABLES}
         CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'number-of-rows' = '20');
         INSERT INTO hole SELECT n FROM endless;"
    );
    let mut command = command(&["run", "-e", &sql]);
    command.env("MILLSTREAM_LOG_FORMAT", "json").env("MILLSTREAM_LOG", "millstream=debug");
    let ended: Ended = command.output().unwrap().into();
    let ended = ended.expect(0);
    let lines = lines(&ended);
    let epoch = line_with(&lines, "epoch complete");
    assert_eq!((&epoch["level"], &epoch["target"]), (&"DEBUG".into(), &"millstream::runtime::coordinator".into()));
    assert!(epoch["epoch"].is_u64() && epoch["splits"].is_u64(), "{epoch}");
}

#[test]
fn waiting_for_a_service_is_a_line_too() {
    let sql = "CREATE TABLE away (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1',
            'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'connection.max-retry-timeout' = '1 s');
        CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole'); INSERT INTO hole SELECT n FROM away;";
    let ended: Ended = command(&["run", "--log-format", "json", "-e", sql]).output().unwrap().into();
    line_with(
        &lines(&ended.expect(1)),
        "job insert-into_default_catalog.default_database.hole: waiting for Kafka at 127.0.0.1:1",
    );
}

#[test]
fn however_often_a_service_is_tried_it_is_said_once() {
    let sql = "CREATE TABLE away (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://127.0.0.1:1/d', 'table-name' = 't',
            'connection.max-retry-timeout' = '1 s');
        CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
        SET 'pipeline.name' = 'hot'; SET 'parallelism.default' = '2'; INSERT INTO away SELECT n FROM few;";
    let ended: Ended = command(&["run", "--log-format", "json", "-e", sql]).output().unwrap().into();
    let lines = lines(&ended.expect(1));
    let told = lines.iter().filter(|line| line["target"] == "millstream::connector");
    let told: Vec<&str> = told.filter_map(|line| line["message"].as_str()).collect();
    assert!(told.len() == 1 && told[0].starts_with("job hot: waiting for PostgreSQL at 127.0.0.1:1/d: "), "{told:?}");
    line_with(&lines, "gave up on PostgreSQL at 127.0.0.1:1/d after ");
}

#[test]
fn stopping_a_job_is_a_line_too() {
    let sql = "CREATE TABLE away (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = '127.0.0.1:1',
            'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
        CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
        CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole'); CREATE TABLE seen (n INT) WITH ('connector' = 'print');
        INSERT INTO hole SELECT n FROM away; INSERT INTO seen SELECT n FROM endless;";
    let mut job = command(&["run", "--log-format", "json", "-e", sql]);
    let mut child = job.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A row that is printed shows that the jobs run.
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut String::new()).unwrap();
    signal(&child, "TERM");
    std::io::Read::read_to_end(&mut out, &mut Vec::new()).unwrap();
    let status = wait(&mut child);
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    let ended = Ended { code: status.code(), out: String::new(), err };
    line_with(&lines(&ended), "stopping: rows in flight are written");
}

#[test]
fn bench_says_in_json_what_it_does_and_prints_what_it_measured() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.json");
    std::fs::write(&rows, "{\"a\":1,\"d\":2}\n").unwrap();
    let source = format!("t={}", rows.display());
    let sql = "CREATE TABLE t (a INT, c INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
               'properties.bootstrap.servers' = 'nowhere:1'); SELECT a, c FROM t;";
    let arguments = ["bench", "--log-format", "json", "--runs", "1", "--rows", "10", "--source", &source, "-e", sql];
    let ended = millstream(&arguments).expect(0);
    assert!(ended.out.starts_with("collect: 10 rows of t"), "{}", ended.out);
    let lines = lines(&ended);
    let reading = lines.iter().find(|line| line["target"] == "millstream::bench").unwrap();
    assert_eq!(reading["path"], rows.display().to_string().as_str());
    let warning = lines.iter().find(|line| line["level"] == "WARN").unwrap();
    assert!(warning["message"].as_str().unwrap().ends_with("no line has the column \"c\": it is NULL in every row"));
}

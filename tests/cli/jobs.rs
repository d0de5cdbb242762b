//! Jobs of a script: SHOW JOBS, DESCRIBE JOB, STOP JOB.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::millstream::{command, millstream, wait};

const TABLES: &str = "
    SET 'parallelism.default' = '1';
    CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
    CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
    CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');";

/// Ids and times by what they are.
fn without_chance(text: &str) -> String {
    let ids = regex::Regex::new("[0-9a-f]{32}").unwrap().replace_all(text, "<32 digits of the id>           ");
    let times = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}").unwrap();
    times.replace_all(&ids, "<the time>                ").into_owned()
}

#[test]
fn a_script_that_waits_for_its_jobs_shows_how_they_ended() {
    let sql = format!(
        "{TABLES}
         SET 'table.dml-sync' = 'true';
         SET 'pipeline.name' = 'three';
         INSERT INTO nowhere SELECT n FROM few;
         SET 'table.dml-sync' = 'false';
         SET 'pipeline.name' = 'runs';
         INSERT INTO nowhere SELECT n FROM endless;
         SHOW JOBS;
         STOP JOB 'runs';
         SHOW JOBS;"
    );
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(0);
    let expected = "\
+----------------------------------+----------+----------+----------------------------+
|                           job id | job name |   status |                 start time |
+----------------------------------+----------+----------+----------------------------+
| <32 digits of the id>            |    three | FINISHED | <the time>                 |
| <32 digits of the id>            |     runs |  RUNNING | <the time>                 |
+----------------------------------+----------+----------+----------------------------+
2 rows in set
+----------------------------------+----------+----------+----------------------------+
|                           job id | job name |   status |                 start time |
+----------------------------------+----------+----------+----------------------------+
| <32 digits of the id>            |    three | FINISHED | <the time>                 |
| <32 digits of the id>            |     runs | CANCELED | <the time>                 |
+----------------------------------+----------+----------+----------------------------+
2 rows in set
";
    assert_eq!(without_chance(&ended.out), expected);
    let ids = |lines: std::ops::Range<usize>| -> Vec<String> {
        let id = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_string();
        ended.out.lines().skip(lines.start).take(lines.len()).map(id).collect()
    };
    assert_eq!(ids(3..5), ids(10..12), "an id stays");
}

#[test]
fn a_job_that_is_not_there_is_found_out_when_it_is_stopped() {
    let sql = format!("{TABLES} INSERT INTO nowhere SELECT n FROM few; STOP JOB 'nowhere'");
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(1);
    assert!(ended.err.contains("error: there is no job \"nowhere\" in this session"), "{}", ended.err);
    assert!(ended.err.contains("STOP JOB 'nowhere'") && ended.err.contains("^^^^^^^^^"), "{}", ended.err);
    let checked = millstream(&["check", "-e", &sql]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
}

#[test]
fn a_job_is_described_with_what_it_has_done() {
    let sql = format!(
        "{TABLES} SET 'sql-client.execution.result-mode' = 'vertical'; SET 'table.dml-sync' = 'true';
         SET 'pipeline.name' = 'three'; INSERT INTO nowhere SELECT n FROM few; DESCRIBE JOB 'three';"
    );
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(0);
    let expected = "\
job name         | three
status           | FINISHED
start time       | <the time>
end time         | <the time>
rows in          | 3
rows out         | 3
lag              | 0
watermark        |
sources          | few: 3 rows
sinks            | nowhere: 3 rows
checkpoint       |
checkpoint time  |
checkpoint bytes |
checkpoint ms    |
restarts         | 0
message          |
statement        | INSERT INTO nowhere SELECT n FROM few
";
    let shown = without_chance(&ended.out);
    let lines: String = shown.lines().skip(2).map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_job_that_is_drained_gives_its_open_windows() {
    let arguments = [
        "--set",
        "parallelism.default=1",
        "--set",
        "table.local-time-zone=UTC",
        "--set",
        "sql-client.execution.result-mode=csv",
    ];
    let mut shell = command(&[&["sql"], &arguments[..]].concat());
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
    let mut input = shell.stdin.take().expect("a pipe");
    let mut output = BufReader::new(shell.stdout.take().expect("a pipe"));
    let start =
        "CREATE TABLE s (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen',
          'rows-per-second' = '50', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '1000000');
        CREATE TABLE p (window_start TIMESTAMP(3), seen BIGINT) WITH ('connector' = 'print');
        SET 'pipeline.name' = 'w';
        INSERT INTO p SELECT window_start, COUNT(*) FROM TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' DAY)
          GROUP BY window_start, window_end;";
    writeln!(input, "{start}").expect("it reads");
    loop {
        writeln!(input, "DESCRIBE JOB 'w';").expect("it reads");
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("text");
            line
        };
        let (names, values) = (line(), line());
        let at = names.trim_end().split(',').position(|name| name == "rows in").expect("the column");
        if values.split(',').nth(at) != Some("0") {
            break;
        }
    }
    writeln!(input, "STOP JOB 'w' WITH DRAIN;").expect("it reads");
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert!(wait(&mut shell).success());
    assert!(rest.starts_with("+I[1970-01-01T00:00, ") && rest.lines().count() == 1, "{rest}");
}

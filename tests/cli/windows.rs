//! What is said of rows that come too late for their windows, and of those that close windows that are still to come.

use crate::millstream::{Ended, millstream_in};

/// Runs a window of ten seconds over these lines.
fn run(lines: &str) -> Ended {
    run_with("", lines).expect(0)
}

/// As [`run`], with more options of the table.
fn run_with(options: &str, lines: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.json"), lines).unwrap();
    let sql = format!(
        "CREATE TABLE lines (ts TIMESTAMP(3), v INT, WATERMARK FOR ts AS ts)
        WITH ('connector' = 'filesystem', 'path' = 'lines.json', 'format' = 'json'{options});
      CREATE TABLE printed (window_start TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
      INSERT INTO printed SELECT window_start, COUNT(*)
        FROM TUMBLE(TABLE lines, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;"
    );
    millstream_in(folder.path(), &["run", "--set", "parallelism.default=1", "-e", &sql])
}

#[test]
fn late_rows_are_counted_where_the_job_ends() {
    let ended = run(r#"{"ts":"2024-05-01 10:00:01","v":1}
{"ts":"2024-05-01 10:00:15","v":2}
{"ts":"2024-05-01 10:00:02","v":4}
"#);
    assert_eq!(ended.out, "+I[2024-05-01T10:00, 1]\n+I[2024-05-01T10:00:10, 1]\n");
    assert!(ended.err.contains("1 late"), "{}", ended.err);
    assert!(!ended.err.contains("ahead of the clock"), "{}", ended.err);
}

#[test]
fn a_row_from_the_future_is_told_with_its_place() {
    let ended = run(r#"{"ts":"9000-05-01 10:00:01","v":1}
{"ts":"2024-05-01 10:00:15","v":2}
{"ts":"2024-05-01 10:00:16","v":4}
"#);
    assert_eq!(ended.out, "+I[9000-05-01T10:00, 1]\n");
    assert!(ended.err.contains("2 late"), "{}", ended.err);
    let told = ended.err.lines().filter(|line| line.contains("more than a day ahead of the clock")).collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{}", ended.err);
    let place = "table \"lines\": a row at file \"lines.json\", line 1 moves the watermark to 9000-05-01 10:00:01.000";
    assert!(told[0].contains(place), "{}", told[0]);
}

#[test]
fn rows_that_were_rejected_do_not_move_the_place_of_a_row_from_the_future() {
    let lines = r#"{"v":1}
{"ts":"2024-05-01 10:00:15","v":2}
{"v":3}
{"ts":"9000-05-01 10:00:01","v":4}
"#;
    let ended = run_with(", 'error-handling.mode' = 'skip'", lines).expect(0);
    assert!(ended.err.contains("a row at file \"lines.json\", line 4 moves the watermark"), "{}", ended.err);
}

#[test]
fn a_row_without_an_event_time_is_told_with_its_table_and_place() {
    let lines = r#"{"ts":"2024-05-01 10:00:01","v":1}
{"ts":"2024-05-01 10:00:15","v":2}
{"v":3}
{"v":4}
"#;
    let ended = run_with("", lines).expect(1);
    assert!(ended.err.contains("rowtime column 'ts' should not be null"), "{}", ended.err);
    let place = "The row of table \"lines\" is at file \"lines.json\", line 3.";
    assert!(ended.err.contains(place), "{}", ended.err);
}

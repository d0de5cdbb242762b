//! Jobs of a script: SHOW JOBS, DESCRIBE JOB, STOP JOB.

use crate::millstream::millstream;

const TABLES: &str = "
    SET 'parallelism.default' = '1';
    CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
    CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
    CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');";

/// Ids and times by what they are.
fn without_chance(text: &str) -> String {
    let ids = regex::Regex::new("[0-9a-f]{32}").unwrap().replace_all(text, "<32 digits of the id>           ");
    let times = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}").unwrap();
    times.replace_all(&ids, "<the time>             ").into_owned()
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
+----------------------------------+----------+----------+-------------------------+
|                           job id | job name |   status |              start time |
+----------------------------------+----------+----------+-------------------------+
| <32 digits of the id>            |    three | FINISHED | <the time>              |
| <32 digits of the id>            |     runs |  RUNNING | <the time>              |
+----------------------------------+----------+----------+-------------------------+
2 rows in set
+----------------------------------+----------+----------+-------------------------+
|                           job id | job name |   status |              start time |
+----------------------------------+----------+----------+-------------------------+
| <32 digits of the id>            |    three | FINISHED | <the time>              |
| <32 digits of the id>            |     runs | CANCELED | <the time>              |
+----------------------------------+----------+----------+-------------------------+
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

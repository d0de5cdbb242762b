//! Whole jobs that a fail point ends at a step of an epoch, and that are started again: every row is there once.

use std::path::Path;
use std::process::{Command, Output};

use super::*;

const ROWS: usize = 1500;

/// What a job writes to beside the test's table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Files,
    /// Another table of the database, whose address is spelled otherwise there.
    OtherTable,
}

fn options(table: &TableDescriptor) -> String {
    let options: Vec<String> = table.options.iter().map(|(key, value)| format!("'{key}' = '{value}'")).collect();
    options.join(", ")
}

/// A job from made-up numbers into the test's table, and beside it.
fn job(db: &Db, folder: &Path, beside: Beside) -> String {
    let beside = match beside {
        Beside::Nothing => "",
        Beside::Files => "INSERT INTO FILES SELECT n FROM NUMBERS;",
        Beside::OtherTable => "INSERT INTO U SELECT n, 'x' FROM NUMBERS;",
    };
    format!(
        "SET 'execution.checkpointing.interval' = '200 ms';
         SET 'execution.checkpointing.dir' = 'file://{folder}/state';
         SET 'pipeline.name' = 'numbers';
         CREATE TABLE NUMBERS (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1500',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{ROWS}');
         CREATE TABLE T (id INT, name STRING) WITH ({});
         CREATE TABLE U (id INT, name STRING) WITH ({});
         CREATE TABLE FILES (n INT) WITH ('connector' = 'filesystem', 'path' = '{folder}/out', 'format' = 'csv',
           'sink.parallelism' = '2');
         EXECUTE STATEMENT SET BEGIN INSERT INTO T SELECT n, 'x' FROM NUMBERS; {beside} END;",
        options(&id_name(db, "t", 0)),
        options(&spelled_otherwise(db, "u")),
        folder = folder.display()
    )
}

async fn run(file: &Path, fail_point: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.arg("run").arg(file).env("NO_COLOR", "1").env("MILLSTREAM_FAILPOINT", fail_point);
    command.current_dir(file.parent().unwrap());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The lines of all files that are seen.
fn lines(folder: &Path) -> Vec<usize> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let seen = files.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    let texts = seen.map(|path| std::fs::read_to_string(path).unwrap());
    let mut lines: Vec<usize> = texts.flat_map(|t| t.lines().map(|n| n.parse().unwrap()).collect::<Vec<_>>()).collect();
    lines.sort_unstable();
    lines
}

/// Ends the job at each place, starts it again, and compares all sinks with what an undisturbed run leaves.
async fn survives(beside: Beside, places: &[&str]) {
    let expected: Vec<usize> = (1..=ROWS).collect();
    for place in places {
        let (db, folder) = (Db::new().await, tempfile::tempdir().unwrap());
        db.run("CREATE TABLE t (id int, name text); CREATE TABLE u (id int, name text)").await;
        let file = folder.path().join("job.sql");
        std::fs::write(&file, job(&db, folder.path(), beside)).unwrap();
        let ended = run(&file, place).await;
        assert_eq!(ended.status.code(), None, "{place} was not reached: {ended:?}");
        let ended = run(&file, "").await;
        assert_eq!(ended.status.code(), Some(0), "{place}: {ended:?}");
        let tables = if beside == Beside::OtherTable { &["t", "u"][..] } else { &["t"] };
        for table in tables {
            let rows = db.rows(&format!("SELECT id FROM {table} ORDER BY id")).await;
            let rows: Vec<usize> = rows.iter().map(|id| id.parse().unwrap()).collect();
            assert!(rows == expected, "{place}: {} rows are in {table}", rows.len());
        }
        if beside == Beside::Files {
            let lines = lines(&folder.path().join("out"));
            assert!(lines == expected, "{place}: {} lines are there", lines.len());
        }
        db.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn a_job_into_postgresql_that_dies_at_any_step_leaves_every_row_once() {
    survives(
        Beside::Nothing,
        &[
            "task.staged@2",
            "checkpoint.manifest-written@2",
            "postgres.before-marker@2",
            "postgres.before-commit@2",
            "postgres.after-commit@2",
            "publish.after@2",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn a_job_into_postgresql_and_files_that_dies_at_any_step_leaves_every_row_once() {
    survives(
        Beside::Files,
        &[
            "task.staged@3",
            "checkpoint.manifest-written@2",
            "filesystem.before-rename@2",
            "filesystem.between-renames@2",
            "filesystem.after-rename@2",
            "publish.between-targets@2",
            "postgres.before-marker@2",
            "postgres.before-commit@2",
            "postgres.after-commit@2",
            "publish.after@2",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn a_job_into_one_database_by_two_ways_leaves_every_row_once_in_both() {
    let places = ["publish.between-targets@2", "postgres.before-marker@3", "postgres.after-commit@3"];
    survives(Beside::OtherTable, &places).await;
}

//! Batch mode: SQL files and the rows that Flink 2.2 gives for them in its batch mode, in `batch/`, and what differs.
//!
//! Without ORDER BY rows come in no order: files are compared sorted, statement by statement, where they say so.

use std::fmt::Write;
use std::path::Path;

use crate::changelogs::errors_alike;
use crate::golden::{answer, files, same};

const BATCH: &str = "SET 'execution.runtime-mode' = 'batch';\n";

#[tokio::test]
async fn batch_queries_answer_as_flink_does() {
    let mut wrong = String::new();
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/batch"));
    assert!(files.len() >= 4, "the golden files are gone");
    for path in files {
        let sql = std::fs::read_to_string(&path).expect("a golden file");
        let expected = std::fs::read_to_string(path.with_extension("expected")).expect("Flink's answer");
        for parallelism in ["1", "4"] {
            let folder = tempfile::tempdir().expect("a folder for tables");
            let sql = sql.replace("{folder}", &folder.path().to_string_lossy());
            let script = format!("{BATCH}SET 'parallelism.default' = '{parallelism}';\n{sql}");
            let actual = answer(&script).await;
            if !same(&sql, &errors_alike(&expected), &errors_alike(&actual)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                _ = write!(wrong, "\n{name} ({parallelism}): Flink says\n{expected}and Millstream\n{actual}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

async fn error_of(sql: &str) -> String {
    let answer = answer(&format!("{BATCH}{sql}")).await;
    answer.lines().find(|line| line.starts_with("ERROR ")).unwrap_or_else(|| panic!("no error: {answer}")).to_string()
}

#[tokio::test]
async fn what_batch_mode_cannot_do_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = format!(
        "CREATE TABLE rows_ (k STRING, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = \
         'filesystem', 'path' = '{folder}', 'format' = 'csv');\nCREATE TABLE other (k STRING) WITH ('connector' = \
         'filesystem', 'path' = '{folder}', 'format' = 'csv');\nCREATE TABLE endless (a INT) WITH ('connector' = \
         'datagen');\n",
        folder = folder.path().display()
    );
    for (query, said) in [
        (
            "SELECT a FROM endless LIMIT 3",
            "querying an unbounded table 'default_catalog.default_database.endless' in batch mode is not allowed: the \
             table source is unbounded",
        ),
        (
            "SELECT COUNT(*) FROM TABLE(SESSION(TABLE rows_, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY \
             window_start, window_end",
            "an unaligned window like SESSION in batch mode is not supported",
        ),
        (
            "SELECT COUNT(*) FROM rows_ GROUP BY SESSION(ts, INTERVAL '1' SECOND)",
            "an unaligned window like SESSION in batch mode is not supported",
        ),
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE rows_, DESCRIPTOR(pt), INTERVAL '1' SECOND))",
            "a window over processing time in batch mode is not supported",
        ),
        (
            "SELECT rows_.k FROM rows_ JOIN other FOR SYSTEM_TIME AS OF rows_.pt ON rows_.k = other.k",
            "the lookup join with table \"other\" in batch mode is not supported",
        ),
        (
            "SELECT COUNT(*) FROM rows_ GROUP BY GROUPING SETS ((), ())",
            "GROUPING SETS of empty sets alone in batch mode is not supported",
        ),
    ] {
        let error = error_of(&format!("{tables}{query};\n")).await;
        assert!(error.contains(said), "{query}\n{error}");
    }
}

#[tokio::test]
async fn the_time_of_a_query_stands_still() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines: String = (0..20_000).map(|i| format!("{i}\n")).collect();
    std::fs::write(folder.path().join("rows.csv"), lines).expect("a file");
    let sql = format!(
        "{BATCH}CREATE TABLE t (id INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');\nSELECT \
         COUNT(*), COUNT(DISTINCT CAST(NOW() AS STRING) || CAST(CURRENT_TIMESTAMP AS STRING)), COUNT(DISTINCT \
         LOCALTIMESTAMP), COUNT(DISTINCT CURRENT_DATE) FROM t;\n",
        folder.path().display()
    );
    assert_eq!(answer(&sql).await, "+I[20000, 1, 1, 1]\n");
}

#[tokio::test]
async fn an_insert_writes_every_result_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let sql = format!(
        "{BATCH}CREATE TABLE sums (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = \
         'csv');\nINSERT INTO sums SELECT k, SUM(v) FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, v) GROUP BY \
         k;\nSELECT * FROM sums ORDER BY k;\n",
        folder.path().display()
    );
    assert_eq!(answer(&sql).await, "+I[a, 4]\n+I[b, 2]\n");
}

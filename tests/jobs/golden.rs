//! SQL files and the rows that Flink 2.2 gives for them, in `golden/`: ours must be the same.
//!
//! `{folder}` in a file stands for an empty folder. The `.expected` files hold Flink's own output, one row a line; a file whose first line says that the order is not
//! defined is compared sorted. To add one, write the `.sql` file and let a real Flink answer it: they are not blessed
//! from our own output.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use millstream::types::SqlType;
use millstream::types::print::{PrintStyle, RowPrinter};
use millstream::{Outcome, Query, Session};

/// Runs a script and prints what its SELECTs give as Flink prints rows.
pub async fn answer(sql: &str) -> String {
    answers(sql).await.concat()
}

/// The same for each statement.
pub async fn answers(sql: &str) -> Vec<String> {
    let mut session = Session::new();
    let mut answers = Vec::new();
    for statement in statements(sql) {
        let mut out = String::new();
        match session.execute(&statement).await {
            Ok(outcomes) => {
                for outcome in outcomes {
                    finish(&session, outcome, &mut out).await;
                }
            }
            Err(error) => _ = writeln!(out, "ERROR {error}"),
        }
        answers.push(out);
    }
    answers
}

/// The statements of a file, which end with a `;` at the end of a line.
pub fn statements(sql: &str) -> Vec<String> {
    let code: String = sql.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect();
    code.split(";\n").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string).collect()
}

async fn finish(session: &Session, outcome: Outcome, out: &mut String) {
    match outcome {
        Outcome::Query(query) => print(session, query, out).await,
        Outcome::Job(mut job) => {
            if let Err(error) = job.wait().await {
                _ = writeln!(out, "ERROR {error}");
            }
        }
        Outcome::Done | Outcome::Listing(_) | Outcome::Text(_) | Outcome::Replies(_) => {}
    }
}

async fn print(session: &Session, mut query: Query, out: &mut String) {
    let zone = session.settings().zone();
    let types: Vec<SqlType> = query.schema.fields.iter().map(|f| f.ty.clone()).collect();
    loop {
        match query.next().await {
            Ok(Some(batch)) => {
                let printer = RowPrinter::new(batch.rows(), &types, zone, PrintStyle::Row);
                for row in 0..batch.num_rows() {
                    _ = write!(out, "{}[", batch.kind(row));
                    printer.print(row, out);
                    out.push_str("]\n");
                }
            }
            Ok(None) => return,
            Err(error) => {
                _ = writeln!(out, "ERROR {error}");
                return;
            }
        }
    }
}

/// The SQL files of a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of golden files");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    files.sort();
    files
}

/// True where both are the same lines, in the same order unless the file says that there is none.
pub fn same(sql: &str, expected: &str, actual: &str) -> bool {
    let sorted = sql.lines().next().is_some_and(|line| line.contains("not defined"));
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        if sorted {
            lines.sort();
        }
        lines
    };
    lines(expected) == lines(actual)
}

#[tokio::test]
async fn every_file_answers_as_flink_does() {
    let mut wrong = String::new();
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/golden"));
    assert!(files.len() >= 30, "the golden files are gone");
    let folder = tempfile::tempdir().expect("a folder for tables");
    for path in files {
        let sql = std::fs::read_to_string(&path).expect("a golden file");
        let sql = sql.replace("{folder}", &folder.path().to_string_lossy());
        let expected = std::fs::read_to_string(path.with_extension("expected")).expect("Flink's answer");
        let actual = answer(&sql).await;
        if !same(&sql, &expected, &actual) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            _ = write!(wrong, "\n{name}: Flink says\n{expected}and Millstream\n{actual}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

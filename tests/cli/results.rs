//! The result modes outside a terminal: what a script prints in each of them.
//!
//! The tableaus in `results/` are what Flink 2.2's SQL client prints for the same statements; the other modes are ours.

use std::path::Path;

use crate::millstream::{compare, millstream_in, root};

/// Rows come in one order.
const ONE: &str = "SET 'parallelism.default' = '1';\n";

#[test]
fn every_mode_prints_what_is_expected_of_it() {
    let mut wrong = String::new();
    let folder = tempfile::tempdir().unwrap();
    let results = Path::new("tests/cli/results");
    let sql = std::fs::read_to_string(root().join(results).join("statements.sql")).unwrap();
    for mode in ["tableau", "csv", "json", "vertical"] {
        let set = format!("SET 'sql-client.execution.result-mode' = '{mode}';\n");
        std::fs::write(folder.path().join("job.sql"), format!("{ONE}{set}{sql}")).unwrap();
        let ended = millstream_in(folder.path(), &["run", "-q", "job.sql"]).expect(0);
        wrong.extend(compare(&results.join(mode).with_extension("expected"), &ended.out));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_changelog_outside_a_terminal_is_a_tableau() {
    let folder = tempfile::tempdir().unwrap();
    let printed = |mode: &str| {
        let query = "SELECT a, COUNT(*) AS n FROM (VALUES ('x'), ('y'), ('x')) AS t(a) GROUP BY a;";
        let sql = format!("{ONE} SET 'sql-client.execution.result-mode' = '{mode}'; {query}");
        ["run", "sql"].map(|command| {
            let quiet = if command == "run" { "-qe" } else { "-e" };
            millstream_in(folder.path(), &[command, quiet, &sql]).expect(0).out
        })
    };
    let changelog = printed("changelog");
    assert!(changelog[0].contains("| -U |") && changelog[0].contains("| +U |"), "{}", changelog[0]);
    assert_eq!(changelog, printed("tableau"));
}

#[test]
fn a_mode_that_nobody_knows_is_refused_with_the_one_that_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "SET 'sql-client.execution.result-mode' = 'tabelau'; SELECT 1";
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", sql]).expect(2);
    let known = "is not one of 'TABLE', 'CHANGELOG', 'TABLEAU', 'CSV', 'JSON', 'VERTICAL'";
    assert!(ended.err.contains(known) && ended.err.contains("Did you mean 'TABLEAU'?"), "{}", ended.err);
}

#[test]
fn a_table_that_grew_too_long_says_what_was_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "SET 'sql-client.execution.result-mode' = 'table';
        SET 'sql-client.execution.max-table-result.rows' = '2';
        SET 'parallelism.default' = '1';
        SELECT a FROM (VALUES (1), (2), (3), (4)) AS t(a)";
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", sql]).expect(0);
    let expected = "+---+\n| a |\n+---+\n| 3 |\n| 4 |\n+---+\n2 rows in set\n2 older rows left out: 'sql-client.execution.max-table-result.rows' and memory bound the table\n";
    assert_eq!(ended.out, expected);
}

#[test]
fn an_answer_that_is_too_long_to_keep_is_printed_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "SET 'execution.runtime-mode' = 'batch';
        SET 'sql-client.execution.max-table-result.rows' = '2';
        SET 'parallelism.default' = '1';
        SELECT a FROM (VALUES (1), (2), (3000), (4)) AS t(a)";
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", sql]).expect(0);
    assert_eq!(ended.out, "+---+\n| a |\n+---+\n| 1 |\n| 2 |\n| 3000 |\n| 4 |\n+---+\n4 rows in set\n");
}

#[test]
fn the_time_that_a_query_took_stands_behind_the_count_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "SET 'sql-client.display.print-time-cost' = 'true';
        SELECT 1 AS a; SHOW TABLES;
        SET 'execution.runtime-mode' = 'batch';
        SELECT 1 AS a; SELECT a FROM (VALUES (1)) AS t(a) WHERE a > 1";
    let ended = millstream_in(folder.path(), &["run", "-q", "-e", sql]).expect(0);
    let mut footers: Vec<String> = Vec::new();
    for line in ended.out.lines().filter(|line| !line.starts_with(['|', '+'])) {
        // ` (0.12 seconds)`
        footers.push(match line.split_once(" (") {
            Some((count, cost)) => {
                let seconds = cost.strip_suffix(" seconds)").expect("a time in seconds");
                assert!(
                    seconds.parse::<f64>().is_ok() && seconds.split_once('.').is_some_and(|(_, s)| s.len() == 2),
                    "{line}"
                );
                format!("{count} (…)")
            }
            None => line.to_string(),
        });
    }
    assert_eq!(footers, ["Received a total of 1 row (…)", "Empty set", "1 row in set (…)", "Empty set (…)"]);
}

//! `check`, `explain`, `completions`, `--help`.

use crate::millstream::{millstream, millstream_in};

const SINK: &str = "CREATE TABLE s (id INT) WITH ('connector' = 'blackhole');";

#[test]
fn check_lists_every_error_of_a_file_and_counts_them() {
    let ended = millstream(&["check", "-e", "SELEC 1; SELECT 1; SELECT x; DROP TABLE t;"]).expect(2);
    assert_eq!(ended.err.matches("error: ").count(), 3, "{}", ended.err);
    assert!(ended.err.ends_with("1 statement fine, 3 errors\n"), "{}", ended.err);
}

#[test]
fn a_fault_of_a_table_is_told_once_and_not_again_for_those_who_read_it() {
    let sql = "CREATE TABLE t (id INT) WITH ('connector' = 'kafak'); SELECT * FROM t; SELECT id FROM t;";
    for command in ["check", "run"] {
        let ended = millstream(&[command, "-e", sql]).expect(2);
        assert_eq!(ended.err.matches("error: ").count(), 1, "{}", ended.err);
    }
}

#[test]
fn options_without_effect_are_notes_and_unknown_ones_warnings_with_the_nearest_name() {
    let sql = "SET 'state.backend.type' = 'rocksdb'; SET 'pipeline.nam' = 'x';";
    let ended = millstream(&["check", "-e", sql]).expect(0);
    assert!(ended.err.contains("note: option 'state.backend.type' has no effect in Millstream"), "{}", ended.err);
    assert!(ended.err.contains("warning: unknown option 'pipeline.nam'"), "{}", ended.err);
    assert!(ended.err.contains("Did you mean 'pipeline.name'?"), "{}", ended.err);
    assert!(ended.err.ends_with("2 statements fine, 1 warning\n"), "{}", ended.err);
    let ended = millstream(&["check", "--strict", "-e", sql]).expect(2);
    assert!(ended.err.contains("error: unknown option 'pipeline.nam'"), "{}", ended.err);
}

#[test]
fn portable_lists_what_flink_reads_differently() {
    let sql =
        "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't');";
    let ended = millstream(&["check", "--portable", "-e", sql]).expect(0);
    assert!(ended.err.contains("portable: "), "{}", ended.err);
    assert!(ended.err.contains("parallelism.default"), "{}", ended.err);
}

#[test]
fn explain_prints_the_plans_and_runs_nothing() {
    let sql = format!("{SINK} INSERT INTO s VALUES (1); SELECT 1 AS one;");
    let ended = millstream(&["explain", "-e", &sql]).expect(0);
    assert_eq!(ended.out.matches("== Logical Plan ==").count(), 2, "{}", ended.out);
    assert_eq!(ended.out.matches("== Stream Plan ==").count(), 2, "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[test]
fn a_statement_set_reads_a_shared_source_once() {
    let sql = format!(
        "CREATE TABLE r (id INT) WITH ('connector' = 'datagen'); {SINK}
         EXPLAIN STATEMENT SET BEGIN INSERT INTO s SELECT id FROM r WHERE id > 5; INSERT INTO s SELECT id FROM r; END;"
    );
    let ended = millstream(&["run", "-q", "-e", &sql]).expect(0);
    assert_eq!(ended.out.matches("Source(table=r").count(), 1, "{}", ended.out);
    assert!(ended.out.contains("[shared 1]"), "{}", ended.out);
    assert!(ended.out.contains("Shared(1)"), "{}", ended.out);
}

#[test]
fn completions_and_help_teach() {
    let bash = millstream(&["completions", "bash"]).expect(0);
    assert!(bash.out.contains("_millstream()") && bash.out.contains("--fail-fast"));
    for command in ["run", "check", "explain"] {
        let help = millstream(&[command, "--help"]).expect(0);
        assert!(help.out.contains("Example"), "{}", help.out);
        assert!(help.out.contains("--config"), "{}", help.out);
    }
    let help = millstream(&["--help"]).expect(0);
    assert!(help.out.contains("Exit codes: 0"), "{}", help.out);
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    millstream(&["rnu"]).expect(2);
    millstream(&["run", "--no-such-flag"]).expect(2);
    let ended = millstream(&["run"]).expect(2);
    assert!(ended.err.contains("hint: Name a job file, or give SQL with -e."), "{}", ended.err);
    let ended = millstream(&["run", "-e", "SELECT 1", "--set", "pipeline.name"]).expect(2);
    assert!(ended.err.contains("KEY=VALUE is expected"), "{}", ended.err);
    let ended = millstream(&["run", "-e", "SELECT 1", "--set", "table.local-time-zone=Mars"]).expect(2);
    assert!(ended.err.contains("--set: option 'table.local-time-zone': 'Mars' is not a time zone"), "{}", ended.err);
    let folder = tempfile::tempdir().unwrap();
    let ended = millstream_in(folder.path(), &["run", "-e", "SELECT 1", "--config", "none.toml"]).expect(2);
    assert!(ended.err.contains("none.toml"), "{}", ended.err);
}

#[test]
fn show_and_describe_list_what_was_declared() {
    let sql =
        "CREATE TABLE t (id INT NOT NULL, name STRING COMMENT 'who', twice AS id * 2, PRIMARY KEY (id) NOT ENFORCED)
               WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't');
               CREATE VIEW v AS SELECT id, name FROM t;
               SHOW TABLES; SHOW VIEWS; DESCRIBE t; DESCRIBE v; SHOW COLUMNS FROM t LIKE 'n%'; SHOW CREATE VIEW v;";
    let ended = millstream(&["run", "-q", "-e", sql]).expect(0);
    for text in ["table name", "view name", "PRI(id)", "AS id * 2", "who", "CREATE VIEW"] {
        assert!(ended.out.contains(text), "{text} is missing in\n{}", ended.out);
    }
}

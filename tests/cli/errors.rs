//! Every statement here is wrong: what `check` says of it, word for word.

use crate::millstream::{NO_INTEGRATIONS, compare, files, millstream, millstream_in};

#[test]
fn every_wrong_statement_is_told_of_as_expected() {
    let mut wrong = Vec::new();
    for file in files("tests/cli/errors", "sql") {
        let name = file.display().to_string();
        let own = file.with_extension("toml");
        let has_own = crate::millstream::root().join(&own).exists();
        let config = if has_own { own.display().to_string() } else { NO_INTEGRATIONS.to_string() };
        let ended = millstream(&["check", &name, "--config", &config]).expect(2);
        assert_eq!(ended.out, "", "{name}");
        wrong.extend(compare(&file.with_extension("expected"), &ended.err));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_of_a_table_declared_in_another_file_point_into_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let tables = "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc',\n  'url' = 'jdbc:postgresql://', 'table-name' = 't');\nCREATE VIEW v AS\n  SELECT id FROM t;\n";
    std::fs::write(folder.path().join("tables.sql"), tables).unwrap();
    std::fs::write(folder.path().join("job.sql"), "\n\n\nSELECT * FROM t;").unwrap();
    let ended = millstream_in(folder.path(), &["run", "tables.sql", "job.sql"]).expect(2);
    assert!(ended.err.contains("--> tables.sql:2:11\n"), "{}", ended.err);
    assert!(ended.err.contains("2 |   'url' = 'jdbc:postgresql://'"), "{}", ended.err);
    assert!(!ended.err.contains("job.sql"), "{}", ended.err);

    let tables = "CREATE TABLE t (id INT) WITH ('connector' = 'datagen',\n  'number-of-rows' = '1');\nCREATE VIEW v AS\n  SELECT id FROM t;\n";
    std::fs::write(folder.path().join("tables.sql"), tables).unwrap();
    std::fs::write(folder.path().join("job.sql"), "DROP TABLE t; SELECT * FROM v;").unwrap();
    let ended = millstream_in(folder.path(), &["run", "tables.sql", "job.sql"]).expect(2);
    assert!(ended.err.contains("--> tables.sql:4:18\n"), "{}", ended.err);
    assert!(ended.err.contains("detail: In view \"v\"."), "{}", ended.err);
}

#[test]
fn errors_of_a_hint_point_to_the_hint_and_not_into_the_tables_file() {
    let folder = tempfile::tempdir().unwrap();
    let tables = "CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't',\n 'properties.bootstrap.servers' = 'b:9092', 'format' = 'json');";
    std::fs::write(folder.path().join("tables.sql"), tables).unwrap();
    std::fs::write(folder.path().join("job.sql"), "SELECT * FROM t /*+ OPTIONS('scan.startup.mode'='never') */")
        .unwrap();
    let ended = millstream_in(folder.path(), &["run", "tables.sql", "job.sql"]).expect(2);
    assert!(ended.err.contains("--> job.sql:1:49\n"), "{}", ended.err);
    assert!(!ended.err.contains("tables.sql"), "{}", ended.err);
}

#[test]
fn a_missing_file_is_told_of_with_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("simple_filter.sql"), "SELECT 1").unwrap();
    let ended = millstream_in(folder.path(), &["run", "simple_fliter.sql"]).expect(2);
    assert_eq!(
        ended.err,
        "error: cannot read \"simple_fliter.sql\": no such file\n  hint: Did you mean \"simple_filter.sql\"?\n"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_told_of_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latin.sql"), b"SELECT 1;\nSELECT '\xe4'").unwrap();
    let ended = millstream_in(folder.path(), &["check", "latin.sql"]).expect(2);
    assert_eq!(
        ended.err,
        "error: \"latin.sql\" is not UTF-8: line 2, column 9 (byte 18) is wrong\n  hint: Save it as UTF-8.\n"
    );
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let texts = [
        format!("SELECT {};", deep("(", ")", 20_000)),
        format!("SELECT {};", deep("NOT ", "", 20_000)),
        format!("SELECT {};", deep("ABS(", ")", 20_000)),
        format!("SELECT {}1;", "1 + ".repeat(20_000)),
        format!("{}SELECT 1{};", "SELECT * FROM (".repeat(20_000), ")".repeat(20_000)),
        format!("CREATE TABLE t (a {}INT{});", "ARRAY<".repeat(20_000), ">".repeat(20_000)),
    ];
    for text in texts {
        std::fs::write(folder.path().join("deep.sql"), &text).unwrap();
        let ended = millstream_in(folder.path(), &["check", "deep.sql"]);
        let head: String = text.chars().take(40).collect();
        assert!(matches!(ended.code, Some(0 | 2)), "{head}: {:?} {:.600}", ended.code, ended.err);
        assert!(!ended.err.contains("bug in Millstream"), "{head}: {:.600}", ended.err);
    }
}

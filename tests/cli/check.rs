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

const COMPARED: &str = "from Flink 2.2 found: table options, settings, hints, reads and lookups were compared, functions and expressions were not";

/// What `check --portable` says differs, without the two defaults that a script sets.
fn portable(sql: &str) -> String {
    let defaults = "SET 'parallelism.default' = '1'; SET 'table.local-time-zone' = 'UTC';";
    millstream(&["check", "--portable", "-e", defaults, "-e", sql]).expect(0).err
}

fn kafka(name: &str, more: &str) -> String {
    format!(
        "CREATE TABLE {name} (id INT, proctime AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:9092', 'format' = 'json'{more});"
    )
}

#[test]
fn portable_lists_what_flink_reads_differently() {
    let sql =
        "CREATE TABLE t (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d', 'table-name' = 't');";
    let ended = millstream(&["check", "--portable", "-e", sql]).expect(0);
    assert!(ended.err.contains("portable: Flink runs with parallelism 1"), "{}", ended.err);
    assert!(ended.err.contains(&format!("portable: 2 differences {COMPARED}\n")), "{}", ended.err);
    assert!(portable(sql).contains(&format!("portable: no difference {COMPARED}\n")));
}

#[test]
fn portable_finds_the_lookup_in_a_file_that_the_quickstart_speaks_of() {
    let ended = millstream(&["check", "--portable", "sql/quickstart.sql"]).expect(0);
    let said = "portable: table \"SOURCE_THRESHOLDS\" is looked up, which Flink's connector 'filesystem' can't\n  --> sql/quickstart.sql:";
    assert!(ended.err.contains(said), "{}", ended.err);
}

#[test]
fn portable_finds_reads_of_an_index_in_queries_views_and_explain() {
    let table =
        "CREATE TABLE x (id INT) WITH ('connector' = 'opensearch-3', 'hosts' = 'http://h:9200', 'index' = 'i');";
    let said = "portable: table \"x\" is read, which Flink's connector 'opensearch-3' can't";
    for sql in ["SELECT * FROM x", "CREATE VIEW v AS SELECT id FROM x", "EXPLAIN SELECT id FROM x"] {
        let err = portable(&format!("{table} {sql}"));
        assert_eq!(err.matches(said).count(), 1, "{sql}: {err}");
    }
    let err = portable(&format!("{table} INSERT INTO x SELECT 1"));
    assert!(err.contains("portable: no difference"), "{err}");
}

#[test]
fn portable_finds_values_that_flink_refuses() {
    let table = |guarantee| {
        format!(
            "CREATE TABLE x (id INT) WITH ('connector' = 'opensearch', 'hosts' = 'http://h:9200', 'index' = 'i', \
             'sink.delivery-guarantee' = '{guarantee}')"
        )
    };
    let said = "portable: table \"x\": 'sink.delivery-guarantee' = 'exactly-once' is Millstream's, Flink refuses it";
    assert!(portable(&table("exactly-once")).contains(said));
    assert!(portable(&table("at-least-once")).contains("portable: no difference"));
}

#[test]
fn portable_tells_of_committed_records_for_kafka_tables_that_are_read_only() {
    let said = "is read: Millstream reads committed records only, Flink all";
    let both = format!("{} {} INSERT INTO b SELECT id FROM a", kafka("a", ""), kafka("b", ""));
    let err = portable(&both);
    assert!(err.contains(&format!("portable: table \"a\" {said}")) && err.matches(said).count() == 1, "{err}");
    let isolated = kafka("a", ", 'properties.isolation.level' = 'read_committed'");
    let err = portable(&format!("{isolated} SELECT id FROM a"));
    assert!(err.contains("portable: no difference"), "{err}");
}

#[test]
fn portable_finds_options_of_ours_in_hints_and_untyped_nulls() {
    let isolated = kafka("a", ", 'properties.isolation.level' = 'read_committed'");
    let err = portable(&format!("{isolated} SELECT id FROM a /*+ OPTIONS('connection.max-retry-timeout' = '1 s') */"));
    let said =
        "portable: option 'connection.max-retry-timeout' in the hint for table \"a\" is Millstream's, Flink refuses it";
    assert!(err.contains(said), "{err}");
    let err = portable("SELECT NULL AS nothing, CAST(NULL AS INT) AS typed");
    assert_eq!(err.matches("is a NULL without a type").count(), 1, "{err}");
    assert!(err.contains("portable: column \"nothing\""), "{err}");
}

#[test]
fn portable_says_that_wrong_statements_were_not_compared() {
    let ended = millstream(&["check", "--portable", "-e", "SELECT * FROM nowhere"]).expect(2);
    assert!(ended.err.contains("were not, and statements with errors were not\n"), "{}", ended.err);
}

#[test]
fn settings_that_are_misspelled_are_warnings_and_errors_with_strict() {
    let sql = "SET 'parallelism.defualt' = '3'";
    let ended = millstream(&["check", "-e", sql]).expect(0);
    assert!(ended.err.contains("warning: unknown option 'parallelism.defualt'"), "{}", ended.err);
    let ended = millstream(&["check", "--strict", "-e", sql]).expect(2);
    assert!(ended.err.contains("hint: Did you mean 'parallelism.default'?"), "{}", ended.err);
}

#[test]
fn check_and_run_tell_of_client_settings_and_url_parameters_that_nobody_knows() {
    let tables = format!(
        "{} CREATE TABLE j (id INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://h/d?sslmod=x', 'table-name' = 't');",
        kafka("k", ", 'properties.group.idd' = 'g', 'properties.key.deserializer' = 'x.Y'")
    );
    let ended = millstream(&["check", "-e", &format!("{tables} SELECT id FROM k")]).expect(0);
    for said in [
        "warning: option 'properties.group.idd' of table \"k\" (connector \"kafka\") has no effect: the client has no such setting",
        "hint: Did you mean 'properties.group.id'?",
        "note: option 'properties.key.deserializer' of table",
        "warning: option 'url' of table \"j\" (connector \"jdbc\"): the parameter \"sslmod\" is unknown and ignored",
    ] {
        assert_eq!(ended.err.matches(said).count(), 1, "{said}: {}", ended.err);
    }
    let ended = millstream(&["run", "-e", &format!("{tables} EXPLAIN SELECT id FROM k")]).expect(0);
    assert_eq!(ended.err.matches("warning: option 'properties.group.idd'").count(), 1, "{}", ended.err);
    millstream(&["check", "--strict", "-e", &tables]).expect(2);
}

#[test]
fn statements_that_only_need_a_wrong_table_are_summed_up() {
    let wrong = [
        "CREATE TABLE src (id INTT) WITH ('connector' = 'datagen');",
        "CREATE TABLE src (id INT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'seq');",
    ];
    let rest =
        "CREATE VIEW v AS SELECT id FROM src; SELECT * FROM src; SELECT id FROM v; SELECT 1; SELECT * FROM other;";
    for create in wrong {
        let ended = millstream(&["check", "-e", &format!("{create} {rest}")]).expect(2);
        assert_eq!(ended.err.matches("error: ").count(), 2, "{}", ended.err);
        let end = "3 statements were not checked: they need \"src\", whose CREATE statement is wrong\n1 statement fine, 2 errors\n";
        assert!(ended.err.ends_with(end), "{}", ended.err);
    }
    let ended = millstream(&["run", "-e", &format!("{} {rest}", wrong[0])]).expect(2);
    assert_eq!(ended.err.matches("error: ").count(), 2, "{}", ended.err);
    assert!(ended.err.contains("3 statements were not checked"), "{}", ended.err);
}

#[test]
fn two_files_that_declare_the_same_table_are_told_that_they_are_one_session() {
    let files = ["sql/alerting/simple_filter.sql", "sql/alerting/simple_filter_pg.sql"];
    let ended = millstream(&["check", "--config", "tests/plans/integrations.toml", files[0], files[1]]).expect(2);
    let said = format!("hint: \"{}\" declares it, and all files of a command are one session.", files[0]);
    assert!(ended.err.contains(&said), "{}", ended.err);
}

#[test]
fn each_of_several_files_has_a_line_and_may_be_a_session_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let table = "CREATE TABLE t (id INT) WITH ('connector' = 'datagen'); SET 'state.backend.type' = 'rocksdb';";
    for (file, rest) in [("a.sql", "INSERT INTO s SELECT id FROM t;"), ("b.sql", "SELECT idd FROM t;")] {
        std::fs::write(folder.path().join(file), format!("{table} {SINK} {rest}")).unwrap();
    }
    let ended = millstream_in(folder.path(), &["check", "--each", "a.sql", "b.sql"]).expect(2);
    assert_eq!(ended.err.matches("error: ").count(), 1, "{}", ended.err);
    let lines: Vec<&str> = ended.err.lines().filter(|line| line.contains(" fine")).collect();
    let expected = [
        "a.sql: 4 statements fine, 1 note (-v shows them)",
        "b.sql: 3 statements fine, 1 error, 1 note (-v shows them)",
        "in all: 7 statements fine, 1 error, 2 notes (-v shows them)",
    ];
    assert_eq!(lines, expected, "{}", ended.err);
    assert!(!ended.err.contains("note: "), "{}", ended.err);
    let ended = millstream_in(folder.path(), &["check", "-v", "--each", "a.sql", "b.sql"]).expect(2);
    assert_eq!(ended.err.matches("note: option 'state.backend.type' has no effect").count(), 2, "{}", ended.err);
    assert!(
        ended.err.contains("a.sql: 4 statements fine\n  job insert-into_default_catalog.default_database.s\n"),
        "{}",
        ended.err
    );
    let one = millstream_in(folder.path(), &["check", "a.sql", "b.sql"]).expect(2);
    assert!(one.err.contains("\"a.sql\" declares it") && one.err.contains("--each"), "{}", one.err);
}

/// The commands in the README that need no service.
#[test]
fn the_commands_of_the_readme_work() {
    let readme = std::fs::read_to_string(crate::millstream::root().join("README.md")).unwrap();
    let mut tried = 0;
    for line in readme.lines().filter(|l| ["millstream check ", "millstream explain "].iter().any(|c| l.starts_with(c)))
    {
        let command = line.split('#').next().unwrap_or_default();
        let mut arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        arguments.extend(["--config", "tests/plans/integrations.toml"]);
        let ended = millstream(&arguments);
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.err);
        tried += 1;
    }
    assert!(tried >= 2, "the README shows no command any more");
}

#[test]
fn explain_prints_the_plans_and_runs_nothing() {
    let sql = format!("{SINK} INSERT INTO s VALUES (1); SELECT 1 AS single;");
    let ended = millstream(&["explain", "-e", &sql]).expect(0);
    assert_eq!(ended.out.matches("== Logical Plan ==").count(), 2, "{}", ended.out);
    assert_eq!(ended.out.matches("== Stream Plan ==").count(), 2, "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[test]
fn check_and_explain_take_the_folder_that_run_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let sql = "CREATE TABLE n (n INT) WITH ('connector' = 'datagen');
        CREATE TABLE k (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
          'properties.bootstrap.servers' = 'localhost:9092', 'sink.delivery-guarantee' = 'exactly-once',
          'sink.transactional-id-prefix' = 'p');
        CREATE TABLE d (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://localhost/d', 'table-name' = 'd',
          'sink.buffer-flush.interval' = '5 s', 'sink.max-retries' = '7');
        INSERT INTO k SELECT n FROM n; INSERT INTO d SELECT n FROM n;";
    let refused = millstream(&["check", "-e", sql]).expect(2);
    assert!(refused.err.contains("table \"k\" asks for 'exactly-once', which needs checkpoints"), "{}", refused.err);
    let set = |settings: &str| format!("SET 'execution.checkpointing.interval' = '1s'; {settings} {sql}");
    let refused = millstream(&["check", "-e", &set("SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';")]).expect(2);
    assert!(refused.err.contains("SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE' before"), "{}", refused.err);
    let forgets = "table \"k\" asks for 'exactly-once', and checkpoints end with the process";
    let warned = millstream(&["check", "-e", &set("")]).expect(0);
    assert_eq!(warned.err.matches(forgets).count(), 1, "{}", warned.err);
    let fine = millstream(&["check", "--state", &state, "-e", sql]).expect(0);
    // The other table doesn't say it, and has options for rows that are written as they come.
    let idle = "option 'sink.buffer-flush.interval' of table \"d\" (connector \"jdbc\") has no effect: its rows are \
                published with the checkpoints of the job";
    assert_eq!(fine.err.matches("published with the checkpoints").count(), 1, "{}", fine.err);
    assert!(fine.err.contains(idle) && !fine.err.contains(forgets), "{}", fine.err);
    let explained = millstream(&["explain", "--state", &state, "-e", sql]).expect(0);
    assert_eq!(explained.out.matches("delivery=[exactly-once, rollback]").count(), 2, "{}", explained.out);
    assert!(!folder.path().join("state").exists(), "nothing is written");
}

#[test]
fn a_read_that_has_no_checkpoint_before_its_end_is_told_where_rows_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let sql = |guarantee: &str| {
        format!(
            "CREATE TABLE s (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://localhost/s', 'table-name' = 's');
             CREATE TABLE d (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://localhost/d', 'table-name' = 'd'
               {guarantee});
             INSERT INTO d SELECT n FROM s;"
        )
    };
    let waits = "there is no checkpoint before \"s\" is read to its end, and what is written to \"d\" exactly once waits for it";
    let told = millstream(&["check", "--state", &state, "-e", &sql("")]).expect(0);
    assert_eq!(told.err.matches(waits).count(), 1, "{}", told.err);
    let less = sql(", 'sink.delivery-guarantee' = 'at-least-once'");
    for arguments in [&["check", "-e", &sql("")][..], &["check", "--state", &state, "-e", &less]] {
        let told = millstream(arguments).expect(0);
        assert!(!told.err.contains("there is no checkpoint"), "{}", told.err);
    }
}

#[test]
fn a_batch_job_can_be_exactly_once() {
    let sql = "SET 'execution.runtime-mode' = 'batch';
        CREATE TABLE k (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
          'properties.bootstrap.servers' = 'localhost:9092', 'sink.delivery-guarantee' = 'exactly-once',
          'sink.transactional-id-prefix' = 'p');
        CREATE TABLE d (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://localhost/d', 'table-name' = 'd');
        INSERT INTO k VALUES (1); INSERT INTO d VALUES (1);";
    let explained = millstream(&["explain", "-e", sql]).expect(0);
    assert_eq!(explained.out.matches("delivery=").count(), 1, "{}", explained.out);
    assert!(explained.out.contains("delivery=[exactly-once, rollback]"), "{}", explained.out);
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

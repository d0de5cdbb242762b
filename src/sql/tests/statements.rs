use super::super::{AlterTable, CreateTable, ExplainDetail, LikeFeature, LikeMode, LikePattern, Show, StatementKind};
use super::{one, parse};
use crate::catalog::ColumnKind;

fn table(script: &str) -> CreateTable {
    match one(script) {
        StatementKind::CreateTable(table) => *table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn create_table_says_everything() {
    let table = table(
        "CREATE TEMPORARY TABLE IF NOT EXISTS db.`my table` (
           a INT NOT NULL COMMENT 'it''s',
           usage DOUBLE NULL,
           b AS UPPER(c) || 'x' COMMENT 'computed',
           c STRING METADATA FROM 'key' VIRTUAL,
           d MAP<STRING, ROW<x INT>> METADATA,
           ts TIMESTAMP(3),
           WATERMARK FOR ts AS ts - INTERVAL '10' SECOND,
           CONSTRAINT pk PRIMARY KEY (a, ts) NOT ENFORCED
         ) COMMENT 'all of it' PARTITIONED BY (a, ts) WITH ('connector' = 'kafka', 'k' = 'v''w')
         LIKE other (INCLUDING ALL OVERWRITING OPTIONS EXCLUDING CONSTRAINTS)",
    );
    assert_eq!((table.name.to_string(), table.temporary, table.if_not_exists), ("db.my table".into(), true, true));
    let shown = table.columns.iter().map(|column| {
        let kind = match &column.kind {
            ColumnKind::Physical(ty) => ty.to_string(),
            ColumnKind::Metadata { ty, key, is_virtual } => format!("{ty} metadata {key:?} {is_virtual}"),
            ColumnKind::Computed { sql, .. } => format!("as {sql}"),
        };
        format!("{} {kind} {:?}", column.name, column.comment)
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "a INT NOT NULL Some(\"it's\")",
            "usage DOUBLE None",
            "b as UPPER(c) || 'x' Some(\"computed\")",
            "c STRING metadata Some(\"key\") true None",
            "d MAP<STRING, ROW<`x` INT>> metadata None false None",
            "ts TIMESTAMP(3) None",
        ]
    );
    let watermark = table.watermark.unwrap();
    assert_eq!((watermark.column.as_str(), watermark.sql.as_str()), ("ts", "ts - INTERVAL '10' SECOND"));
    let key = table.primary_key.unwrap();
    assert_eq!((key.name.as_deref(), key.columns), (Some("pk"), vec!["a".to_string(), "ts".into()]));
    assert_eq!(table.comment.as_deref(), Some("all of it"));
    assert_eq!(table.partitioned_by.iter().map(|part| part.value.as_str()).collect::<Vec<_>>(), ["a", "ts"]);
    assert_eq!(table.options.iter().collect::<Vec<_>>(), [("connector", "kafka"), ("k", "v'w")]);
    let like = table.like.unwrap();
    assert_eq!(like.source.to_string(), "other");
    assert_eq!(
        like.options.iter().map(|option| (option.0, option.1)).collect::<Vec<_>>(),
        [
            (LikeMode::Including, LikeFeature::All),
            (LikeMode::Overwriting, LikeFeature::Options),
            (LikeMode::Excluding, LikeFeature::Constraints),
        ]
    );
}

#[test]
fn places_in_a_table_are_the_files() {
    let table = table("\nCREATE TABLE t (\n  a INT,\n  p AS PROCTIME()\n) WITH (\n  'connector' = 'kafka')");
    assert_eq!(table.name.span.start.to_string(), "2:14");
    assert_eq!(table.columns[1].span.unwrap().start.to_string(), "4:3");
    let value = table.options.span("connector").unwrap();
    assert_eq!((value.start.to_string(), value.end.to_string()), ("6:17".into(), "6:24".into()));
}

#[test]
fn a_key_may_stand_at_its_column() {
    for script in [
        "CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED)",
        "CREATE TABLE t (a INT NOT NULL CONSTRAINT c PRIMARY KEY NOT ENFORCED COMMENT 'x')",
    ] {
        assert_eq!(table(script).primary_key.unwrap().columns, ["a"]);
    }
}

#[test]
fn less_is_a_table_too() {
    for script in [
        "CREATE TABLE t (a INT)",
        "CREATE TABLE t WITH ('k' = 'v')",
        "CREATE TABLE t LIKE u",
        "CREATE TABLE t (a INT) WITH ()",
    ] {
        assert_eq!(table(script).name.to_string(), "t");
    }
}

#[test]
fn the_last_of_two_equal_options_wins_as_in_flink() {
    assert_eq!(table("CREATE TABLE t WITH ('k' = 'a', 'k' = 'b')").options.get("k"), Some("b"));
}

#[test]
fn names_keep_their_case() {
    let table = table("CREATE TABLE CPU_In (`hostName` STRING, HOSTNAME STRING)");
    assert_eq!(table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["hostName", "HOSTNAME"]);
}

#[test]
fn views_keep_their_query_as_written() {
    let StatementKind::CreateView(view) =
        one("CREATE TEMPORARY VIEW IF NOT EXISTS v (a, `b c`) COMMENT 'x' AS SELECT 1, -- one\n 2 ;")
    else {
        panic!()
    };
    assert_eq!((view.temporary, view.if_not_exists, view.comment.as_deref()), (true, true, Some("x")));
    assert_eq!(view.columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>(), ["a", "b c"]);
    assert_eq!(view.query_text, "SELECT 1, -- one\n 2");
}

#[test]
fn inserts_have_targets_columns_partitions_and_hints() {
    for (script, expected) in [
        ("INSERT INTO t SELECT 1", "t [] [] [] false SELECT 1"),
        ("INSERT OVERWRITE db.t VALUES (1), (2)", "db.t [] [] [] true VALUES (1), (2)"),
        ("INSERT INTO t WITH c AS (SELECT 1) SELECT * FROM c", "t [] [] [] false WITH c AS (SELECT 1) SELECT * FROM c"),
        ("INSERT INTO t (a, `b c`) (SELECT 1, 2)", "t [] [] [\"a\", \"b c\"] false (SELECT 1, 2)"),
        ("INSERT INTO t (SELECT 1)", "t [] [] [] false (SELECT 1)"),
        ("INSERT INTO t PARTITION (p = 'x') (a) SELECT 1", "t [] [\"p='x'\"] [\"a\"] false SELECT 1"),
        ("EXECUTE INSERT INTO t /*+ OPTIONS('k'='v') */ (a) SELECT 1", "t [(\"k\", \"v\")] [] [\"a\"] false SELECT 1"),
    ] {
        let StatementKind::Insert(insert) = one(script) else { panic!("{script}") };
        let options = insert.options.iter().collect::<Vec<_>>();
        let partition = insert.partition.iter().map(|(k, v)| format!("{}={v}", k.value)).collect::<Vec<_>>();
        let columns = insert.columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>();
        let shown =
            format!("{} {options:?} {partition:?} {columns:?} {} {}", insert.target, insert.overwrite, insert.query);
        assert_eq!(shown, expected, "{script}");
    }
}

#[test]
fn statement_sets_hold_their_inserts() {
    for script in [
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;",
        "BEGIN STATEMENT SET;\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND",
        "EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 END; END",
    ] {
        let kind = match one(script) {
            StatementKind::Explain { statement, .. } => statement.kind,
            kind => kind,
        };
        let StatementKind::StatementSet(inserts) = kind else { panic!("{script}") };
        assert_eq!(inserts.iter().map(|insert| insert.target.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    }
}

#[test]
fn settings_have_quoted_keys() {
    assert!(
        matches!(one("SET 'a.b' = 'it''s'"), StatementKind::Set { key, value } if key.value == "a.b" && value.value == "it's")
    );
    assert!(matches!(one("RESET 'a'"), StatementKind::Reset { key } if key.value == "a"));
    assert!(matches!(one("SET;"), StatementKind::ShowSettings));
    assert!(matches!(one("SET 'a.b';"), StatementKind::ShowSetting { key } if key.value == "a.b"));
    assert!(matches!(one("RESET"), StatementKind::ResetAll));
    assert!(matches!(one("USE CATALOG c"), StatementKind::UseCatalog(name) if name.value == "c"));
    assert!(matches!(one("USE c.d"), StatementKind::UseDatabase(path) if path.to_string() == "c.d"));
}

#[test]
fn an_unquoted_value_is_not_repeated() {
    let shown = parse("SET my.password = hunter2")[0].as_ref().unwrap_err().hint().unwrap().to_string();
    assert_eq!(shown, "Keys and values are strings: SET 'my.password' = '...'.");
}

#[test]
fn show_and_describe() {
    let like = |pattern: &str, negated, case_insensitive| {
        Some(LikePattern { pattern: pattern.into(), negated, case_insensitive })
    };
    let show = |script: &str| match one(script) {
        StatementKind::Show(show) => show,
        other => panic!("{other:?}"),
    };
    assert!(matches!(show("SHOW TABLES"), Show::Tables { like: None }));
    assert!(matches!(show("SHOW TABLES LIKE 'a%'"), Show::Tables { like: l } if l == like("a%", false, false)));
    assert!(matches!(show("SHOW VIEWS NOT LIKE 'a%'"), Show::Views { like: l } if l == like("a%", true, false)));
    assert!(matches!(show("SHOW FUNCTIONS ILIKE 'a%'"), Show::Functions { like: l } if l == like("a%", false, true)));
    assert!(
        matches!(show("SHOW COLUMNS IN d.t LIKE 'a'"), Show::Columns { table, like: Some(_) } if table.to_string() == "d.t")
    );
    assert!(matches!(show("SHOW CREATE TABLE t"), Show::CreateTable(_)));
    assert!(matches!(show("SHOW CREATE VIEW t"), Show::CreateView(_)));
    assert!(matches!(show("SHOW CURRENT CATALOG"), Show::CurrentCatalog));
    assert!(matches!(show("SHOW CURRENT DATABASE"), Show::CurrentDatabase));
    assert!(matches!(show("SHOW CATALOGS"), Show::Catalogs));
    assert!(matches!(show("SHOW DATABASES"), Show::Databases));
    for script in ["DESCRIBE t", "DESC t", "DESCRIBE EXTENDED t", "DESC job"] {
        assert!(matches!(one(script), StatementKind::Describe { .. }), "{script}");
    }
}

#[test]
fn drop_and_alter() {
    assert!(matches!(
        one("DROP TEMPORARY TABLE IF EXISTS t"),
        StatementKind::DropTable { if_exists: true, temporary: true, .. }
    ));
    assert!(matches!(one("DROP VIEW v"), StatementKind::DropView { if_exists: false, temporary: false, .. }));
    let change = |script: &str| match one(script) {
        StatementKind::AlterTable { change, .. } => change,
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(change("ALTER TABLE t SET ('a' = 'b', 'a' = 'c')"), AlterTable::Set(o) if o.get("a") == Some("c"))
    );
    assert!(matches!(change("ALTER TABLE IF EXISTS t RESET ('a', 'b')"), AlterTable::Reset(keys) if keys.len() == 2));
    assert!(matches!(change("ALTER TABLE t RENAME TO d.u"), AlterTable::Rename(to) if to.to_string() == "d.u"));
    assert!(matches!(one("ALTER VIEW v RENAME TO w"), StatementKind::AlterViewRename { .. }));
}

#[test]
fn explain_takes_details_and_a_statement() {
    for (script, expected) in [
        ("EXPLAIN SELECT 1", &[][..]),
        ("EXPLAIN PLAN FOR INSERT INTO t SELECT 1", &[]),
        ("EXPLAIN EXECUTE SELECT 1", &[]),
        (
            "EXPLAIN CHANGELOG_MODE, PLAN_ADVICE, ESTIMATED_COST, JSON_EXECUTION_PLAN SELECT 1",
            &[
                ExplainDetail::ChangelogMode,
                ExplainDetail::PlanAdvice,
                ExplainDetail::EstimatedCost,
                ExplainDetail::JsonExecutionPlan,
            ],
        ),
    ] {
        let StatementKind::Explain { details, .. } = one(script) else { panic!("{script}") };
        assert_eq!(details, expected, "{script}");
    }
}

#[test]
fn summaries_are_one_line_without_secrets() {
    let long = format!("SELECT {} FROM t", vec!["column_name"; 30].join(",\n  "));
    for (script, expected) in [
        ("CREATE TEMPORARY TABLE a.b (x INT) WITH ('password' = 'p')", "CREATE TABLE a.b"),
        ("SET 'password' = 'p'", "SET 'password'"),
        ("INSERT INTO t SELECT 1", "INSERT INTO t"),
        ("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 1; END", "STATEMENT SET into a, b"),
        ("SELECT\n  1", "SELECT 1"),
        (&long, "SELECT column_name, column_name, column_name, column_name, ..."),
        ("EXPLAIN INSERT INTO t SELECT 1", "EXPLAIN INSERT INTO t"),
    ] {
        assert_eq!(parse(script)[0].as_ref().unwrap().summary(), expected);
    }
}

#[test]
fn jobs_are_named_with_and_without_quotes_and_a_table_may_be_called_job() {
    let job = |script: &str| match one(script) {
        StatementKind::DescribeJob { job } => format!("describe {}", job.value),
        StatementKind::StopJob { job, savepoint, drain } => format!("stop {} {savepoint} {drain}", job.value),
        StatementKind::Describe { name } => format!("table {name}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(job("DESCRIBE JOB 'x'"), "describe x");
    assert_eq!(job("desc job 'x'"), "describe x");
    assert_eq!(job("STOP JOB 'x'"), "stop x false false");
    assert_eq!(job("STOP JOB 'x' WITH DRAIN"), "stop x false true");
    assert_eq!(job("STOP JOB 'x' WITH SAVEPOINT"), "stop x true false");
    assert_eq!(job("STOP JOB 'x' WITH SAVEPOINT WITH DRAIN"), "stop x true true");
    assert_eq!(job("STOP JOB 'x' WITH DRAIN WITH SAVEPOINT"), "stop x true true");
    assert!(parse("STOP JOB 'x' WITH DRAIN WITH DRAIN")[0].is_err());
    assert_eq!(job("DESCRIBE job"), "table job");
    assert!(matches!(one("SHOW JOBS"), StatementKind::Show(Show::Jobs)));
    assert_eq!(job("STOP JOB 3eb0a1"), "stop 3eb0a1 false false");
    assert_eq!(job("STOP JOB 1e5b20 WITH DRAIN"), "stop 1e5b20 false true");
    assert_eq!(
        job("STOP JOB insert-into_default_catalog.default_database.t;"),
        "stop insert-into_default_catalog.default_database.t false false"
    );
    assert_eq!(job("DESC JOB 7"), "describe 7");
    assert_eq!(job("DESCRIBE JOB `a,b`"), "describe a,b");
    assert_eq!(job("DESCRIBE EXTENDED job"), "table job");
    for wrong in ["STOP JOB", "STOP JOB WITH DRAIN", "STOP JOB x y", "STOP JOB 'x' WITH", "DESCRIBE JOB a b"] {
        assert!(parse(wrong)[0].is_err(), "{wrong}");
    }
}

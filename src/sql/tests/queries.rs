use datafusion::sql::sqlparser::ast::{DataType, Expr, SelectItem, SetExpr, TableFactor, TableVersion};

use super::super::{StatementKind, query_hints, table_options};
use super::{one, parse};
use crate::types::SqlType;

fn query(script: &str) -> Box<datafusion::sql::sqlparser::ast::Query> {
    match one(script) {
        StatementKind::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

fn select(script: &str) -> datafusion::sql::sqlparser::ast::Select {
    match *query(script).body {
        SetExpr::Select(select) => *select,
        other => panic!("{other:?}"),
    }
}

fn expr(text: &str) -> Expr {
    match select(&format!("SELECT {text}")).projection.remove(0) {
        SelectItem::UnnamedExpr(expr) => expr,
        other => panic!("{other:?}"),
    }
}

/// Read and shown by sqlparser without a difference.
#[test]
fn flinks_queries_are_read() {
    for text in [
        "SELECT a AS usage, b USAGE FROM t",
        "SELECT a.b.c.d, arr[1], m['k'].x, f(x)[1].y FROM t",
        "SELECT CPU.a, ST.b FROM CPU_IN CPU INNER JOIN S FOR SYSTEM_TIME AS OF proctime ON CPU.a = S.a",
        "SELECT INTERVAL '30' SECONDS, INTERVAL -'1' DAY, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03' DAY TO MINUTE",
        "SELECT DATE '2020-01-01', TIME '10:00:00', TIMESTAMP '2020-01-01 10:00:00.123', X'0aFF', .5, 1.5E3",
        "SELECT CEIL(ts TO HOUR), FLOOR(ts TO DAY), CEIL(x), TIMESTAMPDIFF(MINUTE, a, b), TIMESTAMPADD(QUARTER, 1, c)",
        "SELECT TRIM(BOTH 'a' FROM b), POSITION('a' IN b), EXTRACT(DAY FROM ts), SUBSTRING(a FROM 2 FOR 1)",
        "SELECT ROW(1, 'a'), ARRAY[1, 2], (1, 2), ARRAY[]",
        "SELECT a IN (1, 2), a NOT IN (SELECT 1), EXISTS (SELECT 1), a BETWEEN 1 AND 2, a LIKE 'x' ESCAPE '!'",
        "SELECT a SIMILAR TO 'x', a IS NOT DISTINCT FROM b, a IS NOT TRUE, a IS UNKNOWN, NOT a",
        "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END, CASE a WHEN 1 THEN 2 END, COALESCE(a, b), NULLIF(a, b)",
        "SELECT CURRENT_TIMESTAMP, LOCALTIME, CURRENT_DATE, PROCTIME(), NOW()",
        "SELECT COUNT(*), COUNT(DISTINCT a), SUM(a) FILTER (WHERE b > 1), LISTAGG(a, ',') FROM t",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a), ()), ROLLUP (a, b), CUBE (c) HAVING COUNT(*) > 1",
        "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST) FROM t QUALIFY rn = 1",
        "SELECT SUM(a) OVER w FROM t WINDOW w AS (ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)",
        "WITH c (a) AS (SELECT 1), d AS (VALUES (1), (2)) SELECT * FROM c, d",
        "SELECT a FROM t1 UNION ALL SELECT b FROM t2 INTERSECT SELECT c FROM t3 EXCEPT SELECT d FROM t4",
        "SELECT DISTINCT a FROM t ORDER BY a DESC, b LIMIT 3 OFFSET 2",
        "SELECT a FROM t FETCH FIRST 3 ROWS ONLY",
        "SELECT * FROM t1 NATURAL JOIN t2 LEFT JOIN t3 USING(a) FULL JOIN t4 ON TRUE CROSS JOIN t5",
        "SELECT * FROM t1 CROSS JOIN UNNEST(t1.arr) WITH ORDINALITY AS u (x, o)",
        "SELECT * FROM t LEFT JOIN LATERAL TABLE(f(a)) AS u (x) ON true",
        "SELECT * FROM (SELECT a FROM t) AS q (`value`)",
        "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
        "SELECT * FROM TUMBLE(TABLE a.b.t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) AS w",
        "SELECT * FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SLIDE => x, SIZE => y, `OFFSET` => z))",
        "SELECT TUMBLE_START(ts, INTERVAL '1' MINUTE) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)",
        "SELECT JSON_VALUE(a, '$.x' RETURNING INT), JSON_EXISTS(a, '$.x')",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "VALUES (1, 'a'), (2, 'b')",
    ] {
        // Calcite knows no case of keywords, so neither does this comparison.
        assert_eq!(query(text).to_string().to_uppercase(), text.to_uppercase().replace("B USAGE", "B AS USAGE"));
    }
}

#[test]
fn casts_carry_flinks_type() {
    for (text, expected) in [
        ("CAST(a AS ROW<x INT, y ARRAY<ARRAY<STRING NOT NULL>>>)", "ROW<`x` INT, `y` ARRAY<ARRAY<STRING NOT NULL>>>"),
        ("TRY_CAST(a AS TIMESTAMP(3) WITH LOCAL TIME ZONE)", "TIMESTAMP_LTZ(3)"),
        ("CAST(a AS VARCHAR)", "STRING"),
        ("CAST(a AS INT MULTISET)", "MULTISET<INT>"),
    ] {
        let Expr::Cast { data_type: DataType::Custom(name, arguments), .. } = expr(text) else { panic!("{text}") };
        assert!(arguments.is_empty());
        let ident = name.0[0].as_ident().unwrap();
        assert_eq!(ident.value, expected);
        assert_eq!(ident.span.start.column, text.find(" AS ").unwrap() as u64 + 4 + 8);
        assert_eq!(SqlType::parse(&ident.value).unwrap().to_string(), expected);
    }
}

#[test]
fn what_sqlparser_has_no_node_for_has_its_stand_in() {
    for (text, expected) in [
        ("'{}' IS NOT JSON OBJECT", "IS NOT JSON OBJECT('{}')"),
        ("a IS JSON AND b", "IS JSON(a) AND b"),
        ("a BETWEEN SYMMETRIC 3 AND 0", "(a BETWEEN 3 AND 0 OR a BETWEEN 0 AND 3)"),
        ("a NOT BETWEEN SYMMETRIC 3 AND 0", "(a NOT BETWEEN 3 AND 0 AND a NOT BETWEEN 0 AND 3)"),
        ("a BETWEEN ASYMMETRIC 3 AND 0", "a BETWEEN 3 AND 0"),
        ("MAP['a', 1, 'b', 2]", "MAP {'a': 1, 'b': 2}"),
        ("TRIM(LEADING FROM a)", "TRIM(LEADING a)"),
        ("e'a\\nb\\u0061\\x61\\141\\q\\''", "'a\nbaaa\\q'''"),
        ("U&'\\00e4'", "'ä'"),
        ("N'a'", "'a'"),
        ("'a'\n'b'", "'ab'"),
        ("'it''s'", "'it''s'"),
    ] {
        assert_eq!(expr(text).to_string(), expected, "{text}");
    }
}

#[test]
fn like_binds_stronger_than_equals() {
    assert!(matches!(expr("a = b LIKE c"), Expr::BinaryOp { right, .. } if matches!(*right, Expr::Like { .. })));
}

#[test]
fn a_session_keeps_its_partition_keys() {
    let text = "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY a, b, DESCRIPTOR(ts), INTERVAL '5' MINUTE))";
    let shown = query(text).to_string();
    assert!(shown.contains("TABLE t OVER (PARTITION BY a, b), DESCRIPTOR(ts)"), "{shown}");
}

fn tables(script: &str) -> Vec<TableFactor> {
    let from = select(script).from.remove(0);
    std::iter::once(from.relation).chain(from.joins.into_iter().map(|join| join.relation)).collect()
}

#[test]
fn options_hints_arrive_at_their_tables() {
    let tables = tables(
        "SELECT 1 FROM t /*+ OPTIONS('k'='v', 'k2' = 'it''s') */ AS a JOIN db.u JOIN w /*+ options('x'='y') */ \
         FOR SYSTEM_TIME AS OF a.p AS ww ON TRUE",
    );
    let hints = |table: &TableFactor| match table {
        TableFactor::Table { with_hints, .. } => {
            let options = table_options(with_hints);
            options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(hints(&tables[0]), [("k".into(), "v".into()), ("k2".into(), "it's".into())]);
    assert_eq!(hints(&tables[1]), []);
    assert_eq!(hints(&tables[2]), [("x".into(), "y".into())]);
    assert!(matches!(&tables[2], TableFactor::Table { version: Some(TableVersion::ForSystemTimeAsOf(_)), .. }));
    let TableFactor::Table { with_hints, .. } = &tables[0] else { panic!() };
    assert_eq!(table_options(with_hints).span("k").unwrap().start.to_string(), "1:33");
}

#[test]
fn query_hints_stay_at_their_select() {
    let select = select("SELECT /*+ LOOKUP('table'='C', 'async'='true'), BROADCAST(a, b.c) */ x FROM t");
    let hints = query_hints(&select);
    assert_eq!((hints[0].name.as_str(), hints[0].options.get("async")), ("LOOKUP", Some("true")));
    assert_eq!((hints[1].name.as_str(), &hints[1].names[..]), ("BROADCAST", &["a".to_string(), "b.c".to_string()][..]));
}

#[test]
fn reserved_words_need_back_ticks_and_others_do_not() {
    assert!(parse("SELECT value FROM t")[0].is_err());
    assert!(parse("SELECT `value`, usage, cpu, name FROM t AS data")[0].is_ok());
    assert!(parse("SELECT count(*), LEFT(a, 1), YEAR(d), DATE '2020-01-01' FROM t")[0].is_ok());
}

#[test]
fn a_row_of_one_column_needs_no_parentheses() {
    for (text, same) in [
        ("VALUES 1, 2", "VALUES (1), (2)"),
        ("VALUES f(a, b), (3), 'x' || 'y' LIMIT 1", "VALUES (f(a, b)), (3), ('x' || 'y') LIMIT 1"),
        (
            "VALUES ARRAY[1, 2], ARRAY[3] UNION ALL VALUES ROW(4)",
            "VALUES (ARRAY[1, 2]), (ARRAY[3]) UNION ALL VALUES ROW(4)",
        ),
        ("SELECT a FROM (VALUES 1, (2)) AS t (a), u", "SELECT a FROM (VALUES (1), (2)) AS t (a), u"),
    ] {
        assert_eq!(query(text).to_string(), query(same).to_string(), "{text}");
    }
}

#[test]
fn chains_of_operators_are_long_but_not_endless() {
    let chain = |operator: &str, operands: usize| format!("SELECT {}", vec!["a"; operands].join(operator));
    for (operator, most) in [(" AND ", 300), (" OR ", 300), (" || ", 300), (" + ", 200)] {
        assert!(parse(&chain(operator, most)).iter().all(Result::is_ok), "{operator}");
        let outcomes = parse(&chain(operator, 2 * most));
        assert!(outcomes.iter().any(Result::is_err), "{operator}");
    }
    assert_eq!(select("SELECT a AND b AND c OR d").projection[0].to_string(), "a AND b AND c OR d");
}

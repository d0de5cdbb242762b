use super::super::{StatementKind, show_create_table, show_create_view};
use super::one;
use crate::catalog::{ObjectName, Table, View};

fn shown(script: &str) -> String {
    match one(script) {
        StatementKind::CreateTable(table) => show_create_table(&Table {
            name: ObjectName::local(table.name.to_string()),
            columns: table.columns,
            watermark: table.watermark,
            primary_key: table.primary_key,
            partitioned_by: table.partitioned_by.into_iter().map(|part| part.value).collect(),
            comment: table.comment,
            options: table.options,
            temporary: table.temporary,
            span: None,
            text: None,
        }),
        StatementKind::CreateView(view) => show_create_view(&View {
            name: ObjectName::local(view.name.to_string()),
            columns: view.columns.into_iter().map(|column| column.value).collect(),
            query: view.query,
            sql: view.query_text,
            comment: view.comment,
            temporary: view.temporary,
            text: None,
        }),
        other => panic!("{other:?}"),
    }
}

/// Flink 2.2.1's own answer to this table, but for the secrets, which it shows, and the comment in a ROW, which it drops.
const FLINKS: &str = "CREATE TABLE `default_catalog`.`default_database`.`t1` (
  `a` INT NOT NULL,
  `b` VARCHAR(2147483647) NOT NULL COMMENT 'bee''s',
  `c` AS `a` + 1 COMMENT 'comp',
  `d` TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL COMMENT 'm',
  `e` TIMESTAMP(3) WITH LOCAL TIME ZONE METADATA,
  `f` ROW<`x` INT, `y` ROW<`z` VARCHAR(2147483647) NOT NULL>>,
  `g` ARRAY<INT NOT NULL>,
  `h` MAP<VARCHAR(2147483647), BIGINT>,
  `i` DECIMAL(10, 2),
  `j` CHAR(1),
  `k` VARCHAR(5),
  `l` TIMESTAMP(6),
  `m` VARBINARY(2147483647),
  `n` TIME(0),
  `o` MULTISET<INT>,
  `p q` INT,
  WATERMARK FOR `d` AS `d` - INTERVAL '5' SECOND,
  CONSTRAINT `pk` PRIMARY KEY (`b`, `a`) NOT ENFORCED
)
COMMENT 'tab''le'
PARTITIONED BY (`a`, `b`)
WITH (
  'connector' = 'blackhole',
  'password' = '******',
  'print-identifier' = 'it''s',
  'properties.ssl.keystore.password' = '******'
)
";

#[test]
fn a_table_is_shown_as_flink_shows_it() {
    let script = "CREATE TABLE t1 (a INT, b STRING NOT NULL COMMENT 'bee''s', c AS a + 1 COMMENT 'comp', \
         d TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL COMMENT 'm', e TIMESTAMP_LTZ(3) METADATA, \
         f ROW<x INT, y ROW<z STRING NOT NULL>>, g ARRAY<INT NOT NULL>, h MAP<STRING, BIGINT>, i DECIMAL(10,2), \
         j CHAR, k VARCHAR(5), l TIMESTAMP, m BYTES, n TIME, o MULTISET<INT>, `p q` INT, \
         WATERMARK FOR d AS d - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (b, a) NOT ENFORCED) \
         COMMENT 'tab''le' PARTITIONED BY (a, b) WITH ('connector'='blackhole', 'print-identifier'='it''s', 'password'='secret', \
         'properties.ssl.keystore.password'='abc')";
    assert_eq!(shown(script), FLINKS);
}

#[test]
fn what_is_shown_can_be_run() {
    assert_eq!(shown(&FLINKS.replace("`default_catalog`.`default_database`.", "")), FLINKS);
}

#[test]
fn a_nameless_key_gets_flinks_name_and_units_stay_words() {
    let script =
        "CREATE TEMPORARY TABLE t2 (a INT PRIMARY KEY NOT ENFORCED, b AS TIMESTAMPDIFF(DAY, r.x, CAST(a AS DATE)))";
    assert_eq!(
        shown(script),
        "CREATE TEMPORARY TABLE `default_catalog`.`default_database`.`t2` (
  `a` INT NOT NULL,
  `b` AS TIMESTAMPDIFF(DAY, `r`.`x`, CAST(`a` AS DATE)),
  CONSTRAINT `PK_a` PRIMARY KEY (`a`) NOT ENFORCED
)
"
    );
}

#[test]
fn a_view_is_shown_with_its_query_as_written() {
    assert_eq!(
        shown("CREATE TEMPORARY VIEW v (x, `y z`) COMMENT 'vi''ew' AS SELECT a, b FROM g"),
        "CREATE TEMPORARY VIEW `default_catalog`.`default_database`.`v` (
  `x`,
  `y z`
)
COMMENT 'vi''ew'
AS SELECT a, b FROM g
"
    );
}

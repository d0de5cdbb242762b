use datafusion::common::ScalarValue;
use datafusion::logical_expr::{col, lit};
use tokio_postgres::types::Type;

use super::*;
use crate::connectors::postgres::table::{DbColumn, Relation};
use crate::connectors::postgres::types::PgType;
use crate::types::{Field, SqlType, TypeKind};

fn schema() -> Schema {
    let types = [
        ("i", TypeKind::Int),
        ("s", TypeKind::Varchar(9)),
        ("d", TypeKind::Decimal { precision: 6, scale: 2 }),
        ("f", TypeKind::Double),
        ("t", TypeKind::Timestamp(3)),
        ("z", TypeKind::TimestampLtz(3)),
        ("b", TypeKind::Boolean),
        ("day", TypeKind::Date),
    ];
    types.into_iter().map(|(name, kind)| Field::new(name, SqlType::nullable(kind))).collect()
}

fn sql(filter: Expr) -> Option<String> {
    planned_sql(&filter, &schema())
}

#[test]
fn filters_become_sql_with_literals_quoted() {
    let cases = [
        (col("i").eq(lit(3_i32)), "(\"i\" = 3)"),
        (lit(3_i64).lt(col("i")), "(\"i\" > 3)"),
        (col("i").not_eq(lit(-3_i32)), "(\"i\" <> -3)"),
        (col("s").eq(lit("it's")), "(\"s\" = 'it''s')"),
        (col("s").eq(lit("a\\'b")), "(\"s\" = E'a\\\\''b')"),
        (col("s").gt_eq(lit("m")), "(\"s\" COLLATE \"C\" >= 'm')"),
        (col("d").lt(lit(ScalarValue::Decimal128(Some(-1_250), 6, 2))), "(\"d\" < -12.50)"),
        (col("b").and(col("i").is_null()), "(\"b\" AND (\"i\" IS NULL))"),
        (Expr::Not(Box::new(col("b"))).or(col("f").is_not_null()), "((NOT \"b\") OR (\"f\" IS NOT NULL))"),
        (col("i").in_list(vec![lit(1), lit(2)], false), "(\"i\" IN (1, 2))"),
        (col("i").in_list(vec![lit(1)], true), "(\"i\" NOT IN (1))"),
        (col("i").between(lit(1), lit(5)), "(((\"i\" >= 1) AND (\"i\" <= 5)))"),
        (col("day").eq(lit(ScalarValue::Date32(Some(19_000)))), "(\"day\" = DATE '2022-01-08')"),
        (
            col("t").lt(lit(ScalarValue::TimestampMillisecond(Some(1_633_956_789_277), None))),
            "(\"t\" < TIMESTAMP '2021-10-11 12:53:09.277000')",
        ),
        (
            col("z").gt(lit(ScalarValue::TimestampMillisecond(Some(0), Some("UTC".into())))),
            "(\"z\" > TIMESTAMPTZ '1970-01-01 00:00:00.000000+00')",
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(sql(filter.clone()).as_deref(), Some(expected), "{filter}");
    }
}

#[test]
fn what_the_database_may_see_differently_stays_here() {
    let not_ours = [
        col("f").gt(lit(1.0)),
        col("f").eq(lit(1.0)),
        col("i").eq(lit(ScalarValue::Int32(None))),
        col("s").eq(lit("a\0")),
        col("s").like(lit("a%")),
        (col("i") + lit(1)).eq(lit(3)),
        col("i").eq(col("d")),
        col("i").eq(lit(3)).or(col("f").eq(lit(1.0))),
        col("nowhere").eq(lit(3)),
        col("t").lt(lit(ScalarValue::TimestampMicrosecond(Some(1), None))),
        col("day").eq(lit(ScalarValue::Date32(Some(i32::MAX)))),
        col("i"),
    ];
    for filter in not_ours {
        assert_eq!(sql(filter.clone()), None, "{filter}");
    }
}

fn divide(filter: Expr, columns: Vec<(&str, Type, PgType, i32, bool)>) -> Filters {
    let columns = columns.into_iter().map(|(name, ty, pg, typmod, bytes_decide)| DbColumn {
        name: name.into(),
        ty,
        pg,
        typmod,
        bytes_decide,
    });
    let table = DbTable { sql: "t".into(), columns: columns.collect(), relation: Relation::default() };
    Filters::divide(&[filter], &schema(), &table, "t.", true)
}

#[test]
fn the_databases_types_decide_what_is_sent() {
    let label = PgType::Enum(vec!["sad".into()]);
    let now = ScalarValue::TimestampMillisecond(Some(0), None);
    let cases: Vec<(Expr, Type, PgType, i32, bool, bool)> = vec![
        (col("i").eq(lit(3)), Type::INT8, PgType::Int8, -1, true, true),
        (col("i").eq(lit(3)), Type::NUMERIC, PgType::Numeric, -1, true, false),
        (col("s").eq(lit("a")), Type::TEXT, PgType::Text, -1, true, true),
        (col("s").eq(lit("a")), Type::TEXT, PgType::Text, -1, false, false),
        (col("s").gt(lit("a")), Type::TEXT, PgType::Text, -1, false, true),
        (col("s").eq(lit("a")), Type::TEXT, PgType::Citext, -1, true, false),
        (col("s").eq(lit("a")), Type::BPCHAR, PgType::Bpchar, -1, true, false),
        (col("s").eq(lit("sad")), Type::TEXT, label.clone(), -1, true, true),
        (col("s").eq(lit("glad")), Type::TEXT, label.clone(), -1, true, false),
        (col("s").lt(lit("sad")), Type::TEXT, label, -1, true, false),
        (col("s").eq(lit("ABC")), Type::UUID, PgType::Uuid, -1, true, false),
        (col("d").eq(lit(1)), Type::NUMERIC, PgType::Numeric, 4 + (6 << 16) + 2, true, true),
        (col("d").eq(lit(1)), Type::NUMERIC, PgType::Numeric, 4 + (6 << 16) + 3, true, false),
        (col("d").eq(lit(1)), Type::NUMERIC, PgType::Numeric, -1, true, false),
        (col("t").lt(lit(now.clone())), Type::TIMESTAMP, PgType::Timestamp, -1, true, true),
        (col("t").lt_eq(lit(now.clone())), Type::TIMESTAMP, PgType::Timestamp, -1, true, false),
        (col("t").lt_eq(lit(now.clone())), Type::TIMESTAMP, PgType::Timestamp, 3, true, true),
        (col("t").lt(lit(now)), Type::TIMESTAMPTZ, PgType::Timestamptz, -1, true, false),
    ];
    for (filter, ty, pg, typmod, bytes_decide, sent) in cases {
        let name = filter.column_refs().into_iter().next().unwrap().name.clone();
        let divided = divide(filter.clone(), vec![(&name, ty, pg.clone(), typmod, bytes_decide)]);
        assert_eq!(divided.sql.len(), usize::from(sent), "{filter} on {pg:?} ({typmod})");
        assert_eq!(divided.is_local(), !sent, "{filter} on {pg:?}");
    }
}

#[test]
fn what_is_not_sent_is_applied_to_the_rows() {
    let divided =
        divide(col(Column::new(Some("q"), "s")).eq(lit("a")), vec![("s", Type::TEXT, PgType::Citext, -1, true)]);
    let rows = schema().project(&[1]).arrow();
    let column = Arc::new(arrow::array::StringArray::from(vec![Some("a"), Some("A"), None]));
    let batch = RecordBatch::try_new(rows.clone(), vec![column]).unwrap();
    let mask = divided.local(&rows).unwrap().mask(&batch).unwrap().unwrap();
    assert_eq!(mask.iter().collect::<Vec<_>>(), [Some(true), Some(false), None]);
    assert_eq!(divided.columns(&schema()).into_iter().collect::<Vec<_>>(), [1]);
}

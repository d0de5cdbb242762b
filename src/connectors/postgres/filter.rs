//! Filters of the query that the database can apply exactly as the engine would.
//!
//! [`is_supported`] says by our types alone which filters have a form for it; no service is asked. When the table is
//! opened and the database's types are known, [`Filters`] sends those whose meaning is the same there and keeps the
//! others for the rows that come back: `name = 'a'` on a `citext` column is not ours to send.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::table::{DbColumn, DbTable, quoted};
use super::types::PgType;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Schema, TypeKind};

/// True for a filter that has a form for the database, as far as our types tell.
pub fn is_supported(filter: &Expr, schema: &Schema) -> bool {
    render(filter, &Plain(schema)).is_some()
}

/// The filter as SQL by our types alone, for EXPLAIN.
pub fn planned_sql(filter: &Expr, schema: &Schema) -> Option<String> {
    render(filter, &Plain(schema))
}

/// Filters divided between the database and us.
#[derive(Debug)]
pub struct Filters {
    /// What stands behind WHERE, each true for every row.
    pub sql: Vec<String>,
    /// Those that are applied to the rows that come back.
    local: Vec<Expr>,
}

impl Filters {
    /// Divides `filters`; columns are looked up in `table` and prefixed with `alias.`.
    pub fn divide(filters: &[Expr], schema: &Schema, table: &DbTable, alias: &str, utf8: bool) -> Self {
        let known = Known { schema, table, alias, utf8 };
        let mut divided = Self { sql: Vec::new(), local: Vec::new() };
        for filter in filters {
            match render(filter, &known) {
                Some(sql) => divided.sql.push(sql),
                None => divided.local.push(filter.clone()),
            }
        }
        divided
    }

    /// Positions of the columns that the rows need for our part.
    pub fn columns(&self, schema: &Schema) -> BTreeSet<usize> {
        let columns = self.local.iter().flat_map(|f| f.column_refs());
        columns.filter_map(|c| schema.index_of(&c.name)).collect()
    }

    pub fn is_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// Our part, for rows of these columns.
    pub fn local(&self, rows: &arrow::datatypes::Schema) -> Result<LocalFilter> {
        let planned = self.local.iter().map(|filter| {
            let bare = filter.clone().transform(|e| {
                Ok(match e {
                    Expr::Column(c) => Transformed::yes(Expr::Column(Column::from_name(c.name))),
                    e => Transformed::no(e),
                })
            })?;
            let (rows, props) = (DFSchema::try_from(rows.clone())?, ExecutionProps::new());
            create_physical_expr(&bare.data, &rows, &props, &PhysicalPlanningContext::default())
        });
        let planned: std::result::Result<Vec<_>, _> = planned.collect();
        Ok(LocalFilter(planned.map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?))
    }
}

/// Filters that are applied to the rows that came back.
#[derive(Debug)]
pub struct LocalFilter(Vec<Arc<dyn PhysicalExpr>>);

impl LocalFilter {
    /// Which rows stay; `None` for all.
    pub fn mask(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>> {
        let mut mask: Option<BooleanArray> = None;
        for filter in &self.0 {
            let fails = |e| Error::from_datafusion(ErrorKind::Data, e);
            let value = filter.evaluate(rows).and_then(|v| v.into_array(rows.num_rows())).map_err(fails)?;
            let value = value.as_any().downcast_ref::<BooleanArray>();
            let value = value.ok_or_else(|| Error::internal("a filter is not boolean"))?;
            mask = Some(match mask {
                Some(mask) => arrow::compute::and_kleene(&mask, value)?,
                None => value.clone(),
            });
        }
        Ok(mask)
    }
}

/// What is known about columns: how to write one, and which comparisons mean the same in the database.
trait Columns {
    fn column(&self, name: &str) -> Option<Comparable<'_>>;
}

struct Comparable<'a> {
    sql: String,
    kind: &'a TypeKind,
    /// `None` before the database was asked.
    db: Option<&'a DbColumn>,
    utf8: bool,
}

struct Plain<'a>(&'a Schema);

impl Columns for Plain<'_> {
    fn column(&self, name: &str) -> Option<Comparable<'_>> {
        let field = &self.0.fields[self.0.index_of(name)?];
        Some(Comparable { sql: quoted(name), kind: &field.ty.kind, db: None, utf8: true })
    }
}

struct Known<'a> {
    schema: &'a Schema,
    table: &'a DbTable,
    alias: &'a str,
    utf8: bool,
}

impl Columns for Known<'_> {
    fn column(&self, name: &str) -> Option<Comparable<'_>> {
        let kind = &self.schema.fields[self.schema.index_of(name)?].ty.kind;
        let db = self.table.column(name, "").ok()?;
        Some(Comparable { sql: format!("{}{}", self.alias, db.quoted()), kind, db: Some(db), utf8: self.utf8 })
    }
}

fn render(filter: &Expr, columns: &dyn Columns) -> Option<String> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            Some(format!("({} {op} {})", render(left, columns)?, render(right, columns)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(c), Expr::Literal(v, _)) => columns.column(&c.name)?.compare(*op, v),
            (Expr::Literal(v, _), Expr::Column(c)) => columns.column(&c.name)?.compare(op.swap()?, v),
            _ => None,
        },
        Expr::Not(inner) => Some(format!("(NOT {})", render(inner, columns)?)),
        Expr::IsNull(inner) => Some(format!("({} IS NULL)", operand(inner, columns)?)),
        Expr::IsNotNull(inner) => Some(format!("({} IS NOT NULL)", operand(inner, columns)?)),
        Expr::IsTrue(inner) => Some(format!("({} IS TRUE)", render(inner, columns)?)),
        Expr::IsFalse(inner) => Some(format!("({} IS FALSE)", render(inner, columns)?)),
        Expr::IsNotTrue(inner) => Some(format!("({} IS NOT TRUE)", render(inner, columns)?)),
        Expr::IsNotFalse(inner) => Some(format!("({} IS NOT FALSE)", render(inner, columns)?)),
        Expr::InList(InList { expr, list, negated }) => {
            let Expr::Column(column) = &**expr else { return None };
            let column = columns.column(&column.name)?;
            let values = list.iter().map(|e| match e {
                Expr::Literal(v, _) => column.literal(Operator::Eq, v),
                _ => None,
            });
            let values: Option<Vec<_>> = values.collect();
            let values = values.filter(|v| !v.is_empty())?.join(", ");
            Some(format!("({} {}IN ({values}))", column.sql, if *negated { "NOT " } else { "" }))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let (Expr::Column(c), Expr::Literal(low, _), Expr::Literal(high, _)) = (&**expr, &**low, &**high) else {
                return None;
            };
            let column = columns.column(&c.name)?;
            let (low, high) = (column.compare(Operator::GtEq, low)?, column.compare(Operator::LtEq, high)?);
            Some(format!("({}({low} AND {high}))", if *negated { "NOT " } else { "" }))
        }
        Expr::Column(c) => {
            let column = columns.column(&c.name)?;
            let boolean = *column.kind == TypeKind::Boolean && column.db.is_none_or(|db| db.pg == PgType::Bool);
            boolean.then_some(column.sql)
        }
        _ => None,
    }
}

/// What stands before IS NULL: a column of any type, or a condition.
fn operand(inner: &Expr, columns: &dyn Columns) -> Option<String> {
    match inner {
        Expr::Column(c) => Some(columns.column(&c.name)?.sql),
        inner => render(inner, columns),
    }
}

impl Comparable<'_> {
    /// `("a" = 1)`, if it means there what it means here.
    fn compare(&self, op: Operator, value: &ScalarValue) -> Option<String> {
        let literal = self.literal(op, value)?;
        let sql_op = match op {
            Operator::Eq => "=",
            Operator::NotEq => "<>",
            Operator::Lt => "<",
            Operator::LtEq => "<=",
            Operator::Gt => ">",
            Operator::GtEq => ">=",
            _ => return None,
        };
        // Our text is ordered by its bytes.
        let collation = if self.kind.is_string() && is_range(op) { " COLLATE \"C\"" } else { "" };
        Some(format!("({}{collation} {sql_op} {literal})", self.sql))
    }

    /// The literal for a comparison by `op`; `None` for NULL and for comparisons with another meaning there.
    fn literal(&self, op: Operator, value: &ScalarValue) -> Option<String> {
        if value.is_null() {
            return None;
        }
        let pg = self.db.map(|db| &db.pg);
        match self.kind {
            TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int | TypeKind::BigInt => {
                let same = pg.is_none_or(|pg| matches!(pg, PgType::Int2 | PgType::Int4 | PgType::Int8));
                integer(value).filter(|_| same).map(|v| v.to_string())
            }
            TypeKind::Decimal { scale, .. } => {
                let same = self.db.is_none_or(|db| match db.pg {
                    PgType::Int2 | PgType::Int4 | PgType::Int8 => true,
                    PgType::Numeric => numeric_scale(db.typmod).is_some_and(|s| s <= i32::from(*scale)),
                    _ => false,
                });
                match value {
                    ScalarValue::Decimal128(Some(_), ..) if same => Some(value.to_array().ok()?).and_then(|array| {
                        use arrow::array::AsArray;
                        let array = array.as_primitive_opt::<arrow::datatypes::Decimal128Type>()?;
                        Some(array.value_as_string(0))
                    }),
                    _ => integer(value).filter(|_| same).map(|v| v.to_string()),
                }
            }
            TypeKind::Boolean => match value {
                ScalarValue::Boolean(Some(v)) if pg.is_none_or(|pg| *pg == PgType::Bool) => {
                    (!is_range(op)).then(|| v.to_string())
                }
                _ => None,
            },
            TypeKind::Char(_) | TypeKind::Varchar(_) => self.text(op, text(value)?),
            TypeKind::Date => match value {
                ScalarValue::Date32(Some(days)) if pg.is_none_or(|pg| *pg == PgType::Date) => {
                    let date = chrono::DateTime::from_timestamp(i64::from(*days) * 86_400, 0)?.date_naive();
                    common_era(chrono::Datelike::year(&date)).then(|| format!("DATE '{date}'"))
                }
                _ => None,
            },
            TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => self.timestamp(op, *p, value),
            _ => None,
        }
    }

    fn text(&self, op: Operator, text: &str) -> Option<String> {
        if text.contains('\0') {
            return None;
        }
        let literal = match text.contains('\\') {
            true => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            false => format!("'{}'", text.replace('\'', "''")),
        };
        let Some(db) = self.db else { return Some(literal) };
        match &db.pg {
            PgType::Text if is_range(op) => self.utf8.then_some(literal),
            PgType::Text => db.bytes_decide.then_some(literal),
            _ if is_range(op) => None,
            PgType::Uuid => {
                let canonical = uuid::Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text);
                canonical.then_some(literal)
            }
            PgType::Enum(labels) => labels.iter().any(|l| l == text).then_some(literal),
            _ => None,
        }
    }

    /// Where the database keeps more digits than our type, ours are cut: then only `>=` and `<` mean the same.
    fn timestamp(&self, op: Operator, precision: u8, value: &ScalarValue) -> Option<String> {
        let ltz = matches!(self.kind, TypeKind::TimestampLtz(_));
        if let Some(db) = self.db {
            let same = if ltz { PgType::Timestamptz } else { PgType::Timestamp };
            let digits = if db.typmod < 0 { 6 } else { db.typmod };
            let cut = digits > i32::from(precision);
            if db.pg != same || (cut && !matches!(op, Operator::GtEq | Operator::Lt)) {
                return None;
            }
        }
        let (nanos, zoned) = match value {
            ScalarValue::TimestampSecond(Some(v), zone) => (i128::from(*v) * 1_000_000_000, zone.is_some()),
            ScalarValue::TimestampMillisecond(Some(v), zone) => (i128::from(*v) * 1_000_000, zone.is_some()),
            ScalarValue::TimestampMicrosecond(Some(v), zone) => (i128::from(*v) * 1_000, zone.is_some()),
            ScalarValue::TimestampNanosecond(Some(v), zone) => (i128::from(*v), zone.is_some()),
            _ => return None,
        };
        // Digits that our column can't have would be compared differently on cut values.
        let unit = 10_i128.pow(9 - u32::from(precision.min(6)));
        if zoned != ltz || nanos % unit != 0 {
            return None;
        }
        let time = chrono::DateTime::from_timestamp_micros(i64::try_from(nanos / 1000).ok()?)?;
        if !common_era(chrono::Datelike::year(&time)) {
            return None;
        }
        let text = time.format("%Y-%m-%d %H:%M:%S%.6f");
        Some(if ltz { format!("TIMESTAMPTZ '{text}+00'") } else { format!("TIMESTAMP '{text}'") })
    }
}

fn is_range(op: Operator) -> bool {
    !matches!(op, Operator::Eq | Operator::NotEq)
}

/// Years that need no sign and no "BC".
fn common_era(year: i32) -> bool {
    (1..=9999).contains(&year)
}

/// The scale of a numeric(p, s); `None` where values may have any.
fn numeric_scale(typmod: i32) -> Option<i32> {
    let bits = typmod.checked_sub(4).filter(|b| *b >= 0)?;
    Some(((bits & 0x7ff) ^ 1024) - 1024)
}

fn integer(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int8(Some(v)) => Some((*v).into()),
        ScalarValue::Int16(Some(v)) => Some((*v).into()),
        ScalarValue::Int32(Some(v)) => Some((*v).into()),
        ScalarValue::Int64(v) => *v,
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(v) | ScalarValue::Utf8View(v) | ScalarValue::LargeUtf8(v) => v.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};
    use tokio_postgres::types::Type;

    use super::super::table::Relation;
    use super::*;
    use crate::types::{Field, SqlType};

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
}

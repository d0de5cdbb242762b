//! A filter as SQL, where the database means the same by it.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

use crate::connectors::postgres::table::{DbColumn, DbTable, quoted};
use crate::connectors::postgres::types::PgType;
use crate::types::{Schema, TypeKind};

/// What is known about columns: how to write one, and which comparisons mean the same in the database.
pub trait Columns {
    fn column(&self, name: &str) -> Option<Comparable<'_>>;
}

/// A column as filters see it.
pub struct Comparable<'a> {
    sql: String,
    kind: &'a TypeKind,
    /// `None` before the database was asked.
    db: Option<&'a DbColumn>,
    utf8: bool,
}

/// Our types alone, before the database was asked.
pub struct Plain<'a>(pub &'a Schema);

impl Columns for Plain<'_> {
    fn column(&self, name: &str) -> Option<Comparable<'_>> {
        let field = &self.0.fields[self.0.index_of(name)?];
        Some(Comparable { sql: quoted(name), kind: &field.ty.kind, db: None, utf8: true })
    }
}

/// Our types and the database's.
pub struct Known<'a> {
    pub schema: &'a Schema,
    pub table: &'a DbTable,
    /// What stands before columns: `t.`.
    pub alias: &'a str,
    /// True where text under the collation "C" is ordered by the bytes of UTF-8.
    pub utf8: bool,
}

impl Columns for Known<'_> {
    fn column(&self, name: &str) -> Option<Comparable<'_>> {
        let kind = &self.schema.fields[self.schema.index_of(name)?].ty.kind;
        let db = self.table.column(name, "").ok()?;
        Some(Comparable { sql: format!("{}{}", self.alias, db.quoted()), kind, db: Some(db), utf8: self.utf8 })
    }
}

/// The filter as SQL; `None` where it has no form that means the same.
pub fn render(filter: &Expr, columns: &dyn Columns) -> Option<String> {
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

//! Expressions as people write them: `usage > 80 AND hostname LIKE 'd%'`. For EXPLAIN; never parsed again.

use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, Operator};

use crate::types::SqlType;

/// How tightly an expression holds together; what is looser than its place needs parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Atom,
}

use Tightness::{And, Atom, Comparison, Not, Or, Product, Sign, Sum};

/// The expression over columns of `schema`: a column carries its table's name only where its own is not enough.
pub fn expression(expr: &Expr, schema: &DFSchema) -> String {
    Printer { schema: Some(schema) }.print(expr).0
}

/// The expression with bare column names.
pub fn bare_expression(expr: &Expr) -> String {
    Printer { schema: None }.print(expr).0
}

/// `expression AS name`, or the name alone where it is the column's own.
pub fn named(text: &str, name: &str) -> String {
    match text == name {
        true => text.to_string(),
        false => format!("{text} AS {name}"),
    }
}

struct Printer<'a> {
    schema: Option<&'a DFSchema>,
}

impl Printer<'_> {
    /// The expression, in parentheses where it is looser than `least`.
    fn within(&self, expr: &Expr, least: Tightness) -> String {
        match self.print(expr) {
            (text, tightness) if tightness < least => format!("({text})"),
            (text, _) => text,
        }
    }

    fn all<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> String {
        exprs.into_iter().map(|e| self.print(e).0).collect::<Vec<_>>().join(", ")
    }

    fn print(&self, expr: &Expr) -> (String, Tightness) {
        let is = |inner: &Expr, test: &str| (format!("{} {test}", self.within(inner, Sum)), Comparison);
        match expr {
            Expr::Alias(alias) => self.print(&alias.expr),
            Expr::Column(column) => (self.column(column), Atom),
            Expr::Literal(value, _) => (literal(value), Atom),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.infix(left, &operator(*op), right),
            Expr::Not(inner) => match inner.as_ref() {
                Expr::ScalarFunction(call) if is_pattern(call.name()) => self.pattern(call, "NOT "),
                inner => (format!("NOT {}", self.within(inner, Comparison)), Not),
            },
            Expr::Negative(inner) => (format!("-{}", self.within(inner, Atom)), Sign),
            Expr::IsNull(inner) => is(inner, "IS NULL"),
            Expr::IsNotNull(inner) => is(inner, "IS NOT NULL"),
            Expr::IsTrue(inner) => is(inner, "IS TRUE"),
            Expr::IsNotTrue(inner) => is(inner, "IS NOT TRUE"),
            Expr::IsFalse(inner) => is(inner, "IS FALSE"),
            Expr::IsNotFalse(inner) => is(inner, "IS NOT FALSE"),
            Expr::IsUnknown(inner) => is(inner, "IS UNKNOWN"),
            Expr::IsNotUnknown(inner) => is(inner, "IS NOT UNKNOWN"),
            Expr::InList(list) => {
                let not = if list.negated { "NOT " } else { "" };
                (format!("{} {not}IN ({})", self.within(&list.expr, Sum), self.all(&list.list)), Comparison)
            }
            Expr::Between(between) => {
                let not = if between.negated { "NOT " } else { "" };
                let [value, low, high] = [&between.expr, &between.low, &between.high].map(|e| self.within(e, Sum));
                (format!("{value} {not}BETWEEN {low} AND {high}"), Comparison)
            }
            Expr::Case(case) => (self.case(case), Atom),
            Expr::Cast(cast) => self.cast("CAST", &cast.expr, &arrow_type(cast.field.data_type())),
            Expr::TryCast(cast) => self.cast("TRY_CAST", &cast.expr, &arrow_type(cast.field.data_type())),
            Expr::ScalarFunction(call) => self.call(call),
            other => (other.to_string(), Atom),
        }
    }

    fn column(&self, column: &Column) -> String {
        let same_name = |schema: &DFSchema| schema.fields().iter().filter(|f| *f.name() == column.name).count();
        match (&column.relation, self.schema.map(same_name)) {
            (Some(table), Some(2..)) => format!("{}.{}", table.table(), column.name),
            _ => column.name.clone(),
        }
    }

    fn infix(&self, left: &Expr, op: &str, right: &Expr) -> (String, Tightness) {
        let (tightness, right_least) = match op {
            "OR" => (Or, Or),
            "AND" => (And, And),
            "+" => (Sum, Sum),
            "-" | "||" => (Sum, Product),
            "*" => (Product, Product),
            "/" | "%" => (Product, Sign),
            _ => (Comparison, Sum),
        };
        let left_least = if tightness == Comparison { Sum } else { tightness };
        (format!("{} {op} {}", self.within(left, left_least), self.within(right, right_least)), tightness)
    }

    fn case(&self, case: &Case) -> String {
        let mut text = "CASE".to_string();
        if let Some(value) = &case.expr {
            text += &format!(" {}", self.print(value).0);
        }
        for (when, then) in &case.when_then_expr {
            text += &format!(" WHEN {} THEN {}", self.print(when).0, self.print(then).0);
        }
        if let Some(otherwise) = &case.else_expr {
            text += &format!(" ELSE {}", self.print(otherwise).0);
        }
        text + " END"
    }

    fn cast(&self, name: &str, value: &Expr, ty: &str) -> (String, Tightness) {
        (format!("{name}({} AS {ty})", self.print(value).0), Atom)
    }

    fn call(&self, call: &ScalarFunction) -> (String, Tightness) {
        let name = call.name();
        match (name, call.args.as_slice()) {
            (name, _) if is_pattern(name) => self.pattern(call, ""),
            ("-", [value]) => (format!("-{}", self.within(value, Atom)), Sign),
            ("!=", [left, right]) => self.infix(left, "<>", right),
            ("IS DISTINCT FROM" | "IS NOT DISTINCT FROM", [left, right]) => self.infix(left, name, right),
            (op, [left, right]) if !op.starts_with(char::is_alphanumeric) => self.infix(left, op, right),
            ("ITEM", [value, position]) => (format!("{}[{}]", self.within(value, Atom), self.print(position).0), Atom),
            ("FIELD", [row, Expr::Literal(ScalarValue::Utf8(Some(field)), _)]) => {
                (format!("{}.{field}", self.within(row, Atom)), Atom)
            }
            ("ARRAY" | "MAP", arguments) => (format!("{name}[{}]", self.all(arguments)), Atom),
            (name, [value]) if name.ends_with('>') => match name.trim_end_matches('>').split_once('<') {
                Some(("TRY_CAST", _)) => self.cast("TRY_CAST", value, inside(name)),
                // Casts nobody wrote look like those somebody did.
                Some(("CAST" | "CONVERT", _)) => self.cast("CAST", value, inside(name)),
                _ => (format!("{name}({})", self.print(value).0), Atom),
            },
            (name, arguments) => (format!("{name}({})", self.all(arguments)), Atom),
        }
    }

    fn pattern(&self, call: &ScalarFunction, not: &str) -> (String, Tightness) {
        let parts: Vec<String> = call.args.iter().map(|e| self.within(e, Sum)).collect();
        let text = match parts.as_slice() {
            [value, pattern, escape] => format!("{value} {not}{} {pattern} ESCAPE {escape}", call.name()),
            [value, pattern] => format!("{value} {not}{} {pattern}", call.name()),
            other => format!("{not}{}({})", call.name(), other.join(", ")),
        };
        (text, Comparison)
    }
}

fn is_pattern(name: &str) -> bool {
    matches!(name, "LIKE" | "SIMILAR TO")
}

/// `INT` in `CAST<INT>`; the type's own angle brackets stay.
fn inside(name: &str) -> &str {
    name.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>')).unwrap_or(name)
}

fn operator(op: Operator) -> String {
    match op {
        Operator::NotEq => "<>".to_string(),
        other => other.to_string(),
    }
}

pub(super) fn arrow_type(ty: &arrow::datatypes::DataType) -> String {
    SqlType::from_arrow(ty, true).map_or_else(|| ty.to_string(), |ty| ty.kind.to_string())
}

/// A constant as SQL would write it.
pub(super) fn literal(value: &ScalarValue) -> String {
    use ScalarValue as S;
    if value.is_null() {
        return "NULL".to_string();
    }
    match value {
        S::Utf8(Some(text)) | S::LargeUtf8(Some(text)) | S::Utf8View(Some(text)) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        S::Boolean(Some(truth)) => truth.to_string().to_uppercase(),
        S::Date32(_) => format!("DATE '{value}'"),
        S::Time32Second(_) | S::Time32Millisecond(_) | S::Time64Microsecond(_) | S::Time64Nanosecond(_) => {
            format!("TIME '{}'", through_arrow(value))
        }
        S::TimestampSecond(_, zone)
        | S::TimestampMillisecond(_, zone)
        | S::TimestampMicrosecond(_, zone)
        | S::TimestampNanosecond(_, zone) => {
            let text = through_arrow(value).replace('T', " ");
            match zone {
                Some(_) => format!("TIMESTAMP_LTZ '{text}'"),
                None => format!("TIMESTAMP '{text}'"),
            }
        }
        S::DurationMillisecond(Some(ms)) => duration(*ms),
        S::IntervalYearMonth(Some(months)) => match months % 12 {
            0 => format!("INTERVAL '{}' YEAR", months / 12),
            _ => format!("INTERVAL '{months}' MONTH"),
        },
        S::Binary(Some(bytes)) | S::LargeBinary(Some(bytes)) => {
            format!("x'{}'", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
        }
        other => through_arrow(other),
    }
}

/// In the largest unit that holds it exactly.
fn duration(ms: i64) -> String {
    let units = [(86_400_000, "DAY"), (3_600_000, "HOUR"), (60_000, "MINUTE"), (1_000, "SECOND")];
    match units.iter().find(|(unit, _)| ms % unit == 0) {
        Some((unit, name)) => format!("INTERVAL '{}' {name}", ms / unit),
        None => format!("INTERVAL '{}.{:03}' SECOND", ms / 1000, (ms % 1000).abs()),
    }
}

fn through_arrow(value: &ScalarValue) -> String {
    let array = value.to_array().ok();
    let text = array.and_then(|a| arrow::util::display::array_value_to_string(&a, 0).ok());
    text.unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit};

    #[test]
    fn operators_stand_between_their_operands_with_no_more_parentheses_than_needed() {
        let cases = [
            (col("usage").gt(lit(80.0)), "usage > 80.0"),
            (col("a").not_eq(lit("it's")), "a <> 'it''s'"),
            ((col("a") + col("b")) * lit(2), "(a + b) * 2"),
            (col("a") + col("b") * lit(2), "a + b * 2"),
            (col("a") - (col("b") - lit(1)), "a - (b - 1)"),
            (col("a").or(col("b")).and(col("c")), "(a OR b) AND c"),
            (Expr::Not(Box::new(col("a").or(col("b")))), "NOT (a OR b)"),
            (Expr::Not(Box::new(col("a").eq(lit(1)))), "NOT a = 1"),
            (col("a").is_null().and(lit(true)), "a IS NULL AND TRUE"),
            (col("a").in_list(vec![lit(1), lit(2)], true), "a NOT IN (1, 2)"),
            (lit(ScalarValue::Utf8(None)), "NULL"),
            (lit(ScalarValue::DurationMillisecond(Some(180_000))), "INTERVAL '3' MINUTE"),
            (lit(ScalarValue::DurationMillisecond(Some(-1_500))), "INTERVAL '-1.500' SECOND"),
            (lit(ScalarValue::IntervalYearMonth(Some(14))), "INTERVAL '14' MONTH"),
            (lit(ScalarValue::TimestampMillisecond(Some(0), None)), "TIMESTAMP '1970-01-01 00:00:00'"),
            (lit(ScalarValue::Date32(Some(1))), "DATE '1970-01-02'"),
        ];
        for (expr, text) in cases {
            assert_eq!(bare_expression(&expr), text);
        }
    }

    #[test]
    fn a_column_carries_its_table_only_where_two_have_its_name() {
        use arrow::datatypes::{DataType, Field, Schema};
        let of = |table: &str, names: &[&str]| {
            let fields: Vec<Field> = names.iter().map(|n| Field::new(*n, DataType::Int32, true)).collect();
            DFSchema::try_from_qualified_schema(table, &Schema::new(fields)).unwrap()
        };
        let schema = of("l", &["id", "v"]).join(&of("r", &["id", "w"])).unwrap();
        let expr = col("l.id").eq(col("r.w"));
        assert_eq!(expression(&expr, &schema), "l.id = w");
    }
}

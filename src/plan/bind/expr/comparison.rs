//! `= <> < <= > >=`, `IS [NOT] DISTINCT FROM`, BETWEEN and IN, between the types that Flink compares.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::sql::sqlparser::ast;

use super::Binder;
use super::arithmetic::{approximate, cannot_apply, wider};
use super::casts::{CastMode, is_volatile};
use super::literals::null_of;
use super::logic::{boolean, connect, not};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::operators;
use crate::types::coercion::integer_as_decimal;
use crate::types::{SqlType, TypeKind};

/// How two values are compared once they have one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    /// DataFusion's.
    Native,
    /// Ours for FLOAT and DOUBLE: `-0.0 = 0.0`, and NaN is neither less nor greater than anything.
    Float,
    /// Ours for decimals without a common type.
    Decimal,
}

impl Binder<'_> {
    pub(super) fn compare(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<TypedExpr> {
        let (left, right) = match (&left.ty.kind, &right.ty.kind) {
            (TypeKind::Null, TypeKind::Null) => return null_of(&SqlType::nullable(TypeKind::Boolean)),
            (TypeKind::Null, _) => (null_of(&right.ty)?, right),
            (_, TypeKind::Null) => {
                let null = null_of(&left.ty)?;
                (left, null)
            }
            _ => (left, right),
        };
        if let (TypeKind::Row(l), TypeKind::Row(r), Operator::Eq | Operator::NotEq) =
            (&left.ty.kind, &right.ty.kind, op)
            && l.len() == r.len()
            && !l.is_empty()
        {
            let equal = self.equal_rows(&left, &right)?;
            return Ok(if op == Operator::NotEq { not(equal) } else { equal });
        }
        let (left, right, kernel) = self.comparable(left, op, right)?;
        let two_valued = matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        let nullable = !two_valued && (left.ty.nullable || right.ty.nullable);
        if kernel == Kernel::Native {
            let expr = BinaryExpr::new(Box::new(left.expr), op, Box::new(right.expr));
            return Ok(boolean(Expr::BinaryExpr(expr), nullable));
        }
        let functions =
            if kernel == Kernel::Float { &operators::FLOAT_COMPARISONS } else { &operators::DECIMAL_COMPARISONS };
        let function = functions.iter().find(|f| f.name == op.to_string());
        let function = function.ok_or_else(|| Error::internal(format!("no comparison is called {op}")))?;
        Ok(self.call_typed(function, vec![left, right], SqlType::new(TypeKind::Boolean, nullable)))
    }

    /// Rows are equal where all their fields are.
    fn equal_rows(&self, left: &TypedExpr, right: &TypedExpr) -> Result<TypedExpr> {
        let (left, right) = (self.fields(left)?, self.fields(right)?);
        let mut all: Option<TypedExpr> = None;
        for (l, r) in left.into_iter().zip(right) {
            let equal = self.compare(l, Operator::Eq, r)?;
            all = Some(match all {
                Some(before) => connect(before, Operator::And, equal),
                None => equal,
            });
        }
        all.ok_or_else(|| Error::internal("rows without fields are compared"))
    }

    /// Both operands in one type.
    fn comparable(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<(TypedExpr, TypedExpr, Kernel)> {
        use TypeKind as K;
        let both = |kind: TypeKind, kernel| {
            let ty = SqlType::nullable(kind);
            let left = self.convert(left.clone(), &ty, CastMode::Explicit)?;
            let right = self.convert(right.clone(), &ty, CastMode::Explicit)?;
            Ok((left, right, kernel))
        };
        let refused = || Err(cannot_apply(&op.to_string(), &[&left, &right], "COMPARABLE TYPE = COMPARABLE TYPE"));
        let (l, r) = (&left.ty.kind, &right.ty.kind);
        match (l, r) {
            _ if l.is_integer() && r.is_integer() => both(wider(l, r), Kernel::Native),
            _ if l.is_numeric() && r.is_numeric() && (l.is_approximate() || r.is_approximate()) => {
                both(approximate(l, r), Kernel::Float)
            }
            _ if l.is_numeric() && r.is_numeric() => match common_decimal(l, r) {
                Some(kind) => both(kind, Kernel::Native),
                None => Ok((left, right, Kernel::Decimal)),
            },
            _ if l.is_string() && r.is_string() || l.is_binary() && r.is_binary() => Ok((left, right, Kernel::Native)),
            (K::Boolean, K::Boolean) | (K::Date, K::Date) | (K::Time(_), K::Time(_)) => {
                Ok((left, right, Kernel::Native))
            }
            (K::Timestamp(a), K::Timestamp(b)) => both(K::Timestamp(*a.max(b)), Kernel::Native),
            (K::TimestampLtz(a), K::TimestampLtz(b)) => both(K::TimestampLtz(*a.max(b)), Kernel::Native),
            // The right one becomes what the left one is, which counts in the hour that a clock shows twice.
            (K::Timestamp(a), K::TimestampLtz(b)) => both(K::Timestamp(*a.max(b)), Kernel::Native),
            (K::TimestampLtz(a), K::Timestamp(b)) => both(K::TimestampLtz(*a.max(b)), Kernel::Native),
            _ if l.is_interval() && l == r => Ok((left, right, Kernel::Native)),
            _ if l.is_string() && is_readable(r, op) => {
                let left = self.convert(left, &right.ty, CastMode::Explicit)?;
                self.comparable(left, op, right)
            }
            _ if r.is_string() && is_readable(l, op) => {
                let right = self.convert(right, &left.ty, CastMode::Explicit)?;
                self.comparable(left, op, right)
            }
            _ => refused(),
        }
    }

    pub(super) fn distinct(&self, left: &ast::Expr, right: &ast::Expr, distinct: bool) -> Result<TypedExpr> {
        let op = if distinct { Operator::IsDistinctFrom } else { Operator::IsNotDistinctFrom };
        let (left, right) = (self.bind(left)?, self.bind(right)?);
        if left.ty.kind == TypeKind::Null && right.ty.kind == TypeKind::Null {
            return Ok(boolean(datafusion::logical_expr::lit(!distinct), false));
        }
        self.compare(left, op, right)
    }

    pub(super) fn between(
        &self,
        value: &ast::Expr,
        negated: bool,
        low: &ast::Expr,
        high: &ast::Expr,
    ) -> Result<TypedExpr> {
        let value = self.bind_operand(value)?;
        let above = self.compare(value.clone(), Operator::GtEq, self.bind(low)?)?;
        let below = self.compare(value, Operator::LtEq, self.bind(high)?)?;
        let between = connect(above, Operator::And, below);
        Ok(if negated { not(between) } else { between })
    }

    /// One list of constants where that is exact, else a chain of comparisons: both UNKNOWN for a NULL that matters.
    pub(super) fn in_list(&self, value: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<TypedExpr> {
        let value = self.bind_operand(value)?;
        let items = list.iter().map(|item| self.bind(item)).collect::<Result<Vec<_>>>()?;
        let strings = |t: &TypedExpr| t.ty.kind.is_string();
        let typed = || items.iter().filter(|i| i.ty.kind != TypeKind::Null);
        if typed().any(strings) && typed().any(|i| i.ty.kind.is_numeric()) {
            return Err(Error::statement("the values of an IN list must have compatible types"));
        }
        // A text among numbers: Flink compares texts, '012' IN (12) is false.
        let items = match strings(&value) && typed().any(|i| i.ty.kind.is_numeric()) {
            false => items,
            true if typed().all(|i| Some(&i.ty.kind) == typed().next().map(|first| &first.ty.kind)) => {
                let as_text = |item: TypedExpr| match item.ty.kind {
                    TypeKind::Null => Ok(item),
                    _ => {
                        let text = SqlType::string().with_nullable(item.ty.nullable);
                        self.convert(item, &text, CastMode::Explicit)
                    }
                };
                items.into_iter().map(as_text).collect::<Result<Vec<_>>>()?
            }
            true => {
                return Err(Error::statement("a text can't be looked for in a list of numbers of several types")
                    .with_hint("CAST the text to a number, or write the numbers as texts."));
            }
        };
        let mut options = Vec::with_capacity(items.len());
        for item in &items {
            match self.as_option(&value, item)? {
                Some(option) => options.push(option),
                None => return self.any_equal(value, items, negated),
            }
        }
        let nullable = value.ty.nullable || options.iter().any(|o| o.ty.nullable);
        let list = options.into_iter().map(|o| o.expr).collect();
        Ok(boolean(Expr::InList(InList::new(Box::new(value.expr), list, negated)), nullable))
    }

    /// The item in the value's own type, where comparing in that type is right.
    fn as_option(&self, value: &TypedExpr, item: &TypedExpr) -> Result<Option<TypedExpr>> {
        let (v, i) = (&value.ty.kind, &item.ty.kind);
        if *i == TypeKind::Null {
            return null_of(&value.ty).map(Some);
        }
        let same = v == i && !v.is_approximate();
        let plain = matches!(v, TypeKind::Boolean | TypeKind::Date | TypeKind::Time(_) | TypeKind::Timestamp(_));
        if (same && (plain || v.is_numeric())) || (v.is_string() && i.is_string()) {
            return Ok(Some(item.clone()));
        }
        if v.is_integer() && i.is_integer() && wider(v, i) == *v {
            return self.convert(item.clone(), &value.ty, CastMode::Implicit).map(Some);
        }
        Ok(None)
    }

    fn any_equal(&self, value: TypedExpr, items: Vec<TypedExpr>, negated: bool) -> Result<TypedExpr> {
        if is_volatile(&value.expr) {
            return Err(Error::unsupported("IN over a function that gives a new value at each call"));
        }
        let mut chain: Option<TypedExpr> = None;
        for item in items {
            // Here, unlike in `=`, a text beside a number is read as that number.
            let (l, r) = (&value.ty.kind, &item.ty.kind);
            let equal = match (l.is_string() && r.is_numeric(), l.is_numeric() && r.is_string()) {
                (true, _) => {
                    let value = self.convert(value.clone(), &item.ty, CastMode::Explicit)?;
                    self.compare(value, Operator::Eq, item)?
                }
                (_, true) => {
                    let item = self.convert(item, &value.ty, CastMode::Explicit)?;
                    self.compare(value.clone(), Operator::Eq, item)?
                }
                _ => self.compare(value.clone(), Operator::Eq, item)?,
            };
            chain = Some(match chain {
                Some(before) => connect(before, Operator::Or, equal),
                None => equal,
            });
        }
        let chain = chain.ok_or_else(|| Error::statement("an IN list must not be empty"))?;
        Ok(if negated { not(chain) } else { chain })
    }
}

/// Texts beside dates and times are read as those; beside numbers only by the ordering operators, as in Flink.
fn is_readable(kind: &TypeKind, op: Operator) -> bool {
    let ordering = matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
    match kind {
        TypeKind::Date | TypeKind::Time(_) => true,
        kind if kind.is_timestamp() => true,
        kind => kind.is_numeric() && ordering,
    }
}

/// The decimal that holds both exactly.
fn common_decimal(left: &TypeKind, right: &TypeKind) -> Option<TypeKind> {
    let ((p1, s1), (p2, s2)) = (integer_as_decimal(left)?, integer_as_decimal(right)?);
    let scale = s1.max(s2);
    let precision = (p1 - s1).max(p2 - s2) + scale;
    (precision <= 38).then_some(TypeKind::Decimal { precision, scale })
}

//! `+ - * / %` and the unary minus, with Flink's result types; numbers, intervals and times.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::Binder;
use super::casts::CastMode;
use super::literals::number;
use super::logic::{connect, not};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::operators;
use crate::types::coercion::{decimal_divide, decimal_modulo, decimal_multiply, decimal_plus, integer_as_decimal};
use crate::types::{SqlType, TypeKind};

/// The error of an operator that takes other types, worded as Flink does.
pub(super) fn cannot_apply(operator: &str, operands: &[&TypedExpr], supported: &str) -> Error {
    let types = operands.iter().map(|o| o.ty.kind.to_string()).collect::<Vec<_>>().join(", ");
    Error::statement(format!("cannot apply '{operator}' to arguments of type {types}"))
        .with_detail(format!("Supported: {supported}."))
        .with_hint("There are no implicit conversions here; say which with CAST.")
}

impl Binder<'_> {
    pub(super) fn unary(&self, op: UnaryOperator, operand: &ast::Expr) -> Result<TypedExpr> {
        match op {
            UnaryOperator::Not => Ok(not(self.condition(operand, "NOT")?)),
            UnaryOperator::Plus => {
                let value = self.bind_operand(operand)?;
                match value.ty.kind.is_numeric() || value.ty.kind.is_interval() {
                    true => Ok(value),
                    false => Err(cannot_apply("+", &[&value], "NUMERIC, INTERVAL")),
                }
            }
            UnaryOperator::Minus => self.negate(operand),
            other => Err(Error::unsupported(format_args!("the operator {other}"))),
        }
    }

    fn negate(&self, operand: &ast::Expr) -> Result<TypedExpr> {
        // -2147483648 is an INT although 2147483648 is not.
        if let ast::Expr::Value(value) = operand
            && let ast::Value::Number(text, false) = &value.value
        {
            return number(&format!("-{text}"));
        }
        let value = self.bind_operand(operand)?;
        let ty = value.ty.clone();
        match (&ty.kind, &value.expr) {
            (TypeKind::IntervalDayTime, Expr::Literal(ScalarValue::DurationMillisecond(Some(ms)), _)) => {
                Ok(super::intervals::milliseconds(ms.wrapping_neg()))
            }
            (TypeKind::IntervalYearMonth, Expr::Literal(ScalarValue::IntervalYearMonth(Some(n)), _)) => {
                Ok(super::intervals::months(n.wrapping_neg()))
            }
            (kind, _) if kind.is_interval() => Ok(self.call_typed(&operators::INTERVAL_NEGATE, vec![value], ty)),
            (kind, _) if kind.is_numeric() => Ok(TypedExpr::new(Expr::Negative(Box::new(value.expr)), ty)),
            _ => Err(cannot_apply("-", &[&value], "NUMERIC, INTERVAL")),
        }
    }

    pub(super) fn binary(&self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<TypedExpr> {
        use BinaryOperator as Op;
        let native = match op {
            Op::And | Op::Or => {
                let (name, op) = if *op == Op::And { ("AND", Operator::And) } else { ("OR", Operator::Or) };
                return Ok(connect(self.condition(left, name)?, op, self.condition(right, name)?));
            }
            Op::StringConcat => return self.concat(left, right),
            Op::Eq => Operator::Eq,
            Op::NotEq => Operator::NotEq,
            Op::Lt => Operator::Lt,
            Op::LtEq => Operator::LtEq,
            Op::Gt => Operator::Gt,
            Op::GtEq => Operator::GtEq,
            Op::Plus => Operator::Plus,
            Op::Minus => Operator::Minus,
            Op::Multiply => Operator::Multiply,
            Op::Divide => Operator::Divide,
            Op::Modulo => Operator::Modulo,
            other => return Err(Error::unsupported(format_args!("the operator {other}"))),
        };
        if !matches!(
            native,
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo
        ) {
            return self.compare(self.bind(left)?, native, self.bind(right)?);
        }
        self.arithmetic(self.bind_operand(left)?, native, self.bind_operand(right)?)
    }

    pub(super) fn arithmetic(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<TypedExpr> {
        let (l, r) = (&left.ty.kind, &right.ty.kind);
        let exact = |kind: &TypeKind| kind.is_numeric() && !kind.is_approximate();
        match op {
            Operator::Modulo if exact(l) && exact(r) => self.exact(left, op, right),
            Operator::Modulo => Err(cannot_apply("%", &[&left, &right], "EXACT NUMERIC % EXACT NUMERIC")),
            _ if exact(l) && exact(r) => self.exact(left, op, right),
            _ if l.is_numeric() && r.is_numeric() => {
                let kind = approximate(l, r);
                let nullable = left.ty.nullable || right.ty.nullable;
                let ty = SqlType::new(kind, nullable);
                Ok(self.native(left, op, right, &ty.clone(), ty)?)
            }
            _ => self.temporal(left, op, right),
        }
    }

    /// Both as `operand`, then DataFusion's kernel, which gives `result`.
    fn native(
        &self,
        left: TypedExpr,
        op: Operator,
        right: TypedExpr,
        operand: &SqlType,
        result: SqlType,
    ) -> Result<TypedExpr> {
        let left = self.convert(left, operand, CastMode::Explicit)?;
        let right = self.convert(right, operand, CastMode::Explicit)?;
        Ok(TypedExpr::new(Expr::BinaryExpr(BinaryExpr::new(Box::new(left.expr), op, Box::new(right.expr))), result))
    }

    /// Integers wrap as in Java; decimals that outgrow their type become NULL; a zero divisor fails the job.
    fn exact(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<TypedExpr> {
        let nullable = left.ty.nullable || right.ty.nullable;
        if !left.ty.kind.is_integer() || !right.ty.kind.is_integer() {
            return self.decimal(left, op, right);
        }
        let wide = wider(&left.ty.kind, &right.ty.kind);
        let ty = SqlType::new(wide, nullable);
        match op {
            Operator::Divide | Operator::Modulo if !is_safe_divisor(&right.expr) => {
                let function = if op == Operator::Divide { &operators::DIVIDE } else { &operators::MODULO };
                let modulo_type = right.ty.kind.clone();
                let left = self.convert(left, &ty, CastMode::Implicit)?;
                let right = self.convert(right, &ty, CastMode::Implicit)?;
                let value = self.call_typed(function, vec![left, right], ty);
                self.narrow_modulo(value, op, modulo_type)
            }
            _ => {
                let modulo_type = right.ty.kind.clone();
                let value = self.native(left, op, right, &ty.clone(), ty)?;
                self.narrow_modulo(value, op, modulo_type)
            }
        }
    }

    /// A remainder has the type of the divisor.
    fn narrow_modulo(&self, value: TypedExpr, op: Operator, divisor: TypeKind) -> Result<TypedExpr> {
        match op {
            Operator::Modulo => self.convert(value, &SqlType::nullable(divisor), CastMode::Explicit),
            _ => Ok(value),
        }
    }

    fn decimal(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<TypedExpr> {
        let size = |ty: &SqlType| {
            integer_as_decimal(&ty.kind).ok_or_else(|| Error::internal(format!("{} is no decimal", ty.kind)))
        };
        let ((p1, s1), (p2, s2)) = (size(&left.ty)?, size(&right.ty)?);
        let (function, (precision, scale)) = match op {
            Operator::Plus => (&operators::DECIMAL_PLUS, decimal_plus(p1, s1, p2, s2)),
            Operator::Minus => (&operators::DECIMAL_MINUS, decimal_plus(p1, s1, p2, s2)),
            Operator::Multiply => (&operators::DECIMAL_MULTIPLY, decimal_multiply(p1, s1, p2, s2)),
            Operator::Divide => (&operators::DECIMAL_DIVIDE, decimal_divide(p1, s1, p2, s2)),
            _ => (&operators::DECIMAL_MODULO, decimal_modulo(p1, s1, p2, s2)),
        };
        let decimal = |precision, scale| SqlType::nullable(TypeKind::Decimal { precision, scale });
        let left = self.convert(left, &decimal(p1, s1), CastMode::Implicit)?;
        let right = self.convert(right, &decimal(p2, s2), CastMode::Implicit)?;
        let nullable = left.ty.nullable || right.ty.nullable;
        // Below 38 digits there is room for every sum and product, and Arrow gives them Flink's type.
        let roomy = precision < 38 && matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply);
        let result = decimal(precision, scale).with_nullable(nullable || precision == 38);
        if roomy {
            let expr = BinaryExpr::new(Box::new(left.expr), op, Box::new(right.expr));
            return Ok(TypedExpr::new(Expr::BinaryExpr(expr), result));
        }
        Ok(self.call_typed(function, vec![left, right], result))
    }

    /// Times and intervals.
    fn temporal(&self, left: TypedExpr, op: Operator, right: TypedExpr) -> Result<TypedExpr> {
        let nullable = left.ty.nullable || right.ty.nullable;
        let is_time = |kind: &TypeKind| kind.is_timestamp() || matches!(kind, TypeKind::Date | TypeKind::Time(_));
        let (l, r) = (&left.ty.kind, &right.ty.kind);
        match op {
            Operator::Plus if l.is_interval() && is_time(r) => self.temporal(right, op, left),
            Operator::Plus | Operator::Minus if is_time(l) && r.is_interval() => {
                let function = if op == Operator::Plus { &operators::TIME_PLUS } else { &operators::TIME_MINUS };
                let ty = left.ty.clone().with_nullable(nullable);
                Ok(self.call_typed(function, vec![left, right], ty))
            }
            Operator::Plus | Operator::Minus if l.is_interval() && l == r => {
                let function =
                    if op == Operator::Plus { &operators::INTERVAL_PLUS } else { &operators::INTERVAL_MINUS };
                let ty = left.ty.clone().with_nullable(nullable);
                Ok(self.call_typed(function, vec![left, right], ty))
            }
            Operator::Multiply if l.is_integer() && r.is_interval() => self.temporal(right, op, left),
            Operator::Multiply if l.is_interval() && r.is_integer() => {
                let ty = left.ty.clone().with_nullable(nullable);
                let factor = self.convert(right, &SqlType::nullable(TypeKind::BigInt), CastMode::Implicit)?;
                Ok(self.call_typed(&operators::INTERVAL_MULTIPLY, vec![left, factor], ty))
            }
            _ => {
                let supported = match op {
                    Operator::Plus => {
                        "NUMERIC + NUMERIC, INTERVAL + INTERVAL, DATETIME + INTERVAL, INTERVAL + DATETIME"
                    }
                    Operator::Minus => "NUMERIC - NUMERIC, INTERVAL - INTERVAL, DATETIME - INTERVAL",
                    Operator::Multiply => "NUMERIC * NUMERIC, INTERVAL * INTEGER, INTEGER * INTERVAL",
                    _ => "NUMERIC / NUMERIC",
                };
                Err(cannot_apply(&op.to_string(), &[&left, &right], supported))
            }
        }
    }

    /// `a || b`: NULL if one of them is.
    fn concat(&self, left: &ast::Expr, right: &ast::Expr) -> Result<TypedExpr> {
        let (left, right) = (self.bind_operand(left)?, self.bind_operand(right)?);
        match self.call_signature(&operators::CONCATENATE, vec![left.clone(), right.clone()])? {
            Some(call) => Ok(call),
            None => Err(cannot_apply("||", &[&left, &right], "STRING || STRING")),
        }
    }
}

/// The wider of two integer types.
pub(super) fn wider(left: &TypeKind, right: &TypeKind) -> TypeKind {
    let rank = |kind: &TypeKind| match kind {
        TypeKind::TinyInt => 0,
        TypeKind::SmallInt => 1,
        TypeKind::Int => 2,
        _ => 3,
    };
    if rank(left) >= rank(right) { left.clone() } else { right.clone() }
}

/// What FLOAT, DOUBLE and others have in common: DOUBLE beside a DECIMAL, else the first approximate type. (Flink gives
/// FLOAT for FLOAT + DOUBLE: its planner holds both for equally precise.)
pub(super) fn approximate(left: &TypeKind, right: &TypeKind) -> TypeKind {
    let decimal = |kind: &TypeKind| matches!(kind, TypeKind::Decimal { .. });
    if decimal(left) || decimal(right) {
        return TypeKind::Double;
    }
    if left.is_approximate() { left.clone() } else { right.clone() }
}

/// An integer constant that can neither divide by zero nor overflow.
fn is_safe_divisor(expr: &Expr) -> bool {
    let Expr::Literal(value, _) = expr else { return false };
    match value {
        ScalarValue::Int8(Some(n)) => !matches!(n, 0 | -1),
        ScalarValue::Int16(Some(n)) => !matches!(n, 0 | -1),
        ScalarValue::Int32(Some(n)) => !matches!(n, 0 | -1),
        ScalarValue::Int64(Some(n)) => !matches!(n, 0 | -1),
        _ => false,
    }
}

//! How an expression is cast: left alone, by Arrow, or by a function of ours.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Schema as ArrowSchema};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Cast, Expr};
use datafusion::physical_expr::expressions::CastExpr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::{CastMode, cast_array};
use crate::error::{Error, Result};
use crate::functions::{Arity, EvalContext, ScalarFunction, Signature, TypedExpr, call, called};
use crate::time::Clock;
use crate::types::coercion::{explicitly_castable, implicitly_castable, integer_as_decimal};
use crate::types::{SqlType, TypeKind};

/// Converts `expr` to the type `to`, whose own nullability is not looked at: the result takes NULL where `expr` does,
/// where the conversion may give NULL (a DECIMAL that overflows), and always for TRY_CAST.
///
/// A time attribute lasts only through an implicit cast that changes nothing.
///
/// # Errors
/// A statement error where the types can't be converted at all.
pub fn cast(expr: TypedExpr, to: &SqlType, mode: CastMode, zone: Tz, clock: Arc<dyn Clock>) -> Result<TypedExpr> {
    let allowed = match mode {
        CastMode::Implicit => {
            implicitly_castable(&expr.ty.clone().with_nullable(true), &to.clone().with_nullable(true))
        }
        CastMode::Explicit | CastMode::Try => explicitly_castable(&expr.ty, to),
    };
    if !allowed {
        return Err(impossible(&expr.ty, to, mode));
    }
    let nullable = expr.ty.nullable || mode == CastMode::Try || may_give_null(&expr.ty.kind, &to.kind);
    let target = to.clone().with_nullable(nullable);
    if expr.ty.kind == TypeKind::Null {
        let null = ScalarValue::try_new_null(&target.arrow()).map_err(|e| Error::internal(e.to_string()))?;
        return Ok(TypedExpr::new(Expr::Literal(null, None), target.with_nullable(true)));
    }
    if leaves_values_alone(&expr.ty.kind, &to.kind) && expr.ty.arrow() == to.arrow() {
        let time_attribute = expr.time_attribute.filter(|_| mode == CastMode::Implicit);
        return Ok(TypedExpr { expr: expr.expr, ty: target, time_attribute });
    }
    if arrow_agrees(&expr.ty.kind, &to.kind) {
        let cast = Expr::Cast(Cast::new(Box::new(expr.expr), to.arrow()));
        return Ok(TypedExpr::new(cast, target));
    }
    let signature = Signature { arguments: vec![expr.ty], returns: target.clone() };
    Ok(TypedExpr::new(call(Arc::new(CastFunction { mode }), signature, vec![expr.expr], zone, clock), target))
}

/// What a CAST over columns of `schema` converts, if the values turn into its type by themselves, as INT into BIGINT.
pub fn implicitly_cast<'a>(expr: &'a Arc<dyn PhysicalExpr>, schema: &ArrowSchema) -> Option<&'a Arc<dyn PhysicalExpr>> {
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        let narrows = *cast.cast_type() == DataType::Float32
            && cast.expr().data_type(schema).is_ok_and(|from| from == DataType::Float64);
        return (!narrows).then(|| cast.expr());
    }
    let call = expr.downcast_ref::<ScalarFunctionExpr>()?;
    let (function, types) = called(call)?;
    let is_cast =
        [CastMode::Explicit, CastMode::Implicit].iter().any(|&mode| function.name() == CastFunction { mode }.name());
    let from = types.arguments.first().filter(|_| is_cast)?.clone().with_nullable(true);
    call.args().first().filter(|_| implicitly_castable(&from, &types.returns.clone().with_nullable(true)))
}

/// Whether every value of `from` is the same value of `to`.
pub(super) fn leaves_values_alone(from: &TypeKind, to: &TypeKind) -> bool {
    use TypeKind::*;
    match (from, to) {
        (Char(n) | Varchar(n), Varchar(m)) | (Binary(n) | Varbinary(n), Varbinary(m)) => n <= m,
        (Time(n), Time(m)) | (Timestamp(n), Timestamp(m)) | (TimestampLtz(n), TimestampLtz(m)) => n <= m,
        (Array(a), Array(b)) | (Multiset(a), Multiset(b)) => leaves_values_alone(&a.kind, &b.kind),
        (Map(k1, v1), Map(k2, v2)) => {
            leaves_values_alone(&k1.kind, &k2.kind) && leaves_values_alone(&v1.kind, &v2.kind)
        }
        (Row(a), Row(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| leaves_values_alone(&x.ty.kind, &y.ty.kind))
        }
        (a, b) => a == b,
    }
}

/// Whether Arrow's own cast gives exactly Flink's values: integers to wider or approximate numbers, FLOAT to DOUBLE and back.
pub(super) fn arrow_agrees(from: &TypeKind, to: &TypeKind) -> bool {
    use TypeKind::*;
    match (from, to) {
        (Float, Double) | (Double, Float) => true,
        (a, Float | Double) if a.is_integer() => true,
        (a, b) if a.is_integer() && b.is_integer() => integer_as_decimal(a) <= integer_as_decimal(b),
        _ => false,
    }
}

/// Whether a value of `from` may overflow to NULL: numbers that become a DECIMAL without room for all their digits.
fn may_give_null(from: &TypeKind, to: &TypeKind) -> bool {
    let TypeKind::Decimal { precision, scale } = to else { return false };
    match integer_as_decimal(from) {
        Some((p, s)) => {
            let (whole, room) = (p.saturating_sub(s), precision.saturating_sub(*scale));
            // Rounding can carry into one more digit: 9.99 as DECIMAL(2, 1) is 10.0.
            if s > *scale { whole >= room } else { whole > room }
        }
        None => from.is_approximate() || (*from == TypeKind::Boolean && precision == scale),
    }
}

fn impossible(from: &SqlType, to: &SqlType, mode: CastMode) -> Error {
    use TypeKind::*;
    let error = match mode {
        CastMode::Implicit => Error::statement(format!("cannot use {} where {} is wanted", from.kind, to.kind)),
        _ => Error::statement(format!("cannot cast {} to {}", from.kind, to.kind)),
    };
    let hint = match (&from.kind, &to.kind) {
        _ if mode == CastMode::Implicit && explicitly_castable(from, to) => {
            format!("Convert it explicitly: CAST(… AS {}).", to.kind)
        }
        (a, TimestampLtz(_)) if a.is_numeric() => {
            "Use TO_TIMESTAMP_LTZ(number, 0) for seconds or TO_TIMESTAMP_LTZ(number, 3) for milliseconds.".to_owned()
        }
        (a, Timestamp(_)) if a.is_numeric() => {
            "Use TO_TIMESTAMP(FROM_UNIXTIME(number)) for seconds, or CAST(TO_TIMESTAMP_LTZ(number, 3) AS TIMESTAMP(3)) \
             for milliseconds."
                .to_owned()
        }
        (Timestamp(_) | TimestampLtz(_), b) if b.is_numeric() => {
            "Use UNIX_TIMESTAMP(CAST(timestamp AS STRING)) for seconds since 1970.".to_owned()
        }
        (a, b) if a.is_interval() && b.is_numeric() => {
            "Use TIMESTAMPDIFF(unit, start, end) for a number of units between two points in time.".to_owned()
        }
        (a, b) if a.is_numeric() && b.is_interval() => "Multiply instead: number * INTERVAL '1' SECOND.".to_owned(),
        (Row(a), Row(b)) if a.len() != b.len() => format!("The rows have {} and {} fields.", a.len(), b.len()),
        _ => return error,
    };
    error.with_hint(hint)
}

/// CAST as DataFusion calls it.
#[derive(Debug)]
struct CastFunction {
    mode: CastMode,
}

impl ScalarFunction for CastFunction {
    fn name(&self) -> &'static str {
        match self.mode {
            CastMode::Explicit => "CAST",
            CastMode::Try => "TRY_CAST",
            CastMode::Implicit => "CONVERT",
        }
    }

    fn usage(&self) -> &'static str {
        "CAST(value AS type): the value as another type; TRY_CAST gives NULL where CAST fails."
    }

    fn arity(&self) -> Arity {
        Arity::exactly(1)
    }

    fn signature(&self, _arguments: &[SqlType]) -> Option<Signature> {
        None
    }

    /// Mode and target make two casts of one column two expressions.
    fn label(&self, types: &Signature) -> String {
        format!("{}<{}>", self.name(), types.returns.kind)
    }

    fn evaluate(&self, arguments: &[ArrayRef], types: &Signature, context: &EvalContext) -> Result<ArrayRef> {
        let ([array], [from]) = (arguments, types.arguments.as_slice()) else {
            return Err(Error::internal("CAST takes one argument"));
        };
        cast_array(array, from, &types.returns, self.mode, context.zone)
    }
}

//! CAST and TRY_CAST, and the casts nobody wrote.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::Binder;
use super::literals::null_of;
use crate::error::{Error, ErrorKind, Result};
use crate::functions::TypedExpr;
pub(super) use crate::functions::cast::CastMode;
use crate::functions::cast::{cast, cast_array};
use crate::types::coercion::{explicitly_castable, implicitly_castable};
use crate::types::{SqlType, TypeKind};

impl Binder<'_> {
    pub(super) fn cast_call(
        &self,
        kind: &ast::CastKind,
        operand: &ast::Expr,
        target: &ast::DataType,
    ) -> Result<TypedExpr> {
        let mode = match kind {
            ast::CastKind::Cast => CastMode::Explicit,
            ast::CastKind::TryCast => CastMode::Try,
            ast::CastKind::SafeCast | ast::CastKind::DoubleColon => {
                return Err(Error::unsupported("this spelling of a cast").with_hint("Write CAST(value AS type)."));
            }
        };
        let to = sql_type(target)?;
        let value = self.bind(operand)?;
        if !explicitly_castable(&value.ty, &to) {
            let mut error = Error::statement(format!("cannot cast {} to {}", value.ty.kind, to.kind));
            if value.ty.kind.is_numeric() && to.kind.is_timestamp() {
                error =
                    error.with_hint("TO_TIMESTAMP_LTZ(number, 3) reads a number as milliseconds, with 0 as seconds.");
            }
            return Err(error);
        }
        // CAST turns a time attribute into a plain timestamp, even where nothing else changes.
        self.convert(value, &to, mode).map(|value| TypedExpr { time_attribute: None, ..value })
    }

    /// The value as `to`. The nullability of `to` is not looked at; the result's comes from the value.
    pub(super) fn convert(&self, value: TypedExpr, to: &SqlType, mode: CastMode) -> Result<TypedExpr> {
        if value.ty.kind == to.kind && mode != CastMode::Try {
            return Ok(value);
        }
        if value.ty.kind == TypeKind::Null {
            return null_of(to);
        }
        if mode == CastMode::Implicit && !implicitly_castable(&value.ty, to) {
            return Err(Error::statement(format!("cannot use {} as {}", value.ty.kind, to.kind))
                .with_hint(format!("Say how: CAST(… AS {}).", to.kind)));
        }
        if mode != CastMode::Try
            && let Some(folded) = self.cast_literal(&value, to, mode)?
        {
            return Ok(folded);
        }
        cast(value, to, mode, self.cx.zone, self.cx.clock.clone())
    }

    /// A cast of a constant is made now, so that pushdown sees a constant. What can fail does so at run time only.
    fn cast_literal(&self, value: &TypedExpr, to: &SqlType, mode: CastMode) -> Result<Option<TypedExpr>> {
        let Expr::Literal(constant, _) = &value.expr else { return Ok(None) };
        if matches!(value.ty.kind, TypeKind::Time(_)) {
            return Ok(None); // a time becomes a timestamp of today
        }
        let internal = |e| Error::from_datafusion(ErrorKind::Internal, e);
        let array = constant.to_array().map_err(internal)?;
        let Ok(array) = cast_array(&array, &value.ty, to, mode, self.cx.zone) else { return Ok(None) };
        let constant = ScalarValue::try_from_array(&array, 0).map_err(internal)?;
        let ty = to.clone().with_nullable(constant.is_null());
        Ok(Some(TypedExpr::new(Expr::Literal(constant, None), ty)))
    }
}

/// True where evaluating twice may give two values.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    expr.is_volatile()
}

/// The type in a CAST: Flink's spelling, which the front door hands over as it was written.
fn sql_type(target: &ast::DataType) -> Result<SqlType> {
    let text = match target {
        ast::DataType::Custom(name, _) if name.0.len() == 1 => match name.0.first() {
            Some(ast::ObjectNamePart::Identifier(part)) => part.value.clone(),
            _ => target.to_string(),
        },
        other => other.to_string(),
    };
    SqlType::parse(&text)
}

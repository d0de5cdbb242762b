//! From a parsed expression to a typed one: Flink's types, every cast inserted.
//!
//! What comes out is finished: DataFusion's own type coercion would change nothing (a test holds this for every
//! expression that is tested). Where DataFusion's kernel is exactly Flink's the result is a plain `Expr`, so that the
//! simplifier and filter pushdown understand it; everywhere else it calls one of our functions.

mod arithmetic;
mod calls;
mod casts;
mod collections;
mod comparison;
mod conditional;
mod context;
mod intervals;
mod literals;
mod logic;
mod names;
mod patterns;
mod special;
#[cfg(test)]
mod tests;

use datafusion::sql::sqlparser::ast::{self, Spanned};

pub use context::{ExprContext, NoColumns, Scope};
pub use intervals::constant_interval_ms;

use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::span::Span;
use crate::types::TypeKind;

/// An expression with its type. A column keeps its time attribute only when the whole expression is that column.
///
/// # Errors
/// `Statement` errors with the span of the part that is wrong.
pub fn bind_expr(expr: &ast::Expr, scope: &dyn Scope, cx: &ExprContext) -> Result<TypedExpr> {
    Binder { scope, cx }.bind(expr)
}

/// The same for an expression that must be BOOLEAN; `clause` names its place in the error: `WHERE`.
pub fn bind_predicate(expr: &ast::Expr, scope: &dyn Scope, cx: &ExprContext, clause: &str) -> Result<TypedExpr> {
    let typed = bind_expr(expr, scope, cx)?;
    if typed.ty.kind != TypeKind::Boolean {
        let message = format!("the condition of {clause} is {}, not BOOLEAN", typed.ty.kind);
        return Err(Error::statement(message).at(Span::from_ast(expr.span())));
    }
    Ok(typed)
}

/// What binding one expression needs at every step.
struct Binder<'a> {
    scope: &'a dyn Scope,
    cx: &'a ExprContext,
}

impl Binder<'_> {
    /// Binds a part and gives its errors a place.
    fn bind(&self, expr: &ast::Expr) -> Result<TypedExpr> {
        match self.scope.whole(expr) {
            Ok(Some(typed)) => Ok(typed),
            Ok(None) => self.dispatch(expr),
            Err(error) => Err(error),
        }
        .map_err(|e| e.at(Span::from_ast(expr.span())))
    }

    /// Binds a part that must have a type: a bare NULL has none.
    fn bind_operand(&self, expr: &ast::Expr) -> Result<TypedExpr> {
        let typed = self.bind(expr)?;
        if typed.ty.kind == TypeKind::Null {
            return Err(Error::statement("NULL has no type here")
                .with_hint("Give it one: CAST(NULL AS INT).")
                .at(Span::from_ast(expr.span())));
        }
        Ok(typed)
    }

    fn dispatch(&self, expr: &ast::Expr) -> Result<TypedExpr> {
        use ast::Expr as E;
        match expr {
            E::Identifier(part) => self.name(std::slice::from_ref(part)),
            E::CompoundIdentifier(parts) => self.name(parts),
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            E::Nested(inner) => self.bind(inner),
            E::Value(value) => self.literal(&value.value),
            E::TypedString(typed) => self.typed_string(typed),
            E::Interval(interval) => self.interval_literal(interval),
            E::UnaryOp { op, expr } => self.unary(*op, expr),
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::IsNull(_)
            | E::IsNotNull(_)
            | E::IsTrue(_)
            | E::IsNotTrue(_)
            | E::IsFalse(_)
            | E::IsNotFalse(_)
            | E::IsUnknown(_)
            | E::IsNotUnknown(_) => self.is_something(expr),
            E::IsDistinctFrom(left, right) => self.distinct(left, right, true),
            E::IsNotDistinctFrom(left, right) => self.distinct(left, right, false),
            E::Between { expr, negated, low, high } => self.between(expr, *negated, low, high),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like("LIKE", *negated, expr, pattern, escape_char.as_ref())
            }
            E::SimilarTo { negated, expr, pattern, escape_char } => {
                self.like("SIMILAR TO", *negated, expr, pattern, escape_char.as_ref())
            }
            E::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Cast { kind, expr, data_type, format: None, .. } => self.cast_call(kind, expr, data_type),
            E::Extract { field, expr, .. } => self.extract(field, expr),
            E::Ceil { expr, field } => self.round_to("CEIL", expr, field),
            E::Floor { expr, field } => self.round_to("FLOOR", expr, field),
            E::Position { expr, r#in } => self.call_named("POSITION", &[expr, r#in]),
            E::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref())
            }
            E::Trim { expr, trim_where, trim_what, trim_characters } => {
                self.trim(expr, trim_where.as_ref(), trim_what.as_deref(), trim_characters.as_deref())
            }
            E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut arguments = vec![expr.as_ref(), overlay_what, overlay_from];
                arguments.extend(overlay_for.as_deref());
                self.call_named("OVERLAY", &arguments)
            }
            E::Map(map) => {
                let pairs = map.entries.iter().flat_map(|e| [e.key.as_ref(), e.value.as_ref()]).collect::<Vec<_>>();
                self.map(&pairs)
            }
            E::Array(array) => self.array(&array.elem),
            E::Tuple(fields) => self.row(fields),
            E::Function(function) => self.function(function),
            other => Err(unsupported(other)),
        }
    }
}

/// What the parser knows and this engine doesn't, by its name rather than by its text.
fn unsupported(expr: &ast::Expr) -> Error {
    use ast::Expr as E;
    match expr {
        E::Subquery(_) => Error::unsupported("a subquery as a value"),
        E::InSubquery { .. } => Error::unsupported("IN with a subquery"),
        E::Exists { .. } => Error::unsupported("EXISTS"),
        E::GroupingSets(_) | E::Cube(_) | E::Rollup(_) => Error::unsupported("a grouping set here"),
        E::ILike { .. } => Error::unsupported("ILIKE").with_hint("Write LOWER(text) LIKE 'pattern'."),
        E::Wildcard(_) | E::QualifiedWildcard(..) => Error::statement("\"*\" is not an expression"),
        other => Error::unsupported(format_args!("the expression {other}")),
    }
}

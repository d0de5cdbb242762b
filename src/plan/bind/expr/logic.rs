//! AND, OR, NOT and the IS tests, in three-valued logic: DataFusion's own kernels.

use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::sql::sqlparser::ast;

use super::Binder;
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::span::Span;
use crate::types::{SqlType, TypeKind};

/// A BOOLEAN of the given nullability.
pub(super) fn boolean(expr: Expr, nullable: bool) -> TypedExpr {
    TypedExpr::new(expr, SqlType::new(TypeKind::Boolean, nullable))
}

pub(super) fn not(value: TypedExpr) -> TypedExpr {
    boolean(Expr::Not(Box::new(value.expr)), value.ty.nullable)
}

/// `left AND right` or `left OR right` of two BOOLEANs.
pub(super) fn connect(left: TypedExpr, op: Operator, right: TypedExpr) -> TypedExpr {
    let nullable = left.ty.nullable || right.ty.nullable;
    boolean(Expr::BinaryExpr(BinaryExpr::new(Box::new(left.expr), op, Box::new(right.expr))), nullable)
}

impl Binder<'_> {
    pub(super) fn condition(&self, expr: &ast::Expr, operator: &str) -> Result<TypedExpr> {
        let value = self.bind_operand(expr)?;
        if value.ty.kind != TypeKind::Boolean {
            let message = format!("cannot apply '{operator}' to {}: it takes BOOLEAN", value.ty.kind);
            return Err(Error::statement(message).at(Span::from_ast(ast::Spanned::span(expr))));
        }
        Ok(value)
    }

    pub(super) fn is_something(&self, expr: &ast::Expr) -> Result<TypedExpr> {
        use ast::Expr as E;
        type Test = fn(Box<Expr>) -> Expr;
        let (inner, name, test): (_, _, Test) = match expr {
            E::IsNull(inner) => return self.is_null(inner, Expr::IsNull),
            E::IsNotNull(inner) => return self.is_null(inner, Expr::IsNotNull),
            E::IsTrue(inner) => (inner, "IS TRUE", Expr::IsTrue),
            E::IsNotTrue(inner) => (inner, "IS NOT TRUE", Expr::IsNotTrue),
            E::IsFalse(inner) => (inner, "IS FALSE", Expr::IsFalse),
            E::IsNotFalse(inner) => (inner, "IS NOT FALSE", Expr::IsNotFalse),
            E::IsUnknown(inner) => (inner, "IS UNKNOWN", Expr::IsUnknown),
            E::IsNotUnknown(inner) => (inner, "IS NOT UNKNOWN", Expr::IsNotUnknown),
            other => return Err(Error::internal(format!("{other} is no IS test"))),
        };
        Ok(boolean(test(Box::new(self.condition(inner, name)?.expr)), false))
    }

    fn is_null(&self, inner: &ast::Expr, test: fn(Box<Expr>) -> Expr) -> Result<TypedExpr> {
        Ok(boolean(test(Box::new(self.bind(inner)?.expr)), false))
    }
}

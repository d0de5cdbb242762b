//! LIKE and SIMILAR TO.

use datafusion::sql::sqlparser::ast;

use super::Binder;
use super::arithmetic::cannot_apply;
use super::literals::text_literal;
use super::logic::not;
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::operators;

impl Binder<'_> {
    /// There is no escape character unless the statement names one.
    pub(super) fn like(
        &self,
        operator: &str,
        negated: bool,
        value: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
    ) -> Result<TypedExpr> {
        let (value, pattern) = (self.bind_operand(value)?, self.bind_operand(pattern)?);
        if !value.ty.kind.is_string() || !pattern.ty.kind.is_string() {
            return Err(cannot_apply(operator, &[&value, &pattern], &format!("STRING {operator} STRING")));
        }
        let function = if operator == "LIKE" { &operators::LIKE } else { &operators::SIMILAR_TO };
        let mut arguments = vec![value, pattern];
        if let Some(escape) = escape {
            arguments.push(escape_character(escape)?);
        }
        let call = self.call_signature(function, arguments)?;
        let call = call.ok_or_else(|| Error::internal(format!("{operator} does not take two texts")))?;
        Ok(if negated { not(call) } else { call })
    }
}

fn escape_character(escape: &ast::ValueWithSpan) -> Result<TypedExpr> {
    let text = escape.value.clone().into_string().unwrap_or_default();
    match text.chars().count() {
        1 => Ok(text_literal(&text)),
        _ => Err(Error::statement(format!("the ESCAPE of a pattern is one character, not '{text}'"))),
    }
}

//! CASE, COALESCE, IFNULL, NULLIF and IF: all become CASE, so that only the branch taken is computed.

use datafusion::logical_expr::{Case, Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, Spanned};

use super::Binder;
use super::casts::{CastMode, is_volatile};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::operators;
use crate::span::Span;
use crate::types::coercion::{common_argument_type, common_type};
use crate::types::{SqlType, TypeKind};

impl Binder<'_> {
    pub(super) fn case(
        &self,
        operand: Option<&ast::Expr>,
        branches: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<TypedExpr> {
        let operand = operand.map(|o| self.bind_operand(o)).transpose()?;
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for branch in branches {
            let condition = match &operand {
                Some(operand) => self.compare(operand.clone(), Operator::Eq, self.bind(&branch.condition)?)?,
                None => self.when(&branch.condition)?,
            };
            conditions.push(condition);
            results.push(self.bind(&branch.result)?);
        }
        match otherwise {
            Some(otherwise) => results.push(self.bind(otherwise)?),
            None => results.push(self.literal(&ast::Value::Null)?),
        }
        self.choose(conditions, results)
    }

    /// A condition; NULL is never true.
    fn when(&self, condition: &ast::Expr) -> Result<TypedExpr> {
        let value = self.bind(condition)?;
        match value.ty.kind {
            TypeKind::Null => self.convert(value, &SqlType::nullable(TypeKind::Boolean), CastMode::Implicit),
            TypeKind::Boolean => Ok(value),
            ref other => Err(Error::statement(format!("the condition of CASE is {other}, not BOOLEAN"))
                .at(Span::from_ast(condition.span()))),
        }
    }

    /// `CASE WHEN conditions[i] THEN results[i] … ELSE the last result END`
    fn choose(&self, conditions: Vec<TypedExpr>, results: Vec<TypedExpr>) -> Result<TypedExpr> {
        let ty = self.common(&results, "CASE", common_type)?;
        let mut results = results
            .into_iter()
            .map(|r| self.convert(r, &ty, CastMode::Explicit).map(|r| Box::new(r.expr)))
            .collect::<Result<Vec<_>>>()?;
        let otherwise = results.pop();
        let branches = conditions.into_iter().map(|c| Box::new(c.expr)).zip(results).collect();
        Ok(TypedExpr::new(Expr::Case(Case::new(None, branches, otherwise)), ty))
    }

    /// The type of several values, which must not all be NULL, by one of the two rules of Flink's.
    pub(super) fn common(
        &self,
        values: &[TypedExpr],
        construct: &str,
        rule: fn(&[SqlType]) -> Option<SqlType>,
    ) -> Result<SqlType> {
        let types = values.iter().map(|v| v.ty.clone()).collect::<Vec<_>>();
        if types.iter().all(|t| t.kind == TypeKind::Null) {
            return Err(Error::statement(format!("every value of {construct} is NULL, so it has no type"))
                .with_hint("Give one a type: CAST(NULL AS INT)."));
        }
        rule(&types).ok_or_else(|| {
            let listed = types.iter().map(|t| t.kind.to_string()).collect::<Vec<_>>().join(", ");
            Error::statement(format!("{construct} mixes types that have nothing in common: {listed}"))
                .with_hint("Make them one type with CAST.")
        })
    }

    pub(super) fn coalesce(&self, name: &str, arguments: &[&ast::Expr]) -> Result<TypedExpr> {
        let mut values = arguments.iter().map(|a| self.bind(a)).collect::<Result<Vec<_>>>()?;
        if values.iter().any(|v| v.ty.kind != TypeKind::Null) {
            values.retain(|v| v.ty.kind != TypeKind::Null);
        }
        let ty = self.common(&values, name, common_argument_type)?;
        let ty = ty.with_nullable(values.iter().all(|v| v.ty.nullable));
        if let Some(end) = values.iter().position(|v| !v.ty.nullable) {
            values.truncate(end + 1); // what follows a value that is never NULL is never looked at
        }
        let values =
            values.into_iter().map(|v| self.convert(v, &ty, CastMode::Explicit)).collect::<Result<Vec<_>>>()?;
        if values.iter().any(|v| is_volatile(&v.expr)) {
            return Ok(self.call_typed(&operators::COALESCE, values, ty));
        }
        let mut values = values.into_iter().rev().map(|value| TypedExpr { time_attribute: None, ..value });
        let last = values.next().ok_or_else(|| Error::statement(format!("{name} needs an argument")))?;
        Ok(values.fold(last, |otherwise, value| {
            let present = Expr::IsNotNull(Box::new(value.expr.clone()));
            let branch = vec![(Box::new(present), Box::new(value.expr))];
            TypedExpr::new(Expr::Case(Case::new(None, branch, Some(Box::new(otherwise.expr)))), ty.clone())
        }))
    }

    /// The first value, or NULL where the two are equal.
    pub(super) fn null_if(&self, left: &ast::Expr, right: &ast::Expr) -> Result<TypedExpr> {
        let value = self.bind_operand(left)?;
        let equal = self.compare(value.clone(), Operator::Eq, self.bind(right)?)?;
        let null = super::literals::null_of(&value.ty)?;
        self.choose(vec![equal], vec![null, value])
    }

    /// `IF(condition, a, b)`; UNKNOWN takes `b`.
    pub(super) fn if_then_else(&self, arguments: &[&ast::Expr]) -> Result<TypedExpr> {
        let [condition, yes, no] = arguments else {
            return Err(Error::statement(format!("IF takes 3 arguments, not {}", arguments.len())));
        };
        let condition = self.condition(condition, "IF")?;
        let nullable = condition.ty.nullable;
        let chosen = self.choose(vec![condition], vec![self.bind_operand(yes)?, self.bind_operand(no)?])?;
        let ty = chosen.ty.clone().with_nullable(nullable || chosen.ty.nullable);
        Ok(TypedExpr { ty, ..chosen })
    }
}

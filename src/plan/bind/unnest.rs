//! `CROSS JOIN UNNEST(collection) [WITH ORDINALITY] AS u (a, n)`: the elements of a collection beside its row.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, Spanned};

use super::Binder;
use super::expr::bind_expr;
use super::relation::Relation;
use crate::error::{Error, Result};
use crate::plan::unnest::Unnest;
use crate::span::Span;
use crate::types::{Field, Schema, SqlType, TypeKind};

impl Binder<'_> {
    /// The rows of `left` with the elements that `factor` names. `outer`: a row without elements stays.
    pub(super) fn unnest(&self, left: Relation, factor: &ast::TableFactor, outer: bool) -> Result<Relation> {
        let ast::TableFactor::Table { alias, args: Some(arguments), with_ordinality, .. } = factor else {
            return Err(Error::internal("not an UNNEST"));
        };
        let span = Span::from_ast(factor.span());
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(collection))] = arguments.args.as_slice() else {
            return Err(Error::statement("UNNEST takes one ARRAY, MAP or MULTISET").at(span));
        };
        let typed = bind_expr(collection, &left, &self.expr)?;
        let mut fields = elements(&typed.ty.kind).ok_or_else(|| {
            Error::statement(format!("cannot apply 'UNNEST' to arguments of type {}", typed.ty.kind))
                .with_hint("UNNEST takes an ARRAY, a MAP or a MULTISET.")
                .at(Span::from_ast(collection.span()))
        })?;
        if *with_ordinality {
            fields.push(Field::new("ORDINALITY", SqlType::not_null(TypeKind::Int)));
        }
        if let Some(alias) = alias.as_ref().filter(|alias| !alias.columns.is_empty()) {
            if alias.columns.len() != fields.len() {
                return Err(Error::statement(format!(
                    "\"{}\" has {} columns, but {} names are given",
                    alias.name.value,
                    fields.len(),
                    alias.columns.len()
                ))
                .at(span));
            }
            for (field, name) in fields.iter_mut().zip(&alias.columns) {
                field.name = name.name.value.clone();
            }
        }
        if outer {
            fields.iter_mut().for_each(|field| field.ty.nullable = true);
        }
        let elements: Schema = fields.into_iter().collect();
        let name = alias.as_ref().map(|alias| alias.name.value.clone());
        if let Some(name) = name.as_ref().filter(|name| left.has_qualifier(name)) {
            return Err(Error::statement(format!("\"{name}\" stands twice in FROM"))
                .with_hint("Give one of them another alias.")
                .at(span));
        }
        let reference = name.clone().map(TableReference::bare);
        let schema = Unnest::schema_of(left.plan.schema(), &elements, reference.as_ref());
        let schema = schema.map_err(|_| Error::statement("UNNEST here needs an alias: UNNEST(…) AS u (a)").at(span))?;
        let columns = left.columns;
        let mut all: Schema = columns.iter().map(|column| column.field.clone()).collect();
        all.fields.extend(elements.fields.iter().cloned());
        let node = Unnest {
            input: left.plan,
            collection: typed.expr,
            multiset: matches!(typed.ty.kind, TypeKind::Multiset(_)),
            outer,
            ordinality: *with_ordinality,
            elements,
            alias: reference,
            schema,
        };
        let mut relation = Relation::new(LogicalPlan::Extension(Extension { node: Arc::new(node) }), &all);
        let width = columns.len();
        for (column, from) in relation.columns.iter_mut().zip(&columns) {
            column.qualifier = from.qualifier.clone();
            column.shared = from.shared.clone();
        }
        relation.columns[width..].iter_mut().for_each(|column| column.qualifier = name.clone());
        Ok(relation)
    }

    /// The same as a join says it.
    pub(super) fn unnest_join(&self, left: Relation, join: &ast::Join) -> Result<Relation> {
        let span = Span::from_ast(join.relation.span());
        let on_true = |constraint: &ast::JoinConstraint| match constraint {
            ast::JoinConstraint::On(ast::Expr::Value(value)) => matches!(value.value, ast::Value::Boolean(true)),
            ast::JoinConstraint::None => true,
            _ => false,
        };
        match &join.join_operator {
            ast::JoinOperator::CrossJoin(_) => self.unnest(left, &join.relation, false),
            ast::JoinOperator::Join(on) | ast::JoinOperator::Inner(on) if on_true(on) => {
                self.unnest(left, &join.relation, false)
            }
            ast::JoinOperator::Left(on) | ast::JoinOperator::LeftOuter(on) if on_true(on) => {
                self.unnest(left, &join.relation, true)
            }
            _ => Err(Error::unsupported("UNNEST in a join with a condition")
                .with_hint("Write CROSS JOIN UNNEST(…) AS u (a), or LEFT JOIN UNNEST(…) AS u (a) ON TRUE, and a WHERE.")
                .at(span)),
        }
    }
}

/// True for `UNNEST(…)` in FROM.
pub(super) fn is_unnest(factor: &ast::TableFactor) -> bool {
    matches!(factor, ast::TableFactor::Table { name, args: Some(_), .. } if name.to_string().eq_ignore_ascii_case("UNNEST"))
}

/// The columns of an element.
fn elements(collection: &TypeKind) -> Option<Vec<Field>> {
    let of_element = |element: &SqlType| match &element.kind {
        TypeKind::Row(fields) => {
            let nullable = |ty: &SqlType| ty.clone().with_nullable(ty.nullable || element.nullable);
            fields.iter().map(|field| Field::new(&field.name, nullable(&field.ty))).collect()
        }
        _ => vec![Field::new("EXPR$0", element.clone())],
    };
    match collection {
        TypeKind::Array(element) | TypeKind::Multiset(element) => Some(of_element(element)),
        TypeKind::Map(key, value) => {
            Some(vec![Field::new("KEY", key.as_ref().clone()), Field::new("VALUE", value.as_ref().clone())])
        }
        _ => None,
    }
}

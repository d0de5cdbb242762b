//! Columns, fields of rows, and elements of arrays and maps.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use datafusion::sql::sqlparser::ast;

use super::Binder;
use super::casts::CastMode;
use crate::error::{Error, Result, did_you_mean};
use crate::functions::TypedExpr;
use crate::functions::library::operators;
use crate::span::Span;
use crate::types::{SqlType, TypeKind};

impl Binder<'_> {
    /// A column, and the fields of a ROW behind it.
    pub(super) fn name(&self, parts: &[ast::Ident]) -> Result<TypedExpr> {
        if let [part] = parts
            && part.quote_style.is_none()
            && let Some(value) = self.bare_call(&part.value)
        {
            return self.scope.resolve(parts).map(|(column, _)| column).or(value);
        }
        let (column, taken) = self.scope.resolve(parts)?;
        parts.iter().skip(taken).try_fold(column, |row, field| self.field(row, field))
    }

    /// Every field of a ROW.
    pub(super) fn fields(&self, row: &TypedExpr) -> Result<Vec<TypedExpr>> {
        let TypeKind::Row(fields) = &row.ty.kind else { return Ok(Vec::new()) };
        fields.iter().map(|f| self.field(row.clone(), &ast::Ident::new(&f.name))).collect()
    }

    /// `row.field`
    fn field(&self, row: TypedExpr, field: &ast::Ident) -> Result<TypedExpr> {
        let span = Span::from_ast(field.span);
        let TypeKind::Row(fields) = &row.ty.kind else {
            let message = format!("cannot read field \"{}\" of {}: it is not a ROW", field.value, row.ty.kind);
            return Err(Error::statement(message).at(span));
        };
        let Some(found) = fields.iter().find(|f| f.name == field.value) else {
            let mut error =
                Error::statement(format!("field \"{}\" not found in {}", field.value, row.ty.kind)).at(span);
            if let Some(hint) = did_you_mean(&field.value, fields.iter().map(|f| f.name.as_str())) {
                error = error.with_hint(hint);
            }
            return Err(error);
        };
        let nullable = row.ty.nullable || found.ty.nullable;
        let returns = found.ty.clone().with_nullable(nullable);
        let name = TypedExpr::new(lit(field.value.as_str()), SqlType::not_null(TypeKind::Char(1)));
        Ok(self.call_typed(&operators::FIELD, vec![row, name], returns))
    }

    /// `a[1]`, `m['k']`, `r.f` and any chain of them.
    pub(super) fn access(&self, root: &ast::Expr, chain: &[ast::AccessExpr]) -> Result<TypedExpr> {
        // `t.a[1].b` comes as the root `t` with the chain `.a`, `[1]`, `.b`: the leading names are one name.
        let mut names = match root {
            ast::Expr::Identifier(part) => vec![part.clone()],
            ast::Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => Vec::new(),
        };
        let leading = match names.is_empty() {
            true => 0,
            false => chain.iter().take_while(|a| matches!(a, ast::AccessExpr::Dot(ast::Expr::Identifier(_)))).count(),
        };
        let (dots, rest) = chain.split_at(leading);
        names.extend(dots.iter().filter_map(|a| match a {
            ast::AccessExpr::Dot(ast::Expr::Identifier(part)) => Some(part.clone()),
            _ => None,
        }));
        let start = if names.is_empty() { self.bind_operand(root)? } else { self.name(&names)? };
        rest.iter().try_fold(start, |value, access| match access {
            ast::AccessExpr::Dot(ast::Expr::Identifier(field)) => self.field(value, field),
            ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => self.element(value, index),
            other => Err(Error::unsupported(format_args!("the access {other}"))),
        })
    }

    /// `array[index]`, counted from 1, or `map[key]`; NULL where there is none.
    fn element(&self, collection: TypedExpr, index: &ast::Expr) -> Result<TypedExpr> {
        let key = self.bind_operand(index)?;
        match collection.ty.kind.clone() {
            TypeKind::Array(element) => {
                if !matches!(key.ty.kind, TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int) {
                    let message = format!("the index of an ARRAY must be INT, not {}", key.ty.kind);
                    return Err(Error::statement(message).at(Span::from_ast(ast::Spanned::span(index))));
                }
                if let Expr::Literal(ScalarValue::Int32(Some(n)), _) = &key.expr
                    && *n < 1
                {
                    return Err(Error::statement(format!("the index of an ARRAY starts at 1, not {n}")));
                }
                let key = self.convert(key, &SqlType::nullable(TypeKind::Int), CastMode::Implicit)?;
                Ok(self.call_typed(&operators::ITEM, vec![collection, key], element.with_nullable(true)))
            }
            TypeKind::Map(key_type, value) => {
                let key = self.convert(key, &key_type, CastMode::Implicit)?;
                Ok(self.call_typed(&operators::LOOKUP, vec![collection, key], value.with_nullable(true)))
            }
            other => Err(Error::statement(format!("cannot take an element of {other}: it is no ARRAY and no MAP"))),
        }
    }
}

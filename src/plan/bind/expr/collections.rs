//! `ARRAY[…]`, `MAP[k, v, …]` and `ROW(…)`.

use datafusion::sql::sqlparser::ast;

use super::Binder;
use super::casts::CastMode;
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::operators;
use crate::types::coercion::common_type;
use crate::types::{RowField, SqlType, TypeKind};

impl Binder<'_> {
    pub(super) fn array(&self, elements: &[ast::Expr]) -> Result<TypedExpr> {
        if elements.is_empty() {
            return Err(Error::statement("ARRAY[] needs at least one element"));
        }
        let values = elements.iter().map(|e| self.bind(e)).collect::<Result<Vec<_>>>()?;
        let (values, element) = self.unified(values, "ARRAY")?;
        let ty = SqlType::not_null(TypeKind::Array(Box::new(element)));
        Ok(self.call_typed(&operators::ARRAY, values, ty))
    }

    /// Keys and values in turn.
    pub(super) fn map(&self, entries: &[&ast::Expr]) -> Result<TypedExpr> {
        if entries.is_empty() || !entries.len().is_multiple_of(2) {
            return Err(
                Error::statement("MAP[] takes pairs of a key and a value").with_hint("Write MAP['a', 1, 'b', 2].")
            );
        }
        let bound = entries.iter().map(|e| self.bind(e)).collect::<Result<Vec<_>>>()?;
        let (keys, values): (Vec<_>, Vec<_>) = bound.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
        let (keys, key) = self.unified(keys.into_iter().map(|(_, k)| k).collect(), "the keys of MAP")?;
        let (values, value) = self.unified(values.into_iter().map(|(_, v)| v).collect(), "the values of MAP")?;
        let pairs = keys.into_iter().zip(values).flat_map(|(k, v)| [k, v]).collect();
        let ty = SqlType::not_null(TypeKind::Map(Box::new(key), Box::new(value)));
        Ok(self.call_typed(&operators::MAP, pairs, ty))
    }

    /// Fields are called `EXPR$0`, `EXPR$1` … as in Flink.
    pub(super) fn row(&self, fields: &[ast::Expr]) -> Result<TypedExpr> {
        let values = fields.iter().map(|f| self.bind_operand(f)).collect::<Result<Vec<_>>>()?;
        let fields = values
            .iter()
            .enumerate()
            .map(|(i, value)| RowField { name: format!("EXPR${i}"), ty: value.ty.clone(), comment: None })
            .collect();
        Ok(self.call_typed(&operators::ROW, values, SqlType::not_null(TypeKind::Row(fields))))
    }

    fn unified(&self, values: Vec<TypedExpr>, construct: &str) -> Result<(Vec<TypedExpr>, SqlType)> {
        let ty = self.common(&values, construct, common_type)?;
        let cast = values.into_iter().map(|v| self.convert(v, &ty, CastMode::Explicit)).collect::<Result<Vec<_>>>()?;
        Ok((cast, ty))
    }
}

//! Functions with a syntax of their own: EXTRACT, FLOOR … TO, SUBSTRING … FROM, TRIM, TIMESTAMPADD.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, CeilFloorKind, DateTimeField, Spanned, TrimWhereField};

use super::Binder;
use super::arithmetic::cannot_apply;
use super::casts::CastMode;
use super::intervals::{milliseconds, months};
use super::literals::{literal, text_literal};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::library::{operators, time_unit};
use crate::span::Span;
use crate::types::{SqlType, TypeKind};

impl Binder<'_> {
    pub(super) fn extract(&self, field: &DateTimeField, value: &ast::Expr) -> Result<TypedExpr> {
        let unit = field.to_string().to_uppercase();
        let Some(function) = time_unit::extractor(&unit) else {
            return Err(Error::unsupported(format_args!("EXTRACT({unit} FROM …)")));
        };
        let value = self.bind_operand(value)?;
        if value.ty.kind.is_interval() {
            return self.extract_from_interval(&unit, value);
        }
        let call = self.call_signature(function, vec![value.clone()])?;
        call.ok_or_else(|| cannot_apply("EXTRACT", &[&value], "EXTRACT(unit FROM DATETIME)"))
    }

    /// Months have years, quarters and months; milliseconds have days and what is smaller.
    fn extract_from_interval(&self, unit: &str, interval: TypedExpr) -> Result<TypedExpr> {
        let (divisor, modulus) = match (&interval.ty.kind, unit) {
            (TypeKind::IntervalYearMonth, "YEAR") => (12, i64::MAX),
            (TypeKind::IntervalYearMonth, "MONTH") => (1, 12),
            (TypeKind::IntervalDayTime, "DAY") => (86_400_000, i64::MAX),
            (TypeKind::IntervalDayTime, "HOUR") => (3_600_000, 24),
            (TypeKind::IntervalDayTime, "MINUTE") => (60_000, 60),
            (TypeKind::IntervalDayTime, "SECOND") => (1_000, 60),
            (TypeKind::IntervalDayTime, "MILLISECOND") => (1, 1_000),
            (kind, _) => {
                return Err(Error::unsupported(format_args!("EXTRACT({unit} FROM {kind})"))
                    .with_hint("An interval of months has YEAR and MONTH, one of days DAY to MILLISECOND."));
            }
        };
        let number = |n: i64| literal(ScalarValue::Int64(Some(n)), TypeKind::BigInt);
        let ty = SqlType::new(TypeKind::BigInt, interval.ty.nullable);
        Ok(self.call_typed(&operators::INTERVAL_PART, vec![interval, number(divisor), number(modulus)], ty))
    }

    /// `FLOOR(number)`, `FLOOR(timestamp TO HOUR)` and the same with CEIL.
    pub(super) fn round_to(&self, name: &str, value: &ast::Expr, field: &CeilFloorKind) -> Result<TypedExpr> {
        let unit = match field {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => return self.call_named(name, &[value]),
            CeilFloorKind::DateTimeField(unit) => unit.to_string().to_uppercase(),
            CeilFloorKind::Scale(_) => return Err(Error::unsupported(format_args!("{name} with a scale"))),
        };
        let value = self.bind_operand(value)?;
        if !time_unit::is_rounding_unit(&unit) {
            return Err(Error::unsupported(format_args!("{name}(… TO {unit})")));
        }
        if !(value.ty.kind.is_timestamp() || matches!(value.ty.kind, TypeKind::Date | TypeKind::Time(_))) {
            return Err(cannot_apply(name, &[&value], &format!("{name}(DATETIME TO unit)")));
        }
        let function = if name == "FLOOR" { &operators::FLOOR_TO } else { &operators::CEIL_TO };
        let ty = value.ty.clone();
        Ok(self.call_typed(function, vec![value, text_literal(&unit)], ty))
    }

    /// `ROUND(decimal, digits)` and TRUNCATE: constant digits decide the scale of the result.
    pub(super) fn round_decimal(&self, name: &str, value: &ast::Expr, digits: &ast::Expr) -> Result<TypedExpr> {
        let (number, places) = (self.bind_operand(value)?, self.bind_operand(digits)?);
        let (TypeKind::Decimal { precision, scale }, Expr::Literal(ScalarValue::Int32(Some(kept)), _)) =
            (&number.ty.kind, &places.expr)
        else {
            return self.call_named(name, &[value, digits]);
        };
        if *kept >= i32::from(*scale) {
            return self.call_named(name, &[value, digits]);
        }
        let kept = u8::try_from(*kept).unwrap_or(0);
        // Rounding up can take one more digit before the point.
        let precision = (precision - scale).saturating_add(1).saturating_add(kept).min(38);
        let returns = SqlType::new(TypeKind::Decimal { precision, scale: kept }, number.ty.nullable);
        Ok(self.call_typed(operators::rounding_function(name), vec![number, places], returns))
    }

    pub(super) fn substring(
        &self,
        text: &ast::Expr,
        from: Option<&ast::Expr>,
        length: Option<&ast::Expr>,
    ) -> Result<TypedExpr> {
        let Some(from) = from else {
            return Err(Error::statement("SUBSTRING needs a start").with_hint("Write SUBSTRING(text FROM 1 FOR 3)."));
        };
        let mut arguments = vec![text, from];
        arguments.extend(length);
        self.call_named("SUBSTRING", &arguments)
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [characters] FROM text)`
    pub(super) fn trim(
        &self,
        text: &ast::Expr,
        side: Option<&TrimWhereField>,
        what: Option<&ast::Expr>,
        characters: Option<&[ast::Expr]>,
    ) -> Result<TypedExpr> {
        if characters.is_some() {
            return Err(Error::unsupported("TRIM(text, characters)").with_hint("Write BTRIM(text, characters)."));
        }
        let function = match side {
            None | Some(TrimWhereField::Both) => &operators::TRIM_BOTH,
            Some(TrimWhereField::Leading) => &operators::TRIM_LEADING,
            Some(TrimWhereField::Trailing) => &operators::TRIM_TRAILING,
        };
        let mut arguments = vec![self.bind_operand(text)?];
        arguments.push(what.map_or(Ok(text_literal(" ")), |w| self.bind_operand(w))?);
        let call = self.call_signature(function, arguments.clone())?;
        call.ok_or_else(|| cannot_apply("TRIM", &arguments.iter().collect::<Vec<_>>(), "TRIM(STRING FROM STRING)"))
    }

    /// `TIMESTAMPADD(unit, amount, time)`: the time plus so many units.
    pub(super) fn timestamp_add(&self, arguments: &[&ast::Expr]) -> Result<TypedExpr> {
        let [unit, amount, time] = arguments else {
            return Err(Error::statement("TIMESTAMPADD takes a unit, a number and a time")
                .with_hint("Write TIMESTAMPADD(DAY, 1, ts)."));
        };
        let one = match unit_name(unit)?.as_str() {
            "YEAR" => months(12),
            "QUARTER" => months(3),
            "MONTH" => months(1),
            "WEEK" => milliseconds(7 * 86_400_000),
            "DAY" => milliseconds(86_400_000),
            "HOUR" => milliseconds(3_600_000),
            "MINUTE" => milliseconds(60_000),
            "SECOND" => milliseconds(1_000),
            other => return Err(Error::unsupported(format_args!("TIMESTAMPADD with the unit {other}"))),
        };
        let (amount, mut time) = (self.bind_operand(amount)?, self.bind_operand(time)?);
        if time.ty.kind == TypeKind::Date && one.ty.kind == TypeKind::IntervalDayTime && !is_days(&one) {
            let timestamp = SqlType::nullable(TypeKind::Timestamp(6));
            time = self.convert(time, &timestamp, CastMode::Explicit)?;
        }
        let interval = self.arithmetic(one, Operator::Multiply, amount)?;
        self.arithmetic(time, Operator::Plus, interval)
    }

    /// `TIMESTAMPDIFF(unit, from, to)`: whole units between the two.
    pub(super) fn timestamp_diff(&self, arguments: &[&ast::Expr]) -> Result<TypedExpr> {
        let [unit, from, to] = arguments else {
            return Err(Error::statement("TIMESTAMPDIFF takes a unit and two times")
                .with_hint("Write TIMESTAMPDIFF(MINUTE, a, b)."));
        };
        let name = unit_name(unit)?;
        if !time_unit::is_difference_unit(&name) {
            return Err(
                Error::unsupported(format_args!("TIMESTAMPDIFF with the unit {name}")).at(Span::from_ast(unit.span()))
            );
        }
        let arguments = vec![text_literal(&name), self.bind_operand(from)?, self.bind_operand(to)?];
        let call = self.call_signature(&operators::TIMESTAMP_DIFF, arguments.clone())?;
        call.ok_or_else(|| {
            cannot_apply("TIMESTAMPDIFF", &[&arguments[1], &arguments[2]], "TIMESTAMPDIFF(unit, DATETIME, DATETIME)")
        })
    }
}

fn is_days(interval: &TypedExpr) -> bool {
    super::constant_interval_ms(interval).is_some_and(|ms| ms % 86_400_000 == 0)
}

/// A unit stands where an argument would: `DAY`.
fn unit_name(unit: &ast::Expr) -> Result<String> {
    match unit {
        ast::Expr::Identifier(name) => {
            let name = name.value.to_uppercase();
            Ok(name.strip_prefix("SQL_TSI_").unwrap_or(&name).to_string())
        }
        other => {
            Err(Error::statement(format!("expected a unit such as DAY, found {other}"))
                .at(Span::from_ast(other.span())))
        }
    }
}

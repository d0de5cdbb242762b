//! Literals: numbers, texts, bytes, truth, NULL, dates and times.

use chrono::{NaiveDate, NaiveTime, Timelike};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::Binder;
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::functions::time::parse_timestamp;
use crate::types::{SqlType, TypeKind};

/// A literal as an expression, never NULL.
pub(super) fn literal(value: ScalarValue, kind: TypeKind) -> TypedExpr {
    TypedExpr::new(Expr::Literal(value, None), SqlType::not_null(kind))
}

/// A text literal: CHAR(n).
pub(super) fn text_literal(text: &str) -> TypedExpr {
    let length = text.chars().count() as u32;
    literal(ScalarValue::Utf8(Some(text.to_string())), TypeKind::Char(length))
}

/// NULL of a type.
pub(super) fn null_of(ty: &SqlType) -> Result<TypedExpr> {
    let value =
        ScalarValue::try_from(&ty.arrow()).map_err(|e| Error::from_datafusion(crate::error::ErrorKind::Internal, e))?;
    Ok(TypedExpr::new(Expr::Literal(value, None), ty.clone().with_nullable(true)))
}

impl Binder<'_> {
    pub(super) fn literal(&self, value: &ast::Value) -> Result<TypedExpr> {
        match value {
            ast::Value::Number(text, false) => number(text),
            ast::Value::SingleQuotedString(text)
            | ast::Value::EscapedStringLiteral(text)
            | ast::Value::UnicodeStringLiteral(text) => Ok(text_literal(text)),
            ast::Value::HexStringLiteral(digits) => hex(digits),
            ast::Value::Boolean(b) => Ok(literal(ScalarValue::Boolean(Some(*b)), TypeKind::Boolean)),
            ast::Value::Null => {
                Ok(TypedExpr::new(Expr::Literal(ScalarValue::Null, None), SqlType::nullable(TypeKind::Null)))
            }
            other => Err(Error::unsupported(format_args!("the literal {other}"))),
        }
    }

    /// `DATE '2020-01-31'`, `TIME '10:11:12'`, `TIMESTAMP '2020-01-31 10:11:12.123'`.
    pub(super) fn typed_string(&self, typed: &ast::TypedString) -> Result<TypedExpr> {
        let Some(text) = typed.value.clone().into_string() else {
            return Err(Error::statement(format!("expected a text behind {}", typed.data_type)));
        };
        match typed.data_type {
            ast::DataType::Date => date(&text),
            ast::DataType::Time(None, _) => time(&text),
            ast::DataType::Timestamp(None, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
                timestamp(&text)
            }
            ref other => Err(Error::unsupported(format_args!("a literal of the type {other}"))
                .with_hint(format!("Write CAST('{text}' AS {other})."))),
        }
    }
}

/// INT, BIGINT if that is too small, DECIMAL with a point, DOUBLE with an exponent.
pub(super) fn number(text: &str) -> Result<TypedExpr> {
    let out_of_range = || Error::statement(format!("numeric literal {text} is out of range"));
    if text.contains(['e', 'E']) {
        let value = text.parse::<f64>().map_err(|_| out_of_range())?;
        // A literal has no negative zero, as in Flink.
        let value = if value == 0.0 { 0.0 } else { value };
        return Ok(literal(ScalarValue::Float64(Some(value)), TypeKind::Double));
    }
    let negative = text.starts_with('-');
    let unsigned = text.trim_start_matches('-');
    match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => decimal(negative, whole, fraction).ok_or_else(out_of_range),
        _ => {
            let value = text.trim_end_matches('.').parse::<i64>().map_err(|_| out_of_range())?;
            Ok(match i32::try_from(value) {
                Ok(small) => literal(ScalarValue::Int32(Some(small)), TypeKind::Int),
                Err(_) => literal(ScalarValue::Int64(Some(value)), TypeKind::BigInt),
            })
        }
    }
}

fn decimal(negative: bool, whole: &str, fraction: &str) -> Option<TypedExpr> {
    let digits = format!("{whole}{fraction}");
    let value = digits.parse::<i128>().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    // Digits as they are written: 0.10 is DECIMAL(3, 2), .5 is DECIMAL(1, 1).
    let precision = u8::try_from(digits.len()).ok()?;
    if precision > 38 {
        return None;
    }
    let value = if negative { -value } else { value };
    Some(literal(ScalarValue::Decimal128(Some(value), precision, scale as i8), TypeKind::Decimal { precision, scale }))
}

fn hex(digits: &str) -> Result<TypedExpr> {
    let odd = || Error::statement(format!("x'{digits}' is not an even number of hexadecimal digits"));
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return Err(odd());
    }
    let pair = |i: usize| digits.get(i..i + 2).and_then(|p| u8::from_str_radix(p, 16).ok());
    let bytes = (0..digits.len()).step_by(2).map(pair).collect::<Option<Vec<u8>>>().ok_or_else(odd)?;
    let length = bytes.len() as u32;
    Ok(literal(ScalarValue::Binary(Some(bytes)), TypeKind::Binary(length)))
}

fn date(text: &str) -> Result<TypedExpr> {
    let wrong = || Error::statement(format!("'{text}' is not a date")).with_hint("Write DATE '2020-01-31'.");
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days() as i32;
    Ok(literal(ScalarValue::Date32(Some(days)), TypeKind::Date))
}

/// TIME keeps whole seconds, as in Flink.
fn time(text: &str) -> Result<TypedExpr> {
    let wrong = || Error::statement(format!("'{text}' is not a time")).with_hint("Write TIME '10:11:12'.");
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f").map_err(|_| wrong())?;
    let ms = time.num_seconds_from_midnight() as i32 * 1_000 + (time.nanosecond() % 1_000_000_000 / 1_000_000) as i32;
    Ok(literal(ScalarValue::Time32Millisecond(Some(ms)), TypeKind::Time(0)))
}

/// As precise as it is written.
fn timestamp(text: &str) -> Result<TypedExpr> {
    let wrong = || {
        Error::statement(format!("'{text}' is not a timestamp"))
            .with_hint("Write TIMESTAMP '2020-01-31 10:11:12.123'; the time must be there.")
    };
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let precision = u8::try_from(digits).ok().filter(|p| *p <= 9 && text.contains(':')).ok_or_else(wrong)?;
    let naive = parse_timestamp(text).ok_or_else(wrong)?.and_utc();
    let value = match precision {
        0..=3 => ScalarValue::TimestampMillisecond(Some(naive.timestamp_millis()), None),
        4..=6 => ScalarValue::TimestampMicrosecond(Some(naive.timestamp_micros()), None),
        _ => ScalarValue::TimestampNanosecond(Some(naive.timestamp_nanos_opt().ok_or_else(wrong)?), None),
    };
    Ok(literal(value, TypeKind::Timestamp(precision)))
}

//! INTERVAL literals: `INTERVAL '10' SECONDS`, `INTERVAL '1 02:03:04.005' DAY TO SECOND`, `INTERVAL '1-2' YEAR TO MONTH`.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, DateTimeField as Field};

use super::Binder;
use super::literals::literal;
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::types::TypeKind;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The milliseconds of a constant INTERVAL DAY TO SECOND (a window's size, the bound of an interval join).
pub fn constant_interval_ms(expr: &TypedExpr) -> Option<i64> {
    match (&expr.ty.kind, &expr.expr) {
        (TypeKind::IntervalDayTime, Expr::Literal(ScalarValue::DurationMillisecond(ms), _)) => *ms,
        _ => None,
    }
}

pub(super) fn months(n: i32) -> TypedExpr {
    literal(ScalarValue::IntervalYearMonth(Some(n)), TypeKind::IntervalYearMonth)
}

pub(super) fn milliseconds(n: i64) -> TypedExpr {
    literal(ScalarValue::DurationMillisecond(Some(n)), TypeKind::IntervalDayTime)
}

/// A unit's place in `YEAR > MONTH` and `DAY > HOUR > MINUTE > SECOND`, and what one of it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    fn of(field: &Field) -> Result<Self> {
        Ok(match field {
            Field::Year | Field::Years => Self::Year,
            Field::Month | Field::Months => Self::Month,
            Field::Day | Field::Days => Self::Day,
            Field::Hour | Field::Hours => Self::Hour,
            Field::Minute | Field::Minutes => Self::Minute,
            Field::Second | Field::Seconds => Self::Second,
            Field::Week(_) | Field::Weeks => {
                return Err(Error::unsupported("an INTERVAL in weeks")
                    .with_hint("Write it in days: INTERVAL '7' DAY. (Flink 2.2 reads '1' WEEK as one hour.)"));
            }
            Field::Quarter => {
                return Err(Error::unsupported("an INTERVAL in quarters")
                    .with_hint("Write it in months: INTERVAL '3' MONTH. (Flink 2.2 reads '1' QUARTER as one month.)"));
            }
            other if other.to_string().to_uppercase().starts_with("QUARTER") => {
                return Err(
                    Error::unsupported("an INTERVAL in quarters").with_hint("Write it in months: INTERVAL '3' MONTH.")
                );
            }
            other => {
                return Err(Error::statement(format!("an INTERVAL has no unit {other}"))
                    .with_hint("Units are YEAR, MONTH, DAY, HOUR, MINUTE and SECOND."));
            }
        })
    }

    /// Months of a year or month, milliseconds of the others.
    fn worth(self) -> i64 {
        match self {
            Self::Year => 12,
            Self::Month => 1,
            Self::Day => DAY_MS,
            Self::Hour => HOUR_MS,
            Self::Minute => MINUTE_MS,
            Self::Second => SECOND_MS,
        }
    }

    /// How many of it make one of the unit in front.
    fn limit(self) -> Option<i64> {
        match self {
            Self::Month => Some(12),
            Self::Hour => Some(24),
            Self::Minute | Self::Second => Some(60),
            Self::Year | Self::Day => None,
        }
    }

    /// The unit behind this one, and what stands between the two in the text.
    fn next(self) -> Option<(Self, char)> {
        match self {
            Self::Year => Some((Self::Month, '-')),
            Self::Day => Some((Self::Hour, ' ')),
            Self::Hour => Some((Self::Minute, ':')),
            Self::Minute => Some((Self::Second, ':')),
            Self::Month | Self::Second => None,
        }
    }
}

impl Binder<'_> {
    pub(super) fn interval_literal(&self, interval: &ast::Interval) -> Result<TypedExpr> {
        let (negative, text) = quoted(&interval.value)?;
        let Some(leading) = &interval.leading_field else {
            return Err(Error::statement("an INTERVAL needs a unit").with_hint("Write INTERVAL '10' SECOND."));
        };
        let first = Unit::of(leading)?;
        let last = interval.last_field.as_ref().map_or(Ok(first), Unit::of)?;
        let digits = interval.leading_precision.unwrap_or(2);
        let amount = parse(text, first, last, digits)?;
        let amount = if negative { -amount } else { amount };
        match first {
            Unit::Year | Unit::Month => i32::try_from(amount).map(months).map_err(|_| illegal(text, first, last)),
            _ => Ok(milliseconds(amount)),
        }
    }
}

/// The text of `INTERVAL '1' DAY` or `INTERVAL -'1' DAY`.
fn quoted(value: &ast::Expr) -> Result<(bool, &str)> {
    match value {
        ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::SingleQuotedString(text), .. }) => Ok((false, text)),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => quoted(expr).map(|(sign, text)| (!sign, text)),
        other => Err(Error::statement(format!("the amount of an INTERVAL must be quoted: '{other}'"))
            .with_hint(format!("Write INTERVAL '{other}' and the unit, or multiply: {other} * INTERVAL '1' SECOND."))),
    }
}

fn illegal(text: &str, first: Unit, last: Unit) -> Error {
    let unit = format!("{first:?}").to_uppercase();
    let units = if first == last { unit } else { format!("{unit} TO {}", format!("{last:?}").to_uppercase()) };
    Error::statement(format!("'{text}' is not an interval of {units}"))
}

/// Months or milliseconds.
fn parse(text: &str, first: Unit, last: Unit, leading_digits: u64) -> Result<i64> {
    let wrong = || illegal(text, first, last);
    let (negative, mut rest) = match text.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim().trim_start_matches('+')),
    };
    let mut unit = first;
    let mut sum = 0i64;
    loop {
        let (part, behind) = match unit.next().filter(|_| unit < last) {
            Some((next, separator)) => {
                let (part, behind) = rest.split_once(separator).ok_or_else(wrong)?;
                (part, Some((next, behind)))
            }
            None => (rest, None),
        };
        let amount = amount(part, unit).filter(|_| unit == last || !part.contains('.')).ok_or_else(wrong)?;
        let whole = part.split('.').next().unwrap_or(part);
        if unit == first && whole.trim_start_matches('0').len() as u64 > leading_digits {
            return Err(Error::statement(format!("interval value {part} has more than {leading_digits} digits"))
                .with_hint(format!("Say how many: INTERVAL '{text}' {unit:?}({}).", whole.len()).to_string()));
        }
        if unit != first && whole.parse::<i64>().is_ok_and(|n| unit.limit().is_some_and(|limit| n >= limit)) {
            return Err(wrong());
        }
        sum = sum.checked_add(amount).ok_or_else(wrong)?;
        match behind {
            Some((next, behind)) if next <= last => (unit, rest) = (next, behind),
            _ if unit == last => break,
            _ => return Err(wrong()),
        }
    }
    Ok(if negative { -sum } else { sum })
}

/// One field in months or milliseconds; seconds may have a fraction.
fn amount(part: &str, unit: Unit) -> Option<i64> {
    let (whole, fraction) = match part.split_once('.') {
        Some((whole, fraction)) if unit == Unit::Second && !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (part, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis = format!("{fraction:0<3}");
    whole.parse::<i64>().ok()?.checked_mul(unit.worth())?.checked_add(millis.get(..3)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_texts_become_milliseconds_or_months() {
        let cases = [
            ("10", Unit::Second, Unit::Second, 10_000),
            ("1.5", Unit::Second, Unit::Second, 1_500),
            ("01:02:03.5", Unit::Hour, Unit::Second, 3_723_500),
            ("1 02:03:04.005", Unit::Day, Unit::Second, 93_784_005),
            ("1 2", Unit::Day, Unit::Hour, 26 * HOUR_MS),
            ("-1", Unit::Day, Unit::Day, -DAY_MS),
            ("1-2", Unit::Year, Unit::Month, 14),
            ("3", Unit::Year, Unit::Year, 36),
        ];
        for (text, first, last, expected) in cases {
            assert_eq!(parse(text, first, last, 2).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn an_interval_text_that_does_not_fit_its_units_is_refused() {
        let cases = [
            ("1.5", Unit::Minute, Unit::Minute),
            ("1", Unit::Hour, Unit::Second),
            ("100", Unit::Day, Unit::Day),
            ("", Unit::Day, Unit::Day),
            ("1:2:3", Unit::Hour, Unit::Minute),
            ("a", Unit::Second, Unit::Second),
            ("1:90", Unit::Hour, Unit::Minute),
            ("1 24", Unit::Day, Unit::Hour),
            ("1:00:60", Unit::Hour, Unit::Second),
            ("1-12", Unit::Year, Unit::Month),
        ];
        for (text, first, last) in cases {
            assert!(parse(text, first, last, 2).is_err(), "{text}");
        }
    }
}

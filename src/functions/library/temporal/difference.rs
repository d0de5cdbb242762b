//! TIMESTAMPDIFF: whole units between two times.

use arrow::array::ArrayRef;
use chrono::{Datelike, NaiveDate};

use super::extract::nanos;
use crate::error::Result;
use crate::functions::library::builtin::{Family, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::operators::add_months;
use crate::functions::library::{BUILTIN, Builtin};

use Family::{Date, Instant, Text, Timestamp};

const INT: Returns = Returns::Kind(TypeName::Int);
const DAY: i128 = 86_400_000_000_000;

/// The unit as a text, then from and to; cut off towards zero. Between instants a day has 24 hours.
pub static TIMESTAMP_DIFF: Builtin = Builtin {
    name: "TIMESTAMPDIFF",
    usage: "TIMESTAMPDIFF(unit, from, to) is the number of whole units between two times.",
    overloads: &[
        Overload { parameters: &[Text, Timestamp, Timestamp], returns: INT },
        Overload { parameters: &[Text, Instant, Instant], returns: INT },
        Overload { parameters: &[Text, Date, Date], returns: INT },
        Overload { parameters: &[Text, Timestamp, Date], returns: INT },
        Overload { parameters: &[Text, Date, Timestamp], returns: INT },
    ],
    kernel: difference,
    ..BUILTIN
};

fn difference(call: &Call<'_>) -> Result<ArrayRef> {
    let (units, from, to) = (call.text(0)?, nanos(call, 1)?, nanos(call, 2)?);
    call.collect(|row| {
        let (from, to) = (from(row)?, to(row)?);
        let seconds = |n: i128| Some((to - from) / (n * 1_000_000_000));
        let count = match units.at(row)? {
            "SECOND" => seconds(1),
            "MINUTE" => seconds(60),
            "HOUR" => seconds(3_600),
            "DAY" => seconds(86_400),
            "WEEK" => seconds(604_800),
            "MONTH" => months(from, to),
            "QUARTER" => months(from, to).map(|m| m / 3),
            _ => months(from, to).map(|m| m / 12),
        };
        Some(count? as i32)
    })
}

/// Whole months: as many as can be added to `from` without passing `to`.
fn months(from: i128, to: i128) -> Option<i128> {
    let split = |nanos: i128| Some((i32::try_from(nanos.div_euclid(DAY)).ok()?, nanos.rem_euclid(DAY)));
    let ((from_day, from_time), (to_day, to_time)) = (split(from)?, split(to)?);
    let month = |day: i32| {
        let date = NaiveDate::from_num_days_from_ce_opt(day.checked_add(719_163)?)?;
        Some(date.year() * 12 + date.month0() as i32)
    };
    let mut count = month(to_day)? - month(from_day)?;
    let reached = (add_months(from_day, count)?, from_time);
    if count > 0 && reached > (to_day, to_time) {
        count -= 1;
    }
    if count < 0 && reached < (to_day, to_time) {
        count += 1;
    }
    Some(i128::from(count))
}

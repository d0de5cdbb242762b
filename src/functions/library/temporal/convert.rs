//! Between numbers, texts and times: TO_TIMESTAMP and its like.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, TimestampMillisecondArray};
use arrow::datatypes::{Date32Type, TimestampMillisecondType};
use chrono::{LocalResult, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::{Call, Memo};
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::time::{
    JavaPattern, instant_to_local, local_to_instant, naive_from_ms, parse_date, parse_timestamp,
};
use crate::types::TypeKind;

use Family::{Double, Exact, Int, Long, Text};

const TIMESTAMP: Returns = Returns::Kind(TypeName::Timestamp(3));
const INSTANT: Returns = Returns::Kind(TypeName::Instant(3));
const BIGINT: Returns = Returns::Kind(TypeName::BigInt);
const STRING: Returns = Returns::Kind(TypeName::String);

/// What Flink's `UNIX_TIMESTAMP` gives for a text that is no time.
const NO_TIME: i64 = i64::MIN;

/// The pattern of the functions that read and write `2020-01-31 10:11:12`.
const SECONDS: &str = "yyyy-MM-dd HH:mm:ss";

pub static TO_TIMESTAMP: Builtin = Builtin {
    name: "TO_TIMESTAMP",
    usage: "TO_TIMESTAMP(text [, pattern]) reads a TIMESTAMP(3), by default from yyyy-MM-dd HH:mm:ss; NULL where the text is none.",
    overloads: &[
        Overload { parameters: &[Text], returns: TIMESTAMP },
        Overload { parameters: &[Text, Text], returns: TIMESTAMP },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let mut read = reader(call, parse_timestamp)?;
        call.collect_as::<TimestampMillisecondType>(|row| Ok(read(row)?.map(|t| t.and_utc().timestamp_millis())))
    },
    ..BUILTIN
};

pub static TO_TIMESTAMP_LTZ: Builtin = Builtin {
    name: "TO_TIMESTAMP_LTZ",
    usage: "TO_TIMESTAMP_LTZ(number [, precision]) reads epoch seconds (precision 0) or milliseconds (3, the default); TO_TIMESTAMP_LTZ(text [, pattern [, zone]]) reads a text, in UTC unless a zone is given; without a pattern a text that is no time is an error.",
    overloads: &[
        Overload { parameters: &[Long], returns: INSTANT },
        Overload { parameters: &[Long, Int], returns: INSTANT },
        Overload { parameters: &[Exact], returns: INSTANT },
        Overload { parameters: &[Exact, Int], returns: INSTANT },
        Overload { parameters: &[Double], returns: INSTANT },
        Overload { parameters: &[Double, Int], returns: INSTANT },
        Overload { parameters: &[Text], returns: INSTANT },
        Overload { parameters: &[Text, Text], returns: INSTANT },
        Overload { parameters: &[Text, Text, Text], returns: INSTANT },
    ],
    nulls: Nulls::Always,
    kernel: |call| match &call.argument_type(0)?.kind {
        kind if kind.is_integer() => instant_from_integer(call),
        kind if kind.is_string() => instant_from_text(call),
        TypeKind::Decimal { scale, .. } => instant_from_decimal(call, *scale),
        _ => instant_from_double(call),
    },
    ..BUILTIN
};

pub static TO_DATE: Builtin = Builtin {
    name: "TO_DATE",
    usage: "TO_DATE(text [, pattern]) reads a DATE, by default from yyyy-MM-dd; NULL where the text is none.",
    overloads: &[
        Overload { parameters: &[Text], returns: Returns::Kind(TypeName::Date) },
        Overload { parameters: &[Text, Text], returns: Returns::Kind(TypeName::Date) },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let mut read = reader(call, |text| parse_date(text).and_then(|d| d.and_hms_opt(0, 0, 0)))?;
        call.collect_as::<Date32Type>(|row| {
            let days = |t: NaiveDateTime| t.date().signed_duration_since(NaiveDate::default()).num_days() as i32;
            Ok(read(row)?.map(days))
        })
    },
    ..BUILTIN
};

pub static UNIX_TIMESTAMP: Builtin = Builtin {
    name: "UNIX_TIMESTAMP",
    usage: "UNIX_TIMESTAMP() is the current time in seconds; UNIX_TIMESTAMP(text [, pattern]) reads a text in the session zone.",
    overloads: &[
        Overload { parameters: &[Text], returns: BIGINT },
        Overload { parameters: &[Text, Text], returns: BIGINT },
    ],
    kernel: |call| {
        let standard = JavaPattern::parse(SECONDS)?;
        let present = call.text(0)?;
        let patterned = call.arguments.len() > 1;
        let patterns = if patterned { Some(call.text(1)?) } else { None };
        let mut read = reader(call, move |text| standard.parse_text(text))?;
        call.try_collect(|row| {
            if present.at(row).is_none() || patterns.as_ref().is_some_and(|p| p.at(row).is_none()) {
                return Ok(None);
            }
            let instant = |t: NaiveDateTime| later_instant(t, call.context.zone);
            Ok(Some(read(row)?.map_or(NO_TIME, |t| instant(t).div_euclid(1_000))))
        })
    },
    ..BUILTIN
};

pub static FROM_UNIXTIME: Builtin = Builtin {
    name: "FROM_UNIXTIME",
    usage: "FROM_UNIXTIME(seconds [, pattern]) writes a time in the session zone, by default as yyyy-MM-dd HH:mm:ss.",
    overloads: &[
        Overload { parameters: &[Long], returns: STRING },
        Overload { parameters: &[Long, Text], returns: STRING },
    ],
    nulls: Nulls::Always,
    kernel: |call| {
        let seconds = call.long(0)?;
        let patterns = if call.arguments.len() > 1 { Some(call.text(1)?) } else { None };
        let (mut memo, mut out) = (Memo::new(), String::new());
        call.try_collect(|row| {
            let pattern = match &patterns {
                Some(patterns) => patterns.at(row),
                None => Some(SECONDS),
            };
            let Some((pattern, seconds)) = pattern.zip(seconds.at(row)) else { return Ok(None) };
            let zone = call.context.zone;
            let local = seconds.checked_mul(1_000).and_then(|ms| naive_from_ms(instant_to_local(ms, zone)));
            let Some(local) = local else {
                return Err(Error::data(format!("{seconds} seconds since 1970 lie outside the calendar")));
            };
            out.clear();
            memo.get(pattern, JavaPattern::parse)?.format(local, Some(zone), &mut out);
            Ok(Some(out.clone()))
        })
    },
    ..BUILTIN
};

pub static CONVERT_TZ: Builtin = Builtin {
    name: "CONVERT_TZ",
    usage: "CONVERT_TZ(text, from, to) moves a yyyy-MM-dd HH:mm:ss text from one time zone to another.",
    overloads: &[Overload { parameters: &[Text, Text, Text], returns: STRING }],
    nulls: Nulls::Always,
    kernel: |call| {
        let (texts, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
        let pattern = JavaPattern::parse(SECONDS)?;
        call.write(|row, out| {
            let (text, from, to) = (texts.at(row)?, from.at(row)?, to.at(row)?);
            let local = pattern.parse_text(text)?;
            // Java takes GMT for a zone it doesn't know.
            let zone = |name: &str| name.parse::<Tz>().unwrap_or(Tz::UTC);
            let moved = instant_to_local(later_instant(local, zone(from)), zone(to));
            pattern.format(naive_from_ms(moved)?, Some(zone(to)), out);
            Some(())
        })
    },
    ..BUILTIN
};

/// Like [`local_to_instant`], but of the hour that a clock shows twice the second one: these functions go through Java's
/// old calendar.
fn later_instant(local: NaiveDateTime, zone: Tz) -> i64 {
    match zone.from_local_datetime(&local) {
        LocalResult::Ambiguous(_, later) => later.timestamp_millis(),
        _ => local_to_instant(local.and_utc().timestamp_millis(), zone),
    }
}

/// Reads the first argument by the second, a pattern, or by `standard` where there is none.
fn reader<'a>(
    call: &Call<'_>,
    standard: impl Fn(&str) -> Option<NaiveDateTime> + 'a,
) -> Result<impl FnMut(usize) -> Result<Option<NaiveDateTime>> + 'a> {
    let texts = call.text(0)?;
    let patterns = if call.arguments.len() > 1 { Some(call.text(1)?) } else { None };
    let mut memo = Memo::new();
    Ok(move |row| {
        let Some(text) = texts.at(row) else { return Ok(None) };
        match &patterns {
            None => Ok(standard(text)),
            Some(patterns) => match patterns.at(row) {
                Some(pattern) => Ok(memo.get(pattern, JavaPattern::parse)?.parse_text(text)),
                None => Ok(None),
            },
        }
    })
}

/// What a number counts: seconds or milliseconds.
fn milliseconds_per_unit(precision: i32) -> Result<i64> {
    match precision {
        0 => Ok(1_000),
        3 => Ok(1),
        other => Err(Error::data(format!("TO_TIMESTAMP_LTZ reads precision 0 or 3, not {other}"))),
    }
}

/// Milliseconds are the rows in memory already.
fn instant_from_integer(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.long(0)?;
    let precisions = if call.arguments.len() > 1 { Some(call.int(1)?) } else { None };
    let constant = match &precisions {
        None => Some(3),
        Some(p) if p.is_constant() => p.at(0),
        Some(_) => None,
    };
    if constant == Some(3) && !numbers.is_constant() {
        let values = numbers.array();
        let times = TimestampMillisecondArray::new(values.values().clone(), values.nulls().cloned());
        return Ok(Arc::new(times.with_timezone("UTC")));
    }
    call.collect_as::<TimestampMillisecondType>(|row| {
        let precision = precisions.as_ref().map_or(Some(3), |p| p.at(row));
        let Some((number, precision)) = numbers.at(row).zip(precision) else { return Ok(None) };
        Ok(number.checked_mul(milliseconds_per_unit(precision)?))
    })
}

/// Fractions of a millisecond are cut off.
fn instant_from_double(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.double(0)?;
    let precisions = if call.arguments.len() > 1 { Some(call.int(1)?) } else { None };
    call.collect_as::<TimestampMillisecondType>(|row| {
        let precision = precisions.as_ref().map_or(Some(3), |p| p.at(row));
        let Some((number, precision)) = numbers.at(row).zip(precision) else { return Ok(None) };
        Ok(Some((number * milliseconds_per_unit(precision)? as f64) as i64))
    })
}

/// The fraction of a decimal is cut off before anything else.
fn instant_from_decimal(call: &Call<'_>, scale: u8) -> Result<ArrayRef> {
    let numbers = call.column::<Decimal128Array>(0)?;
    let precisions = if call.arguments.len() > 1 { Some(call.int(1)?) } else { None };
    let one = 10i128.pow(u32::from(scale));
    call.collect_as::<TimestampMillisecondType>(|row| {
        let precision = precisions.as_ref().map_or(Some(3), |p| p.at(row));
        let Some((number, precision)) = numbers.at(row).zip(precision) else { return Ok(None) };
        let per_unit = milliseconds_per_unit(precision)?;
        Ok(i64::try_from(number / one).ok().and_then(|whole| whole.checked_mul(per_unit)))
    })
}

fn instant_from_text(call: &Call<'_>) -> Result<ArrayRef> {
    let zones = if call.arguments.len() > 2 { Some(call.text(2)?) } else { None };
    let mut read = reader(call, parse_timestamp)?;
    let (texts, patterned) = (call.text(0)?, call.arguments.len() > 1);
    call.collect_as::<TimestampMillisecondType>(|row| {
        let zone = match zones.as_ref().map(|z| z.at(row)) {
            None => Some(Tz::UTC),
            Some(name) => name.and_then(|n| n.parse::<Tz>().ok()),
        };
        let local = read(row)?.map(|t| t.and_utc().timestamp_millis());
        // Only the form with a pattern gives NULL for a text that is no time.
        if let (None, false, Some(text)) = (local, patterned, texts.at(row)) {
            return Err(Error::data(format!("cannot read '{text}' as a timestamp"))
                .with_hint("TO_TIMESTAMP_LTZ(text, pattern) gives NULL instead."));
        }
        Ok(local.zip(zone).map(|(ms, zone)| local_to_instant(ms, zone)))
    })
}

//! DATE_FORMAT: a time as text, by a Java pattern.

use arrow::array::ArrayRef;
use chrono_tz::Tz;

use super::extract::local_nanos;
use crate::error::Result;
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::{Call, Memo};
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::time::{JavaPattern, SimplePattern, naive_from_ms};
use crate::types::TypeKind;

use Family::{Instant, Text, Timestamp};

const STRING: Returns = Returns::Kind(TypeName::String);

pub static DATE_FORMAT: Builtin = Builtin {
    name: "DATE_FORMAT",
    usage: "DATE_FORMAT(time, pattern) writes a time by a Java pattern; HH is the hour 0-23, hh the hour 1-12.",
    overloads: &[
        Overload { parameters: &[Timestamp, Text], returns: STRING },
        Overload { parameters: &[Instant, Text], returns: STRING },
        Overload { parameters: &[Text, Text], returns: STRING },
    ],
    nulls: Nulls::Always,
    kernel: date_format,
    ..BUILTIN
};

fn date_format(call: &Call<'_>) -> Result<ArrayRef> {
    if call.argument_type(0)?.kind.is_string() {
        return date_format_of_text(call);
    }
    let patterns = call.text(1)?;
    let (mut memo, mut out) = (Memo::new(), String::new());
    let zone = matches!(call.argument_type(0)?.kind, TypeKind::TimestampLtz(_)).then_some(call.context.zone);
    let local = local_nanos(call, 0)?;
    call.try_collect(|row| {
        let time = local(row).and_then(|nanos| {
            let ms = i64::try_from(nanos.div_euclid(1_000_000)).ok()?;
            let rest = nanos.rem_euclid(1_000_000) as i64;
            naive_from_ms(ms)?.checked_add_signed(chrono::TimeDelta::nanoseconds(rest))
        });
        let Some((time, pattern)) = time.zip(patterns.at(row)) else { return Ok(None) };
        out.clear();
        memo.get(pattern, JavaPattern::parse)?.format(time, zone, &mut out);
        Ok(Some(out.clone()))
    })
}

/// A text is read by one pattern, leniently and without a fraction, and written in the letters of `SimpleDateFormat`.
fn date_format_of_text(call: &Call<'_>) -> Result<ArrayRef> {
    const READ_AS: &str = "yyyy-MM-dd HH:mm:ss";
    let (texts, patterns) = (call.text(0)?, call.text(1)?);
    let (read_as, mut memo, mut out) = (SimplePattern::parse(READ_AS)?, Memo::new(), String::new());
    call.try_collect(|row| {
        let Some((text, pattern)) = texts.at(row).zip(patterns.at(row)) else { return Ok(None) };
        let Some(instant) = read_as.parse_text(text, Tz::UTC) else { return Ok(None) };
        out.clear();
        memo.get(pattern, SimplePattern::parse)?.format_instant(instant, Tz::UTC, &mut out);
        Ok(Some(out.clone()))
    })
}

//! Casts against Flink's answers, and what must hold for any input.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use chrono_tz::Tz;

use super::{CastMode, cast_array};
use crate::error::{ErrorKind, Result};
use crate::types::{SqlType, TypeKind};

/// A type from a golden file.
pub(super) fn ty(text: &str) -> SqlType {
    use TypeKind::*;
    let (name, arguments) = text.split_once('(').unwrap_or((text, ""));
    let mut numbers = arguments.trim_end_matches(')').split(',').filter_map(|n| n.trim().parse::<u32>().ok());
    let mut next = |default: u32| numbers.next().unwrap_or(default);
    SqlType::nullable(match name {
        "CHAR" => Char(next(1)),
        "VARCHAR" => Varchar(next(1)),
        "STRING" => return SqlType::string(),
        "BOOLEAN" => Boolean,
        "BINARY" => Binary(next(1)),
        "VARBINARY" => Varbinary(next(1)),
        "BYTES" => return SqlType::bytes(),
        "DECIMAL" => Decimal { precision: next(10) as u8, scale: next(0) as u8 },
        "TINYINT" => TinyInt,
        "SMALLINT" => SmallInt,
        "INT" => Int,
        "BIGINT" => BigInt,
        "FLOAT" => Float,
        "DOUBLE" => Double,
        "DATE" => Date,
        "TIME" => Time(next(0) as u8),
        "TIMESTAMP" => Timestamp(next(6) as u8),
        "TIMESTAMP_LTZ" => TimestampLtz(next(6) as u8),
        other => panic!("a golden file names the type {other}"),
    })
}

fn strings(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<StringArray>())
}

/// `text` as `from` as `to` as text; `None` for NULL.
fn through(text: &str, from: &SqlType, to: &SqlType, mode: CastMode) -> Result<Option<String>> {
    let zone = Tz::Europe__Berlin;
    let input = cast_array(&strings(&[Some(text)]), &SqlType::string(), from, CastMode::Explicit, zone)?;
    let output = cast_array(&input, from, to, mode, zone)?;
    assert_eq!(*output.data_type(), to.arrow(), "{from} as {to}");
    let shown = cast_array(&output, to, &SqlType::string(), CastMode::Explicit, zone)?;
    let shown = shown.as_string::<i32>();
    Ok(shown.is_valid(0).then(|| shown.value(0).to_owned()))
}

fn rows(golden: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    golden.lines().filter(|l| !l.starts_with('#')).map(|line| line.split('\t').collect())
}

#[test]
fn values_are_cast_as_in_flink_but_for_the_listed_differences() {
    let mut differences = rows(include_str!("../../../tests/golden/cast/differences.tsv"))
        .map(|row| ((row[0], row[1], row[2]), row[3]))
        .collect::<std::collections::HashMap<_, _>>();
    let mut wrong = Vec::new();
    for row in rows(include_str!("../../../tests/golden/cast/values.tsv")) {
        let [from, input, to, flink] = row[..] else { panic!("{row:?}") };
        let expected = differences.remove(&(from, input, to)).unwrap_or(flink);
        let actual = through(input, &ty(from), &ty(to), CastMode::Try);
        let actual = actual.map(|text| text.unwrap_or("<NULL>".to_owned()));
        if !actual.as_ref().is_ok_and(|text| text == expected) {
            wrong.push(format!("'{input}' from {from} to {to}: {actual:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(differences.is_empty(), "not in values.tsv: {differences:?}");
}

#[test]
fn a_value_that_cannot_be_cast_fails_by_name() {
    for (input, from, to, message) in [
        ("abc", "STRING", "INT", "cannot cast 'abc' to INT"),
        ("300", "STRING", "TINYINT", "cannot cast '300' to TINYINT"),
        ("maybe", "STRING", "BOOLEAN", "cannot cast 'maybe' to BOOLEAN"),
        ("maybe", "STRING", "TIMESTAMP(3)", "cannot cast 'maybe' to TIMESTAMP(3)"),
        ("2020-02-30", "STRING", "DATE", "cannot cast '2020-02-30' to DATE"),
        ("12345.678", "STRING", "DECIMAL(5,2)", "cannot cast '12345.678' to DECIMAL(5, 2)"),
        ("NaN", "DOUBLE", "DECIMAL(5,2)", "cannot cast NaN to DECIMAL(5, 2)"),
        ("9999-12-31", "DATE", "TIMESTAMP(9)", "cannot cast 9999-12-31 to TIMESTAMP(9)"),
    ] {
        let error = through(input, &ty(from), &ty(to), CastMode::Explicit).err();
        assert_eq!(error.as_ref().map(|e| (e.kind(), e.message())), Some((ErrorKind::Data, message)));
    }
    // A number without room is NULL, not an error.
    for mode in [CastMode::Explicit, CastMode::Implicit] {
        assert!(matches!(through("1234.5", &ty("DOUBLE"), &ty("DECIMAL(5,2)"), mode), Ok(None)));
    }
}

//! Patterns against Flink's answers, and what must hold for any pattern.

use chrono::NaiveDateTime;
use proptest::prelude::*;

use super::{JavaPattern, SimplePattern, parse_date, parse_time, parse_timestamp};
use crate::types::print::{PrintStyle, print_value};
use crate::types::{SqlType, TypeKind};

fn rows(golden: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    golden.lines().filter(|l| !l.starts_with('#')).map(|line| {
        let [a, b, c] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        [a, b, c]
    })
}

fn iso(timestamp: NaiveDateTime) -> String {
    let millis = arrow::array::TimestampMillisecondArray::from(vec![timestamp.and_utc().timestamp_millis()]);
    let mut out = String::new();
    let ty = SqlType::nullable(TypeKind::Timestamp(3));
    print_value(&millis, 0, &ty, chrono_tz::Tz::UTC, PrintStyle::Row, &mut out);
    out
}

#[test]
fn timestamps_are_read_by_a_pattern_as_in_flink() {
    let mut wrong = Vec::new();
    for [text, pattern, expected] in rows(include_str!("../../../tests/golden/cast/to_timestamp.tsv")) {
        let parsed = JavaPattern::parse(pattern).map(|p| p.parse_text(text).map_or("null".to_owned(), iso));
        if !parsed.as_ref().is_ok_and(|p| p == expected) {
            wrong.push(format!("{text:?} by {pattern:?}: {parsed:?}, Flink gives {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn timestamps_are_written_by_a_pattern_as_in_flink() {
    let mut wrong = Vec::new();
    for [timestamp, pattern, expected] in rows(include_str!("../../../tests/golden/cast/date_format.tsv")) {
        let timestamp = timestamp.parse::<NaiveDateTime>().unwrap_or_else(|_| panic!("{timestamp}"));
        let mut out = String::new();
        let parsed = JavaPattern::parse(pattern);
        if let Ok(pattern) = &parsed {
            pattern.format(timestamp, None, &mut out);
        }
        if parsed.is_err() || out != expected {
            wrong.push(format!("{pattern:?}: {out:?} {:?}, Flink gives {expected:?}", parsed.err()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn simple_patterns_read_leniently_as_in_flink() {
    let mut wrong = Vec::new();
    for [text, pattern, expected] in rows(include_str!("../../../tests/golden/cast/unix_timestamp.tsv")) {
        let parsed = SimplePattern::parse(pattern).map(|p| p.parse_text(text, chrono_tz::Tz::Europe__Berlin));
        let seconds = parsed.map(|ms| ms.map_or("MIN".to_owned(), |ms| ms.div_euclid(1000).to_string()));
        if !seconds.as_ref().is_ok_and(|s| s == expected) {
            wrong.push(format!("{text:?} by {pattern:?}: {seconds:?}, Flink gives {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn simple_patterns_write_as_in_flink() {
    let mut wrong = Vec::new();
    for [seconds, pattern, expected] in rows(include_str!("../../../tests/golden/cast/from_unixtime.tsv")) {
        let instant = seconds.parse::<i64>().unwrap_or_else(|_| panic!("{seconds}")) * 1000;
        let mut out = String::new();
        let parsed = SimplePattern::parse(pattern);
        if let Ok(pattern) = &parsed {
            pattern.format_instant(instant, chrono_tz::Tz::Europe__Berlin, &mut out);
        }
        if parsed.is_err() || out != expected {
            wrong.push(format!("{pattern:?}: {out:?} {:?}, Flink gives {expected:?}", parsed.err()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bad_pattern_is_an_error_that_names_its_letter() {
    for (pattern, message) in [
        ("yyyy j", "unknown letter j in the date pattern 'yyyy j'"),
        ("yyyy {", "reserved character { in the date pattern 'yyyy {'"),
        ("HHH", "3 letters H in a row in the date pattern 'HHH'"),
        ("yyyy 'abc", "unterminated quote in the date pattern 'yyyy 'abc'"),
        ("yyyy]", "unmatched ] in the date pattern 'yyyy]'"),
    ] {
        assert_eq!(JavaPattern::parse(pattern).map_err(|e| e.message().to_owned()).err().as_deref(), Some(message));
    }
}

#[test]
fn zones_and_offsets_are_written_where_there_is_a_zone() -> crate::error::Result<()> {
    let winter = NaiveDateTime::default();
    for (pattern, zone, expected) in [
        ("z Z ZZZZ X XX XXX x", chrono_tz::Tz::Europe__Berlin, "CET +0100 GMT+01:00 +01 +0100 +01:00 +01"),
        ("Z ZZZZZ X x xxx VV", chrono_tz::Tz::UTC, "+0000 Z Z +00 +00:00 UTC"),
        ("X XX", chrono_tz::Tz::Asia__Kolkata, "+0530 +0530"),
    ] {
        let mut out = String::new();
        let pattern = JavaPattern::parse(pattern)?;
        assert!(pattern.needs_zone());
        pattern.format(winter, Some(zone), &mut out);
        assert_eq!(out, expected);
    }
    assert!(!JavaPattern::parse("yyyy 'Z'")?.needs_zone());
    Ok(())
}

proptest! {
    #[test]
    fn what_a_complete_pattern_writes_it_reads_back(ms in 0i64..253_402_300_800_000, index in 0usize..6) {
        let patterns = ["yyyy-MM-dd HH:mm:ss.SSS", "yyyyMMddHHmmssSSS", "EEE, d MMM uuuu hh:mm:ss.SSS a", "DDD/yyyy kk-m-s.SSS",
            "dd MMMM y K:mm:ss SSS a G", "YYYY'W'ww-e A"];
        let Some(timestamp) = super::naive_from_ms(ms) else { return Ok(()) };
        let mut out = String::new();
        let pattern = JavaPattern::parse(patterns[index]).map_err(|e| TestCaseError::fail(e.to_string()))?;
        pattern.format(timestamp, None, &mut out);
        prop_assert_eq!(pattern.parse_text(&out), Some(timestamp), "{}", out);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "[-+0-9:. TZa-z]{0,30}|\\PC{0,20}", pattern in "[a-zA-Z\\[\\]'/:. -]{0,12}") {
        parse_timestamp(&text);
        parse_date(&text);
        parse_time(&text);
        if let Ok(pattern) = SimplePattern::parse(&pattern) {
            pattern.parse_text(&text, chrono_tz::Tz::America__New_York);
            pattern.format(NaiveDateTime::MIN, chrono_tz::Tz::Asia__Tokyo, &mut String::new());
            pattern.format_instant(i64::MAX, chrono_tz::Tz::Asia__Tokyo, &mut String::new());
        }
        if let Ok(pattern) = JavaPattern::parse(&pattern) {
            pattern.parse_text(&text);
            let mut out = String::new();
            pattern.format(NaiveDateTime::MAX, Some(chrono_tz::Tz::Europe__Berlin), &mut out);
            pattern.format(NaiveDateTime::MIN, Some(chrono_tz::Tz::Asia__Tokyo), &mut out);
        }
    }
}

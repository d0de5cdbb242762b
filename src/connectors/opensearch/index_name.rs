//! The name of the index a row goes to: fixed, by a column, or by the time of writing.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Time32MillisecondType};
use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;

use super::key_text::{has_key_text, local_timestamp, push_key_text};
use crate::connectors::TableDescriptor;
use crate::connectors::options::Options;
use crate::error::{Result, did_you_mean};
use crate::functions::time::{JavaPattern, instant_to_local, naive_from_ms};
use crate::time::Clock;
use crate::types::TypeKind;

/// `cpu_high_load`, `cpu-{host}`, `cpu-{time|yyyy-MM-dd}` or `cpu-{now()|yyyy-MM}`.
#[derive(Debug, Clone)]
pub struct IndexName {
    prefix: String,
    part: Part,
    suffix: String,
    zone: Tz,
}

/// What stands between the braces.
#[derive(Debug, Clone)]
enum Part {
    Nothing,
    Column(usize),
    Formatted(usize, Arc<JavaPattern>),
    Now(Arc<JavaPattern>),
}

impl IndexName {
    /// Reads the `index` option of a table.
    ///
    /// # Errors
    /// More than one part in braces, a column that isn't there or has no time for the pattern, a bad pattern.
    pub fn parse(text: &str, table: &TableDescriptor, options: &Options) -> Result<Self> {
        let name = |prefix: &str, part, suffix: &str| Self {
            prefix: prefix.to_string(),
            part,
            suffix: suffix.to_string(),
            zone: table.zone,
        };
        let invalid = |why: String| options.invalid("index", why);
        let Some((prefix, rest)) = text.split_once('{') else {
            return Ok(name(text, Part::Nothing, ""));
        };
        let (inner, suffix) = rest.split_once('}').ok_or_else(|| invalid(format!("a '{{' in '{text}' has no '}}'")))?;
        if suffix.contains('{') || inner.contains('{') {
            let why = format!("chaining dynamic index pattern '{text}' is not supported, only a single one is");
            return Err(invalid(why));
        }
        let (field, pattern) = match inner.split_once('|') {
            Some((field, pattern)) => (field.trim(), Some(pattern.trim())),
            None => (inner.trim(), None),
        };
        if let Some(pattern) = pattern.filter(|_| is_now(field)) {
            let pattern = if pattern.is_empty() { "yyyy_MM_dd_HH_mm_ss" } else { pattern };
            return Ok(name(prefix, Part::Now(parse_pattern(pattern, options)?), suffix));
        }
        let Some(position) = table.columns.index_of(field) else {
            let error = invalid(format!("unknown field '{field}' in index pattern '{text}'"));
            let hint = did_you_mean(field, table.columns.names());
            return Err(match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            });
        };
        let ty = &table.columns.fields[position].ty;
        let part = match pattern {
            None if has_key_text(ty) => Part::Column(position),
            None => return Err(invalid(format!("column '{field}' is {}, which has no text for a name", ty.kind))),
            Some(pattern) => {
                let default = default_pattern(&ty.kind).ok_or_else(|| {
                    let only = "only DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ columns take a pattern";
                    invalid(format!("column '{field}' is {}: {only}", ty.kind))
                })?;
                let pattern = if pattern.is_empty() { default } else { pattern };
                Part::Formatted(position, parse_pattern(pattern, options)?)
            }
        };
        Ok(name(prefix, part, suffix))
    }

    /// True where the name depends on when a row is written.
    pub fn is_by_time_of_writing(&self) -> bool {
        matches!(self.part, Part::Now(_))
    }

    /// True where all rows go to one index.
    pub fn is_fixed(&self) -> bool {
        matches!(self.part, Part::Nothing)
    }

    /// What finds every index that rows may have gone to: `cpu-*`.
    pub fn search_expression(&self) -> String {
        match self.part {
            Part::Nothing => self.prefix.clone(),
            _ => format!("{}*{}", self.prefix, self.suffix),
        }
    }

    /// Appends the name of the index for a row. NULL reads `null`, as in Flink.
    pub fn push(&self, rows: &RecordBatch, row: usize, clock: &dyn Clock, out: &mut String) {
        out.push_str(&self.prefix);
        match &self.part {
            Part::Nothing => {}
            Part::Column(column) | Part::Formatted(column, _) if rows.column(*column).is_null(row) => {
                out.push_str("null");
            }
            Part::Column(column) => push_plain(rows.column(*column).as_ref(), row, out),
            Part::Formatted(column, pattern) => self.push_formatted(rows.column(*column).as_ref(), row, pattern, out),
            Part::Now(pattern) => {
                if let Some(local) = naive_from_ms(instant_to_local(clock.now_ms(), self.zone)) {
                    pattern.format(local, Some(self.zone), out);
                }
            }
        }
        out.push_str(&self.suffix);
    }

    fn push_formatted(&self, array: &dyn Array, row: usize, pattern: &JavaPattern, out: &mut String) {
        let midnight = chrono::NaiveTime::MIN;
        let local = match array.data_type() {
            DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row).map(|d| d.and_time(midnight)),
            DataType::Time32(_) => array
                .as_primitive::<Time32MillisecondType>()
                .value_as_time(row)
                .map(|t| chrono::NaiveDate::default().and_time(t)),
            DataType::Timestamp(_, None) => local_timestamp(array, row),
            _ => local_timestamp(array, row).map(|utc| utc.and_utc().with_timezone(&self.zone).naive_local()),
        };
        if let Some(local) = local {
            pattern.format(local, Some(self.zone), out);
        }
    }
}

/// A date is its day number and a time its millisecond here: Flink shows what it holds in memory.
fn push_plain(array: &dyn Array, row: usize, out: &mut String) {
    match array.data_type() {
        DataType::Date32 => out.push_str(&array.as_primitive::<Date32Type>().value(row).to_string()),
        DataType::Time32(_) => out.push_str(&array.as_primitive::<Time32MillisecondType>().value(row).to_string()),
        _ => push_key_text(array, row, out),
    }
}

fn is_now(field: &str) -> bool {
    let squeezed: String = field.chars().filter(|c| !c.is_whitespace()).collect();
    matches!(squeezed.as_str(), "now()" | "NOW()" | "current_timestamp" | "CURRENT_TIMESTAMP")
}

fn default_pattern(kind: &TypeKind) -> Option<&'static str> {
    match kind {
        TypeKind::Date => Some("yyyy_MM_dd"),
        TypeKind::Time(_) => Some("HH_mm_ss"),
        TypeKind::Timestamp(_) => Some("yyyy_MM_dd_HH_mm_ss"),
        TypeKind::TimestampLtz(_) => Some("yyyy_MM_dd_HH_mm_ssX"),
        _ => None,
    }
}

fn parse_pattern(pattern: &str, options: &Options) -> Result<Arc<JavaPattern>> {
    let parsed = JavaPattern::parse(pattern).map_err(|e| options.invalid("index", e.message()))?;
    Ok(Arc::new(parsed))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array, StringArray, TimestampMillisecondArray};

    use super::*;
    use crate::time::ManualClock;
    use crate::types::{Field, Schema, SqlType};

    /// 2021-11-29T23:30:12Z
    const AT: i64 = 1_638_228_612_000;

    fn table() -> TableDescriptor {
        TableDescriptor {
            name: "T".into(),
            columns: Schema::new(vec![
                Field::new("host", SqlType::string()),
                Field::new("day", SqlType::nullable(TypeKind::Date)),
                Field::new("ts", SqlType::nullable(TypeKind::Timestamp(3))),
                Field::new("at", SqlType::nullable(TypeKind::TimestampLtz(3))),
            ]),
            metadata: Vec::new(),
            primary_key: Vec::new(),
            partition_keys: Vec::new(),
            options: [("connector", "opensearch")].into_iter().collect(),
            zone: chrono_tz::Tz::Europe__Berlin,
        }
    }

    fn parse(text: &str) -> Result<IndexName> {
        let table = table();
        let options = Options::check(table.owner(), &table.options, &[])?;
        IndexName::parse(text, &table, &options)
    }

    fn names(text: &str) -> [String; 2] {
        let columns: [(&str, ArrayRef); 4] = [
            ("host", Arc::new(StringArray::from(vec![Some("doc"), None]))),
            ("day", Arc::new(Date32Array::from(vec![Some(18_960), None]))),
            ("ts", Arc::new(TimestampMillisecondArray::from(vec![Some(AT), None]))),
            ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(AT), None]).with_timezone("UTC"))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let index = parse(text).unwrap();
        [0, 1].map(|row| {
            let mut out = String::new();
            index.push(&rows, row, &ManualClock::new(AT), &mut out);
            out
        })
    }

    #[test]
    fn a_row_goes_to_the_index_that_its_columns_and_the_clock_name() {
        for (text, expected) in [
            ("cpu", ["cpu", "cpu"]),
            ("cpu-{host}-x", ["cpu-doc-x", "cpu-null-x"]),
            ("cpu-{day}", ["cpu-18960", "cpu-null"]),
            ("cpu-{ts}", ["cpu-2021-11-29T23:30:12", "cpu-null"]),
            ("cpu-{day|yyyy-MM}", ["cpu-2021-11", "cpu-null"]),
            ("cpu-{ts|yyyy-MM-dd}", ["cpu-2021-11-29", "cpu-null"]),
            ("cpu-{at|yyyy-MM-dd}", ["cpu-2021-11-30", "cpu-null"]),
            ("cpu-{ts|}", ["cpu-2021_11_29_23_30_12", "cpu-null"]),
            ("cpu-{now()|yyyy-MM-dd}", ["cpu-2021-11-30", "cpu-2021-11-30"]),
            ("cpu-{ CURRENT_TIMESTAMP | yyyy }", ["cpu-2021", "cpu-2021"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn all_indexes_of_a_dynamic_name_are_found_by_a_wildcard() {
        assert_eq!(parse("cpu-{host}-x").unwrap().search_expression(), "cpu-*-x");
        assert_eq!(parse("cpu").unwrap().search_expression(), "cpu");
        assert!(parse("cpu-{now()|yyyy}").unwrap().is_by_time_of_writing());
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for (text, expected) in [
            ("a{host}b{day}", "chaining dynamic index pattern 'a{host}b{day}' is not supported"),
            ("a{hst}", "unknown field 'hst' in index pattern 'a{hst}'"),
            ("a{host|yyyy}", "column 'host' is STRING: only DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ"),
            ("a{host", "a '{' in 'a{host' has no '}'"),
            ("a{now()|bbb}", "b"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().starts_with("option 'index' of table"), "{error}");
            assert!(error.message().contains(expected), "{error}");
        }
        assert_eq!(parse("a{hst}").unwrap_err().hint(), Some("Did you mean \"host\"?"));
    }
}

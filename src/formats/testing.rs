//! What the tests of formats share: types from text, rows as Flink prints them, golden files.

use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;

use super::{FormatRole, TableFormat};
use crate::connectors::options::RawOptions;
use crate::types::print::{PrintStyle, print_row};
use crate::types::{Field, RowField, STRING_LENGTH, Schema, SqlType, TypeKind};

/// `a INT, b ROW<x INT> NOT NULL` to a schema; only what the tests use.
pub fn schema(text: &str) -> Schema {
    fields(text).into_iter().map(|(name, ty)| Field::new(name, ty)).collect()
}

fn fields(text: &str) -> Vec<(String, SqlType)> {
    let field = |part: &str| {
        let (name, ty) = part.trim().split_once(' ').expect("a name and a type");
        (name.to_string(), sql_type(ty))
    };
    split(text).into_iter().map(field).collect()
}

/// Splits at commas outside brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

pub fn sql_type(text: &str) -> SqlType {
    let text = text.trim();
    if let Some(ty) = text.strip_suffix(" NOT NULL") {
        return sql_type(ty).with_nullable(false);
    }
    let inner = |open: char| {
        let (name, rest) = text.split_once(open).unwrap_or((text, ""));
        (name, rest.get(..rest.len().saturating_sub(1)).unwrap_or(""))
    };
    let (name, arguments) = if text.contains('<') { inner('<') } else { inner('(') };
    let numbers: Vec<u8> = arguments.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let number = |default| numbers.first().copied().unwrap_or(default);
    SqlType::nullable(match name {
        "STRING" => TypeKind::Varchar(STRING_LENGTH),
        "CHAR" => TypeKind::Char(number(1).into()),
        "BYTES" => TypeKind::Varbinary(STRING_LENGTH),
        "BOOLEAN" => TypeKind::Boolean,
        "TINYINT" => TypeKind::TinyInt,
        "SMALLINT" => TypeKind::SmallInt,
        "INT" => TypeKind::Int,
        "BIGINT" => TypeKind::BigInt,
        "FLOAT" => TypeKind::Float,
        "DOUBLE" => TypeKind::Double,
        "DATE" => TypeKind::Date,
        "TIME" => TypeKind::Time(number(0)),
        "TIMESTAMP" => TypeKind::Timestamp(number(6)),
        "TIMESTAMP_LTZ" => TypeKind::TimestampLtz(number(6)),
        "INTERVAL DAY TO SECOND" => TypeKind::IntervalDayTime,
        "DECIMAL" => TypeKind::Decimal { precision: number(10), scale: numbers.get(1).copied().unwrap_or(0) },
        "ARRAY" => TypeKind::Array(Box::new(sql_type(arguments))),
        "MULTISET" => TypeKind::Multiset(Box::new(sql_type(arguments))),
        "MAP" => {
            let parts = split(arguments);
            TypeKind::Map(Box::new(sql_type(parts[0])), Box::new(sql_type(parts[1])))
        }
        "ROW" => TypeKind::Row(
            fields(arguments).into_iter().map(|(name, ty)| RowField { name, ty, comment: None }).collect(),
        ),
        other => panic!("no test type {other}"),
    })
}

/// A format as a table with these options asks for it; `'format'` is among them.
pub fn table_format(options: &[(&str, &str)], lines: bool) -> TableFormat {
    let options: RawOptions = options.iter().copied().collect();
    TableFormat::require(&options, FormatRole::Value, "table \"t\"", Tz::UTC, lines).expect("a known format")
}

/// Rows as Flink's `Row.toString` shows them, without `+I[]`.
pub fn rows(batch: &RecordBatch, schema: &Schema) -> Vec<String> {
    let types: Vec<SqlType> = schema.fields.iter().map(|f| f.ty.clone()).collect();
    let row = |i| {
        let mut out = String::new();
        print_row(batch, i, &types, Tz::UTC, PrintStyle::Row, &mut out);
        out
    };
    (0..batch.num_rows()).map(row).collect()
}

/// A case of a golden file: what a real Flink 2.2 made of a message.
///
/// Its line is `schema | options | message | outcome`, separated by tabs. The options are `key=value` with blanks
/// between, the message is a JSON string, the outcome is `error`, `none` or the rows with ` ; ` between. Where ours is
/// another on purpose, a fifth field has it.
pub struct Golden<'a> {
    pub line: &'a str,
    pub schema: Schema,
    pub options: Vec<(&'a str, &'a str)>,
    pub message: String,
    pub outcome: &'a str,
}

pub fn golden(text: &str) -> impl Iterator<Item = Golden<'_>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let parts: Vec<&str> = line.split('\t').collect();
        let [columns, options, message, flink, ours @ ..] = parts.as_slice() else { panic!("four fields: {line}") };
        Golden {
            line,
            schema: schema(columns),
            options: options.split(' ').filter_map(|o| o.split_once('=')).collect(),
            message: serde_json::from_str(message).expect("a JSON string"),
            outcome: ours.first().copied().unwrap_or(flink),
        }
    })
}

/// The outcome of decoding one message, in the form of golden files.
pub fn outcome(format: &str, case: &Golden) -> String {
    let mut options = vec![("format", format)];
    options.extend(&case.options);
    let projection: Vec<usize> = (0..case.schema.len()).collect();
    let decoding = match table_format(&options, true).decoding(&case.schema) {
        Ok(decoding) => decoding,
        Err(_) => return "error".into(),
    };
    let mut decoder = decoding.decoder(&projection).expect("a decoder");
    match decoder.decode(case.message.as_bytes()) {
        Err(_) => {
            assert_eq!(decoder.len(), 0, "an error leaves nothing: {}", case.line);
            "error".into()
        }
        Ok(0) => "none".into(),
        Ok(_) => rows(&decoder.finish().expect("a batch"), &case.schema).join(" ; "),
    }
}

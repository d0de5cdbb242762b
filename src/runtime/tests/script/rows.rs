//! Rows between their text in scripts and Arrow.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use chrono_tz::Tz;

use super::text::Row;
use crate::changelog::ChangelogBatch;
use crate::types::print::{PrintStyle, print_value};
use crate::types::{SqlType, TypeKind};

/// Scripts need no other day.
const DAY: &str = "1970-01-01 ";

/// Rows with the columns of `schema`, each given as it is declared.
pub fn batch(rows: &[Row], schema: &SchemaRef) -> ChangelogBatch {
    let column = |(i, field): (usize, &Arc<arrow::datatypes::Field>)| -> ArrayRef {
        let cell = |row: &Row| {
            assert_eq!(row.cells.len(), schema.fields().len(), "{row:?} has other columns than {schema:?}");
            row.cells[i].clone().map(|cell| match field.data_type() {
                DataType::Timestamp(..) => instant(&cell),
                _ => cell,
            })
        };
        let texts: StringArray = rows.iter().map(cell).collect();
        let cells = cast(&texts, field.data_type()).expect("a value of the column's type");
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(cells.is_null(at), texts.is_null(at), "{row:?} is no {}", field.data_type());
        }
        cells
    };
    let columns = schema.fields().iter().enumerate().map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options).expect("rows that fit");
    match rows.iter().all(|row| row.kind == crate::changelog::RowKind::Insert) {
        true => ChangelogBatch::inserts(batch),
        false => ChangelogBatch::new(batch, rows.iter().map(|row| row.kind).collect()),
    }
}

fn instant(text: &str) -> String {
    match text.as_bytes().get(2) {
        Some(b':') => format!("{DAY}{text}"),
        _ => text.to_string(),
    }
}

/// A point in time in milliseconds: `12:00:00`, `2024-03-31 01:00:00`, `MAX`.
pub fn millis(text: &str) -> i64 {
    if text == "MAX" {
        return i64::MAX;
    }
    let format = "%Y-%m-%d %H:%M:%S%.f";
    let parsed = chrono::NaiveDateTime::parse_from_str(&instant(text), format).expect("a point in time");
    parsed.and_utc().timestamp_millis()
}

/// The other way round.
pub fn instant_text(millis: i64) -> String {
    match chrono::DateTime::from_timestamp_millis(millis) {
        _ if millis == i64::MAX => "MAX".to_string(),
        Some(time) => shortened(&time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()),
        None => millis.to_string(),
    }
}

fn shortened(text: &str) -> String {
    text.strip_prefix(DAY).unwrap_or(text).trim_end_matches(".000").to_string()
}

/// How values are printed; a map can only be a multiset.
fn sql_type(ty: &DataType) -> SqlType {
    if let DataType::Map(entries, _) = ty {
        let DataType::Struct(fields) = entries.data_type() else { panic!("a map without entries") };
        return SqlType::not_null(TypeKind::Multiset(Box::new(sql_type(fields[0].data_type()))));
    }
    SqlType::from_arrow(ty, true).expect("a column that has a type")
}

/// `+I doc, 10`, a row a line.
pub fn lines(batch: &ChangelogBatch) -> Vec<String> {
    let rows = batch.rows();
    let types: Vec<SqlType> = rows.schema().fields().iter().map(|field| sql_type(field.data_type())).collect();
    let line = |row: usize| {
        let cells = rows.columns().iter().zip(&types).map(|(column, ty)| {
            if column.is_null(row) {
                return "NULL".to_string();
            }
            let mut cell = String::new();
            print_value(column.as_ref(), row, ty, Tz::UTC, PrintStyle::Client, &mut cell);
            match column.data_type() {
                DataType::Timestamp(..) => shortened(&cell),
                _ => cell,
            }
        });
        format!("{} {}", batch.kind(row), cells.collect::<Vec<_>>().join(", "))
    };
    (0..batch.num_rows()).map(line).collect()
}

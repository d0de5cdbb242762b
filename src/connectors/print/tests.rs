use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use chrono_tz::Tz;

use super::*;
use crate::changelog::{ChangelogBatch, RowKind};
use crate::types::{Field, Schema, TypeKind};

fn table(options: &[(&str, &str)]) -> TableDescriptor {
    let columns = Schema::new(vec![
        Field::new("a", SqlType::nullable(TypeKind::Int)),
        Field::new("b", SqlType::string()),
        Field::new("c", SqlType::nullable(TypeKind::Double)),
    ]);
    TableDescriptor {
        name: "t".into(),
        columns,
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: [("connector", "print")].iter().chain(options).copied().collect(),
        zone: Tz::UTC,
    }
}

fn batch() -> ChangelogBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![Some(1), None])),
        Arc::new(StringArray::from(vec![Some("x"), None])),
        Arc::new(Float64Array::from(vec![1e10, 98.3])),
    ];
    let rows = RecordBatch::try_new(table(&[]).columns.arrow(), columns).unwrap();
    ChangelogBatch::new(rows, vec![RowKind::UpdateBefore, RowKind::UpdateAfter])
}

#[tokio::test]
async fn rows_are_printed_as_flink_prints_them() {
    let mut out = Vec::new();
    let types = table(&[]).columns.fields.into_iter().map(|f| f.ty).collect();
    let mut writer = PrintWriter::new(&mut out, "standard output", "ID:2> ".into(), types, Tz::UTC);
    writer.write(batch()).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "ID:2> -U[1, x, 1.0E10]\nID:2> +U[null, null, 98.3]\n");
}

#[test]
fn the_prefix_names_the_subtask_where_there_are_several() {
    let sink = |identifier: &str| PrintSink {
        identifier: identifier.into(),
        standard_error: false,
        parallelism: None,
        types: Vec::new(),
        zone: Tz::UTC,
    };
    assert_eq!(sink("").prefix(0, 1), "");
    assert_eq!(sink("").prefix(0, 2), "1> ");
    assert_eq!(sink("ID").prefix(0, 1), "ID> ");
    assert_eq!(sink("ID").prefix(1, 2), "ID:2> ");
}

#[test]
fn options_are_checked() {
    assert_eq!(Print.sink(&table(&[("sink.parallelism", "3")])).unwrap().parallelism(), Some(3));
    let error = Print.sink(&table(&[("sink.parallelism", "0")])).unwrap_err();
    assert!(error.message().contains("it must be at least 1"), "{error}");
    let error = Print.sink(&table(&[("print-identifer", "x")])).unwrap_err();
    assert_eq!(error.hint(), Some("Did you mean \"print-identifier\"?"));
}

#[tokio::test]
async fn a_closed_output_is_an_error_that_names_it() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let types = table(&[]).columns.fields.into_iter().map(|f| f.ty).collect();
    let mut writer = PrintWriter::new(Closed, "standard output", String::new(), types, Tz::UTC);
    assert_eq!(writer.write(batch()).await.unwrap_err().message(), "cannot write to the standard output: broken pipe");
}

use arrow::array::{Int32Array, StringArray};

use super::*;
use crate::error::ErrorKind;

/// `+I (1, a)`, then `-D (2, NULL)` in a batch of its own: what version 1 wrote, in hexadecimal digits.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/epochs/jdbc-1.hex");

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false), Field::new("name", DataType::Utf8, true)]))
}

fn row(kind: RowKind, id: i32, name: Option<&str>) -> ChangelogBatch {
    let values: [ArrayRef; 2] = [Arc::new(Int32Array::from(vec![id])), Arc::new(StringArray::from(vec![name]))];
    ChangelogBatch::new(RecordBatch::try_new(columns(), values.to_vec()).unwrap(), vec![kind])
}

fn written() -> Bytes {
    let mut writer = PayloadWriter::try_new(&columns(), true).unwrap();
    writer.push(&row(RowKind::Insert, 1, Some("a"))).unwrap();
    writer.push(&row(RowKind::Delete, 2, None)).unwrap();
    writer.finish().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn what_version_1_wrote_is_read() {
    let fixture = Bytes::from(bytes(&std::fs::read_to_string(FIXTURE).unwrap_or_default()));
    let payload = Payload::decode(&fixture, 2, &columns())
        .unwrap_or_else(|error| panic!("{error}; today's bytes are {}", hex(&written())));
    assert!(payload.is_reduced);
    let read: Vec<_> = payload.batches.iter().map(|b| (b.kind(0), b.rows().clone())).collect();
    let expected = [row(RowKind::Insert, 1, Some("a")), row(RowKind::Delete, 2, None)];
    assert_eq!(read, expected.map(|b| (b.kind(0), b.into_rows())));
    assert_eq!(Payload::decode(&written(), 2, &columns()).unwrap().batches.len(), 2);
}

#[test]
fn bytes_of_a_later_version_or_of_none_are_refused() {
    let mut later = written().to_vec();
    later[0] = 2;
    let error = Payload::decode(&Bytes::from(later), 2, &columns()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.message().contains("version 2 can't be read"), "{error}");
    let whole = written();
    assert_eq!(Payload::decode(&whole, 3, &columns()).unwrap_err().kind(), ErrorKind::State, "a row is missing");
    for torn in [0, 1, 2, 40, whole.len() - 30].map(|length| whole.slice(..length)) {
        assert_eq!(Payload::decode(&torn, 2, &columns()).unwrap_err().kind(), ErrorKind::State, "{torn:?}");
    }
}

#[test]
fn rows_of_another_table_are_refused() {
    let other =
        Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]));
    for columns in [other, Arc::new(columns().project(&[0]).unwrap())] {
        let error = Payload::decode(&written(), 2, &columns).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State);
        assert!(error.message().ends_with("(id, name)"), "{error}");
    }
}

#[test]
fn texts_are_not_copied() {
    let mut writer = PayloadWriter::try_new(&columns(), false).unwrap();
    writer.push(&row(RowKind::Insert, 1, Some(&"text ".repeat(1_000)))).unwrap();
    let bytes = writer.finish().unwrap();
    let payload = Payload::decode(&bytes, 1, &columns()).unwrap();
    let text = payload.batches[0].rows().column(1).as_string::<i32>().value(0).as_bytes().as_ptr_range();
    let all = bytes.as_ptr_range();
    assert!(all.start <= text.start && text.end <= all.end);
}

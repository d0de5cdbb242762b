use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;

use super::*;
use crate::connectors::{OpenContext, ScanRequest, SourceEvent, SourceReader, Split};
use crate::formats::testing::{rows, schema};
use crate::time::ManualClock;

fn table(columns: &str, options: &[(&str, &str)]) -> TableDescriptor {
    TableDescriptor {
        name: "t".into(),
        columns: schema(columns),
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: [("connector", "datagen")].iter().chain(options).copied().collect(),
        zone: Tz::UTC,
    }
}

fn context(parallelism: usize) -> OpenContext {
    OpenContext { parallelism, clock: Arc::new(ManualClock::new(1_000_000)), ..OpenContext::for_test() }
}

async fn open(table: &TableDescriptor, parallelism: usize) -> Box<dyn SourceReader> {
    let (source, context) = (Datagen.source(table).unwrap(), context(parallelism));
    let splits = source.splits(&context).await.unwrap();
    source.open(splits, &context).await.unwrap()
}

/// All rows, and how many splits ended.
async fn read(reader: &mut dyn SourceReader) -> (Vec<RecordBatch>, usize) {
    let (mut batches, mut ends) = (Vec::new(), 0);
    loop {
        match reader.next().await.unwrap() {
            SourceEvent::Rows { rows, .. } => batches.push(rows),
            SourceEvent::SplitStart(_) => {}
            SourceEvent::SplitEnd(_) => ends += 1,
            SourceEvent::End => return (batches, ends),
        }
    }
}

fn refused(columns: &str, options: &[(&str, &str)]) -> String {
    Datagen.source(&table(columns, options)).unwrap_err().to_string()
}

const SEQUENCE: &[(&str, &str)] =
    &[("fields.n.kind", "sequence"), ("fields.n.start", "1"), ("fields.n.end", "10"), ("rows-per-second", "1000000")];

#[tokio::test]
async fn a_sequence_has_every_number_once_whatever_the_parallelism() {
    for parallelism in [1, 2, 3, 16] {
        let mut reader = open(&table("n INT", SEQUENCE), parallelism).await;
        let (batches, ends) = read(reader.as_mut()).await;
        let mut numbers: Vec<i32> =
            batches.iter().flat_map(|b| b.column(0).as_primitive::<Int32Type>().values().to_vec()).collect();
        numbers.sort_unstable();
        assert_eq!((numbers, ends), ((1..=10).collect(), parallelism));
    }
}

#[tokio::test]
async fn reading_goes_on_from_a_position() {
    let (table, context) = (table("n INT", SEQUENCE), context(2));
    let source = Datagen.source(&table).unwrap();
    let split = Split { id: "2-of-2".into(), position: "3".into() };
    let mut reader = source.open(vec![split], &context).await.unwrap();
    let (batches, _) = read(reader.as_mut()).await;
    let numbers: Vec<i32> =
        batches.iter().flat_map(|b| b.column(0).as_primitive::<Int32Type>().values().to_vec()).collect();
    assert_eq!(numbers, [8, 10]);
    assert_eq!(reader.positions(), [Split { id: "2-of-2".into(), position: "5".into() }]);
}

#[tokio::test]
async fn random_values_stay_in_their_bounds() {
    let columns = "i INT, f FLOAT, d DOUBLE, n DECIMAL(5,2), s STRING, v STRING, y BYTES, b BOOLEAN, t TIMESTAMP(3), \
        a ARRAY<INT>, m MAP<STRING, INT>, u MULTISET<STRING>, r ROW<x TINYINT, y DATE>, z STRING, l BIGINT";
    let options = [
        ("number-of-rows", "2000"),
        ("rows-per-second", "1000000"),
        ("fields.i.min", "1"),
        ("fields.i.max", "7"),
        ("fields.f.min", "-1"),
        ("fields.f.max", "1"),
        ("fields.s.length", "5"),
        ("fields.v.length", "5"),
        ("fields.v.var-len", "true"),
        ("fields.t.max-past", "8 s"),
        ("fields.a.length", "2"),
        ("fields.a.element.min", "3"),
        ("fields.a.element.max", "3"),
        ("fields.m.key.length", "1"),
        ("fields.r.x.max", "0"),
        ("fields.z.null-rate", "1"),
    ];
    let table = table(columns, &options);
    let (batches, _) = read(open(&table, 1).await.as_mut()).await;
    let mut seen = std::collections::HashSet::new();
    for batch in &batches {
        assert_eq!(batch.schema(), table.columns.arrow());
        for row in 0..batch.num_rows() {
            let i = batch.column(0).as_primitive::<Int32Type>().value(row);
            assert!((1..=7).contains(&i));
            seen.insert(i);
            assert_eq!(batch.column(4).as_string::<i32>().value(row).len(), 5);
            assert!((1..5).contains(&batch.column(5).as_string::<i32>().value(row).len()));
            let t = batch.column(8).as_primitive::<TimestampMillisecondType>().value(row);
            assert!((992_000..=1_000_000).contains(&t));
            assert!(batch.column(13).is_null(row));
        }
        let arrays: Vec<String> = rows(&batch.project(&[9]).unwrap(), &table.columns.project(&[9]));
        assert!(arrays.iter().all(|a| a == "[3, 3]"));
    }
    assert_eq!(seen.len(), 7, "every number comes");
}

#[tokio::test]
async fn only_wanted_columns_and_rows_are_made() {
    let source = Datagen.source(&table("a INT, b STRING", &[("rows-per-second", "1000000")])).unwrap();
    assert!(!source.is_bounded());
    let scan = ScanRequest { projection: vec![1], filters: Vec::new(), limit: Some(5) };
    let source = source.narrow(scan).unwrap();
    assert!(source.is_bounded());
    let splits = source.splits(&context(2)).await.unwrap();
    let mut reader = source.open(splits, &context(2)).await.unwrap();
    let (batches, _) = read(reader.as_mut()).await;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
    assert!(batches.iter().all(|b| b.num_columns() == 1));
}

#[test]
fn options_that_fit_no_column_are_refused() {
    assert_eq!(
        refused("price INT", &[("fields.prise.max", "1")]),
        "error: option 'fields.prise.max' of table \"t\" (connector \"datagen\") fits no column\n  hint: Did you mean \"fields.price.max\"?"
    );
    assert!(refused("b BOOLEAN", &[("fields.b.min", "1")]).contains("fits no column"));
    assert!(refused("i INT", &[("fields.i.min", "5"), ("fields.i.max", "4")]).contains("5 is above the maximum 4"));
    assert!(refused("i TINYINT", &[("fields.i.max", "128")]).contains("'128' is not a number that the column's type"));
    assert!(refused("i INT", &[("fields.i.kind", "sequence")]).contains("required option 'fields.i.start' is missing"));
    assert!(refused("d DATE", &[("fields.d.kind", "sequence")]).contains("there is no sequence of DATE"));
    assert!(refused("i INT NOT NULL", &[("fields.i.null-rate", "0.5")]).contains("takes no NULL"));
    assert!(refused("i INT", &[("rows-per-second", "0")]).contains("it must be at least 1"));
}

//! Scripts: rows in, the changelog out.

use arrow::array::{Array, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator as Comparison;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};

use super::*;
use crate::changelog::StreamElement;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, false), Field::new("v", DataType::Int32, true)]))
}

/// `+U a 1`, a row a line; an empty value is NULL.
fn batch(script: &str) -> ChangelogBatch {
    let (mut kinds, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        kinds.push(match words[0] {
            "+I" => RowKind::Insert,
            "-U" => RowKind::UpdateBefore,
            "+U" => RowKind::UpdateAfter,
            _ => RowKind::Delete,
        });
        keys.push(words[1]);
        values.push(words.get(2).and_then(|word| word.parse::<i32>().ok()));
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(keys)), Arc::new(Int32Array::from(values))];
    ChangelogBatch::new(RecordBatch::try_new(schema(), columns).unwrap(), kinds)
}

fn operator(condition: Option<Arc<dyn PhysicalExpr>>, tells_before: bool) -> ChangelogNormalize {
    ChangelogNormalize::try_new(vec![0], condition, tells_before, schema()).unwrap()
}

fn run(operator: &mut ChangelogNormalize, script: &str) -> Vec<String> {
    let mut out = Output::new();
    assert_eq!(operator.process(0, batch(script), &mut out).unwrap(), Progress::Done);
    let mut lines = Vec::new();
    for element in out.drain() {
        let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
        let (keys, values) =
            (batch.rows().column(0).as_string::<i32>(), batch.rows().column(1).as_primitive::<Int32Type>());
        for row in 0..batch.num_rows() {
            let value = if values.is_valid(row) { values.value(row).to_string() } else { String::new() };
            lines.push(format!("{} {} {value}", batch.kind(row), keys.value(row)).trim_end().to_string());
        }
    }
    lines
}

#[test]
fn upserts_become_a_whole_changelog() {
    let mut normalize = operator(None, true);
    let script = "+U a 1\n+U b 2\n+U a 3\n+U a 3\n-D b\n-D c\n+U b";
    assert_eq!(run(&mut normalize, script), ["+I a 1", "+I b 2", "-U a 1", "+U a 3", "-D b 2", "+I b"]);
    assert_eq!(run(&mut normalize, "-D a\n+I a 4\n+U b 5"), ["-D a 3", "+I a 4", "-U b", "+U b 5"]);
    assert_eq!(normalize.state_size().map(|size| size.keys), Some(2));
    let of_rows = normalize.row_bytes;
    assert!(of_rows > 0);
    assert_eq!(run(&mut normalize, "-D a\n-D b").len(), 2);
    assert_eq!((normalize.row_bytes, normalize.state_size().map(|size| size.keys)), (0, Some(0)));
}

#[test]
fn changes_that_come_twice_are_told_once() {
    let mut normalize = operator(None, true);
    let twice = "-U a 0\n+U a 1\n-U a 0\n+U a 1\n+I b 2\n-D z 9\n-U b 2\n+U b 3\n-D a 99\n-D a 99";
    assert_eq!(run(&mut normalize, twice), ["+I a 1", "+I b 2", "-U b 2", "+U b 3", "-D a 1"]);
}

#[test]
fn old_rows_are_not_told_where_nobody_needs_them() {
    let mut normalize = operator(None, false);
    assert_eq!(run(&mut normalize, "+U a 1\n+U a 2\n-D a"), ["+I a 1", "+U a 2", "-D a 2"]);
}

#[test]
fn rows_enter_and_leave_a_condition() {
    let above = |least: i32| -> Arc<dyn PhysicalExpr> {
        let value = Arc::new(Literal::new(ScalarValue::Int32(Some(least))));
        Arc::new(BinaryExpr::new(Arc::new(Column::new("v", 1)), Comparison::Gt, value))
    };
    let mut normalize = operator(Some(above(5)), true);
    let script = "+U a 1\n-D a\n+U a 6\n+U a 7\n+U a 2\n+U a 3\n+U a\n+U a 8\n-D a";
    assert_eq!(run(&mut normalize, script), ["+I a 6", "-U a 6", "+U a 7", "-D a 7", "+I a 8", "-D a 8"]);
}

#[test]
fn what_is_forgotten_begins_anew_and_the_same_row_is_told_again() {
    let mut normalize = operator(None, true).with_ttl(Some(Duration::from_secs(10)));
    assert_eq!(normalize.next_timer(), None);
    normalize.tell_time(0);
    assert_eq!(run(&mut normalize, "+U a 1\n+U b 1"), ["+I a 1", "+I b 1"]);
    normalize.tell_time(9_000);
    assert_eq!(run(&mut normalize, "+U a 1"), ["-U a 1", "+U a 1"]);
    normalize.tell_time(10_000);
    assert_eq!(run(&mut normalize, "+U b 2\n-D b"), ["+I b 2", "-D b 2"]);
    let timer = normalize.next_timer().unwrap();
    assert_eq!(normalize.on_time(timer.max(20_000), &mut Output::new()).unwrap(), Progress::Done);
    assert_eq!((run(&mut normalize, "-D a"), normalize.keys.slots()), (Vec::new(), 2));
}

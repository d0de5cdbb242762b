//! Scripts: rows in, the changelog out.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;
use crate::changelog::{RowKind, StreamElement};
use crate::functions::aggregate::find;
use crate::types::SqlType;

fn call(name: &str, arguments: &[usize], distinct: bool, filter: Option<usize>) -> AggregateCall {
    let function = find(name).unwrap();
    let int = SqlType::parse("INT").unwrap();
    let types = function.signature(&vec![int; arguments.len()]).unwrap();
    AggregateCall { function, types, arguments: arguments.to_vec(), distinct, filter }
}

fn input() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int32, true)]))
}

/// `+I a 1`, a row a line; an empty word is NULL.
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
        keys.push(Some(words[1]).filter(|word| *word != "NULL"));
        values.push(words[2].parse::<i32>().ok());
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(keys)), Arc::new(Int32Array::from(values))];
    ChangelogBatch::new(RecordBatch::try_new(input(), columns).unwrap(), kinds)
}

/// COUNT(*) and SUM(v) by k.
fn counts_and_sums(retracts: bool, tells_before: bool) -> GroupAggregate {
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("n", DataType::Int64, false),
        Field::new("s", DataType::Int32, true),
    ]));
    let calls = vec![call("COUNT", &[], false, None), call("SUM", &[1], false, None)];
    GroupAggregate::try_new(&input(), vec![0], calls, retracts, tells_before, schema).unwrap()
}

fn run(operator: &mut GroupAggregate, script: &str) -> String {
    let mut out = Output::new();
    assert_eq!(operator.process(0, batch(script), &mut out).unwrap(), Progress::Done);
    told(&mut out)
}

/// `+I a 1, watermark 5`: what has come out.
fn told(out: &mut Output) -> String {
    let mut lines = Vec::new();
    for element in out.drain() {
        let batch = match element {
            StreamElement::Batch(batch) => batch,
            StreamElement::Watermark(watermark) => {
                lines.push(format!("watermark {}", watermark.0));
                continue;
            }
            other => panic!("{other:?}"),
        };
        for row in 0..batch.num_rows() {
            let cells = batch.rows().columns().iter().map(|column| match column.is_null(row) {
                true => "NULL".to_string(),
                false => arrow::util::display::array_value_to_string(column, row).unwrap(),
            });
            lines.push(format!("{} {}", batch.kind(row), cells.collect::<Vec<_>>().join(" ")));
        }
    }
    lines.join(", ")
}

#[test]
fn every_row_that_changes_its_group_tells_the_old_and_the_new_result() {
    let mut operator = counts_and_sums(false, true);
    let told = run(&mut operator, "+I a 1\n+I b 5\n+I a 2\n+I NULL 7\n+I a x");
    assert_eq!(told, "+I a 1 1, +I b 1 5, -U a 1 1, +U a 2 3, +I NULL 1 7, -U a 2 3, +U a 3 3");
    assert_eq!(run(&mut operator, "+I b 1"), "-U b 1 5, +U b 2 6", "the groups are known in the next batch");
}

#[test]
fn the_old_result_is_left_out_where_nobody_needs_it() {
    assert_eq!(run(&mut counts_and_sums(false, false), "+I a 1\n+I a 2"), "+I a 1 1, +U a 2 3");
}

#[test]
fn a_result_that_stays_is_not_told_again() {
    let schema =
        Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("m", DataType::Int32, true)]));
    let calls = vec![call("MAX", &[1], false, None)];
    let mut operator = GroupAggregate::try_new(&input(), vec![0], calls, false, true, schema).unwrap();
    assert_eq!(run(&mut operator, "+I a 5\n+I a 3\n+I a 5\n+I a 6"), "+I a 5, -U a 5, +U a 6");
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true)]));
    let mut distinct = GroupAggregate::try_new(&input(), vec![0], Vec::new(), false, true, schema).unwrap();
    assert_eq!(run(&mut distinct, "+I a 5\n+I a 3\n+I b 5"), "+I a, +I b");
}

#[test]
fn a_group_whose_rows_are_all_taken_back_is_deleted_and_may_come_again() {
    let mut operator = counts_and_sums(true, true);
    assert_eq!(
        run(&mut operator, "+I a 1\n-U a 1\n+U a 4\n+I a 2\n-D a 4\n-D a 2\n+I a 9"),
        "+I a 1 1, -D a 1 1, +I a 1 4, -U a 1 4, +U a 2 6, -U a 2 6, +U a 1 2, -D a 1 2, +I a 1 9"
    );
    assert_eq!(run(&mut operator, "-D b 4\n-D a 9\n-D a 9\n+I c 3"), "-D a 1 9, +I c 1 3", "unknown rows are dropped");
    assert_eq!(run(&mut operator, "-D c 3"), "-D c 1 3");
}

#[test]
fn a_filter_and_distinct_choose_what_counts() {
    let fields = vec![Field::new("v", DataType::Int32, true), Field::new("f", DataType::Boolean, true)];
    let rows = RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        vec![
            Arc::new(Int32Array::from(vec![1, 1, 2, 3])),
            Arc::new(BooleanArray::from(vec![Some(true), Some(true), None, Some(false)])),
        ],
    )
    .unwrap();
    let schema =
        Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false), Field::new("b", DataType::Int64, false)]));
    let calls = vec![call("COUNT", &[0], true, None), call("COUNT", &[], false, Some(1))];
    let mut operator = GroupAggregate::try_new(&rows.schema(), Vec::new(), calls, false, false, schema).unwrap();
    let mut out = Output::new();
    assert_eq!(operator.process(0, ChangelogBatch::inserts(rows), &mut out).unwrap(), Progress::Done);
    let told: Vec<StreamElement> = out.drain().collect();
    let [StreamElement::Batch(batch)] = told.as_slice() else { panic!("one batch") };
    let column = |i: usize| batch.rows().column(i).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!((column(0), column(1)), (vec![1, 1, 2, 3], vec![1, 2, 2, 2]));
}

#[test]
fn results_that_grow_with_every_row_are_told_piece_by_piece() {
    let schema = Arc::new(Schema::new(vec![Field::new("all", SqlType::parse("ARRAY<INT>").unwrap().arrow(), true)]));
    let calls = vec![call("ARRAY_AGG", &[1], false, None)];
    let mut operator = GroupAggregate::try_new(&input(), Vec::new(), calls, false, false, schema).unwrap();
    let rows: String = (0..3000).map(|i| format!("+I a {i}\n")).collect();
    let mut out = Output::new();
    let (mut pieces, mut told, mut last) = (0, 0, 0);
    let mut progress = operator.process(0, batch(&rows), &mut out).unwrap();
    loop {
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
            let lists = batch.rows().column(0).as_list::<i32>();
            (pieces, told, last) = (pieces + 1, told + batch.num_rows(), lists.value(batch.num_rows() - 1).len());
            let bytes = batch.rows().get_array_memory_size();
            assert!(bytes < 6 * RUN_BYTES, "{bytes} bytes in {} rows", batch.num_rows());
        }
        if progress == Progress::Done {
            break;
        }
        progress = operator.resume(&mut out).unwrap();
    }
    assert_eq!((told, last), (3000, 3000));
    assert!(pieces > 3, "{pieces} pieces");
}

#[test]
fn a_group_without_a_row_for_its_time_to_live_begins_anew() {
    let mut operator = counts_and_sums(true, true).with_ttl(Some(Duration::from_millis(5000)));
    assert_eq!(operator.next_timer(), None);
    operator.tell_time(1000);
    assert_eq!(run(&mut operator, "+I a 1\n+I b 2"), "+I a 1 1, +I b 1 2");
    assert_eq!(operator.next_timer(), Some(6000));
    operator.tell_time(5999);
    assert_eq!(run(&mut operator, "+I a 1"), "-U a 1 1, +U a 2 2");
    operator.tell_time(6000);
    assert_eq!(run(&mut operator, "-D b 2\n+I b 7"), "+I b 1 7", "what is retracted from a forgotten group is dropped");
    operator.tell_time(10_998);
    assert_eq!(run(&mut operator, "+I b x"), "-U b 1 7, +U b 2 7", "every row keeps its group alive");
    assert_eq!(operator.on_time(10_999, &mut Output::new()).unwrap(), Progress::Done);
    assert_eq!(operator.next_timer(), Some(15_999), "b lives on");
    operator.tell_time(11_000);
    assert_eq!(run(&mut operator, "+I a 4\n+I b 1"), "+I a 1 4, -U b 2 7, +U b 3 8");
    assert_eq!(operator.on_time(16_000, &mut Output::new()).unwrap(), Progress::Done);
    assert_eq!(operator.next_timer(), None, "no group is left");
    operator.tell_time(16_000);
    assert_eq!(run(&mut operator, "+I b 1"), "+I b 1 1");
}

#[test]
fn with_a_time_to_live_a_result_that_stays_is_told_again() {
    let schema =
        Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("m", DataType::Int32, true)]));
    let calls = vec![call("MAX", &[1], false, None)];
    let operator = GroupAggregate::try_new(&input(), vec![0], calls, false, true, schema).unwrap();
    let mut operator = operator.with_ttl(Some(Duration::from_secs(1)));
    assert_eq!(run(&mut operator, "+I a 5\n+I a 3"), "+I a 5, -U a 5, +U a 5");
}

#[test]
fn net_changes_of_a_micro_batch_are_the_first_and_the_last_of_its_results() {
    let mut operator = counts_and_sums(true, true).with_bundles(Some(BundleEnd::MicroBatch));
    assert_eq!(run(&mut operator, "+I a 1\n+I b 5\n+I a 2\n+I c 1\n-D c 1"), "+I a 2 3, +I b 1 5");
    assert_eq!(run(&mut operator, "+I b 1\n-D b 1\n+I a 4"), "-U a 2 3, +U a 3 7", "b is what it was");
    assert_eq!(run(&mut operator, "-D b 5\n+I b 6\n+I c 2"), "-U b 1 5, +U b 1 6, +I c 1 2");
    assert_eq!(run(&mut operator, "-D b 6\n-D b 6\n-D d 1\n+I e 1"), "-D b 1 6, +I e 1 1", "unknown rows are dropped");
    let mut operator = counts_and_sums(true, false).with_bundles(Some(BundleEnd::MicroBatch));
    assert_eq!(run(&mut operator, "+I a 1\n+I a 2"), "+I a 2 3");
    assert_eq!(run(&mut operator, "+I a 1\n+I a 2"), "+U a 4 6", "the old result is left out where nobody needs it");
}

#[test]
fn a_bundle_ends_with_its_rows_or_before_a_watermark_or_a_barrier() {
    let mut operator = counts_and_sums(true, true).with_bundles(Some(BundleEnd::Rows(3)));
    assert_eq!(run(&mut operator, "+I a 1\n+I b 5"), "");
    assert_eq!(
        run(&mut operator, "+I a 2\n+I a 3\n+I b 1\n-D b 5\n+I c 1"),
        "+I a 2 3, +I b 1 5, -U a 2 3, +U a 3 6, -U b 1 5, +U b 1 1"
    );
    let mut out = Output::new();
    assert_eq!(operator.on_watermark(Watermark(7), &mut out).unwrap(), Progress::Done);
    assert_eq!(told(&mut out), "+I c 1 1, watermark 7");
    assert_eq!(run(&mut operator, "+I c 1"), "");
    assert_eq!(operator.flush(&mut out).unwrap(), Progress::Done);
    assert_eq!(told(&mut out), "-U c 1 1, +U c 2 2");
    assert_eq!(operator.flush(&mut out).unwrap(), Progress::Done);
    assert_eq!(told(&mut out), "", "nothing is told twice");
}

#[test]
fn a_large_bundle_is_told_in_parts() {
    let mut operator = counts_and_sums(false, true).with_bundles(Some(BundleEnd::Rows(1_000_000)));
    let rows: String = (0..100_000).map(|i| format!("+I k{i} 1\n")).collect();
    assert_eq!(run(&mut operator, &rows), "");
    let (mut out, mut parts, mut lines) = (Output::new(), 1, Vec::new());
    let mut progress = operator.on_watermark(Watermark(1), &mut out).unwrap();
    lines.push(told(&mut out));
    while progress == Progress::More {
        progress = operator.resume(&mut out).unwrap();
        lines.push(told(&mut out));
        parts += 1;
    }
    let lines: Vec<String> = lines.join(", ").split(", ").map(str::to_string).collect();
    assert_eq!((parts, lines.len(), lines.last().unwrap().as_str()), (2, 100_001, "watermark 1"));
    assert_eq!(lines[99_999], "+I k99999 1 1");
}

#[test]
fn groups_are_forgotten_behind_what_was_to_be_told_of_them() {
    let mut operator =
        counts_and_sums(false, true).with_ttl(Some(Duration::from_secs(5))).with_bundles(Some(BundleEnd::Rows(10)));
    operator.tell_time(1000);
    assert_eq!(run(&mut operator, "+I a 1"), "");
    let mut out = Output::new();
    assert_eq!(operator.on_time(6000, &mut out).unwrap(), Progress::Done);
    assert_eq!(told(&mut out), "+I a 1 1");
    assert_eq!(operator.groups.len(), 0);
}

#[test]
fn groups_with_very_long_values_come_in_pieces_of_few() {
    let function = find("MAX").unwrap();
    let types = function.signature(&[SqlType::parse("STRING").unwrap()]).unwrap();
    let max = AggregateCall { function, types, arguments: vec![0], distinct: false, filter: None };
    let fields = vec![Field::new("v", DataType::Int32, true), Field::new("max", DataType::Utf8, true)];
    let make = || {
        let schema = Arc::new(Schema::new(fields.clone()));
        GroupAggregate::try_new(&input(), vec![1], vec![max.clone()], false, true, schema).unwrap()
    };
    let mut operator = make();
    let long = "x".repeat(24 << 20);
    let texts: Vec<String> = (0..3).map(|group| format!("{long}{group}")).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(texts)), Arc::new(Int32Array::from(vec![1, 2, 3]))];
    let rows = ChangelogBatch::inserts(RecordBatch::try_new(input(), columns).unwrap());
    let _ = operator.process(0, rows, &mut Output::new()).unwrap();
    let state = operator.snapshot(Epoch(1)).unwrap();
    let rows: Vec<usize> = state.tables()["groups"].pieces().iter().map(|piece| piece.num_rows()).collect();
    assert_eq!(rows, [1, 2]);
    let mut again = make();
    again.restore(&state).unwrap();
    assert!(again.snapshot(Epoch(1)).unwrap() == state);
}

//! Random changelogs: whatever is told, and however, folds to what the rows that are left give.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use super::{AggregateCall, BundleEnd, GroupAggregate, LocalGroupAggregate};
use crate::changelog::{ChangelogBatch, RowKind, StreamElement};
use crate::functions::aggregate::find;
use crate::operators::{Operator, Output, PaneShape, Progress, states};
use crate::time::Watermark;
use crate::types::SqlType;

/// A row: kind, key, value.
type Row = (RowKind, Option<u8>, Option<i32>);

/// COUNT(*), COUNT(v), SUM(v), MIN(v), MAX(v), AVG(v), COUNT(DISTINCT v).
fn calls() -> Vec<AggregateCall> {
    let int = SqlType::parse("INT").unwrap();
    let names: [(&str, &[usize], bool); 7] = [
        ("COUNT", &[], false),
        ("COUNT", &[1], false),
        ("SUM", &[1], false),
        ("MIN", &[1], false),
        ("MAX", &[1], false),
        ("AVG", &[1], false),
        ("COUNT", &[1], true),
    ];
    let call = |(name, arguments, distinct): (&str, &[usize], bool)| {
        let function = find(name).unwrap();
        let types = function.signature(&vec![int.clone(); arguments.len()]).unwrap();
        AggregateCall { function, types, arguments: arguments.to_vec(), distinct, filter: None }
    };
    names.into_iter().map(call).collect()
}

/// What a group with these values gives.
fn expected(values: &[Option<i32>]) -> Vec<String> {
    let known: Vec<i64> = values.iter().flatten().map(|v| i64::from(*v)).collect();
    let or_null = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let (count, sum) = (known.len() as i64, known.iter().sum::<i64>());
    let distinct: std::collections::BTreeSet<_> = known.iter().collect();
    vec![
        values.len().to_string(),
        count.to_string(),
        or_null((count > 0).then_some(sum)),
        or_null(known.iter().min().copied()),
        or_null(known.iter().max().copied()),
        or_null((count > 0).then(|| sum / count)),
        distinct.len().to_string(),
    ]
}

fn input() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int32, true)]))
}

fn output() -> SchemaRef {
    let key = Field::new("k", DataType::Utf8, true);
    let results = calls().into_iter().enumerate();
    let results = results.map(|(i, call)| Field::new(format!("r{i}"), call.types.returns.arrow(), true));
    Arc::new(Schema::new(std::iter::once(key).chain(results).collect::<Vec<_>>()))
}

fn batch(rows: &[Row]) -> ChangelogBatch {
    let keys: StringArray = rows.iter().map(|(_, key, _)| key.map(|key| format!("key {key}"))).collect();
    let values: Int32Array = rows.iter().map(|(_, _, value)| *value).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(values)];
    let kinds = rows.iter().map(|(kind, ..)| *kind).collect();
    ChangelogBatch::new(RecordBatch::try_new(input(), columns).unwrap(), kinds)
}

/// A changelog in which only rows are taken back that are there, and the rows that are left, by key.
fn changelog(picks: &[(u8, u8, bool)], retracts: bool) -> (Vec<Row>, BTreeMap<Option<u8>, Vec<Option<i32>>>) {
    let (mut rows, mut left) = (Vec::new(), BTreeMap::<Option<u8>, Vec<Option<i32>>>::new());
    for &(key, value, back) in picks {
        let key = (!key.is_multiple_of(6)).then_some(key % 6);
        let values = left.entry(key).or_default();
        if back && retracts && !values.is_empty() {
            let value = values.swap_remove(value as usize % values.len());
            rows.push((if value.is_some() { RowKind::UpdateBefore } else { RowKind::Delete }, key, value));
        } else {
            let value = (!value.is_multiple_of(9)).then_some(i32::from(value % 9) - 4);
            values.push(value);
            rows.push((if back { RowKind::UpdateAfter } else { RowKind::Insert }, key, value));
        }
    }
    left.retain(|_, values| !values.is_empty());
    (rows, left)
}

/// The table that a changelog makes, if every change fits what was there before.
#[derive(Default)]
struct Fold {
    rows: BTreeMap<String, Vec<String>>,
    tells_before: bool,
}

impl Fold {
    fn take(&mut self, out: &mut Output) {
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { continue };
            for row in 0..batch.num_rows() {
                let text = |column: &ArrayRef| match column.is_null(row) {
                    true => String::new(),
                    false => array_value_to_string(column, row).unwrap(),
                };
                let mut cells: Vec<String> = batch.rows().columns().iter().map(text).collect();
                let key = cells.remove(0);
                let before = match batch.kind(row) {
                    RowKind::Insert => {
                        assert_eq!(self.rows.insert(key, cells), None, "an insert over a row");
                        continue;
                    }
                    RowKind::UpdateAfter => {
                        let before = self.rows.insert(key, cells.clone());
                        assert_eq!(before.is_none(), self.tells_before, "an update of nothing");
                        continue;
                    }
                    RowKind::UpdateBefore | RowKind::Delete => self.rows.remove(&key),
                };
                assert_eq!(before, Some(cells), "{:?} of another row", batch.kind(row));
            }
        }
    }
}

fn finish(operator: &mut dyn Operator, mut progress: Progress, out: &mut Output, mut each: impl FnMut(&mut Output)) {
    loop {
        each(out);
        if progress == Progress::Done {
            return;
        }
        progress = operator.resume(out).unwrap();
    }
}

/// Runs rows in batches of these lengths through an aggregate, in front of it one that puts so many rows together and looks
/// after so many whether that is worth it.
fn fold(
    rows: &[Row],
    lengths: &[usize],
    retracts: bool,
    tells_before: bool,
    bundle: Option<BundleEnd>,
    local: Option<(usize, usize)>,
) -> BTreeMap<String, Vec<String>> {
    let shape = PaneShape::try_new(input(), vec![0], calls(), retracts).unwrap();
    let mut fields = vec![Field::new("k", DataType::Utf8, true), Field::new("count", DataType::Int64, false)];
    for (i, ty) in states(&calls(), retracts).unwrap().into_iter().flatten().enumerate() {
        fields.push(Field::new(format!("s{i}"), ty, true));
    }
    let between = Arc::new(Schema::new(fields));
    let local_of = |(size, look): (usize, usize)| {
        LocalGroupAggregate::try_new(shape, size, between.clone()).unwrap().looking_after(look.min(size))
    };
    let mut first = local.map(local_of);
    let behind = if local.is_some() { between } else { input() };
    let aggregate = GroupAggregate::try_new(&behind, vec![0], calls(), retracts, tells_before, output()).unwrap();
    let mut aggregate = aggregate.with_bundles(bundle).of_partials(local.map(|_| 1));
    let mut fold = Fold { tells_before, ..Default::default() };
    let (mut out, mut start, mut lengths) = (Output::new(), 0, lengths.iter().cycle());
    let mut push = |element: StreamElement, fold: &mut Fold| {
        let progress = match element {
            StreamElement::Batch(batch) => aggregate.process(0, batch, &mut out),
            _ => aggregate.on_watermark(Watermark(1), &mut out),
        };
        finish(&mut aggregate, progress.unwrap(), &mut out, |out| fold.take(out));
    };
    while start < rows.len() {
        let end = rows.len().min(start + lengths.next().unwrap());
        let batch = batch(&rows[start..end]);
        match &mut first {
            Some(first) => {
                let mut partials = Output::new();
                assert_eq!(first.process(0, batch, &mut partials).unwrap(), Progress::Done);
                partials.drain().for_each(|element| push(element, &mut fold));
            }
            None => push(StreamElement::Batch(batch), &mut fold),
        }
        start = end;
    }
    let mut last = Output::new();
    match &mut first {
        Some(first) => assert_eq!(first.on_watermark(Watermark(1), &mut last).unwrap(), Progress::Done),
        None => last.watermark(Watermark(1)),
    }
    last.drain().for_each(|element| push(element, &mut fold));
    fold.rows
}

proptest! {
    #[test]
    fn changelogs_fold_to_what_the_rows_that_are_left_give(
        picks in prop::collection::vec((any::<u8>(), any::<u8>(), any::<bool>()), 0..120),
        lengths in prop::collection::vec(1usize..30, 1..6),
        retracts in any::<bool>(),
        before in any::<bool>(),
        size in 1usize..20,
        local in 1usize..40,
        look in 1usize..10,
    ) {
        let (rows, left) = changelog(&picks, retracts);
        let named = |key: Option<u8>| key.map(|key| format!("key {key}")).unwrap_or_default();
        let expected: BTreeMap<_, _> = left.into_iter().map(|(key, values)| (named(key), expected(&values))).collect();
        let rows_of = Some(BundleEnd::Rows(size));
        for (bundle, local) in [
            (None, None),
            (Some(BundleEnd::MicroBatch), None),
            (rows_of, None),
            (rows_of, Some((local, usize::MAX))),
            (rows_of, Some((local, look))),
        ] {
            let folded = fold(&rows, &lengths, retracts, before, bundle, local);
            prop_assert_eq!(&folded, &expected, "{:?} {:?}", bundle, local);
        }
    }
}

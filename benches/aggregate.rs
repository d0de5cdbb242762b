//! How many rows per second does one core count and sum by 56, 10⁴, 10⁵ and 10⁶ groups, and how many bytes
//! does a group take, and does a row ask for?
//!
//! Orders of a shop (a text or a BIGINT) and an amount, 8,192 to a batch, in random order; `COUNT(*)` and `SUM(amount)`
//! by shop. Every group is known before the clock starts, so that every row updates one. Told are both halves of every
//! change, or the net changes of each batch. Throughput is in rows (elements) per second, read.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use millstream::ChangelogBatch;
use millstream::RowKind;
use millstream::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use millstream::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millstream::functions::aggregate::find;
use millstream::operators::{AggregateCall, BundleEnd, GroupAggregate, Operator, Output};
use millstream::types::{SqlType, TypeKind};

mod drive;
mod measure;
use drive::push;
use measure::measure;

const ROWS: usize = 8_192;
const BATCHES: usize = 64;

fn fields(texts: bool, others: [(&str, DataType); 1]) -> Vec<Field> {
    let shop = if texts { DataType::Utf8 } else { DataType::Int64 };
    let others = others.map(|(name, ty)| Field::new(name, ty, true));
    std::iter::once(Field::new("shop", shop, true)).chain(others).collect()
}

fn input(texts: bool) -> SchemaRef {
    Arc::new(Schema::new(fields(texts, [("amount", DataType::Int64)])))
}

fn orders(texts: bool, shops: impl Iterator<Item = u64> + Clone, kinds: Option<Vec<RowKind>>) -> ChangelogBatch {
    let amounts = Int64Array::from_iter_values(shops.clone().map(|shop| shop as i64 % 100));
    let shops: ArrayRef = match texts {
        true => Arc::new(StringArray::from_iter_values(shops.map(|shop| format!("shop-{shop:06}")))),
        false => Arc::new(Int64Array::from_iter_values(shops.map(|shop| shop as i64))),
    };
    let rows = RecordBatch::try_new(input(texts), vec![shops, Arc::new(amounts)]).expect("a batch");
    match kinds {
        Some(kinds) => ChangelogBatch::new(rows, kinds),
        None => ChangelogBatch::inserts(rows),
    }
}

fn calls() -> Vec<AggregateCall> {
    let call = |name: &str, arguments: Vec<usize>| {
        let function = find(name).expect("a function");
        let types = vec![SqlType::nullable(TypeKind::BigInt); arguments.len()];
        let types = function.signature(&types).expect("it takes BIGINT");
        AggregateCall { function, types, arguments, distinct: false, filter: None }
    };
    vec![call("COUNT", vec![]), call("SUM", vec![1])]
}

fn aggregate(texts: bool, retracts: bool, bundle: Option<BundleEnd>) -> GroupAggregate {
    let mut output = fields(texts, [("orders", DataType::Int64)]);
    output.push(Field::new("amount", DataType::Int64, true));
    let schema = Arc::new(Schema::new(output));
    let operator = GroupAggregate::try_new(&input(texts), vec![0], calls(), retracts, true, schema);
    operator.expect("an aggregate").with_bundles(bundle)
}

fn random(i: u64, groups: u64) -> u64 {
    (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % groups
}

fn updating(c: &mut Criterion) {
    let mut group = c.benchmark_group("updating");
    group.sample_size(10);
    let each_and_net = [("every change", None), ("net changes", Some(BundleEnd::MicroBatch))];
    for (key, texts) in [("text", true), ("bigint", false)] {
        for groups in [56u64, 10_000, 100_000, 1_000_000] {
            let batch = |b: usize| {
                let at = (b * ROWS) as u64;
                orders(texts, (at..at + ROWS as u64).map(|i| random(i, groups)), None)
            };
            let batches: Vec<ChangelogBatch> = (0..BATCHES).map(batch).collect();
            for (name, bundle) in each_and_net {
                let (mut operator, mut out) = (aggregate(texts, false, bundle), Output::new());
                for start in (0..groups).step_by(ROWS) {
                    push(&mut operator, orders(texts, start..groups.min(start + ROWS as u64), None), &mut out);
                }
                measure(&mut group, &format!("{groups} groups by {key}, {name}"), ROWS * BATCHES, || {
                    batches.iter().for_each(|batch| push(&mut operator, batch.clone(), &mut out));
                });
                if let Some(size) = operator.state_size() {
                    println!("{groups} groups by {key}: {} bytes a group", size.bytes / size.keys.max(1));
                }
            }
        }
    }
    // Rows are taken back and come again, as the updates of another aggregate do.
    let groups = 100_000;
    let kinds: Vec<RowKind> = [RowKind::UpdateBefore, RowKind::UpdateAfter].into_iter().cycle().take(ROWS).collect();
    let batch = |b: usize| {
        let at = (b * ROWS) as u64;
        orders(true, (at..at + ROWS as u64).map(|i| random(i, groups)), Some(kinds.clone()))
    };
    let batches: Vec<ChangelogBatch> = (0..BATCHES).map(batch).collect();
    for (name, bundle) in each_and_net {
        let (mut operator, mut out) = (aggregate(true, true, bundle), Output::new());
        for _ in 0..50 {
            for start in (0..groups).step_by(ROWS) {
                push(&mut operator, orders(true, start..groups.min(start + ROWS as u64), None), &mut out);
            }
        }
        measure(&mut group, &format!("{groups} groups by text, retracting, {name}"), ROWS * BATCHES, || {
            batches.iter().for_each(|batch| push(&mut operator, batch.clone(), &mut out));
        });
    }
    group.finish();
}

criterion_group!(benches, updating);
criterion_main!(benches);

//! One row in gives one row out, at once, while the input stays open: for every operator.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::logical_expr::{cast, col, lit};

use super::harness::*;
use super::lookup::{Thresholds, lookup_node};
use crate::operators::{Constraints, OnLength, OnNull};
use crate::plan::stream_plan::{
    CalcNode, ConstraintEnforcerNode, Distribution, NodeKind, SourceNode, StreamPlan, WatermarkEmit, WatermarkNode,
};
use crate::runtime::{JobEnd, start};

/// Sends `doc 98` through what `between` puts behind the source; the feed stays open.
async fn one_row(parallelism: usize, between: impl FnOnce(&mut StreamPlan, usize) -> usize) -> Vec<String> {
    one_row_from(|node| node, parallelism, between).await
}

async fn one_row_from(
    narrow: impl FnOnce(SourceNode) -> SourceNode,
    parallelism: usize,
    between: impl FnOnce(&mut StreamPlan, usize) -> usize,
) -> Vec<String> {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let mut plan = StreamPlan::default();
    let node = narrow(source_node(source));
    let schema = node.columns.as_ref().map_or_else(schema, |(_, schema)| schema.clone());
    let schema = match &node.output {
        Some(output) => Arc::new(schema.project(output).unwrap()),
        None => schema,
    };
    let source = plan.add(Vec::new(), NodeKind::Source(node), schema);
    let last = between(&mut plan, source);
    add_sink(&mut plan, last, events.sink());
    let mut job = start(plan, config(parallelism));
    feeds[0].send(rows(&[("doc", 98)]));
    let came = events.rows().await;
    assert!(!job.is_done(), "the input is still open");
    job.stop();
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Stopped);
    came
}

#[tokio::test]
async fn through_a_source_and_a_sink() {
    assert_eq!(one_row(1, |_, source| source).await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_a_filter() {
    assert_eq!(one_row(1, |plan, source| add_filter(plan, source, &col("v").gt(lit(80i64)))).await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_a_projection() {
    let came = one_row(1, |plan, source| {
        let schema = Arc::new(Schema::new(vec![Field::new("twice", DataType::Int64, true)]));
        let projection = vec![physical(&(col("v") * lit(2i64)), &plan.nodes[source].schema)];
        let calc = CalcNode {
            predicate: None,
            projection: Some(projection),
            condition: None,
            selected: vec!["v * 2".to_string()],
        };
        plan.add(vec![source], NodeKind::Calc(calc), schema)
    });
    assert_eq!(came.await, ["+I 196"]);
}

#[tokio::test]
async fn through_a_limit_that_is_not_reached() {
    let came = one_row(4, |plan, source| {
        let single = plan.add(vec![source], NodeKind::Exchange(Distribution::Single), schema());
        plan.add(vec![single], NodeKind::Limit { skip: 0, fetch: Some(5) }, schema())
    });
    assert_eq!(came.await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_a_not_null_check() {
    let came = one_row(1, |plan, source| {
        let constraints = Constraints {
            not_null: vec![0, 1],
            on_null: OnNull::Fail,
            lengths: Vec::new(),
            on_length: OnLength::Ignore,
            table: "t".to_string(),
        };
        let enforcer = NodeKind::ConstraintEnforcer(ConstraintEnforcerNode { constraints, on_reject: None });
        plan.add(vec![source], enforcer, schema())
    });
    assert_eq!(came.await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_an_exchange_by_key() {
    let came =
        one_row(4, |plan, source| plan.add(vec![source], NodeKind::Exchange(Distribution::Hash(vec![0])), schema()));
    assert_eq!(came.await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_a_union_whose_other_input_is_silent() {
    let events = Events::new();
    let (silent, _open) = events.source(1);
    let came = one_row(2, |plan, source| {
        let other = add_source(plan, silent);
        plan.add(vec![source, other], NodeKind::Union, schema())
    });
    assert_eq!(came.await, ["+I doc 98"]);
}

#[tokio::test]
async fn through_a_lookup_join() {
    let came = one_row(1, |plan, source| {
        let thresholds = Thresholds::new(&[("doc", 20)]);
        let (node, schema) = lookup_node(thresholds, false, None);
        plan.add(vec![source], NodeKind::LookupJoin(node), schema)
    });
    assert_eq!(came.await, ["+I doc 98 20"]);
}

#[tokio::test]
async fn through_computed_columns_a_watermark_and_a_filter_of_the_source() {
    let timestamp = DataType::Timestamp(TimeUnit::Millisecond, None);
    let narrow = |mut node: SourceNode| {
        let declared = Arc::new(Schema::new(vec![
            Field::new("k", DataType::Utf8, true),
            Field::new("v", DataType::Int64, true),
            Field::new("ts", timestamp.clone(), true),
        ]));
        let exprs = [col("k"), col("v"), cast(col("v"), timestamp)];
        let exprs = exprs.iter().map(|e| physical(e, &node.scan_schema)).collect();
        node.watermark = Some(WatermarkNode {
            column: "ts".to_string(),
            column_index: 2,
            expr: physical(&col("ts"), &declared),
            text: "ts".to_string(),
            emit: WatermarkEmit::OnEvent,
            each: false,
            idle_timeout: None,
        });
        node.filter = Some(physical(&col("v").gt(lit(80i64)), &declared));
        node.columns = Some((exprs, declared));
        node.output = Some(vec![1, 0]);
        node
    };
    assert_eq!(one_row_from(narrow, 1, |_, source| source).await, ["+I 98 doc"]);
}

//! Lookup joins: order, NULLs, misses, padding, the cache, and one question per batch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, Int64Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::logical_expr::{Expr, col};
use futures::FutureExt;
use tokio::sync::oneshot;

use super::harness::*;
use crate::changelog::rejects::ErrorHandling;
use crate::changelog::{ChangelogBatch, EndKind, Epoch, RowKind, StreamElement};
use crate::connectors::{Lookup, LookupCacheOptions, LookupRequest, LookupRows, LookupSource, OpenContext};
use crate::error::{Error, Result};
use crate::plan::stream_plan::LookupJoinNode;
use crate::runtime::lookup::{LookupHead, LookupJoin};
use crate::runtime::lookup_cache::LookupCache;
use crate::time::Watermark;

/// `top BIGINT` by `k`, in memory.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    rows: Vec<(&'static str, i64)>,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
    /// A question waits for the next of these, where there is one.
    turns: Arc<Mutex<VecDeque<oneshot::Receiver<()>>>>,
    broken: Broken,
}

/// What is wrong with the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Broken {
    #[default]
    Nothing,
    Fails,
    OutOfOrder,
}

impl Thresholds {
    pub fn new(rows: &[(&'static str, i64)]) -> Self {
        Self { rows: rows.to_vec(), ..Self::default() }
    }

    fn turn(&self) -> oneshot::Sender<()> {
        let (sender, receiver) = oneshot::channel();
        self.turns.lock().unwrap().push_back(receiver);
        sender
    }

    fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl LookupSource for Thresholds {
    fn describe(&self) -> String {
        "in memory".to_string()
    }

    async fn open(&self, _request: &LookupRequest, _context: &OpenContext) -> Result<Box<dyn Lookup>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Lookup for Thresholds {
    async fn lookup(&self, keys: &RecordBatch) -> Result<LookupRows> {
        assert_eq!(keys.column(0).null_count(), 0, "nobody asks for NULL");
        let keys: Vec<String> = keys.column(0).as_string::<i32>().iter().flatten().map(str::to_string).collect();
        self.asked.lock().unwrap().push(keys.clone());
        let turn = self.turns.lock().unwrap().pop_front();
        if let Some(turn) = turn {
            turn.await.expect("the test gives a turn");
        }
        if self.broken == Broken::Fails {
            return Err(Error::external("the table is gone"));
        }
        let (mut tops, mut of_row) = (Vec::new(), Vec::new());
        for (position, key) in keys.iter().enumerate() {
            for (_, top) in self.rows.iter().filter(|(k, _)| k == key) {
                tops.push(*top);
                of_row.push(position as u32);
            }
        }
        if self.broken == Broken::OutOfOrder {
            of_row.reverse();
        }
        let rows = RecordBatch::try_new(right_schema(), vec![Arc::new(Int64Array::from(tops))])?;
        Ok(LookupRows { rows, key_of_row: UInt32Array::from(of_row) })
    }
}

fn right_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("top", DataType::Int64, true)]))
}

fn joined_schema() -> SchemaRef {
    let mut fields = schema().fields().to_vec();
    fields.extend(right_schema().fields().iter().cloned());
    Arc::new(Schema::new(fields))
}

fn key_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true)]))
}

/// A join by `k` as the planner describes it.
pub fn lookup_node(table: Thresholds, outer: bool, condition: Option<Expr>) -> (LookupJoinNode, SchemaRef) {
    let node = LookupJoinNode {
        table: "thresholds".to_string(),
        lookup: Arc::new(table),
        keys: vec![physical(&col("k"), &schema())],
        key_schema: key_schema(),
        request: LookupRequest { key_columns: vec![0], projection: vec![1], filters: Vec::new() },
        primary_key: Vec::new(),
        right_schema: right_schema(),
        outer,
        on_reject: None,
        condition: condition.map(|c| physical(&c, &joined_schema())),
        text: String::new(),
    };
    (node, joined_schema())
}

fn head(table: &Thresholds, outer: bool, condition: Option<Expr>, cache: Option<LookupCacheOptions>) -> LookupHead {
    LookupHead::new(LookupJoin {
        lookup: Box::new(table.clone()),
        keys: vec![physical(&col("k"), &schema())],
        key_schema: key_schema(),
        right_schema: right_schema(),
        output_schema: joined_schema(),
        outer,
        errors: ErrorHandling::Unset,
        metrics: Arc::default(),
        condition: condition.map(|c| physical(&c, &joined_schema())),
        cache: cache.map(|options| Mutex::new(LookupCache::new(options))),
    })
}

fn batch(input: &[(Option<&str>, i64)]) -> StreamElement {
    let input: Vec<_> = input.iter().map(|(k, v)| (*k, Some(*v))).collect();
    StreamElement::Batch(ChangelogBatch::inserts(optional(&input)))
}

/// The next element as text; `nothing` for a batch of which no row is left.
async fn next(head: &mut LookupHead) -> Vec<String> {
    match in_time(head.next()).await.unwrap() {
        Some(StreamElement::Batch(batch)) => text(&batch),
        Some(StreamElement::Watermark(watermark)) => vec![format!("watermark {}", watermark.0)],
        Some(StreamElement::Barrier(epoch)) => vec![format!("barrier {}", epoch.0)],
        Some(other) => vec![format!("{other:?}")],
        None => vec!["nothing".to_string()],
    }
}

fn kept(missing: bool) -> LookupCacheOptions {
    LookupCacheOptions {
        max_rows: Some(10),
        expire_after_write: None,
        expire_after_access: None,
        cache_missing_keys: missing,
    }
}

#[tokio::test]
async fn rows_match_by_key_and_the_rest_is_dropped_or_padded() {
    let input = [(Some("doc"), 98), (None, 1), (Some("nobody"), 2), (Some("doc"), 25)];
    let condition = || Some(col("v").gt(col("top")));
    let cases: [(&str, bool, Option<Expr>, Vec<&str>); 4] = [
        ("inner", false, None, vec!["+I doc 98 20", "+I doc 98 30", "+I doc 25 20", "+I doc 25 30"]),
        ("inner with a condition", false, condition(), vec!["+I doc 98 20", "+I doc 98 30", "+I doc 25 20"]),
        (
            "left",
            true,
            None,
            vec!["+I doc 98 20", "+I doc 98 30", "+I NULL 1 NULL", "+I nobody 2 NULL", "+I doc 25 20", "+I doc 25 30"],
        ),
        (
            "left with a condition that nothing meets",
            true,
            Some(col("top").gt(col("v") + datafusion::logical_expr::lit(1_000i64))),
            vec!["+I doc 98 NULL", "+I NULL 1 NULL", "+I nobody 2 NULL", "+I doc 25 NULL"],
        ),
    ];
    for (name, outer, condition, expected) in cases {
        let table = Thresholds::new(&[("doc", 20), ("doc", 30), ("happy", 60)]);
        let mut head = head(&table, outer, condition, None);
        head.push(batch(&input));
        assert_eq!(next(&mut head).await, expected, "{name}");
        assert_eq!(table.asked(), [["doc", "nobody"]], "one question for the distinct keys of a batch");
    }
}

#[tokio::test]
async fn a_batch_without_keys_asks_nothing_and_one_without_matches_gives_nothing() {
    let table = Thresholds::new(&[]);
    let mut head = head(&table, false, None, None);
    head.push(batch(&[(None, 1)]));
    assert_eq!(next(&mut head).await, ["nothing"]);
    assert!(table.asked().is_empty());
    head.push(batch(&[(Some("doc"), 1)]));
    assert_eq!(next(&mut head).await, ["nothing"]);
}

#[tokio::test]
async fn rows_keep_their_kinds() {
    let table = Thresholds::new(&[("doc", 20)]);
    let mut head = head(&table, false, None, None);
    let kinds = vec![RowKind::UpdateBefore, RowKind::UpdateAfter];
    head.push(StreamElement::Batch(ChangelogBatch::new(rows(&[("doc", 1), ("doc", 2)]), kinds)));
    assert_eq!(next(&mut head).await, ["-U doc 1 20", "+U doc 2 20"]);
}

#[tokio::test]
async fn several_questions_are_in_flight_and_nothing_overtakes() {
    let table = Thresholds::new(&[("doc", 20), ("happy", 60)]);
    let (first, second) = (table.turn(), table.turn());
    let mut head = head(&table, false, None, None);
    head.push(batch(&[(Some("doc"), 1)]));
    head.push(batch(&[(Some("happy"), 2)]));
    head.push(StreamElement::Watermark(Watermark(5)));
    head.push(StreamElement::Barrier(Epoch(1)));
    assert!(!head.has_room());
    assert!(head.next().now_or_never().is_none());
    assert_eq!(table.asked().len(), 2, "both are asked before the first is answered");
    second.send(()).unwrap();
    assert!(head.next().now_or_never().is_none(), "the second waits for the first");
    first.send(()).unwrap();
    assert_eq!(next(&mut head).await, ["+I doc 1 20"]);
    assert_eq!(next(&mut head).await, ["+I happy 2 60"]);
    assert_eq!(next(&mut head).await, ["watermark 5"]);
    assert_eq!(next(&mut head).await, ["barrier 1"]);
    head.push(StreamElement::End(EndKind::Data));
    assert_eq!(next(&mut head).await, ["End(Data)"]);
    assert!(head.is_empty());
}

#[tokio::test]
async fn a_cache_answers_known_keys_and_known_misses() {
    let cases = [
        ("no cache", None, vec![vec!["doc", "nobody"], vec!["doc", "nobody"]]),
        ("with misses", Some(kept(true)), vec![vec!["doc", "nobody"]]),
        ("without misses", Some(kept(false)), vec![vec!["doc", "nobody"], vec!["nobody"]]),
        (
            "expired at once",
            Some(LookupCacheOptions { expire_after_write: Some(std::time::Duration::ZERO), ..kept(true) }),
            vec![vec!["doc", "nobody"], vec!["doc", "nobody"]],
        ),
    ];
    for (name, cache, expected) in cases {
        let table = Thresholds::new(&[("doc", 20)]);
        let mut head = head(&table, false, None, cache);
        for v in [1, 2] {
            head.push(batch(&[(Some("doc"), v), (Some("nobody"), v)]));
            assert_eq!(next(&mut head).await, [format!("+I doc {v} 20")], "{name}");
        }
        assert_eq!(table.asked(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_failed_question_and_a_wrong_answer_are_errors() {
    for (broken, message) in [(Broken::Fails, "the table is gone"), (Broken::OutOfOrder, "out of the order")] {
        let table = Thresholds { broken, ..Thresholds::new(&[("doc", 20), ("happy", 60)]) };
        let mut head = head(&table, false, None, None);
        head.push(batch(&[(Some("doc"), 1), (Some("happy"), 2)]));
        let error = in_time(head.next()).await.unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
}

//! Watermarks of a source: from every row, before the filter, and what becomes of a NULL.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::logical_expr::{cast, col, lit};
use tokio::sync::{mpsc, watch};

use super::harness::*;
use crate::changelog::rejects::ErrorHandling;
use crate::changelog::{ChangelogBatch, EndKind, StreamElement};
use crate::connectors::Source;
use crate::error::{ErrorKind, Result};
use crate::operators::{Operator, Output, Progress};
use crate::plan::stream_plan::{NodeKind, SourceNode, StreamPlan, WatermarkEmit, WatermarkNode};
use crate::runtime::chain::{Body, Chain};
use crate::runtime::job::Signal;
use crate::runtime::metrics::SourceMetrics;
use crate::runtime::source_task::{SourceSteps, SourceTask};
use crate::runtime::start;
use crate::runtime::task::TaskContext;
use crate::runtime::watermarks::SplitWatermarks;
use crate::time::{SystemClock, Watermark};

/// `ts` is `v` as a time; the watermark is 5 ms behind it.
fn with_watermark(source: FedSource, emit: WatermarkEmit, idle_timeout: Option<Duration>) -> SourceNode {
    let timestamp = DataType::Timestamp(TimeUnit::Millisecond, None);
    let mut node = source_node(source);
    let declared =
        Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true), Field::new("ts", timestamp.clone(), true)]));
    let exprs = [col("v"), cast(col("v"), timestamp.clone())].iter().map(|e| physical(e, &node.scan_schema)).collect();
    let expr = physical(&cast(col("v") - lit(5i64), timestamp), &declared);
    node.watermark = Some(WatermarkNode {
        column: "ts".into(),
        column_index: 1,
        expr,
        text: "ts - 5".into(),
        emit,
        each: false,
        idle_timeout,
    });
    node.columns = Some((exprs, declared));
    node
}

/// Writes down what passes.
#[derive(Default, Clone)]
struct Probe(Arc<Mutex<Vec<String>>>);

impl Probe {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    async fn wait_for(&self, what: &str) {
        in_time(async {
            while !self.0.lock().unwrap().iter().any(|said| said == what) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

impl Operator for Probe {
    fn name(&self) -> &'static str {
        "Probe"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, _out: &mut Output) -> Result<Progress> {
        self.note(format!("{} rows", batch.num_rows()));
        Ok(Progress::Done)
    }

    fn on_watermark(&mut self, watermark: Watermark, _out: &mut Output) -> Result<Progress> {
        self.note(format!("watermark {}", if watermark == Watermark::MAX { -1 } else { watermark.0 }));
        Ok(Progress::Done)
    }
}

/// Runs a source task alone until its feeds end; says what its chain was told.
async fn run(node: SourceNode, probe: &Probe, until_end: impl Future<Output = ()>) -> Vec<String> {
    let source: Arc<dyn Source> = node.source.clone();
    let open = crate::connectors::OpenContext::for_test();
    let splits = source.splits(&open).await.unwrap();
    let metrics = Arc::new(SourceMetrics::new("fed", true));
    let ids: Vec<Arc<str>> = splits.iter().map(|s| s.id.as_str().into()).collect();
    let idle_timeout = node.watermark.as_ref().and_then(|w| w.idle_timeout);
    let mut chain = Chain::new(Vec::new());
    chain.add(None, Body::Operator(Box::new(probe.clone())));
    let (signal, watched) = watch::channel(Signal::Run);
    let commands = mpsc::channel(1).1;
    let (reports, _reports) = mpsc::unbounded_channel();
    let context = TaskContext { id: 0, clock: Arc::new(SystemClock), signal, may_end_job: true, reports };
    let steps = SourceSteps::try_new(&node).unwrap();
    let now = tokio::time::Instant::now();
    let task = SourceTask {
        identity: "fed".to_string(),
        resumes: true,
        reader: source.open(splits, &open).await.unwrap(),
        watermarks: SplitWatermarks::new(ids, idle_timeout, steps.pace(), metrics.clone(), now),
        steps,
        chain,
        commands,
        metrics,
        context,
        errors: ErrorHandling::Fail,
        snapshots: Vec::new(),
    };
    let (ended, ()) = in_time(async { tokio::join!(task.run(watched), until_end) }).await;
    ended.unwrap();
    probe.0.lock().unwrap().clone()
}

#[tokio::test]
async fn on_event_the_watermark_follows_the_rows_that_raise_it_and_is_told_before_one_that_may_be_late() {
    let events = Events::new();
    let (source, feeds) = events.source(1);
    for values in [[("a", 10), ("a", 8)], [("a", 7), ("a", 9)], [("a", 30), ("a", 20)]] {
        feeds[0].send(rows(&values));
    }
    let node = with_watermark(source, WatermarkEmit::OnEvent, None);
    drop(feeds);
    let said = run(node, &Probe::default(), async {}).await;
    let expected = ["2 rows", "watermark 5", "2 rows", "1 rows", "watermark 25", "1 rows", "watermark -1"];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_filter_that_drops_every_row_lets_the_watermark_rise() {
    let events = Events::new();
    let (source, feeds) = events.source(1);
    let mut node = with_watermark(source, WatermarkEmit::OnEvent, None);
    let declared = node.columns.as_ref().unwrap().1.clone();
    node.filter = Some(physical(&col("v").gt(lit(1_000i64)), &declared));
    feeds[0].send(rows(&[("a", 10)]));
    feeds[0].send(rows(&[("a", 20)]));
    drop(feeds);
    assert_eq!(run(node, &Probe::default(), async {}).await, ["watermark 5", "watermark 15", "watermark -1"]);
}

#[tokio::test]
async fn periodic_watermarks_come_without_further_rows_and_wait_for_the_slowest_split() {
    let events = Events::new();
    let (source, feeds) = events.source(2);
    let node = with_watermark(source, WatermarkEmit::Every(Duration::from_millis(1)), None);
    let probe = Probe::default();
    let watched = probe.clone();
    let said = run(node, &probe, async move {
        feeds[0].send(rows(&[("a", 100)]));
        feeds[1].send(rows(&[("b", 40)]));
        watched.wait_for("watermark 35").await;
        drop(feeds);
    });
    let said = said.await;
    assert!(!said.contains(&"watermark 95".to_string()), "{said:?}");
}

#[tokio::test]
async fn an_idle_split_is_left_out_after_its_timeout() {
    let events = Events::new();
    let (source, feeds) = events.source(2);
    let every = WatermarkEmit::Every(Duration::from_millis(1));
    let node = with_watermark(source, every, Some(Duration::from_millis(50)));
    let probe = Probe::default();
    let watched = probe.clone();
    run(node, &probe, async move {
        // The other split never says anything; this one goes on.
        let feed = async {
            for value in 0.. {
                feeds[0].send(rows(&[("a", 100 + value)]));
                tokio::task::yield_now().await;
            }
        };
        let risen = async {
            in_time(async {
                while !watched.0.lock().unwrap().iter().any(|said| said.starts_with("watermark")) {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        };
        tokio::select! { _ = feed => {}, _ = risen => {} }
        drop(feeds);
    })
    .await;
}

#[tokio::test]
async fn a_null_in_the_rowtime_column_is_a_data_error() {
    let events = Events::new();
    let (source, feeds) = events.source(1);
    let mut plan = StreamPlan::default();
    let node = with_watermark(source, WatermarkEmit::OnEvent, None);
    let schema = node.columns.as_ref().unwrap().1.clone();
    let source = plan.add(Vec::new(), NodeKind::Source(node), schema);
    add_sink(&mut plan, source, events.sink());
    let mut job = start(plan, config(1));
    feeds[0].send(optional(&[(Some("doc"), None)]));
    let error = in_time(job.wait()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().starts_with("rowtime column 'ts' should not be null"), "{error}");
}

#[tokio::test]
async fn a_stop_leaves_windows_open() {
    let probe = Probe::default();
    let mut chain = Chain::new(Vec::new());
    chain.add(None, Body::Operator(Box::new(probe.clone())));
    chain.end(EndKind::Stop).await.unwrap();
    assert!(probe.0.lock().unwrap().is_empty(), "no last watermark");
    chain.push(StreamElement::Watermark(Watermark(1))).await.unwrap();
    assert_eq!(*probe.0.lock().unwrap(), ["watermark 1"]);
}

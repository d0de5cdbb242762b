//! What the runtime's tests share: a source that a test feeds, a sink that it watches, and plans of few nodes.
//!
//! Nothing sleeps: a test waits for what it expects, and gives up after [`PATIENCE`].

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use tokio::sync::{Semaphore, mpsc};

use crate::changelog::ChangelogBatch;
use crate::connectors::{
    ChangelogSupport, OpenContext, Reporter, ScanRequest, Sink, SinkWriter, Source, SourceEvent, SourceReader, Split,
};
use crate::error::{Error, Result};
use crate::plan::stream_plan::{CalcNode, NodeKind, OnReject, SinkNode, SourceNode, StreamPlan};
use crate::runtime::{JobConfig, RestartStrategy};
use crate::time::SystemClock;

/// After this a test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The columns of all test rows: `k STRING, v BIGINT`.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int64, true)]))
}

pub fn rows(rows: &[(&str, i64)]) -> RecordBatch {
    optional(&rows.iter().map(|(k, v)| (Some(*k), Some(*v))).collect::<Vec<_>>())
}

pub fn optional(rows: &[(Option<&str>, Option<i64>)]) -> RecordBatch {
    let keys = StringArray::from_iter(rows.iter().map(|(k, _)| *k));
    let values = Int64Array::from_iter(rows.iter().map(|(_, v)| *v));
    RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

/// Rows as text: `+I doc 98`.
pub fn text(batch: &ChangelogBatch) -> Vec<String> {
    let cell = |column: &dyn Array, row: usize| match column.data_type() {
        _ if column.is_null(row) => "NULL".to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        other => panic!("no test column of type {other}"),
    };
    let line = |row: usize| {
        let cells: Vec<String> = batch.rows().columns().iter().map(|c| cell(c.as_ref(), row)).collect();
        format!("{} {}", batch.kind(row), cells.join(" "))
    };
    (0..batch.num_rows()).map(line).collect()
}

pub fn physical(expr: &Expr, schema: &SchemaRef) -> Arc<dyn PhysicalExpr> {
    let schema = DFSchema::try_from(schema.as_ref().clone()).unwrap();
    create_physical_expr(expr, &schema, &ExecutionProps::new(), &Default::default()).unwrap()
}

/// What the doors of a job did, in one order.
#[derive(Debug)]
pub enum Event {
    /// A writer was handed rows (they are written when its permit is there).
    Begun,
    Written {
        subtask: usize,
        rows: ChangelogBatch,
    },
    /// A writer, by its subtask.
    Flushed(usize),
    /// A writer that gathers was told that nothing more comes for now.
    Idle,
    Closed,
    /// A reader was told of a complete epoch with these positions.
    Completed(Vec<Split>),
}

pub struct Events {
    sender: mpsc::UnboundedSender<Event>,
    receiver: mpsc::UnboundedReceiver<Event>,
}

impl Events {
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }

    pub async fn next(&mut self) -> Event {
        in_time(self.receiver.recv()).await.expect("the test holds a sender")
    }

    /// The text of the next rows that are written.
    pub async fn rows(&mut self) -> Vec<String> {
        loop {
            if let Event::Written { rows, .. } = self.next().await {
                return text(&rows);
            }
        }
    }

    /// All that was said so far.
    pub fn drain(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.receiver.try_recv().ok()).collect()
    }

    pub fn sink(&self) -> WatchedSink {
        WatchedSink {
            events: self.sender.clone(),
            permits: None,
            fails: None,
            support: ChangelogSupport::All,
            parallelism: None,
            gathers: false,
        }
    }

    /// A source of so many splits, with a feed for each.
    pub fn source(&self, splits: usize) -> (FedSource, Vec<Feed>) {
        let (feeds, receivers): (Vec<_>, Vec<_>) = (0..splits).map(|_| mpsc::unbounded_channel()).unzip();
        let receivers = Mutex::new(receivers.into_iter().map(Some).collect());
        let source = FedSource { receivers, log: Arc::default(), events: self.sender.clone() };
        (source, feeds.into_iter().map(Feed).collect())
    }
}

pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing came in time")
}

/// Lets everything run that can, on the test's single thread.
pub async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Feeds one split; dropping it ends the split.
pub struct Feed(mpsc::UnboundedSender<Result<RecordBatch>>);

impl Feed {
    pub fn send(&self, rows: RecordBatch) {
        self.0.send(Ok(rows)).expect("somebody reads");
    }

    pub fn fail(&self, message: &str) {
        self.0.send(Err(Error::external(message))).expect("somebody reads");
    }
}

/// What readers did.
#[derive(Debug, Default)]
pub struct SourceLog {
    /// The number of splits of each reader.
    pub readers: Mutex<Vec<usize>>,
    /// Batches taken out of the feeds.
    pub pulled: AtomicUsize,
}

pub struct FedSource {
    receivers: Mutex<Vec<Option<mpsc::UnboundedReceiver<Result<RecordBatch>>>>>,
    pub log: Arc<SourceLog>,
    events: mpsc::UnboundedSender<Event>,
}

impl fmt::Debug for FedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FedSource")
    }
}

#[async_trait]
impl Source for FedSource {
    fn is_bounded(&self) -> bool {
        false
    }

    fn narrow(&self, _scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Err(Error::internal("plans of tests are narrow already"))
    }

    fn describe(&self) -> String {
        "fed by a test".to_string()
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        let count = self.receivers.lock().unwrap().len();
        Ok((0..count).map(|i| Split { id: i.to_string(), position: "0".to_string() }).collect())
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        self.log.readers.lock().unwrap().push(splits.len());
        let mut receivers = self.receivers.lock().unwrap();
        let parts = splits.into_iter().map(|split| {
            let receiver = receivers[split.id.parse::<usize>().unwrap()].take().expect("a split is read once");
            Part { id: split.id.as_str().into(), receiver, position: 0, ended: false }
        });
        let parts = parts.collect();
        Ok(Box::new(FedReader { parts, log: self.log.clone(), events: self.events.clone() }))
    }
}

struct FedReader {
    parts: Vec<Part>,
    log: Arc<SourceLog>,
    events: mpsc::UnboundedSender<Event>,
}

struct Part {
    id: Arc<str>,
    receiver: mpsc::UnboundedReceiver<Result<RecordBatch>>,
    position: usize,
    ended: bool,
}

#[async_trait]
impl SourceReader for FedReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        poll_fn(|cx| {
            for part in self.parts.iter_mut().filter(|p| !p.ended) {
                match part.receiver.poll_recv(cx) {
                    Poll::Ready(Some(rows)) => {
                        part.position += 1;
                        self.log.pulled.fetch_add(1, Ordering::SeqCst);
                        let split = part.id.clone();
                        return Poll::Ready(rows.map(|rows| SourceEvent::Rows {
                            split,
                            rows,
                            kinds: None,
                            records: None,
                        }));
                    }
                    Poll::Ready(None) => {
                        part.ended = true;
                        return Poll::Ready(Ok(SourceEvent::SplitEnd(part.id.clone())));
                    }
                    Poll::Pending => {}
                }
            }
            if self.parts.iter().all(|p| p.ended) { Poll::Ready(Ok(SourceEvent::End)) } else { Poll::Pending }
        })
        .await
    }

    fn positions(&self) -> Vec<Split> {
        self.parts.iter().map(|p| Split { id: p.id.to_string(), position: p.position.to_string() }).collect()
    }

    async fn on_epoch_complete(&mut self, positions: &[Split]) -> Result<()> {
        let _test_is_over = self.events.send(Event::Completed(positions.to_vec()));
        Ok(())
    }
}

/// Tells the test what it is told.
#[derive(Debug, Clone)]
pub struct WatchedSink {
    pub events: mpsc::UnboundedSender<Event>,
    /// Where there are some, every batch takes one.
    pub permits: Option<Arc<Semaphore>>,
    /// Writing fails with this.
    pub fails: Option<&'static str>,
    pub support: ChangelogSupport,
    pub parallelism: Option<usize>,
    /// Its writers hold rows back until nothing more comes.
    pub gathers: bool,
}

#[async_trait]
impl Sink for WatchedSink {
    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    fn changelog_support(&self) -> ChangelogSupport {
        self.support
    }

    fn describe(&self) -> String {
        "watched by a test".to_string()
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(WatchedWriter { sink: self.clone(), subtask: context.subtask, has_rows: false }))
    }
}

struct WatchedWriter {
    sink: WatchedSink,
    subtask: usize,
    has_rows: bool,
}

impl WatchedWriter {
    fn tell(&self, event: Event) {
        let _test_is_over = self.sink.events.send(event);
    }
}

#[async_trait]
impl SinkWriter for WatchedWriter {
    async fn write(&mut self, rows: ChangelogBatch) -> Result<()> {
        self.tell(Event::Begun);
        if let Some(message) = self.sink.fails {
            return Err(Error::external(message));
        }
        if let Some(permits) = &self.sink.permits {
            permits.acquire().await.expect("the test keeps it open").forget();
        }
        self.tell(Event::Written { subtask: self.subtask, rows });
        self.has_rows = true;
        Ok(())
    }

    fn gathers(&self) -> bool {
        self.sink.gathers && self.has_rows
    }

    fn on_idle(&mut self) -> Result<()> {
        self.has_rows = false;
        self.tell(Event::Idle);
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.tell(Event::Flushed(self.subtask));
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.tell(Event::Closed);
        Ok(())
    }
}

pub fn source_node(source: FedSource) -> SourceNode {
    SourceNode {
        table: "fed".to_string(),
        source: Arc::new(source),
        scan_schema: schema(),
        columns: None,
        watermark: None,
        filter: None,
        output: None,
        pushed_text: Vec::new(),
        filter_text: None,
        on_reject: OnReject::Fail,
        key: None,
    }
}

pub fn add_source(plan: &mut StreamPlan, source: FedSource) -> usize {
    plan.add(Vec::new(), NodeKind::Source(source_node(source)), schema())
}

pub fn add_sink(plan: &mut StreamPlan, input: usize, sink: WatchedSink) -> usize {
    let schema = plan.nodes[input].schema.clone();
    plan.add(
        vec![input],
        NodeKind::Sink(SinkNode {
            table: "watched".to_string(),
            sink: Arc::new(sink),
            exactly_once: false,
            key: Vec::new(),
            on_reject: None,
        }),
        schema,
    )
}

pub fn add_filter(plan: &mut StreamPlan, input: usize, predicate: &Expr) -> usize {
    let schema = plan.nodes[input].schema.clone();
    let calc = CalcNode {
        predicate: Some(physical(predicate, &schema)),
        projection: None,
        condition: Some(predicate.to_string()),
        selected: Vec::new(),
    };
    plan.add(vec![input], NodeKind::Calc(calc), schema)
}

pub fn config(parallelism: usize) -> JobConfig {
    JobConfig {
        name: "test".into(),
        declared: Vec::new(),
        parallelism,
        clock: Arc::new(SystemClock),
        checkpoints: None,
        restart: RestartStrategy::Never,
        batch_rows: 1_000,
        memory: Arc::default(),
        reporter: Reporter::silent(),
        costs: None,
    }
}

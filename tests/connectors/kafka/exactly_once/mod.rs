//! Epochs into a real broker, driven by hand: what a crash at any moment leaves for readers of what is committed.

mod brokers;
mod held;
mod jobs;
mod limits;
mod others;
mod rollback;

use std::sync::Arc;

use millstream::changelog::{Epoch, RowKind};
use millstream::connectors::{
    Committer, DoorMetrics, EpochMode, Marker, Sink, SinkWriter, StagedPart, TargetContext, TargetTable, WriterEpochs,
};
use millstream::time::SystemClock;

use super::*;

/// The tables of a job, and how it runs.
#[derive(Clone)]
struct Job {
    name: String,
    tables: Vec<TableDescriptor>,
    mode: EpochMode,
    reporter: Reporter,
}

/// A start of a job, its producers made.
struct Attempt {
    job: Job,
    committer: Arc<dyn Committer>,
    /// What stood at the target when it began.
    marker: Option<Marker>,
}

/// Options of a table that is written exactly once under this prefix.
fn exactly_once(prefix: &str) -> [(&str, &str); 3] {
    [
        ("sink.delivery-guarantee", "exactly-once"),
        ("sink.transactional-id-prefix", prefix),
        ("properties.transaction.timeout.ms", "60000"),
    ]
}

fn sink_of(table: &TableDescriptor) -> Arc<dyn Sink> {
    find(table.options.get("connector").unwrap(), None).unwrap().sink(table).unwrap()
}

impl Job {
    fn new(tables: Vec<TableDescriptor>, mode: EpochMode) -> Self {
        Self { name: "copy".into(), tables, mode, reporter: Reporter::silent() }
    }

    /// A job with one table of strings, in a topic of one partition.
    async fn with_one_table(mode: EpochMode) -> Self {
        let (topic, prefix) = (topic("once", 1).await, unique("p"));
        Self::new(vec![strings(&topic, &exactly_once(&prefix))], mode)
    }

    /// Everything up to the first row.
    async fn start(&self, attempt: u64) -> Result<Attempt> {
        let sinks: Vec<_> = self.tables.iter().map(sink_of).collect();
        let targets: Vec<_> = sinks.iter().map(|sink| sink.target().unwrap()).collect();
        let name = targets[0].target.name();
        assert!(targets.iter().all(|target| target.target.name() == name));
        let tables = targets.iter().enumerate().map(|(sink, t)| TargetTable { sink, table: t.table.clone() }).collect();
        let context = TargetContext {
            job: self.name.as_str().into(),
            lineage: "line".into(),
            attempt,
            mode: self.mode,
            clock: Arc::new(SystemClock),
            reporter: self.reporter.clone(),
            metrics: Arc::new(DoorMetrics::default()),
        };
        let committer = targets[0].target.open(tables, &context).await?;
        let marker = committer.fence().await?;
        Ok(Attempt { job: self.clone(), committer, marker })
    }

    /// Waits until readers of what is committed see these rows of a table: a commit is decided before every partition has
    /// heard of it.
    async fn sees(&self, table: usize, expected: &[&str]) {
        let start = std::time::Instant::now();
        loop {
            let seen = self.seen(table).await;
            if seen == expected {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{seen:?}, not {expected:?}");
        }
    }

    /// What readers of what is committed see of a table.
    async fn seen(&self, table: usize) -> Vec<String> {
        let mut rows = read_now(&self.tables[table]).await.unwrap();
        rows.sort();
        rows
    }
}

impl Attempt {
    /// A writer of one of the tables, whose first row belongs to this epoch.
    async fn writer(&self, sink: usize, subtask: usize, first: u64) -> Box<dyn SinkWriter> {
        let epochs = WriterEpochs {
            mode: self.job.mode,
            sink,
            committer: self.committer.clone(),
            first: Epoch(first),
            room: Arc::default(),
        };
        let context = OpenContext { epochs: Some(epochs), subtask, job: self.job.name.as_str().into(), ..context() };
        sink_of(&self.job.tables[sink]).open(&context).await.unwrap()
    }

    async fn publish(&self, epoch: u64, parts: &[StagedPart]) -> Result<()> {
        self.committer.publish(Epoch(epoch), parts).await
    }

    fn epoch(&self) -> Option<u64> {
        self.marker.as_ref().map(|marker| marker.epoch.0)
    }
}

async fn put(writer: &mut Box<dyn SinkWriter>, table: &TableDescriptor, values: &[&str]) {
    writer.write(ChangelogBatch::inserts(batch(table, vec![string_column(values)]))).await.unwrap();
}

async fn staged(writer: &mut Box<dyn SinkWriter>, epoch: u64, sink: usize, subtask: usize) -> StagedPart {
    StagedPart { sink, subtask, staged: writer.stage(Epoch(epoch)).await.unwrap() }
}

/// Waits until these are the rows of a table, in this order.
async fn holds(table: &TableDescriptor, expected: &[&str]) {
    let start = std::time::Instant::now();
    loop {
        let rows = read_now(table).await.unwrap();
        if rows == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{rows:?}, not {expected:?}");
    }
}

/// Whoever reads all, committed or not.
async fn seen_uncommitted(table: &TableDescriptor) -> Vec<String> {
    let mut table = table.clone();
    table.options.set("properties.isolation.level", "read_uncommitted", None);
    let mut rows = read_now(&table).await.unwrap();
    rows.sort();
    rows
}

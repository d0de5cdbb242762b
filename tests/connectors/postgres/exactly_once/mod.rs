//! Exactly once: epochs that are published as a whole, by one start of the job after the other.

mod broken;
mod durable;
mod epochs;
mod jobs;
mod refused;
mod rights;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use millstream::changelog::{ChangelogBatch, Epoch, RowKind};
use millstream::connectors::{
    Committer, EpochMode, Marker, SinkWriter, StagedPart, TargetContext, TargetTable, WriterEpochs,
};
use millstream::time::SystemClock;
use millstream::types::{SqlType, TypeKind as T};

use super::*;

/// A start of a job.
pub struct Start {
    pub committer: Arc<dyn Committer>,
    pub marker: Option<Marker>,
    tables: Vec<TableDescriptor>,
    pub context: OpenContext,
}

/// A lineage and a number.
pub fn number(lineage: &str, attempt: u64) -> TargetContext {
    let context = OpenContext::for_test();
    TargetContext {
        job: "the job".into(),
        lineage: lineage.to_string(),
        attempt,
        mode: EpochMode::Rollback,
        clock: Arc::new(SystemClock),
        reporter: context.reporter.clone(),
        metrics: context.metrics.clone(),
    }
}

/// Opens the target of the tables, without a fence.
pub async fn opened(tables: &[TableDescriptor], context: &TargetContext) -> millstream::Result<Arc<dyn Committer>> {
    let targets: Vec<_> = tables.iter().map(|table| jdbc().sink(table).unwrap().target().unwrap()).collect();
    assert!(targets.iter().all(|target| target.target.name() == targets[0].target.name()));
    let of_sinks = targets.iter().enumerate().map(|(sink, target)| TargetTable { sink, table: target.table.clone() });
    targets[0].target.open(of_sinks.collect(), context).await
}

impl Start {
    pub async fn try_new(tables: &[TableDescriptor], context: TargetContext) -> millstream::Result<Self> {
        let committer = opened(tables, &context).await?;
        let marker = committer.fence().await?;
        let context = context.door();
        Ok(Self { committer, marker, tables: tables.to_vec(), context })
    }

    pub async fn new(tables: &[TableDescriptor], attempt: u64) -> Self {
        Self::try_new(tables, number("a", attempt)).await.unwrap()
    }

    pub async fn writer(&self, sink: usize) -> Box<dyn SinkWriter> {
        let epochs = WriterEpochs {
            mode: EpochMode::Rollback,
            sink,
            committer: self.committer.clone(),
            first: Epoch(1),
            room: Arc::default(),
        };
        let context = OpenContext { epochs: Some(epochs), ..self.context.clone() };
        jdbc().sink(&self.tables[sink]).unwrap().open(&context).await.unwrap()
    }

    /// What a new writer of a sink has of these rows.
    pub async fn staged(&self, sink: usize, rows: &[(RowKind, i32, &str)]) -> StagedPart {
        let mut writer = self.writer(sink).await;
        writer.write(changes(rows)).await.unwrap();
        let staged = writer.stage(Epoch(1)).await.unwrap();
        writer.close().await.unwrap();
        StagedPart { sink, subtask: 0, staged }
    }

    pub async fn publish(&self, epoch: u64, parts: &[StagedPart]) -> millstream::Result<()> {
        self.committer.publish(Epoch(epoch), parts).await
    }
}

/// Rows `(id, name)` of their kinds.
pub fn changes(rows: &[(RowKind, i32, &str)]) -> ChangelogBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.2)));
    let schema = arrow::datatypes::Schema::new(vec![
        SqlType::not_null(T::Int).arrow_field("id"),
        SqlType::string().arrow_field("name"),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![ids, names]).unwrap();
    ChangelogBatch::new(batch, rows.iter().map(|r| r.0).collect())
}

pub fn inserts(rows: &[(i32, &'static str)]) -> Vec<(RowKind, i32, &'static str)> {
    rows.iter().map(|(id, name)| (RowKind::Insert, *id, *name)).collect()
}

/// A table `(id, name)` whose sessions have the test's schema as theirs, and its name.
pub fn id_name(db: &Db, name: &str, key: usize) -> TableDescriptor {
    let table = db.table(name, &[("id", T::Int), ("name", string())], key);
    by(table, &server().address, &format!("currentSchema={0}&ApplicationName={0}", db.schema))
}

/// As [`id_name`], with the server's address in other words.
pub fn spelled_otherwise(db: &Db, name: &str) -> TableDescriptor {
    let address = server().address;
    let (host, port) = address.split_once(':').unwrap();
    let other = if host == "localhost" { "127.0.0.1" } else { "localhost" };
    by(id_name(db, name, 0), &format!("{other}:{port}"), &format!("currentSchema={0}&ApplicationName={0}", db.schema))
}

pub async fn marker(db: &Db) -> Vec<String> {
    db.rows("SELECT job, lineage, attempt, published_lineage, published_attempt, epoch FROM millstream_epochs").await
}

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int32Array};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::assert_batches_sorted_eq;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::prelude::SessionContext;

use super::ConnectorTable;
use crate::changelog::ChangelogBatch;
use crate::connectors::options::OptionSpec;
use crate::connectors::{
    ChangelogSupport, Connector, MetadataColumn, OpenContext, ScanRequest, Sink, SinkWriter, Source, SourceEvent,
    SourceReader, Split, TableDescriptor,
};
use crate::error::Result;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// Two splits with the rows `(10, 0), (11, 0)` and `(20, 1), (21, 1)`. Says that it filters by equality, and doesn't:
/// what comes out unfiltered was truly left to it. Remembers what it was asked and given.
#[derive(Debug, Default, Clone)]
struct Toy {
    asked: Arc<Mutex<Vec<ScanRequest>>>,
    written: Arc<Mutex<Vec<RecordBatch>>>,
}

#[derive(Debug)]
struct ToySource {
    request: ScanRequest,
    asked: Arc<Mutex<Vec<ScanRequest>>>,
}

struct ToyReader {
    projection: Vec<usize>,
    splits: Vec<Split>,
}

#[derive(Debug)]
struct ToySink(Arc<Mutex<Vec<RecordBatch>>>);

impl Connector for Toy {
    fn names(&self) -> &'static [&'static str] {
        &["toy"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn source(&self, _table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(ToySource { request: ScanRequest::default(), asked: self.asked.clone() }))
    }

    fn sink(&self, _table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Ok(Arc::new(ToySink(self.written.clone())))
    }
}

#[async_trait]
impl Source for ToySource {
    fn is_bounded(&self) -> bool {
        true
    }

    fn supports_filter(&self, filter: &Expr) -> bool {
        matches!(filter, Expr::BinaryExpr(e) if e.op == Operator::Eq)
    }

    fn narrow(&self, request: ScanRequest) -> Result<Arc<dyn Source>> {
        if let Ok(mut asked) = self.asked.lock() {
            asked.push(request.clone());
        }
        Ok(Arc::new(ToySource { request, asked: self.asked.clone() }))
    }

    fn describe(&self) -> String {
        format!("columns={:?}, filters={}", self.request.projection, self.request.filters.len())
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(["0", "1"].map(|id| Split { id: id.into(), position: String::new() }).into())
    }

    async fn open(&self, splits: Vec<Split>, _context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        assert!(!splits.is_empty(), "a reader is never opened without splits");
        Ok(Box::new(ToyReader { projection: self.request.projection.clone(), splits }))
    }
}

#[async_trait]
impl SourceReader for ToyReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        let Some(split) = self.splits.pop() else { return Ok(SourceEvent::End) };
        let id: i32 = split.id.parse().unwrap_or(-1);
        let base = (id + 1) * 10;
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![base, base + 1])), Arc::new(Int32Array::from(vec![id, id]))];
        let columns: Vec<_> = self.projection.iter().map(|&i| columns[i].clone()).collect();
        let schema = Arc::new(columns_of_table().arrow().project(&self.projection)?);
        let options = RecordBatchOptions::new().with_row_count(Some(2));
        let rows = RecordBatch::try_new_with_options(schema, columns, &options)?;
        Ok(SourceEvent::Rows { split: split.id.into(), rows, kinds: None, records: None })
    }

    fn positions(&self) -> Vec<Split> {
        self.splits.clone()
    }
}

#[async_trait]
impl Sink for ToySink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::InsertOnly
    }

    fn describe(&self) -> String {
        "toy".into()
    }

    async fn open(&self, _context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(ToyWriter { buffer: Vec::new(), written: self.0.clone() }))
    }
}

struct ToyWriter {
    buffer: Vec<RecordBatch>,
    written: Arc<Mutex<Vec<RecordBatch>>>,
}

#[async_trait]
impl SinkWriter for ToyWriter {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        self.buffer.push(batch.into_rows());
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.written.lock().expect("no writer panics").append(&mut self.buffer);
        Ok(())
    }
}

fn columns_of_table() -> Schema {
    Schema::new(vec![
        Field::new("a", SqlType::nullable(TypeKind::Int)),
        Field::new("part", SqlType::not_null(TypeKind::Int)),
    ])
}

/// Columns `a` and the virtual `part`; both come out of a scan, only `a` goes into the sink.
fn session(a: SqlType) -> (SessionContext, Toy) {
    let toy = Toy::default();
    let descriptor = TableDescriptor {
        name: "t".into(),
        columns: Schema::new(vec![Field::new("a", a)]),
        metadata: vec![MetadataColumn {
            name: "part".into(),
            key: "part".into(),
            ty: SqlType::not_null(TypeKind::Int),
            is_virtual: true,
        }],
        primary_key: vec![],
        partition_keys: vec![],
        options: [("connector", "toy")].into_iter().collect(),
        zone: chrono_tz::UTC,
    };
    let connector: &'static Toy = Box::leak(Box::new(toy.clone()));
    let session = SessionContext::new();
    session.register_table("t", Arc::new(ConnectorTable::new(descriptor, connector))).expect("a fresh session");
    (session, toy)
}

#[tokio::test]
async fn every_split_is_read_once() {
    let (session, _) = session(SqlType::nullable(TypeKind::Int));
    let rows = session.sql("SELECT * FROM t").await.unwrap().collect().await.unwrap();
    assert_batches_sorted_eq!(
        [
            "+----+------+",
            "| a  | part |",
            "+----+------+",
            "| 10 | 0    |",
            "| 11 | 0    |",
            "| 20 | 1    |",
            "| 21 | 1    |",
            "+----+------+"
        ],
        &rows
    );
}

#[tokio::test]
async fn the_source_is_asked_for_what_it_can_do_and_nothing_else() {
    let (session, toy) = session(SqlType::nullable(TypeKind::Int));
    let rows = session.sql("SELECT a FROM t WHERE part = 1 AND a > 10 LIMIT 5").await.unwrap().collect().await.unwrap();
    // `part = 1` was the source's to apply (it did not), `a > 10` is applied above it.
    assert_batches_sorted_eq!(["+----+", "| a  |", "+----+", "| 11 |", "| 20 |", "| 21 |", "+----+"], &rows);
    let asked = toy.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].projection, [0]);
    assert_eq!(asked[0].filters.iter().map(ToString::to_string).collect::<Vec<_>>(), ["part = Int32(1)"]);
    assert_eq!(asked[0].limit, None, "a limit above a filter of the engine's own is not the source's");
}

#[tokio::test]
async fn a_limit_reaches_the_source_when_every_filter_does() {
    let (session, toy) = session(SqlType::nullable(TypeKind::Int));
    let rows = session.sql("SELECT a FROM t WHERE part = 1 LIMIT 3").await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    assert_eq!(toy.asked.lock().unwrap()[0].limit, Some(3));
}

#[tokio::test]
async fn rows_are_counted_without_columns() {
    let (session, _) = session(SqlType::nullable(TypeKind::Int));
    let rows = session.sql("SELECT count(*) AS n FROM t").await.unwrap().collect().await.unwrap();
    assert_batches_sorted_eq!(["+---+", "| n |", "+---+", "| 4 |", "+---+"], &rows);
}

#[tokio::test]
async fn an_insert_writes_the_physical_columns_and_returns_its_count() {
    let (session, toy) = session(SqlType::nullable(TypeKind::Int));
    let rows = session.sql("INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap().collect().await.unwrap();
    assert_batches_sorted_eq!(["+-------+", "| count |", "+-------+", "| 2     |", "+-------+"], &rows);
    let written = toy.written.lock().unwrap();
    assert_batches_sorted_eq!(["+---+", "| a |", "+---+", "| 1 |", "| 2 |", "+---+"], &written);
}

#[tokio::test]
async fn a_null_for_a_not_null_column_is_a_data_error_that_names_it() {
    let (session, toy) = session(SqlType::not_null(TypeKind::Int));
    let result = match session.sql("INSERT INTO t SELECT nullif(1, 1), 0").await {
        Ok(plan) => plan.collect().await,
        Err(error) => Err(error),
    };
    let error = crate::Error::from_datafusion(crate::ErrorKind::Internal, result.unwrap_err());
    assert_eq!(error.kind(), crate::ErrorKind::Data, "{error}");
    assert!(error.message().starts_with("column 'a' of table \"t\""), "{error}");
    assert!(toy.written.lock().unwrap().is_empty());
}

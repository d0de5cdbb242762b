//! A bounded DataFusion query as a source: its rows are the query's answer.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;

use crate::connectors::{OpenContext, ScanRequest, Source, SourceEvent, SourceReader, Split};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Clock;

const SPLIT: &str = "answer/0";

/// What is read when the source is opened: a plan of DataFusion's own nodes over table providers.
pub struct QuerySource {
    plan: LogicalPlan,
    /// How the query is carried out.
    state: SessionState,
    /// The columns of the answer.
    schema: SchemaRef,
    /// Which columns of the answer come out, where not all do.
    projection: Option<Vec<usize>>,
    /// The first look at it is when the query begins.
    start: Arc<dyn Clock>,
}

impl QuerySource {
    pub fn new(plan: LogicalPlan, state: SessionState, schema: SchemaRef, start: Arc<dyn Clock>) -> Self {
        Self { plan, state, schema, projection: None, start }
    }

    /// The query's plan.
    pub fn plan(&self) -> &LogicalPlan {
        &self.plan
    }
}

impl fmt::Debug for QuerySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuerySource")
    }
}

#[async_trait]
impl Source for QuerySource {
    fn resumes(&self) -> bool {
        false
    }

    fn is_bounded(&self) -> bool {
        true
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(Self {
            plan: self.plan.clone(),
            state: self.state.clone(),
            schema: Arc::new(self.schema.project(&scan.projection)?),
            projection: Some(scan.projection),
            start: self.start.clone(),
        }))
    }

    fn describe(&self) -> String {
        String::new()
    }

    /// One: an answer may have an order.
    fn parallelism(&self) -> Option<usize> {
        Some(1)
    }

    async fn splits(&self, _context: &OpenContext) -> Result<Vec<Split>> {
        Ok(vec![Split { id: SPLIT.to_string(), position: String::new() }])
    }

    async fn open(&self, _splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        self.start.now_ms();
        // The scans of the query open their doors with it.
        let config = self.state.config().clone().with_extension(Arc::new(context.clone()));
        let state = SessionStateBuilder::new_from_existing(self.state.clone()).with_config(config).build();
        let plan = state.query_planner().create_physical_plan(&self.plan, &state).await.map_err(opening)?;
        let rows = execute_stream(plan, state.task_ctx()).map_err(opening)?;
        Ok(Box::new(QueryReader { rows, schema: self.schema.clone(), projection: self.projection.clone() }))
    }
}

/// What failed before the first row: the error that a door gave, or a bug of ours.
fn opening(error: DataFusionError) -> Error {
    Error::from_datafusion(ErrorKind::Internal, error)
}

/// What failed while the query ran.
fn running(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(why) => {
            Error::state(format!("the query needs more memory than there is: {why}"))
                .with_hint("--memory gives it more.")
        }
        _ => Error::from_datafusion(ErrorKind::Data, error),
    }
}

struct QueryReader {
    rows: SendableRecordBatchStream,
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
}

impl QueryReader {
    /// The rows under the names, and with the nullability, that the source has promised.
    fn conform(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = match &self.projection {
            None => rows.columns().to_vec(),
            Some(projection) => projection.iter().map(|&column| rows.column(column).clone()).collect(),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

#[async_trait]
impl SourceReader for QueryReader {
    async fn next(&mut self) -> Result<SourceEvent> {
        match self.rows.next().await {
            None => Ok(SourceEvent::End),
            Some(Err(error)) => Err(running(error)),
            Some(Ok(rows)) => {
                Ok(SourceEvent::Rows { split: SPLIT.into(), rows: self.conform(&rows)?, kinds: None, records: None })
            }
        }
    }

    fn positions(&self) -> Vec<Split> {
        vec![Split { id: SPLIT.to_string(), position: String::new() }]
    }
}

//! Writes the rows of a DataFusion INSERT through a connector's writer.

use std::fmt;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::common::Result as DfResult;
use datafusion::datasource::sink::DataSink;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType};
use futures::StreamExt;

use crate::changelog::ChangelogBatch;
use crate::connectors::{OpenContext, Sink, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};

/// A table's sink as the end of a bounded query. Rows are acknowledged when the INSERT returns its count.
#[derive(Debug)]
pub struct InsertSink {
    table: Arc<TableDescriptor>,
    sink: Arc<dyn Sink>,
    /// The columns that the INSERT gives: those of the scan, all nullable so that the NOT NULL check is ours.
    schema: SchemaRef,
    /// The columns that the writer takes, and where each stands in `schema`.
    written: SchemaRef,
    positions: Vec<usize>,
    context: OpenContext,
}

impl InsertSink {
    pub fn new(table: Arc<TableDescriptor>, sink: Arc<dyn Sink>, schema: SchemaRef, context: OpenContext) -> Self {
        let physical = table.columns.len();
        let metadata = table.metadata.iter().enumerate().filter(|(_, m)| !m.is_virtual).map(|(i, _)| physical + i);
        let positions = (0..physical).chain(metadata).collect();
        let written = table.sink_schema().arrow();
        let nullable = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        Self { table, sink, schema, written, positions, context }
    }

    /// The rows as the writer takes them.
    ///
    /// # Errors
    /// A NULL in a column that is NOT NULL, in Flink's words.
    fn rows_to_write(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns: Vec<_> = self.positions.iter().map(|&i| batch.column(i).clone()).collect();
        for (field, column) in self.written.fields().iter().zip(&columns) {
            if !field.is_nullable() && column.null_count() > 0 {
                let message = format!(
                    "column '{}' of {} is NOT NULL, however, a null value is being written into it",
                    field.name(),
                    self.table.owner()
                );
                return Err(Error::data(message));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.written.clone(), columns, &options)?)
    }

    async fn write_stream(
        &self,
        writer: &mut Box<dyn SinkWriter>,
        mut data: SendableRecordBatchStream,
    ) -> DfResult<u64> {
        let mut count = 0;
        loop {
            let next = match writer.deadline() {
                None => data.next().await,
                Some(deadline) => tokio::select! {
                    biased;
                    next = data.next() => next,
                    () = tokio::time::sleep_until(deadline) => {
                        writer.on_deadline().await?;
                        continue;
                    }
                },
            };
            let Some(batch) = next else { break };
            let batch = batch?;
            count += batch.num_rows() as u64;
            writer.write(ChangelogBatch::inserts(self.rows_to_write(&batch)?)).await?;
        }
        writer.flush().await?;
        writer.close().await?;
        Ok(count)
    }
}

#[async_trait]
impl DataSink for InsertSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(&self, data: SendableRecordBatchStream, _context: &Arc<TaskContext>) -> DfResult<u64> {
        let mut writer = self.sink.open(&self.context).await?;
        self.write_stream(&mut writer, data).await
    }
}

impl DisplayAs for InsertSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table={}, {}", self.table.name, self.sink.describe())
    }
}

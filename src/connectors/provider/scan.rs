//! Reads a connector's splits inside a DataFusion plan, one partition per group of splits.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::StreamExt;
use futures::stream;

use crate::connectors::{OpenContext, Source, SourceEvent, SourceReader, Split};
use crate::error::Error;

/// A narrowed source and its splits. Executing it twice reads the same splits again.
pub struct ScanExec {
    table: String,
    source: Arc<dyn Source>,
    /// The splits of each partition; a partition may have none.
    groups: Vec<Vec<Split>>,
    context: OpenContext,
    properties: Arc<PlanProperties>,
}

/// Deals splits to at most `partitions` groups in turn; one empty group where there is no split.
pub(super) fn deal(splits: Vec<Split>, partitions: usize) -> Vec<Vec<Split>> {
    let count = splits.len().min(partitions).max(1);
    let mut groups = vec![Vec::new(); count];
    for (i, split) in splits.into_iter().enumerate() {
        groups[i % count].push(split);
    }
    groups
}

impl ScanExec {
    /// `schema` is that of the rows which the narrowed `source` gives.
    pub fn new(
        table: &str,
        source: Arc<dyn Source>,
        groups: Vec<Vec<Split>>,
        schema: SchemaRef,
        context: OpenContext,
    ) -> Self {
        let boundedness = match source.is_bounded() {
            true => Boundedness::Bounded,
            false => Boundedness::Unbounded { requires_infinite_memory: false },
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Incremental,
            boundedness,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self { table: table.to_string(), source, groups, context, properties: Arc::new(properties) }
    }

    /// What is read, narrowed to what the query needs.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }
}

/// The rows of one partition: opened at the first poll, over at the reader's end or first error.
enum Reading {
    Closed { source: Arc<dyn Source>, splits: Vec<Split>, context: OpenContext },
    Open(Box<dyn SourceReader>),
    Over,
}

impl Reading {
    /// The next rows and what remains, or `None` at the end.
    async fn next(mut self) -> Option<(DfResult<RecordBatch>, Reading)> {
        loop {
            self = match self {
                Reading::Closed { splits, .. } if splits.is_empty() => return None,
                Reading::Closed { source, splits, context } => match source.open(splits, &context).await {
                    Ok(reader) => Reading::Open(reader),
                    Err(error) => return Some((Err(error.into()), Reading::Over)),
                },
                Reading::Open(mut reader) => match reader.next().await {
                    Ok(SourceEvent::Rows { rows, .. }) => return Some((Ok(rows), Reading::Open(reader))),
                    Ok(SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_)) => Reading::Open(reader),
                    Ok(SourceEvent::End) => return None,
                    Err(error) => return Some((Err(error.into()), Reading::Over)),
                },
                Reading::Over => return None,
            };
        }
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => Err(Error::internal("a scan has no inputs to replace").into()),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => Err(Error::internal("a scan has no inputs to replace").into()),
        }
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let Some(splits) = self.groups.get(partition).cloned() else {
            return Err(Error::internal(format!("a scan of {} has no partition {partition}", self.table)).into());
        };
        let context = OpenContext { subtask: partition, parallelism: self.groups.len(), ..self.context.clone() };
        let reading = Reading::Closed { source: self.source.clone(), splits, context };
        let rows = stream::unfold(reading, Reading::next).boxed();
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows))))
    }
}

/// `ScanExec: table=thresholds, splits=1, SELECT "hostname" FROM ...`
impl DisplayAs for ScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let splits: usize = self.groups.iter().map(Vec::len).sum();
        match format {
            DisplayFormatType::TreeRender => write!(f, "{}\nsplits={splits}\n{}", self.table, self.source.describe()),
            _ => write!(f, "ScanExec: table={}, splits={splits}, {}", self.table, self.source.describe()),
        }
    }
}

impl fmt::Debug for ScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

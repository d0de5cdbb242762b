//! The stream plan: a graph of nodes, each described so far that the runtime can build it without knowing SQL.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;

use super::changelog_mode::ChangelogMode;
use super::dead_letters::DeadLetterSink;
use super::upsert_keys::UpsertKeys;
use super::window::WindowSpec;
use crate::connectors::{LookupRequest, LookupSource, Sink, Source};
use crate::operators::{
    AggregateCall, BundleEnd, Constraints, MiniBatchMode, UnnestShape, WindowInput, WindowKind, WindowOutput,
    WindowPart,
};

/// Nodes in an order in which inputs come before those that read them.
#[derive(Debug, Clone, Default)]
pub struct StreamPlan {
    pub nodes: Vec<StreamNode>,
    /// The tables that dead letters go to.
    pub dead_letters: Vec<DeadLetterSink>,
    /// The job keeps checkpoints: sinks may publish with them.
    pub has_checkpoints: bool,
    /// The plans of batch queries as people read them, by the source that gives the answer.
    pub answers: Vec<(usize, String)>,
}

/// What becomes of a table's rows that can't be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnReject {
    /// They fail the job.
    #[default]
    Fail,
    /// They are dropped and counted.
    Skip,
    /// They go to one of [`StreamPlan::dead_letters`].
    DeadLetter(usize),
}

/// One node: what it does, to what, and what comes out.
#[derive(Debug, Clone)]
pub struct StreamNode {
    /// Positions in [`StreamPlan::nodes`].
    pub inputs: Vec<usize>,
    pub kind: NodeKind,
    /// The columns that come out; of a sink: that go in.
    pub schema: SchemaRef,
    /// The kinds of rows that come out; of a sink: that go in. Settled when the plan is whole.
    pub mode: ChangelogMode,
    /// The columns by which its rows replace each other. Settled with the mode.
    pub upsert_keys: UpsertKeys,
}

#[derive(Debug, Clone)]
pub enum NodeKind {
    Source(SourceNode),
    Calc(CalcNode),
    LookupJoin(LookupJoinNode),
    Limit {
        skip: u64,
        fetch: Option<u64>,
    },
    /// Rows of all inputs, in no order between them.
    Union,
    Exchange(Distribution),
    Expand(ExpandNode),
    Unnest(UnnestNode),
    /// The watermark beside every row.
    CurrentWatermark,
    MiniBatchAssigner(MiniBatchNode),
    LocalGroupAggregate(LocalGroupAggregateNode),
    ChangelogNormalize(ChangelogNormalizeNode),
    GroupAggregate(GroupAggregateNode),
    WindowTable(WindowTableNode),
    LocalWindowAggregate(LocalWindowAggregateNode),
    WindowAggregate(WindowAggregateNode),
    ConstraintEnforcer(ConstraintEnforcerNode),
    SinkUpsertMaterializer(SinkUpsertMaterializerNode),
    Sink(SinkNode),
}

/// Reads a table: decoded columns, computed columns, the watermark of every row, then the filter.
#[derive(Clone)]
pub struct SourceNode {
    /// The table's name, for people.
    pub table: String,
    pub source: Arc<dyn Source>,
    /// What the source gives.
    pub scan_schema: SchemaRef,
    /// Declared columns computed from the source's, in declared order, only those needed; `None`: they are the same.
    pub columns: Option<(Vec<Arc<dyn PhysicalExpr>>, SchemaRef)>,
    pub watermark: Option<WatermarkNode>,
    /// Over the declared columns; evaluated behind the watermark.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// Positions in the declared columns of what comes out; `None`: all.
    pub output: Option<Vec<usize>>,
    /// The filters that the source itself applies, as people read them.
    pub pushed_text: Vec<String>,
    /// The filter behind the watermark, as people read it.
    pub filter_text: Option<String>,
    /// Of rows that can't be decoded, and of those that can't be computed on their way.
    pub on_reject: OnReject,
    /// Positions of the table's primary key in what comes out, where it is all there.
    pub key: Option<Vec<usize>>,
}

/// How a source makes watermarks.
#[derive(Clone)]
pub struct WatermarkNode {
    /// The event time column's name.
    pub column: String,
    /// Position of the event time column in the declared columns that are read.
    pub column_index: usize,
    /// A timestamp over the declared columns; NULL results are skipped.
    pub expr: Arc<dyn PhysicalExpr>,
    /// The expression as written.
    pub text: String,
    pub emit: WatermarkEmit,
    /// A node behind looks at the watermark itself: every step is told between its rows. Otherwise steps may be put off
    /// to the next row that is not newer.
    pub each: bool,
    /// Leave out a split that has been silent this long.
    pub idle_timeout: Option<Duration>,
}

/// When watermarks are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkEmit {
    Every(Duration),
    /// After every row that raises it.
    OnEvent,
}

#[derive(Clone)]
pub struct CalcNode {
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
    /// The expressions of the node's schema; `None`: the input's columns.
    pub projection: Option<Vec<Arc<dyn PhysicalExpr>>>,
    /// The predicate as people read it.
    pub condition: Option<String>,
    /// The projection as people read it, without the columns' names.
    pub selected: Vec<String>,
}

/// Joins each row with the rows that a table has for its key at this moment.
#[derive(Clone)]
pub struct LookupJoinNode {
    pub table: String,
    pub lookup: Arc<dyn LookupSource>,
    /// The key of a row, over the input's columns; types as the key columns.
    pub keys: Vec<Arc<dyn PhysicalExpr>>,
    pub key_schema: SchemaRef,
    pub request: LookupRequest,
    /// Of the table; positions in its scan schema.
    pub primary_key: Vec<usize>,
    /// What the table gives: the columns of the request's projection.
    pub right_schema: SchemaRef,
    /// LEFT JOIN: rows without a match come out with NULLs.
    pub outer: bool,
    /// Of rows whose lookup failed; `None`: as the table says that they were read from.
    pub on_reject: Option<OnReject>,
    /// What else must be true, over input columns followed by the table's.
    pub condition: Option<Arc<dyn PhysicalExpr>>,
    /// `joinType=[InnerJoin], lookup=[hostname=hostname]`
    pub text: String,
}

/// Copies rows for every grouping set.
#[derive(Debug, Clone)]
pub struct ExpandNode {
    /// How many columns of the input come out, in front of the keys and the number of the set.
    pub columns: usize,
    /// Positions of the keys in the input.
    pub keys: Vec<usize>,
    /// Which keys each set has.
    pub sets: Vec<Vec<bool>>,
    /// `sets=[{shop, item}, {shop}, {}]`
    pub text: String,
}

/// Brings the elements of a collection beside its row.
#[derive(Debug, Clone)]
pub struct UnnestNode {
    pub shape: UnnestShape,
    /// `unnest=[tags], joinType=InnerJoin`
    pub text: String,
}

/// Marks where mini-batches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MiniBatchNode {
    pub mode: MiniBatchMode,
    pub interval: Duration,
}

/// Keeps the last row of every key and tells how it changes.
#[derive(Clone)]
pub struct ChangelogNormalizeNode {
    /// Positions in the input.
    pub key: Vec<usize>,
    /// Only rows that meet it are kept and told.
    pub condition: Option<Arc<dyn PhysicalExpr>>,
    /// Whether the old row of an update is told, too.
    pub tells_before: bool,
    /// After so long without a row a key is forgotten.
    pub ttl: Option<Duration>,
    /// `key=[id], condition=[v > 1]`
    pub text: String,
}

/// Puts rows of a mini-batch that share a group together before they are exchanged.
#[derive(Debug, Clone)]
pub struct LocalGroupAggregateNode {
    pub key: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    /// Rows of a mini-batch.
    pub rows: usize,
    /// Whether the input may take rows back.
    pub retracts: bool,
    pub text: String,
}

/// Keeps a result for every group and tells how it changes.
#[derive(Debug, Clone)]
pub struct GroupAggregateNode {
    /// Positions in the input; what comes out is these columns, then the calls' results.
    pub key: Vec<usize>,
    pub calls: Vec<AggregateCall>,
    /// Whether the input may take rows back.
    pub retracts: bool,
    /// Whether the old result of an update is told, too.
    pub tells_before: bool,
    /// After so long without a row a group is forgotten.
    pub ttl: Option<Duration>,
    /// Only net changes are told, when bundles of rows end.
    pub bundle: Option<BundleEnd>,
    /// Of groups that were put together in front: the position of the column that counts their rows.
    pub partials: Option<usize>,
    /// `groupBy=[hostname], select=[hostname, COUNT(*)]`
    pub text: String,
}

/// Gives rows the windows that they belong to.
#[derive(Debug, Clone)]
pub struct WindowTableNode {
    /// Position of the time column in the input.
    pub time: usize,
    pub spec: WindowSpec,
    pub slices: bool,
    /// It stands for `GROUP BY TUMBLE(...)`.
    pub of_group: bool,
    /// `PARTITION BY` of a session.
    pub key: Vec<usize>,
    /// The columns behind those of the input.
    pub parts: Vec<WindowPart>,
    /// `window=[TUMBLE(time_col=[ts], size=[30 s])]`
    pub text: String,
}

/// Puts rows of a batch that share slice and group together before they are exchanged.
#[derive(Debug, Clone)]
pub struct LocalWindowAggregateNode {
    pub key: Vec<usize>,
    /// Position of the slice's end.
    pub slice: usize,
    pub calls: Vec<AggregateCall>,
    pub text: String,
}

/// Gives a result for every window and group.
#[derive(Debug, Clone)]
pub struct WindowAggregateNode {
    pub kind: WindowKind,
    pub spec: WindowSpec,
    pub key: Vec<usize>,
    /// Position of the slice's end.
    pub slice: usize,
    pub input: WindowInput,
    pub calls: Vec<AggregateCall>,
    /// The earliest slice of a window comes first, not the latest: functions that go by order can tell.
    pub earliest_first: bool,
    /// Whether the input may take rows back.
    pub retracts: bool,
    /// What each column of the schema is.
    pub output: Vec<WindowOutput>,
    /// `groupBy=[hostname], window=[TUMBLE(size=[30 s])], select=[hostname, COUNT(*)]`
    pub text: String,
}

/// How rows find their subtask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// By the key group of these columns.
    Hash(Vec<usize>),
    /// All to one.
    Single,
    /// Batches in turn.
    Rebalance,
}

/// Keeps out of a sink what its columns don't take.
#[derive(Debug, Clone)]
pub struct ConstraintEnforcerNode {
    pub constraints: Constraints,
    /// Of rows that are kept out; `None`: as the table says that they were read from.
    pub on_reject: Option<OnReject>,
}

/// Tells changes anew by the sink's PRIMARY KEY.
#[derive(Debug, Clone)]
pub struct SinkUpsertMaterializerNode {
    /// Positions of the sink's PRIMARY KEY.
    pub primary_key: Vec<usize>,
    /// By which the input's rows replace each other; `None`: only a whole row is taken back.
    pub upsert_key: Option<Vec<usize>>,
    /// Columns by which rows come to subtasks, where these are not the PRIMARY KEY's.
    pub dealt_by: Option<Vec<usize>>,
    /// After so long without a row a key is forgotten.
    pub ttl: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct SinkNode {
    /// The table's name, for people.
    pub table: String,
    pub sink: Arc<dyn Sink>,
    /// Its rows are published with the epochs of the job, to the sink's target.
    pub exactly_once: bool,
    /// Positions of the primary key.
    pub key: Vec<usize>,
    /// Of rows that can't be encoded or are refused; `None`: as the table says that they were read from.
    pub on_reject: Option<OnReject>,
}

impl StreamPlan {
    /// Adds a node and says where it stands.
    pub fn add(&mut self, inputs: Vec<usize>, kind: NodeKind, schema: SchemaRef) -> usize {
        let (mode, upsert_keys) = (ChangelogMode::default(), UpsertKeys::default());
        self.nodes.push(StreamNode { inputs, kind, schema, mode, upsert_keys });
        self.nodes.len() - 1
    }

    /// True when it ends by itself: each source does, or the LIMIT behind it ends what it gives.
    pub fn is_bounded(&self) -> bool {
        let mut ends: Vec<bool> = Vec::new();
        for node in &self.nodes {
            ends.push(match &node.kind {
                NodeKind::Source(source) => source.source.is_bounded(),
                NodeKind::Limit { fetch: Some(_), .. } => true,
                _ => node.inputs.iter().all(|input| ends.get(*input).is_none_or(|ends| *ends)),
            });
        }
        self.nodes.iter().zip(ends).all(|(node, ends)| ends || !matches!(node.kind, NodeKind::Sink(_)))
    }

    /// What reads a table.
    pub fn source(&self, table: &str) -> Option<&dyn Source> {
        self.nodes.iter().find_map(|n| match &n.kind {
            NodeKind::Source(source) if source.table == table => Some(source.source.as_ref()),
            _ => None,
        })
    }

    /// The names of the tables written to.
    pub fn sinks(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|n| match &n.kind {
            NodeKind::Sink(sink) => Some(sink.table.as_str()),
            _ => None,
        })
    }
}

macro_rules! debug_by_name {
    ($($ty:ident: $field:ident),*) => {
        $(impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($ty), self.$field)
            }
        })*
    };
}
debug_by_name!(SourceNode: table, WatermarkNode: text, LookupJoinNode: table, ChangelogNormalizeNode: text);

impl fmt::Debug for CalcNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CalcNode({:?}, {:?})", self.condition, self.selected)
    }
}

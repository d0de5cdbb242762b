//! From an optimized logical plan to a stream plan. `LogicalPlan` ends here.

mod batch;
mod current_watermark;
mod expand;
mod group;
mod guarded;
mod lookup;
mod normalize;
mod rejects;
mod sink;
pub(super) mod source;
mod unnest;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::{Expr, FetchType, LogicalPlan, SkipType, TableScan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::create_physical_expr;

pub(super) use self::guarded::{guard, guarded_sides, may_fail};
pub use self::sink::{Delivery, SinkRules, UpsertMaterialize};
use self::source::ScanNeeds;
use super::aggregate::Aggregate;
use super::batch::BatchOptions;
use super::bind::BoundInsert;
use super::changelog_mode;
use super::current_watermark::CurrentWatermark;
use super::expand::Expand;
use super::nodes;
use super::stream_plan::{CalcNode, Distribution, NodeKind, OnReject, SourceNode, StreamPlan};
use super::text::expression;
use super::unnest::Unnest;
use super::window::WindowTable;
use super::{mini_batch, net_changes};
use crate::catalog::RegisteredTable;
use crate::connectors::Sink;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Schema;

/// What a job is made of: optimized plans and where their rows go.
pub struct Lowering {
    plan: StreamPlan,
    /// What all scans of one table need together, and the node once it is there.
    scans: HashMap<String, ScanNeeds>,
    options: LowerOptions,
    /// Where a name of a registered table's values is needed: `VALUES`, `VALUES2`, …
    values: usize,
}

/// A node and the columns that come out of it. They may be fewer than the logical plan's: only what is needed.
type Lowered = (usize, DFSchemaRef);

/// The columns that a parent reads; `None`: all.
type Needed<'a> = Option<&'a HashSet<Column>>;

/// What settings say of how a plan is carried out.
#[derive(Debug, Clone)]
pub struct LowerOptions {
    pub sinks: SinkRules,
    /// Windows are aggregated before and behind the exchange.
    pub two_phases: bool,
    pub mini_batch: Option<MiniBatch>,
    /// Changes of a source may come twice.
    pub duplicate_changes: bool,
    /// How long rows that are kept of a source live.
    pub state_ttl: Option<Duration>,
    /// The query is answered in batch mode.
    pub batch: Option<BatchOptions>,
}

/// Groupings tell net changes of bundles of rows (`table.exec.mini-batch.enabled`).
#[derive(Debug, Clone, Copy)]
pub struct MiniBatch {
    pub interval: Duration,
    /// Rows of a bundle; 0: not said.
    pub rows: usize,
    /// Groups are put together before and behind the exchange.
    pub two_phases: bool,
}

/// Lowers INSERTs into one job.
pub fn lower_inserts(inserts: &[(BoundInsert, LogicalPlan)], options: LowerOptions) -> Result<StreamPlan> {
    let mut lowering = Lowering::new(options, inserts.iter().map(|(_, plan)| plan))?;
    for (insert, plan) in inserts {
        lowering.insert(insert, plan)?;
    }
    lowering.finish()
}

/// Lowers a SELECT of columns of these types whose rows go to `sink`.
pub fn lower_query(
    plan: &LogicalPlan,
    types: &Schema,
    sink: Arc<dyn Sink>,
    options: LowerOptions,
) -> Result<StreamPlan> {
    let mut lowering = Lowering::new(options, [plan])?;
    let (node, schema) = lowering.query(plan)?;
    lowering.select(node, schema_ref(&schema), types, sink);
    lowering.finish()
}

impl Lowering {
    /// The whole plan, once all is lowered.
    fn finish(mut self) -> Result<StreamPlan> {
        if let Some(mini_batch) = self.options.mini_batch {
            mini_batch::assign(&mut self.plan, mini_batch.interval);
        }
        current_watermark::tell_each(&mut self.plan);
        changelog_mode::settle(&mut self.plan)?;
        net_changes::choose(&mut self.plan);
        Ok(self.plan)
    }

    fn new<'a>(options: LowerOptions, plans: impl IntoIterator<Item = &'a LogicalPlan>) -> Result<Self> {
        if options.mini_batch.is_some_and(|mini_batch| mini_batch.interval.is_zero()) {
            let message = "MiniBatch Latency must be greater than 0 ms.";
            return Err(Error::statement(message)
                .with_hint("Say how long rows may wait: SET 'table.exec.mini-batch.allow-latency' = '1 s'."));
        }
        let has_checkpoints = options.batch.is_none() && options.sinks.delivery.checkpoints;
        let mut scans = HashMap::new();
        for plan in plans {
            source::collect(plan, &mut scans)?;
        }
        let plan = StreamPlan { has_checkpoints, ..StreamPlan::default() };
        Ok(Self { plan, scans, options, values: 0 })
    }

    /// A whole query, whose rows go to a sink.
    fn query(&mut self, plan: &LogicalPlan) -> Result<Lowered> {
        match self.options.batch.clone() {
            Some(options) => self.answer(plan, options),
            None => self.node(plan, None),
        }
    }

    fn node(&mut self, plan: &LogicalPlan, needed: Needed<'_>) -> Result<Lowered> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => {
                let with_filter = needed.map(|needed| with_columns(needed, [&filter.predicate]));
                let (node, schema) = self.node(&filter.input, with_filter.as_ref())?;
                self.filter(&filter.predicate, node, schema)
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let inner = needed.map(|needed| below_alias(needed, alias));
                let (node, schema) = self.node(&alias.input, inner.as_ref())?;
                let renamed = DFSchema::try_from_qualified_schema(alias.alias.clone(), schema.as_arrow());
                Ok((node, Arc::new(renamed.map_err(internal)?)))
            }
            LogicalPlan::Limit(limit) => {
                let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
                    (limit.get_skip_type().map_err(internal)?, limit.get_fetch_type().map_err(internal)?)
                else {
                    return Err(Error::unsupported("a LIMIT that is not a number"));
                };
                let (node, schema) = self.node(&limit.input, needed)?;
                let arrow = schema_ref(&schema);
                let single = self.plan.add(vec![node], NodeKind::Exchange(Distribution::Single), arrow.clone());
                let kind = NodeKind::Limit { skip: skip as u64, fetch: fetch.map(|n| n as u64) };
                Ok((self.plan.add(vec![single], kind, arrow), schema))
            }
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.node(input, None).map(|(node, _)| node));
                let inputs = inputs.collect::<Result<Vec<_>>>()?;
                let schema = union.schema.clone();
                Ok((self.plan.add(inputs, NodeKind::Union, schema_ref(&schema)), schema))
            }
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::EmptyRelation(empty) => {
                let rows = if empty.produce_one_row { 1 } else { 0 };
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                let batch = RecordBatch::try_new_with_options(schema_ref(&empty.schema), Vec::new(), &options);
                let node = match batch {
                    Ok(batch) => self.constant(batch),
                    // A filter that is never true leaves columns without rows.
                    Err(_) => self.constant(RecordBatch::new_empty(schema_ref(&empty.schema))),
                };
                Ok((node, empty.schema.clone()))
            }
            LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<nodes::LookupJoin>() {
                Some(join) => self.lookup_join(join, needed),
                None => match extension.node.as_any().downcast_ref::<Aggregate>() {
                    Some(aggregate) => self.aggregate(aggregate, needed),
                    None => match extension.node.as_any().downcast_ref::<Expand>() {
                        Some(expand) => self.expand(expand, needed),
                        None => match extension.node.as_any().downcast_ref::<WindowTable>() {
                            Some(table) => self.window_table(table, needed),
                            None => match extension.node.as_any().downcast_ref::<CurrentWatermark>() {
                                Some(node) => self.current_watermark(node, needed),
                                None => match extension.node.as_any().downcast_ref::<Unnest>() {
                                    Some(unnest) => self.unnest(unnest, needed),
                                    None => Err(Error::unsupported(extension.node.name())),
                                },
                            },
                        },
                    },
                },
            },
            other => Err(Error::unsupported(other.display())),
        }
    }

    fn filter(&mut self, predicate: &Expr, node: usize, schema: DFSchemaRef) -> Result<Lowered> {
        let calc = CalcNode {
            predicate: Some(physical(predicate, &schema)?),
            projection: None,
            condition: Some(expression(predicate, &schema)),
            selected: Vec::new(),
        };
        Ok((self.plan.add(vec![node], NodeKind::Calc(calc), schema_ref(&schema)), schema))
    }

    fn projection(&mut self, projection: &datafusion::logical_expr::Projection) -> Result<Lowered> {
        let needed = with_columns(&HashSet::new(), &projection.expr);
        let (input, input_schema) = self.selected_input(&projection.input, &needed)?;
        let schema = projection.schema.clone();
        let positions: Option<Vec<usize>> = projection.expr.iter().map(|e| position(e, &input_schema)).collect();
        let is_whole = |p: &Vec<usize>| p.iter().copied().eq(0..input_schema.fields().len());
        if positions.as_ref().is_some_and(is_whole) && self.plan.nodes[input].schema == schema_ref(&schema) {
            return Ok((input, schema));
        }
        let exprs = projection.expr.iter().map(|e| physical(e, &input_schema)).collect::<Result<Vec<_>>>()?;
        let shown: Vec<String> = projection.expr.iter().map(|e| expression(e, &input_schema)).collect();
        let node = self.calculate(input, exprs, shown, positions.as_deref(), schema_ref(&schema));
        Ok((node, schema))
    }

    /// A node that computes expressions, shown as `selected`; `positions`: which columns they are where all are columns.
    /// A calculation right below joins in, unless another branch reads it too: then it is not the last node.
    fn calculate(
        &mut self,
        input: usize,
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        selected: Vec<String>,
        positions: Option<&[usize]>,
        schema: SchemaRef,
    ) -> usize {
        let is_last = input + 1 == self.plan.nodes.len();
        if let Some(last) = self.plan.nodes.last_mut().filter(|_| is_last)
            && let NodeKind::Calc(calc) = &mut last.kind
        {
            let joined = match (&calc.projection, positions) {
                (None, _) => Some((exprs.clone(), selected.clone())),
                (Some(below), Some(positions)) => {
                    let of = |&i: &usize| Some((below.get(i)?.clone(), calc.selected.get(i)?.clone()));
                    positions.iter().map(of).collect::<Option<Vec<_>>>().map(|all| all.into_iter().unzip())
                }
                _ => None,
            };
            if let Some((exprs, selected)) = joined {
                (calc.projection, calc.selected) = (Some(exprs), selected);
                last.schema = schema;
                return input;
            }
        }
        let calc = CalcNode { predicate: None, projection: Some(exprs), condition: None, selected };
        self.plan.add(vec![input], NodeKind::Calc(calc), schema)
    }

    /// What a projection reads. A mere choice of columns below its filter is left out: the projection chooses anyway.
    fn selected_input(&mut self, input: &LogicalPlan, needed: &HashSet<Column>) -> Result<Lowered> {
        if let LogicalPlan::Filter(filter) = input {
            if let LogicalPlan::Projection(choice) = filter.input.as_ref() {
                if choice.expr.iter().all(|e| matches!(e, Expr::Column(_))) {
                    let needed = with_columns(needed, [&filter.predicate]);
                    let (node, schema) = self.node(&choice.input, Some(&needed))?;
                    return self.filter(&filter.predicate, node, schema);
                }
            }
        }
        self.node(input, Some(needed))
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Lowered> {
        source::lower(&mut self.plan, &mut self.scans, scan, &self.options)
    }

    fn values(&mut self, values: &datafusion::logical_expr::Values) -> Result<Lowered> {
        let one = one_row();
        let none = DFSchema::empty();
        let mut rows = Vec::with_capacity(values.values.len());
        let schema = schema_ref(&values.schema);
        for row in &values.values {
            let mut columns = Vec::with_capacity(row.len());
            for expr in row {
                let value = physical(expr, &none)?.evaluate(&one).map_err(crate::operators::evaluation_error)?;
                columns.push(value.into_array(1).map_err(crate::operators::evaluation_error)?);
            }
            rows.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
        let batch = arrow::compute::concat_batches(&schema, &rows)?;
        Ok((self.constant(batch), values.schema.clone()))
    }

    /// A source of rows that stand in the plan.
    fn constant(&mut self, batch: RecordBatch) -> usize {
        let schema = batch.schema();
        self.values += 1;
        let table = RegisteredTable::batches(Schema::default(), vec![batch]);
        let scan =
            crate::connectors::ScanRequest { projection: (0..schema.fields().len()).collect(), ..Default::default() };
        let source = table.source();
        let source = source.narrow(scan).unwrap_or(source);
        let node = SourceNode {
            table: "VALUES".to_string(),
            source,
            scan_schema: schema.clone(),
            columns: None,
            watermark: None,
            filter: None,
            output: None,
            pushed_text: Vec::new(),
            filter_text: None,
            on_reject: OnReject::Fail,
            key: None,
        };
        self.plan.add(Vec::new(), NodeKind::Source(node), schema)
    }
}

/// The physical form of an expression over the columns of `schema`.
pub(super) fn physical(expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
    let props = ExecutionProps::new();
    let bare = match expr {
        Expr::Alias(alias) => alias.expr.as_ref(),
        other => other,
    };
    create_physical_expr(bare, schema, &props, &Default::default())
        .and_then(guarded::guard)
        .map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))
}

/// Where a column, renamed or not, stands in `schema`.
fn position(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match expr {
        Expr::Alias(alias) => position(&alias.expr, schema),
        Expr::Column(column) => schema.maybe_index_of_column(column),
        _ => None,
    }
}

fn one_row() -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let schema = Arc::new(arrow::datatypes::Schema::empty());
    RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options)
        .unwrap_or_else(|_| RecordBatch::new_empty(schema))
}

pub(in crate::plan) fn schema_ref(schema: &DFSchema) -> SchemaRef {
    schema.inner().clone()
}

fn with_columns<'a>(needed: &HashSet<Column>, exprs: impl IntoIterator<Item = &'a Expr>) -> HashSet<Column> {
    let mut all = needed.clone();
    for expr in exprs {
        all.extend(expr.column_refs().into_iter().cloned());
    }
    all
}

/// The needed columns of an alias by their names below it: the same positions.
fn below_alias(needed: &HashSet<Column>, alias: &datafusion::logical_expr::SubqueryAlias) -> HashSet<Column> {
    let outer = alias.schema.columns();
    let inner = alias.input.schema().columns();
    outer.into_iter().zip(inner).filter(|(o, _)| needed.contains(o)).map(|(_, i)| i).collect()
}

pub(in crate::plan) fn internal(error: datafusion::error::DataFusionError) -> Error {
    Error::from_datafusion(ErrorKind::Internal, error)
}

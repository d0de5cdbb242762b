//! A bounded query in batch mode: its plan in DataFusion's own nodes, for DataFusion's executor.
//!
//! What comes out is one final answer, not a changelog. Streams and batch share the binder, the expressions and the
//! doors; groupings are DataFusion's here, and windows and grouping sets are copies of the rows below them. So each is a
//! check on the other.

mod aggregate;
mod clock;
mod expand;
mod guard;
mod scan;
mod udaf;
mod window;

use std::sync::Arc;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, Sort, Union};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use self::clock::QueryStart;
use super::aggregate::Aggregate;
use super::expand::Expand;
use super::lower::internal;
use super::nodes::{LookupJoin, Sink};
use super::window::WindowTable;
use crate::connectors::provider::QuerySource;
use crate::error::{Error, Result};
use crate::time::Clock;

/// What to do where streaming mode can't, and batch mode can.
pub const IN_BATCH: &str = "Batch mode can, where all tables end: SET 'execution.runtime-mode' = 'batch'.";

/// How a batch query is carried out.
#[derive(Debug, Clone)]
pub struct BatchOptions {
    /// Parts of a query that run side by side at most.
    pub partitions: usize,
    pub batch_rows: usize,
    /// Whose time at the beginning of the query CURRENT_TIMESTAMP and its like are, in every row.
    pub clock: Arc<dyn Clock>,
    /// Bytes that groupings and sorts may hold; what is more goes to temporary files.
    pub memory: Option<usize>,
}

/// DataFusion's rules for physical plans that are applied: distribution, order, limits. Filters and projections stay
/// where the plan has them.
const RULES: [&str; 6] = [
    "OutputRequirements",
    "EnsureRequirements",
    "CombinePartialFinalAggregate",
    "LimitPushdown",
    "EnsureCooperative",
    "SanityCheckPlan",
];

/// The answer of an optimized plan as a source.
///
/// # Errors
/// A table that never ends, and what batch mode can't do.
pub fn query(plan: &LogicalPlan, options: BatchOptions) -> Result<QuerySource> {
    let translation = Translation { start: QueryStart::new(options.clock.clone()) };
    let translated = translation.node(plan)?;
    let schema = super::lower::schema_ref(plan.schema());
    Ok(QuerySource::new(translated, session(options)?, schema, translation.start.0))
}

fn session(options: BatchOptions) -> Result<SessionState> {
    let mut config =
        SessionConfig::new().with_target_partitions(options.partitions).with_batch_size(options.batch_rows);
    // The rows of a split keep their order up to the first grouping, as they do on streams.
    config.options_mut().optimizer.enable_round_robin_repartition = false;
    let rules = PhysicalOptimizer::new().rules.into_iter().filter(|rule| RULES.contains(&rule.name()));
    let rules = std::iter::once(Arc::new(guard::Guard) as _).chain(rules).collect();
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = options.memory {
        runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
    }
    let runtime = runtime.build_arc().map_err(internal)?;
    let builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime);
    Ok(builder.with_physical_optimizer_rules(rules).build())
}

struct Translation {
    start: QueryStart,
}

impl Translation {
    fn node(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.node(input).map(Arc::new)).collect::<Result<_>>()?;
                Ok(LogicalPlan::Union(Union::try_new_with_loose_types(inputs).map_err(internal)?))
            }
            LogicalPlan::Sort(sort) => {
                let input = Arc::new(self.node(&sort.input)?);
                Ok(LogicalPlan::Sort(Sort { input, ..sort.clone() }))
            }
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::EmptyRelation(_) => {
                let inputs = plan.inputs().into_iter().map(|input| self.node(input)).collect::<Result<Vec<_>>>()?;
                let exprs = plan.expressions().into_iter().map(|expr| self.expr(expr)).collect::<Result<Vec<_>>>()?;
                plan.with_new_exprs(exprs, inputs).map_err(internal)
            }
            LogicalPlan::Extension(extension) => {
                let node = extension.node.as_any();
                if let Some(sink) = node.downcast_ref::<Sink>() {
                    return self.node(&sink.input);
                }
                if let Some(aggregate) = node.downcast_ref::<Aggregate>() {
                    return self.aggregate(aggregate);
                }
                if let Some(expand) = node.downcast_ref::<Expand>() {
                    return self.expand(expand);
                }
                if let Some(table) = node.downcast_ref::<WindowTable>() {
                    return self.window_table(table);
                }
                let name = match node.downcast_ref::<LookupJoin>() {
                    Some(join) => format!("the lookup join with table \"{}\"", join.table.name),
                    None => extension.node.name().to_string(),
                };
                Err(in_batch(name))
            }
            other => Err(in_batch(other.display())),
        }
    }

    fn expr(&self, expr: Expr) -> Result<Expr> {
        self.start.fix(expr)
    }
}

/// The error for what streams can do and batch mode can't.
fn in_batch(construct: impl std::fmt::Display) -> Error {
    Error::unsupported(format_args!("{construct} in batch mode"))
        .with_hint("SET 'execution.runtime-mode' = 'streaming': a bounded query ends there, too.")
}

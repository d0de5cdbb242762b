//! Sinks and what stands in front of them: the check of their columns, the exchange by their key, the materializer.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::expressions::Column;

use super::{Lowering, rejects};
use crate::connectors::{ChangelogSupport, Guarantee, Sink};
use crate::error::{Error, Result};
use crate::operators::{Constraints, LengthLimit, OnLength, OnNull};
use crate::plan::bind::BoundInsert;
use crate::plan::changelog_mode::is_updated;
use crate::plan::nodes;
use crate::plan::stream_plan::{
    ConstraintEnforcerNode, Distribution, NodeKind, SinkNode, SinkUpsertMaterializerNode, StreamPlan,
};
use crate::plan::upsert_keys::upsert_keys;
use crate::types::Schema;

/// What settings say of sinks.
#[derive(Debug, Clone, Copy)]
pub struct SinkRules {
    pub on_null: OnNull,
    pub on_length: OnLength,
    pub materialize: UpsertMaterialize,
    /// Rows find the writer of their PRIMARY KEY.
    pub keyed_shuffle: bool,
    /// Of the materializer's keys.
    pub state_ttl: Option<Duration>,
    pub delivery: Delivery,
}

/// What the job's checkpoints allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// There are checkpoints.
    pub checkpoints: bool,
    /// They are in the mode EXACTLY_ONCE.
    pub exactly_once: bool,
    /// They outlive the process: sinks that say nothing write exactly once, too.
    pub durable: bool,
}

/// `table.exec.sink.upsert-materialize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsertMaterialize {
    /// Where the query's rows replace each other by other columns than the PRIMARY KEY's.
    Auto,
    None,
    /// Before every sink with a PRIMARY KEY whose query updates.
    Force,
}

/// What a job needs that keeps no checkpoints: statements that can be copied.
const WITHOUT_CHECKPOINTS: &str = "In front of the INSERT:\nSET 'execution.checkpointing.interval' = '1s';\nSET \
    'execution.checkpointing.dir' = 'file:///tmp/checkpoints';\nThe second one makes them outlive the process; in place \
    of both --state DIR may stand behind millstream run.";

impl Lowering {
    pub(super) fn insert(&mut self, insert: &BoundInsert, plan: &LogicalPlan) -> Result<()> {
        let logical = match plan {
            LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref::<nodes::Sink>(),
            _ => None,
        };
        let logical = logical.ok_or_else(|| Error::internal("an INSERT without a sink"))?;
        let on_reject = rejects::of(&mut self.plan, &insert.table)?;
        let (connector, descriptor) = insert.table.connector()?;
        let sink = connector.sink(descriptor).map_err(|e| insert.table.in_text(e))?;
        let key = descriptor.primary_key.clone();
        let (input, _) = self.query(&logical.input)?;
        let schema = insert.sink_schema.arrow();
        let table = insert.table.name.clone();
        let constraints = self.constraints(&insert.sink_schema, insert.checked.clone(), &table);
        let enforcer = NodeKind::ConstraintEnforcer(ConstraintEnforcerNode { constraints, on_reject });
        let checked = self.plan.add(vec![input], enforcer, schema.clone());
        let materializer = self.materializer(checked, sink.as_ref(), &key);
        let mut node = checked;
        let distribution = self.distribution(checked, sink.as_ref(), &key, materializer.is_some());
        let stays = distribution.is_none();
        if let Some(distribution) = distribution {
            node = self.plan.add(vec![node], NodeKind::Exchange(distribution), schema.clone());
        }
        if let Some(mut materializer) = materializer {
            materializer.dealt_by = dealt_by(&self.plan, checked).filter(|dealt| stays && !dealt.is_empty());
            node = self.plan.add(vec![node], NodeKind::SinkUpsertMaterializer(materializer), schema.clone());
        }
        let exactly_once = self.exactly_once(insert, sink.as_ref())?;
        let kind = NodeKind::Sink(SinkNode { table, sink, exactly_once, key, on_reject });
        self.plan.add(vec![node], kind, schema);
        Ok(())
    }

    /// Whether the sink's rows are published with epochs.
    fn exactly_once(&self, insert: &BoundInsert, sink: &dyn Sink) -> Result<bool> {
        let is_asked = self.is_asked_exactly_once(insert, sink)?;
        match sink.refusal_of_exactly_once() {
            Some(error) if is_asked => Err(insert.table.in_text(error)),
            _ => Ok(is_asked),
        }
    }

    fn is_asked_exactly_once(&self, insert: &BoundInsert, sink: &dyn Sink) -> Result<bool> {
        let delivery = self.options.sinks.delivery;
        if self.options.batch.is_some() {
            // All rows are one epoch, which ends with the job.
            return Ok(sink.guarantee() == Guarantee::ExactlyOnce);
        }
        match sink.guarantee() {
            Guarantee::None | Guarantee::AtLeastOnce => Ok(false),
            Guarantee::AsJob => Ok(delivery.exactly_once && delivery.durable && sink.target().is_some()),
            Guarantee::ExactlyOnce if delivery.exactly_once => Ok(true),
            Guarantee::ExactlyOnce => {
                let table = &insert.table;
                let message = format!(
                    "table \"{}\" asks for 'exactly-once', which needs checkpoints of the job in the mode EXACTLY_ONCE",
                    table.name
                );
                let (_, descriptor) = table.connector()?;
                let missing = match delivery.checkpoints {
                    true => "SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE' before the INSERT.",
                    false => WITHOUT_CHECKPOINTS,
                };
                let error = Error::statement(message).at(descriptor.options.span("sink.delivery-guarantee"));
                Err(table.in_text(error.with_hint(missing)))
            }
        }
    }

    /// What columns of these types take.
    fn constraints(&self, types: &Schema, not_null: Vec<usize>, table: &str) -> Constraints {
        let SinkRules { on_null, on_length, .. } = self.options.sinks;
        let limits = types.fields.iter().enumerate().filter_map(|(i, field)| LengthLimit::of(i, &field.ty.kind));
        let lengths = if on_length == OnLength::Ignore { Vec::new() } else { limits.collect() };
        Constraints { not_null, on_null, lengths, on_length, table: table.to_string() }
    }

    /// The result of a SELECT. As in Flink it is a sink, too: lengths are enforced there.
    pub(super) fn select(&mut self, node: usize, schema: SchemaRef, types: &Schema, sink: Arc<dyn Sink>) {
        let constraints = self.constraints(types, Vec::new(), "");
        let node = match constraints.lengths.is_empty() {
            true => node,
            false => {
                let enforcer = NodeKind::ConstraintEnforcer(ConstraintEnforcerNode { constraints, on_reject: None });
                self.plan.add(vec![node], enforcer, schema.clone())
            }
        };
        let kind = NodeKind::Sink(SinkNode {
            table: "*select*".to_string(),
            sink,
            exactly_once: false,
            key: Vec::new(),
            on_reject: None,
        });
        self.plan.add(vec![node], kind, schema);
    }

    /// The materializer in front of a sink, where rows of several keys of the query may fall on one PRIMARY KEY.
    fn materializer(&self, input: usize, sink: &dyn Sink, key: &[usize]) -> Option<SinkUpsertMaterializerNode> {
        if key.is_empty() || sink.changelog_support() == ChangelogSupport::InsertOnly {
            return None;
        }
        let keys = upsert_keys(&self.plan).swap_remove(input);
        let is_needed = match self.options.sinks.materialize {
            UpsertMaterialize::Auto => !keys.is_any_within(key),
            UpsertMaterialize::None => false,
            UpsertMaterialize::Force => true,
        };
        (is_needed && is_updated(&self.plan, input)).then(|| SinkUpsertMaterializerNode {
            primary_key: key.to_vec(),
            upsert_key: keys.smallest().filter(|key| !key.is_empty()).map(<[usize]>::to_vec),
            dealt_by: None,
            ttl: self.options.sinks.state_ttl,
        })
    }

    /// How rows find their writer, where they don't stay where they are.
    fn distribution(&self, input: usize, sink: &dyn Sink, key: &[usize], materializes: bool) -> Option<Distribution> {
        let by_key = !key.is_empty()
            && (materializes
                || (sink.changelog_support() == ChangelogSupport::Upsert && self.options.sinks.keyed_shuffle));
        match sink.parallelism() {
            Some(1) => Some(Distribution::Single),
            None if by_key
                && dealt_by(&self.plan, input).is_some_and(|dealt| dealt.iter().all(|c| key.contains(c))) =>
            {
                None
            }
            _ if by_key => Some(Distribution::Hash(key.to_vec())),
            parallelism => match sink.distribution() {
                Some(columns) => Some(Distribution::Hash(columns)),
                None => parallelism.map(|_| Distribution::Rebalance),
            },
        }
    }
}

/// Columns of a node of which equal ones are in one subtask, as they were dealt out by them: without columns all rows
/// are in one.
fn dealt_by(plan: &StreamPlan, id: usize) -> Option<Vec<usize>> {
    let node = &plan.nodes[id];
    let input = || dealt_by(plan, *node.inputs.first()?);
    match &node.kind {
        NodeKind::Exchange(Distribution::Hash(key)) => Some(key.clone()),
        NodeKind::Exchange(Distribution::Single) => Some(Vec::new()),
        NodeKind::ConstraintEnforcer(enforcer) if enforcer.constraints.lengths.is_empty() => input(),
        NodeKind::Limit { .. } => input(),
        NodeKind::Calc(calc) => {
            let input = input()?;
            let Some(projection) = &calc.projection else { return Some(input) };
            let is =
                |expr: usize, at: usize| projection[expr].downcast_ref::<Column>().is_some_and(|c| c.index() == at);
            input.iter().map(|&at| (0..projection.len()).find(|&expr| is(expr, at))).collect()
        }
        NodeKind::GroupAggregate(aggregate) => {
            input()?.iter().map(|at| aggregate.key.iter().position(|key| key == at)).collect()
        }
        _ => None,
    }
}

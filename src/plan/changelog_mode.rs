//! Which kinds of rows travel out of every node: what each may emit, what those behind it need, what a sink takes.
//!
//! Forward: inputs of inserts alone stay so until a grouping updates its results. Backward: who needs the old row of an
//! update (`-U`): another grouping, a filter (a row that leaves it is known by its `-U` alone), a sink that shows all.

use std::fmt;

use datafusion::physical_expr::expressions::Column;

use super::explain::describe;
use super::stream_plan::{CalcNode, Distribution, NodeKind, SinkNode, StreamPlan};
use crate::connectors::ChangelogSupport;
use crate::error::{Error, Result};
use crate::operators::WindowOutput;

/// What may travel beside inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangelogMode {
    /// `+U`.
    pub updates: bool,
    /// `-U` in front of every `+U`.
    pub before: bool,
    /// `-D`.
    pub deletes: bool,
}

impl ChangelogMode {
    pub fn is_insert_only(self) -> bool {
        self == Self::default()
    }
}

/// As Flink's EXPLAIN writes it: `I,UB,UA,D`.
impl fmt::Display for ChangelogMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I")?;
        for (has, word) in [(self.before, ",UB"), (self.updates, ",UA"), (self.deletes, ",D")] {
            if has {
                f.write_str(word)?;
            }
        }
        Ok(())
    }
}

/// Settles the mode of every node of a whole plan.
///
/// # Errors
/// A sink that can't take what its query emits, in Flink's words.
pub fn settle(plan: &mut StreamPlan) -> Result<()> {
    for id in 0..plan.nodes.len() {
        plan.nodes[id].mode = emitted(plan, id)?;
        if let [input] = plan.nodes[id].inputs[..] {
            let taken = plan.nodes[input].mode;
            match &mut plan.nodes[id].kind {
                NodeKind::GroupAggregate(aggregate) => aggregate.retracts = !taken.is_insert_only(),
                NodeKind::WindowAggregate(aggregate) => aggregate.retracts = !taken.is_insert_only(),
                _ => {}
            }
        }
    }
    let needs = needs_before(plan);
    for (id, needs) in needs.into_iter().enumerate() {
        // What does not make updates itself hands on what it is given.
        let given = plan.nodes[id].inputs.iter().any(|&input| plan.nodes[input].mode.before);
        let node = &mut plan.nodes[id];
        node.mode.before = given;
        match &mut node.kind {
            NodeKind::GroupAggregate(aggregate) => {
                aggregate.tells_before = needs;
                node.mode.before = needs;
            }
            NodeKind::WindowAggregate(_) => node.mode.before = false,
            _ => {}
        }
    }
    let keys = upsert_keys(plan);
    for node in &plan.nodes {
        if let (NodeKind::Sink(sink), &[input]) = (&node.kind, node.inputs.as_slice()) {
            check_sink(plan, sink, input, keys[input].as_deref())?;
        }
    }
    Ok(())
}

fn emitted(plan: &StreamPlan, id: usize) -> Result<ChangelogMode> {
    let node = &plan.nodes[id];
    let mut taken = ChangelogMode::default();
    for &input in &node.inputs {
        let mode = plan.nodes[input].mode;
        taken.updates |= mode.updates;
        taken.deletes |= mode.deletes;
    }
    Ok(match &node.kind {
        NodeKind::GroupAggregate(_) => ChangelogMode { updates: true, before: false, deletes: !taken.is_insert_only() },
        NodeKind::WindowAggregate(_) => ChangelogMode::default(),
        NodeKind::Limit { .. } if !taken.is_insert_only() => {
            return Err(Error::unsupported("LIMIT on a result that is updated"));
        }
        _ => taken,
    })
}

/// Whether somebody behind each node needs the old row of an update.
fn needs_before(plan: &StreamPlan) -> Vec<bool> {
    let mut needs = vec![false; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        let of_inputs = match &node.kind {
            NodeKind::Sink(sink) => sink.sink.changelog_support() == ChangelogSupport::All,
            NodeKind::GroupAggregate(_) | NodeKind::WindowAggregate(_) => true,
            NodeKind::Calc(calc) if calc.predicate.is_some() => true,
            _ => needs[id],
        };
        for &input in &node.inputs {
            needs[input] |= of_inputs;
        }
    }
    needs
}

/// The columns that tell the rows of each node apart, where there are such.
fn upsert_keys(plan: &StreamPlan) -> Vec<Option<Vec<usize>>> {
    let mut keys: Vec<Option<Vec<usize>>> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let input = node.inputs.first().and_then(|&input| keys[input].clone());
        keys.push(match &node.kind {
            NodeKind::GroupAggregate(aggregate) => Some((0..aggregate.key.len()).collect()),
            NodeKind::WindowAggregate(aggregate) => Some(window_key(&aggregate.output)),
            NodeKind::Calc(calc) => input.and_then(|key| moved(&key, calc)),
            NodeKind::Exchange(_) | NodeKind::NotNull { .. } | NodeKind::CurrentWatermark => input,
            _ => None,
        });
    }
    keys
}

/// The group and the end of its window: that tells the start, too, but for sessions.
fn window_key(output: &[WindowOutput]) -> Vec<usize> {
    let in_key = |output: &WindowOutput| !matches!(output, WindowOutput::Result(_));
    (0..output.len()).filter(|i| in_key(&output[*i])).collect()
}

/// True where rows of a node of a plan in the making may be taken back.
pub fn is_updated(plan: &StreamPlan, id: usize) -> bool {
    let node = &plan.nodes[id];
    match node.kind {
        NodeKind::GroupAggregate(_) => true,
        NodeKind::WindowAggregate(_) => false,
        _ => node.inputs.iter().any(|&input| is_updated(plan, input)),
    }
}

/// Where a projection leaves the columns of a key; `None` where it drops one.
fn moved(key: &[usize], calc: &CalcNode) -> Option<Vec<usize>> {
    let Some(projection) = &calc.projection else { return Some(key.to_vec()) };
    let is_column = |expr: &dyn datafusion::physical_expr::PhysicalExpr, at: usize| {
        expr.downcast_ref::<Column>().is_some_and(|column| column.index() == at)
    };
    key.iter().map(|&at| projection.iter().position(|expr| is_column(expr.as_ref(), at))).collect()
}

fn check_sink(plan: &StreamPlan, sink: &SinkNode, input: usize, upsert_key: Option<&[usize]>) -> Result<()> {
    let mode = plan.nodes[input].mode;
    if mode.is_insert_only() {
        return Ok(());
    }
    match sink.sink.changelog_support() {
        ChangelogSupport::All => Ok(()),
        ChangelogSupport::InsertOnly => {
            let changes = if mode.deletes { "update and delete changes" } else { "update changes" };
            let from = updating(plan, input).map(|id| describe(&plan.nodes[id])).unwrap_or_default();
            Err(Error::statement(format!(
                "table sink \"{}\" doesn't support consuming {changes} which is produced by node {from}",
                sink.table
            ))
            .with_hint("A PRIMARY KEY makes a sink of the connectors jdbc and opensearch take updates."))
        }
        ChangelogSupport::Upsert => {
            let mut upsert_key = upsert_key.map(<[usize]>::to_vec);
            let mut key = match &plan.nodes[input].kind {
                NodeKind::Exchange(Distribution::Hash(key)) => key.clone(),
                _ => sink.key.clone(),
            };
            key.sort_unstable();
            if let Some(upsert_key) = &mut upsert_key {
                upsert_key.sort_unstable();
            }
            match upsert_key {
                Some(upsert_key) if upsert_key == key => Ok(()),
                _ => Err(Error::unsupported(format!(
                    "an updating query whose rows are told apart by other columns than the PRIMARY KEY of table \"{}\"",
                    sink.table
                ))
                .with_hint("Select the grouped columns into the columns of the PRIMARY KEY.")),
            }
        }
    }
}

/// The last node in front of `id` that updates its results.
fn updating(plan: &StreamPlan, id: usize) -> Option<usize> {
    match plan.nodes[id].kind {
        NodeKind::GroupAggregate(_) => Some(id),
        _ => plan.nodes[id].inputs.iter().find_map(|&input| updating(plan, input)),
    }
}

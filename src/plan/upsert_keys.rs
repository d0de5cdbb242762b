//! Upsert keys: the columns by which the rows of a node replace each other.
//!
//! Of all rows that came out of a node and have the same values in these columns, the last one holds. A node may have
//! several such keys, or none; the key without columns says that there is one row at most. They are derived from the
//! inputs up, as Flink derives them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};

use super::stream_plan::{CalcNode, Distribution, LookupJoinNode, NodeKind, StreamPlan, WindowAggregateNode};
use crate::connectors::SourceChanges;
use crate::functions::cast::implicitly_cast;
use crate::operators::{WindowKind, WindowOutput, WindowPart};

/// More are not kept: a column that is selected many times would make many.
const KEYS_MAX: usize = 16;

/// The upsert keys of a node, none of which holds another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpsertKeys {
    /// Positions in the node's schema, ascending.
    keys: Vec<Vec<usize>>,
}

impl UpsertKeys {
    /// Those of all these that hold no other.
    pub fn of(keys: impl IntoIterator<Item = Vec<usize>>) -> Self {
        let mut kept = Self::default();
        for mut key in keys {
            key.sort_unstable();
            key.dedup();
            if kept.keys.iter().any(|known| is_within(known, &key)) {
                continue;
            }
            kept.keys.retain(|known| !is_within(&key, known));
            if kept.keys.len() < KEYS_MAX {
                kept.keys.push(key);
            }
        }
        kept.keys.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        kept
    }

    /// The keys, those of fewest columns first.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.keys.iter().map(Vec::as_slice)
    }

    /// True where these columns, in any order, are a key.
    pub fn contains(&self, columns: &[usize]) -> bool {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        self.keys.contains(&columns)
    }

    /// True where a key has no other columns than these.
    pub fn is_any_within(&self, columns: &[usize]) -> bool {
        self.keys.iter().any(|key| is_within(key, columns))
    }

    /// True where no columns tell which row another replaces.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of fewest columns.
    pub fn smallest(&self) -> Option<&[usize]> {
        self.keys.first().map(Vec::as_slice)
    }

    /// The keys that have all of these columns: rows that replace each other stay together where rows are dealt by them.
    fn with_all(self, columns: &[usize]) -> Self {
        Self { keys: self.keys.into_iter().filter(|key| is_within(columns, key)).collect() }
    }

    /// The keys with the names of their columns: `[(hostname), (id, cpu)]`.
    pub fn describe(&self, schema: &SchemaRef) -> String {
        let keys: Vec<String> = self.iter().map(|key| tuple(key, schema)).collect();
        format!("[{}]", keys.join(", "))
    }
}

/// Columns by their names: `(hostname, cpu)`.
pub fn tuple(columns: &[usize], schema: &SchemaRef) -> String {
    let names: Vec<&str> = columns.iter().map(|&column| schema.field(column).name().as_str()).collect();
    format!("({})", names.join(", "))
}

fn is_within(key: &[usize], columns: &[usize]) -> bool {
    key.iter().all(|column| columns.contains(column))
}

/// The keys of every node of a plan, whole or in the making.
pub fn upsert_keys(plan: &StreamPlan) -> Vec<UpsertKeys> {
    let mut all: Vec<Derived> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let input = node.inputs.first().map(|&input| all[input].clone()).unwrap_or_default();
        all.push(match &node.kind {
            NodeKind::Calc(calc) => input.through(calc, &plan.nodes[node.inputs[0]].schema),
            NodeKind::Exchange(Distribution::Hash(key)) => Derived { keys: input.keys.with_all(key), ..input },
            NodeKind::Exchange(_)
            | NodeKind::ConstraintEnforcer(_)
            | NodeKind::CurrentWatermark
            | NodeKind::MiniBatchAssigner(_)
            | NodeKind::Limit { .. }
            | NodeKind::Sink(_) => input,
            NodeKind::SinkUpsertMaterializer(node) => {
                Derived { keys: UpsertKeys::of([node.primary_key.clone()]), ..input }
            }
            NodeKind::LookupJoin(join) => input.joined(join, plan.nodes[node.inputs[0]].schema.fields().len()),
            NodeKind::WindowTable(_) | NodeKind::Expand(_) | NodeKind::Unnest(_) => {
                Derived { keys: UpsertKeys::default(), ..input }
            }
            NodeKind::GroupAggregate(aggregate) => {
                let varies = |column: &usize| !input.constants.contains(&aggregate.key[*column]);
                let (key, constants) = (0..aggregate.key.len()).partition(varies);
                Derived { keys: UpsertKeys::of([key]), constants }
            }
            NodeKind::WindowAggregate(aggregate) => Derived { keys: of_windows(aggregate), constants: Vec::new() },
            NodeKind::Source(source) => {
                let updates = source.source.changes() != SourceChanges::Inserts;
                Derived { keys: UpsertKeys::of(source.key.clone().filter(|_| updates)), constants: Vec::new() }
            }
            NodeKind::ChangelogNormalize(normalize) => {
                Derived { keys: UpsertKeys::of([normalize.key.clone()]), constants: Vec::new() }
            }
            NodeKind::Union | NodeKind::LocalGroupAggregate(_) | NodeKind::LocalWindowAggregate(_) => {
                Derived::default()
            }
        });
    }
    all.into_iter().map(|derived| derived.keys).collect()
}

/// What is known of a node on the way.
#[derive(Debug, Clone, Default)]
struct Derived {
    keys: UpsertKeys,
    /// Columns that have one value in all rows: they tell no row from another.
    constants: Vec<usize>,
}

impl Derived {
    /// Behind a projection a key is where all its columns are; a column may be there more than once. As in Flink one that
    /// is only cast to a type that takes its values by itself still tells rows apart.
    fn through(self, calc: &CalcNode, schema: &SchemaRef) -> Self {
        let Some(projection) = &calc.projection else { return self };
        let sources: Vec<Option<usize>> = projection.iter().map(|expr| source_column(expr, schema)).collect();
        let positions =
            |column: usize| -> Vec<usize> { (0..sources.len()).filter(|i| sources[*i] == Some(column)).collect() };
        let mut keys = Vec::new();
        for key in self.keys.iter() {
            let mut moved: Vec<Vec<usize>> = vec![Vec::new()];
            for &column in key {
                let at = positions(column);
                let with =
                    |part: &Vec<usize>| at.iter().map(|at| [part.as_slice(), &[*at]].concat()).collect::<Vec<_>>();
                moved = moved.iter().flat_map(with).take(KEYS_MAX).collect();
            }
            keys.extend(moved);
        }
        let is_constant = |i: &usize| {
            projection[*i].is::<Literal>() || sources[*i].is_some_and(|column| self.constants.contains(&column))
        };
        Self { keys: UpsertKeys::of(keys), constants: (0..projection.len()).filter(is_constant).collect() }
    }

    /// A row finds one row at most where it is asked for by a whole PRIMARY KEY: then the input's keys hold, and where
    /// each of those asks for another row, that PRIMARY KEY as well. Otherwise both keys together do.
    fn joined(self, join: &LookupJoinNode, columns: usize) -> Self {
        let table_key = || -> Option<Vec<usize>> {
            let at = |column: &usize| join.request.projection.iter().position(|c| c == column).map(|i| columns + i);
            Some(join.primary_key.iter().map(at).collect::<Option<Vec<_>>>()?).filter(|key| !key.is_empty())
        };
        let is_asked_for = !join.primary_key.is_empty() && is_within(&join.primary_key, &join.request.key_columns);
        let keys = if is_asked_for {
            let asking: Vec<usize> =
                join.keys.iter().filter_map(|key| Some(key.downcast_ref::<Column>()?.index())).collect();
            let of_table = table_key().filter(|_| !join.outer && self.keys.is_any_within(&asking));
            UpsertKeys::of(self.keys.iter().map(<[usize]>::to_vec).chain(of_table))
        } else {
            let of_table = table_key();
            UpsertKeys::of(of_table.iter().flat_map(|table| self.keys.iter().map(move |key| [key, table].concat())))
        };
        Self { keys, constants: self.constants }
    }
}

/// The column that an expression gives, cast or not.
fn source_column(expr: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Option<usize> {
    match implicitly_cast(expr, schema) {
        Some(inner) => source_column(inner, schema),
        None => expr.downcast_ref::<Column>().map(Column::index),
    }
}

/// The group and one column that tells its windows apart: that is the end of any, and the start of all but CUMULATE's.
fn of_windows(aggregate: &WindowAggregateNode) -> UpsertKeys {
    let keys = |i: &usize| matches!(aggregate.output[*i], WindowOutput::Key(_));
    let group: Vec<usize> = (0..aggregate.output.len()).filter(keys).collect();
    let starts_differ = !matches!(aggregate.spec.kind, WindowKind::Cumulate { .. });
    let tells = |i: &usize| match aggregate.output[*i] {
        WindowOutput::Window(WindowPart::Start) => starts_differ,
        WindowOutput::Window(_) => true,
        _ => false,
    };
    UpsertKeys::of((0..aggregate.output.len()).filter(tells).map(|i| group.iter().copied().chain([i]).collect()))
}

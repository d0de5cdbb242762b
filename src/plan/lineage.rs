//! Lineage: what the rows and columns of a node are made of, down to tables and their columns.
//!
//! A canonical text, on which the identity of state is built (`identity.rs`): it doesn't change with aliases, filters,
//! other columns, the phases of an aggregate, or DataFusion's version. Nodes that keep nothing leave the rows what they
//! are; of an expression counts what it computes.

use std::sync::Arc;

use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, Literal, TryCastExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::lower::guarded_sides;
use super::stream_plan::{NodeKind, StreamNode, StreamPlan, WindowTableNode};
use super::text::{arrow_type, literal};
use crate::operators::{AggregateCall, WindowClock, WindowKind, WindowOutput};
use crate::types::TimeAttribute;

/// What comes out of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    /// What the rows are: those of a table, `cpu_in`, or `GroupAggregate(hostname) of cpu_in`.
    pub rows: String,
    /// What each column is: `hostname`, `UPPER(hostname)`.
    pub columns: Vec<String>,
    /// Of a node that must find something again after a restart: what it does, of which rows.
    pub keeps: Option<String>,
    /// Where groups are put together in front of an exchange: what is computed of them.
    calls: Vec<String>,
}

/// The lineage of every node of a plan.
pub fn lineages(plan: &StreamPlan) -> Vec<Lineage> {
    let mut all: Vec<Lineage> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let inputs: Vec<&Lineage> = node.inputs.iter().filter_map(|&input| all.get(input)).collect();
        let mut lineage = of_node(node, &inputs);
        lineage.columns.resize(node.schema.fields().len(), "partial".to_string());
        all.push(lineage);
    }
    all
}

fn of_node(node: &StreamNode, inputs: &[&Lineage]) -> Lineage {
    let input = inputs.first().map_or_else(Lineage::default, |input| Lineage { keeps: None, ..(*input).clone() });
    let names = || node.schema.fields().iter().map(|field| name(field.name()));
    match &node.kind {
        NodeKind::Source(source) => {
            let rows = name(&source.table);
            Lineage { keeps: Some(format!("Source of {rows}")), rows, columns: names().collect(), calls: Vec::new() }
        }
        NodeKind::Calc(calc) => match &calc.projection {
            Some(projection) => input.with_columns(|input| projection.iter().map(|e| input.expression(e)).collect()),
            None => input,
        },
        NodeKind::LookupJoin(join) => input.with_columns(|input| {
            let table = name(&join.table);
            let own = join.right_schema.fields().iter().map(|field| format!("{table}.{}", name(field.name())));
            input.columns.iter().cloned().chain(own).collect()
        }),
        NodeKind::Union => {
            let merged = |texts: Vec<&str>| match texts.iter().all(|text| *text == texts[0]) {
                true => texts[0].to_string(),
                false => format!("({})", texts.join(" UNION ")),
            };
            let column = |i: usize| merged(inputs.iter().map(|input| input.column(i)).collect());
            let rows = merged(inputs.iter().map(|input| input.rows.as_str()).collect());
            Lineage { rows, columns: (0..node.schema.fields().len()).map(column).collect(), ..Lineage::default() }
        }
        NodeKind::Exchange(_)
        | NodeKind::MiniBatchAssigner(_)
        | NodeKind::ConstraintEnforcer(_)
        | NodeKind::Sink(_) => input,
        NodeKind::CurrentWatermark => input.followed_by(["CURRENT_WATERMARK".to_string()]),
        NodeKind::Expand(expand) => input.with_columns(|input| {
            let keys: Vec<String> = expand.keys.iter().map(|&key| input.column(key).to_string()).collect();
            let set = |set: &Vec<bool>| {
                let has = keys.iter().zip(set).filter(|(_, has)| **has).map(|(key, _)| key.as_str());
                format!("{{{}}}", has.collect::<Vec<_>>().join(", "))
            };
            let sets = format!("GROUPING SETS {}", expand.sets.iter().map(set).collect::<Vec<_>>().join(" "));
            input.columns.iter().take(expand.columns).cloned().chain(keys.clone()).chain([sets]).collect()
        }),
        NodeKind::Unnest(unnest) => input.with_columns(|input| {
            let elements = format!("UNNEST({})", input.column(unnest.shape.collection));
            let own = (unnest.shape.columns..node.schema.fields().len()).map(|i| i - unnest.shape.columns + 1);
            let kept = input.columns.iter().take(unnest.shape.columns).cloned();
            kept.chain(own.map(|i| format!("{elements}.{i}"))).collect()
        }),
        NodeKind::Limit { .. } => input.kept("Limit".to_string()),
        NodeKind::LocalGroupAggregate(aggregate) => {
            let calls = input.calls(&aggregate.calls);
            Lineage { calls, ..input.with_columns(|input| input.all(&aggregate.key)) }
        }
        NodeKind::GroupAggregate(aggregate) => {
            let calls = if aggregate.partials.is_some() { input.calls.clone() } else { input.calls(&aggregate.calls) };
            let columns = input.all(&aggregate.key);
            let name = format!("GroupAggregate({})", columns.join(", "));
            let columns = columns.into_iter().chain(calls).collect();
            Lineage { columns, calls: Vec::new(), ..input.kept(name) }
        }
        NodeKind::WindowTable(table) => {
            let window = input.window(table);
            let parts: Vec<String> = table.parts.iter().map(|part| format!("{} of {window}", part.name())).collect();
            let session = matches!(table.spec.kind, WindowKind::Session { .. }) && !table.slices;
            let kept = match session {
                true => {
                    let key = input.all(&table.key).into_iter().chain([window]).collect::<Vec<_>>().join(", ");
                    input.kept(format!("SessionWindows({key})"))
                }
                false => input,
            };
            kept.followed_by(parts)
        }
        NodeKind::LocalWindowAggregate(aggregate) => {
            let calls = input.calls(&aggregate.calls);
            let key = [aggregate.key.as_slice(), &[aggregate.slice]].concat();
            Lineage { calls, ..input.with_columns(|input| input.all(&key)) }
        }
        NodeKind::WindowAggregate(aggregate) => {
            let of_rows = input.calls.is_empty();
            let calls = if of_rows { input.calls(&aggregate.calls) } else { input.calls.clone() };
            let slice = input.column(aggregate.slice).to_string();
            let key = input.all(&aggregate.key);
            let column = |output: &WindowOutput| match output {
                WindowOutput::Key(i) => key.get(*i).cloned().unwrap_or_default(),
                WindowOutput::Window(part) => format!("{} of {slice}", part.name()),
                WindowOutput::Result(i) => calls.get(*i).cloned().unwrap_or_default(),
            };
            let columns = aggregate.output.iter().map(column).collect();
            let all = key.iter().chain([&slice]).map(String::as_str).collect::<Vec<_>>().join(", ");
            Lineage { columns, calls: Vec::new(), ..input.kept(format!("WindowAggregate({all})")) }
        }
        // The rows of a table by its key are still those of the table.
        NodeKind::ChangelogNormalize(normalize) => {
            let keeps = format!("ChangelogNormalize({}) of {}", input.all(&normalize.key).join(", "), input.rows);
            Lineage { keeps: Some(keeps), ..input }
        }
        NodeKind::SinkUpsertMaterializer(node) => {
            let key = input.all(&node.primary_key).join(", ");
            input.kept(format!("SinkUpsertMaterializer({key})"))
        }
    }
}

impl Lineage {
    fn column(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", String::as_str)
    }

    fn all(&self, columns: &[usize]) -> Vec<String> {
        columns.iter().map(|&column| self.column(column).to_string()).collect()
    }

    fn with_columns(self, columns: impl FnOnce(&Self) -> Vec<String>) -> Self {
        Self { columns: columns(&self), calls: Vec::new(), ..self }
    }

    fn followed_by(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.columns.extend(columns);
        self
    }

    /// Behind a node that makes other rows of them: `GroupAggregate(hostname)`.
    fn kept(self, what: String) -> Self {
        let rows = format!("{what} of {}", self.rows);
        Self { keeps: Some(rows.clone()), rows, ..self }
    }

    fn calls(&self, calls: &[AggregateCall]) -> Vec<String> {
        let call = |call: &AggregateCall| {
            let distinct = if call.distinct { "DISTINCT " } else { "" };
            let filter = call.filter.map(|column| format!(" FILTER {}", self.column(column))).unwrap_or_default();
            format!("{}({distinct}{}){filter}", call.function.name(), self.all(&call.arguments).join(", "))
        };
        calls.iter().map(call).collect()
    }

    /// `TUMBLE(30 s, ts)`
    fn window(&self, table: &WindowTableNode) -> String {
        let spec = &table.spec;
        let mut parts = match spec.kind {
            WindowKind::Tumble { size, offset } => vec!["TUMBLE".to_string(), ms(size), ms(offset)],
            WindowKind::Hop { slide, size, offset } => vec!["HOP".to_string(), ms(slide), ms(size), ms(offset)],
            WindowKind::Cumulate { step, size, offset } => vec!["CUMULATE".to_string(), ms(step), ms(size), ms(offset)],
            WindowKind::Session { gap } => vec!["SESSION".to_string(), ms(gap)],
            WindowKind::Attached => vec!["ATTACHED".to_string()],
        };
        let function = parts.remove(0);
        // An offset of nothing is as good as none.
        if matches!(spec.kind, WindowKind::Tumble { .. } | WindowKind::Hop { .. } | WindowKind::Cumulate { .. }) {
            parts.pop_if(|offset| *offset == ms(0));
        }
        parts.push(self.column(table.time).to_string());
        if spec.time == TimeAttribute::Proctime {
            parts.push("PROCTIME".to_string());
        }
        if spec.clock != WindowClock::UTC {
            parts.push(spec.clock.0.to_string());
        }
        format!("{function}({})", parts.join(", "))
    }

    /// What an expression over these columns computes.
    fn expression(&self, expr: &Arc<dyn PhysicalExpr>) -> String {
        let all = |exprs: &[&Arc<dyn PhysicalExpr>]| exprs.iter().map(|e| self.expression(e)).collect::<Vec<_>>();
        if let Some(column) = expr.downcast_ref::<Column>() {
            return self.column(column.index()).to_string();
        }
        if let Some(constant) = expr.downcast_ref::<Literal>() {
            return literal(constant.value());
        }
        if let Some((is_and, left, right)) = guarded_sides(expr) {
            return format!("({})", all(&[left, right]).join(if is_and { " AND " } else { " OR " }));
        }
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            return format!("({})", all(&[binary.left(), binary.right()]).join(&format!(" {} ", binary.op())));
        }
        if let Some(cast) = expr.downcast_ref::<CastExpr>() {
            return format!("CAST<{}>({})", arrow_type(cast.cast_type()), self.expression(cast.expr()));
        }
        if let Some(cast) = expr.downcast_ref::<TryCastExpr>() {
            return format!("TRY_CAST<{}>({})", arrow_type(cast.cast_type()), self.expression(cast.expr()));
        }
        let children = expr.children();
        let name = match expr.downcast_ref::<ScalarFunctionExpr>() {
            Some(call) => call.fun().name().to_string(),
            None => shape(expr).unwrap_or_else(|| expr.to_string()),
        };
        format!("{name}({})", all(&children).join(", "))
    }
}

/// What an expression does with its operands, which are numbered: `#0 IS NULL`.
fn shape(expr: &Arc<dyn PhysicalExpr>) -> Option<String> {
    let operand = |(i, _)| Arc::new(Column::new("", i)) as Arc<dyn PhysicalExpr>;
    let operands = expr.children().into_iter().enumerate().map(operand).collect();
    Some(expr.clone().with_new_children(operands).ok()?.to_string())
}

fn ms(ms: i64) -> String {
    super::window::duration(ms)
}

/// A name as it is, or between backticks where it could be taken for something else.
fn name(name: &str) -> String {
    match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$') {
        true => name.to_string(),
        false => format!("`{}`", name.replace('`', "``")),
    }
}

//! EXPLAIN: both plans as text that people read and tests compare.

use arrow::datatypes::SchemaRef;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, FetchType, LogicalPlan, SkipType};

use super::aggregate::Aggregate;
use super::delivery::delivery;
use super::expand::Expand;
use super::identity::{Keeper, keepers};
use super::nodes::{LookupJoin, Sink};
use super::state::state;
use super::stream_plan::{Distribution, NodeKind, StreamNode, StreamPlan, WatermarkEmit};
use super::text::{bare_expression, expression, named};
use super::unnest::Unnest;
use super::upsert_keys::tuple;
use super::window::WindowTable;
use crate::operators::{BundleEnd, Constraints, MiniBatchMode, OnLength, OnNull, WindowInput};

/// Both plans, and with CHANGELOG_MODE what is kept.
pub fn explain<'a>(
    logical: impl IntoIterator<Item = &'a LogicalPlan>,
    stream: &StreamPlan,
    changelog_mode: bool,
) -> String {
    let mut text = String::from("== Logical Plan ==\n");
    for plan in logical {
        logical_plan(plan, 0, &mut text);
    }
    text += if stream.answers.is_empty() { "\n== Stream Plan ==\n" } else { "\n== Batch Plan ==\n" };
    text += &stream_plan(stream, changelog_mode);
    if changelog_mode && stream.answers.is_empty() {
        text += &state_of(stream);
    }
    text
}

/// By what the state of each node is found again: `1f0c8a5be2d34c79-5a1b20c3 GroupAggregate(hostname) of cpu_in`.
fn state_of(plan: &StreamPlan) -> String {
    let lines = keepers(plan).into_iter().flatten().map(|Keeper { identity, text }| format!("{identity} {text}\n"));
    format!("\n== State ==\n{}", lines.collect::<String>())
}

/// What DataFusion carries out of a batch query.
pub fn batch_plan(plan: &LogicalPlan) -> String {
    let mut text = String::new();
    logical_plan(plan, 0, &mut text);
    text
}

/// A logical plan, a node to a line, inputs indented below those that read them.
fn logical_plan(plan: &LogicalPlan, depth: usize, text: &mut String) {
    *text += &format!("{}{}\n", "  ".repeat(depth), logical_node(plan));
    for input in plan.inputs() {
        logical_plan(input, depth + 1, text);
    }
}

fn logical_node(plan: &LogicalPlan) -> String {
    let all = |exprs: &[Expr], schema: &DFSchema| {
        let of = |e: &Expr| match e {
            Expr::Alias(alias) => named(&expression(&alias.expr, schema), &alias.name),
            other => expression(other, schema),
        };
        exprs.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    match plan {
        LogicalPlan::Projection(p) => format!("Projection: {}", all(&p.expr, p.input.schema())),
        LogicalPlan::Filter(filter) => format!("Filter: {}", expression(&filter.predicate, filter.input.schema())),
        LogicalPlan::TableScan(scan) => {
            let names: Vec<&str> = scan.projected_schema.fields().iter().map(|f| f.name().as_str()).collect();
            let mut text = format!("TableScan: {}, columns=[{}]", scan.table_name.table(), names.join(", "));
            if !scan.filters.is_empty() {
                let filters: Vec<String> = scan.filters.iter().map(bare_expression).collect();
                text += &format!(", filters=[{}]", filters.join(" AND "));
            }
            text
        }
        LogicalPlan::SubqueryAlias(alias) => format!("Alias: {}", alias.alias.table()),
        LogicalPlan::Limit(limit) => {
            let skip = match limit.get_skip_type() {
                Ok(SkipType::Literal(n)) if n > 0 => Some(format!("offset={n}")),
                _ => None,
            };
            let fetch = match limit.get_fetch_type() {
                Ok(FetchType::Literal(Some(n))) => Some(format!("fetch={n}")),
                _ => None,
            };
            format!("Limit: {}", skip.into_iter().chain(fetch).collect::<Vec<_>>().join(", "))
        }
        LogicalPlan::Union(_) => "Union: all".to_string(),
        LogicalPlan::Values(values) => {
            let rows: Vec<String> = values.values.iter().map(|r| format!("({})", all(r, &values.schema))).collect();
            format!("Values: {}", rows.join(", "))
        }
        LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => "Values: one row".to_string(),
        LogicalPlan::EmptyRelation(_) => "Values: no rows".to_string(),
        LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<LookupJoin>() {
            Some(join) => format!("LookupJoin: {}", join.describe()),
            None => match extension.node.as_any().downcast_ref::<Sink>() {
                Some(sink) => format!("Sink: {}", sink.table),
                None => match extension.node.as_any().downcast_ref::<Aggregate>() {
                    Some(aggregate) => format!("{}: {}", extension.node.name(), aggregate.describe()),
                    None => match extension.node.as_any().downcast_ref::<Expand>() {
                        Some(expand) => format!("Expand: {}", expand.describe()),
                        None => match extension.node.as_any().downcast_ref::<WindowTable>() {
                            Some(table) => format!("{}: {}", extension.node.name(), table.describe()),
                            None => match extension.node.as_any().downcast_ref::<Unnest>() {
                                Some(unnest) => format!("Unnest: {}", unnest.describe()),
                                None => extension.node.name().to_string(),
                            },
                        },
                    },
                },
            },
        },
        other => other.display().to_string(),
    }
}

/// The stream plan as trees from the sinks down to the sources. A node that several read is written out once.
pub fn stream_plan(plan: &StreamPlan, changelog_mode: bool) -> String {
    let mut printer =
        Printer { plan, changelog_mode, readers: vec![0; plan.nodes.len()], printed: Vec::new(), text: String::new() };
    for node in &plan.nodes {
        node.inputs.iter().for_each(|&i| printer.readers[i] += 1);
    }
    let sinks = (0..plan.nodes.len()).filter(|&i| matches!(plan.nodes[i].kind, NodeKind::Sink(_)));
    for sink in sinks {
        printer.print(sink, 0);
    }
    printer.text
}

struct Printer<'a> {
    plan: &'a StreamPlan,
    changelog_mode: bool,
    readers: Vec<usize>,
    /// Shared nodes that were written out, in order: their number is their position.
    printed: Vec<usize>,
    text: String,
}

impl Printer<'_> {
    fn print(&mut self, id: usize, depth: usize) {
        let indent = match depth {
            0 => String::new(),
            _ => format!("{}+- ", "   ".repeat(depth - 1)),
        };
        let node = &self.plan.nodes[id];
        // It only tells the columns anew; there is nothing to see.
        if let (NodeKind::ConstraintEnforcer(enforcer), &[input]) = (&node.kind, node.inputs.as_slice()) {
            let Constraints { not_null, lengths, .. } = &enforcer.constraints;
            if not_null.is_empty() && lengths.is_empty() && self.readers[id] <= 1 {
                return self.print(input, depth);
            }
        }
        if self.readers[id] > 1 {
            if let Some(number) = self.printed.iter().position(|p| *p == id) {
                self.text += &format!("{indent}Shared({})\n", number + 1);
                return;
            }
            self.printed.push(id);
        }
        if let Some((_, answer)) = self.plan.answers.iter().find(|(node, _)| *node == id) {
            for line in answer.lines() {
                let node = line.trim_start();
                let deeper = (line.len() - node.len()) / 2;
                self.text += &format!("{}+- {node}\n", "   ".repeat(depth.saturating_sub(1) + deeper));
            }
            return;
        }
        let shared = match self.readers[id] > 1 {
            true => format!(" [shared {}]", self.printed.len()),
            false => String::new(),
        };
        let text = describe(node);
        let text = text.strip_suffix(')').unwrap_or(&text);
        self.text += &format!("{indent}{text}{}){shared}\n", self.properties(node));
        for &input in &node.inputs {
            self.print(input, depth + 1);
        }
    }

    /// What a node keeps, what it sends or how that is delivered, and by which columns its rows replace each other where they do.
    fn properties(&self, node: &StreamNode) -> String {
        let mut text = state(self.plan, node).map(|state| format!(", state=[{state}]")).unwrap_or_default();
        if let NodeKind::Sink(sink) = &node.kind {
            text.extend(delivery(self.plan, sink).map(|promise| format!(", {promise}")));
        }
        let updates = !node.mode.is_insert_only();
        if !matches!(node.kind, NodeKind::Sink(_)) && (updates || self.changelog_mode) {
            text += &format!(", changelogMode=[{}]", node.mode);
            if updates && !node.upsert_keys.is_empty() {
                text += &format!(", upsertKeys={}", node.upsert_keys.describe(&node.schema));
            }
        }
        text
    }
}

/// One node on one line: `Calc(where=[...], select=[...])`.
pub fn describe(node: &StreamNode) -> String {
    let columns = || node.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", ");
    match &node.kind {
        NodeKind::Source(source) => {
            let mut text = format!("Source(table={}", source.table);
            let described = source.source.describe();
            if !described.is_empty() {
                text += &format!(", {described}");
            }
            let read: Vec<&str> = source.scan_schema.fields().iter().map(|f| f.name().as_str()).collect();
            text += &format!(", read=[{}]", read.join(", "));
            if let Some(watermark) = &source.watermark {
                let emit = match watermark.emit {
                    WatermarkEmit::OnEvent => ", emit=on-event",
                    WatermarkEmit::Every(_) => "",
                };
                let idle = watermark.idle_timeout.map(|t| format!(", idle={} ms", t.as_millis())).unwrap_or_default();
                text += &format!(", watermark=[{} AS {}{emit}{idle}]", watermark.column, watermark.text);
            }
            if !source.pushed_text.is_empty() {
                text += &format!(", pushed=[{}]", source.pushed_text.join(" AND "));
            }
            if let Some(filter) = &source.filter_text {
                text += &format!(", filter=[{filter}]");
            }
            format!("{text}, fields=[{}])", columns())
        }
        NodeKind::Calc(calc) => {
            let mut parts = Vec::new();
            parts.extend(calc.condition.iter().map(|c| format!("where=[{c}]")));
            if calc.projection.is_some() {
                let names = node.schema.fields().iter().map(|f| f.name().as_str());
                let selected: Vec<String> = calc.selected.iter().zip(names).map(|(e, n)| named(e, n)).collect();
                parts.push(format!("select=[{}]", selected.join(", ")));
            }
            format!("Calc({})", parts.join(", "))
        }
        NodeKind::LookupJoin(join) => {
            let cache = match join.lookup.cache() {
                Some(_) => ", cache=PARTIAL",
                None => "",
            };
            let described = join.lookup.describe();
            let described = if described.is_empty() { described } else { format!(", {described}") };
            format!("LookupJoin({}{described}{cache}, fields=[{}])", join.text, columns())
        }
        NodeKind::Limit { skip, fetch } => match fetch {
            Some(fetch) => format!("Limit(offset=[{skip}], fetch=[{fetch}])"),
            None => format!("Limit(offset=[{skip}])"),
        },
        NodeKind::Union => format!("Union(all=[true], fields=[{}])", columns()),
        NodeKind::Exchange(Distribution::Single) => "Exchange(distribution=[single])".to_string(),
        NodeKind::Exchange(Distribution::Rebalance) => "Exchange(distribution=[rebalance])".to_string(),
        NodeKind::Exchange(Distribution::Hash(key)) => {
            let names: Vec<&str> = key.iter().map(|&i| node.schema.field(i).name().as_str()).collect();
            format!("Exchange(distribution=[hash[{}]])", names.join(", "))
        }
        NodeKind::Expand(expand) => format!("Expand({})", expand.text),
        NodeKind::Unnest(unnest) => format!("Unnest({})", unnest.text),
        NodeKind::CurrentWatermark => format!("CurrentWatermark(fields=[{}])", columns()),
        NodeKind::MiniBatchAssigner(node) => {
            let mode = match node.mode {
                MiniBatchMode::ProcTime => "ProcTime",
                MiniBatchMode::RowTime => "RowTime",
            };
            format!("MiniBatchAssigner(interval=[{}ms], mode=[{mode}])", node.interval.as_millis())
        }
        NodeKind::ChangelogNormalize(normalize) => format!("ChangelogNormalize({})", normalize.text),
        NodeKind::LocalGroupAggregate(aggregate) => format!("LocalGroupAggregate({})", aggregate.text),
        NodeKind::GroupAggregate(aggregate) => {
            let name = if aggregate.partials.is_some() { "GlobalGroupAggregate" } else { "GroupAggregate" };
            let net = match aggregate.bundle {
                Some(BundleEnd::MicroBatch) => ", netChanges=[per micro-batch]",
                Some(BundleEnd::Rows(_)) | None => "",
            };
            format!("{name}({}{net})", aggregate.text)
        }
        NodeKind::WindowTable(table) if table.slices => format!("WindowSlice({})", table.text),
        NodeKind::WindowTable(table) => format!("WindowTableFunction({})", table.text),
        NodeKind::LocalWindowAggregate(aggregate) => format!("LocalWindowAggregate({})", aggregate.text),
        NodeKind::WindowAggregate(aggregate) => match aggregate.input {
            WindowInput::Rows => format!("WindowAggregate({})", aggregate.text),
            WindowInput::Partials { .. } => format!("GlobalWindowAggregate({})", aggregate.text),
        },
        NodeKind::ConstraintEnforcer(enforcer) => {
            format!("ConstraintEnforcer({})", constraints(&enforcer.constraints, &node.schema))
        }
        NodeKind::SinkUpsertMaterializer(materializer) => {
            let key = tuple(&materializer.primary_key, &node.schema);
            match &materializer.upsert_key {
                Some(from) => {
                    format!("SinkUpsertMaterializer(primaryKey={key}, inputKey={})", tuple(from, &node.schema))
                }
                None => format!("SinkUpsertMaterializer(primaryKey={key}, inputKey=whole row)"),
            }
        }
        NodeKind::Sink(sink) => {
            let described = sink.sink.describe();
            let described = if described.is_empty() { described } else { format!(", {described}") };
            format!("Sink(table={}{described}, fields=[{}])", sink.table, columns())
        }
    }
}

/// `notNull=[hostname], lengths=[cpu VARCHAR(4)]`, and what becomes of rows where they don't fail the job.
fn constraints(constraints: &Constraints, schema: &SchemaRef) -> String {
    let name = |column: usize| schema.field(column).name().as_str();
    let mut parts = Vec::new();
    if !constraints.not_null.is_empty() {
        let names: Vec<&str> = constraints.not_null.iter().map(|&column| name(column)).collect();
        let drop = if constraints.on_null == OnNull::Drop { ", onNull=DROP" } else { "" };
        parts.push(format!("notNull=[{}]{drop}", names.join(", ")));
    }
    if !constraints.lengths.is_empty() {
        let lengths = constraints.lengths.iter().map(|limit| format!("{} {}", name(limit.column), limit.ty));
        let trim = if constraints.on_length == OnLength::TrimPad { ", onLength=TRIM_PAD" } else { "" };
        parts.push(format!("lengths=[{}]{trim}", lengths.collect::<Vec<_>>().join(", ")));
    }
    parts.join(", ")
}

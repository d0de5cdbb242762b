//! EXPLAIN: both plans as text that people read and tests compare.

use datafusion::logical_expr::LogicalPlan;

use super::stream_plan::{Distribution, NodeKind, StreamNode, StreamPlan, WatermarkEmit};

/// Both plans.
pub fn explain<'a>(
    logical: impl IntoIterator<Item = &'a LogicalPlan>,
    stream: &StreamPlan,
    changelog_mode: bool,
) -> String {
    let mut text = String::from("== Logical Plan ==\n");
    for plan in logical {
        text += &format!("{}\n", plan.display_indent());
    }
    text += "\n== Stream Plan ==\n";
    text += &stream_plan(stream, changelog_mode);
    text
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
        if self.readers[id] > 1 {
            if let Some(number) = self.printed.iter().position(|p| *p == id) {
                self.text += &format!("{indent}Shared({})\n", number + 1);
                return;
            }
            self.printed.push(id);
        }
        let shared = match self.readers[id] > 1 {
            true => format!(" [shared {}]", self.printed.len()),
            false => String::new(),
        };
        let mode = match self.changelog_mode && !matches!(node.kind, NodeKind::Sink(_)) {
            true => ", changelogMode=[I]",
            false => "",
        };
        let text = describe(node);
        let text = text.strip_suffix(')').unwrap_or(&text);
        self.text += &format!("{indent}{text}{mode}){shared}\n");
        for &input in &node.inputs {
            self.print(input, depth + 1);
        }
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
            if let Some(filter) = &source.filter_text {
                text += &format!(", filter=[{filter}]");
            }
            format!("{text}, fields=[{}])", columns())
        }
        NodeKind::Calc(calc) => format!("Calc({})", calc.text),
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
        NodeKind::Exchange(Distribution::Hash(key)) => {
            let names: Vec<&str> = key.iter().map(|&i| node.schema.field(i).name().as_str()).collect();
            format!("Exchange(distribution=[hash[{}]])", names.join(", "))
        }
        NodeKind::NotNull { columns: checked, .. } => {
            let names: Vec<&str> = checked.iter().map(|&i| node.schema.field(i).name().as_str()).collect();
            match names.is_empty() {
                true => "ConstraintEnforcer()".to_string(),
                false => format!("ConstraintEnforcer(notNull=[{}])", names.join(", ")),
            }
        }
        NodeKind::Sink(sink) => {
            let described = sink.sink.describe();
            let described = if described.is_empty() { described } else { format!(", {described}") };
            format!("Sink(table={}{described}, fields=[{}])", sink.table, columns())
        }
    }
}

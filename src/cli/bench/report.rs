//! What was measured, laid out: the job as a whole, then its operators; several versions beside each other with ratios.

use crate::bench::{Bench, Measured, MeasuredNode};
use crate::shell::columns::{Columns, LiveLine};
use crate::shell::rates::{bytes_text, grouped};

/// An operator's text has so many columns at least.
const TEXT_MIN: usize = 30;

/// All runs of one version of a job.
pub struct Summary<'a> {
    pub label: &'a str,
    pub bench: &'a Bench,
    /// The run with an account for every node.
    pub account: Measured,
    pub runs: Vec<Measured>,
}

/// What is told of a version as a whole.
struct Measure {
    name: &'static str,
    of: fn(&Summary, &Measured) -> Option<f64>,
    text: fn(f64) -> String,
}

const MEASURES: &[Measure] = &[
    Measure {
        name: "rows/s",
        of: |_, run| Some(run.rows_in as f64 / run.wall.as_secs_f64().max(1e-9)),
        text: |rows| grouped(rows.round() as u64),
    },
    Measure { name: "CPU ns/row", of: |_, run| Some(per(run.cpu_ns, run.rows_in)), text: tenths },
    Measure {
        name: "bytes allocated/row",
        of: |summary, _| {
            let costs = summary.account.costs.as_ref()?;
            Some(per(costs.bytes, summary.account.rows_in))
        },
        text: tenths,
    },
    Measure {
        name: "peak RSS",
        of: |_, run| run.memory.map(|(_, peak)| peak as f64),
        text: |bytes| bytes_text(bytes as u64),
    },
    Measure { name: "rows out", of: |_, run| Some(run.rows_out as f64), text: |rows| grouped(rows.round() as u64) },
];

/// The text of one job in one version, or in several.
pub fn report(summaries: &[Summary], width: usize) -> String {
    let [first, others @ ..] = summaries else { return String::new() };
    let parallelism = first.bench.parallelism();
    let same = others.iter().all(|other| other.bench.parallelism() == parallelism);
    let mut lines = vec![format!(
        "{}: {} rows of {}{}, {} {}",
        first.bench.name,
        grouped(first.bench.rows),
        first.bench.tables.join(", "),
        if same { format!(", parallelism {parallelism}") } else { String::new() },
        first.runs.len(),
        if first.runs.len() == 1 { "run" } else { "runs" }
    )];
    if !others.is_empty() {
        lines.extend(summaries.iter().enumerate().map(|(i, summary)| format!("  {}: {}", letter(i), summary.label)));
    }
    lines.push(String::new());
    lines.extend(whole(summaries, width));
    let same = others.iter().all(|other| texts(other).eq(texts(first)));
    lines.push(String::new());
    match (others.is_empty(), same) {
        (true, _) => lines.extend(operators(first, "operator", width)),
        (false, true) => lines.extend(operators_compared(summaries, width)),
        (false, false) => {
            for (i, summary) in summaries.iter().enumerate() {
                lines.extend(operators(summary, &format!("operator of {}", letter(i)), width));
                lines.push(String::new());
            }
            lines.pop();
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn letter(version: usize) -> char {
    char::from(b'A' + (version % 26) as u8)
}

fn texts<'a>(summary: &'a Summary) -> impl Iterator<Item = &'a str> {
    nodes(summary).map(|node| node.text.as_str())
}

fn nodes<'a>(summary: &'a Summary) -> impl Iterator<Item = &'a MeasuredNode> {
    summary.account.costs.iter().flat_map(|costs| &costs.nodes)
}

/// Medians of all runs; of one version with the lowest and the highest, of several with their ratios to the first.
fn whole(summaries: &[Summary], width: usize) -> Vec<String> {
    let alone = summaries.len() == 1;
    let mut head = vec![String::new()];
    match alone {
        true => head.extend(["median", "lowest", "highest"].map(str::to_string)),
        false => head.extend(version_heads(summaries.len())),
    }
    let mut rows = vec![head];
    for measure in MEASURES {
        let of = |summary: &Summary| -> Option<Vec<f64>> {
            let mut values: Vec<f64> =
                summary.runs.iter().map(|run| (measure.of)(summary, run)).collect::<Option<_>>()?;
            values.sort_by(f64::total_cmp);
            Some(values)
        };
        let Some(values) = summaries.iter().map(of).collect::<Option<Vec<_>>>() else { continue };
        let mut row = vec![measure.name.to_string()];
        match alone {
            true => {
                let values = &values[0];
                let ends = [median(values), values[0], values[values.len() - 1]];
                let told = if ends[1] == ends[2] { &ends[..1] } else { &ends[..] };
                row.extend(told.iter().map(|value| (measure.text)(*value)));
                row.resize(4, String::new());
            }
            false => row.extend(beside(&values.iter().map(|values| median(values)).collect::<Vec<_>>(), measure.text)),
        }
        rows.push(row);
    }
    let mut lines = lay_out(rows, width);
    if let (true, Some((before, _))) = (alone, summaries[0].account.memory) {
        lines.push(format!(
            "  ({} of the peak were there before the start, the prepared rows among them)",
            bytes_text(before)
        ));
    }
    if summaries.iter().all(|summary| summary.runs.iter().all(|run| run.rows_out == 0)) {
        lines.push("  (no row came out: what stands behind a filter that lets none through cost nothing)".to_string());
    }
    lines
}

/// `A`, `B`, `B/A`, and so on.
fn version_heads(versions: usize) -> impl Iterator<Item = String> {
    let names = (0..versions).map(|i| letter(i).to_string());
    names.chain((1..versions).map(|i| format!("{}/A", letter(i))))
}

/// The values of all versions, then their ratios to the first.
fn beside(values: &[f64], text: fn(f64) -> String) -> impl Iterator<Item = String> {
    let ratio = |value: &f64| match values[0] {
        0.0 => "-".to_string(),
        first => format!("{:.2}", value / first),
    };
    values.iter().map(|value| text(*value)).chain(values[1..].iter().map(ratio)).collect::<Vec<_>>().into_iter()
}

/// What every operator takes of its own rows.
fn operators(summary: &Summary, title: &str, width: usize) -> Vec<String> {
    let all = &summary.account;
    let heads = [title, "rows in", "rows out", "CPU ns/row", "bytes/row", "CPU"];
    let mut rows = vec![heads.map(str::to_string).to_vec()];
    let share = |cpu_ns: u64| format!("{:.0} %", 100.0 * per(cpu_ns, all.cpu_ns));
    let (mut cpu_ns, mut bytes) = (0, 0);
    for node in nodes(summary) {
        (cpu_ns, bytes) = (cpu_ns + node.cpu_ns, bytes + node.bytes);
        rows.push(vec![
            node.text.clone(),
            grouped(node.rows_in),
            if node.text.starts_with("Sink(") { String::new() } else { grouped(node.rows_out) },
            tenths(per(node.cpu_ns, node.rows_in)),
            tenths(per(node.bytes, node.rows_in)),
            share(node.cpu_ns),
        ]);
    }
    let rest = all.cpu_ns.saturating_sub(cpu_ns);
    let all_bytes = all.costs.as_ref().map_or(0, |costs| costs.bytes);
    let of_rest = [rest, all_bytes.saturating_sub(bytes)].map(|rest| tenths(per(rest, all.rows_in)));
    let [cpu, bytes] = of_rest;
    rows.push(vec!["beside the operators".to_string(), grouped(all.rows_in), String::new(), cpu, bytes, share(rest)]);
    lay_out(rows, width)
}

fn operators_compared(summaries: &[Summary], width: usize) -> Vec<String> {
    let mut head = vec!["operator: CPU ns/row".to_string()];
    head.extend(version_heads(summaries.len()));
    let mut rows = vec![head];
    for (i, node) in nodes(&summaries[0]).enumerate() {
        let of = |summary: &Summary| nodes(summary).nth(i).map_or(0.0, |node| per(node.cpu_ns, node.rows_in));
        let values: Vec<f64> = summaries.iter().map(of).collect();
        let mut row = vec![node.text.clone()];
        row.extend(beside(&values, tenths));
        rows.push(row);
    }
    lay_out(rows, width)
}

/// Columns below each other, indented; the first is cut to what the others leave.
fn lay_out(rows: Vec<Vec<String>>, width: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest =
        |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let others: usize = (1..columns).map(|i| widest(i) + 2).sum();
    let room = width.saturating_sub(others + 5).max(TEXT_MIN);
    let lines: Vec<LiveLine> = rows
        .into_iter()
        .map(|mut row| {
            if row[0].chars().count() > room {
                row[0] = row[0].chars().take(room - 1).chain(['…']).collect();
            }
            LiveLine { cells: row, behind: Vec::new() }
        })
        .collect();
    // A row of the table stays one line.
    let laid_out = Columns::default().lay_out(&lines, usize::MAX);
    laid_out.into_iter().map(|line| format!("  {line}")).collect()
}

/// Of sorted values.
fn median(values: &[f64]) -> f64 {
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

fn per(amount: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { amount as f64 / of as f64 }
}

fn tenths(value: f64) -> String {
    if value >= 9_999.95 { grouped(value.round() as u64) } else { format!("{value:.1}") }
}

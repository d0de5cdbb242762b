//! What was measured, laid out: the job as a whole, then its operators; several versions beside each other with ratios.

use crate::bench::{Bench, Measured, MeasuredNode};
use crate::shell::columns::{Columns, LiveLine};
use crate::shell::rates::{bytes_text, grouped, rows_text};
use crate::wrap::fit;

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
    let head = format!(
        "{}: {} of {}{}, {} {}",
        first.bench.name,
        rows_text(first.bench.rows),
        first.bench.tables.join(", "),
        if same { format!(", parallelism {parallelism}") } else { String::new() },
        first.runs.len(),
        if first.runs.len() == 1 { "run" } else { "runs" }
    );
    let mut lines = vec![fit(&head, "  ", width)];
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

/// Medians of all runs; of one version with the lowest and the highest, of several with how far a run is from it, and
/// their ratios to the first.
fn whole(summaries: &[Summary], width: usize) -> Vec<String> {
    let alone = summaries.len() == 1;
    let mut head = vec![String::new()];
    match alone {
        true => head.extend(["median", "lowest", "highest"].map(str::to_string)),
        false => {
            let versions = (0..summaries.len()).map(|i| letter(i).to_string());
            head.extend(versions.flat_map(|letter| [letter, String::new()]));
            head.extend(ratio_heads(summaries.len()));
        }
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
            false => {
                let spreads: Vec<Spread> = values.iter().map(|values| Spread::of(values)).collect();
                row.extend(spreads.iter().flat_map(|spread| [(measure.text)(spread.median), spread.text()]));
                row.extend(spreads[1..].iter().map(|spread| spread.ratio_to(&spreads[0])));
            }
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
    match (alone, summaries[0].runs.len()) {
        (true, _) => {}
        (false, 1) => lines.push("  (of one run each: what is chance can't be told; --runs 5 tells)".to_string()),
        (false, _) => {
            lines.push(
                "  (medians; ±: the run that is farthest from it; ≈: no farther apart than runs are, chance)".into(),
            );
        }
    }
    if summaries.iter().all(|summary| summary.runs.iter().all(|run| run.rows_out == 0)) {
        lines.push("  (no row came out: what stands behind a filter that lets none through cost nothing)".to_string());
    }
    lines
}

/// `B/A`, and so on.
fn ratio_heads(versions: usize) -> impl Iterator<Item = String> {
    (1..versions).map(|i| format!("{}/A", letter(i)))
}

fn ratio(value: f64, first: f64) -> String {
    match first {
        0.0 => "-".to_string(),
        first => format!("{:.2}", value / first),
    }
}

/// The median of some runs, and how far the one is that is farthest from it.
struct Spread {
    median: f64,
    farthest: f64,
}

impl Spread {
    /// Of sorted values.
    fn of(values: &[f64]) -> Self {
        let median = median(values);
        let farthest = values.iter().map(|value| (value - median).abs()).fold(0.0, f64::max);
        Self { median, farthest }
    }

    /// `±3 %`; nothing where all runs are alike.
    fn text(&self) -> String {
        match self.farthest == 0.0 || self.median == 0.0 {
            true => String::new(),
            false => format!("±{:.0} %", (100.0 * self.farthest / self.median).ceil()),
        }
    }

    /// `0.97`; `≈0.97` where single runs are as far apart as the two are.
    fn ratio_to(&self, first: &Self) -> String {
        let reach = self.farthest + first.farthest;
        let chance = reach > 0.0 && (self.median - first.median).abs() <= reach;
        format!("{}{}", if chance { "≈" } else { "" }, ratio(self.median, first.median))
    }
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
    head.extend((0..summaries.len()).map(|i| letter(i).to_string()));
    head.extend(ratio_heads(summaries.len()));
    let mut rows = vec![head];
    for (i, node) in nodes(&summaries[0]).enumerate() {
        let of = |summary: &Summary| nodes(summary).nth(i).map_or(0.0, |node| per(node.cpu_ns, node.rows_in));
        let values: Vec<f64> = summaries.iter().map(of).collect();
        let mut row = vec![node.text.clone()];
        row.extend(values.iter().map(|value| tenths(*value)));
        row.extend(values[1..].iter().map(|value| ratio(*value, values[0])));
        rows.push(row);
    }
    let mut lines = lay_out(rows, width);
    lines.push("  (of one run of each version: small differences are chance)".to_string());
    lines
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio_of(a: &[f64], b: &[f64]) -> String {
        Spread::of(b).ratio_to(&Spread::of(a))
    }

    #[test]
    fn a_ratio_that_single_runs_have_too_is_marked() {
        assert_eq!(ratio_of(&[98.0, 100.0, 101.0], &[100.0, 102.0, 103.0]), "≈1.02");
        assert_eq!(ratio_of(&[99.0, 100.0, 101.0], &[108.0, 110.0, 111.0]), "1.10");
        assert_eq!(ratio_of(&[80.0, 100.0, 101.0], &[108.0, 110.0, 111.0]), "≈1.10");
        // What is the same in all runs differs, however little.
        assert_eq!(ratio_of(&[100.0, 100.0], &[101.0, 101.0]), "1.01");
        assert_eq!(ratio_of(&[0.0], &[1.0]), "-");
    }

    #[test]
    fn a_spread_is_that_of_the_farthest_run() {
        assert_eq!(Spread::of(&[98.0, 100.0, 101.5]).text(), "±2 %");
        assert_eq!(Spread::of(&[99.9, 100.0, 100.1]).text(), "±1 %");
        assert_eq!(Spread::of(&[100.0, 100.0]).text(), "");
    }
}

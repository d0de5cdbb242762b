//! The text of a script: what it says, and the same with what its events have given.

use crate::changelog::{EndKind, RowKind};

/// A query and events with what they should give.
pub struct Script {
    pub sql: String,
    head: String,
    pub steps: Vec<Step>,
    /// What stands behind the last event.
    tail: String,
}

/// An event, and the lines it is written in.
pub struct Step {
    pub event: Event,
    lines: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Rows(Vec<Row>),
    /// Of one table, or of all.
    Watermark(Option<String>, String),
    Idle(Option<String>),
    Time(String),
    Barrier(u64),
    End(EndKind),
    Restart,
    Late,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub table: Option<String>,
    pub kind: RowKind,
    /// `None`: NULL.
    pub cells: Vec<Option<String>>,
}

const LINE: &str = "----\n";

impl Script {
    pub fn parse(text: &str) -> Self {
        let (sql, body) = text.split_once(LINE).expect("a line ---- between the query and its events");
        let (mut steps, mut lines, mut rows) = (Vec::<Step>::new(), String::new(), Vec::new());
        for line in body.lines() {
            let row = line.strip_prefix("> ").map(parse_row);
            let goes_on = matches!((&row, rows.last()), (Some(row), Some(last)) if table(row) == table(last));
            if !goes_on && !rows.is_empty() {
                steps.push(Step { event: Event::Rows(std::mem::take(&mut rows)), lines: std::mem::take(&mut lines) });
            }
            if line.starts_with("< ") {
                continue;
            }
            lines.push_str(line);
            lines.push('\n');
            match row {
                Some(row) => rows.push(row),
                None if line.is_empty() || line.starts_with("--") => {}
                None => steps.push(Step { event: parse_event(line), lines: std::mem::take(&mut lines) }),
            }
        }
        if !rows.is_empty() {
            steps.push(Step { event: Event::Rows(rows), lines: std::mem::take(&mut lines) });
        }
        Self { sql: sql.to_string(), head: format!("{sql}{LINE}"), steps, tail: lines }
    }

    /// The script with these lines behind its events.
    pub fn with_told(&self, told: &[Vec<String>]) -> String {
        let mut text = self.head.clone();
        for (step, told) in self.steps.iter().zip(told) {
            text.push_str(&step.lines);
            told.iter().for_each(|line| text.push_str(&format!("< {line}\n")));
        }
        text + &self.tail
    }
}

fn table(row: &Row) -> &Option<String> {
    &row.table
}

/// `t: rest` or `rest`.
fn of_table(text: &str) -> (Option<String>, &str) {
    match text.split_once(": ") {
        Some((table, rest)) if table.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            (Some(table.to_string()), rest)
        }
        _ => (None, text),
    }
}

fn parse_row(text: &str) -> Row {
    let (table, rest) = of_table(text);
    let (kind, cells) = rest.split_once(' ').unwrap_or((rest, ""));
    let kind = RowKind::of_symbol(kind).unwrap_or_else(|| panic!("a row begins with its kind: {text}"));
    Row { table, kind, cells: parse_cells(cells) }
}

fn parse_cells(text: &str) -> Vec<Option<String>> {
    let (mut cells, mut cell, mut quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    for sign in text.chars() {
        match sign {
            '\'' => (quoted, was_quoted) = (!quoted, true),
            ',' if !quoted => {
                cells.push((std::mem::take(&mut cell), std::mem::take(&mut was_quoted)));
            }
            ' ' if !quoted && cell.is_empty() => {}
            _ => cell.push(sign),
        }
    }
    cells.push((cell, was_quoted));
    cells.into_iter().map(|(cell, quoted)| (quoted || cell != "NULL").then_some(cell)).collect()
}

fn parse_event(line: &str) -> Event {
    let (table, rest) = of_table(line);
    let (word, value) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "watermark" => Event::Watermark(table, value.to_string()),
        "idle" => Event::Idle(table),
        "time" => Event::Time(value.to_string()),
        "barrier" => Event::Barrier(value.parse().expect("the number of a barrier")),
        "end" => Event::End(EndKind::Data),
        "stop" => Event::End(EndKind::Stop),
        "restart" => Event::Restart,
        "late" => Event::Late,
        _ => panic!("no event of scripts: {line}"),
    }
}

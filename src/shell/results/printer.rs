//! A query's rows as text: what is written when rows come, and at the end.

use std::time::Duration;

use super::json::{JsonLines, op_column};
use super::kept_rows::{Bound, KeptRows, Row};
use super::texts::Texts;
use super::{Display, Ended, ResultMode, csv, time_cost, vertical};
use crate::changelog::ChangelogBatch;
use crate::error::Result;
use crate::session::Query;
use crate::settings::Settings;
use crate::shell::command::Expanded;
use crate::shell::rates::grouped;
use crate::shell::tableau::{Tableau, WholeTable, in_set_after, row_term};

/// Writes the rows of one query in one mode.
pub struct Printer {
    form: Form,
    names: Vec<String>,
    texts: Texts,
    batch: bool,
    rows: u64,
    max_width: usize,
    /// The width of the terminal, where results go to one.
    terminal: Option<usize>,
    /// What is wider than this is shown a line per column.
    widest: Option<usize>,
}

enum Form {
    /// Changes as they come.
    Changes(Tableau),
    /// At the end, what is left.
    Table(KeptRows),
    /// The answer of a batch query: kept until its widths are known.
    Answer(KeptRows),
    /// The rest of an answer that is too long to keep, with the widths of its beginning.
    LongAnswer(WholeTable),
    /// With the kinds of the rows where they are updated.
    Csv {
        with_op: bool,
    },
    Json(JsonLines),
    Vertical {
        with_op: bool,
    },
}

impl Printer {
    pub fn new(query: &Query, settings: &Settings, display: &Display) -> Self {
        let fields = &query.schema.fields;
        let bound = Bound::of(settings);
        let with_op = query.updating;
        let is_vertical = display.mode == ResultMode::Vertical || display.expanded == Expanded::On;
        let widest = match display.columns.filter(|_| display.expanded == Expanded::Auto) {
            // Of rows that are shown at the end none has room.
            None if is_vertical => Some(0),
            columns => columns,
        };
        let form = match display.mode {
            ResultMode::Csv => Form::Csv { with_op },
            ResultMode::Json => Form::Json(JsonLines::new(&query.schema, with_op)),
            _ if display.at_end && !query.batch => Form::Table(KeptRows::new(bound, query.updating).in_place()),
            _ if is_vertical => Form::Vertical { with_op },
            ResultMode::Table if !query.batch => Form::Table(KeptRows::new(bound, query.updating)),
            _ if query.batch => Form::Answer(KeptRows::new(bound, false)),
            _ => {
                let columns: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.ty.clone())).collect();
                let tableau = Tableau::new(&columns, display.max_column_width, true);
                match widest.is_some_and(|widest| tableau.width() > widest) {
                    true => Form::Vertical { with_op },
                    false => Form::Changes(tableau),
                }
            }
        };
        let mut names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        if with_op && matches!(form, Form::Csv { .. } | Form::Vertical { .. }) {
            names.insert(0, op_column(fields.iter().map(|field| field.name.as_str())));
        }
        let texts = Texts::new(query, settings.zone());
        let (max_width, terminal) = (display.max_column_width, display.columns);
        Self { form, names, texts, batch: query.batch, rows: 0, max_width, terminal, widest }
    }

    /// Rows that have come.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What stands above the first row.
    pub fn header(&self) -> Vec<u8> {
        let text = match &self.form {
            Form::Changes(tableau) => tableau.header(),
            Form::Csv { .. } => csv::header(self.names.iter().map(String::as_str)),
            _ => String::new(),
        };
        text.into_bytes()
    }

    /// Writes what is to be written of rows that have come. False where nobody reads it any more.
    ///
    /// # Errors
    /// A value that the form has no text for, and what `put` gives.
    pub fn batch(&mut self, batch: &ChangelogBatch, put: Put<'_>) -> Result<bool> {
        let texts = self.texts.of(batch);
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let kind = batch.kind(row);
            match &mut self.form {
                Form::Changes(tableau) => text += &tableau.row(kind, &texts.row(row)),
                Form::Table(kept) => kept.apply(kind, texts.row(row)),
                Form::Answer(kept) if kept.is_full() => {
                    let rows: Vec<&Row> = kept.iter().collect();
                    let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
                    let mut whole = WholeTable::new(&names, rows.iter().map(|row| row.as_ref()), self.max_width);
                    if self.widest.is_some_and(|widest| whole.width() > widest) {
                        let records = (1..).zip(rows).map(|(number, row)| record(number, &names, row, self.terminal));
                        if !in_pieces(&mut text, records, put)? {
                            return Ok(false);
                        }
                        text += &record(self.rows, &names, &texts.row(row), self.terminal);
                        self.form = Form::Vertical { with_op: false };
                        continue;
                    }
                    text += &whole.header();
                    if !in_pieces(&mut text, rows.iter().map(|row| whole.row(row)), put)? {
                        return Ok(false);
                    }
                    text += &whole.row(&texts.row(row));
                    self.form = Form::LongAnswer(whole);
                }
                Form::Answer(kept) => kept.apply(kind, texts.row(row)),
                Form::LongAnswer(whole) => text += &whole.row(&texts.row(row)),
                Form::Csv { with_op } => {
                    let cells = texts.nullable_row(row);
                    let op = with_op.then(|| Some(kind.symbol()));
                    text += &csv::line(op.into_iter().chain(cells.iter().map(Option::as_deref)));
                }
                Form::Vertical { with_op } => {
                    let cells = texts.row(row);
                    let op = with_op.then(|| kind.symbol());
                    let cells = op.into_iter().chain(cells.iter().map(String::as_str));
                    let cells: Vec<_> = self.names.iter().map(String::as_str).zip(cells).collect();
                    text += &vertical::record(self.rows, &cells, self.terminal);
                }
                Form::Json(_) => {}
            }
        }
        match &mut self.form {
            Form::Json(lines) => put(&lines.lines(batch)?),
            _ => put(text.as_bytes()),
        }
    }

    /// Writes what stands below the last row.
    ///
    /// # Errors
    /// What `put` gives.
    pub fn end(self, ended: Ended, took: Option<Duration>, put: Put<'_>) -> Result<()> {
        let cost = time_cost(took);
        let stopped = ended == Ended::Stopped;
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut text = match self.form {
            Form::Changes(tableau) if stopped => return put(tableau.terminated().as_bytes()).map(drop),
            Form::Changes(tableau) => tableau.footer(&cost),
            Form::Table(kept) | Form::Answer(kept) => {
                let mut whole = WholeTable::new(&names, kept.iter().map(|row| row.as_ref()), self.max_width);
                let mut text = String::new();
                if self.widest.is_some_and(|widest| whole.width() > widest) && !kept.is_empty() {
                    let records =
                        (1..).zip(kept.iter()).map(|(number, row)| record(number, &names, row, self.terminal));
                    if !in_pieces(&mut text, records, put)? {
                        return Ok(());
                    }
                    text += &in_set_after(kept.len() as u64, &cost);
                } else {
                    text += if kept.is_empty() { String::new() } else { whole.header() }.as_str();
                    if !in_pieces(&mut text, kept.iter().map(|row| whole.row(row)), put)? {
                        return Ok(());
                    }
                    text += &whole.footer(&cost);
                }
                if kept.evicted() > 0 {
                    text += &format!(
                        "{} left out: 'sql-client.execution.max-table-result.rows' and memory bound the table\n",
                        older(kept.evicted())
                    );
                }
                text
            }
            Form::LongAnswer(whole) => whole.footer(&cost),
            Form::Csv { .. } | Form::Json(_) => return Ok(()),
            Form::Vertical { .. } if self.rows == 0 => format!("Empty set{cost}\n"),
            Form::Vertical { .. } if stopped => {
                let rows = row_term(self.rows);
                return put(format!("Query terminated, received a total of {} {rows}\n", self.rows).as_bytes())
                    .map(drop);
            }
            Form::Vertical { .. } if self.batch => in_set_after(self.rows, &cost),
            Form::Vertical { .. } => {
                format!("Received a total of {} {}{cost}\n", self.rows, row_term(self.rows))
            }
        };
        if stopped {
            text += "Query terminated: more rows may have been to come\n";
        }
        put(text.as_bytes()).map(drop)
    }
}

/// A row, a line per column.
fn record(number: u64, names: &[&str], row: &[String], terminal: Option<usize>) -> String {
    let cells: Vec<(&str, &str)> = names.iter().copied().zip(row.iter().map(String::as_str)).collect();
    vertical::record(number, &cells, terminal)
}

/// Takes what is written; false where nobody reads it any more.
pub type Put<'a> = &'a mut dyn FnMut(&[u8]) -> Result<bool>;

/// So much text is made before it is written: a whole result as text takes as much memory as its rows.
const PIECE: usize = 64 << 10;

/// Adds lines to a text, and writes it whenever it is long enough.
fn in_pieces(text: &mut String, lines: impl Iterator<Item = String>, put: Put<'_>) -> Result<bool> {
    for line in lines {
        *text += &line;
        if text.len() >= PIECE {
            if !put(text.as_bytes())? {
                return Ok(false);
            }
            text.clear();
        }
    }
    Ok(true)
}

/// `1 older row`, `1,234 older rows`.
pub fn older(rows: u64) -> String {
    format!("{} older {}", grouped(rows), row_term(rows))
}

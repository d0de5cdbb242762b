//! SHOW TABLES FROM, DESCRIBE TABLE and PSQL.

use super::shown::one_line;
use super::topics::numbered;
use crate::connectors::postgres::Jdbc;
use crate::connectors::postgres::inspect::{Answer, Database};
use crate::error::Result;
use crate::session::statements::fits;
use crate::session::{Outcome, Session};
use crate::span::{Location, Span};
use crate::sql::{Ident, LikePattern, Quoted};

impl Session {
    pub(super) fn database(&self, from: Option<&Ident>) -> Result<Database> {
        let (owner, options) = self.service(&Jdbc, from)?;
        Database::new(&owner, &options, self.look_context()).map_err(|e| e.at(from.map(|i| i.span)))
    }

    pub(super) async fn show_tables_of(&self, from: &Ident, like: &Option<LikePattern>) -> Result<Outcome> {
        let database = self.database(Some(from))?;
        let doing = format!("asking {} for its tables", database.name());
        let relations = self.told(&doing, database.relations()).await?;
        let mut listing = numbered(&["schema", "table", "type", "rows (estimate)"], &[3]);
        for relation in relations.into_iter().filter(|r| fits(like, &r.name)) {
            let rows = relation.rows.map(|rows| rows.to_string());
            listing.push(vec![Some(relation.schema), Some(relation.name), Some(relation.kind), rows]);
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn describe_table_of(&self, table: &Ident, from: Option<&Ident>) -> Result<Outcome> {
        let database = self.database(from)?;
        let doing = format!("asking {} for a definition", database.name());
        let found = self.told(&doing, database.definition(&table.value)).await.map_err(|e| e.at(table.span))?;
        let mut kind = found.kind.clone();
        if let Some(first) = kind.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let rows: Vec<Vec<Option<String>>> = found
            .columns
            .into_iter()
            .map(|c| {
                let null = if c.nullable { None } else { Some("not null".to_string()) };
                vec![Some(c.name), Some(c.ty), null, c.default, Some(c.flink)]
            })
            .collect();
        let mut text = format!("{kind} \"{}.{}\"\n", found.schema, found.name);
        text += &aligned(&["Column", "Type", "Nullable", "Default", "Flink SQL"].map(str::to_string), &rows, false);
        if !found.indexes.is_empty() {
            text += "Indexes:\n";
            found.indexes.iter().for_each(|index| text += &format!("    {index}\n"));
        }
        Ok(Outcome::Text(text))
    }

    pub(super) async fn psql(&self, on: Option<&Ident>, sql: &Quoted) -> Result<Outcome> {
        let database = self.database(on)?;
        let doing = format!("{} is at work", database.name());
        let answers = self.told(&doing, database.send(&sql.text.value)).await;
        let answers = answers.map_err(|refused| {
            let place = refused.position.and_then(|position| place(sql, position));
            refused.error.at(place.unwrap_or(sql.text.span))
        })?;
        Ok(Outcome::Text(answers.iter().map(printed).collect::<Vec<_>>().join("\n")))
    }
}

fn display_width(text: &str) -> usize {
    text.chars().count()
}

/// A result as psql prints it: its rows, and what was done where that isn't all.
fn printed(answer: &Answer) -> String {
    let mut out = String::new();
    if let Some(columns) = &answer.columns {
        out += &aligned(columns, &answer.rows, true);
        let term = if answer.count == 1 { "row" } else { "rows" };
        let kept = answer.rows.len();
        out += &match kept as u64 == answer.count {
            true => format!("({kept} {term})\n"),
            false => format!("({} {term}, the first {kept} are shown)\n", answer.count),
        };
    }
    if let Some(tag) = &answer.tag {
        out += &format!("{tag}\n");
    }
    out
}

/// Columns below each other, names in the middle; numbers to the right, where there are any.
fn aligned(columns: &[String], rows: &[Vec<Option<String>>], with_numbers: bool) -> String {
    let cell =
        |row: &[Option<String>], i: usize| row.get(i).cloned().flatten().map(|t| one_line(&t)).unwrap_or_default();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| (0..columns.len()).map(|i| cell(row, i)).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let widest = cells.iter().filter_map(|row| row.get(i)).map(|cell| display_width(cell)).max();
            widest.unwrap_or(0).max(display_width(name))
        })
        .collect();
    let is_number = |i: usize| {
        let mut filled = cells.iter().filter_map(|row| row.get(i)).filter(|cell| !cell.is_empty()).peekable();
        with_numbers && filled.peek().is_some() && filled.all(|cell| cell.parse::<f64>().is_ok())
    };
    let numbers: Vec<bool> = (0..columns.len()).map(is_number).collect();
    let line = |cells: Vec<String>| format!(" {}", cells.join(" | ")).trim_end().to_string() + "\n";
    let padded = |text: &str, width: usize, left: usize| {
        let right = width.saturating_sub(display_width(text) + left);
        format!("{}{text}{}", " ".repeat(left), " ".repeat(right))
    };
    let header =
        columns.iter().zip(&widths).map(|(name, &width)| padded(name, width, (width - display_width(name)) / 2));
    let mut out = line(header.collect());
    let rules: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    out += &format!("{}\n", rules.join("+"));
    for row in &cells {
        let shown = row.iter().zip(&widths).zip(&numbers).map(|((cell, &width), &number)| {
            let left = if number { width.saturating_sub(display_width(cell)) } else { 0 };
            padded(cell, width, left)
        });
        out += &line(shown.collect());
    }
    out
}

/// Where a character of what was sent (from 1) stands in the statement.
fn place(sql: &Quoted, position: usize) -> Option<Span> {
    let written: Vec<char> = sql.written.chars().collect();
    let at = match written.first()? {
        '$' => {
            let opening = written.iter().enumerate().filter(|(_, c)| **c == '$').nth(1)?.0 + 1;
            opening + position.checked_sub(1)?
        }
        '\'' => {
            // A doubled quote is one character.
            let (mut at, mut left) = (1, position.checked_sub(1)?);
            while left > 0 {
                at += if written.get(at) == Some(&'\'') { 2 } else { 1 };
                left -= 1;
            }
            at
        }
        _ => return None,
    };
    let is_word = |c: &&char| c.is_alphanumeric() || **c == '_';
    let width = written.get(at..)?.iter().take_while(is_word).count().max(1);
    let mut start = sql.text.span.start;
    for c in written.get(..at)? {
        start = match c {
            '\n' => Location::new(start.line + 1, 1),
            _ => Location::new(start.line, start.column + 1),
        };
    }
    Some(Span::on_line(start.line, start.column, width as u32))
}

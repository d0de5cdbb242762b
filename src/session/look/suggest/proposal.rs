//! A CREATE TABLE that is suggested, with what was seen as comments.

use std::fmt::Write;

pub(super) use crate::sql::spelled as name;

/// The statement and what is said about it.
#[derive(Debug, Default)]
pub struct Proposal {
    /// Lines above the statement.
    pub comments: Vec<String>,
    /// As it stands in the statement.
    pub name: String,
    pub columns: Vec<Line>,
    /// Behind the columns: WATERMARK, PRIMARY KEY.
    pub constraints: Vec<Line>,
    pub options: Vec<(String, String)>,
}

/// A line of the declaration, and what is said of it.
#[derive(Debug, Clone)]
pub struct Line {
    pub sql: String,
    pub comment: Option<String>,
}

impl Line {
    pub fn new(sql: impl Into<String>, comment: Option<String>) -> Self {
        Self { sql: sql.into(), comment }
    }
}

impl Proposal {
    pub fn option(&mut self, key: &str, value: impl Into<String>) {
        self.options.push((key.to_string(), value.into()));
    }

    /// The text, ready to run.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for comment in &self.comments {
            _ = writeln!(out, "-- {}", plain(comment));
        }
        _ = writeln!(out, "CREATE TABLE {} (", self.name);
        let lines: Vec<&Line> = self.columns.iter().chain(&self.constraints).collect();
        for (i, line) in lines.iter().enumerate() {
            let comma = if i + 1 < lines.len() { "," } else { "" };
            let comment = line.comment.as_ref().map_or(String::new(), |comment| format!(" -- {}", plain(comment)));
            _ = writeln!(out, "  {}{comma}{comment}", line.sql);
        }
        _ = writeln!(out, ") WITH (");
        let options = self.options.iter().map(|(key, value)| format!("  {} = {}", string(key), string(value)));
        _ = write!(out, "{}\n);", options.collect::<Vec<_>>().join(",\n"));
        out
    }
}

/// A comment ends with its line.
fn plain(comment: &str) -> String {
    comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name for a table made of another system's: `shop.orders-v2` becomes `shop_orders_v2`.
pub fn table_name(of: &str) -> String {
    let word: String = of.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("t_{word}") } else { word }
}

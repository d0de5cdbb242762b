//! Results as Flink's SQL client draws them in its `tableau` mode, character for character.
//!
//! A stream's table has its column widths from the types, since its rows are not known yet, and a first column `op`
//! with the row kind. A finished result's table has its widths from the data. Cells are aligned right; what is too
//! wide ends with `...`. The texts of cells come from the caller, with [`NULL`] for NULL.

use super::display_width::{display_width, prefix_of_width};
use crate::changelog::RowKind;
use crate::types::{SqlType, TypeKind};

/// How NULL is shown in query results. SHOW and DESCRIBE leave such cells empty.
pub const NULL: &str = "<NULL>";

/// `table.display.max-column-width`.
pub const MAX_COLUMN_WIDTH: usize = 30;

const CUT: &str = "...";

/// Draws a stream's rows as they come. All texts end with a line feed.
#[derive(Debug)]
pub struct Tableau {
    names: Vec<String>,
    widths: Vec<usize>,
    with_op: bool,
    rows: u64,
}

impl Tableau {
    /// A table for rows with these columns and, `with_op`, their kinds.
    ///
    /// `max_width` bounds the columns whose type doesn't tell a width: strings, binaries, floats and nested types.
    pub fn new(columns: &[(&str, SqlType)], max_width: usize, with_op: bool) -> Self {
        let op = with_op.then(|| ("op".to_string(), 2));
        let columns = columns.iter().map(|(name, ty)| {
            let width = width_of(&ty.kind, max_width).max(NULL.len()).max(name.encode_utf16().count());
            (name.to_string(), width)
        });
        let (names, widths) = op.into_iter().chain(columns).unzip();
        Self { names, widths, with_op, rows: 0 }
    }

    /// The lines above the first row.
    pub fn header(&self) -> String {
        let border = border(&self.widths);
        format!("{border}{}{border}", line(self.names.iter().map(String::as_str), &self.widths))
    }

    /// The columns that a line takes.
    pub fn width(&self) -> usize {
        line_width(&self.widths)
    }

    /// One row, counted for the footer.
    pub fn row(&mut self, kind: RowKind, cells: &[String]) -> String {
        self.rows += 1;
        let op = self.with_op.then(|| kind.symbol());
        line(op.into_iter().chain(cells.iter().map(String::as_str)), &self.widths)
    }

    /// The lines behind the last row when the query has ended by itself.
    ///
    /// `cost` stands at their end: how long it took, or nothing.
    pub fn footer(&self, cost: &str) -> String {
        self.end("Received", cost)
    }

    /// The lines behind the last row when the user has stopped the query.
    pub fn terminated(&self) -> String {
        self.end("Query terminated, received", "")
    }

    /// Rows drawn so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn end(&self, how: &str, cost: &str) -> String {
        let border = if self.rows > 0 { border(&self.widths) } else { String::new() };
        format!("{border}{how} a total of {} {}{cost}\n", self.rows, row_term(self.rows))
    }
}

/// Draws a finished result, whose widths are those of its data.
#[derive(Debug)]
pub struct WholeTable {
    names: Vec<String>,
    widths: Vec<usize>,
    max_width: usize,
    rows: u64,
}

impl WholeTable {
    /// A table with room for these rows in columns of at most `max_width`.
    pub fn new<'a>(names: &[&str], rows: impl IntoIterator<Item = &'a [String]>, max_width: usize) -> Self {
        let mut widths: Vec<usize> = names.iter().map(|name| display_width(name)).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(display_width(cell));
            }
        }
        for width in &mut widths {
            *width = (*width).min(max_width);
        }
        Self { names: names.iter().map(|name| name.to_string()).collect(), widths, max_width, rows: 0 }
    }

    /// The lines above the first row.
    pub fn header(&self) -> String {
        let border = border(&self.widths);
        format!("{border}{}{border}", line(self.names.iter().map(String::as_str), &self.widths))
    }

    /// The columns that a line takes.
    pub fn width(&self) -> usize {
        line_width(&self.widths)
    }

    /// One row, counted for the footer. A cell that is wider than its column, since its row was not known when the
    /// widths were, makes room for itself.
    pub fn row(&mut self, cells: &[String]) -> String {
        self.rows += 1;
        let fits = |(width, cell): (&usize, &String)| *width == self.max_width || display_width(cell) <= *width;
        if self.widths.iter().zip(cells).all(fits) {
            return line(cells.iter().map(String::as_str), &self.widths);
        }
        let widths = self.widths.iter().zip(cells).map(|(width, cell)| (*width).max(display_width(cell)));
        let widths: Vec<usize> = widths.map(|width| width.min(self.max_width)).collect();
        line(cells.iter().map(String::as_str), &widths)
    }

    /// The lines behind the last row. `cost` stands at their end: how long it took, or nothing.
    pub fn footer(&self, cost: &str) -> String {
        match self.rows {
            0 => format!("Empty set{cost}\n"),
            rows => format!("{}{}", border(&self.widths), in_set_after(rows, cost)),
        }
    }
}

/// A finished result without a bound on the width, as SHOW and DESCRIBE print it, with its footer.
pub fn table(names: &[&str], rows: &[Vec<String>]) -> String {
    table_within(names, rows, usize::MAX)
}

/// A finished result with columns of at most `max_width`, as a batch query prints it, with its footer.
pub fn table_within(names: &[&str], rows: &[Vec<String>], max_width: usize) -> String {
    let mut whole = WholeTable::new(names, rows.iter().map(Vec::as_slice), max_width);
    let mut text = if rows.is_empty() { String::new() } else { whole.header() };
    text.extend(rows.iter().map(|row| whole.row(row)));
    text + &whole.footer("")
}

/// How many rows a finished result has.
pub fn in_set(rows: u64) -> String {
    in_set_after(rows, "")
}

/// The same, and how long it took.
pub fn in_set_after(rows: u64, cost: &str) -> String {
    format!("{rows} {} in set{cost}\n", row_term(rows))
}

/// `row`, or `rows` where there are several.
pub fn row_term(count: u64) -> &'static str {
    if count > 1 { "rows" } else { "row" }
}

fn line_width(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 3).sum::<usize>() + 1
}

fn border(widths: &[usize]) -> String {
    let mut out = String::from("+");
    for width in widths {
        out.extend(std::iter::repeat_n('-', width + 2));
        out.push('+');
    }
    out.push('\n');
    out
}

fn line<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let mut out = String::from("|");
    for (cell, &width) in cells.zip(widths) {
        let is_cut = display_width(cell) > width;
        let shown = if is_cut { prefix_of_width(cell, width.saturating_sub(CUT.len())) } else { cell };
        let used = display_width(shown) + if is_cut { CUT.len() } else { 0 };
        out.push(' ');
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
        out.push_str(shown);
        out.push_str(if is_cut { CUT } else { "" });
        out.push_str(" |");
    }
    out.push('\n');
    out
}

/// The width that values of a type need, or `max_width` where the type doesn't tell.
fn width_of(kind: &TypeKind, max_width: usize) -> usize {
    match kind {
        TypeKind::TinyInt => 4,
        TypeKind::SmallInt => 6,
        TypeKind::Int => 11,
        TypeKind::BigInt => 20,
        TypeKind::Decimal { precision, .. } => usize::from(*precision) + 2,
        TypeKind::Boolean => 5,
        TypeKind::Date => 10,
        TypeKind::Time(0) => 8,
        TypeKind::Time(precision) => 9 + usize::from(*precision),
        TypeKind::Timestamp(precision) | TypeKind::TimestampLtz(precision) => match precision {
            0 => 19,
            1..=3 => 23,
            4..=6 => 26,
            _ => 29,
        },
        _ => max_width,
    }
}

#[cfg(test)]
#[path = "tableau_tests.rs"]
mod tests;

//! Blocks of a page laid out in the width of a terminal.

use super::markdown::{BOLD, Block, PLAIN, inline};
use crate::wrap::{NARROWEST, columns, hang, wrap};

/// What a page is written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Columns of the terminal.
    pub width: usize,
    /// Headings and names are bold.
    pub bold: bool,
}

/// Between two columns of a table.
const GAP: usize = 2;
/// Before names in columns.
const INDENT: usize = 2;

impl Paper {
    /// The blocks as lines.
    pub fn lay_out(&self, blocks: &[Block]) -> String {
        let width = self.width.max(NARROWEST);
        let mut lines: Vec<String> = Vec::new();
        let mut before: Option<&Block> = None;
        for block in blocks {
            let in_list = matches!((before, block), (Some(Block::Item { .. }), Block::Item { .. }));
            if before.is_some() && !in_list {
                lines.push(String::new());
            }
            before = Some(block);
            match block {
                Block::Heading { text, .. } => {
                    lines.extend(wrap(&format!("{BOLD}{}{PLAIN}", inline(text)), width));
                }
                Block::Paragraph(text) => lines.extend(wrap(&inline(text), width)),
                Block::Item { depth, mark, text } => {
                    let indent = " ".repeat(depth * 2);
                    lines.extend(hang(&format!("{indent}{mark} "), &inline(text), width));
                }
                Block::Code { language, lines: code } => {
                    let is_sql = language.starts_with("sql") || language.starts_with("sh");
                    lines.extend(code.iter().map(|line| code_line(line, is_sql, width)));
                }
                Block::Table { head, rows } => lines.extend(table(head, rows, width)),
                Block::Names(names) => lines.extend(in_columns(names, width)),
            }
        }
        let mut text = String::new();
        for line in lines {
            text += line.trim_end();
            text.push('\n');
        }
        let (bold, plain) = if self.bold { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        text.replace(BOLD, bold).replace(PLAIN, plain)
    }
}

/// Statements stay whole, so that they can be copied; what they print is cut at the edge.
fn code_line(line: &str, whole: bool, width: usize) -> String {
    let line = format!("    {line}");
    if whole || columns(&line) <= width {
        return line;
    }
    let mut cut: String = line.chars().take(width - 1).collect();
    cut.push('…');
    cut
}

/// As many columns as there is room for, below each other in the order of the names.
fn in_columns(names: &[String], width: usize) -> Vec<String> {
    let column = names.iter().map(|name| columns(name)).max().unwrap_or(0) + GAP;
    let across = ((width + GAP).saturating_sub(INDENT) / column).max(1);
    let down = names.len().div_ceil(across);
    let line = |row: usize| {
        let cells = names.iter().skip(row).step_by(down.max(1));
        let cells = cells.map(|name| format!("{name}{}", " ".repeat(column - columns(name))));
        format!("{}{}", " ".repeat(INDENT), cells.collect::<String>())
    };
    (0..down).map(line).collect()
}

/// Side by side where the last column has room enough; otherwise each row below its first cell.
fn table(head: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|cell| inline(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| inline(cell)).collect()).collect();
    let Some(last) = head.len().checked_sub(1) else { return Vec::new() };
    let natural = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| columns(cell)).max().unwrap_or(0)
    };
    let before: usize = (0..last).map(|column| natural(column) + GAP).sum();
    let room = width.saturating_sub(before);
    if room >= natural(last).min(width / 2).min(36) {
        let widths: Vec<usize> = (0..last).map(natural).collect();
        side_by_side(&head, &rows, &widths, room)
    } else {
        one_below_the_other(&head, &rows, width)
    }
}

fn side_by_side(head: &[String], rows: &[Vec<String>], widths: &[usize], room: usize) -> Vec<String> {
    let line = |row: &[String], bold: bool| -> Vec<String> {
        let mut front = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let padding = " ".repeat((width + GAP).saturating_sub(columns(cell)));
            front += &match bold {
                true => format!("{BOLD}{cell}{PLAIN}{padding}"),
                false => format!("{cell}{padding}"),
            };
        }
        let last = row.get(widths.len()).map_or("", String::as_str);
        let last = if bold { format!("{BOLD}{last}{PLAIN}") } else { last.to_string() };
        hang(&front, &last, columns(&front) + room)
    };
    let mut lines = Vec::new();
    if head.iter().any(|cell| !cell.is_empty()) {
        lines.extend(line(head, true));
    }
    lines.extend(rows.iter().flat_map(|row| line(row, false)));
    lines
}

fn one_below_the_other(head: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let last = head.len().saturating_sub(1);
    for row in rows {
        lines.extend(wrap(&format!("{BOLD}{}{PLAIN}", row.first().map_or("", String::as_str)), width));
        let mut parts = Vec::new();
        for (name, cell) in head.iter().zip(row).take(last).skip(1).filter(|(_, cell)| !cell.is_empty()) {
            let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
            parts.push(format!("{name}{cell}"));
        }
        if !parts.is_empty() {
            lines.extend(hang("    ", &format!("{}.", parts.join("; ")), width));
        }
        if let Some(cell) = row.get(last).filter(|cell| last > 0 && !cell.is_empty()) {
            lines.extend(hang("    ", cell, width));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::help::markdown::blocks;

    fn laid_out(page: &str, width: usize) -> String {
        Paper { width, bold: false }.lay_out(&blocks(page))
    }

    #[test]
    fn texts_keep_within_the_width() {
        let page =
            "# A title\n\nSome words that are **more** than a line.\n\n- an item that is long as well\n- short\n";
        let expected =
            "A title\n\nSome words that are\nmore than a line.\n\n- an item that is\n  long as well\n- short\n";
        assert_eq!(laid_out(page, 20), expected);
    }

    #[test]
    fn a_table_that_is_too_wide_has_its_rows_below_each_other() {
        let page = "| Option | Default | Meaning |\n| --- | --- | --- |\n| `a.key` | `1` | What it does, in words. |\n\
                    | `b` | | Short. |\n";
        let wide = "Option  Default  Meaning\na.key   1        What it does, in words.\nb                Short.\n";
        assert_eq!(laid_out(page, 60), wide);
        let narrow = "a.key\n    Default: 1.\n    What it does, in\n    words.\nb\n    Short.\n";
        assert_eq!(laid_out(page, 20), narrow);
    }

    #[test]
    fn names_stand_in_as_many_columns_as_have_room() {
        let names = ["batch", "error-handling", "functions", "group-by", "types"].map(str::to_string).to_vec();
        let shown = |width| Paper { width, bold: false }.lay_out(&[Block::Names(names.clone())]);
        assert_eq!(shown(60), "  batch           functions       types\n  error-handling  group-by\n");
        assert_eq!(shown(20), "  batch\n  error-handling\n  functions\n  group-by\n  types\n");
    }

    #[test]
    fn names_are_bold_where_the_paper_says_so() {
        let page =
            "## H\n\n```text\na long line of a result\n```\n\n```sql\nSELECT 'a long line of a statement';\n```\n";
        let shown = Paper { width: 20, bold: true }.lay_out(&blocks(page));
        assert_eq!(shown, "\x1b[1mH\x1b[0m\n\n    a long line of …\n\n    SELECT 'a long line of a statement';\n");
    }
}

//! Rows one below the other with a line per column, as psql's `\x` shows them.

use crate::shell::screen_text::{pad_end, plain, width};

/// A record with its number from 1: a rule, no wider than the terminal, then the columns.
pub fn record(number: u64, cells: &[(&str, &str)], terminal: Option<usize>) -> String {
    let names = cells.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let values = cells.iter().flat_map(|(_, value)| value.lines()).map(width).max().unwrap_or(0);
    let label = format!("-[ RECORD {number} ]");
    let rule: String = "-".repeat(names + 1) + "+" + &"-".repeat(values + 1);
    let rule = rule.get(..terminal.unwrap_or(rule.len()).min(rule.len())).unwrap_or_default();
    let rest: String = rule.chars().skip(label.chars().count()).collect();
    let mut text = format!("{label}{rest}\n");
    for (name, value) in cells {
        let mut lines = value.split('\n').map(|line| line.trim_end_matches('\r'));
        let first = lines.next().unwrap_or_default();
        text += &format!("{} | {first}\n", pad_end(name, names));
        text.extend(lines.map(|line| format!("{} | {line}\n", pad_end("", names))));
    }
    text
}

/// A whole listing, with a text for NULL.
pub fn listing(names: &[&str], rows: &[Vec<Option<String>>], null: &str, terminal: Option<usize>) -> String {
    if rows.is_empty() {
        return "Empty set\n".to_string();
    }
    let mut text = String::new();
    for (number, row) in (1..).zip(rows) {
        let lines = |cell: &str| cell.split('\n').map(|line| plain(line).into_owned()).collect::<Vec<_>>().join("\n");
        let values: Vec<String> = row.iter().map(|cell| lines(cell.as_deref().unwrap_or(null))).collect();
        let cells: Vec<(&str, &str)> = names.iter().copied().zip(values.iter().map(String::as_str)).collect();
        text += &record(number, &cells, terminal);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_as_wide_as_the_record() {
        let text = record(1, &[("host", "web-1"), ("日本", "two\nlines")], None);
        assert_eq!(text, "-[ RECORD 1 ]\nhost | web-1\n日本 | two\n     | lines\n");
        let text = record(12, &[("a_long_column_name", "a rather long value")], None);
        assert_eq!(text, "-[ RECORD 12 ]-----+--------------------\na_long_column_name | a rather long value\n");
        let text = record(12, &[("a_long_column_name", "a rather long value")], Some(24));
        assert_eq!(text, "-[ RECORD 12 ]-----+----\na_long_column_name | a rather long value\n");
    }
}

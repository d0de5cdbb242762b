//! A listing in the width of a terminal: as a table where it has room, with cells over several lines where they need
//! them, or a line per column where the columns would get too narrow.

use super::vertical;
use crate::shell::command::Expanded;
use crate::shell::screen_text::{folded, pad_end, pad_start, plain, width};
use crate::shell::tableau;

/// No column gets narrower than this for the sake of others.
const NARROWEST_COLUMN: usize = 16;

/// The listing's text, with its footer.
pub fn listing(
    names: &[&str],
    rows: &[Vec<Option<String>>],
    null: &str,
    columns: Option<usize>,
    expanded: Expanded,
) -> String {
    if expanded == Expanded::On {
        return vertical::listing(names, rows, null, columns);
    }
    let text = |cell: &Option<String>| plain(cell.as_deref().unwrap_or(null)).into_owned();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
    let table = tableau::table(names, &cells);
    match columns {
        Some(columns) if table.lines().next().is_some_and(|border| border.len() > columns) => {
            match fitting(&needed(names, &cells), columns) {
                Some(widths) if expanded == Expanded::Off => folded_table(names, &cells, &widths),
                _ => vertical::listing(names, rows, null, Some(columns)),
            }
        }
        _ => table,
    }
}

/// The widths that nothing is cut in.
fn needed(names: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
    names.iter().enumerate().map(|(at, name)| width(name).max(widest(at))).collect()
}

/// The widths in which the table has `columns`, and whether they are less than is needed: the widest give first. None
/// where they would get too narrow.
fn fitting(needed: &[usize], columns: usize) -> Option<Vec<(usize, bool)>> {
    let room = columns.checked_sub(3 * needed.len() + 1)?;
    let taken = |most: usize| needed.iter().map(|width| (*width).min(most)).sum::<usize>();
    let most = (NARROWEST_COLUMN..=room).rev().find(|most| taken(*most) <= room)?;
    // What is left over by a column that is one short goes to the first.
    let mut left = room - taken(most);
    let fit = |width: &usize| {
        let more = left.min(width.saturating_sub(most));
        left -= more;
        ((*width).min(most) + more, *width > most + more)
    };
    Some(needed.iter().map(fit).collect())
}

fn folded_table(names: &[&str], rows: &[Vec<String>], widths: &[(usize, bool)]) -> String {
    let border: String = widths.iter().map(|(width, _)| format!("+{}", "-".repeat(width + 2))).collect();
    let border = format!("{border}+\n");
    let mut text = format!("{border}{}{border}", folded_row(names, widths));
    text.extend(rows.iter().map(|row| folded_row(row, widths)));
    text + &border + &tableau::in_set(rows.len() as u64)
}

/// A row in as many lines as its longest cell needs. What may go over several stands at the left.
fn folded_row(cells: &[impl AsRef<str>], widths: &[(usize, bool)]) -> String {
    let folds: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, (width, _))| folded(cell.as_ref(), *width)).collect();
    let height = folds.iter().map(Vec::len).max().unwrap_or(1);
    let mut text = String::new();
    for line in 0..height {
        for (fold, (width, is_less)) in folds.iter().zip(widths) {
            let part = fold.get(line).map_or("", String::as_str);
            let part = if *is_less { pad_end(part, *width) } else { pad_start(part, *width) };
            text += &format!("| {part} ");
        }
        text += "|\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(columns: usize, expanded: Expanded) -> String {
        let rows = [
            ["0", "{\"host\":\"web-1\",\"load\":0.5,\"at\":\"2026-11-23 08:37:12\"}", "a"],
            ["12", "a line of words that goes on", "b"],
        ];
        let rows: Vec<Vec<Option<String>>> = rows.map(|row| row.map(|cell| Some(cell.to_string())).to_vec()).to_vec();
        listing(&["offset", "value", "key"], &rows, "", Some(columns), expanded)
    }

    #[test]
    fn what_is_wider_than_the_terminal_goes_over_several_lines() {
        let expected = "\
+--------+---------------------------+-----+
| offset | value                     | key |
+--------+---------------------------+-----+
|      0 | {\"host\":\"web-1\",          |   a |
|        | \"load\":0.5,               |     |
|        | \"at\":\"2026-11-23          |     |
|        | 08:37:12\"}                |     |
|     12 | a line of words that goes |   b |
|        | on                        |     |
+--------+---------------------------+-----+
2 rows in set
";
        assert_eq!(shown(44, Expanded::Off), expected);
        assert!(expected.lines().all(|line| line.len() <= 44));
    }

    #[test]
    fn what_fits_is_as_everywhere_and_what_is_too_narrow_has_a_line_per_column() {
        let whole = format!("|     12 | {:>54} |   b |", "a line of words that goes on");
        assert!(shown(73, Expanded::Off).contains(&whole), "{}", shown(73, Expanded::Off));
        for narrow in [shown(30, Expanded::Off), shown(44, Expanded::Auto), shown(73, Expanded::On)] {
            assert!(narrow.starts_with("-[ RECORD 1 ]"), "{narrow}");
        }
    }
}

//! The live lines of jobs, laid out in columns.

use crate::wrap::{columns, hang};

/// What stands before what a line goes on with below itself.
const INDENT: &str = "  ";

/// What is said of a job in a live line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveLine {
    /// Its name and its numbers, below those of other jobs.
    pub cells: Vec<String>,
    /// What else there is to say.
    pub behind: Vec<String>,
}

/// The widths of the columns; they only grow, so that nothing jumps.
#[derive(Default)]
pub struct Columns(Vec<usize>);

impl Columns {
    /// Each line with its first cell flush left, numbers flush right, and the rest behind them. Where the terminal is too
    /// narrow the rest stands below, and the cells go over several lines too, none of them cut.
    pub fn lay_out(&mut self, lines: &[LiveLine], width: usize) -> Vec<String> {
        for line in lines {
            self.0.resize(self.0.len().max(line.cells.len()), 0);
            for (width, cell) in self.0.iter_mut().zip(&line.cells) {
                *width = (*width).max(columns(cell));
            }
        }
        let mut laid_out = Vec::with_capacity(lines.len());
        for line in lines {
            let padded = line.cells.iter().zip(&self.0).enumerate().map(|(i, (cell, &width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let cells = padded.collect::<Vec<_>>().join("  ");
            let whole = [cells.as_str()].into_iter().chain(line.behind.iter().map(String::as_str));
            let whole = whole.collect::<Vec<_>>().join("  ");
            let whole = whole.trim_end();
            if columns(whole) < width {
                laid_out.push(whole.to_string());
            } else if columns(&cells) < width {
                laid_out.push(cells.trim_end().to_string());
                laid_out.extend(flowing("", &line.behind, width));
            } else {
                let (first, cells) = line.cells.split_first().map_or(("", [].as_slice()), |(name, rest)| (name, rest));
                laid_out.extend(flowing(first, &[cells, &line.behind].concat(), width));
            }
        }
        laid_out
    }
}

/// Parts behind a first one, each whole in a line where it can be; the further lines behind [`INDENT`].
fn flowing(first: &str, parts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        Some(first).filter(|first| !first.is_empty()).map(str::to_string).into_iter().collect();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + 2 + columns(part) < width => *line += &format!("  {part}"),
            _ => lines.extend(hang(INDENT, part, width.saturating_sub(1))),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Columns, LiveLine};

    fn line<const N: usize>(cells: [&str; N], behind: &[&str]) -> LiveLine {
        LiveLine {
            cells: cells.map(str::to_string).to_vec(),
            behind: behind.iter().map(|part| part.to_string()).collect(),
        }
    }

    #[test]
    fn live_columns_stand_below_each_other_and_never_shrink() {
        let mut columns = Columns::default();
        let lines = [line(["simple_filter", "in 5", "(1,000)"], &[]), line(["b", "in 12,345", "(7)"], &["lag 0"])];
        let shown = columns.lay_out(&lines, 80);
        assert_eq!(shown, ["simple_filter       in 5  (1,000)", "b              in 12,345      (7)  lag 0"]);
        let shown = columns.lay_out(&[line(["b", "in 1", "(8)"], &[])], 80);
        assert_eq!(shown, ["b                   in 1      (8)"]);
    }

    #[test]
    fn what_a_narrow_terminal_has_no_room_for_stands_below() {
        let lines = [line(["j", "in 5", "(7)"], &["next window closes at 13:06:00"])];
        let laid_out = |width| Columns::default().lay_out(&lines, width);
        assert_eq!(laid_out(44), ["j  in 5  (7)", "  next window closes at 13:06:00"]);
        assert_eq!(laid_out(45), ["j  in 5  (7)  next window closes at 13:06:00"]);
    }

    #[test]
    fn no_cell_is_cut_where_there_is_room_for_none_of_the_padding() {
        let mut columns = Columns::default();
        let cells = |rows: &'static str| {
            line(["collect", "in 6 rows/s", rows, "out 6 rows/s", rows, "lag 0"], &["watermark -"])
        };
        columns.lay_out(&[cells("(1,234,567)")], 200);
        let expected = ["collect  in 6 rows/s  (29)  out 6 rows/s", "  (29)  lag 0  watermark -"];
        assert_eq!(columns.lay_out(&[cells("(29)")], 41), expected);
        let expected = ["collect  in 6 rows/s", "  (29)  out 6 rows/s", "  (29)  lag 0", "  watermark -"];
        assert_eq!(columns.lay_out(&[cells("(29)")], 25), expected);
        // A part that is wider than the terminal goes on between its words.
        let waiting = [line(["j", "lag 0"], &["(waiting for PostgreSQL at h:5432: no answer for 5 s)"])];
        let expected = ["j  lag 0", "  (waiting for PostgreSQL at", "  h:5432: no answer for 5 s)"];
        assert_eq!(Columns::default().lay_out(&waiting, 31), expected);
    }
}

//! The live lines of jobs, laid out in columns.

/// The widths of the columns; they only grow, so that nothing jumps.
#[derive(Default)]
pub struct Columns(Vec<usize>);

impl Columns {
    /// One line of cells: the first is flush left, numbers flush right, the last as it is, on a line of its own where
    /// the terminal is too narrow for it.
    pub fn lay_out(&mut self, lines: &[Vec<String>], width: usize) -> Vec<String> {
        for line in lines {
            self.0.resize(self.0.len().max(line.len()), 0);
            for (width, cell) in self.0.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut laid_out = Vec::with_capacity(lines.len());
        for line in lines {
            let Some((last, cells)) = line.split_last() else { continue };
            let padded = cells.iter().zip(&self.0).enumerate().map(|(i, (cell, &width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let counts = padded.collect::<Vec<_>>().join("  ");
            let fits = counts.chars().count() + 2 + last.chars().count() < width;
            match fits || last.is_empty() {
                true => laid_out.push(format!("{counts}  {last}").trim_end().to_string()),
                false => laid_out.extend([counts.trim_end().to_string(), format!("  {last}")]),
            }
        }
        laid_out
    }
}

#[cfg(test)]
mod tests {
    use super::Columns;

    fn line(cells: [&str; 4]) -> Vec<String> {
        cells.map(str::to_string).to_vec()
    }

    #[test]
    fn live_columns_stand_below_each_other_and_never_shrink() {
        let mut columns = Columns::default();
        let lines = [line(["simple_filter", "in 5", "(1,000)", ""]), line(["b", "in 12,345", "(7)", "lag 0"])];
        let shown = columns.lay_out(&lines, 80);
        assert_eq!(shown, ["simple_filter       in 5  (1,000)", "b              in 12,345      (7)  lag 0"]);
        let shown = columns.lay_out(&[line(["b", "in 1", "(8)", ""])], 80);
        assert_eq!(shown, ["b                   in 1      (8)"]);
    }

    #[test]
    fn what_a_narrow_terminal_has_no_room_for_stands_below() {
        let lines = [line(["j", "in 5", "(7)", "next window closes at 13:06:00"])];
        let laid_out = |width| Columns::default().lay_out(&lines, width);
        assert_eq!(laid_out(44), ["j  in 5  (7)", "  next window closes at 13:06:00"]);
        assert_eq!(laid_out(45), ["j  in 5  (7)  next window closes at 13:06:00"]);
    }
}

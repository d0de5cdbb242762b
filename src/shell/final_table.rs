//! The rows that a changelog leaves: what a query's table is once it has ended.

use std::collections::HashMap;

use crate::changelog::RowKind;

/// Rows as texts, in the order of their last change.
#[derive(Debug, Default)]
pub struct FinalTable {
    /// A row that was taken back leaves a gap.
    rows: Vec<Option<Vec<String>>>,
    /// Where each row stands; equal rows by how they came.
    places: HashMap<Vec<String>, Vec<usize>>,
    gaps: usize,
}

impl FinalTable {
    /// Adds a row, or takes the last equal one back.
    pub fn apply(&mut self, kind: RowKind, row: Vec<String>) {
        match kind {
            RowKind::Insert | RowKind::UpdateAfter => self.add(row),
            RowKind::UpdateBefore | RowKind::Delete => self.take_back(&row),
        }
    }

    /// The rows that are there.
    pub fn into_rows(self) -> Vec<Vec<String>> {
        self.rows.into_iter().flatten().collect()
    }

    fn add(&mut self, row: Vec<String>) {
        self.places.entry(row.clone()).or_default().push(self.rows.len());
        self.rows.push(Some(row));
    }

    fn take_back(&mut self, row: &Vec<String>) {
        let Some(places) = self.places.get_mut(row) else { return };
        let last = places.pop();
        if places.is_empty() {
            self.places.remove(row);
        }
        if let Some(last) = last {
            self.rows[last] = None;
            self.gaps += 1;
        }
        if self.gaps > 1_000 && self.gaps * 2 > self.rows.len() {
            self.close_gaps();
        }
    }

    fn close_gaps(&mut self) {
        let rows = std::mem::take(self).into_rows();
        rows.into_iter().for_each(|row| self.add(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<String> {
        vec![text.to_string()]
    }

    #[test]
    fn what_is_left_comes_in_the_order_of_its_last_change() {
        let mut table = FinalTable::default();
        for (kind, text) in [
            (RowKind::Insert, "a 1"),
            (RowKind::Insert, "b 1"),
            (RowKind::UpdateBefore, "a 1"),
            (RowKind::UpdateAfter, "a 2"),
            (RowKind::Insert, "b 1"),
            (RowKind::Delete, "b 1"),
            (RowKind::Delete, "never there"),
        ] {
            table.apply(kind, row(text));
        }
        assert_eq!(table.into_rows(), [row("b 1"), row("a 2")]);
    }

    #[test]
    fn a_row_that_is_updated_over_and_over_takes_no_room() {
        let mut table = FinalTable::default();
        for n in 0..10_000 {
            table.apply(RowKind::Insert, row(&n.to_string()));
            table.apply(RowKind::Delete, row(&n.to_string()));
        }
        assert!(table.rows.len() < 3_000 && table.places.is_empty(), "{}", table.rows.len());
    }
}

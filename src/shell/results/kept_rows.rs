//! The rows that a changelog leaves: what a query's table is now, within a bound.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::changelog::RowKind;
use crate::settings::Settings;

/// The cells of a row.
pub type Row = Arc<[String]>;

/// Bytes that a table's rows may take, whatever their number.
const MAX_BYTES: usize = 256 << 20;
/// What a row takes beside its texts, a cell beside its text, and a row's place among others where it may be taken back.
const ROW_BYTES: usize = 64;
const CELL_BYTES: usize = 48;
const PLACE_BYTES: usize = 160;

/// How many rows are kept; when more come, the oldest go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub rows: usize,
    pub bytes: usize,
}

impl Bound {
    /// `sql-client.execution.max-table-result.rows`; 0 and less is no bound.
    pub fn of(settings: &Settings) -> Self {
        let rows =
            settings.get("sql-client.execution.max-table-result.rows").and_then(|n| n.trim().parse::<i64>().ok());
        let rows = rows.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(usize::MAX);
        Self { rows, bytes: MAX_BYTES }
    }
}

/// Rows as texts.
#[derive(Debug)]
pub struct KeptRows {
    // PROPERTIES
    bound: Bound,
    /// Rows may be taken back.
    updating: bool,
    /// A row that is updated stays where it is, instead of becoming the last.
    in_place: bool,

    // STATE
    /// A row that was taken back leaves a gap.
    rows: VecDeque<Option<Row>>,
    /// The number of the first of `rows`, counted from the beginning.
    first: u64,
    /// The numbers of each row, equal rows by how they came; empty where rows are never taken back.
    places: HashMap<Row, VecDeque<u64>>,
    gaps: usize,
    bytes: usize,
    evicted: u64,
    /// The gap of the first half of an update whose second half comes next.
    updated: Option<u64>,
    /// How often gaps were closed, and rows got other numbers.
    renumbered: u64,
}

impl KeptRows {
    pub fn new(bound: Bound, updating: bool) -> Self {
        Self {
            bound,
            updating,
            in_place: false,
            rows: VecDeque::new(),
            first: 0,
            places: HashMap::new(),
            gaps: 0,
            bytes: 0,
            evicted: 0,
            updated: None,
            renumbered: 0,
        }
    }

    /// A row that is updated stays where it is.
    pub fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// Adds a row, or takes the last equal one back.
    pub fn apply(&mut self, kind: RowKind, row: Vec<String>) {
        let hole = self.updated.take();
        match kind {
            RowKind::UpdateAfter if self.in_place && hole.is_some() => self.put(row, hole),
            RowKind::Insert | RowKind::UpdateAfter => self.put(row, None),
            RowKind::UpdateBefore => self.updated = self.take_back(&row),
            RowKind::Delete => {
                self.take_back(&row);
            }
        }
        // A gap that waits for its second half must not move.
        if self.updated.is_none() && self.gaps > 1_000 && self.gaps * 2 > self.rows.len() {
            self.close_gaps();
        }
    }

    /// The rows that are there.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    /// So many rows from one on, each with its number. A row that is updated in place keeps it.
    pub fn rows(&self, from: usize, count: usize) -> Vec<(u64, Row)> {
        if self.gaps == 0 {
            let rows = (self.first + from as u64..).zip(self.rows.iter().skip(from));
            return rows.take(count).filter_map(|(number, row)| Some((number, row.clone()?))).collect();
        }
        let numbered = self.rows.iter().enumerate();
        let numbered = numbered.filter_map(|(at, row)| Some((self.first + at as u64, row.as_ref()?)));
        let owned = |(number, row): (u64, &Row)| (number, row.clone());
        let behind = self.len().saturating_sub(from.saturating_add(count));
        if behind < from {
            // From the end it is not so far.
            let count = self.len().saturating_sub(from + behind);
            let mut rows: Vec<(u64, Row)> = numbered.rev().skip(behind).take(count).map(owned).collect();
            rows.reverse();
            return rows;
        }
        numbered.skip(from).take(count).map(owned).collect()
    }

    /// The number of the row that comes next.
    pub fn next_number(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// How often rows have got other numbers.
    pub fn renumbered(&self) -> u64 {
        self.renumbered
    }

    /// How many rows are there.
    pub fn len(&self) -> usize {
        self.rows.len() - self.gaps
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when the next row makes the oldest go.
    pub fn is_full(&self) -> bool {
        self.len() >= self.bound.rows || self.bytes >= self.bound.bytes
    }

    /// Rows that went because there were too many.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn put(&mut self, row: Vec<String>, hole: Option<u64>) {
        let row: Row = row.into();
        self.bytes += self.bytes_of(&row);
        let number = match hole {
            Some(hole) if hole >= self.first => {
                self.gaps -= 1;
                hole
            }
            _ => {
                self.rows.push_back(None);
                self.first + self.rows.len() as u64 - 1
            }
        };
        if let Some(place) = self.rows.get_mut((number - self.first) as usize) {
            *place = Some(row.clone());
        }
        if self.updating {
            let places = self.places.entry(row).or_default();
            let at = places.partition_point(|place| *place < number);
            places.insert(at, number);
        }
        while self.len() > self.bound.rows || (self.bytes > self.bound.bytes && self.len() > 1) {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(oldest) = self.rows.pop_front() else { return };
        let number = self.first;
        self.first += 1;
        let Some(row) = oldest else {
            self.gaps -= 1;
            return;
        };
        self.bytes -= self.bytes_of(&row);
        self.evicted += 1;
        if let Some(places) = self.places.get_mut(&row) {
            places.retain(|place| *place != number);
            if places.is_empty() {
                self.places.remove(&row);
            }
        }
    }

    /// Where the row stood that was taken back; none where it isn't there (any more).
    fn take_back(&mut self, row: &[String]) -> Option<u64> {
        let places = self.places.get_mut(row)?;
        let last = places.pop_back();
        if places.is_empty() {
            self.places.remove(row);
        }
        let last = last?;
        let taken = self.rows.get_mut((last - self.first) as usize)?.take()?;
        self.bytes -= self.bytes_of(&taken);
        self.gaps += 1;
        Some(last)
    }

    fn close_gaps(&mut self) {
        self.rows.retain(Option::is_some);
        self.places.clear();
        self.gaps = 0;
        self.renumbered += 1;
        for (number, row) in (self.first..).zip(self.rows.iter().flatten()) {
            self.places.entry(row.clone()).or_default().push_back(number);
        }
    }

    fn bytes_of(&self, row: &Row) -> usize {
        let place = if self.updating { PLACE_BYTES } else { 0 };
        place + ROW_BYTES + row.iter().map(|cell| CELL_BYTES + cell.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Bound = Bound { rows: usize::MAX, bytes: usize::MAX };

    fn row(text: &str) -> Vec<String> {
        vec![text.to_string()]
    }

    fn texts(kept: &KeptRows) -> Vec<&str> {
        kept.iter().map(|row| row[0].as_str()).collect()
    }

    fn applied(mut kept: KeptRows, changes: &[(RowKind, &str)]) -> KeptRows {
        changes.iter().for_each(|(kind, text)| kept.apply(*kind, row(text)));
        kept
    }

    use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};

    const CHANGES: &[(RowKind, &str)] = &[
        (Insert, "a 1"),
        (Insert, "b 1"),
        (UpdateBefore, "a 1"),
        (UpdateAfter, "a 2"),
        (Insert, "b 1"),
        (Delete, "b 1"),
        (Delete, "never there"),
    ];

    #[test]
    fn what_is_left_comes_in_the_order_of_its_last_change() {
        assert_eq!(texts(&applied(KeptRows::new(WIDE, true), CHANGES)), ["b 1", "a 2"]);
    }

    #[test]
    fn in_place_an_updated_row_stays_where_it_is() {
        let kept = applied(KeptRows::new(WIDE, true).in_place(), CHANGES);
        assert_eq!(texts(&kept), ["a 2", "b 1"]);
        // The first half of an update may have been filtered away, or come without the second.
        let more = [(UpdateAfter, "c 1"), (UpdateBefore, "a 2"), (Insert, "d 1"), (UpdateAfter, "e 1")];
        assert_eq!(texts(&applied(kept, &more)), ["b 1", "c 1", "d 1", "e 1"]);
    }

    #[test]
    fn a_row_that_is_updated_over_and_over_takes_no_room() {
        for in_place in [false, true] {
            let mut kept = KeptRows { in_place, ..KeptRows::new(WIDE, true) };
            for n in 0..10_000 {
                kept.apply(Insert, row(&n.to_string()));
                kept.apply(Delete, row(&n.to_string()));
            }
            kept.apply(Insert, row("0"));
            for n in 0..10_000 {
                kept.apply(UpdateBefore, row(&n.to_string()));
                kept.apply(UpdateAfter, row(&(n + 1).to_string()));
            }
            assert_eq!(texts(&kept), ["10000"]);
            assert!(kept.rows.len() < 3_000 && kept.places.len() == 1, "{}", kept.rows.len());
        }
    }

    #[test]
    fn when_there_are_too_many_rows_the_oldest_go_and_are_counted() {
        let bound = Bound { rows: 2, ..WIDE };
        let kept = applied(KeptRows::new(bound, true), &[(Insert, "a"), (Insert, "a"), (Insert, "b"), (Insert, "c")]);
        assert_eq!((texts(&kept), kept.evicted()), (vec!["b", "c"], 2));
        // What has gone can't be taken back, and what stays can.
        let kept = applied(kept, &[(Delete, "a"), (Delete, "b"), (Insert, "d")]);
        assert_eq!((texts(&kept), kept.evicted(), kept.places.len()), (vec!["c", "d"], 2, 2));
        let kept =
            applied(KeptRows::new(Bound { bytes: 300, ..WIDE }, false), &[(Insert, "a"), (Insert, "b"), (Insert, "c")]);
        assert_eq!((texts(&kept), kept.evicted()), (vec!["b", "c"], 1));
    }

    #[test]
    fn an_update_whose_place_was_evicted_is_the_last_row() {
        let bound = Bound { rows: 1, ..WIDE };
        let kept = KeptRows::new(bound, true).in_place();
        let kept = applied(kept, &[(Insert, "a"), (UpdateBefore, "a"), (UpdateAfter, "b"), (Insert, "c")]);
        assert_eq!(texts(&kept), ["c"]);
    }
}

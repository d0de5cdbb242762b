//! The look at the first rows of many, by which a local phase tells whether putting rows of one group together is worth it.
//!
//! Where the groups are about as many as the rows it only does twice what is done behind the exchange anyway: then rows
//! go on as groups of one row each. What counts are the rows at hand and nothing before them, so that the same rows always
//! go the same way.

/// Fewer rows are not worth the look.
const ROWS_MIN: usize = 1_024;

/// How many of so many rows are looked at; none where all are put together.
pub fn probe(rows: usize) -> Option<usize> {
    (rows >= ROWS_MIN).then_some(rows / 8)
}

/// True where the rows that were looked at have so many groups that all of them will hardly become fewer: nine in ten of
/// an eighth of the rows make a half of all of them, where the rows of each group are spread evenly.
pub fn are_many(groups: usize, rows: usize) -> bool {
    groups * 10 > rows * 9
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_eighth_of_the_rows_tells_whether_half_of_them_or_more_would_be_left() {
        let rows = 8_192;
        let look = probe(rows).unwrap();
        for (groups, expected) in
            [(1, false), (56, false), (1_000, false), (3_000, false), (10_000, true), (1 << 40, true)]
        {
            let group = |row: usize| xxhash_rust::xxh3::xxh3_64(&row.to_le_bytes()) % groups;
            let first: HashSet<u64> = (0..look).map(group).collect();
            assert_eq!(are_many(first.len(), look), expected, "{groups}");
            let all: HashSet<u64> = (0..rows).map(group).collect();
            assert_eq!(2 * all.len() > rows, expected, "{groups}");
        }
        assert_eq!((probe(1_023), probe(1_024)), (None, Some(128)));
    }
}

//! The offsets of a batch's rows, as runs of rows whose offsets follow each other.

/// Per run its first row and that row's offset.
#[derive(Debug, Default)]
pub struct RowOffsets(Vec<(usize, i64)>);

impl RowOffsets {
    /// A record at `offset` has given `rows` rows, from `first` on.
    #[inline]
    pub fn add(&mut self, first: usize, rows: usize, offset: i64) {
        for row in first..first + rows {
            let follows = self.0.last().is_some_and(|(start, offset_of)| offset_of + (row - start) as i64 == offset);
            if !follows {
                self.0.push((row, offset));
            }
        }
    }

    /// The offset of a row.
    pub fn of(&self, row: usize) -> Option<i64> {
        let run = self.0.partition_point(|(start, _)| *start <= row).checked_sub(1)?;
        let (start, offset) = self.0[run];
        Some(offset + (row - start) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::RowOffsets;

    #[test]
    fn every_row_has_the_offset_of_its_record() {
        let mut offsets = RowOffsets::default();
        let records = [(1, 10), (1, 11), (0, 12), (2, 13), (1, 14), (1, 20), (1, 21)];
        let mut expected = Vec::new();
        for (rows, offset) in records {
            offsets.add(expected.len(), rows, offset);
            expected.extend(std::iter::repeat_n(offset, rows));
        }
        let found: Vec<i64> = (0..expected.len()).filter_map(|row| offsets.of(row)).collect();
        assert_eq!(found, expected);
        assert_eq!(RowOffsets::default().of(0), None);
    }
}

//! Rows of a file dealt to the splits of a source, again and again until there are as many as are wanted.

use arrow::array::{Int64Array, UInt32Array};
use arrow::compute::take;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use xxhash_rust::xxh3::xxh3_64;

use super::rows::{Part, Splits, Wanted, can_be_shifted, range, shifted};
use super::samples::FileRows;
use crate::changelog::RowKind;
use crate::connectors::SourceChanges;
use crate::error::Result;

/// Deals the rows. Behind the first time their event times go on from where they ended; true where they can't, or rows
/// change: then they come once.
pub fn deal(file: &FileRows, wanted: &Wanted, times: &[usize]) -> Result<(Splits, bool)> {
    if let Some(kinds) = &file.kinds {
        return Ok((deal_changes(&file.rows, kinds, wanted)?, true));
    }
    let rows = &file.rows;
    let movable = |column: &usize| can_be_shifted(wanted.arrow.field(*column).data_type());
    let once = wanted.changes == SourceChanges::All || !times.iter().all(movable);
    let in_file = rows.num_rows().max(1);
    let mut left = if once { wanted.rows.min(rows.num_rows() as u64) } else { wanted.rows } as usize;
    let mut spans = Vec::new();
    for &column in times.iter().filter(|_| !once) {
        let span = range(rows.column(column))?.map_or(0, |(first, last)| last.saturating_sub(first).saturating_add(1));
        spans.push((column, span));
    }
    let most = wanted.batch_rows.min(left.div_ceil(wanted.splits)).max(1);
    // A file with fewer rows than a batch is one that has them several times.
    let times_in_round = (most / in_file).max(1);
    let in_round = in_file * times_in_round;
    let size = in_round.div_ceil(in_round.div_ceil(most));
    let mut chunks: Vec<RecordBatch> = Vec::new();
    for start in (0..in_round).step_by(size) {
        let numbers = start..in_round.min(start + size);
        let len = numbers.len();
        let places = UInt32Array::from_iter_values(numbers.clone().map(|number| (number % in_file) as u32));
        let columns = rows.columns().iter().map(|column| take(column, &places, None));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        for &(column, span) in spans.iter().filter(|_| times_in_round > 1) {
            let by = numbers.clone().map(|number| span.saturating_mul((number / in_file) as i64));
            columns[column] = shifted(&columns[column], &Int64Array::from_iter_values(by))?;
        }
        chunks.push(wanted.batch(columns, len)?);
    }
    let mut splits: Splits = vec![Vec::new(); wanted.splits];
    let (mut pass, mut turn) = (0i64, 0);
    while left > 0 {
        for chunk in &chunks {
            let chunk = if chunk.num_rows() > left { chunk.slice(0, left) } else { chunk.clone() };
            let len = chunk.num_rows();
            let mut columns = chunk.columns().to_vec();
            for &(column, span) in spans.iter().filter(|_| pass > 0) {
                columns[column] = shifted(&columns[column], &Int64Array::new_scalar(span.saturating_mul(pass)))?;
            }
            let kinds = (wanted.changes == SourceChanges::Upserts).then(|| vec![RowKind::UpdateAfter; len]);
            splits[turn % wanted.splits].push(Part { rows: wanted.batch(columns, len)?, kinds });
            turn += 1;
            left -= len;
            if left == 0 {
                break;
            }
        }
        pass += times_in_round as i64;
    }
    Ok((splits, once))
}

/// Deals rows that take others back: those of a key to one split, in their order.
fn deal_changes(rows: &RecordBatch, kinds: &[RowKind], wanted: &Wanted) -> Result<Splits> {
    let len = rows.num_rows().min(usize::try_from(wanted.rows).unwrap_or(usize::MAX));
    let mut places: Vec<Vec<u32>> = vec![Vec::new(); wanted.splits];
    match wanted.key.is_empty() || wanted.splits == 1 {
        true => places[0].extend((0..len).map(|row| row as u32)),
        false => {
            let keys: Vec<_> = wanted.key.iter().map(|&column| rows.column(column).clone()).collect();
            let types = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
            let keys = RowConverter::new(types)?.convert_columns(&keys)?;
            for (row, key) in keys.iter().enumerate().take(len) {
                places[(xxh3_64(key.as_ref()) % wanted.splits as u64) as usize].push(row as u32);
            }
        }
    }
    let part = |places: &[u32]| {
        let of_part = places.iter().map(|&place| kinds[place as usize]).collect();
        let places = UInt32Array::from_iter_values(places.iter().copied());
        let columns = rows.columns().iter().map(|column| take(column, &places, None));
        Ok(Part { rows: wanted.batch(columns.collect::<Result<_, _>>()?, places.len())?, kinds: Some(of_part) })
    };
    places.iter().map(|places| places.chunks(wanted.batch_rows.max(1)).map(part).collect()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::bench::rows::count;
    use crate::types::{Field, Schema, SqlType, TypeKind};

    /// What splits get of a file of so many rows, whose event times count from 0: the sizes of their batches, and all times.
    fn dealt(in_file: i64, rows: u64, batch_rows: usize, splits: usize) -> (Vec<usize>, Vec<i64>) {
        let schema = Schema::new(vec![Field::new("at_ms", SqlType::not_null(TypeKind::BigInt))]);
        let arrow = schema.arrow();
        let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..in_file));
        let file = FileRows { rows: RecordBatch::try_new(arrow.clone(), vec![times]).unwrap(), kinds: None };
        let (key, changes) = (Vec::new(), SourceChanges::Inserts);
        let wanted = Wanted {
            table: schema.clone(),
            schema,
            arrow,
            key,
            changes,
            rows,
            splits,
            batch_rows,
            event_time: None,
            datagen: None,
            may_be_fewer: false,
        };
        let (dealt, once) = deal(&file, &wanted, &[0]).unwrap();
        assert!(!once);
        assert_eq!(count(&dealt), rows);
        let parts = || dealt.iter().flatten();
        let mut times: Vec<i64> =
            parts().flat_map(|part| part.rows.column(0).as_primitive::<Int64Type>().values().iter().copied()).collect();
        for split in &dealt {
            let of_split = split.iter().flat_map(|part| part.rows.column(0).as_primitive::<Int64Type>().values());
            assert!(of_split.is_sorted(), "the times of a split go on");
        }
        times.sort_unstable();
        (parts().map(|part| part.rows.num_rows()).collect(), times)
    }

    #[test]
    fn a_file_of_few_rows_fills_batches() {
        let (sizes, times) = dealt(20, 100_000, 1_000, 2);
        assert!(sizes.iter().all(|size| *size == 1_000), "{sizes:?}");
        // Twenty rows take twenty milliseconds, and the next twenty go on behind them.
        assert!(times.into_iter().eq(0..100_000));
        let (sizes, times) = dealt(7, 50, 1_000, 2);
        assert_eq!(sizes, [21, 8, 21]);
        assert!(times.into_iter().eq(0..50));
    }

    #[test]
    fn a_file_that_is_a_little_longer_than_a_batch_is_cut_in_the_middle() {
        let (sizes, times) = dealt(1_001, 4_004, 1_000, 2);
        assert_eq!(sizes, [501, 501, 501, 501, 500, 500, 500, 500]);
        assert!(times.into_iter().eq(0..4_004));
    }

    #[test]
    fn changes_of_a_key_stay_in_a_split_and_in_order() {
        let schema = Schema::new(vec![Field::new("key", SqlType::not_null(TypeKind::BigInt))]);
        let arrow = schema.arrow();
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..10).map(|i| i % 5)));
        let kinds: Vec<RowKind> = (0..10).map(|i| if i < 5 { RowKind::Insert } else { RowKind::Delete }).collect();
        let rows = RecordBatch::try_new(arrow.clone(), vec![keys]).unwrap();
        let file = FileRows { rows, kinds: Some(kinds) };
        for (splits, key, rows) in [(3, vec![0], 10), (3, Vec::new(), 10), (1, vec![0], 7)] {
            let wanted = Wanted {
                table: schema.clone(),
                schema: schema.clone(),
                arrow: arrow.clone(),
                key: key.clone(),
                changes: SourceChanges::All,
                rows,
                splits,
                batch_rows: 2,
                event_time: None,
                datagen: None,
                may_be_fewer: false,
            };
            let (dealt, once) = deal(&file, &wanted, &[]).unwrap();
            assert!(once);
            assert_eq!((dealt.len(), count(&dealt)), (splits, rows));
            for split in &dealt {
                let of_split: Vec<(i64, RowKind)> = split
                    .iter()
                    .flat_map(|part| {
                        let keys = part.rows.column(0).as_primitive::<Int64Type>().values().to_vec();
                        keys.into_iter().zip(part.kinds.clone().unwrap())
                    })
                    .collect();
                for key in 0..5 {
                    let of_key: Vec<_> = of_split.iter().filter(|(of, _)| *of == key).map(|(_, kind)| *kind).collect();
                    let whole = [RowKind::Insert, RowKind::Delete];
                    assert!(of_key.is_empty() || of_key == whole || rows < 10 && of_key == whole[..1], "{of_split:?}");
                }
            }
            assert_eq!(dealt.iter().filter(|split| !split.is_empty()).count() > 1, splits > 1 && !key.is_empty());
        }
    }
}

//! Rows of a file: an Arrow IPC file or stream, a Parquet file, or JSON lines; repeated until there are as many as are wanted.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use arrow::array::{Array, Int64Array, UInt32Array};
use arrow::compute::{CastOptions, cast_with_options, concat_batches, take};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use chrono_tz::Tz;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::rows::{Part, Splits, Wanted, can_be_shifted, range, shifted};
use crate::changelog::RowKind;
use crate::connectors::SourceChanges;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result, did_you_mean};
use crate::formats::{FormatRole, TableFormat};
use crate::types::Schema;

/// Rows of a Parquet file that are decoded together.
const ROWS_AT_ONCE: usize = 8_192;

/// How rows of a file become those of a table.
pub struct RowsFile<'a> {
    pub path: &'a Path,
    pub table: &'a str,
    /// The columns that are needed.
    pub schema: &'a Schema,
    pub arrow: &'a SchemaRef,
    /// The table's options: where its own format is JSON, that is how JSON lines are read.
    pub options: &'a RawOptions,
    pub zone: Tz,
    /// No more rows than these are read.
    pub most: u64,
}

impl RowsFile<'_> {
    /// The rows of the file.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind, is empty, or whose columns are not the table's.
    pub fn read(&self) -> Result<RecordBatch> {
        let extension = self.path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let rows = match extension.as_str() {
            "arrow" | "arrows" | "ipc" => self.arrow_rows(),
            "json" | "jsonl" | "ndjson" => self.json_rows(),
            "parquet" => self.parquet_rows(),
            _ => Err(self.error("its name does not tell what it is").with_hint(
                "An Arrow IPC file or stream ends in .arrow, a Parquet file in .parquet, JSON lines in .json.",
            )),
        }?;
        match rows.num_rows() {
            0 => Err(self.error("it has no rows")),
            _ => Ok(rows),
        }
    }

    fn error(&self, why: impl std::fmt::Display) -> Error {
        Error::statement(format!("--source {}={}: {why}", self.table, self.path.display()))
    }

    fn open(&self) -> Result<File> {
        File::open(self.path).map_err(|error| {
            self.error(match error.kind() {
                std::io::ErrorKind::NotFound => "no such file".to_string(),
                _ => error.to_string(),
            })
        })
    }

    fn arrow_rows(&self) -> Result<RecordBatch> {
        let mut file = self.open()?;
        let wrong = |error: ArrowError| self.error(format!("it is no Arrow IPC file or stream: {error}"));
        match FileReader::try_new(&file, None) {
            Ok(reader) => self.fitting_rows(reader, wrong),
            Err(_) => {
                file.seek(SeekFrom::Start(0)).map_err(|error| self.error(error))?;
                self.fitting_rows(StreamReader::try_new(BufReader::new(file), None).map_err(wrong)?, wrong)
            }
        }
    }

    /// Reads the columns that are needed, some thousand rows at a time.
    fn parquet_rows(&self) -> Result<RecordBatch> {
        let wrong =
            |error: &dyn std::fmt::Display| self.error(format!("it is no Parquet file that can be read: {error}"));
        let parts = ParquetRecordBatchReaderBuilder::try_new(self.open()?).map_err(|error| wrong(&error))?;
        let columns =
            self.schema.names().map(|name| self.place_of(name, parts.schema())).collect::<Result<Vec<_>>>()?;
        let needed = ProjectionMask::roots(parts.parquet_schema(), columns);
        let reader =
            parts.with_projection(needed).with_batch_size(ROWS_AT_ONCE).build().map_err(|error| wrong(&error))?;
        self.fitting_rows(reader, |error| wrong(&error))
    }

    /// Reads batches until there are rows enough.
    fn fitting_rows(
        &self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        wrong: impl Fn(ArrowError) -> Error,
    ) -> Result<RecordBatch> {
        let (mut fitting, mut rows) = (Vec::new(), 0);
        for batch in batches {
            let batch = self.fitting(&batch.map_err(&wrong)?)?;
            rows += batch.num_rows() as u64;
            fitting.push(batch);
            if rows >= self.most {
                break;
            }
        }
        Ok(concat_batches(self.arrow, &fitting)?)
    }

    /// Where a column is that is needed.
    fn place_of(&self, name: &str, schema: &SchemaRef) -> Result<usize> {
        schema.fields().iter().position(|field| field.name() == name).ok_or_else(|| {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let hint = did_you_mean(name, names.iter().copied());
            let error = self.error(format!("it has no column \"{name}\""));
            error.with_hint(hint.unwrap_or_else(|| format!("It has {}.", names.join(", "))))
        })
    }

    /// The columns that are needed, in the table's types.
    fn fitting(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.schema.fields.iter().zip(self.arrow.fields()).map(|(field, target)| {
            let column = batch.column(self.place_of(&field.name, &batch.schema())?);
            let unfit = |why: String| {
                self.error(format!(
                    "column \"{}\" is {}, and the table's is {}{why}",
                    field.name,
                    column.data_type(),
                    field.ty
                ))
            };
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            let cast =
                cast_with_options(column, target.data_type(), &strict).map_err(|error| unfit(format!(": {error}")))?;
            match cast.null_count() > 0 && !target.is_nullable() {
                true => Err(unfit(": it has a NULL".to_string())),
                false => Ok(cast),
            }
        });
        let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.arrow.clone(), columns.collect::<Result<Vec<_>>>()?, &options)?)
    }

    fn json_rows(&self) -> Result<RecordBatch> {
        let is_json = |options: &RawOptions| {
            let format = options.get("format").or_else(|| options.get("value.format"));
            format == Some("json")
        };
        let plain = [("format", "json")].into_iter().collect();
        let options = if is_json(self.options) { self.options } else { &plain };
        let owner = format!("table \"{}\"", self.table);
        let format = TableFormat::require(options, FormatRole::Value, &owner, self.zone, false)?;
        let columns: Vec<usize> = (0..self.schema.len()).collect();
        let mut decoder = format.decoding(self.schema)?.decoder(&columns)?;
        let (mut batches, mut read) = (Vec::new(), 0);
        for (number, line) in BufReader::new(self.open()?).split(b'\n').enumerate() {
            let line = line.map_err(|error| self.error(error))?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            if decoder.is_full() {
                batches.push(decoder.finish()?);
            }
            if read >= self.most {
                break;
            }
            read += decoder.decode(&line).map_err(|error| {
                let said = self.error(format!("line {}: {error}", number + 1));
                match error.hint {
                    Some(hint) => said.with_hint(hint),
                    None => said,
                }
            })? as u64;
        }
        batches.push(decoder.finish()?);
        let rows = concat_batches(self.arrow, &batches)?;
        let known = rows.columns().iter().any(|column| column.null_count() < column.len());
        if !known && rows.num_rows() > 0 && rows.num_columns() > 0 {
            let names: Vec<&str> = self.schema.names().collect();
            return Err(self.error(format!("no line has any of the columns {}", names.join(", "))));
        }
        Ok(rows)
    }
}

/// Deals the rows of a file to splits, again and again until there are as many as are wanted. Behind the first time its
/// event times go on from where they ended; true where they can't, or rows change: then they come once.
pub fn deal(rows: &RecordBatch, wanted: &Wanted, times: &[usize]) -> Result<(Splits, bool)> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::bench::rows::count;
    use crate::types::{Field, SqlType, TypeKind};

    /// What splits get of a file of so many rows, whose event times count from 0: the sizes of their batches, and all times.
    fn dealt(in_file: i64, rows: u64, batch_rows: usize, splits: usize) -> (Vec<usize>, Vec<i64>) {
        let schema = Schema::new(vec![Field::new("at_ms", SqlType::not_null(TypeKind::BigInt))]);
        let arrow = schema.arrow();
        let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..in_file));
        let file = RecordBatch::try_new(arrow.clone(), vec![times]).unwrap();
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
}

//! A file of rows: an Arrow IPC file or stream, a Parquet file, or JSON lines.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::panic::AssertUnwindSafe;
use std::sync::Once;

use arrow::array::Array;
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::asked::Asked;
use super::damage::{Kind, damage};
use super::samples::FileRows;
use super::{frames, lines};
use crate::error::{Error, Result, did_you_mean};

/// Rows of a Parquet file that are decoded together.
const ROWS_AT_ONCE: usize = 8_192;

/// The rows of the file, and what there is to say of them.
///
/// # Errors
/// A file that can't be read, is of another kind, is empty, or whose columns are not the table's.
pub fn read(asked: &Asked) -> Result<(FileRows, Vec<Error>)> {
    let extension = asked.path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let (rows, warnings) = match extension.as_str() {
        "arrow" | "arrows" | "ipc" => caught(asked, Kind::Arrow, arrow_rows),
        "json" | "jsonl" | "ndjson" => lines::read(asked),
        "parquet" => caught(asked, Kind::Parquet, parquet_rows),
        _ => Err(asked.error("its name does not tell what it is").with_hint(
            "An Arrow IPC file or stream ends in .arrow, a Parquet file in .parquet, JSON lines in .json, .jsonl or .ndjson.",
        )),
    }?;
    match rows.rows.num_rows() {
        0 => Err(asked.error("it has no rows").with_hint("Leave it out, and rows are made up.")),
        _ => Ok((rows, warnings)),
    }
}

pub fn open(asked: &Asked) -> Result<File> {
    let unreadable = |error: std::io::Error| {
        asked.error(match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_string(),
            _ => format!("it can't be read: {error}"),
        })
    };
    let file = File::open(&asked.path).map_err(unreadable)?;
    match file.metadata().map_err(unreadable)?.is_dir() {
        true => Err(asked.error("it is a folder")),
        false => Ok(file),
    }
}

fn arrow_rows(asked: &Asked) -> Result<RecordBatch> {
    let mut file = open(asked)?;
    let unreadable = |error: std::io::Error| asked.error(format!("it can't be read: {error}"));
    let wrong = |error: ArrowError| damage(asked, Kind::Arrow, &error);
    let is_file = frames::is_file(&mut file).map_err(unreadable)?;
    let is_whole = match is_file {
        true => frames::are_whole_in_file(&mut file),
        false => frames::are_whole_in_stream(&mut file),
    };
    if !is_whole.map_err(unreadable)? {
        return Err(damage(asked, Kind::Arrow, &"its parts are not where it says"));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    match is_file {
        true => fitting_rows(asked, FileReader::try_new(file, None).map_err(wrong)?, wrong),
        false => fitting_rows(asked, StreamReader::try_new(BufReader::new(file), None).map_err(wrong)?, wrong),
    }
}

thread_local! {
    /// This thread reads a file, and says in words of ours what a panic there means.
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Panics of threads that read a file are told by nobody else; all others as before.
fn hush_panics_of_reading() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_READING.get() {
                before(panic);
            }
        }));
    });
}

/// What the libraries read of a file, whose damage they may meet with a panic.
fn caught(
    asked: &Asked,
    kind: Kind,
    rows: impl FnOnce(&Asked) -> Result<RecordBatch>,
) -> Result<(FileRows, Vec<Error>)> {
    hush_panics_of_reading();
    IS_READING.set(true);
    let rows = std::panic::catch_unwind(AssertUnwindSafe(|| rows(asked)));
    IS_READING.set(false);
    let rows = rows.unwrap_or_else(|_| Err(damage(asked, kind, &"its parts don't fit each other")))?;
    Ok((FileRows { rows, kinds: None }, Vec::new()))
}

/// Reads the columns that are needed, some thousand rows at a time.
fn parquet_rows(asked: &Asked) -> Result<RecordBatch> {
    let wrong = |error: &dyn std::fmt::Display| damage(asked, Kind::Parquet, error);
    let parts = ParquetRecordBatchReaderBuilder::try_new(open(asked)?).map_err(|error| wrong(&error))?;
    let columns =
        asked.columns.names().map(|name| place_of(asked, name, parts.schema())).collect::<Result<Vec<_>>>()?;
    let needed = ProjectionMask::roots(parts.parquet_schema(), columns);
    let reader = parts.with_projection(needed).with_batch_size(ROWS_AT_ONCE).build().map_err(|error| wrong(&error))?;
    fitting_rows(asked, reader, |error| wrong(&error))
}

/// Reads batches until there are rows enough.
fn fitting_rows(
    asked: &Asked,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    wrong: impl Fn(ArrowError) -> Error,
) -> Result<RecordBatch> {
    let (mut parts, mut rows) = (Vec::new(), 0);
    for batch in batches {
        let batch = fitting(asked, &batch.map_err(&wrong)?)?;
        rows += batch.num_rows() as u64;
        parts.push(batch);
        if rows >= asked.most {
            break;
        }
    }
    Ok(concat_batches(&asked.columns.arrow(), &parts)?)
}

/// Where a column is that is needed.
fn place_of(asked: &Asked, name: &str, schema: &SchemaRef) -> Result<usize> {
    schema.fields().iter().position(|field| field.name() == name).ok_or_else(|| {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let hint = did_you_mean(name, names.iter().copied());
        let error = asked.error(format!("it has no column \"{name}\""));
        error.with_hint(hint.unwrap_or_else(|| format!("It has {}.", names.join(", "))))
    })
}

/// The columns that are needed, in the table's types.
fn fitting(asked: &Asked, batch: &RecordBatch) -> Result<RecordBatch> {
    let arrow = asked.columns.arrow();
    let columns = asked.columns.fields.iter().zip(arrow.fields()).map(|(field, target)| {
        let column = batch.column(place_of(asked, &field.name, &batch.schema())?);
        let unfit = |why: String| {
            asked.error(format!(
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
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(arrow.clone(), columns.collect::<Result<Vec<_>>>()?, &options)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::writer::{FileWriter, StreamWriter};
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::connectors::options::RawOptions;
    use crate::types::{Field, Schema, SqlType, TypeKind};

    fn asked(path: &Path) -> Asked {
        let columns = Schema::new(vec![
            Field::new("host", SqlType::string()),
            Field::new("n", SqlType::nullable(TypeKind::BigInt)),
        ]);
        Asked {
            path: path.to_path_buf(),
            table: "t".to_string(),
            columns,
            options: RawOptions::new(),
            metadata: Vec::new(),
            zone: chrono_tz::Tz::UTC,
            most: u64::MAX,
        }
    }

    /// A file of each kind, as bytes, with its ending.
    fn files() -> Vec<(&'static str, Vec<u8>)> {
        let hosts: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|i| format!("host {i}"))));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50));
        let rows = RecordBatch::try_from_iter([("host", hosts), ("n", numbers)]).unwrap();
        let (mut file, mut stream, mut parquet) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = FileWriter::try_new(&mut file, &rows.schema()).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let mut writer = StreamWriter::try_new(&mut stream, &rows.schema()).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let mut writer = ArrowWriter::try_new(&mut parquet, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        vec![("arrow", file), ("arrow", stream), ("parquet", parquet)]
    }

    fn read_bytes(folder: &Path, ending: &str, bytes: &[u8]) -> Result<usize> {
        let path = folder.join(format!("rows.{ending}"));
        std::fs::write(&path, bytes).unwrap();
        read(&asked(&path)).map(|(rows, _)| rows.rows.num_rows())
    }

    #[test]
    fn a_file_that_is_cut_off_or_damaged_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        for (ending, bytes) in files() {
            assert_eq!(read_bytes(folder.path(), ending, &bytes).unwrap(), 50);
            let is_stream = bytes.starts_with(&[0xff; 4]);
            for cut in (0..bytes.len()).step_by(7) {
                // A stream needs no end where a whole batch has ended.
                match read_bytes(folder.path(), ending, &bytes[..cut]) {
                    Ok(rows) => assert!(is_stream && rows == 50, "{ending}, {cut} of {}", bytes.len()),
                    Err(error) => assert!(error.hint().is_some(), "{ending}, {cut} of {}: {error}", bytes.len()),
                }
            }
            for place in (0..bytes.len()).step_by(3) {
                let mut damaged = bytes.clone();
                damaged[place] ^= 0x55;
                // Values may be others; what can't be read is an error.
                if let Err(error) = read_bytes(folder.path(), ending, &damaged) {
                    assert!(error.message().starts_with("--source t="), "{ending}, {place}: {error}");
                }
            }
        }
    }
}

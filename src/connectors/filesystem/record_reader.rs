//! Reads the rows of one file, batch by batch.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::record_batch::RecordBatch;

use super::blocking::io_error;
use super::columns::RowColumns;
use super::data_file::DataFile;
use super::line_reader::LineReader;
use super::location::{missing, shown};
use crate::changelog::RowKind;
use crate::changelog::rejects::{ErrorHandling, Record, Records, Stage};
use crate::error::{Error, Result};
use crate::formats::{Decoder, FormatError};

const BUFFER_BYTES: usize = 256 << 10;

/// An open file. What was appended to it after it was opened is not read.
pub struct RecordReader {
    file: DataFile,
    lines: LineReader<BufReader<Take<File>>>,
    decoder: Box<dyn Decoder>,
    columns: RowColumns,
    shared: Vec<Option<ArrayRef>>,
    /// Records counted as undecodable so far, as the format counts them.
    undecodable: u64,
    errors: ErrorHandling,
    /// The records of the rows in `decoder`, where they are kept.
    kept: Option<KeptLines>,
}

/// Rows of a file, and the records they were made of where those are kept.
#[derive(Debug)]
pub struct FileRows {
    pub rows: RecordBatch,
    /// What each row does; `None` where all are inserts.
    pub kinds: Option<Vec<RowKind>>,
    pub records: Option<(Arc<dyn Records>, UInt32Array)>,
    pub places: RowPlaces,
}

/// Where the records of rows start in their file.
#[derive(Debug, Default)]
pub struct RowPlaces {
    path: PathBuf,
    starts: Vec<u64>,
}

impl RowPlaces {
    /// `file "a.csv", line 7`
    pub async fn of(&self, row: usize) -> Option<String> {
        let (path, start) = (self.path.clone(), *self.starts.get(row)?);
        let name = shown(&self.path).to_string();
        let line = super::blocking::start(move || line_of(&path, start)).await;
        Some(match line {
            Ok(Ok(line)) => format!("file \"{name}\", line {line}"),
            _ => format!("file \"{name}\", byte {start}"),
        })
    }
}

/// Records with the byte each starts at, and the record of every row.
#[derive(Debug, Default)]
struct KeptLines {
    path: String,
    lines: Vec<(u64, Vec<u8>)>,
    of_row: Vec<u32>,
}

impl Records for KeptLines {
    fn record(&self, index: usize) -> Record {
        let (offset, line) = &self.lines[index];
        record(&self.path, *offset, line)
    }
}

fn record(path: &str, offset: u64, line: &[u8]) -> Record {
    Record {
        payload: Some(line.to_vec()),
        topic: Some(path.to_string()),
        offset: i64::try_from(offset).ok(),
        ..Record::default()
    }
}

impl RecordReader {
    /// Opens a file to be read from byte `offset` on.
    ///
    /// # Errors
    /// The file is gone or can't be read, or its folders are no values of the partition columns.
    pub fn open(file: DataFile, offset: u64, columns: &RowColumns, errors: ErrorHandling) -> Result<Self> {
        let fail = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => missing(&file.path),
            _ => io_error("read", &file.path, error),
        };
        let mut input = File::open(&file.path).map_err(fail)?;
        let size = input.metadata().map_err(fail)?.len();
        input.seek(SeekFrom::Start(offset)).map_err(fail)?;
        let input = BufReader::with_capacity(BUFFER_BYTES, input.take(size.saturating_sub(offset)));
        Ok(Self {
            lines: LineReader::new(input, offset, columns.quoting),
            decoder: columns.decoder()?,
            shared: columns.shared(&file)?,
            columns: columns.clone(),
            undecodable: 0,
            kept: errors.keeps_records().then(KeptLines::default),
            errors,
            file,
        })
    }

    pub fn file(&self) -> &DataFile {
        &self.file
    }

    /// Where the next record starts.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// The next rows, `rows_max` or a few more; `None` at the end of the file. None at all where all were rejected.
    ///
    /// # Errors
    /// The first record that can't be decoded, with its file and line, unless such records are handled.
    pub fn next(&mut self, rows_max: usize) -> Result<Option<FileRows>> {
        let mut rejected = 0;
        let mut starts = Vec::new();
        while self.decoder.len() + rejected < rows_max && !self.decoder.is_full() {
            let start = self.lines.offset();
            let line = self.lines.next().map_err(|e| io_error("read", &self.file.path, e))?;
            let Some(line) = line else { break };
            match self.decoder.decode(line) {
                Ok(rows) => {
                    starts.extend(std::iter::repeat_n(start, rows));
                    if let Some(kept) = self.kept.as_mut().filter(|_| rows > 0) {
                        kept.of_row.extend(std::iter::repeat_n(kept.lines.len() as u32, rows));
                        kept.lines.push((start, line.to_vec()));
                    }
                }
                Err(error) => {
                    let path = &self.file.path;
                    let error = match self.errors.handles() {
                        true => error.into_error(format!("cannot decode record at file \"{}\"", shown(path))),
                        false => undecodable(path, start, error),
                    };
                    self.errors.reject(Stage::Decode, error, || record(&shown(path).to_string(), start, line))?;
                    rejected += 1;
                }
            }
        }
        if self.decoder.is_empty() && rejected == 0 {
            return Ok(None);
        }
        let places = RowPlaces { path: self.file.path.clone(), starts };
        let kinds = self.decoder.take_kinds();
        let body = self.decoder.finish()?;
        let records = self.kept.as_mut().map(std::mem::take).map(|mut kept| {
            kept.path = shown(&self.file.path).to_string();
            let of_row = UInt32Array::from(std::mem::take(&mut kept.of_row));
            (Arc::new(kept) as Arc<dyn Records>, of_row)
        });
        let rows = self.columns.assemble(&body, &self.shared)?;
        Ok(Some(FileRows { rows, kinds, records, places }))
    }

    /// Records skipped and fields set to NULL since the last call.
    pub fn take_undecodable(&mut self) -> u64 {
        let total = self.decoder.undecodable();
        total - std::mem::replace(&mut self.undecodable, total)
    }
}

/// The error for the record that starts at byte `offset`.
fn undecodable(path: &Path, offset: u64, error: FormatError) -> Error {
    let place = match line_of(path, offset) {
        Ok(line) => format!("line {line}"),
        Err(_) => format!("byte {offset}"),
    };
    error.into_error(format!("cannot decode record at file \"{}\", {place}", shown(path)))
}

/// The number of the line that starts at byte `offset`, counted only now that it is needed.
fn line_of(path: &Path, offset: u64) -> std::io::Result<u64> {
    let mut before = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?.take(offset));
    let mut line = 1;
    loop {
        let bytes = before.fill_buf()?;
        if bytes.is_empty() {
            return Ok(line);
        }
        line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let read = bytes.len();
        before.consume(read);
    }
}

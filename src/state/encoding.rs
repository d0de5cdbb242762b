//! The bytes of a snapshot.
//!
//! ```text
//! "MSST" version:u16  operator  count:u32 (name number:i64)*  count:u32 (name table)*  xxh3 of all before it:u64
//! ```
//!
//! Numbers are little-endian; a name is its length (u32) and UTF-8; a table is the number of its key columns (u32; all bits:
//! it has no key), their positions (u32 each), its length (u64) and an Arrow IPC stream.
//! The sum at the end tells bytes that are torn or changed. This form is not yet one that outlives a version of
//! Millstream: nothing stores it so far.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use xxhash_rust::xxh3::xxh3_64;

use super::snapshot::Snapshot;
use super::table::StateTable;
use crate::error::{Error, Result};

/// The form that is written, and the only one that is read.
pub const VERSION: u16 = 1;

const MAGIC: &[u8; 4] = b"MSST";

const NO_KEY: u32 = u32::MAX;

impl Snapshot {
    pub fn encode(&self) -> Result<Vec<u8>> {
        if !self.parts.is_empty() {
            return Err(Error::internal("state of several subtasks as bytes"));
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        write_name(&mut bytes, &self.operator);
        bytes.extend((self.numbers.len() as u32).to_le_bytes());
        for (name, number) in &self.numbers {
            write_name(&mut bytes, name);
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((self.tables.len() as u32).to_le_bytes());
        for (name, table) in &self.tables {
            write_name(&mut bytes, name);
            match table.key() {
                None => bytes.extend(NO_KEY.to_le_bytes()),
                Some(key) => {
                    let numbers = std::iter::once(key.len()).chain(key.iter().copied());
                    numbers.for_each(|number| bytes.extend((number as u32).to_le_bytes()));
                }
            }
            let stream = write_table(table)?;
            bytes.extend((stream.len() as u64).to_le_bytes());
            bytes.extend(stream);
        }
        let sum = xxh3_64(&bytes);
        bytes.extend(sum.to_le_bytes());
        Ok(bytes)
    }

    /// What [`Snapshot::encode`] gave.
    ///
    /// # Errors
    /// Bytes that are anything else, of kind `State`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or_else(damaged)?;
        let mut rest = Rest(body.strip_prefix(MAGIC).ok_or_else(damaged)?);
        let version = u16::from_le_bytes(rest.chunk()?);
        if version != VERSION {
            return Err(Error::state(format!("state of version {version} can't be read"))
                .with_detail(format!("This Millstream reads version {VERSION}.")));
        }
        if xxh3_64(body) != u64::from_le_bytes(*sum) {
            return Err(damaged());
        }
        let mut snapshot = Self::of(&rest.name()?);
        for _ in 0..rest.count()? {
            let (name, number) = (rest.name()?, i64::from_le_bytes(rest.chunk()?));
            snapshot = snapshot.with_number(&name, number);
        }
        for _ in 0..rest.count()? {
            let name = rest.name()?;
            let key = rest.key()?;
            let length = u64::from_le_bytes(rest.chunk()?);
            let table = read_table(rest.take(usize::try_from(length).map_err(|_| damaged())?)?, key)?;
            snapshot = snapshot.with_table(&name, table);
        }
        match rest.0.is_empty() {
            true => Ok(snapshot),
            false => Err(damaged()),
        }
    }
}

fn damaged() -> Error {
    Error::state("the state is damaged")
}

fn write_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.extend((name.len() as u32).to_le_bytes());
    bytes.extend(name.as_bytes());
}

fn write_table(table: &StateTable) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), table.schema())?;
    for rows in table.read() {
        writer.write(&rows?)?;
    }
    Ok(writer.into_inner()?)
}

fn read_table(stream: &[u8], key: Option<Vec<usize>>) -> Result<StateTable> {
    let reader = StreamReader::try_new(stream, None).map_err(torn)?;
    let schema = reader.schema();
    if key.iter().flatten().any(|column| *column >= schema.fields().len()) {
        return Err(damaged());
    }
    let pieces: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(torn)?;
    Ok(StateTable::of_pieces(schema, key, pieces))
}

fn torn(error: ArrowError) -> Error {
    damaged().with_detail(format!("{error}."))
}

/// Bytes that are still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*chunk)
    }

    fn count(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.chunk()?))
    }

    /// The key columns of a table.
    fn key(&mut self) -> Result<Option<Vec<usize>>> {
        match self.count()? {
            NO_KEY => Ok(None),
            columns => (0..columns).map(|_| Ok(self.count()? as usize)).collect::<Result<_>>().map(Some),
        }
    }

    fn name(&mut self) -> Result<String> {
        let length = self.count()?;
        let name = std::str::from_utf8(self.take(length as usize)?);
        Ok(name.map_err(|_| damaged())?.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::DataType;

    use super::*;
    use crate::error::ErrorKind;

    fn groups() -> StateTable {
        StateTable::new([("host".to_string(), DataType::Utf8), ("rows".to_string(), DataType::Int64)]).keyed(vec![0])
    }

    fn snapshot() -> Snapshot {
        let mut table = groups();
        for hosts in [vec![Some("doc"), None], vec![Some("happy")]] {
            let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..hosts.len() as i64));
            table.push(vec![Arc::new(StringArray::from(hosts)), rows]).unwrap();
        }
        Snapshot::of("GroupAggregate").with_number("progress", -1).with_table("groups", table)
    }

    #[test]
    fn what_is_written_is_read() {
        for snapshot in [snapshot(), Snapshot::default(), Snapshot::of("Calc").with_table("none", groups())] {
            assert_eq!(Snapshot::decode(&snapshot.encode().unwrap()).unwrap(), snapshot);
        }
        assert_eq!(snapshot().table("groups", &groups()).unwrap().pieces().len(), 2);
    }

    #[test]
    fn a_byte_that_is_changed_or_missing_is_found() {
        let bytes = snapshot().encode().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(Snapshot::decode(&changed).unwrap_err().kind(), ErrorKind::State, "byte {at}");
            assert_eq!(Snapshot::decode(&bytes[..at]).unwrap_err().kind(), ErrorKind::State, "{at} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Snapshot::decode(&longer).unwrap_err().kind(), ErrorKind::State);
    }

    #[test]
    fn a_later_version_says_so() {
        let mut bytes = snapshot().encode().unwrap();
        bytes[4] = 2;
        assert_eq!(Snapshot::decode(&bytes).unwrap_err().message(), "state of version 2 can't be read");
    }

    #[test]
    fn state_of_something_else_is_refused() {
        let snapshot = snapshot();
        assert!(snapshot.expect("GroupAggregate").is_ok());
        let other = StateTable::new([("host".to_string(), DataType::Utf8)]);
        let by_rows = groups().keyed(vec![1]);
        for error in [
            snapshot.table("groups", &by_rows).unwrap_err(),
            snapshot.expect("WindowAggregate").unwrap_err(),
            snapshot.number("seen").unwrap_err(),
            snapshot.table("panes", &groups()).unwrap_err(),
            snapshot.table("groups", &other).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::State, "{error}");
        }
    }
}

//! Pieces of bytes in data files: what manifests point to.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::folder::ONE_PROCESS;
use super::store::Store;
use crate::error::{Error, Result};
use crate::failpoint::reach;

/// A data file is closed when it has this many bytes.
const FILE_BYTES: usize = 64 << 20;

/// Where a piece lies, and the sum that tells whether it is still what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceRef {
    /// The name of the data file, in the folder of the job.
    pub file: String,
    pub offset: u64,
    pub length: u64,
    /// xxh3 of the bytes.
    pub sum: u64,
}

/// Puts pieces together into files.
#[derive(Debug)]
pub struct DataWriter {
    /// What names of files begin with.
    name: String,
    files: Vec<(String, Vec<u8>)>,
}

impl DataWriter {
    /// Files will be called `name-0`, `name-1` and so on.
    pub fn new(name: String) -> Self {
        Self { name, files: Vec::new() }
    }

    /// Adds a piece.
    pub fn add(&mut self, bytes: &[u8]) -> PieceRef {
        let number = self.files.len();
        if self.files.last().is_none_or(|(_, file)| file.len() >= FILE_BYTES) {
            self.files.push((format!("{}-{number}", self.name), Vec::new()));
        }
        let (mut name, mut offset) = (String::new(), 0);
        if let Some((file, body)) = self.files.last_mut() {
            (name, offset) = (file.clone(), body.len() as u64);
            body.extend_from_slice(bytes);
        }
        PieceRef { file: name, offset, length: bytes.len() as u64, sum: xxh3_64(bytes) }
    }

    /// How many bytes there are in all.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, body)| body.len() as u64).sum()
    }

    /// What the files will be called.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Writes the files below `folder`: all, or none where that fails, so that a disk which is full gets no fuller.
    ///
    /// # Errors
    /// A file that is there already: its name is used once.
    pub async fn write(self, store: &Store, folder: &str) -> Result<()> {
        let mut ours = Vec::with_capacity(self.files.len());
        for (name, body) in self.files {
            let name = format!("{folder}/{name}");
            reach("data.before-file");
            let error = match store.create(&name, body.into()).await {
                Ok(true) => None,
                Ok(false) => {
                    let there = Error::state(format!("\"{name}\" is there already: another process runs the job"));
                    Some(there.with_hint(ONE_PROCESS))
                }
                Err(error) => {
                    // Its name may be there.
                    ours.push(name.clone());
                    Some(error)
                }
            };
            if let Some(error) = error {
                for name in &ours {
                    // The next start collects it.
                    let _stays = store.delete(name).await;
                }
                return Err(error);
            }
            ours.push(name);
            reach("data.after-file");
        }
        Ok(())
    }
}

/// Reads pieces; a file is read once.
pub struct DataReader<'a> {
    store: &'a Store,
    folder: String,
    files: HashMap<String, Bytes>,
}

impl<'a> DataReader<'a> {
    pub fn new(store: &'a Store, folder: &str) -> Self {
        Self { store, folder: folder.to_string(), files: HashMap::new() }
    }

    /// The bytes of a piece.
    ///
    /// # Errors
    /// Of kind `State` where they are not those that were written.
    pub async fn read(&mut self, piece: &PieceRef) -> Result<Bytes> {
        let name = format!("{}/{}", self.folder, piece.file);
        if !self.files.contains_key(&piece.file) {
            let missing = || Error::state(format!("the checkpoint file \"{name}\" is missing"));
            let body = self.store.read(&name).await?.ok_or_else(missing)?;
            self.files.insert(piece.file.clone(), body);
        }
        let damaged = || Error::state(format!("the checkpoint file \"{name}\" is damaged"));
        let file = self.files.get(&piece.file).ok_or_else(damaged)?;
        let start = usize::try_from(piece.offset).map_err(|_| damaged())?;
        let end = usize::try_from(piece.offset.saturating_add(piece.length)).map_err(|_| damaged())?;
        if start > end || end > file.len() {
            return Err(damaged());
        }
        let bytes = file.slice(start..end);
        match xxh3_64(&bytes) == piece.sum {
            true => Ok(bytes),
            false => Err(damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn a_write_that_fails_leaves_nothing_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        for store in [Store::folder(root.path()).unwrap(), Store::memory()] {
            store.create("job/data/1-2-1", "of another".into()).await.unwrap();
            let file = |number: usize| (format!("1-2-{number}"), b"rows".to_vec());
            let writer = DataWriter { name: "1-2".to_string(), files: vec![file(0), file(1), file(2)] };
            assert_eq!(writer.names(), ["1-2-0", "1-2-1", "1-2-2"]);
            let error = writer.write(&store, "job/data").await.unwrap_err();
            assert_eq!(error.message(), "\"job/data/1-2-1\" is there already: another process runs the job");
            assert!(error.hint().is_some());
            assert_eq!(store.list("job/data").await.unwrap(), ["job/data/1-2-1"]);
            assert_eq!(store.read("job/data/1-2-1").await.unwrap().unwrap(), "of another");
        }
    }

    #[tokio::test]
    async fn pieces_are_found_again_and_damage_is_told() {
        let store = Store::memory();
        let mut writer = DataWriter::new("1-2".to_string());
        let pieces: Vec<PieceRef> = [&b"one"[..], b"", b"three"].iter().map(|piece| writer.add(piece)).collect();
        assert_eq!(writer.bytes(), 8);
        writer.write(&store, "job/data").await.unwrap();
        let mut reader = DataReader::new(&store, "job/data");
        assert_eq!(reader.read(&pieces[2]).await.unwrap(), "three");
        assert_eq!(reader.read(&pieces[1]).await.unwrap(), "");
        let beyond = PieceRef { offset: 7, length: 9, ..pieces[0].clone() };
        let other = PieceRef { sum: 1, ..pieces[0].clone() };
        let missing = PieceRef { file: "9-9-0".to_string(), ..pieces[0].clone() };
        for (piece, expected) in [(beyond, "damaged"), (other, "damaged"), (missing, "missing")] {
            let error = reader.read(&piece).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::State);
            assert!(error.message().ends_with(expected), "{error}");
        }
    }
}

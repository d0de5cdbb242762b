//! What a writer leaves of an epoch: which hidden files are to appear, and which partitions have rows in them.
//!
//! `version:u8`, then JSON: `{"files":[{"folder","hidden","name"}],"partitions":[{"table","folder","since"}]}`.

use std::path::{Component, Path};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The form that is written, and the only one that is read.
const VERSION: u8 = 1;

/// The files of a subtask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFiles {
    pub files: Vec<StagedFile>,
    pub partitions: Vec<Partition>,
}

/// A file that is whole and on the disk, under a hidden name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Relative to the table's path; "" without partitions.
    pub folder: String,
    pub hidden: String,
    /// What it will be called.
    pub name: String,
}

/// A partition that is to be called complete at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Whose options say when.
    pub table: String,
    pub folder: String,
    /// When its first row came, in milliseconds since the epoch.
    pub since: i64,
}

impl StagedFiles {
    pub fn encode(&self) -> Result<Bytes> {
        let mut bytes = vec![VERSION];
        let written = serde_json::to_writer(&mut bytes, self);
        written.map_err(|error| Error::internal(format!("cannot write the names of staged files: {error}")))?;
        Ok(bytes.into())
    }

    /// What [`StagedFiles::encode`] gave.
    ///
    /// # Errors
    /// Anything else, of kind `State`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::state("the names of staged files are damaged");
        let (version, json) = bytes.split_first().ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(Error::state(format!("names of staged files in version {version} can't be read"))
                .with_detail(format!("This Millstream reads version {VERSION}.")));
        }
        let staged: Self = serde_json::from_slice(json).map_err(|e| damaged().with_detail(format!("{e}.")))?;
        // Nothing outside the table's folder is touched, whatever bytes say.
        let is_below = |part: &str| Path::new(part).components().all(|c| matches!(c, Component::Normal(_)));
        let is_fine = |f: &StagedFile| [&f.folder, &f.hidden, &f.name].into_iter().all(|part| is_below(part));
        if !staged.files.iter().all(is_fine) || !staged.partitions.iter().all(|p| is_below(&p.folder)) {
            return Err(damaged());
        }
        Ok(staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const FIXTURE: &str = "\u{1}{\"files\":[{\"folder\":\"k=x\",\"hidden\":\".part-1.inprogress\",\"name\":\"part-1\"}],\
                           \"partitions\":[{\"table\":\"t\",\"folder\":\"k=x\",\"since\":17}]}";

    #[test]
    fn version_1_is_read_and_written() {
        let staged = StagedFiles::decode(FIXTURE.as_bytes()).unwrap();
        let file = StagedFile { folder: "k=x".into(), hidden: ".part-1.inprogress".into(), name: "part-1".into() };
        let partition = Partition { table: "t".into(), folder: "k=x".into(), since: 17 };
        assert_eq!(staged, StagedFiles { files: vec![file], partitions: vec![partition] });
        assert_eq!(staged.encode().unwrap(), FIXTURE.as_bytes());
    }

    #[test]
    fn anything_else_is_refused() {
        let later = FIXTURE.replacen('\u{1}', "\u{2}", 1);
        let elsewhere = FIXTURE.replace("k=x", "../x");
        for (bytes, words) in [
            (later.as_bytes(), "version 2 can't be read"),
            (elsewhere.as_bytes(), "are damaged"),
            (&FIXTURE.as_bytes()[..30], "are damaged"),
            (b"", "are damaged"),
        ] {
            let error = StagedFiles::decode(bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::State);
            assert!(error.message().contains(words), "{error}");
        }
    }
}

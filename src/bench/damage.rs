//! What is wrong with an Arrow or Parquet file that can't be read, and what to do.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::asked::Asked;
use crate::error::Error;

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Arrow,
    Parquet,
}

/// A file of either kind begins and ends with so many bytes that say so; in between it has a few more at least.
const MAGIC: u64 = 8;

const CUT_OFF: &str = "Write or copy it again: whoever wrote it did not come to the end, or did not close it.";

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Arrow => "an Arrow IPC file",
            Self::Parquet => "a Parquet file",
        }
    }

    /// What it begins and ends with.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Arrow => b"ARROW1",
            Self::Parquet => b"PAR1",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Arrow => Self::Parquet,
            Self::Parquet => Self::Arrow,
        }
    }

    /// The error that says what the file is not.
    fn is_none(self, asked: &Asked) -> Error {
        match self {
            Self::Arrow => asked.error("it is no Arrow IPC file or stream"),
            Self::Parquet => asked.error("it is no Parquet file"),
        }
    }
}

/// The error for a file that is `kind` by its name and that the library, which `said` this, can't read.
pub fn damage(asked: &Asked, kind: Kind, said: &dyn Display) -> Error {
    let Ok((first, last, len)) = ends(asked) else { return asked.error(format!("it can't be read: {said}")) };
    if len == 0 {
        return asked.error("it is empty").with_hint(CUT_OFF);
    }
    let other = kind.other();
    if first.starts_with(other.magic()) {
        let hint = format!("Let its name end in {}.", if other == Kind::Arrow { ".arrow" } else { ".parquet" });
        return asked.error(format!("it is {}, and its name says something else", other.name())).with_hint(hint);
    }
    if first.starts_with(b"PARE") {
        return asked.error("it is an encrypted Parquet file").with_hint("Write it unencrypted.");
    }
    if first.starts_with(b"FEA1") {
        return asked
            .error("it is a Feather file of version 1")
            .with_hint("Write it as version 2, which is Arrow IPC.");
    }
    if first.trim_ascii_start().starts_with(b"{") {
        return kind.is_none(asked).with_hint("JSON lines end in .json, .jsonl or .ndjson.");
    }
    // A stream has no end that says so, and none is needed where a whole batch ends.
    let is_stream = kind == Kind::Arrow && first.starts_with(&[0xff; 4]);
    if !is_stream && !first.starts_with(kind.magic()) {
        let hint = "Write it again, or give the rows as JSON lines in a file that ends in .json.";
        return kind.is_none(asked).with_hint(hint);
    }
    if !is_stream && (len < 2 * MAGIC || !last.ends_with(kind.magic())) {
        return asked.error(format!("it is {} whose end is missing", kind.name())).with_hint(CUT_OFF);
    }
    let what = if is_stream { "an Arrow IPC stream" } else { kind.name() };
    let compressed = match kind {
        Kind::Arrow => "uncompressed",
        Kind::Parquet => "uncompressed or in Snappy, Zstandard, LZ4 or gzip",
    };
    let error = asked.error(format!("it is {what} that is damaged or cut off, or written in a way that can't be read"));
    error.with_detail(said.to_string()).with_hint(format!("Write it again, {compressed}."))
}

/// The first and the last bytes of the file, and its size.
fn ends(asked: &Asked) -> std::io::Result<([u8; MAGIC as usize], [u8; MAGIC as usize], u64)> {
    let mut file = File::open(&asked.path)?;
    let len = file.metadata()?.len();
    let mut at = |from: u64| -> std::io::Result<[u8; MAGIC as usize]> {
        let mut bytes = [0; MAGIC as usize];
        let some = usize::try_from(len.min(MAGIC)).unwrap_or_default();
        file.seek(SeekFrom::Start(from))?;
        // Few bytes stand at the end of the buffer where the end of the file is meant, else at its beginning.
        let place = if from == 0 { &mut bytes[..some] } else { &mut bytes[MAGIC as usize - some..] };
        file.read_exact(place)?;
        Ok(bytes)
    };
    Ok((at(0)?, at(len.saturating_sub(MAGIC))?, len))
}

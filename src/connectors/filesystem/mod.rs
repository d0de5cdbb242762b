//! Files in folders: a source, a sink whose files appear when they are finished, a lookup table (an addition of ours).
//!
//! ```text
//! path ──► files (hidden ones skipped) ──► lines ──► format ──► rows
//!            └─ folders k=v ──► partition columns     └─ size, name, time ──► metadata columns
//! ```
//! Files hold one record per line; a record that ends without a line feed at the end of a file counts.

mod blocking;
mod columns;
mod committer;
mod data_file;
mod epoch_writer;
mod job_files;
mod line_reader;
mod listing;
mod location;
mod lookup;
mod options;
mod part_file;
mod part_files;
mod partition;
mod reader;
mod record_reader;
mod rolling;
mod sink;
mod source;
mod staged_files;
mod table;
mod target;
mod watch;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use super::options::{OptionSpec, RawOptions};
use super::{Connector, LookupSource, Sink, Source, TableDescriptor, TableUse};
use crate::error::Result;
use crate::types::SqlType;
use data_file::FileMetadata;
use lookup::FileLookupSource;
use sink::FileSink;
use source::FileSource;

/// The connector `filesystem`.
#[derive(Debug)]
pub struct Filesystem;

impl Connector for Filesystem {
    fn names(&self) -> &'static [&'static str] {
        &["filesystem"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        options::OPTIONS
    }

    fn metadata(&self, _table: &RawOptions) -> Vec<(String, SqlType, bool)> {
        FileMetadata::ALL.into_iter().map(|m| (m.key().to_string(), m.ty(), false)).collect()
    }

    fn beyond_flink(&self) -> &'static [TableUse] {
        &[TableUse::LookedUp]
    }

    fn source(&self, table: &TableDescriptor) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(FileSource::try_new(table)?))
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        Ok(Arc::new(FileSink::try_new(table)?))
    }

    fn lookup(&self, table: &TableDescriptor) -> Result<Arc<dyn LookupSource>> {
        Ok(Arc::new(FileLookupSource::try_new(table)?))
    }
}

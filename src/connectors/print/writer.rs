//! Rows as lines, a batch at a time.

use std::io::Write;

use async_trait::async_trait;
use chrono_tz::Tz;

use crate::changelog::ChangelogBatch;
use crate::connectors::SinkWriter;
use crate::error::{Error, Result};
use crate::types::SqlType;
use crate::types::print::{PrintStyle, RowPrinter};

/// Writes to `out`; the lines of a batch stay together.
pub(super) struct PrintWriter<W> {
    out: W,
    /// `standard output`, for messages.
    name: &'static str,
    prefix: String,
    types: Vec<SqlType>,
    zone: Tz,
}

impl<W: Write + Send> PrintWriter<W> {
    pub fn new(out: W, name: &'static str, prefix: String, types: Vec<SqlType>, zone: Tz) -> Self {
        Self { out, name, prefix, types, zone }
    }

    fn lines(&self, batch: &ChangelogBatch) -> String {
        let printer = RowPrinter::new(batch.rows(), &self.types, self.zone, PrintStyle::Row);
        let mut lines = String::with_capacity(batch.num_rows() * 64);
        for row in 0..batch.num_rows() {
            lines.push_str(&self.prefix);
            lines.push_str(batch.kind(row).symbol());
            lines.push('[');
            printer.print(row, &mut lines);
            lines.push_str("]\n");
        }
        lines
    }
}

#[async_trait]
impl<W: Write + Send> SinkWriter for PrintWriter<W> {
    async fn write(&mut self, batch: ChangelogBatch) -> Result<()> {
        let lines = self.lines(&batch);
        let written = self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|e| Error::external(format!("cannot write to the {}: {e}", self.name)).with_source(e))
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

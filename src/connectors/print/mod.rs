//! A sink that writes each row as a line to the standard output: `+I[1, a]`.

mod writer;

use std::sync::Arc;

use async_trait::async_trait;

use crate::connectors::options::{OptionSpec, OptionType, Options};
use crate::connectors::{ChangelogSupport, Connector, OpenContext, Sink, SinkWriter, TableDescriptor};
use crate::error::Result;
use crate::types::SqlType;

use writer::PrintWriter;

/// The connector `print`.
#[derive(Debug)]
pub struct Print;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "print-identifier",
        OptionType::Text,
        "What stands before each line. Where several subtasks write, their number follows it: id:2> +I[1, a].",
    ),
    OptionSpec::new("standard-error", OptionType::Bool, "Write to the standard error instead.").default("false"),
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many subtasks write."),
];

impl Connector for Print {
    fn names(&self) -> &'static [&'static str] {
        &["print"]
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn reads(&self) -> bool {
        false
    }

    fn sink(&self, table: &TableDescriptor) -> Result<Arc<dyn Sink>> {
        let options = Options::check_sink(table.owner(), &table.options, OPTIONS)?;
        Ok(Arc::new(PrintSink {
            identifier: options.text("print-identifier").unwrap_or("").to_string(),
            standard_error: options.bool("standard-error"),
            parallelism: options.positive("sink.parallelism")?,
            types: table.sink_schema().fields.into_iter().map(|f| f.ty).collect(),
            zone: table.zone,
        }))
    }
}

#[derive(Debug)]
struct PrintSink {
    identifier: String,
    standard_error: bool,
    parallelism: Option<usize>,
    types: Vec<SqlType>,
    zone: chrono_tz::Tz,
}

impl PrintSink {
    /// What stands before each line of a subtask.
    fn prefix(&self, subtask: usize, parallelism: usize) -> String {
        match (self.identifier.as_str(), parallelism > 1) {
            ("", false) => String::new(),
            ("", true) => format!("{}> ", subtask + 1),
            (identifier, false) => format!("{identifier}> "),
            (identifier, true) => format!("{identifier}:{}> ", subtask + 1),
        }
    }
}

#[async_trait]
impl Sink for PrintSink {
    fn changelog_support(&self) -> ChangelogSupport {
        ChangelogSupport::All
    }

    fn describe(&self) -> String {
        match self.standard_error {
            true => "to standard error".into(),
            false => String::new(),
        }
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let prefix = self.prefix(context.subtask, context.parallelism);
        let (types, zone) = (self.types.clone(), self.zone);
        Ok(match self.standard_error {
            true => Box::new(PrintWriter::new(crate::console::Stream::Stderr, "standard error", prefix, types, zone)),
            false => Box::new(PrintWriter::new(crate::console::Stream::Stdout, "standard output", prefix, types, zone)),
        })
    }
}

#[cfg(test)]
mod tests;

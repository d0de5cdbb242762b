//! The connectors there are, by name.

use super::Connector;
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

/// Every connector, in the order the documentation lists them.
pub fn all() -> &'static [&'static dyn Connector] {
    &[
        &super::kafka::Kafka,
        &super::postgres::Jdbc,
        &super::opensearch::OpenSearch,
        &super::filesystem::Filesystem,
        &super::datagen::Datagen,
        &super::print::Print,
        &super::blackhole::Blackhole,
    ]
}

/// The connector that answers to `name`.
pub fn find(name: &str, span: Option<Span>) -> Result<&'static dyn Connector> {
    if let Some(connector) = all().iter().find(|c| c.names().contains(&name)) {
        return Ok(*connector);
    }
    let names: Vec<&str> = all().iter().flat_map(|c| c.names()).copied().collect();
    let hint = did_you_mean(name, names.iter().copied())
        .unwrap_or_else(|| format!("Available connectors: {}.", names.join(", ")));
    Err(Error::statement(format!("unknown connector '{name}'")).with_hint(hint).at(span))
}

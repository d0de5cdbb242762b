//! The connectors there are, by name.

use super::Connector;
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

/// Every connector, in the order the documentation lists them.
pub fn all() -> &'static [&'static dyn Connector] {
    &[
        &super::kafka::Kafka,
        &super::kafka::UpsertKafka,
        &super::postgres::Jdbc,
        &super::opensearch::OpenSearch,
        &super::filesystem::Filesystem,
        &super::datagen::Datagen,
        &super::print::Print,
        &super::blackhole::Blackhole,
    ]
}

/// Connectors of Flink's documentation that are not built.
const NOT_YET: &[&str] = &[
    "elasticsearch-6",
    "elasticsearch-8",
    "dynamodb",
    "firehose",
    "kinesis",
    "hbase-1.4",
    "hbase-2.2",
    "mongodb",
    "hive",
    "pulsar",
    "mysql-cdc",
    "postgres-cdc",
];

/// The connector that answers to `name`.
pub fn find(name: &str, span: Option<Span>) -> Result<&'static dyn Connector> {
    if let Some(connector) = all().iter().find(|c| c.names().contains(&name)) {
        return Ok(*connector);
    }
    let names: Vec<&str> = all().iter().flat_map(|c| c.names()).copied().collect();
    if NOT_YET.contains(&name) {
        return Err(Error::statement(format!("connector '{name}' is not supported yet"))
            .with_hint(format!("Available connectors: {}.", names.join(", ")))
            .at(span));
    }
    let hint = did_you_mean(name, names.iter().copied())
        .unwrap_or_else(|| format!("Available connectors: {}.", names.join(", ")));
    Err(Error::statement(format!("unknown connector '{name}'")).with_hint(hint).at(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_of_flinks_that_is_not_built_says_so() {
        let error = find("hive", None).unwrap_err();
        assert_eq!(error.message(), "connector 'hive' is not supported yet");
        assert!(error.hint().is_some_and(|hint| hint.contains("kafka, upsert-kafka, jdbc")), "{error}");
        assert_eq!(find("kafak", None).unwrap_err().hint(), Some("Did you mean \"kafka\"?"));
    }
}

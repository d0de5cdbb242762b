//! The formats there are, by name.

use super::Format;
use super::csv::Csv;
use super::debezium::DebeziumJson;
use super::json::Json;
use super::raw::Raw;
use crate::error::{Error, Result, nearest};
use crate::span::Span;

/// Formats that Flink has and we don't yet.
const NOT_YET: &[&str] = &[
    "avro",
    "avro-confluent",
    "canal-json",
    "debezium-avro-confluent",
    "maxwell-json",
    "ogg-json",
    "orc",
    "parquet",
    "protobuf",
];

/// Every format, in the order the documentation lists them.
pub fn all() -> &'static [&'static dyn Format] {
    &[&Json, &Csv, &Raw, &DebeziumJson]
}

/// The format that answers to `name`; `span` is where the table names it.
pub fn find(name: &str, span: Option<Span>) -> Result<&'static dyn Format> {
    if let Some(format) = all().iter().find(|f| f.name() == name) {
        return Ok(*format);
    }
    let available = || {
        let names: Vec<_> = all().iter().map(|f| f.name()).collect();
        format!("Available formats: {}.", names.join(", "))
    };
    if NOT_YET.contains(&name) {
        let error = Error::statement(format!("format '{name}' is not supported yet"));
        return Err(error.with_hint(available()).at(span));
    }
    let hint = match nearest(name, all().iter().map(|f| f.name()).chain(NOT_YET.iter().copied())) {
        Some(known) if !NOT_YET.contains(&known) => format!("Did you mean \"{known}\"?"),
        _ => available(),
    };
    Err(Error::statement(format!("unknown format '{name}'")).with_hint(hint).at(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_its_name_and_a_typo_names_the_nearest() {
        assert_eq!(find("json", None).unwrap().name(), "json");
        let error = find("jsno", None).unwrap_err();
        assert_eq!(error.message(), "unknown format 'jsno'");
        assert_eq!(error.hint(), Some("Did you mean \"json\"?"));
    }

    #[test]
    fn a_format_of_flinks_that_is_not_built_says_so() {
        let error = find("canal-json", None).unwrap_err();
        let available = "Available formats: json, csv, raw, debezium-json.";
        assert_eq!(error.message(), "format 'canal-json' is not supported yet");
        assert_eq!(error.hint(), Some(available));
        assert_eq!(find("avroo", None).unwrap_err().hint(), Some(available));
    }
}

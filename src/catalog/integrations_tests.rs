//! Integrations against connectors of the three kinds that have them.

use super::*;
use crate::catalog::config::Config;
use crate::connectors::options::{OptionSpec, OptionType};

#[derive(Debug)]
struct Fake {
    names: &'static [&'static str],
    options: &'static [OptionSpec],
    address: Option<&'static str>,
    blank: &'static str,
}

impl Connector for Fake {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn options(&self) -> &'static [OptionSpec] {
        self.options
    }

    fn address_option(&self) -> Option<&'static str> {
        self.address
    }

    fn is_blank_address(&self, value: &str) -> bool {
        value.trim().is_empty() || value == self.blank
    }
}

const fn text(key: &'static str) -> OptionSpec {
    OptionSpec::new(key, OptionType::Text, "")
}

static KAFKA: Fake = Fake {
    names: &["kafka"],
    options: &[text("topic"), text("properties.*"), text("scan.startup.mode")],
    address: Some("properties.bootstrap.servers"),
    blank: "",
};
static UPSERT_KAFKA: Fake = Fake { names: &["upsert-kafka"], ..KAFKA };
static JDBC: Fake = Fake {
    names: &["jdbc"],
    options: &[text("url"), text("table-name"), text("username"), text("password")],
    address: Some("url"),
    blank: "jdbc:postgresql://",
};
static OPENSEARCH: Fake = Fake {
    names: &["opensearch", "opensearch-2", "opensearch-3", "elasticsearch-7"],
    options: &[text("hosts"), text("index"), text("username"), text("password")],
    address: Some("hosts"),
    blank: "",
};
static DATAGEN: Fake = Fake { names: &["datagen"], options: &[], address: None, blank: "" };

const FILE: &str = r#"
[integrations.demo-kafka]
connector = "kafka"
"properties.bootstrap.servers" = "127.0.0.1:9092"
properties.security.protocol = "PLAINTEXT"

[integrations.demo-postgresql]
connector = "jdbc"
url = "jdbc:postgresql://127.0.0.1:5432/defaultdb"
username = "avnadmin"
password = "${PG_PASSWORD}"

[integrations.demo-opensearch]
connector = "opensearch"
hosts = "http://127.0.0.1:9200"
password = "${OS_PASSWORD}"
"#;

fn integrations(file: &str) -> Integrations {
    let substitution = Substitution::new("".into(), |name| (name == "PG_PASSWORD").then(|| "pg-secret".to_string()));
    Config::parse("millstream.toml", file, substitution).unwrap().integrations
}

fn resolve(file: &str, connector: &Fake, options: &[(&str, &str)]) -> Result<Vec<(String, String)>> {
    let options: RawOptions = options.iter().copied().collect();
    let resolved = integrations(file).resolve("T", &options, connector)?;
    Ok(resolved.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
}

#[track_caller]
fn resolves_to(file: &str, connector: &Fake, options: &[(&str, &str)], expected: &[(&str, &str)]) {
    let resolved = resolve(file, connector, options).unwrap();
    let expected: Vec<_> = expected.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    assert_eq!(resolved, expected);
}

#[track_caller]
fn fails_with(file: &str, connector: &Fake, options: &[(&str, &str)], message: &str, hint: &str) {
    let error = resolve(file, connector, options).unwrap_err();
    assert_eq!(error.message(), message);
    assert!(error.hint().unwrap_or("").contains(hint), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_blank_kafka_address_is_filled_from_the_only_one_that_fits() {
    let filled = [("properties.bootstrap.servers", "127.0.0.1:9092"), ("properties.security.protocol", "PLAINTEXT")];
    let kafka = [("connector", "kafka"), ("topic", "t"), ("properties.bootstrap.servers", "")];
    resolves_to(FILE, &KAFKA, &kafka, &[&kafka[..2], &filled].concat());
    let upsert = [("connector", "upsert-kafka"), ("topic", "t")];
    resolves_to(FILE, &UPSERT_KAFKA, &upsert, &[&upsert, &filled[..]].concat());
}

#[test]
fn a_blank_jdbc_address_is_filled_with_its_credentials() {
    let filled = [
        ("connector", "jdbc"),
        ("url", "jdbc:postgresql://127.0.0.1:5432/defaultdb"),
        ("table-name", "x"),
        ("username", "avnadmin"),
        ("password", "pg-secret"),
    ];
    for blank in ["", "  ", "jdbc:postgresql://"] {
        resolves_to(FILE, &JDBC, &[("connector", "jdbc"), ("url", blank), ("table-name", "x")], &filled);
    }
}

#[test]
fn an_opensearch_integration_serves_the_other_names_too() {
    let file = "[integrations.os]\nconnector = \"opensearch\"\nhosts = \"http://h:1\"\n";
    for name in OPENSEARCH.names {
        resolves_to(
            file,
            &OPENSEARCH,
            &[("connector", name), ("hosts", ""), ("index", "i")],
            &[("connector", name), ("hosts", "http://h:1"), ("index", "i")],
        );
    }
}

#[test]
fn a_table_with_its_own_address_takes_nothing_it_did_not_name() {
    for (connector, options) in [
        (&KAFKA, [("connector", "kafka"), ("properties.bootstrap.servers", "other:9092")]),
        (&JDBC, [("connector", "jdbc"), ("url", "jdbc:postgresql://other/db")]),
        (&OPENSEARCH, [("connector", "opensearch"), ("hosts", "http://other:9200")]),
    ] {
        resolves_to(FILE, connector, &options, &options);
    }
}

#[test]
fn what_a_table_says_itself_wins_over_the_integration_it_names_unless_blank() {
    resolves_to(
        FILE,
        &JDBC,
        &[
            ("connector", "jdbc"),
            ("integration", "demo-postgresql"),
            ("url", "jdbc:postgresql://other/db"),
            ("username", " "),
        ],
        &[
            ("connector", "jdbc"),
            ("integration", "demo-postgresql"),
            ("url", "jdbc:postgresql://other/db"),
            ("username", "avnadmin"),
            ("password", "pg-secret"),
        ],
    );
}

#[test]
fn a_table_is_named_by_the_integration() {
    let file = "[integrations.a]\nconnector = \"opensearch\"\nhosts = \"http://a:1\"\ntables = [\"T\"]\n\
                [integrations.b]\nconnector = \"opensearch\"\nhosts = \"http://b:1\"\n";
    let options = [("connector", "opensearch"), ("index", "i")];
    resolves_to(file, &OPENSEARCH, &options, &[&options[..], &[("hosts", "http://a:1")]].concat());
    let listed_twice = file.replace("hosts = \"http://b:1\"", "tables = [\"T\"]");
    fails_with(
        &listed_twice,
        &OPENSEARCH,
        &options,
        "table \"T\" (connector \"opensearch\") could take its address from several integrations: 'a', 'b'",
        "'integration' = 'a'",
    );
}

#[test]
fn an_integration_with_tables_is_only_for_them() {
    let file = "[integrations.a]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://a/b\"\ntables = [\"OTHER\"]\n";
    fails_with(
        file,
        &JDBC,
        &[("connector", "jdbc"), ("url", "")],
        "option 'url' is blank in table \"T\" (connector \"jdbc\") and no integration fits",
        "add \"T\" to the \"tables\" of an integration that is only for others: 'a'",
    );
    fails_with(
        file,
        &JDBC,
        &[("connector", "jdbc"), ("integration", "a")],
        "table \"T\" (connector \"jdbc\") names the integration 'a', which is only for other tables: OTHER",
        "Add \"T\"",
    );
}

#[test]
fn a_blank_address_without_an_integration_says_what_to_write() {
    fails_with(
        "",
        &KAFKA,
        &[("connector", "kafka"), ("properties.bootstrap.servers", "")],
        "option 'properties.bootstrap.servers' is blank in table \"T\" (connector \"kafka\") and no integration fits",
        "[integrations.my-kafka]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"...\"",
    );
}

#[test]
fn two_that_fit_are_named() {
    fails_with(
        "[integrations.a]\nconnector = \"kafka\"\n[integrations.b]\nconnector = \"kafka\"\n",
        &KAFKA,
        &[("connector", "kafka")],
        "table \"T\" (connector \"kafka\") could take its address from several integrations: 'a', 'b'",
        "'integration' = 'a'",
    );
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let options = [("connector", "jdbc"), ("integration", "demo-postgres")];
    let message = "unknown integration 'demo-postgres' in table \"T\" (connector \"jdbc\")";
    fails_with(FILE, &JDBC, &options, message, "Did you mean \"demo-postgresql\"?");
    fails_with("", &JDBC, &options, message, "no millstream.toml was found");
}

#[test]
fn an_integration_of_another_kind_is_refused() {
    fails_with(
        FILE,
        &JDBC,
        &[("connector", "jdbc"), ("integration", "demo-kafka")],
        "the integration 'demo-kafka' is for the connector 'kafka', not for table \"T\" (connector \"jdbc\")",
        "Integrations for this connector: 'demo-postgresql'.",
    );
}

#[test]
fn a_missing_variable_is_an_error_only_where_it_is_used() {
    let own = [("connector", "opensearch"), ("integration", "demo-opensearch"), ("password", "x")];
    resolves_to(FILE, &OPENSEARCH, &own, &[&own[..], &[("hosts", "http://127.0.0.1:9200")]].concat());
    let error = resolve(FILE, &OPENSEARCH, &[("connector", "opensearch"), ("hosts", "")]).unwrap_err();
    let expected = "error: \"password\" of integration \"demo-opensearch\": \
                    the environment variable \"OS_PASSWORD\" is not set\n  --> millstream.toml:16:1\n";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_wherever_it_stands() {
    let file = "[integrations.os]\nconnector = \"opensearch\"\nhost = \"secret\"\n";
    let message = "unknown option 'host' in integration \"os\" (connector \"opensearch\")";
    fails_with(file, &OPENSEARCH, &[("connector", "opensearch")], message, "Did you mean \"hosts\"?");
    let error = integrations(file).check(|_| Ok(&OPENSEARCH)).unwrap_err();
    assert_eq!(error.message(), message);
    assert_eq!(error.span().map(|s| s.start.to_string()), Some("3:1".to_string()));
}

#[test]
fn a_wrong_value_is_found_before_a_table_takes_it() {
    let check = |line: &str| {
        let file = format!("[integrations.os]\nconnector = \"opensearch\"\n{line}\n");
        integrations(&file).check(|_| Ok(&crate::connectors::opensearch::OpenSearch))
    };
    let error = check("sink.bulk-flush.interval = \"soon\"").unwrap_err();
    let expected = "error: option 'sink.bulk-flush.interval' of integration \"os\" (connector \"opensearch\"): \
                    'soon' is not a duration such as '500 ms', '5 s' or '1 min'\n --> millstream.toml:3:17\n";
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(check("sink.bulk-flush.interval = \"${SOON}\"").is_ok());
    assert!(check("json.timestamp-format.standard = \"ISO-8601\"").is_ok());
    assert!(check("json.timestamp-formt.standard = \"ISO-8601\"").is_err());
}

#[test]
fn an_integration_without_the_address_cant_fill_it() {
    let error = resolve("[integrations.k]\nconnector = \"kafka\"\n", &KAFKA, &[("connector", "kafka")]).unwrap_err();
    let expected = "neither table \"T\" (connector \"kafka\") nor integration \"k\" has 'properties.bootstrap.servers'";
    assert_eq!(error.message(), expected);
}

#[test]
fn a_connector_without_an_address_takes_nothing() {
    resolves_to(FILE, &DATAGEN, &[("connector", "datagen")], &[("connector", "datagen")]);
}

#[test]
fn a_misspelled_address_is_not_taken_for_a_blank_one() {
    fails_with(
        "[integrations.a]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"demo:9092\"\n",
        &KAFKA,
        &[("connector", "kafka"), ("properties.bootstrap.server", "prod:9092")],
        "unknown option 'properties.bootstrap.server' in table \"T\" (connector \"kafka\")",
        "Did you mean 'properties.bootstrap.servers'?",
    );
}

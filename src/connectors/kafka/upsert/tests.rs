use super::*;
use crate::connectors::testing;
use crate::connectors::{ChangelogSupport, SourceChanges};

fn table(key: &[usize], options: &[(&str, &str)]) -> TableDescriptor {
    let defaults = [
        ("connector", "upsert-kafka"),
        ("topic", "topic"),
        ("properties.bootstrap.servers", "127.0.0.1:1"),
        ("key.format", "json"),
        ("value.format", "json"),
    ];
    let mut table = testing::table("k INT, v STRING, n BIGINT", defaults.iter().chain(options));
    table.primary_key = key.to_vec();
    table
}

fn refused(table: &TableDescriptor) -> String {
    let error = UpsertKafka.sink(table).unwrap_err();
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    error.message().to_string()
}

#[test]
fn the_primary_key_is_the_records_key() {
    let (_, columns) = check(&table(&[2, 0], &[])).unwrap();
    let key = columns.key.unwrap();
    assert_eq!((key.columns, key.schema.names().collect::<Vec<_>>()), (vec![2, 0], vec!["n", "k"]));
    assert_eq!(columns.value.columns, [0, 1, 2]);
    let except = [("value.fields-include", "EXCEPT_KEY")];
    assert_eq!(check(&table(&[0], &except)).unwrap().1.value.columns, [1, 2]);
    assert_eq!(UpsertKafka.source(&table(&[0], &[])).unwrap().changes(), SourceChanges::Upserts);
    assert_eq!(UpsertKafka.sink(&table(&[0], &[])).unwrap().changelog_support(), ChangelogSupport::Upsert);
}

#[test]
fn what_can_be_no_table_of_keys_is_refused() {
    assert!(refused(&table(&[], &[])).contains("require to define a PRIMARY KEY constraint"));
    assert!(
        refused(&table(&[0], &[("value.format", "debezium-json")]))
            .contains("doesn't support 'debezium-json' as value format: 'debezium-json' is not in insert-only mode")
    );
    assert!(refused(&table(&[0], &[("key.format", "debezium-json")])).contains("as key format"));
    assert!(
        refused(&table(&[0], &[("sink.delivery-guarantee", "exactly-once")])).contains("sink.transactional-id-prefix")
    );
    assert!(refused(&table(&[0], &[("key.fields-prefix", "k_")])).contains("a key prefix is not allowed"));
    for (key, value) in [("scan.startup.mode", "earliest-offset"), ("key.fields", "k")] {
        assert!(refused(&table(&[0], &[(key, value)])).contains(key), "{key}");
    }
}

#[test]
fn rows_are_kept_within_both_limits_or_not_at_all() {
    let (rows, interval) = (("sink.buffer-flush.max-rows", "10"), ("sink.buffer-flush.interval", "1 s"));
    assert!(refused(&table(&[0], &[rows])).contains("'sink.buffer-flush.interval' must be greater than 0"));
    assert!(refused(&table(&[0], &[interval])).contains("'sink.buffer-flush.max-rows' must be greater than 0"));
    let sink = UpsertKafka.sink(&table(&[0], &[rows, interval])).unwrap();
    assert!(sink.describe().ends_with("buffer=[max-rows=10, interval=1s]"), "{}", sink.describe());
    assert!(!UpsertKafka.sink(&table(&[0], &[])).unwrap().describe().contains("buffer"));
}

#[test]
fn options_of_kafka_alone_say_what_to_write_instead() {
    for (key, value, hint) in [
        ("format", "json", "'key.format' and 'value.format'"),
        ("key.fields", "k", "those of the PRIMARY KEY"),
        ("scan.startup.mode", "latest-offset", "always read from the earliest offset"),
    ] {
        let error = UpsertKafka.source(&table(&[0], &[(key, value)])).unwrap_err();
        assert!(error.message().contains(&format!("unknown option '{key}'")), "{error}");
        assert!(error.hint().is_some_and(|said| said.contains(hint)), "{error}");
    }
}

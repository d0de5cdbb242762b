//! SUGGEST TABLE: what is suggested runs as it is.

use super::topics::{send, values};
use super::{assert_printed, printed, session};
use crate::kafka::topic;

/// The first rows of a suggested table, each as text.
async fn first_rows(session: &mut millstream::Session, table: &str, count: usize) -> Vec<String> {
    let mut query = session.query(&format!("SELECT * FROM {table}")).await.unwrap();
    let mut rows = Vec::new();
    while rows.len() < count {
        let batch = query.next().await.unwrap().expect("rows of an endless query");
        let options = arrow::util::display::FormatOptions::default().with_null("NULL");
        let columns = batch.rows().columns().iter();
        let columns: Vec<_> =
            columns.map(|c| arrow::util::display::ArrayFormatter::try_new(c, &options).unwrap()).collect();
        let row = |i| columns.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.rows().num_rows()).map(row));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_for_a_topic_runs_as_it_is_suggested() {
    let name = topic("look-suggest", 1).await;
    let records = [
        r#"{"id": 1, "host": {"name": "a"}, "usage": 12.5, "seen": 1767225600000}"#,
        r#"{"id": 2, "host": {"name": "b"}, "usage": 99, "seen": 1767225607000, "note": "it's"}"#,
        r#"{"id": 3, "host": {"name": "c"}, "usage": 7, "seen": 1767225601000}"#,
    ];
    send(&name, 0, 10, &values(&records));
    let mut session = session("");
    let suggested = printed(&mut session, &format!("SUGGEST TABLE Load FOR TOPIC {name} FROM kafka")).await;
    assert_printed(
        &suggested.replace(&name, "TOPIC").replace(&crate::kafka::broker(), "BROKER"),
        "
        -- From 3 of 3 records of topic \"TOPIC\" on Kafka at BROKER.
        CREATE TABLE Load (
          id INT,
          host ROW<name STRING>,
          usage DOUBLE,
          seen BIGINT,
          note STRING, -- in 1 of 3 records
          seen_time AS TO_TIMESTAMP_LTZ(seen, 3),
          WATERMARK FOR seen_time AS seen_time - INTERVAL '10' SECOND -- up to 6.0 s out of order in the sample
        ) WITH (
          'connector' = 'kafka',
          'integration' = 'kafka',
          'topic' = 'TOPIC',
          'format' = 'json',
          'scan.startup.mode' = 'earliest-offset'
        );",
    );
    assert_eq!(printed(&mut session, &suggested).await, "");
    assert_eq!(
        first_rows(&mut session, "Load", 3).await,
        [
            "1|{name: a}|12.5|1767225600000|NULL|2026-01-01T00:00:00Z",
            "2|{name: b}|99.0|1767225607000|it's|2026-01-01T00:00:07Z",
            "3|{name: c}|7.0|1767225601000|NULL|2026-01-01T00:00:01Z"
        ]
    );
    // A name that is free.
    let suggested = printed(&mut session, &format!("SUGGEST TABLE FOR TOPIC {name}")).await;
    let table = name.replace('-', "_");
    assert!(suggested.contains(&format!("\nCREATE TABLE {table} (\n")), "{suggested}");
    assert_eq!(printed(&mut session, &suggested).await, "");
    let again = printed(&mut session, &format!("SUGGEST TABLE FOR TOPIC {name}")).await;
    assert!(again.contains(&format!("\nCREATE TABLE {table}_2 (\n")), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_empty_topic_nothing_can_be_told() {
    let name = topic("look-empty", 1).await;
    let error = printed(&mut session(""), &format!("SUGGEST TABLE FOR TOPIC {name}")).await;
    assert!(error.starts_with(&format!("error: topic \"{name}\" is empty: ")), "{error}");
    assert!(error.contains(" --> sql:1:25\n"), "{error}");
}

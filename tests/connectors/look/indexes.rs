//! SHOW INDEXES, PEEK INDEX, DESCRIBE INDEX, and tables suggested for an index.

use opensearch::http::Method;

use super::{assert_printed, printed, session};
use crate::opensearch::Index;

/// An integration for `index`'s service, as lines of millstream.toml.
pub fn integration(index: &Index) -> String {
    format!("[integrations.os]\nconnector = \"opensearch\"\nhosts = \"{}\"\n", index.host)
}

const MAPPING: &str = r#"{"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": {"properties": {
    "at": {"type": "date"},
    "day": {"type": "date", "format": "yyyy-MM-dd"},
    "host": {"properties": {"ip": {"type": "ip"}, "order": {"type": "integer"}}},
    "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "other": {"type": "alias", "path": "usage"},
    "steps": {"type": "nested", "properties": {"n": {"type": "long"}}},
    "usage": {"type": "double"}}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_listed_described_and_looked_into() {
    let index = Index::new("look");
    let made = index.call(Method::Put, "/INDEX", Some(MAPPING)).await;
    assert_eq!(made["acknowledged"], true, "{made}");
    let hidden = r#"{"settings": {"index.hidden": true, "number_of_replicas": 0}}"#;
    index.call(Method::Put, "/.INDEX", Some(hidden)).await;
    let documents = [
        r#"{"usage": 1.5, "message": "one\ntwo"}"#,
        "{\n  \"usage\": 2,\n  \"day\": \"2026-01-31\",\n  \"host\": {\"ip\": \"10.0.0.1\", \"order\": 7}, \"steps\": [{\"n\": 1}]\n}",
        r#"{"usage": 3}"#,
    ];
    // What was changed last comes last, whatever its id.
    for (id, document) in ["z", "a", "m"].iter().zip(documents) {
        index.call(Method::Put, &format!("/INDEX/_doc/{id}"), Some(document)).await;
    }
    let mut session = session(&integration(&index));
    let peeked = printed(&mut session, &format!("PEEK INDEX {} FROM os LIMIT 2", index.name)).await;
    assert_printed(
        &peeked,
        r#"
        +-----+--------------------------------------------------------------------------------------------------+
        | _id |                                                                                          _source |
        +-----+--------------------------------------------------------------------------------------------------+
        |   a | { "usage": 2, "day": "2026-01-31", "host": {"ip": "10.0.0.1", "order": 7}, "steps": [{"n": 1}] } |
        |   m |                                                                                     {"usage": 3} |
        +-----+--------------------------------------------------------------------------------------------------+
        2 rows in set"#,
    );
    let by_pattern = printed(&mut session, &format!("PEEK INDEX {}*", index.name)).await;
    assert!(by_pattern.contains("| _index |") || by_pattern.contains(" _index | _id |"), "{by_pattern}");
    assert!(by_pattern.contains(r#" {"usage": 1.5, "message": "one\ntwo"} |"#), "{by_pattern}");

    let like = format!("LIKE '%{}'", index.name);
    let listed = printed(&mut session, &format!("SHOW INDEXES FROM os {like}")).await;
    let rows: Vec<&str> = listed.lines().filter(|line| line.contains(&index.name)).collect();
    let [row] = rows.as_slice() else { panic!("{listed}") };
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(cells[1..4], [index.name.as_str(), "green", "open"]);
    // Lucene's, of which each nested object is one.
    assert_eq!(cells[4], "4");
    assert!(cells[5].ends_with('b'), "{row}");
    let listed = printed(&mut session, &format!("SHOW ALL INDEXES {like}")).await;
    assert!(listed.contains(&format!(" .{} ", index.name)) && listed.contains("2 rows in set"), "{listed}");

    assert_printed(
        &printed(&mut session, &format!("DESCRIBE INDEX {}", index.name)).await,
        "
        +-------------+---------+-----------------------------+
        |       field |    type |                   Flink SQL |
        +-------------+---------+-----------------------------+
        |          at |    date |                      STRING |
        |         day |    date |                        DATE |
        |        host |  object | ROW<ip STRING, `order` INT> |
        |     host.ip |      ip |                      STRING |
        |  host.order | integer |                         INT |
        |     message |    text |                      STRING |
        | message.raw | keyword |                             |
        |       other |   alias |                             |
        |       steps |  nested |        ARRAY<ROW<n BIGINT>> |
        |     steps.n |    long |                      BIGINT |
        |       usage |  double |                      DOUBLE |
        +-------------+---------+-----------------------------+
        11 rows in set",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_for_an_index_runs_as_it_is_suggested() {
    let index = Index::new("look-suggest");
    index.call(Method::Put, "/INDEX", Some(MAPPING)).await;
    let document = r#"{"at": 1767225600000, "day": "2026-01-31", "host": {"ip": "10.0.0.1", "order": 7},
        "message": "m", "steps": [{"n": 1}], "usage": 2}"#;
    index.call(Method::Put, "/INDEX/_doc/a", Some(document)).await;
    let mut session = session(&integration(&index));
    let suggested = printed(&mut session, &format!("SUGGEST TABLE Logs FOR INDEX {}", index.name)).await;
    assert_printed(
        &suggested.replace(&index.name, "INDEX").replace(&index.host, "HOST"),
        "
        -- From the mapping of index \"INDEX\" in OpenSearch at HOST.
        CREATE TABLE Logs (
          `at` STRING, -- date
          `day` DATE,
          host ROW<ip STRING, `order` INT>,
          message STRING,
          steps ARRAY<ROW<n BIGINT>>,
          usage DOUBLE
        ) WITH (
          'connector' = 'opensearch',
          'integration' = 'os',
          'index' = 'INDEX'
        );",
    );
    assert_eq!(printed(&mut session, &suggested).await, "");
    let mut query =
        session.query("SELECT `at`, `day`, host.`order`, message, steps[1].n, usage FROM Logs").await.unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = query.next().await.unwrap() {
        rows.push(batch.rows().clone());
    }
    let rows = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    let row = rows.lines().nth(3).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(row, "| 1767225600000 | 2026-01-31 | 7 | m | 1 | 2.0 |", "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_not_there_is_named_with_the_nearest() {
    let index = Index::new("look-missing");
    index.call(Method::Put, "/INDEX/_doc/a", Some("{}")).await;
    let mut session = session(&integration(&index));
    let wrong = format!("{}x", index.name);
    for (head, column) in [("PEEK INDEX", 12), ("DESCRIBE INDEX", 16), ("SUGGEST TABLE FOR INDEX", 25)] {
        let error = printed(&mut session, &format!("{head} {wrong}")).await;
        assert!(error.starts_with(&format!("error: index \"{wrong}\" of integration \"os\" doesn't exist")), "{error}");
        assert!(error.contains(&format!(" --> sql:1:{column}\n")), "{error}");
        assert!(error.contains(&format!("hint: Did you mean \"{}\"?", index.name)), "{error}");
        // Not the whole service.
        let error = printed(&mut session, &format!("{head} '..'")).await;
        assert!(error.starts_with("error: index \"..\" of integration \"os\" doesn't exist"), "{error}");
    }
    // A document without fields tells nothing of a table.
    let error = printed(&mut session, &format!("SUGGEST TABLE FOR INDEX {}", index.name)).await;
    assert!(error.contains("has no fields yet"), "{error}");
    assert_eq!(printed(&mut session, "SHOW INDEXES LIKE 'no such index'").await, "Empty set\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_service_that_is_away_is_named() {
    let away = "[integrations.away]\nconnector = \"opensearch-2\"\nhosts = \"http://127.0.0.1:1\"\nusername = \"u\"\n\
                password = \"geheim\"\n\"connection.max-retry-timeout\" = \"1 s\"\n";
    let mut session = session(away);
    for sql in ["SHOW INDEXES", "PEEK INDEX i", "DESCRIBE INDEX i FROM away", "SUGGEST TABLE FOR INDEX i"] {
        let error = printed(&mut session, sql).await;
        assert!(error.starts_with("error: gave up on OpenSearch at http://127.0.0.1:1 after "), "{error}");
        assert!(!error.contains("geheim"));
    }
    let error = printed(&mut session, "SHOW INDEXES FROM kafka").await;
    assert!(
        error.contains("and this asks a 'opensearch'") || error.contains("and this asks an 'opensearch'"),
        "{error}"
    );
}

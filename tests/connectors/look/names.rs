//! The names that services give while somebody types.

use millstream::Session;
use millstream::session::ServiceKind;
use opensearch::http::Method;

use super::{database, indexes, session};
use crate::kafka::topic;
use crate::opensearch::Index;
use crate::postgres::Db;

/// What the only integration of a kind knows.
async fn known(session: &Session, kind: ServiceKind) -> Vec<String> {
    let service = session.services().into_iter().find(|service| service.kind == Some(kind)).expect("an integration");
    let names = service.names().await.expect("names");
    assert!(names.is_sorted(), "{names:?}");
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn services_tell_what_they_keep() {
    let topic = topic("look-names", 1).await;
    let db = Db::new().await;
    db.run("CREATE TABLE limits (host text); CREATE TABLE \"Some.Rooms\" (host text)").await;
    let index = Index::new("look-names");
    index.call(Method::Put, "/INDEX", Some("{}")).await;
    let session = session(&format!("{}{}", database::integration("pg"), indexes::integration(&index)));
    let topics = known(&session, ServiceKind::Kafka).await;
    assert!(topics.contains(&topic) && !topics.iter().any(|topic| topic.starts_with("__")), "{topics:?}");
    let tables = known(&session, ServiceKind::Postgres).await;
    for table in [format!("{}.limits", db.schema), format!("{}.\"Some.Rooms\"", db.schema)] {
        assert!(tables.contains(&table), "{table}: {tables:?}");
    }
    let kept = known(&session, ServiceKind::OpenSearch).await;
    assert!(kept.contains(&index.name), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_that_a_service_knows_is_proposed() {
    let topic = topic("look-missing", 1).await;
    let db = Db::new().await;
    db.run("CREATE TABLE limits_of_missing (host text)").await;
    let mut session = session(&database::integration("pg"));
    for (name, is, from) in [
        (topic.clone(), "topic of the integration 'kafka'", format!("TOPIC {topic}")),
        (
            "limits_of_missing".to_string(),
            "table of the integration 'pg'",
            format!("TABLE {}.limits_of_missing", db.schema),
        ),
    ] {
        for sql in [format!("SELECT * FROM `{name}`"), format!("CREATE VIEW v AS SELECT * FROM `{name}`")] {
            let error = session.execute(&sql).await.err().expect("no such table");
            let hint = error.hint().unwrap_or_default();
            assert_eq!(error.message(), format!("table \"{name}\" not found"));
            assert!(hint.contains(is) && hint.ends_with(&format!("SUGGEST TABLE FOR {from};")), "{hint}");
        }
    }
    let error = session.execute("SELECT * FROM nobody_knows_it").await.err().expect("no such table");
    assert!(error.hint().is_none_or(|hint| !hint.contains("SUGGEST")), "{error}");
    db.drop().await;
}

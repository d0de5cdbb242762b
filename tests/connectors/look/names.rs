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

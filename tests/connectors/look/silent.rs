//! A service that lets in and says nothing is given up in time.

use std::time::{Duration, Instant};

use super::{printed, session};

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[allow(clippy::disallowed_methods)] // a test spawns on its own runtime
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await.unwrap());
        }
    });
    let patience = "\"connection.max-retry-timeout\" = \"2 s\"\n";
    let config = format!(
        "[integrations.brokers]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{address}\"\n{patience}\
         [integrations.db]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{address}/d\"\nusername = \"u\"\npassword = \"p\"\n{patience}\
         [integrations.search]\nconnector = \"opensearch\"\nhosts = \"http://{address}\"\n{patience}"
    );
    let mut session = session(&config);
    for sql in [
        "SHOW TOPICS FROM brokers",
        "PEEK t FROM brokers",
        "SHOW TABLES FROM db",
        "PSQL db $$ SELECT 1 $$",
        "SHOW INDEXES FROM search",
    ] {
        let began = Instant::now();
        let error = printed(&mut session, sql).await;
        assert!(error.starts_with("error: gave up on "), "{sql}: {error}");
        // What its requests may take is 30 s and more.
        assert!(began.elapsed() < Duration::from_secs(15), "{sql}: {:?}", began.elapsed());
    }
    accepting.abort();
}

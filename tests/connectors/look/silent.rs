//! A service that lets in and says nothing is given up when its table's patience ends, not when a request's does.

use super::{printed, session};

/// Integrations with every service at this address, which are asked for so long.
fn integrations(address: &str, patience: &str) -> String {
    let patience = format!("\"connection.max-retry-timeout\" = \"{patience}\"\n");
    format!(
        "[integrations.brokers]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{address}\"\n{patience}\
         [integrations.db]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{address}/d\"\nusername = \"u\"\npassword = \"p\"\n{patience}\
         [integrations.search]\nconnector = \"opensearch\"\nhosts = \"http://{address}\"\n{patience}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[allow(clippy::disallowed_methods)] // a test spawns on its own runtime
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await.unwrap());
        }
    });
    let (mut impatient, mut patient) =
        (session(&integrations(&address, "2 s")), session(&integrations(&address, "20 s")));
    for sql in [
        "SHOW TOPICS FROM brokers",
        "PEEK t FROM brokers",
        "SHOW TABLES FROM db",
        "PSQL db $$ SELECT 1 $$",
        "SHOW INDEXES FROM search",
    ] {
        // A request may take 30 s and more: one that isn't cut short lasts as long for whoever is patient and began before.
        tokio::select! {
            biased;
            error = async {
                tokio::task::yield_now().await;
                printed(&mut impatient, sql).await
            } => assert!(error.starts_with("error: gave up on "), "{sql}: {error}"),
            error = printed(&mut patient, sql) => panic!("{sql}: more patience has ended first: {error}"),
        }
    }
    accepting.abort();
}

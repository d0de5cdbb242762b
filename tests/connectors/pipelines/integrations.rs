//! Where credentials go: to the addresses they were written for, and nowhere else.
//!
//! That blank connections are filled, all other tests show: every job file leaves all of them blank.

use super::eavesdropper::Eavesdropper;
use super::stage::Stage;

/// An integration per kind, with credentials, for addresses at which nobody listens.
const CREDENTIALS: &str = r#"
[integrations.kafka]
connector = "kafka"
"properties.bootstrap.servers" = "127.0.0.1:1"
"properties.security.protocol" = "SASL_SSL"
"properties.sasl.mechanism" = "PLAIN"
"properties.sasl.jaas.config" = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"intruder\" password=\"geheim\";"

[integrations.postgresql]
connector = "jdbc"
url = "jdbc:postgresql://127.0.0.1:1/defaultdb"
username = "intruder"
password = "geheim"

[integrations.opensearch]
connector = "opensearch"
hosts = "http://127.0.0.1:1"
username = "intruder"
password = "geheim"
"#;

/// What the address of a table hears first: the options of the table, in its own words, `ADDRESS` being the address.
async fn heard(stage: &Stage, options: &str) -> Vec<u8> {
    let config = stage.write("credentials.toml", CREDENTIALS);
    let ear = Eavesdropper::new().await;
    let options = options.replace("ADDRESS", &ear.address);
    let sql = format!("CREATE TABLE t (a STRING) WITH ({options}); SELECT * FROM t;");
    let mut job = stage.start_with(&config, &["-e", &sql]);
    ear.first_words(&mut job).await
}

fn contains(words: &[u8], secret: &str) -> bool {
    words.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kafka_table_with_its_own_address_takes_nothing_unless_it_names_the_integration() {
    let stage = Stage::new().await;
    let options = "'connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'ADDRESS', \
                   'scan.startup.mode' = 'earliest-offset', 'format' = 'raw'";
    // A request of Kafka begins with its length, a TLS handshake with 0x16.
    assert_eq!(heard(&stage, options).await.first(), Some(&0));
    assert_eq!(heard(&stage, &format!("{options}, 'integration' = 'kafka'")).await.first(), Some(&0x16));
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jdbc_table_with_its_own_address_takes_nothing_unless_it_names_the_integration() {
    let stage = Stage::new().await;
    let options = "'connector' = 'jdbc', 'url' = 'jdbc:postgresql://ADDRESS/other?sslmode=disable', 'table-name' = 't'";
    let own = heard(&stage, &format!("{options}, 'username' = 'me'")).await;
    assert!(contains(&own, "me") && !contains(&own, "intruder") && !contains(&own, "geheim"), "{own:?}");
    assert!(contains(&heard(&stage, &format!("{options}, 'integration' = 'postgresql'")).await, "intruder"));
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opensearch_table_with_its_own_address_takes_nothing_unless_it_names_the_integration() {
    let stage = Stage::new().await;
    let options = "'connector' = 'opensearch', 'hosts' = 'http://ADDRESS', 'index' = 't'";
    let own = heard(&stage, options).await;
    let header = |words: &[u8]| String::from_utf8_lossy(words).to_lowercase().contains("authorization: basic");
    assert!(contains(&own, "HTTP/1.1") && !header(&own), "{own:?}");
    assert!(header(&heard(&stage, &format!("{options}, 'integration' = 'opensearch'")).await));
    stage.clear().await;
}

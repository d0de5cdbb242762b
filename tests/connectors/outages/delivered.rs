//! What stands in a sink, read without the engine, and whether it is what was sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opensearch::http::headers::HeaderMap;
use opensearch::http::transport::Transport;
use opensearch::http::{Method, request::JsonBody};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::load;
use crate::kills::committed;

const PATIENCE: Duration = Duration::from_secs(60);

/// Rows by their number: how often each came, and what it says.
#[derive(Debug, Default)]
pub struct Delivered {
    rows: BTreeMap<u64, (u64, String)>,
}

impl Delivered {
    fn add(&mut self, seq: u64, payload: &str) {
        let row = self.rows.entry(seq).or_default();
        row.0 += 1;
        row.1 = payload.to_string();
    }

    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Every row that was sent is there as it was sent, and nothing else.
    ///
    /// # Panics
    /// Where one is missing, changed or from elsewhere, or came twice though it must not.
    pub fn check(&self, what: &str, sent: u64, may_repeat: bool) {
        let missing: Vec<u64> = (0..sent).filter(|seq| !self.rows.contains_key(seq)).collect();
        let first: Vec<_> = missing.iter().take(20).collect();
        assert!(missing.is_empty(), "{what}: {} of {sent} rows are missing, the first {first:?}", missing.len());
        for (seq, (times, payload)) in &self.rows {
            assert!(*seq < sent, "{what}: row {seq} was never sent");
            assert_eq!(*payload, load::text(*seq), "{what}");
            assert!(*times == 1 || may_repeat, "{what}: row {seq} came {times} times");
        }
    }

    /// Rows that came more than once.
    pub fn repeated(&self) -> usize {
        self.rows.values().filter(|(times, _)| *times > 1).count()
    }
}

fn consumer(servers: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", "tests").set("enable.auto.commit", "false");
    config.create().unwrap()
}

/// Partition → the offset behind its last record; asked again while brokers come and go.
fn ends(consumer: &BaseConsumer, topic: &str) -> BTreeMap<i32, i64> {
    let ask = || -> KafkaResult<_> {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let partitions = metadata.topics().iter().flat_map(|t| t.partitions()).map(|p| p.id());
        partitions.map(|p| Ok((p, consumer.fetch_watermarks(topic, p, PATIENCE)?.1))).collect()
    };
    let start = Instant::now();
    loop {
        match ask() {
            Ok(ends) => return ends,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{topic}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Partition → how many records were ever appended to it.
pub fn ends_of_topic(servers: &str, topic: &str) -> BTreeMap<i32, i64> {
    ends(&consumer(servers), topic)
}

pub fn count_in_topic(servers: &str, topic: &str) -> u64 {
    ends_of_topic(servers, topic).values().sum::<i64>() as u64
}

/// Everything in a topic that readers of what is committed see.
pub fn in_topic(servers: &str, topic: &str) -> Delivered {
    let mut delivered = Delivered::default();
    for value in committed::values(servers, topic) {
        let row: Value = serde_json::from_str(&value).unwrap();
        delivered.add(row["seq"].as_u64().unwrap(), row["payload"].as_str().unwrap());
    }
    delivered
}

/// True where rows of a topic are there and not committed yet.
pub fn is_in_transaction(servers: &str, topic: &str) -> bool {
    let end = |isolation: &str| -> u64 {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", servers).set("group.id", "tests").set("isolation.level", isolation);
        ends(&config.create().unwrap(), topic).values().sum::<i64>() as u64
    };
    // What is committed in between does not look open.
    let all = end("read_uncommitted");
    end("read_committed") < all
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub async fn count_in_table(url: &str, table: &str) -> u64 {
    let count = client(url).await.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
    count.get::<_, i64>(0) as u64
}

/// Everything in a table of PostgreSQL.
pub async fn in_table(url: &str, table: &str) -> Delivered {
    let mut delivered = Delivered::default();
    for row in client(url).await.query(&format!("SELECT seq, payload FROM {table}"), &[]).await.unwrap() {
        delivered.add(row.get::<_, i64>(0) as u64, row.get(1));
    }
    delivered
}

fn transport(host: &str) -> Transport {
    #[cfg(feature = "tls")]
    if host.starts_with("https:") {
        return crate::opensearch::secured::transport(host);
    }
    Transport::single_node(host).unwrap()
}

async fn call(host: &str, method: Method, path: &str, body: Value) -> Value {
    let transport = transport(host);
    let none: Option<&str> = None;
    let body = Some(JsonBody::new(body));
    transport.send(method, path, HeaderMap::new(), none, body, None).await.unwrap().json().await.unwrap()
}

/// None while the index is not there.
pub async fn count_in_index(host: &str, index: &str) -> u64 {
    call(host, Method::Post, &format!("/{index}/_refresh"), json!({})).await;
    call(host, Method::Post, &format!("/{index}/_count"), json!({})).await["count"].as_u64().unwrap_or(0)
}

/// Everything in an index, page by page.
pub async fn in_index(host: &str, index: &str) -> Delivered {
    call(host, Method::Post, &format!("/{index}/_refresh"), json!({})).await;
    let query = json!({"size": 10000, "sort": ["_doc"]});
    let mut page = call(host, Method::Post, &format!("/{index}/_search?scroll=1m"), query).await;
    let mut delivered = Delivered::default();
    loop {
        let hits = page["hits"]["hits"].as_array().cloned().unwrap_or_default();
        if hits.is_empty() {
            return delivered;
        }
        for hit in &hits {
            let row = &hit["_source"];
            delivered.add(row["seq"].as_u64().unwrap(), row["payload"].as_str().unwrap());
        }
        let next = json!({"scroll": "1m", "scroll_id": page["_scroll_id"]});
        page = call(host, Method::Post, "/_search/scroll", next).await;
    }
}

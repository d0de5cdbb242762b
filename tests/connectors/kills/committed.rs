//! What a consumer sees that reads only what was committed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::PATIENCE;

/// Every value in a topic, sorted.
pub fn values(servers: &str, topic: &str) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "tests")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        // The end is told with an answer that is empty: of a topic that is written to none is, if it may wait for rows.
        .set("fetch.wait.max.ms", "10")
        .create()
        .unwrap();
    let start = Instant::now();
    // A broker that has just come back may not know yet.
    let partitions = loop {
        match consumer.fetch_metadata(Some(topic), PATIENCE) {
            Ok(metadata) => break metadata.topics().first().map_or(0, |topic| topic.partitions().len()) as i32,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{topic}: {error}"),
        }
    };
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut values, mut open) = (Vec::new(), (0..partitions).collect::<BTreeSet<_>>());
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                values.push(String::from_utf8(message.payload().unwrap_or_default().to_vec()).unwrap());
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => _ = open.remove(&partition),
            Some(Err(error)) => println!("reading {topic}: {error}"),
            None => {}
        }
        assert!(start.elapsed() < PATIENCE, "{topic} does not end");
    }
    values.sort_unstable();
    values
}

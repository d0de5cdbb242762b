//! What a consumer sees that reads only what was committed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{PATIENCE, config};

/// Every value in a topic, sorted.
pub fn values(topic: &str) -> Vec<String> {
    let consumer: BaseConsumer = config()
        .set("group.id", "tests")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len()) as i32;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut values, mut open) = (Vec::new(), (0..partitions).collect::<BTreeSet<_>>());
    let start = Instant::now();
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

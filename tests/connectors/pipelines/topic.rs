//! A topic as the tests see it: what to put into it, and all that is in it.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::job::{Job, pause};
use crate::kafka::{PATIENCE, config};

pub struct Topic {
    pub name: String,
}

/// A record without what the tests don't look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicRecord {
    pub partition: i32,
    pub key: Option<String>,
    pub value: Option<String>,
}

impl Topic {
    pub async fn create(self, partitions: i32) -> Self {
        let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
        let new = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        for made in admin.create_topics(&[new], &AdminOptions::new()).await.unwrap() {
            made.unwrap();
        }
        self
    }

    /// Appends values, each with its key, which decides the partition.
    pub fn send(&self, records: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) {
        let records = records.into_iter().map(|(key, value)| (key, Some(value)));
        self.send_or_delete(records);
    }

    /// The same with records without a value.
    pub fn send_or_delete(&self, records: impl IntoIterator<Item = (impl AsRef<str>, Option<impl AsRef<str>>)>) {
        let producer: BaseProducer = config().create().unwrap();
        for (key, value) in records {
            let mut record = BaseRecord::to(&self.name).key(key.as_ref());
            if let Some(value) = &value {
                record = record.payload(value.as_ref());
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Appends values to one partition.
    pub fn send_to(&self, partition: i32, values: impl IntoIterator<Item = impl AsRef<str>>) {
        let producer: BaseProducer = config().create().unwrap();
        for value in values {
            let record = BaseRecord::<(), _>::to(&self.name).partition(partition).payload(value.as_ref());
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    fn consumer(&self) -> BaseConsumer {
        config().set("group.id", "tests").set("enable.auto.commit", "false").create().unwrap()
    }

    /// Partition → how many records it has; empty while the topic doesn't exist.
    fn ends(&self, consumer: &BaseConsumer) -> Vec<i64> {
        let metadata = consumer.fetch_metadata(Some(&self.name), PATIENCE).unwrap();
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        (0..partitions as i32)
            .map(|p| consumer.fetch_watermarks(&self.name, p, PATIENCE).map_or(0, |(_, e)| e))
            .collect()
    }

    /// Waits until the topic exists.
    pub async fn exists(&self, job: &mut Job) {
        self.until(&mut [job], |ends| !ends.is_empty()).await;
    }

    /// Waits until the topic holds this many records.
    pub async fn holds(&self, count: usize, jobs: &mut [&mut Job]) {
        self.until(jobs, |ends| ends.iter().sum::<i64>() >= count as i64).await;
    }

    async fn until(&self, jobs: &mut [&mut Job], done: impl Fn(&[i64]) -> bool) {
        let (consumer, start) = (self.consumer(), Instant::now());
        loop {
            let ends = self.ends(&consumer);
            if done(&ends) {
                return;
            }
            for job in &mut *jobs {
                job.check();
            }
            let said: Vec<String> = jobs.iter().map(|job| job.said()).collect();
            assert!(start.elapsed() < PATIENCE, "topic {} ends at {ends:?}; {said:?}", self.name);
            pause().await;
        }
    }

    /// The values of everything that is in the topic now, partition by partition, each in its order.
    pub fn values(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.value.unwrap_or_default()).collect()
    }

    /// Everything that is in the topic now, partition by partition, each in its order.
    pub fn records(&self) -> Vec<TopicRecord> {
        let mut reader = self.reader(Offset::Beginning);
        let count = self.ends(&reader.consumer).iter().sum::<i64>();
        let mut records: Vec<TopicRecord> = (0..count).map(|_| reader.next_record()).collect();
        records.sort_by_key(|record| record.partition);
        records
    }

    /// A reader of what comes in its time.
    pub fn reader(&self, from: Offset) -> TopicReader {
        let consumer = self.consumer();
        let mut partitions = TopicPartitionList::new();
        for partition in 0..self.ends(&consumer).len() as i32 {
            partitions.add_partition_offset(&self.name, partition, from).unwrap();
        }
        consumer.assign(&partitions).unwrap();
        TopicReader { consumer }
    }
}

pub struct TopicReader {
    consumer: BaseConsumer,
}

impl TopicReader {
    /// The next value; waits for it.
    pub fn next(&mut self) -> String {
        self.next_record().value.unwrap_or_default()
    }

    fn next_record(&mut self) -> TopicRecord {
        let start = Instant::now();
        loop {
            if let Some(message) = self.consumer.poll(Duration::from_millis(100)) {
                let message = message.unwrap();
                let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
                let (key, value) = (text(message.key()), text(message.payload()));
                return TopicRecord { partition: message.partition(), key, value };
            }
            assert!(start.elapsed() < PATIENCE, "no record in time");
        }
    }
}

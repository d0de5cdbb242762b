//! Numbered rows that keep coming, whatever happens to the broker they go to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long a broker may be away before the load itself gives up.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often some rows are sent.
const BEAT: Duration = Duration::from_millis(20);

/// A thread that appends the rows 0, 1, 2 … to a topic until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// What every row says beside its number.
pub fn text(seq: u64) -> String {
    format!("row {seq} of the load")
}

fn admin(servers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", servers).create().unwrap()
}

pub async fn delete_topic(servers: &str, name: &str) {
    for deleted in admin(servers).delete_topics(&[name], &AdminOptions::new()).await.unwrap() {
        deleted.unwrap();
    }
}

/// Adds partitions until there are so many.
pub async fn add_partitions(servers: &str, topic: &str, partitions: usize) {
    let more = NewPartitions::new(topic, partitions);
    for added in admin(servers).create_partitions(&[more], &AdminOptions::new()).await.unwrap() {
        added.unwrap();
    }
}

/// Appends rows whose text is this many times an x.
pub fn fill(servers: &str, topic: &str, rows: u64, bytes: usize) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    let text = "x".repeat(bytes);
    for seq in 0..rows {
        send(&producer, topic, seq, &text);
    }
    producer.flush(PATIENCE).unwrap();
}

pub async fn create_topic(servers: &str, name: &str, partitions: i32, replicas: i32) {
    let new = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    for made in admin(servers).create_topics(&[new], &AdminOptions::new()).await.unwrap() {
        made.unwrap();
    }
}

impl Load {
    pub fn start(servers: &str, topic: &str, rows_per_second: u64) -> Self {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", PATIENCE.as_millis().to_string())
            .set("reconnect.backoff.max.ms", "1000")
            // A partition that is added gets its rows soon.
            .set("topic.metadata.refresh.interval.ms", "500")
            .create()
            .unwrap();
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, counter, topic) = (stop.clone(), sent.clone(), topic.to_string());
        let per_beat = (rows_per_second * BEAT.as_millis() as u64 / 1000).max(1);
        let thread = std::thread::spawn(move || {
            let mut seq = 0;
            while !told.load(Ordering::Relaxed) {
                for _ in 0..per_beat {
                    send(&producer, &topic, seq, &text(seq));
                    seq += 1;
                }
                counter.store(seq, Ordering::Relaxed);
                producer.poll(BEAT);
            }
            producer.flush(PATIENCE).unwrap();
        });
        Self { stop, sent, thread: Some(thread) }
    }

    /// Rows handed to the broker's client so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends it when the broker has everything; says how many rows there are.
    pub async fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        self.sent()
    }
}

fn send(producer: &BaseProducer, topic: &str, seq: u64, text: &str) {
    let value = format!("{{\"seq\":{seq},\"host\":{},\"payload\":\"{text}\"}}", seq % 10);
    let key = seq.to_string();
    let mut record = BaseRecord::to(topic).key(&key).payload(&value);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                record = again;
                producer.poll(BEAT);
            }
            Err((error, _)) => panic!("the load can't send: {error}"),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

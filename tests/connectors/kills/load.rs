//! Readings that keep coming, the same in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::kafka::{PATIENCE, config};
use crate::pipelines::readings::{Reading, readings};

/// How often some rows are sent.
const BEAT: Duration = Duration::from_millis(50);

/// A thread that appends readings to a topic until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<Vec<Reading>>>,
}

/// The readings from `first` on, in halves of a percent: sums are exact.
pub fn some(first: i64, count: i64) -> Vec<Reading> {
    let mut some = readings(first + count).split_off(first as usize);
    for reading in &mut some {
        reading.usage = reading.usage.map(|tenths| tenths / 10 * 10 + 5);
    }
    some
}

impl Load {
    pub fn start(topic: &str, rows_per_second: i64) -> Self {
        let producer: BaseProducer = config().set("enable.idempotence", "true").create().unwrap();
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, counter, topic) = (stop.clone(), sent.clone(), topic.to_string());
        let per_beat = (rows_per_second * BEAT.as_millis() as i64 / 1000).max(1);
        let thread = std::thread::spawn(move || {
            let mut all = Vec::new();
            while !told.load(Ordering::Relaxed) {
                for reading in some(all.len() as i64, per_beat) {
                    let (key, value) = reading.record();
                    let record = BaseRecord::to(&topic).key(key).payload(&value);
                    producer.send(record).map_err(|(error, _)| error).unwrap();
                    all.push(reading);
                }
                counter.store(all.len() as u64, Ordering::Relaxed);
                producer.poll(BEAT);
                std::thread::sleep(BEAT);
            }
            producer.flush(PATIENCE).unwrap();
            all
        });
        Self { stop, sent, thread: Some(thread) }
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends it when the broker has everything; gives all that was sent.
    pub async fn stop(&mut self) -> Vec<Reading> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is stopped once");
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

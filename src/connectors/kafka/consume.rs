//! Reading records in batches from librdkafka. This and [`super::answers`] are where the consumer side is `unsafe`.
//!
//! rdkafka's safe consumer makes an event and an `Arc` per record; `rd_kafka_consume_batch_queue` fills an array
//! instead and takes two thirds of the time. Three rules of librdkafka make that sound here:
//! - only records and consumer errors may be on the queue read this way (other replies abort the process). The client
//!   joins no group, commits nothing and asks nothing: [`super::cluster`] has a client of its own for that;
//! - log lines and errors stay on the client's main queue, which is served as events;
//! - messages and queues are given back before the client is destroyed.

use std::ffi::{CStr, c_char};
use std::ptr;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::bindings as rd;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::{RDKafkaRespErr, RDKafkaType};

use super::block::TimestampType;
use super::context::KafkaContext;
use super::properties::KafkaProperties;

/// Records taken from librdkafka in one call at most.
const CALL_RECORDS: usize = 1024;

/// What comes out of the queue for one partition.
pub enum Fetched<'a> {
    Record(RecordView<'a>),
    /// Everything up to this offset has been read; it may lie behind control records.
    EndOfPartition(i64),
    Error(RDKafkaErrorCode, String),
}

/// A record inside librdkafka's memory.
pub struct RecordView<'a>(&'a rd::rd_kafka_message_t);

/// A reference to a queue; whoever holds it gives it back before its client is destroyed.
#[derive(Clone, Copy)]
pub struct Queue(*mut rd::rd_kafka_queue_t);

// SAFETY: librdkafka's queues are behind locks of their own: any thread may use them, several at once.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

/// A consumer of assigned partitions.
pub struct BatchConsumer {
    client: Client<KafkaContext>,
    /// The consumer queue: records and consumer errors.
    queue: Queue,
    /// The main queue: log lines and client errors.
    events: Queue,
}

impl BatchConsumer {
    /// A consumer without partitions.
    pub fn open(properties: &KafkaProperties, context: KafkaContext) -> KafkaResult<Self> {
        let config = properties.config.create_native_config()?;
        // SAFETY: the configuration is alive and not yet owned by a client.
        unsafe { rd::rd_kafka_conf_set_events(config.ptr(), rd::RD_KAFKA_EVENT_ERROR) };
        let client = Client::new(&properties.config, config, RDKafkaType::RD_KAFKA_CONSUMER, context)?;
        // SAFETY: the client is alive; both calls return a reference of our own, which `drop` gives back.
        let (queue, events) =
            unsafe { (Queue(rd::rd_kafka_queue_get_consumer(client.native_ptr())), Queue::main(client.native_ptr())) };
        let consumer = Self { client, queue, events };
        if queue.0.is_null() || events.0.is_null() {
            return Err(KafkaError::ClientCreation("the consumer has no queue (is group.id blank?)".into()));
        }
        Ok(consumer)
    }

    /// Reads these partitions from the offsets in the list, instead of those before.
    pub fn assign(&self, partitions: &TopicPartitionList) -> KafkaResult<()> {
        // SAFETY: both pointers are alive during the call; librdkafka copies the list.
        let error = unsafe { rd::rd_kafka_assign(self.client.native_ptr(), partitions.ptr()) };
        match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            error => Err(KafkaError::Global(error.into())),
        }
    }

    /// Reads these partitions, too.
    pub fn assign_more(&self, partitions: &TopicPartitionList) -> KafkaResult<()> {
        // SAFETY: both pointers are alive during the call; librdkafka copies the list. The error is ours to destroy.
        unsafe {
            let error = rd::rd_kafka_incremental_assign(self.client.native_ptr(), partitions.ptr());
            if error.is_null() {
                return Ok(());
            }
            let code = rd::rd_kafka_error_code(error);
            rd::rd_kafka_error_destroy(error);
            Err(KafkaError::Global(code.into()))
        }
    }

    /// Fetches no more records of these partitions and forgets those that wait.
    pub fn pause(&self, partitions: &TopicPartitionList) -> KafkaResult<()> {
        // SAFETY: both pointers are alive during the call.
        let error = unsafe { rd::rd_kafka_pause_partitions(self.client.native_ptr(), partitions.ptr()) };
        match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            error => Err(KafkaError::PauseResume(RDKafkaErrorCode::from(error).to_string())),
        }
    }

    pub fn context(&self) -> &KafkaContext {
        self.client.context()
    }

    /// Hands over what is ready, at most `limit` records and `CALL_RECORDS`, with topic and partition; waits up to
    /// `wait` for the first record where nothing is. Returns how many there were.
    pub fn poll(&mut self, wait: Duration, limit: usize, mut each: impl FnMut(&CStr, i32, Fetched<'_>)) -> usize {
        self.serve_events();
        // A call that waits returns only when its array is full or the time is over: so wait for one, take what is ready.
        let limit = if wait.is_zero() { limit.clamp(1, CALL_RECORDS) } else { 1 };
        let wait_ms = wait.as_millis() as i32;
        let mut messages = [ptr::null_mut(); CALL_RECORDS];
        // SAFETY: the queue is alive and the array has room for `limit` pointers.
        let count = unsafe { rd::rd_kafka_consume_batch_queue(self.queue.0, wait_ms, messages.as_mut_ptr(), limit) };
        let count = usize::try_from(count).unwrap_or(0);
        for message in &messages[..count] {
            // SAFETY: librdkafka filled the first `count` pointers; each message is ours until it is destroyed, once, and
            // its topic lives as long. `each` can keep neither: it is to take whatever lifetime it is given.
            unsafe {
                let view = &**message;
                let topic = if view.rkt.is_null() { c"" } else { CStr::from_ptr(rd::rd_kafka_topic_name(view.rkt)) };
                each(topic, view.partition, fetched(view));
                rd::rd_kafka_message_destroy(*message);
            }
        }
        count
    }

    /// The end of a partition as last heard with its records, without asking.
    pub fn known_end(&self, topic: &CStr, partition: i32) -> Option<i64> {
        let (mut first, mut end) = (-1, -1);
        // SAFETY: the client is alive and the places to write to are ours.
        let error = unsafe {
            rd::rd_kafka_get_watermark_offsets(
                self.client.native_ptr(),
                topic.as_ptr(),
                partition,
                &mut first,
                &mut end,
            )
        };
        (error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && end >= 0).then_some(end)
    }

    /// First offset and end of a partition, asked from the broker.
    pub fn range(&self, topic: &str, partition: i32, timeout: Duration) -> KafkaResult<(i64, i64)> {
        self.client.fetch_watermarks(topic, partition, timeout)
    }

    /// How many partitions a topic has, asked from the broker.
    pub fn partition_count(&self, topic: &str, timeout: Duration) -> Option<i32> {
        let metadata = self.client.fetch_metadata(Some(topic), timeout).ok()?;
        let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none())?;
        i32::try_from(found.partitions().len()).ok()
    }

    /// Hears errors and log lines; doesn't wait.
    pub fn serve_events(&self) {
        // SAFETY: the queue is alive.
        unsafe { serve_events(self.events, self.client.context(), Duration::ZERO, |_| {}) };
    }
}

impl Drop for BatchConsumer {
    fn drop(&mut self) {
        // SAFETY: the references are ours and not used again. Closing is quick without a group, and must come before the
        // client is destroyed, which happens when its field is dropped.
        unsafe {
            self.queue.give_back();
            self.events.give_back();
            rd::rd_kafka_consumer_close(self.client.native_ptr());
        }
    }
}

/// Says in which leader epoch the record before the offset of a partition in the list was written: librdkafka then
/// asks the leader of now whether it has it.
pub fn set_leader_epoch(list: &mut TopicPartitionList, topic: &CStr, partition: i32, leader_epoch: i32) {
    // SAFETY: the list and the name are alive; a place that is found belongs to the list, which nobody else has.
    unsafe {
        let place = rd::rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), partition);
        if !place.is_null() {
            rd::rd_kafka_topic_partition_set_leader_epoch(place, leader_epoch);
        }
    }
}

impl Queue {
    /// The main queue of a client, or null.
    ///
    /// # Safety
    /// The client is alive.
    pub unsafe fn main(client: *mut rd::rd_kafka_t) -> Self {
        // SAFETY: the caller's promise; the reference is a new one.
        Self(unsafe { rd::rd_kafka_queue_get_main(client) })
    }

    /// # Safety
    /// Its client is alive, and neither this nor a copy of it is used again.
    pub unsafe fn give_back(self) {
        if !self.0.is_null() {
            // SAFETY: the caller's promise.
            unsafe { rd::rd_kafka_queue_destroy(self.0) };
        }
    }
}

/// # Safety
/// `message` came from the consumer queue and is not destroyed yet.
unsafe fn fetched(message: &rd::rd_kafka_message_t) -> Fetched<'_> {
    match message.err {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Fetched::Record(RecordView(message)),
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => Fetched::EndOfPartition(message.offset),
        error => {
            // SAFETY: of an error the payload is its text, which lives as long as the message.
            let text = unsafe { bytes(message.payload.cast(), message.len) };
            Fetched::Error(error.into(), String::from_utf8_lossy(text.unwrap_or_default()).into_owned())
        }
    }
}

impl RecordView<'_> {
    pub fn offset(&self) -> i64 {
        self.0.offset
    }

    pub fn key(&self) -> Option<&[u8]> {
        // SAFETY: librdkafka gives null or that many bytes, alive as long as the message.
        unsafe { bytes(self.0.key.cast(), self.0.key_len) }
    }

    pub fn value(&self) -> Option<&[u8]> {
        // SAFETY: as for `key`.
        unsafe { bytes(self.0.payload.cast(), self.0.len) }
    }

    /// Milliseconds since the epoch (-1: none) and what they mean.
    pub fn timestamp(&self) -> (i64, TimestampType) {
        use rd::rd_kafka_timestamp_type_t as Type;
        let mut kind = Type::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        let timestamp = unsafe { rd::rd_kafka_message_timestamp(self.0, &mut kind) };
        let kind = match kind {
            Type::RD_KAFKA_TIMESTAMP_CREATE_TIME => TimestampType::Create,
            Type::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => TimestampType::LogAppend,
            Type::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => TimestampType::None,
        };
        (timestamp, kind)
    }

    pub fn leader_epoch(&self) -> i32 {
        // SAFETY: the message is alive.
        unsafe { rd::rd_kafka_message_leader_epoch(self.0) }
    }

    /// Hands over key and value of every header.
    pub fn headers(&self, mut each: impl FnMut(&[u8], Option<&[u8]>)) {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive; it owns the headers it returns, and they own their keys and values.
        unsafe {
            let found = rd::rd_kafka_message_headers(self.0, &mut headers);
            if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            for i in 0..rd::rd_kafka_header_cnt(headers) {
                let (mut key, mut value, mut size) = (ptr::null(), ptr::null(), 0);
                rd::rd_kafka_header_get_all(headers, i, &mut key, &mut value, &mut size);
                each(CStr::from_ptr(key).to_bytes(), bytes(value.cast(), size));
            }
        }
    }
}

/// # Safety
/// `start` is null or points to `len` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(start, len) })
}

/// Takes events off a main queue: log lines and errors go to the context, the rest to `other`. Waits for the first one.
///
/// # Safety
/// The queue is alive. Events are alive during the call of `other` only.
pub unsafe fn serve_events(
    queue: Queue,
    context: &KafkaContext,
    wait: Duration,
    mut other: impl FnMut(*mut rd::rd_kafka_event_t),
) {
    let mut wait_ms = wait.as_millis() as i32;
    // SAFETY: an event is ours until it is destroyed, and so are the texts it points to.
    unsafe {
        loop {
            let event = rd::rd_kafka_queue_poll(queue.0, wait_ms);
            if event.is_null() {
                return;
            }
            wait_ms = 0;
            match rd::rd_kafka_event_type(event) {
                rd::RD_KAFKA_EVENT_LOG => {
                    let (mut facility, mut text, mut level): (*const c_char, *const c_char, _) =
                        (ptr::null(), ptr::null(), 0);
                    if rd::rd_kafka_event_log(event, &mut facility, &mut text, &mut level) == 0 {
                        context.log(log_level(level), &lossy(facility), &lossy(text));
                    }
                }
                rd::RD_KAFKA_EVENT_ERROR => {
                    let error = KafkaError::Global(rd::rd_kafka_event_error(event).into());
                    ClientContext::error(context, error, &lossy(rd::rd_kafka_event_error_string(event)));
                }
                _ => other(event),
            }
            rd::rd_kafka_event_destroy(event);
        }
    }
}

/// # Safety
/// `text` is null or a C string.
pub unsafe fn lossy(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        7 => RDKafkaLogLevel::Debug,
        6 => RDKafkaLogLevel::Info,
        5 => RDKafkaLogLevel::Notice,
        4 => RDKafkaLogLevel::Warning,
        _ => RDKafkaLogLevel::Error,
    }
}

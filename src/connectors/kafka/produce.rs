//! Handing records to librdkafka in batches. This and [`super::transaction`] are where the producer side is `unsafe`.
//!
//! `rd_kafka_produce_batch` takes an array of records in half the time of one call each; records with headers or a
//! timestamp go one by one. librdkafka copies keys and values, so nothing borrowed outlives a call. Successes are not
//! reported one by one: librdkafka counts what is in flight, and only failures come back as events.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::{RDKafkaRespErr, RDKafkaType};

use super::consume::{Queue, lossy, serve_events};
use super::context::{KafkaContext, code_words};
use super::properties::KafkaProperties;
use crate::error::{Error, Result};

/// Records given to librdkafka in one call at most.
const CALL_RECORDS: usize = 1024;
/// How long a flush waits before it takes in reports: with reports of every record it can't end without that.
const FLUSH_MS: i32 = 20;
/// How long a flush lasts that only sends.
const HURRY_MS: i32 = 2;
// Nothing has to be sent at once; it is being sent; and more has come since that began.
const CALM: u8 = 0;
const HURRYING: u8 = 1;
const HURRYING_ON: u8 = 2;
/// The partition is the partitioner's choice (`RD_KAFKA_PARTITION_UA`, a macro that has no binding).
const BY_KEY: i32 = -1;

/// A record to be sent. Without a partition the key decides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outgoing<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub partition: Option<i32>,
    pub tag: Tag,
}

/// By what a record is known when its delivery is reported; records without one are not asked after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tag(usize);

impl Tag {
    pub fn new(number: usize) -> Self {
        Self(number)
    }

    pub fn number(self) -> usize {
        self.0
    }

    /// The tag of the `i`-th record behind this one.
    pub fn nth(self, i: usize) -> Self {
        if self.0 == 0 { self } else { Self(self.0 + i) }
    }
}

/// What became of a record.
#[derive(Debug)]
pub struct Outcome {
    pub tag: Tag,
    /// Why it was not delivered.
    pub code: Option<RDKafkaErrorCode>,
    pub topic: String,
}

/// What only some records have.
#[derive(Debug, Default)]
pub struct Extras<'a> {
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
}

impl Extras<'_> {
    /// Bytes that the headers take in a record: names and values, each behind its length.
    pub fn wire_size(&self) -> usize {
        let sized = |bytes: usize| varint_size(bytes) + bytes;
        self.headers.iter().map(|(name, value)| sized(name.len()) + sized(value.map_or(0, <[u8]>::len))).sum()
    }
}

/// Bytes of a length as a zigzag varint. <https://protobuf.dev/programming-guides/encoding/#signed-ints>
fn varint_size(length: usize) -> usize {
    let bits = u64::BITS - ((length as u64) << 1 | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// A producer; cheap to clone, the clones are one.
#[derive(Clone)]
pub struct BatchProducer(Arc<Shared>);

struct Shared {
    client: Client<KafkaContext>,
    /// The main queue: log lines, errors and failed deliveries.
    events: Queue,
    topics: Mutex<HashMap<String, Topic>>,
    /// The first delivery that failed.
    failed: Mutex<Option<Failed>>,
    /// Reports of tagged records, not taken yet.
    outcomes: Mutex<Vec<Outcome>>,
    /// Whether records wait for company as long as the table says, whatever comes.
    lingers: bool,
    /// `CALM`, `HURRYING` or `HURRYING_ON`.
    hurry: AtomicU8,
}

/// A topic's handle.
#[derive(Clone, Copy)]
struct Topic(*mut rd::rd_kafka_topic_t);

// SAFETY: librdkafka's topics count references and are behind locks of their own: any thread may use them.
unsafe impl Send for Topic {}

#[derive(Clone)]
struct Failed {
    topic: String,
    code: RDKafkaErrorCode,
}

impl BatchProducer {
    /// A client; where it `reports`, [`BatchProducer::take_outcomes`] tells of every tagged record.
    pub fn open(properties: &KafkaProperties, context: KafkaContext, reports: bool) -> KafkaResult<Self> {
        let mut settings = properties.config.clone();
        settings.set("delivery.report.only.error", if reports { "false" } else { "true" });
        let config = settings.create_native_config()?;
        // SAFETY: the configuration is alive and not yet owned by a client.
        unsafe { rd::rd_kafka_conf_set_events(config.ptr(), rd::RD_KAFKA_EVENT_ERROR | rd::RD_KAFKA_EVENT_DR) };
        let client = Client::new(&settings, config, RDKafkaType::RD_KAFKA_PRODUCER, context)?;
        // SAFETY: the client is alive; the reference is ours and given back by `drop`.
        let events = unsafe { Queue::main(client.native_ptr()) };
        Ok(Self(Arc::new(Shared {
            client,
            events,
            topics: Mutex::default(),
            failed: Mutex::default(),
            outcomes: Mutex::default(),
            lingers: properties.lingers(),
            hurry: AtomicU8::new(CALM),
        })))
    }

    /// Gives records to the client, at most `CALL_RECORDS`, and says how many it took: fewer than there are where its
    /// buffer is full.
    ///
    /// # Errors
    /// A record that can never be sent, such as one that is too large.
    pub fn send<'a>(&self, topic: &str, records: impl Iterator<Item = Outgoing<'a>>) -> Result<usize> {
        let handle = self.topic(topic)?;
        let mut messages: Vec<_> = records.take(CALL_RECORDS).map(message).collect();
        // SAFETY: the topic and the array are alive during the call, and so is what the messages point to (`'a`).
        unsafe {
            rd::rd_kafka_produce_batch(
                handle.0,
                BY_KEY,
                rd::RD_KAFKA_MSG_F_COPY | rd::RD_KAFKA_MSG_F_PARTITION,
                messages.as_mut_ptr(),
                messages.len() as i32,
            );
        }
        for (i, message) in messages.iter().enumerate() {
            match message.err {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__QUEUE_FULL => return Ok(i),
                error => return Err(self.failure(topic, error.into())),
            }
        }
        Ok(messages.len())
    }

    /// Gives one record with headers or a timestamp to the client; false where its buffer is full.
    ///
    /// # Errors
    /// As for [`BatchProducer::send`].
    pub fn send_one(&self, topic: &str, record: Outgoing<'_>, extras: &Extras<'_>) -> Result<bool> {
        use rd::rd_kafka_vtype_t as Kind;
        let handle = self.topic(topic)?;
        let headers = if extras.headers.is_empty() { ptr::null_mut() } else { headers(&extras.headers) };
        let mut parts = vec![
            part(Kind::RD_KAFKA_VTYPE_RKT, |u| u.rkt = handle.0),
            part(Kind::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = record.partition.unwrap_or(BY_KEY)),
            part(Kind::RD_KAFKA_VTYPE_MSGFLAGS, |u| u.i = rd::RD_KAFKA_MSG_F_COPY),
            part(Kind::RD_KAFKA_VTYPE_VALUE, |u| u.mem = memory(record.value)),
            part(Kind::RD_KAFKA_VTYPE_KEY, |u| u.mem = memory(record.key)),
            part(Kind::RD_KAFKA_VTYPE_OPAQUE, |u| u.ptr = record.tag.0 as *mut c_void),
        ];
        if let Some(timestamp) = extras.timestamp {
            parts.push(part(Kind::RD_KAFKA_VTYPE_TIMESTAMP, |u| u.i64_ = timestamp));
        }
        if !headers.is_null() {
            parts.push(part(Kind::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers));
        }
        // SAFETY: everything the parts point to is alive during the call. On success librdkafka owns the headers, on
        // failure they stay ours; the error object is ours and destroyed once.
        let code = unsafe {
            let error = rd::rd_kafka_produceva(self.0.client.native_ptr(), parts.as_ptr(), parts.len());
            if error.is_null() {
                return Ok(true);
            }
            let code = rd::rd_kafka_error_code(error);
            rd::rd_kafka_error_destroy(error);
            if !headers.is_null() {
                rd::rd_kafka_headers_destroy(headers);
            }
            code
        };
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__QUEUE_FULL => Ok(false),
            code => Err(self.failure(topic, code.into())),
        }
    }

    /// Takes in what the client has to say; a failed delivery is an error from then on. Doesn't wait.
    pub fn check(&self) -> Result<()> {
        self.serve();
        let failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match failed {
            Some(failed) => Err(self.failure(&failed.topic, failed.code)),
            None => self.context().check(),
        }
    }

    /// Waits until every record is acknowledged or one has failed. Blocks the thread.
    pub fn flush(&self) -> Result<()> {
        while !self.flush_for_a_moment()? {}
        Ok(())
    }

    /// The same, but no longer than a moment: true where every record is acknowledged.
    pub fn flush_for_a_moment(&self) -> Result<bool> {
        // SAFETY: the client is alive.
        let left = unsafe { rd::rd_kafka_flush(self.native(), FLUSH_MS) };
        self.check()?;
        let flushed = left == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        if flushed {
            self.context().answered();
        }
        Ok(flushed)
    }

    /// Sends what waits for company, where the table doesn't say how long it should. Doesn't wait for it.
    ///
    /// librdkafka sends without delay while it is flushed, however short: a thread of the runtime does that, and once
    /// more where it is asked again meanwhile.
    pub fn hurry(&self) {
        let begins = |was| Some(if was == CALM { HURRYING } else { HURRYING_ON });
        if self.0.lingers || self.0.hurry.fetch_update(Ordering::AcqRel, Ordering::Acquire, begins) != Ok(CALM) {
            return;
        }
        let producer = self.clone();
        tokio::task::spawn_blocking(move || {
            loop {
                // SAFETY: the client is alive. Failures come to light by `check`.
                let _left = unsafe { rd::rd_kafka_flush(producer.native(), HURRY_MS) };
                let ends = |was| Some(if was == HURRYING_ON { HURRYING } else { CALM });
                if producer.0.hurry.fetch_update(Ordering::AcqRel, Ordering::Acquire, ends) != Ok(HURRYING_ON) {
                    return;
                }
            }
        });
    }

    /// Whether something is being sent that waited for company.
    #[cfg(test)]
    pub fn is_hurrying(&self) -> bool {
        self.0.hurry.load(Ordering::Acquire) != CALM
    }

    /// Gives up all that is not acknowledged.
    pub fn purge(&self) {
        // SAFETY: the client is alive.
        unsafe { rd::rd_kafka_purge(self.native(), rd::RD_KAFKA_PURGE_F_QUEUE | rd::RD_KAFKA_PURGE_F_INFLIGHT) };
        self.serve();
    }

    /// Why the first delivery that failed did so.
    pub fn first_failure(&self) -> Option<RDKafkaErrorCode> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|failed| failed.code)
    }

    /// The client, for calls of other files.
    pub(super) fn native(&self) -> *mut rd::rd_kafka_t {
        self.0.client.native_ptr()
    }

    /// Records not yet acknowledged, and failures not yet taken in.
    pub fn in_flight(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.0.client.native_ptr()) }).unwrap_or(0)
    }

    pub fn context(&self) -> &KafkaContext {
        self.0.client.context()
    }

    /// What became of tagged records since the last call.
    pub fn take_outcomes(&self) -> Vec<Outcome> {
        self.serve();
        std::mem::take(&mut *self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in what the client has to say; doesn't wait.
    pub fn serve(&self) {
        // SAFETY: the queue is alive, and the event during the call.
        unsafe {
            serve_events(self.0.events, self.context(), Duration::ZERO, |event| self.on_deliveries(event));
        }
    }

    /// # Safety
    /// The event is alive.
    unsafe fn on_deliveries(&self, event: *mut rd::rd_kafka_event_t) {
        // SAFETY: the messages belong to the event.
        unsafe {
            loop {
                let message = rd::rd_kafka_event_message_next(event);
                if message.is_null() {
                    return;
                }
                let delivered = (*message).err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
                if !delivered {
                    self.context().count_error();
                }
                let tag = Tag((*message)._private as usize);
                if tag != Tag::default() {
                    let code = (!delivered).then(|| (*message).err.into());
                    let topic = if delivered { String::new() } else { lossy(rd::rd_kafka_topic_name((*message).rkt)) };
                    let mut outcomes = self.0.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    outcomes.push(Outcome { tag, code, topic });
                } else if !delivered {
                    let topic = lossy(rd::rd_kafka_topic_name((*message).rkt));
                    let code = (*message).err.into();
                    let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.get_or_insert(Failed { topic, code });
                }
            }
        }
    }

    fn topic(&self, name: &str) -> Result<Topic> {
        let mut topics = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name) {
            return Ok(*topic);
        }
        let invalid = || Error::data(format!("'{name}' is not a name that a topic can have"));
        let c_name = CString::new(name).map_err(|_| invalid())?;
        // SAFETY: the client and the name are alive; null settings are the client's defaults.
        let handle = unsafe { rd::rd_kafka_topic_new(self.0.client.native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if handle.is_null() {
            return Err(invalid());
        }
        topics.insert(name.to_string(), Topic(handle));
        Ok(Topic(handle))
    }

    /// `cannot write to topic "t": message size too large`, with what to do.
    pub fn failure(&self, topic: &str, code: RDKafkaErrorCode) -> Error {
        let message = format!("cannot write to topic \"{topic}\": {}", code_words(code));
        match code {
            RDKafkaErrorCode::MessageSizeTooLarge => too_large(topic),
            RDKafkaErrorCode::MessageTimedOut => {
                let lost =
                    self.context().failure("No broker acknowledged it in time", &KafkaError::MessageProduction(code));
                Error::external(message)
                    .with_detail(format!("{}.", lost.message()))
                    .with_hint("'properties.delivery.timeout.ms' says how long a record may wait.")
            }
            RDKafkaErrorCode::TopicAuthorizationFailed => {
                Error::external(message).with_hint("The user of the table needs the right to write to the topic.")
            }
            _ => Error::external(message),
        }
    }
}

/// The error for a record that is refused for its size.
pub fn too_large(topic: &str) -> Error {
    let why = code_words(RDKafkaErrorCode::MessageSizeTooLarge);
    Error::data(format!("cannot write to topic \"{topic}\": {why}")).with_hint(
        "Raise 'properties.max.request.size' of the table and max.message.bytes of the topic, or write smaller rows.",
    )
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handles any more; what is still in flight is given up before the client is
        // destroyed, which happens when its field is dropped.
        unsafe {
            rd::rd_kafka_purge(self.client.native_ptr(), rd::RD_KAFKA_PURGE_F_QUEUE | rd::RD_KAFKA_PURGE_F_INFLIGHT);
            serve_events(self.events, self.client.context(), Duration::ZERO, |_| {});
            for topic in self.topics.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
                rd::rd_kafka_topic_destroy(topic.0);
            }
            self.events.give_back();
        }
    }
}

fn message(record: Outgoing<'_>) -> rd::rd_kafka_message_t {
    let (key, value) = (memory(record.key), memory(record.value));
    rd::rd_kafka_message_t {
        err: RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
        rkt: ptr::null_mut(),
        partition: record.partition.unwrap_or(BY_KEY),
        payload: value.ptr,
        len: value.size,
        key: key.ptr,
        key_len: key.size,
        offset: 0,
        _private: record.tag.0 as *mut c_void,
    }
}

/// Null stays null; librdkafka only reads what it points to.
fn memory(bytes: Option<&[u8]>) -> rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    let (ptr, size) = bytes.map_or((ptr::null_mut(), 0), |b| (b.as_ptr() as *mut c_void, b.len()));
    rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size }
}

fn part(vtype: rd::rd_kafka_vtype_t, set: impl FnOnce(&mut rd::rd_kafka_vu_s__bindgen_ty_1)) -> rd::rd_kafka_vu_t {
    let mut u = rd::rd_kafka_vu_s__bindgen_ty_1 { _pad: [0; 64] };
    set(&mut u);
    rd::rd_kafka_vu_t { vtype, u }
}

/// A copy of the headers that librdkafka owns once it takes the record.
fn headers(headers: &[(&str, Option<&[u8]>)]) -> *mut rd::rd_kafka_headers_t {
    // SAFETY: names and values are alive during the calls, which copy them; sizes are theirs.
    unsafe {
        let list = rd::rd_kafka_headers_new(headers.len());
        for (name, value) in headers {
            let value = memory(*value);
            rd::rd_kafka_header_add(list, name.as_ptr().cast(), name.len() as isize, value.ptr, value.size as isize);
        }
        list
    }
}

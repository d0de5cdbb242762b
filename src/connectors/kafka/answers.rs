//! Answers that rdkafka has no call for, none that gives back what it takes, or one for a client of its own alone: all notes
//! of a consumer group (the offsets that it has committed, with the text that stands beside each), the id of the cluster,
//! the settings of a topic.
//!
//! `unsafe` for the calls of librdkafka. They rely on a client that lives as long as the call; what librdkafka makes for a
//! call is ours, and destroyed by the function that its header names for it; what a result points to lives as long as its
//! event, and is copied before.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::consume::lossy;

/// An offset and what was left beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub topic: Arc<str>,
    pub partition: i32,
    /// Negative where there is none.
    pub offset: i64,
    pub text: String,
}

/// What of librdkafka is ours to destroy.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it was made by the call that this function belongs to, and nobody else has it.
            unsafe { self.1(self.0) }
        }
    }
}

/// The id of the cluster; `None` where it has none, or none was heard of in time. Blocks. rdkafka's own call never gives the
/// text back.
pub fn cluster_id<C: ConsumerContext>(consumer: &BaseConsumer<C>, patience: Duration) -> Option<String> {
    // SAFETY: the client outlives the call; the text is null or a copy of our own with a zero byte at its end, which is
    // copied before it is given back, once.
    unsafe {
        let client = consumer.client().native_ptr();
        let text = rd::rd_kafka_clusterid(client, millis(patience));
        if text.is_null() {
            return None;
        }
        let id = lossy(text);
        rd::rd_kafka_mem_free(client, text.cast());
        Some(id)
    }
}

/// All notes of a group; rdkafka asks only for partitions that are named. `stable`: as
/// [`Cluster::notes`](super::cluster::Cluster::notes). Blocks.
pub fn notes_of_group<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    group: &CStr,
    stable: bool,
    patience: Duration,
) -> Result<Vec<Note>, KafkaError> {
    // SAFETY: the client outlives the call; what is made here is destroyed by its own function when it is left; the group
    // is copied; the result and its list live as long as the event.
    unsafe {
        let client = consumer.client().native_ptr();
        let list = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
        let question = Question::new(client, list, patience)?;
        let refused = rd::rd_kafka_AdminOptions_set_require_stable_offsets(question.options.0, i32::from(stable));
        let refused = Owned(refused, rd::rd_kafka_error_destroy);
        if !refused.0.is_null() {
            failed(rd::rd_kafka_error_code(refused.0))?;
        }
        let all = rd::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), std::ptr::null());
        let mut all = Owned(all, rd::rd_kafka_ListConsumerGroupOffsets_destroy);
        rd::rd_kafka_ListConsumerGroupOffsets(client, &mut all.0, 1, question.options.0, question.queue.0);
        let (_event, result) = question.answer(rd::rd_kafka_event_ListConsumerGroupOffsets_result)?;
        let mut count = 0;
        let groups = rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count);
        let mut notes = Vec::new();
        for i in 0..count {
            let of_group = *groups.add(i);
            let error = rd::rd_kafka_group_result_error(of_group);
            if !error.is_null() {
                failed(rd::rd_kafka_error_code(error))?;
            }
            let list = rd::rd_kafka_group_result_partitions(of_group);
            if !list.is_null() {
                notes.extend(notes_of_native(list)?);
            }
        }
        Ok(notes)
    }
}

/// The settings of a topic, by name. Blocks. rdkafka asks through a client that it makes for that, whose thread takes a tenth
/// of a second to end.
pub fn topic_settings<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &CStr,
    patience: Duration,
) -> Result<HashMap<String, String>, KafkaError> {
    // SAFETY: the client outlives the call; what is made here is destroyed by its own function when it is left; the name is
    // copied; the result, its resources and their entries live as long as the event.
    unsafe {
        let client = consumer.client().native_ptr();
        let question = Question::new(client, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, patience)?;
        let kind = rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
        let resource = rd::rd_kafka_ConfigResource_new(kind, topic.as_ptr());
        let mut resource = Owned(resource, rd::rd_kafka_ConfigResource_destroy);
        if resource.0.is_null() {
            return Err(KafkaError::Global(RDKafkaErrorCode::InvalidArgument));
        }
        rd::rd_kafka_DescribeConfigs(client, &mut resource.0, 1, question.options.0, question.queue.0);
        let (_event, result) = question.answer(rd::rd_kafka_event_DescribeConfigs_result)?;
        let mut count = 0;
        let resources = rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count);
        let mut settings = HashMap::new();
        for i in 0..count {
            let found = *resources.add(i);
            failed(rd::rd_kafka_ConfigResource_error(found))?;
            let mut entries = 0;
            let first = rd::rd_kafka_ConfigResource_configs(found, &mut entries);
            for j in 0..entries {
                let entry = *first.add(j);
                let (name, value) = (rd::rd_kafka_ConfigEntry_name(entry), rd::rd_kafka_ConfigEntry_value(entry));
                if !name.is_null() && !value.is_null() {
                    settings.insert(lossy(name), lossy(value));
                }
            }
        }
        Ok(settings)
    }
}

fn failed(code: rd::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    match RDKafkaErrorCode::from(code) {
        RDKafkaErrorCode::NoError => Ok(()),
        code => Err(KafkaError::Global(code)),
    }
}

/// What a question to the brokers needs: its options, and a queue for the answer.
struct Question {
    options: Owned<rd::rd_kafka_AdminOptions_t>,
    queue: Owned<rd::rd_kafka_queue_t>,
    deadline: Instant,
}

impl Question {
    /// # Safety
    /// The client is alive, and outlives the question.
    unsafe fn new(
        client: *mut rd::rd_kafka_t,
        kind: rd::rd_kafka_admin_op_t,
        patience: Duration,
    ) -> Result<Self, KafkaError> {
        let mut text = [0 as c_char; 256];
        // SAFETY: the caller's promise; the buffer is as long as is said.
        unsafe {
            let options = Owned(rd::rd_kafka_AdminOptions_new(client, kind), rd::rd_kafka_AdminOptions_destroy);
            failed(rd::rd_kafka_AdminOptions_set_request_timeout(
                options.0,
                millis(patience),
                text.as_mut_ptr(),
                text.len(),
            ))?;
            let queue = Owned(rd::rd_kafka_queue_new(client), rd::rd_kafka_queue_destroy);
            Ok(Self { options, queue, deadline: Instant::now() + patience + Duration::from_millis(500) })
        }
    }

    /// Waits for the event that `result` takes for its own, and gives both: the result lives as long as the event.
    ///
    /// # Safety
    /// `result` is one of librdkafka's functions that give the result in an event, or null for one of another kind.
    unsafe fn answer<R>(
        &self,
        result: unsafe extern "C" fn(*mut rd::rd_kafka_event_t) -> *const R,
    ) -> Result<(Owned<rd::rd_kafka_event_t>, *const R), KafkaError> {
        loop {
            let left = millis(self.deadline.saturating_duration_since(Instant::now()));
            // SAFETY: the queue is ours; so is an event that it gives, until it is destroyed.
            unsafe {
                let event = Owned(rd::rd_kafka_queue_poll(self.queue.0, left), rd::rd_kafka_event_destroy);
                if event.0.is_null() {
                    return Err(KafkaError::Global(RDKafkaErrorCode::OperationTimedOut));
                }
                let found = result(event.0);
                if !found.is_null() {
                    failed(rd::rd_kafka_event_error(event.0))?;
                    return Ok((event, found));
                }
            }
        }
    }
}

/// Notes of a list.
#[cfg(test)]
pub fn notes_of_list(list: &rdkafka::TopicPartitionList) -> Result<Vec<Note>, KafkaError> {
    // SAFETY: the list is alive.
    unsafe { notes_of_native(list.ptr()) }
}

/// Notes of a list; rdkafka's own way to the text panics where it isn't UTF-8.
///
/// # Safety
/// The list is alive.
unsafe fn notes_of_native(list: *const rd::rd_kafka_topic_partition_list_t) -> Result<Vec<Note>, KafkaError> {
    // SAFETY: the caller's promise: it has as many elements as it says, each with its topic, and its text or null.
    let elements = unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        (0..count).map(|i| &*(*list).elems.add(i)).collect::<Vec<_>>()
    };
    let note = |element: &rd::rd_kafka_topic_partition_t| match RDKafkaErrorCode::from(element.err) {
        RDKafkaErrorCode::NoError => {
            // SAFETY: as above.
            let (topic, text) = unsafe {
                let text = match element.metadata.is_null() {
                    true => &[][..],
                    false => std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size),
                };
                (lossy(element.topic), String::from_utf8_lossy(text).into_owned())
            };
            Ok(Note { topic: topic.into(), partition: element.partition, offset: element.offset, text })
        }
        code => Err(KafkaError::Global(code)),
    };
    elements.into_iter().map(note).collect()
}

fn millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
}

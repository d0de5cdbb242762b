//! What a topic itself asks of records: how large they may be, and whether each needs a key.

use std::collections::HashMap;

/// Settings of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSettings {
    /// `max.message.bytes`, which bounds a set of records, too: the Java client splits a set that is refused for its
    /// size, librdkafka fails it.
    pub max_message_bytes: usize,
    /// It is compacted, and takes no record without a key.
    pub compacts: bool,
}

impl TopicSettings {
    /// Of all settings of a topic, by name; none where brokers say less.
    pub fn of(settings: &HashMap<String, String>) -> Option<Self> {
        Some(Self {
            max_message_bytes: settings.get("max.message.bytes")?.parse().ok()?,
            compacts: settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
        })
    }
}

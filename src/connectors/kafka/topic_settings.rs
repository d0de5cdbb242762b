//! What a topic itself asks of records: how large they may be, and whether each needs a key.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};

use super::context::KafkaContext;
use super::properties::KafkaProperties;
use crate::connectors::Reporter;

/// How long to ask for a topic's settings, without which writing works, too.
const TIMEOUT: Duration = Duration::from_secs(5);

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
    /// Asks the brokers; nothing where we may not ask.
    pub async fn ask(lookup: &KafkaProperties, topic: &str) -> Option<Self> {
        let properties = lookup.loaded().ok()?;
        let heard = KafkaContext::new(&properties, Reporter::silent(), Arc::default());
        let admin: AdminClient<KafkaContext> = properties.config.create_with_context(heard).ok()?;
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let asked = admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &options).await;
        let found = asked.ok()?.into_iter().next()?.ok()?;
        let text = |name| found.get(name).and_then(|entry| entry.value.clone());
        Some(Self {
            max_message_bytes: text("max.message.bytes")?.parse().ok()?,
            compacts: text("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
        })
    }
}

//! The sink of a kafka table: which topic rows go to, and how.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use tokio::sync::OnceCell;

use super::cluster::{Cluster, settings_error};
use super::columns::{MetadataOrigin, RecordColumns};
use super::context::KafkaContext;
use super::metadata::Metadata;
use super::options::{DeliveryGuarantee, KafkaOptions, Partitioner, Topics, group_id, topic_regex};
use super::produce::BatchProducer;
use super::properties::{KafkaProperties, Role};
use super::writer::{KafkaSinkWriter, Partitioning, TargetTopic, WriterParts};
use crate::connectors::{ChangelogSupport, OpenContext, Reporter, Sink, SinkWriter, TableDescriptor};
use crate::error::{Error, Result};
use crate::formats::Encoder;

/// How long to ask for a topic's settings, without which writing works, too.
const LIMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes rows to a topic, or to the topics a column names.
pub struct KafkaSink {
    options: KafkaOptions,
    properties: KafkaProperties,
    /// For the client that looks topics up.
    lookup: KafkaProperties,
    columns: RecordColumns,
    physical: usize,
    partitioner: Partitioner,
    guarantee: DeliveryGuarantee,
    parallelism: Option<usize>,
    /// The topic's `max.message.bytes`, asked once for all writers.
    topic_limit: OnceCell<usize>,
}

impl KafkaSink {
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let options = KafkaOptions::check(table)?;
        let columns = RecordColumns::check(table, &options.options)?;
        Self::of(table, options, columns)
    }

    /// The same with options and columns given.
    pub fn of(table: &TableDescriptor, options: KafkaOptions, columns: RecordColumns) -> Result<Self> {
        columns.value.format.encoding(&columns.value.schema)?;
        if let Some(key) = &columns.key {
            key.format.encoding(&key.schema)?;
        }
        let by_column = columns.metadata.contains(&(MetadataOrigin::Record(Metadata::Topic), false));
        if !by_column && !matches!(&options.topics, Topics::List(topics) if topics.len() == 1) {
            let error = options.options.invalid("topic", "a sink writes to one topic");
            return Err(error.with_hint(
                "To choose a topic for each row among several, declare a column `topic` STRING NOT NULL METADATA.",
            ));
        }
        let is_read_only = |origin: &MetadataOrigin| !matches!(origin, MetadataOrigin::Record(m) if m.is_writable());
        let mut metadata = table.metadata.iter().zip(&columns.metadata);
        if let Some((column, _)) = metadata.find(|(_, (origin, is_virtual))| !is_virtual && is_read_only(origin)) {
            let error = format!("{} can't write the metadata '{}'", table.owner(), column.key);
            return Err(Error::statement(error).with_hint("Declare the column as METADATA VIRTUAL."));
        }
        let group = group_id(&table.options, &table.name);
        Ok(Self {
            partitioner: options.partitioner()?,
            guarantee: options.delivery_guarantee()?,
            parallelism: options.parallelism("sink.parallelism")?,
            properties: KafkaProperties::build(&options.options, Role::Producer, &group)?,
            lookup: KafkaProperties::build(&options.options, Role::Consumer, &group)?,
            physical: table.columns.len(),
            options,
            columns,
            topic_limit: OnceCell::new(),
        })
    }

    /// The topic, or the rule for topics that rows name.
    fn target(&self) -> Result<TargetTopic> {
        Ok(match &self.options.topics {
            Topics::List(topics) => match topics.as_slice() {
                [topic] => TargetTopic::One(topic.clone()),
                topics => TargetTopic::OneOf(topics.to_vec()),
            },
            Topics::Pattern(pattern) => TargetTopic::Like(topic_regex(pattern).map_err(Error::statement)?),
        })
    }

    /// Waits for the broker, makes sure that the topics are there, and says how many partitions the (first) one has.
    async fn partition_count(&self, context: &OpenContext) -> Result<i32> {
        let cluster = Cluster::connect(&self.lookup, self.options.connection_timeout, context)?;
        let Topics::List(topics) = self.options.topics.clone() else {
            return cluster.ask(|cluster| cluster.check()).await.map(|()| 1);
        };
        let counts = cluster
            .ask(move |cluster| topics.iter().map(|topic| cluster.partition_count(topic)).collect::<Result<Vec<_>>>());
        Ok(counts.await?.first().copied().unwrap_or(1))
    }
}

#[async_trait]
impl Sink for KafkaSink {
    fn changelog_support(&self) -> ChangelogSupport {
        match self.columns.value.format.has_changes() {
            true => ChangelogSupport::All,
            false => ChangelogSupport::InsertOnly,
        }
    }

    fn describe(&self) -> String {
        let topics = match &self.options.topics {
            Topics::List(topics) => format!("topic={}", topics.join(";")),
            Topics::Pattern(pattern) => format!("topic-pattern={pattern}"),
        };
        let guarantee = self.options.options.text("sink.delivery-guarantee").unwrap_or_default();
        format!("{topics}, delivery-guarantee={guarantee}")
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let value = self.columns.value.format.encoding(&self.columns.value.schema)?.encoder()?;
        Ok(Box::new(self.writer(value, context).await?))
    }
}

impl KafkaSink {
    /// A writer whose values `value` encodes.
    pub async fn writer(&self, value: Box<dyn Encoder>, context: &OpenContext) -> Result<KafkaSinkWriter> {
        let partitions = self.partition_count(context).await?.max(1);
        let mut properties = self.properties.loaded()?;
        if let Some(bytes) = self.topic_limit().await {
            properties.limit_batches(bytes);
        }
        let heard = KafkaContext::new(&properties, context.reporter.clone(), context.metrics.clone());
        let producer = BatchProducer::open(&properties, heard.clone(), context.may_reject)
            .map_err(|error| settings_error(&heard, &error))?;
        let subtask = i32::try_from(context.subtask).unwrap_or(0);
        let key = match &self.columns.key {
            Some(key) => Some((key.columns.clone(), key.format.encoding(&key.schema)?.encoder()?)),
            None => None,
        };
        Ok(KafkaSinkWriter::new(WriterParts {
            producer,
            target: self.target()?,
            value: (self.columns.value.columns.clone(), value),
            key,
            metadata: self.written_metadata(),
            partitioning: match self.partitioner {
                Partitioner::Default => Partitioning::ByKey,
                Partitioner::Fixed => Partitioning::Fixed(subtask % partitions),
                Partitioner::RoundRobin => Partitioning::RoundRobin { next: subtask % partitions, partitions },
            },
            guarantee: self.guarantee,
            metrics: context.metrics.clone(),
            message_bytes: self.properties.message_bytes(),
            errors: context.errors.clone(),
        }))
    }

    /// `max.message.bytes` of the topic, which bounds a set of records, too: the Java client splits a set that is refused
    /// for its size, librdkafka fails it. Unknown where we may not ask.
    async fn topic_limit(&self) -> Option<usize> {
        let ask = || async { self.ask_topic_limit().await.ok_or(()) };
        self.topic_limit.get_or_try_init(ask).await.ok().copied()
    }

    async fn ask_topic_limit(&self) -> Option<usize> {
        let Topics::List(topics) = &self.options.topics else { return None };
        let topic = topics.first()?;
        let properties = self.lookup.loaded().ok()?;
        let heard = KafkaContext::new(&properties, Reporter::silent(), Arc::default());
        let admin: AdminClient<KafkaContext> = properties.config.create_with_context(heard).ok()?;
        let options = AdminOptions::new().request_timeout(Some(LIMIT_TIMEOUT));
        let asked = admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &options).await;
        let found = asked.ok()?.into_iter().next()?.ok()?;
        found.get("max.message.bytes")?.value.as_ref()?.parse().ok()
    }

    pub fn columns(&self) -> &RecordColumns {
        &self.columns
    }

    /// The metadata that rows bring, with the column each is in.
    fn written_metadata(&self) -> Vec<(Metadata, usize)> {
        let written = self.columns.metadata.iter().filter_map(|(origin, is_virtual)| match origin {
            MetadataOrigin::Record(metadata) if !is_virtual => Some(*metadata),
            _ => None,
        });
        written.enumerate().map(|(i, metadata)| (metadata, self.physical + i)).collect()
    }
}

impl std::fmt::Debug for KafkaSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KafkaSink({})", Sink::describe(self))
    }
}

//! The sink of a kafka table: which topic rows go to, and how.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::cluster::{Cluster, settings_error};
use super::columns::{MetadataOrigin, RecordColumns};
use super::context::KafkaContext;
use super::epochs::{KafkaTarget, KafkaTargetTable};
use super::metadata::Metadata;
use super::options::{DeliveryGuarantee, KafkaOptions, Partitioner, Topics, group_id, topic_regex};
use super::output::Output;
use super::produce::BatchProducer;
use super::properties::{KafkaProperties, Role};
use super::topic_settings::TopicSettings;
use super::writer::{KafkaSinkWriter, Partitioning, RecordLimits, TargetTopic, WriterParts};
use crate::connectors::{
    ChangelogSupport, Guarantee, OpenContext, Sink, SinkTarget, SinkWriter, TableDescriptor, WriterEpochs,
};
use crate::error::{Error, Result};
use crate::formats::Encoder;

/// What a broker's own part of a set of records takes.
const SET_OVERHEAD: usize = 61;

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
    /// Where epochs are published.
    target: Option<SinkTarget>,
    /// The topic's settings, asked once for all writers.
    topic_settings: OnceCell<TopicSettings>,
    /// The client that has asked whether the brokers are there, until a writer is opened.
    checked: Mutex<Option<Cluster>>,
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
        let properties = KafkaProperties::build(&options.options, Role::Producer, &group)?;
        let lookup = KafkaProperties::build(&options.options, Role::Consumer, &group)?;
        let guarantee = options.delivery_guarantee()?;
        let target = match (guarantee, options.transactional_id_prefix()) {
            (DeliveryGuarantee::ExactlyOnce, Some(prefix)) => {
                properties.check_transactional(&options.options)?;
                let of_table = KafkaTargetTable {
                    owner: table.owner(),
                    topics: options.topics.clone(),
                    properties: properties.clone(),
                    lookup: lookup.clone(),
                    connection_timeout: options.connection_timeout,
                };
                let target = KafkaTarget::new(&properties, prefix);
                Some(SinkTarget { target: Arc::new(target), table: Arc::new(of_table) })
            }
            _ => None,
        };
        Ok(Self {
            partitioner: options.partitioner()?,
            guarantee,
            parallelism: options.parallelism("sink.parallelism")?,
            properties,
            lookup,
            physical: table.columns.len(),
            options,
            columns,
            target,
            topic_settings: OnceCell::new(),
            checked: Mutex::default(),
        })
    }

    /// The topic, or the rule for topics that rows name.
    fn topic(&self) -> Result<TargetTopic> {
        Ok(match &self.options.topics {
            Topics::List(topics) => match topics.as_slice() {
                [topic] => TargetTopic::One(topic.clone()),
                topics => TargetTopic::OneOf(topics.to_vec()),
            },
            Topics::Pattern(pattern) => TargetTopic::Like(topic_regex(pattern).map_err(Error::statement)?),
        })
    }

    /// Waits for the broker, makes sure that the topics are there, and says how many partitions the (first) one has, and
    /// its settings; these are unknown where we may not ask.
    async fn place(&self, context: &OpenContext) -> Result<(i32, Option<TopicSettings>)> {
        let cluster = match self.checked(context) {
            Some(cluster) => cluster,
            None => Cluster::connect(&self.lookup, self.options.connection_timeout, context)?,
        };
        let Topics::List(topics) = self.options.topics.clone() else {
            return cluster.ask(|cluster| cluster.check()).await.map(|()| (1, None));
        };
        let first = topics.first().cloned();
        let counts = cluster
            .ask(move |cluster| topics.iter().map(|topic| cluster.partition_count(topic)).collect::<Result<Vec<_>>>());
        let count = counts.await?.first().copied().unwrap_or(1);
        let settings = || async {
            let Some(topic) = first else { return Err(()) };
            let asked = cluster.ask(move |cluster| Ok(cluster.topic_settings(&topic))).await;
            asked.ok().flatten().ok_or(())
        };
        Ok((count, self.topic_settings.get_or_try_init(settings).await.ok().copied()))
    }

    /// The client that looked at the brokers first. Its connection serves all subtasks, and ends with the last of them.
    fn checked(&self, context: &OpenContext) -> Option<Cluster> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if context.subtask + 1 == context.parallelism { checked.take() } else { checked.clone() }
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

    fn guarantee(&self) -> Guarantee {
        match self.guarantee {
            DeliveryGuarantee::None => Guarantee::None,
            DeliveryGuarantee::AtLeastOnce => Guarantee::AtLeastOnce,
            DeliveryGuarantee::ExactlyOnce => Guarantee::ExactlyOnce,
        }
    }

    fn target(&self) -> Option<SinkTarget> {
        self.target.clone()
    }

    /// Whether brokers answer and let us in: a topic that isn't there may be made by asking for it.
    async fn check(&self, _exactly_once: bool, context: &OpenContext) -> Result<()> {
        let cluster = Cluster::connect(&self.lookup, self.options.connection_timeout, context)?;
        cluster.ask(Cluster::check).await?;
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(cluster);
        Ok(())
    }

    async fn open(&self, context: &OpenContext) -> Result<Box<dyn SinkWriter>> {
        let value = self.columns.value.format.encoding(&self.columns.value.schema)?.encoder()?;
        Ok(Box::new(self.writer(value, context).await?))
    }
}

impl KafkaSink {
    /// A writer whose values `value` encodes.
    pub async fn writer(&self, value: Box<dyn Encoder>, context: &OpenContext) -> Result<KafkaSinkWriter> {
        let epochs = self.epochs(context)?;
        let (partitions, settings) = self.place(context).await?;
        let partitions = partitions.max(1);
        let output = match epochs {
            Some(epochs) => Output::of_epochs(epochs),
            None => Output::Direct(self.producer(settings, context)?),
        };
        let subtask = i32::try_from(context.subtask).unwrap_or(0);
        let key = match &self.columns.key {
            Some(key) => Some((key.columns.clone(), key.format.encoding(&key.schema)?.encoder()?)),
            None => None,
        };
        Ok(KafkaSinkWriter::new(WriterParts {
            limits: self.limits(settings.filter(|_| matches!(output, Output::Epochs(_)))),
            output,
            target: self.topic()?,
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
            errors: context.errors.clone(),
        }))
    }

    /// What exactly-once needs of the job.
    fn epochs(&self, context: &OpenContext) -> Result<Option<WriterEpochs>> {
        if self.guarantee == DeliveryGuarantee::ExactlyOnce && context.epochs.is_none() {
            let key = "sink.delivery-guarantee";
            let why = "'exactly-once' needs checkpoints, and the job takes none";
            let hint = "SET 'execution.checkpointing.interval' = '1s', or take 'at-least-once'.";
            return Err(self.options.options.invalid(key, why).with_hint(hint));
        }
        Ok(context.epochs.clone())
    }

    fn producer(&self, settings: Option<TopicSettings>, context: &OpenContext) -> Result<BatchProducer> {
        let mut properties = self.properties.loaded()?;
        if let Some(settings) = settings {
            properties.limit_batches(settings.max_message_bytes);
        }
        let heard = KafkaContext::new(&properties, context.reporter.clone(), context.metrics.clone());
        BatchProducer::open(&properties, heard.clone(), context.may_reject)
            .map_err(|error| settings_error(&heard, &error))
    }

    /// What records may be. Where a refused one takes all others of its transaction with it, what the topic will refuse is
    /// found before it is sent; with compression only the broker knows how large a record is.
    fn limits(&self, of_topic: Option<TopicSettings>) -> RecordLimits {
        let own = self.properties.message_bytes();
        let topic = of_topic
            .filter(|_| !self.properties.compresses())
            .map(|s| s.max_message_bytes.saturating_sub(SET_OVERHEAD));
        RecordLimits {
            bytes: topic.map_or(own, |topic| topic.min(own)),
            needs_key: of_topic.is_some_and(|settings| settings.compacts),
        }
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

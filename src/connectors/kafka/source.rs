//! The source of a kafka table: which partitions are read, from where to where, and by whom.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::cluster::{Cluster, TopicPartition, settings_error};
use super::columns::RecordColumns;
use super::consume::BatchConsumer;
use super::context::KafkaContext;
use super::decode::RecordDecoder;
use super::discovery::{Discovery, Search};
use super::fetcher::Fetcher;
use super::lean::{self, Instead, LeanFetcher};
use super::offsets;
use super::options::{BoundedMode, KafkaOptions, ScanClient, StartupMode, Topics, group_id};
use super::properties::{KafkaProperties, Role};
use super::reader::{Client, KafkaReader, ReaderParts};
use super::records;
use super::resume::{Asked, Resumed};
use super::split::KafkaSplit;
use crate::connectors::{OpenContext, ScanRequest, Source, SourceChanges, SourceReader, Split, TableDescriptor};
use crate::error::Result;
use crate::types::Schema;

/// Reads the partitions of one or several topics.
#[derive(Clone)]
pub struct KafkaSource {
    options: Arc<KafkaOptions>,
    properties: Arc<KafkaProperties>,
    columns: Arc<RecordColumns>,
    scan_schema: Schema,
    projection: Vec<usize>,
    startup: StartupMode,
    bounded: BoundedMode,
    group: String,
    parallelism: Option<usize>,
    /// Who reads the records.
    client: ScanClient,
    /// One client for questions, made when the first is asked.
    cluster: Arc<Mutex<Option<Cluster>>>,
    /// The partitions that were there when the job started, of all subtasks.
    known: Arc<Mutex<HashSet<TopicPartition>>>,
}

impl KafkaSource {
    /// A description of all columns; everything the options say is checked.
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let options = KafkaOptions::check(table)?;
        let columns = RecordColumns::check(table, &options.options)?;
        let startup = options.startup_mode()?;
        Self::of(table, options, columns, startup)
    }

    /// The same with options, columns and start given.
    pub fn of(
        table: &TableDescriptor,
        options: KafkaOptions,
        columns: RecordColumns,
        startup: StartupMode,
    ) -> Result<Self> {
        let scan_schema = table.scan_schema();
        let projection: Vec<usize> = (0..scan_schema.len()).collect();
        // Formats check their options now, not when a job starts.
        RecordDecoder::try_new(&columns, &scan_schema, &projection)?;
        let group = group_id(&table.options, &table.name);
        let properties = KafkaProperties::build(&options.options, Role::Consumer, &group)?;
        Ok(Self {
            startup,
            client: options.client(&properties)?,
            bounded: options.bounded_mode()?,
            parallelism: options.parallelism("scan.parallelism")?,
            properties: Arc::new(properties),
            options: Arc::new(options),
            columns: Arc::new(columns),
            scan_schema,
            projection,
            group,
            cluster: Arc::default(),
            known: Arc::default(),
        })
    }

    fn cluster(&self, context: &OpenContext) -> Result<Cluster> {
        let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = &*cluster {
            return Ok(cluster.clone());
        }
        let made = Cluster::connect(&self.properties, self.options.connection_timeout, context)?;
        Ok(cluster.insert(made).clone())
    }

    /// Partitions that are read need not be discovered.
    fn knows(&self, splits: &[KafkaSplit]) {
        let partitions = splits.iter().map(KafkaSplit::place);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(partitions);
    }

    fn commits(&self) -> bool {
        self.options.options.text("properties.commit.offsets.on.checkpoint").is_none_or(|v| v.trim() != "false")
    }

    /// Looks for new partitions while an endless job runs.
    fn search(&self, context: &OpenContext, mine: &[KafkaSplit]) -> Option<Search> {
        let interval = self.options.options.duration("scan.topic-partition-discovery.interval")?;
        if self.is_bounded() || interval.is_zero() {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.extend(mine.iter().map(KafkaSplit::place));
        let topics = self.options.topics.clone();
        Some(Search { topics, interval, known, subtask: context.subtask, parallelism: context.parallelism })
    }
}

#[async_trait]
impl Source for KafkaSource {
    fn is_bounded(&self) -> bool {
        self.bounded != BoundedMode::Unbounded
    }

    fn changes(&self) -> SourceChanges {
        match self.columns.upserts {
            true => SourceChanges::Upserts,
            false if self.columns.value.format.has_changes() => SourceChanges::All,
            false => SourceChanges::Inserts,
        }
    }

    fn makes_watermarks(&self) -> bool {
        true
    }

    fn narrow(&self, scan: ScanRequest) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(Self { projection: scan.projection, ..self.clone() }))
    }

    fn describe(&self) -> String {
        let topics = match &self.options.topics {
            Topics::List(names) => format!("topic={}", names.join(";")),
            Topics::Pattern(pattern) => format!("topic-pattern={pattern}"),
        };
        let text = |key| self.options.options.text(key).unwrap_or_default();
        let bounded =
            if self.is_bounded() { format!(", bounded={}", text("scan.bounded.mode")) } else { String::new() };
        let startup = self.options.options.text("scan.startup.mode").unwrap_or("earliest-offset");
        format!("{topics}, startup={startup}{bounded}")
    }

    fn parallelism(&self) -> Option<usize> {
        self.parallelism
    }

    fn place_of(&self, _table: &str, split: &str, position: &str) -> String {
        let offset = position.split(['@', '.', ' ']).next().unwrap_or(position);
        format!("{split} at offset {offset}")
    }

    /// Whether brokers answer and let us in: a topic that isn't there may be made by asking for it.
    async fn check(&self, context: &OpenContext) -> Result<()> {
        self.cluster(context)?.ask(Cluster::check).await
    }

    async fn splits(&self, context: &OpenContext) -> Result<Vec<Split>> {
        let source = self.clone();
        let splits = self
            .cluster(context)?
            .ask(move |cluster| {
                let partitions = cluster.partitions(&source.options.topics)?;
                offsets::resolve(cluster, &partitions, &source.startup, &source.bounded, &source.group)
            })
            .await?;
        self.knows(&splits);
        Ok(splits.iter().map(Split::from).collect())
    }

    async fn splits_after(&self, restored: Vec<Split>, context: &OpenContext) -> Result<Vec<Split>> {
        let restored = restored.iter().map(KafkaSplit::parse).collect::<Result<Vec<_>>>()?;
        let source = self.clone();
        let cluster = self.cluster(context)?;
        let resumed = cluster.ask(move |cluster| {
            let (topics, bounded) = (&source.options.topics, &source.bounded);
            Asked { topics, bounded, group: &source.group }.resume(cluster, &restored)
        });
        let Resumed { splits, told } = resumed.await?;
        told.iter().for_each(|line| context.reporter.news(&format!("{}: {line}", self.options.options.owner())));
        self.knows(&splits);
        Ok(splits.iter().map(Split::from).collect())
    }

    async fn open(&self, splits: Vec<Split>, context: &OpenContext) -> Result<Box<dyn SourceReader>> {
        let splits = splits.iter().map(KafkaSplit::parse).collect::<Result<Vec<_>>>()?;
        let cluster = self.cluster(context)?;
        let mut topics: Vec<String> = splits.iter().map(|split| split.topic.to_string()).collect();
        topics.sort_unstable();
        topics.dedup();
        // Restored positions come without a look at the brokers: are they and the topics there?
        cluster
            .ask(move |cluster| topics.iter().try_for_each(|topic| cluster.partition_count(topic).map(|_| ())))
            .await?;
        let (discovery, found) = match self.search(context, &splits) {
            Some(search) => {
                let (discovery, found) = Discovery::start(cluster.clone(), search, context.reporter.clone());
                (Some(discovery), Some(found))
            }
            None => (None, None),
        };
        let parts = ReaderParts {
            decoder: RecordDecoder::try_new(&self.columns, &self.scan_schema, &self.projection)?,
            batch_rows: context.batch_rows.max(1),
            cluster: cluster.clone(),
            commits: self.commits(),
            metrics: context.metrics.clone(),
            reporter: context.reporter.clone(),
            errors: context.errors.clone(),
            discovery,
        };
        let needs = if parts.errors.keeps_records() { records::ALL } else { parts.decoder.needs() };
        let batch_rows = parts.batch_rows;
        let properties = self.properties.loaded()?;
        let heard = KafkaContext::new(&properties, context.reporter.clone(), context.metrics.clone());
        let settings = if self.client.is_native { Some(lean::Settings::new(&properties)?) } else { None };
        let hears = heard.clone();
        let librdkafka =
            move || BatchConsumer::open(&properties, hears.clone()).map_err(|error| settings_error(&hears, &error));
        let reader = match settings {
            Some(settings) => {
                let instead: Option<Instead> = if self.client.is_forced { None } else { Some(Box::new(librdkafka)) };
                KafkaReader::start(splits, parts, |splits, out| {
                    let kept = (needs, batch_rows);
                    let fetcher = LeanFetcher::new(settings, heard, cluster, splits, kept, found, out, instead);
                    Client::Native(Box::new(fetcher))
                })?
            }
            None => {
                let consumer = librdkafka()?;
                KafkaReader::start(splits, parts, |splits, out| {
                    Client::Librdkafka(Box::new(Fetcher::new(consumer, splits, needs, batch_rows, found, out)))
                })?
            }
        };
        Ok(Box::new(reader))
    }
}

impl std::fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KafkaSource({})", crate::connectors::Source::describe(self))
    }
}

//! A Kafka cluster and a prefix of transactional ids: where the tables of a job that share both are published together.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::committer::{CommitterParts, KafkaCommitter};
use super::slot::Slot;
use crate::changelog::Epoch;
use crate::connectors::kafka::cluster::{Cluster, settings_error};
use crate::connectors::kafka::context::KafkaContext;
use crate::connectors::kafka::options::Topics;
use crate::connectors::kafka::produce::BatchProducer;
use crate::connectors::kafka::properties::KafkaProperties;
use crate::connectors::{Committer, Marker, Target, TargetContext, TargetTable};
use crate::error::{Error, Result};

/// Where the tables of one cluster and one prefix lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaTarget {
    /// Addresses of the brokers, in order.
    servers: Vec<String>,
    prefix: String,
}

/// What the committer needs to know of a table.
#[derive(Debug)]
pub struct KafkaTargetTable {
    /// How messages name it.
    pub owner: String,
    pub topics: Topics,
    pub properties: KafkaProperties,
    /// For clients that look things up.
    pub lookup: KafkaProperties,
    pub connection_timeout: Duration,
}

impl KafkaTarget {
    pub fn new(properties: &KafkaProperties, prefix: &str) -> Self {
        let servers = properties.servers().split(',').map(|server| server.trim().to_string());
        let mut servers: Vec<_> = servers.filter(|server| !server.is_empty()).collect();
        servers.sort_unstable();
        Self { servers, prefix: prefix.to_string() }
    }

    fn transactional_id(&self, job: &str, slot: usize) -> String {
        format!("{}-{slot}", self.group(job))
    }

    /// The consumer group whose offsets are the marker.
    fn group(&self, job: &str) -> String {
        format!("{}-{job}", self.prefix)
    }
}

#[async_trait]
impl Target for KafkaTarget {
    fn name(&self) -> String {
        format!("Kafka at {} with transactional ids {}-…", self.servers.join(","), self.prefix)
    }

    /// It is an offset of a group, which expires (`offsets.retention.minutes`, a week).
    fn forgets_markers(&self) -> bool {
        true
    }

    fn has_transactions(&self) -> bool {
        true
    }

    async fn open(&self, tables: Vec<TargetTable>, context: &TargetContext) -> Result<Arc<dyn Committer>> {
        let foreign = || Error::internal("a kafka target with the table of another connector");
        let tables = tables.into_iter().map(|table| table.table.downcast::<KafkaTargetTable>().map_err(|_| foreign()));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let first = tables.first().ok_or_else(|| Error::internal("a kafka target without tables"))?;
        tables.iter().try_for_each(|table| check_alike(first, table))?;
        let door = context.door();
        let group = self.group(&context.job);

        let mut lookup = first.lookup.clone();
        lookup.config.set("group.id", &group);
        let retry = tables.iter().map(|table| table.connection_timeout).max().unwrap_or_default();
        let cluster = Cluster::connect(&lookup, retry, &door)?;
        let topics = topics(&cluster, &tables).await?;
        let id = cluster.ask(Cluster::id).await?;
        let place = format!("Kafka {} with {}", id.as_deref().unwrap_or(&self.servers.join(",")), self.prefix);

        let mut properties = first.properties.loaded()?;
        for topic in &topics {
            let topic = topic.clone();
            if let Some(settings) = cluster.ask(move |cluster| Ok(cluster.topic_settings(&topic))).await? {
                properties.limit_batches(settings.max_message_bytes);
            }
        }
        let slot = |number| {
            let mut properties = properties.clone();
            let id = self.transactional_id(&context.job, number);
            properties.set_transactional(&id);
            let heard = KafkaContext::new(&properties, context.reporter.clone(), context.metrics.clone());
            let producer = BatchProducer::open(&properties, heard.clone(), false)
                .map_err(|error| settings_error(&heard, &error))?;
            let (timeout, patience) = (properties.transaction_timeout(), properties.delivery_timeout());
            Ok::<_, Error>(Arc::new(Slot::new(producer, id, context.job.clone(), timeout, patience)))
        };
        Ok(Arc::new(KafkaCommitter::new(CommitterParts {
            slots: [slot(0)?, slot(1)?],
            cluster,
            place,
            group: CString::new(group).map_err(|_| Error::statement("a job's name has no zero byte"))?,
            topics,
            mode: context.mode,
            us: Marker { lineage: context.lineage.clone(), attempt: context.attempt, epoch: Epoch(0) },
            door,
            retry,
        })))
    }
}

/// The producers serve all tables of the target, so these have to agree about them.
fn check_alike(first: &KafkaTargetTable, other: &KafkaTargetTable) -> Result<()> {
    let (a, b) = (first.properties.config.config_map(), other.properties.config.config_map());
    let differs = |key: &&&str| **key != "bootstrap.servers" && a.get(**key) != b.get(**key);
    let keys: std::collections::BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    match keys.iter().find(differs) {
        None => Ok(()),
        Some(key) => Err(Error::statement(format!(
            "{} and {} share their 'sink.transactional-id-prefix', and so their producers, but not the settings of these: \
             {key} differs",
            first.owner, other.owner
        ))
        .with_hint("Give both the same 'properties.*', or each its own 'sink.transactional-id-prefix'.")),
    }
}

/// Every topic that the tables write to, in order: a marker is noted beside each, and whichever is newest counts, so that
/// tables may come to a job and leave it.
async fn topics(cluster: &Cluster, tables: &[Arc<KafkaTargetTable>]) -> Result<Vec<Arc<str>>> {
    let wanted: Vec<(String, Topics)> =
        tables.iter().map(|table| (table.owner.clone(), table.topics.clone())).collect();
    let found = cluster.ask(move |cluster| {
        let mut found = Vec::new();
        for (owner, topics) in &wanted {
            let before = found.len();
            match topics {
                Topics::List(names) => {
                    for name in names {
                        cluster.partition_count(name)?;
                        found.push(Arc::<str>::from(name.as_str()));
                    }
                }
                Topics::Pattern(_) => found.extend(cluster.partitions_now(topics)?.into_iter().map(|(topic, _)| topic)),
            }
            if found.len() == before {
                let error = format!("{owner} writes to topics that match a pattern, and none does yet");
                return Err(Error::external(error).with_hint(
                    "With exactly-once there must be one when the job starts: what was published is noted beside it.",
                ));
            }
        }
        Ok(found)
    });
    let mut found = found.await?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::testing::table;
    use crate::connectors::{Connector, Sink};

    fn sink(pairs: &[(&str, &str)]) -> Arc<dyn Sink> {
        let exactly = [("sink.delivery-guarantee", "exactly-once"), ("sink.transactional-id-prefix", "p")];
        let pairs: Vec<_> = exactly.iter().chain(pairs).copied().collect();
        crate::connectors::kafka::Kafka.sink(&table("a INT", &pairs)).unwrap()
    }

    #[test]
    fn tables_of_one_cluster_and_prefix_lead_to_one_target() {
        let name = |pairs: &[(&str, &str)]| sink(pairs).target().unwrap().target.name();
        let one = name(&[("properties.bootstrap.servers", "b:1, a:1")]);
        assert_eq!(one, "Kafka at a:1,b:1 with transactional ids p-…");
        assert_eq!(one, name(&[("properties.bootstrap.servers", "a:1,b:1"), ("properties.linger.ms", "1")]));
        assert_ne!(one, name(&[("properties.bootstrap.servers", "a:1,b:1"), ("sink.transactional-id-prefix", "q")]));
    }

    #[test]
    fn tables_that_share_producers_have_to_agree_about_them() {
        let table =
            |pairs: &[(&str, &str)]| sink(pairs).target().unwrap().table.downcast::<KafkaTargetTable>().unwrap();
        let first = table(&[]);
        check_alike(&first, &table(&[])).unwrap();
        let error = check_alike(&first, &table(&[("properties.linger.ms", "1")])).unwrap_err();
        assert!(error.message().ends_with("linger.ms differs"), "{error}");
    }
}

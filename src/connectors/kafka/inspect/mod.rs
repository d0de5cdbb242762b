//! Questions to the brokers that are about no table: topics, groups, the records of a topic. Joins no group.

mod records;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer;

pub use self::records::{Kept, Peek, Record};
use super::cluster::{Cluster, TopicPartition};
use super::context::code_words;
use super::options::OPTIONS;
use super::properties::{KafkaProperties, Role};
use crate::connectors::OpenContext;
use crate::connectors::inspect::options;
use crate::connectors::options::{Options, RawOptions};
use crate::error::{Error, Result, nearest};

/// The group of clients that only look.
const GROUP: &str = "millstream-look";
/// Topics that an error lists at most.
const LISTED: usize = 10;

/// The brokers of an integration.
pub struct Brokers {
    options: Options,
    properties: KafkaProperties,
    patience: Duration,
    context: OpenContext,
}

/// A topic as the brokers describe it.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub partitions: Vec<Partition>,
}

/// A partition of a topic, with the ids of the brokers that have it.
#[derive(Debug, Clone)]
pub struct Partition {
    pub id: i32,
    /// -1 where there is none at the moment.
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
}

/// The offsets that a partition holds: the first, and the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub partition: i32,
    pub start: i64,
    pub end: i64,
}

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: String,
    pub state: String,
    pub kind: String,
    pub members: usize,
}

impl Topic {
    /// True for a topic of Kafka's own.
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("__")
    }

    /// How many brokers have its partitions, at most.
    pub fn replicas(&self) -> usize {
        self.partitions.iter().map(|p| p.replicas.len()).max().unwrap_or(0)
    }
}

impl Brokers {
    /// Checks the options; touches no broker and no file. `owner` names who they belong to.
    pub fn new(owner: &str, raw: &RawOptions, context: OpenContext) -> Result<Self> {
        let options = options(owner, raw, OPTIONS, "properties.bootstrap.servers")?;
        let properties = KafkaProperties::build(&options, Role::Consumer, GROUP)?;
        let patience = options.duration("connection.max-retry-timeout").unwrap_or_default();
        Ok(Self { options, properties, patience, context })
    }

    /// `Kafka at 127.0.0.1:9092`
    pub fn name(&self) -> String {
        format!("Kafka at {}", self.properties.servers())
    }

    /// The brokers' addresses.
    pub fn servers(&self) -> &str {
        self.properties.servers()
    }

    fn cluster(&self) -> Result<Cluster> {
        Cluster::connect(&self.properties, self.patience, &self.context)
    }

    /// All topics by name.
    pub async fn topics(&self) -> Result<Vec<Topic>> {
        self.cluster()?.ask(topics).await
    }

    /// One topic. It is not made by being asked for.
    pub async fn topic(&self, name: &str) -> Result<Topic> {
        let topics = self.topics().await?;
        match topics.iter().find(|topic| topic.name == name) {
            Some(topic) if topic.partitions.is_empty() => {
                Err(Error::external(format!("topic \"{name}\" has no partitions on {}", self.name())))
            }
            Some(topic) => Ok(topic.clone()),
            None => Err(self.unknown(name, &topics)),
        }
    }

    fn unknown(&self, name: &str, topics: &[Topic]) -> Error {
        let names: Vec<_> = topics.iter().filter(|t| !t.is_internal()).map(|t| t.name.as_str()).collect();
        let hint = match (nearest(name, names.iter().copied()), names.len()) {
            (Some(near), _) => format!("Did you mean \"{near}\"?"),
            (None, 0) => "There are no topics yet.".to_string(),
            (None, n) if n <= LISTED => format!("Topics: {}.", names.join(", ")),
            _ => "SHOW TOPICS lists those there are.".to_string(),
        };
        Error::external(format!("topic \"{name}\" doesn't exist on {}", self.name())).with_hint(hint)
    }

    /// What each partition of a topic holds, as far as it may be read.
    pub async fn extents(&self, topic: &Topic) -> Result<Vec<Extent>> {
        let partitions = keys(topic);
        let wanted = partitions.clone();
        let (starts, ends) = self.cluster()?.ask(move |c| Ok((c.starts(&wanted)?, c.ends(&wanted)?))).await?;
        let of = |key: &TopicPartition| {
            let start = starts.get(key).copied().unwrap_or(0);
            Extent { partition: key.1, start, end: ends.get(key).copied().unwrap_or(start).max(start) }
        };
        Ok(partitions.iter().map(of).collect())
    }

    /// All consumer groups by name.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let list = |cluster: &Cluster| {
            cluster.answer("cannot list the consumer groups", |c| {
                // A client that has not heard which brokers there are waits for long before it asks one for groups.
                c.fetch_metadata(None, cluster.timeout())?;
                let found = c.fetch_group_list(None, cluster.timeout())?;
                let group = |g: &rdkafka::groups::GroupInfo| Group {
                    name: g.name().to_string(),
                    state: g.state().to_string(),
                    kind: g.protocol_type().to_string(),
                    members: g.members().len(),
                };
                Ok(found.groups().iter().map(group).collect::<Vec<_>>())
            })
        };
        let mut groups = self.cluster()?.ask(list).await?;
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(groups)
    }

    /// The next offset that a group would read of each partition; none where it has committed none.
    ///
    /// # Errors
    /// A group that isn't there, with the nearest that is.
    pub async fn committed(&self, topic: &Topic, group: &str) -> Result<BTreeMap<i32, i64>> {
        let of_group = KafkaProperties::build(&self.options, Role::Consumer, group)?;
        let partitions = keys(topic);
        let cluster = Cluster::connect(&of_group, self.patience, &self.context)?;
        let found = cluster.ask(move |c| c.committed(&partitions)).await?;
        if found.is_empty() {
            let groups = self.groups().await?;
            let names: Vec<_> = groups.iter().map(|g| g.name.as_str()).collect();
            if !names.contains(&group) {
                let hint = match (nearest(group, names.iter().copied()), names.len()) {
                    (Some(near), _) => format!("Did you mean \"{near}\"?"),
                    (None, 0) => "There are no groups yet.".to_string(),
                    (None, n) if n <= LISTED => format!("Groups: {}.", names.join(", ")),
                    _ => "SHOW GROUPS lists those there are.".to_string(),
                };
                let error = Error::external(format!("consumer group \"{group}\" doesn't exist on {}", self.name()));
                return Err(error.with_hint(hint));
            }
        }
        Ok(found.into_iter().map(|((_, partition), offset)| (partition, offset)).collect())
    }

    /// Some records of a topic, the oldest first.
    pub async fn peek(&self, topic: &str, extents: &[Extent], peek: Peek) -> Result<Vec<Record>> {
        records::peek(&self.properties, self.patience, &self.context, topic, extents, peek).await
    }
}

fn keys(topic: &Topic) -> Vec<TopicPartition> {
    let name: Arc<str> = topic.name.as_str().into();
    topic.partitions.iter().map(|p| (name.clone(), p.id)).collect()
}

fn topics(cluster: &Cluster) -> Result<Vec<Topic>> {
    let found = cluster.answer("cannot list the topics", |c| c.fetch_metadata(None, cluster.timeout()))?;
    let mut topics = Vec::new();
    for topic in found.topics() {
        if let Some(code) = topic.error() {
            tracing::debug!("topic \"{}\": {}", topic.name(), code_words(code.into()));
        }
        let mut partitions: Vec<_> = topic
            .partitions()
            .iter()
            .map(|p| Partition {
                id: p.id(),
                leader: p.leader(),
                replicas: p.replicas().to_vec(),
                in_sync: p.isr().to_vec(),
            })
            .collect();
        partitions.sort_by_key(|p| p.id);
        topics.push(Topic { name: topic.name().to_string(), partitions });
    }
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

//! The brokers as a place to ask: which partitions there are, where they begin and end, what a group has committed.
//!
//! Calls block for a round trip or a timeout: run them through [`Cluster::ask`].

use std::collections::{BTreeMap, HashSet};
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::answers::{self, Note};
use super::context::{KafkaContext, code_words, words};
use super::options::{Topics, topic_regex};
use super::properties::KafkaProperties;
use super::topic_settings::TopicSettings;
use crate::connectors::{OpenContext, Reporter, RetryPolicy};
use crate::error::{Error, Result};

/// How long one question may take before it counts as unanswered and is asked again: short at first, so that people
/// hear early what is waited for, then longer for brokers that are slow.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
const LAST_PATIENCE: Duration = Duration::from_secs(8);
/// How long a broker may take to make a topic that was just asked for.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to ask for a topic's settings.
const SETTINGS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to listen for the reason of a failure.
const HEARING_TIME: Duration = Duration::from_millis(20);
const CREATION_PAUSE: Duration = Duration::from_millis(50);
/// How long a leader or a coordinator may be chosen before people hear of it.
const SETTLING_TIME: Duration = Duration::from_secs(2);

/// A topic and a partition of it.
pub type TopicPartition = (Arc<str>, i32);

/// A client for questions. It reads no records and joins no group.
#[derive(Clone)]
pub struct Cluster {
    consumer: Arc<BaseConsumer<KafkaContext>>,
    context: KafkaContext,
    /// Where waiting is told and counted.
    door: OpenContext,
    retry: Duration,
    /// How long the next question may take, in ms.
    patience: Arc<AtomicU64>,
}

impl Cluster {
    /// A client that goes on asking for `retry`, and tells what it waits for; nothing is sent yet.
    pub fn connect(properties: &KafkaProperties, retry: Duration, door: &OpenContext) -> Result<Self> {
        let mut properties = properties.loaded()?;
        // From here on it says why a connection has ended.
        properties.config.set_log_level(RDKafkaLogLevel::Info);
        let context = KafkaContext::new(&properties, Reporter::silent(), Arc::default());
        let patience = FIRST_PATIENCE.min(retry / 4).max(Duration::from_millis(100));
        let patience = Arc::new(AtomicU64::new(patience.as_millis() as u64));
        let consumer =
            properties.config.create_with_context(context.clone()).map_err(|error| settings_error(&context, &error))?;
        Ok(Self { consumer: Arc::new(consumer), context, door: door.clone(), retry, patience })
    }

    /// Runs a question on a thread that may block, and again with backoff while no broker answers.
    pub async fn ask<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Cluster) -> Result<T> + Clone + Send + 'static,
    {
        RetryPolicy::ForTime(self.retry)
            .run(self.context.cluster(), &self.door, || {
                let (cluster, question) = (self.clone(), question.clone());
                let answer = tokio::task::spawn_blocking(move || question(&cluster));
                async { answer.await.map_err(|error| Error::internal(format!("a question to Kafka failed: {error}")))? }
            })
            .await
    }

    /// The partitions of every topic. Topics that don't exist are asked for, which makes them on brokers that create
    /// topics by themselves.
    pub fn partitions(&self, topics: &Topics) -> Result<Vec<TopicPartition>> {
        let names = match topics {
            Topics::List(names) => names.clone(),
            Topics::Pattern(pattern) => self.topics_like(pattern)?,
        };
        let mut partitions = Vec::new();
        for name in &names {
            let topic: Arc<str> = name.as_str().into();
            partitions.extend((0..self.partition_count(name)?).map(|partition| (topic.clone(), partition)));
        }
        Ok(partitions)
    }

    /// The partitions that there are at this moment, of topics that are ready to be read; asks for no others.
    pub fn partitions_now(&self, topics: &Topics) -> Result<Vec<TopicPartition>> {
        let is_ours = topics.matcher()?;
        let metadata = self.answer("cannot list the topics", |c| c.fetch_metadata(None, self.timeout()))?;
        let mut partitions = Vec::new();
        for found in metadata.topics().iter().filter(|t| t.error().is_none() && is_ours(t.name())) {
            let topic: Arc<str> = found.name().into();
            let ready = found.partitions().iter().filter(|p| p.leader() >= 0);
            partitions.extend(ready.map(|p| (topic.clone(), p.id())));
        }
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// Those of `known` that are no longer there. A broker that has just started may not know all: what is missing is
    /// looked for again for a while. Asks for no topic, for that could make it.
    pub fn gone(&self, known: &[TopicPartition]) -> Result<HashSet<TopicPartition>> {
        let start = Instant::now();
        loop {
            let metadata = self.answer("cannot list the topics", |c| c.fetch_metadata(None, self.timeout()))?;
            let there = |(topic, partition): &TopicPartition| {
                let found = metadata.topics().iter().find(|found| found.name() == topic.as_ref());
                // Whether it has a leader now is another question.
                found.is_some_and(|found| found.partitions().iter().any(|p| p.id() == *partition))
            };
            let gone: HashSet<TopicPartition> = known.iter().filter(|p| !there(p)).cloned().collect();
            if gone.is_empty() || start.elapsed() > CREATION_TIMEOUT {
                return Ok(gone);
            }
            std::thread::sleep(CREATION_PAUSE);
        }
    }

    /// The brokers that were named, as people know them.
    pub fn servers(&self) -> &str {
        self.context.servers()
    }

    /// How many partitions a topic has, waiting for a moment while it is being made.
    pub fn partition_count(&self, topic: &str) -> Result<i32> {
        let (start, mut was_missing) = (Instant::now(), false);
        loop {
            let count = self.try_partition_count(topic)?;
            was_missing |= matches!(count, Err(RDKafkaErrorCode::UnknownTopicOrPartition));
            match count {
                Ok(count) => {
                    if was_missing {
                        self.door.reporter.news(&format!(
                            "topic \"{topic}\" did not exist: the broker has made it, partitions: {count}"
                        ));
                    }
                    return Ok(count);
                }
                Err(code) if start.elapsed() > CREATION_TIMEOUT => {
                    return Err(match code {
                        RDKafkaErrorCode::UnknownTopicOrPartition => missing_topic(topic, self.context.servers()),
                        code => Error::external(format!("topic \"{topic}\" can't be used: {}", code_words(code))),
                    });
                }
                Err(_) => std::thread::sleep(CREATION_PAUSE),
            }
        }
    }

    /// The count, or why there is none yet.
    fn try_partition_count(&self, topic: &str) -> Result<Result<i32, RDKafkaErrorCode>> {
        let doing = format!("cannot look up topic \"{topic}\"");
        let metadata = self.answer(&doing, |c| c.fetch_metadata(Some(topic), self.timeout()))?;
        let unknown = RDKafkaErrorCode::UnknownTopicOrPartition;
        let Some(found) = metadata.topics().iter().find(|t| t.name() == topic) else {
            return Ok(Err(unknown));
        };
        match found.error().map(code_of) {
            Some(code @ (RDKafkaErrorCode::LeaderNotAvailable | RDKafkaErrorCode::UnknownTopicOrPartition)) => {
                Ok(Err(code))
            }
            Some(code) => Err(Error::external(format!("topic \"{topic}\" can't be used: {}", code_words(code)))),
            None if found.partitions().is_empty() => Ok(Err(unknown)),
            // Elections take a moment on a topic that was just made.
            None if found.partitions().iter().any(|p| p.leader() < 0) => Ok(Err(RDKafkaErrorCode::LeaderNotAvailable)),
            None => Ok(Ok(found.partitions().len() as i32)),
        }
    }

    /// The settings of a topic; none where we may not ask, without which writing works, too.
    pub fn topic_settings(&self, topic: &str) -> Option<TopicSettings> {
        let topic = CString::new(topic).ok()?;
        let settings = answers::topic_settings(&self.consumer, &topic, SETTINGS_TIMEOUT).ok()?;
        TopicSettings::of(&settings)
    }

    /// Succeeds when a broker answers.
    pub fn check(&self) -> Result<()> {
        self.answer("cannot list the topics", |c| c.fetch_metadata(None, self.timeout())).map(|_| ())
    }

    fn topics_like(&self, pattern: &str) -> Result<Vec<String>> {
        let regex = topic_regex(pattern).map_err(Error::statement)?;
        let metadata = self.answer("cannot list the topics", |c| c.fetch_metadata(None, self.timeout()))?;
        let mut names: Vec<_> =
            metadata.topics().iter().map(|t| t.name()).filter(|n| regex.is_match(n)).map(str::to_string).collect();
        names.sort_unstable();
        if names.is_empty() {
            return Err(Error::external(format!(
                "no topic matches the pattern '{pattern}' on {}",
                self.context.cluster()
            )));
        }
        Ok(names)
    }

    /// The first offset that each partition holds.
    pub fn starts(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, i64>> {
        self.edges(partitions, Offset::Beginning)
    }

    /// The offset behind the last record that may be read (after open transactions none may, under `read_committed`).
    pub fn ends(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, i64>> {
        self.edges(partitions, Offset::End)
    }

    /// Beginning and end are timestamps of the protocol: one question for all partitions of a broker.
    /// <https://kafka.apache.org/protocol.html#The_Messages_ListOffsets>
    fn edges(&self, partitions: &[TopicPartition], edge: Offset) -> Result<BTreeMap<TopicPartition, i64>> {
        let doing = "cannot look up the offsets of the topic";
        let found = self.offsets(partitions, edge, doing, |c, list| c.offsets_for_times(list, self.timeout()))?;
        match partitions.iter().find(|partition| !found.contains_key(partition)) {
            None => Ok(found),
            Some((topic, partition)) => {
                let what = format!("{doing}: the broker gave none for topic \"{topic}\", partition {partition}");
                Err(Error::external(what).retriable())
            }
        }
    }

    /// For every partition the offset of the first record at or after `timestamp` (ms); none where there is no such.
    pub fn offsets_at(&self, partitions: &[TopicPartition], timestamp: i64) -> Result<BTreeMap<TopicPartition, i64>> {
        let doing = format!("cannot look up the offsets at timestamp {timestamp}");
        self.offsets(partitions, Offset::Offset(timestamp), &doing, |c, list| c.offsets_for_times(list, self.timeout()))
    }

    /// What the group has committed; partitions without a commit are left out.
    pub fn committed(&self, partitions: &[TopicPartition]) -> Result<BTreeMap<TopicPartition, i64>> {
        self.offsets(partitions, Offset::Invalid, "cannot look up the group's committed offsets", |c, list| {
            c.committed_offsets(list, self.timeout())
        })
    }

    /// All that a group has committed, of whatever topics. `stable`: an offset that an open transaction is about to move is
    /// an error, which is retriable. For a client that has the group as its own.
    pub fn notes(&self, group: &CStr, stable: bool) -> Result<Vec<Note>> {
        let doing = "cannot look up the epoch that was published last";
        self.answer(doing, |consumer| answers::notes_of_group(consumer, group, stable, self.timeout()))
    }

    /// The id of the cluster; very old ones have none.
    pub fn id(&self) -> Result<Option<String>> {
        self.check()?;
        Ok(answers::cluster_id(&self.consumer, self.timeout()))
    }

    /// Commits the next offsets to read for the group.
    pub fn commit(&self, positions: &[(TopicPartition, i64)]) -> Result<()> {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for ((topic, partition), offset) in positions {
            let added = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
            added.map_err(|error| self.context.failure("cannot commit group offsets", &error))?;
        }
        self.answer("cannot commit group offsets", |c| settled(|| c.commit(&list, CommitMode::Sync)))
    }

    fn offsets(
        &self,
        partitions: &[TopicPartition],
        with: Offset,
        doing: &str,
        look_up: impl Fn(&BaseConsumer<KafkaContext>, TopicPartitionList) -> Result<TopicPartitionList, KafkaError>,
    ) -> Result<BTreeMap<TopicPartition, i64>> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let added = list.add_partition_offset(topic, *partition, with);
            added.map_err(|error| self.context.failure(doing, &error))?;
        }
        let found = self.answer(doing, |c| settled(|| look_up(c, list.clone()).and_then(whole)))?;
        let mut offsets = BTreeMap::new();
        for element in found.elements() {
            if let Offset::Offset(offset) = element.offset() {
                offsets.insert((element.topic().into(), element.partition()), offset);
            }
        }
        Ok(offsets)
    }

    /// Asks once; an error carries what the client has heard meanwhile.
    pub(super) fn answer<T>(
        &self,
        doing: &str,
        question: impl FnOnce(&BaseConsumer<KafkaContext>) -> Result<T, KafkaError>,
    ) -> Result<T> {
        let answer = question(&self.consumer);
        // Hears the client's errors and log lines before the answer is judged; there are no records to lose.
        let wait = if answer.is_ok() { Duration::ZERO } else { HEARING_TIME };
        while self.consumer.poll(wait).is_some() {}
        match answer {
            Ok(answer) => {
                self.context.answered();
                Ok(answer)
            }
            Err(error) => {
                self.context.settle();
                // Never so long that the last try makes all of them much longer than they may be.
                let most = (self.retry / 4).clamp(FIRST_PATIENCE, LAST_PATIENCE);
                let longer = self.timeout().saturating_mul(2).min(most);
                self.patience.store(longer.as_millis() as u64, Ordering::Relaxed);
                Err(self.context.failure(doing, &error))
            }
        }
    }

    /// How long the next question may take.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.patience.load(Ordering::Relaxed))
    }
}

/// Asks again, for a moment and without a word, where brokers have only just heard of a topic or a group: its leader or
/// coordinator is being chosen.
fn settled<T>(ask: impl Fn() -> Result<T, KafkaError>) -> Result<T, KafkaError> {
    let start = Instant::now();
    loop {
        match ask() {
            Err(error) if is_being_chosen(&error) && start.elapsed() < SETTLING_TIME => {
                std::thread::sleep(CREATION_PAUSE);
            }
            answer => return answer,
        }
    }
}

/// The list, where none of its partitions has an error.
fn whole(list: TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
    list.elements().iter().try_for_each(|element| element.error())?;
    Ok(list)
}

fn is_being_chosen(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(
            Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::UnknownTopicOrPartition
                | Code::ReplicaNotAvailable
                // Who is asked leads since an election, or a topic, of which not everybody has heard.
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
                | Code::OffsetNotAvailable
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NotCoordinator
        )
    )
}

/// A setting that librdkafka refuses: the statement is wrong.
pub fn settings_error(context: &KafkaContext, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, why, key, _) => {
            Error::statement(context.redact(&format!("the Kafka setting \"{key}\" is wrong: {why}")))
        }
        other => Error::statement(context.redact(&format!("the Kafka settings are wrong: {}", words(other)))),
    }
}

fn code_of(error: RDKafkaRespErr) -> RDKafkaErrorCode {
    error.into()
}

/// The broker knows no such topic and doesn't make it by itself.
pub fn missing_topic(topic: &str, servers: &str) -> Error {
    let server = servers.split(',').next().unwrap_or(servers).trim();
    Error::external(format!("topic \"{topic}\" doesn't exist on Kafka at {servers}"))
        .with_detail("It was requested, but the broker doesn't create topics by itself (auto.create.topics.enable).")
        .with_hint(format!(
            "Create it with: kafka-topics.sh --create --bootstrap-server {server} --topic {topic} --partitions 2"
        ))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_is_being_chosen_is_asked_for_again_and_other_errors_are_told() {
        let asked = Cell::new(0);
        let ask = |code: RDKafkaErrorCode| {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { Err(KafkaError::OffsetFetch(code)) } else { Ok(asked.get()) }
        };
        for code in [
            RDKafkaErrorCode::NotLeaderForPartition,
            RDKafkaErrorCode::UnknownTopicOrPartition,
            RDKafkaErrorCode::FencedLeaderEpoch,
            RDKafkaErrorCode::UnknownLeaderEpoch,
            RDKafkaErrorCode::OffsetNotAvailable,
        ] {
            asked.set(0);
            assert_eq!(settled(|| ask(code)).ok(), Some(3), "{code:?}");
        }
        for code in [RDKafkaErrorCode::BrokerTransportFailure, RDKafkaErrorCode::TopicAuthorizationFailed] {
            asked.set(0);
            assert!(settled(|| ask(code)).is_err());
            assert_eq!(asked.get(), 1, "{code:?}");
        }
    }
}

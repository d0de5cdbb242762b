//! Where reading starts and ends, looked up once: every split gets plain offsets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::{Cluster, TopicPartition};
use super::options::{BoundedMode, OffsetReset, StartupMode};
use super::split::KafkaSplit;
use crate::error::{Error, Result};

/// The splits of `partitions`, each with its first offset and, where reading is bounded, its end.
///
/// # Errors
/// A group without committed offsets that nothing says how to replace, in the Java client's words.
pub fn resolve(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    startup: &StartupMode,
    bounded: &BoundedMode,
    group: &str,
) -> Result<Vec<KafkaSplit>> {
    let lookup = Lookup { cluster, partitions };
    let starts = lookup.starts(startup, group)?;
    let ends = lookup.ends(bounded, group)?;
    let bound: Option<Arc<str>> = bounded.words().map(Into::into);
    let split = |(topic, partition): &TopicPartition| {
        let key = (topic.clone(), *partition);
        KafkaSplit {
            topic: topic.clone(),
            partition: *partition,
            position: starts.get(&key).copied().unwrap_or(0),
            leader_epoch: None,
            end: ends.as_ref().map(|ends| ends.get(&key).copied().unwrap_or(0)),
            bound: bound.clone(),
        }
    };
    Ok(partitions.iter().map(split).collect())
}

/// Where reading of `partitions` ends; `None` where it doesn't.
pub fn ends(
    cluster: &Cluster,
    partitions: &[TopicPartition],
    bounded: &BoundedMode,
    group: &str,
) -> Result<Option<Offsets>> {
    Lookup { cluster, partitions }.ends(bounded, group)
}

pub type Offsets = BTreeMap<TopicPartition, i64>;

struct Lookup<'a> {
    cluster: &'a Cluster,
    partitions: &'a [TopicPartition],
}

impl Lookup<'_> {
    fn starts(&self, mode: &StartupMode, group: &str) -> Result<Offsets> {
        match mode {
            StartupMode::Earliest => self.fill(Offsets::new(), OffsetReset::Earliest, group),
            StartupMode::Latest => self.fill(Offsets::new(), OffsetReset::Latest, group),
            StartupMode::Timestamp(at) => {
                let found = self.cluster.offsets_at(self.partitions, *at)?;
                self.fill(found, OffsetReset::Latest, group)
            }
            StartupMode::GroupOffsets(reset) => {
                let committed = self.cluster.committed(self.partitions)?;
                self.fill(committed, *reset, group)
            }
            StartupMode::Specific(offsets) => {
                let found = self.specific(offsets)?;
                self.fill(found, OffsetReset::Earliest, group)
            }
        }
    }

    fn ends(&self, mode: &BoundedMode, group: &str) -> Result<Option<Offsets>> {
        Ok(Some(match mode {
            BoundedMode::Unbounded => return Ok(None),
            BoundedMode::Latest => self.fill(Offsets::new(), OffsetReset::Latest, group)?,
            BoundedMode::Timestamp(at) => {
                let found = self.cluster.offsets_at(self.partitions, *at)?;
                self.fill(found, OffsetReset::Latest, group)?
            }
            BoundedMode::GroupOffsets => {
                let committed = self.cluster.committed(self.partitions)?;
                if let Some((topic, partition)) = self.partitions.iter().find(|p| !committed.contains_key(p)) {
                    return Err(Error::external(format!(
                        "topic \"{topic}\", partition {partition} should be read up to the committed offset, but group \
                         \"{group}\" has committed none"
                    )));
                }
                committed
            }
            BoundedMode::Specific(offsets) => {
                let found = self.specific(offsets)?;
                self.fill(found, OffsetReset::Earliest, group)?
            }
        }))
    }

    /// The given offsets, and the committed ones of partitions that are not named.
    fn specific(&self, offsets: &BTreeMap<i32, i64>) -> Result<Offsets> {
        let given = |p: &TopicPartition| offsets.get(&p.1).map(|offset| (p.clone(), *offset));
        let mut found: Offsets = self.partitions.iter().filter_map(given).collect();
        let others: Vec<_> = self.partitions.iter().filter(|p| !offsets.contains_key(&p.1)).cloned().collect();
        found.extend(self.cluster.committed(&others)?);
        Ok(found)
    }

    /// Adds what `reset` says for partitions without an offset.
    fn fill(&self, mut offsets: Offsets, reset: OffsetReset, group: &str) -> Result<Offsets> {
        let partitions = self.partitions;
        let open: Vec<TopicPartition> = partitions.iter().filter(|p| !offsets.contains_key(p)).cloned().collect();
        if reset == OffsetReset::Fail && !open.is_empty() {
            let names: Vec<_> = open.iter().map(|(topic, partition)| format!("{topic}-{partition}")).collect();
            return Err(Error::external(format!(
                "undefined offset with no reset policy for partitions: [{}]",
                names.join(", ")
            ))
            .with_detail(format!("The consumer group \"{group}\" has committed no offset there."))
            .with_hint(
                "Set 'scan.startup.mode' = 'earliest-offset' or 'latest-offset', or say with \
                 'properties.auto.offset.reset' = 'earliest' or 'latest' where a new group starts.",
            ));
        }
        offsets.extend(match reset {
            OffsetReset::Latest => self.cluster.ends(&open)?,
            _ => self.cluster.starts(&open)?,
        });
        Ok(offsets)
    }
}

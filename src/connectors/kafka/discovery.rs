//! Looks for partitions that appear while a job reads: new ones of its topics, and topics that a pattern matches now.
//!
//! A new partition is read from its first offset whatever the startup mode, as in Flink: its records were all written
//! after the job began. Every subtask looks for itself and takes the partitions that are its own by the topic's hash and
//! the partition's number, so nobody has to deal them.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use xxhash_rust::xxh3::xxh3_64;

use super::cluster::{Cluster, TopicPartition};
use super::options::Topics;
use super::split::KafkaSplit;
use crate::connectors::Reporter;
use crate::error::Result;

/// The looking, which ends when this is dropped.
pub struct Discovery(JoinHandle<()>);

/// What one subtask looks for.
pub struct Search {
    pub topics: Topics,
    pub interval: Duration,
    /// The partitions that somebody reads already.
    pub known: HashSet<TopicPartition>,
    pub subtask: usize,
    pub parallelism: usize,
}

impl Discovery {
    /// Starts looking; what is found for this subtask comes out of the receiver.
    pub fn start(cluster: Cluster, search: Search, reporter: Reporter) -> (Self, mpsc::UnboundedReceiver<KafkaSplit>) {
        let (sender, found) = mpsc::unbounded_channel();
        #[allow(clippy::disallowed_methods)] // dies with the reader: `Drop` below
        let task = tokio::spawn(look(cluster, search, reporter, sender));
        (Self(task), found)
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn look(cluster: Cluster, search: Search, reporter: Reporter, found: mpsc::UnboundedSender<KafkaSplit>) {
    let Search { topics, interval, mut known, subtask, parallelism } = search;
    loop {
        tokio::time::sleep(interval).await;
        let (asked, topics, before) = (cluster.clone(), topics.clone(), known.clone());
        let is_mine = move |partition: &TopicPartition| owner(partition, parallelism) == subtask;
        let answer = tokio::task::spawn_blocking(move || news(&asked, &topics, &before, is_mine)).await;
        let (all, mine) = match answer {
            Ok(Ok(answer)) => answer,
            // A broker that doesn't answer now is asked again next time; whoever reads from it says that it is away.
            Ok(Err(error)) => {
                tracing::debug!("looking for new partitions: {error}");
                continue;
            }
            Err(_) => return,
        };
        known.extend(all);
        for split in mine {
            let (topic, partition) = (&split.topic, split.partition);
            reporter.news(&format!("topic \"{topic}\" has a new partition: reading partition {partition}, too"));
            if found.send(split).is_err() {
                return;
            }
        }
    }
}

/// The partitions that are not among those `before`, and the splits of those that are this subtask's.
fn news(
    cluster: &Cluster,
    topics: &Topics,
    before: &HashSet<TopicPartition>,
    is_mine: impl Fn(&TopicPartition) -> bool,
) -> Result<(Vec<TopicPartition>, Vec<KafkaSplit>)> {
    let mut all = cluster.partitions_now(topics)?;
    all.retain(|partition| !before.contains(partition));
    let mine: Vec<_> = all.iter().filter(|partition| is_mine(partition)).cloned().collect();
    let starts = cluster.starts(&mine)?;
    let split = |((topic, partition), position)| {
        let (leader_epoch, end, bound) = (None, None, None);
        KafkaSplit { topic, partition, position, leader_epoch, end, bound }
    };
    let mine = starts.into_iter().map(split).collect();
    Ok((all, mine))
}

/// The subtask that reads a partition found while reading: neighbours go to different ones.
fn owner((topic, partition): &TopicPartition, parallelism: usize) -> usize {
    let first = (xxh3_64(topic.as_bytes()) % parallelism.max(1) as u64) as usize;
    (first + usize::try_from(*partition).unwrap_or(0)) % parallelism.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partitions_of_a_topic_go_to_the_subtasks_in_turn() {
        let owners: Vec<_> = (0..6).map(|partition| owner(&("a topic".into(), partition), 3)).collect();
        assert_eq!(owners[..3], owners[3..]);
        let different: HashSet<_> = owners.iter().collect();
        assert_eq!(different.len(), 3);
    }
}

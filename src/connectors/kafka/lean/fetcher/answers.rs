//! What brokers send: records, which are walked and handed over, or an error.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Asked, LeanFetcher};
use crate::connectors::kafka::faults;
use crate::connectors::kafka::fetcher::FromFetcher;
use crate::connectors::kafka::lean::aborted::Aborted;
use crate::connectors::kafka::lean::batch::{self, Damage};
use crate::connectors::kafka::lean::codes::{self, words};
use crate::connectors::kafka::lean::connection::{Connection, Failure};
use crate::connectors::kafka::lean::fetch::{self, FetchedPartition};
use crate::connectors::kafka::lean::partition::Partition;
use crate::connectors::kafka::lean::record_set::RecordSet;
use crate::connectors::kafka::lean::unreadable::{damaged, out_of_range};
use crate::error::{Error, Result};

impl LeanFetcher {
    /// Takes what a broker has sent, asks for what comes behind it, and hands it over.
    pub(super) async fn receive(
        &mut self,
        id: i32,
        connection: Connection,
        asked: &[Asked],
        answer: Bytes,
    ) -> Result<()> {
        self.hear();
        self.answers += 1;
        let Ok((fetched, topics)) = fetch::answer(connection.fetch_version, answer) else {
            return self.lose(id, Failure::Away("the broker's answer can't be read (Fetch)".into()));
        };
        if fetched.error != codes::NONE {
            let why = words(fetched.error);
            if codes::passes(fetched.error) {
                return self.lose(id, Failure::Away(why));
            }
            return Err(Error::external(format!("{}: no records can be had: {why}", self.context.cluster())));
        }
        let mut sets = Vec::new();
        for (i, partition) in fetched.partitions.into_iter().enumerate() {
            let is_it = |asked: &&Asked| {
                let split = &self.partitions[asked.split].split;
                split.partition == partition.partition
                    && Some(&*split.topic) == topics.get(partition.topic).map(|t| &**t)
            };
            // As a rule in the order in which they were asked for.
            let Some(asked) = asked.get(i).filter(is_it).or_else(|| asked.iter().find(is_it)) else { continue };
            // Another broker may have been asked meanwhile, and have answered first.
            if self.partitions[asked.split].position == asked.offset && self.partitions[asked.split].is_open() {
                sets.extend(self.receive_partition(asked, partition).await?.map(|set| (asked.split, set)));
            }
        }
        if let Some(broker) = self.brokers.get_mut(&id) {
            (broker.tries, broker.rests_until) = (0, None);
            broker.keep(connection);
            if fetched.throttle_ms > 0 {
                broker.rests_until = Some(Instant::now() + Duration::from_millis(fetched.throttle_ms as u64));
            }
        }
        self.ask(id).await?;
        let handed_over_from = Instant::now();
        for (split, set) in sets {
            self.hand_over(split, set).await?;
        }
        // Time that went by in waiting for the reader is no silence of the brokers, and no trouble.
        self.heard = Instant::now();
        if handed_over_from.elapsed() >= self.settings.silence {
            self.partitions.iter_mut().for_each(Partition::hopes_again);
        }
        Ok(())
    }

    async fn receive_partition(&mut self, asked: &Asked, fetched: FetchedPartition) -> Result<Option<RecordSet>> {
        let partition = &mut self.partitions[asked.split];
        match fetched.error {
            codes::NONE => {}
            codes::OUT_OF_RANGE => {
                let (cluster, split) = (self.cluster.clone(), partition.split.clone());
                return Err(out_of_range(cluster, split, partition.position).await);
            }
            error if codes::passes(error) => {
                partition.look_again(&words(error), self.settings.retry);
                return Ok(None);
            }
            error => return Err(faults::unreadable(&partition.split, &words(error))),
        }
        // Who was in doubt was asked before.
        partition.proven_leader_epoch = asked.leader_epoch;
        partition.known_end.store(fetched.end, Ordering::Relaxed);
        if fetched.records.is_empty() {
            partition.is_well();
            return Ok(None);
        }
        let from = (partition.position, partition.split.end);
        match batch::end_of(&fetched.records).filter(|(next, _)| *next > partition.position) {
            Some((next, leader_epoch)) => {
                partition.is_well();
                (partition.position, partition.served) = (next, self.answers);
                partition.read_leader_epoch = leader_epoch.or(partition.read_leader_epoch);
            }
            // What was asked for comes first, and whole, however large it is. Where it is damaged, the walk says so.
            None => partition.look_again("the broker sends no whole batch of records", self.settings.retry),
        }
        let aborted = Aborted::new(fetched.aborted);
        Ok(Some(RecordSet::new(self.rules, asked.split, from, fetched.records, aborted)))
    }

    /// Sends the blocks of a run of records.
    pub(super) async fn hand_over(&mut self, split: usize, mut set: RecordSet) -> Result<()> {
        loop {
            match set.next_block() {
                Ok(Some(block)) => {
                    let partition = &mut self.partitions[split];
                    (partition.ended, partition.split.position) = (block.ended, block.next_position);
                    partition.split.leader_epoch = block.leader_epoch.or(partition.split.leader_epoch);
                    if self.out.send(Ok(FromFetcher::Block(block))).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(damage) => {
                    self.is_unable = matches!(damage, Damage::OldFormat(_));
                    return Err(damaged(&self.partitions[split].split, set.position(), damage));
                }
            }
        }
    }
}

//! The looks who leads which partition.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Broker, Done, LeanFetcher};
use crate::connectors::kafka::faults;
use crate::connectors::kafka::lean::codes::{self, words};
use crate::connectors::kafka::lean::connection::Connection;
use crate::connectors::kafka::lean::leaders::Leaders;
use crate::connectors::kafka::lean::search::find_leaders;
use crate::connectors::kafka::lean::settings::Pause;
use crate::error::Result;

/// The look that is under way, and those before it.
pub(super) struct Looks {
    pub is_looking: bool,
    /// How many there were: each begins with another broker, for one may have heard of no election for long.
    count: usize,
    /// How many in a row nobody has answered, and until when none is tried for that.
    misses: u32,
    rests_until: Instant,
    /// When the last one was answered.
    answered: Instant,
    /// Connections that are kept from one look to the next while there are partitions without a leader, by address.
    kept: HashMap<String, Connection>,
}

impl Looks {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { is_looking: false, count: 0, misses: 0, rests_until: now, answered: now, kept: HashMap::new() }
    }

    /// True when another may begin.
    pub fn may_begin(&self, now: Instant) -> bool {
        !self.is_looking && self.rests_until <= now
    }

    /// Until when none may begin, where one rests.
    pub fn rest_until(&self, now: Instant) -> Option<Instant> {
        Some(self.rests_until).filter(|until| *until > now && !self.is_looking)
    }

    /// Whether what the last one gave is this old.
    pub fn is_older_than(&self, age: Duration) -> bool {
        self.answered.elapsed() >= age
    }

    pub fn has_ended(&mut self, is_answered: bool, pause: Pause) {
        (self.is_looking, self.count) = (false, self.count.wrapping_add(1));
        if is_answered {
            (self.misses, self.answered) = (0, Instant::now());
        } else {
            self.misses += 1;
            self.rests_until = Instant::now() + pause.after(self.misses);
        }
    }
}

impl LeanFetcher {
    /// Asks brokers, one after the other, who leads what.
    pub(super) fn look(&mut self) {
        self.looks.is_looking = true;
        let mut addresses: Vec<String> = self.brokers.values().map(|broker| broker.address.clone()).collect();
        addresses.extend(
            self.settings.servers.iter().filter(|server| !addresses.contains(server)).cloned().collect::<Vec<_>>(),
        );
        let first = self.looks.count % addresses.len().max(1);
        addresses.rotate_left(first);
        let kept = addresses.first().and_then(|address| self.looks.kept.remove(address));
        let mut topics: Vec<Arc<str>> = self.partitions.iter().map(|p| p.split.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        let (settings, spare) = (self.settings.clone(), self.spare.clone());
        let look = async move { Done::Looked(find_leaders(addresses, kept, topics, settings, spare).await) };
        self.work.push(Box::pin(look));
    }

    /// Takes partitions to their leaders.
    pub(super) fn follow(&mut self, leaders: Leaders, address: &str, connection: Connection) -> Result<()> {
        for (id, address) in &leaders.brokers {
            let broker = self.brokers.entry(*id).or_insert_with(|| Broker::new(address));
            if broker.address != *address {
                broker.address.clone_from(address);
                broker.connection = None;
            }
        }
        let pause = self.settings.retry;
        for partition in self.partitions.iter_mut().filter(|partition| partition.is_open()) {
            let (topic, number) = (&*partition.split.topic, partition.split.partition);
            if let Some(leader) = leaders.leader(topic, number) {
                partition.is_known();
                if !partition.follow(leader) {
                    partition.has_no_leader("its new leader isn't known to all brokers yet", pause);
                }
                continue;
            }
            let fault = leaders.faults.get(topic).copied().unwrap_or(codes::NONE);
            let is_known = leaders.leaders.get(topic).is_some_and(|partitions| partitions.contains_key(&number));
            if fault == codes::UNKNOWN_TOPIC || (fault == codes::NONE && !is_known) {
                if partition.is_unknown() {
                    return Err(faults::gone(&partition.split, self.context.servers()));
                }
            } else if fault == codes::NONE {
                partition.is_known();
            } else if !codes::passes(fault) {
                return Err(faults::unreadable(&partition.split, &words(fault)));
            }
            partition.has_no_leader(&words(if fault == codes::NONE { codes::NO_LEADER } else { fault }), pause);
        }
        // Who says so may not have heard yet of a broker that leads by now.
        let partitions = &self.partitions;
        let leads = |id| partitions.iter().any(|partition| partition.leader.is_some_and(|leader| leader.broker == id));
        self.brokers.retain(|id, broker| broker.is_busy || leaders.brokers.contains_key(id) || leads(*id));
        // The connection that was used is as good as one of its own.
        let broker = self.brokers.values_mut().find(|broker| broker.address == address);
        match broker.filter(|broker| !broker.is_busy && broker.connection.is_none()) {
            Some(broker) => broker.keep(connection),
            None => _ = self.looks.kept.insert(address.into(), connection),
        }
        if self.partitions.iter().all(|partition| partition.leader.is_some() || !partition.is_open()) {
            self.looks.kept.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::connectors::kafka::lean::fetcher_tests::one_partition;
    use crate::connectors::kafka::lean::leaders::Leader;

    #[tokio::test]
    async fn a_leader_is_kept_of_which_not_every_broker_has_heard_and_a_broker_without_partitions_is_not() {
        let mut fetcher = one_partition();
        let mut heard = |brokers: &[i32], broker, leader_epoch| {
            let brokers = brokers.iter().map(|number| (*number, format!("h:{number}"))).collect();
            let leader = HashMap::from([(0, Leader { broker, leader_epoch })]);
            let leaders = Leaders { brokers, faults: HashMap::new(), leaders: HashMap::from([("t".into(), leader)]) };
            let connection = Connection::over(Box::new(duplex(1).0), &fetcher.settings, &fetcher.spare);
            fetcher.follow(leaders, "h:1", connection).unwrap();
            let mut known: Vec<i32> = fetcher.brokers.keys().copied().collect();
            known.sort_unstable();
            (fetcher.partitions[0].leader.map(|leader| leader.broker), known)
        };
        assert_eq!(heard(&[1, 2], 2, 6), (Some(2), vec![1, 2]));
        assert_eq!(heard(&[1], 1, 5), (Some(2), vec![1, 2]));
        assert_eq!(heard(&[1], 1, 7), (Some(1), vec![1]));
    }
}

//! The requests for records: which broker is asked for which partitions, and when it is connected to.

use tokio::time::{Instant, timeout};

use super::{Asked, Done, LeanFetcher, proof};
use crate::connectors::kafka::lean::connection::{Connection, Failure};
use crate::connectors::kafka::lean::fetch;
use crate::connectors::kafka::lean::partition::Partition;
use crate::error::Result;

impl LeanFetcher {
    /// Asks who leads partitions where it isn't known, connects to leaders, and asks them for records.
    pub(super) async fn set_to_work(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut leaders: Vec<i32> = Vec::new();
        let mut wants_leader = self.looks.is_older_than(self.settings.metadata_age);
        for partition in self.partitions.iter().filter(|partition| partition.is_open()) {
            match partition.leader {
                Some(leader) if !leaders.contains(&leader.broker) => leaders.push(leader.broker),
                Some(_) => {}
                None => wants_leader |= partition.wants_leader(now),
            }
        }
        if wants_leader && self.looks.may_begin(now) {
            self.look();
        }
        let idle = self.settings.idle;
        self.brokers.values_mut().filter(|broker| !broker.is_busy).for_each(|broker| broker.rest(idle));
        for id in leaders {
            let Some(broker) = self.brokers.get_mut(&id) else { continue };
            if broker.is_busy || broker.rests_until.is_some_and(|until| until > now) {
                continue;
            }
            if broker.connection.is_some() {
                self.ask(id).await?;
            } else {
                broker.is_busy = true;
                let (address, settings, spare) = (broker.address.clone(), self.settings.clone(), self.spare.clone());
                let connect = async move { Done::Connected(id, Connection::open(&address, &settings, &spare).await) };
                self.work.push(Box::pin(connect));
            }
        }
        Ok(())
    }

    /// Asks a broker for the records of its partitions, unless they rest.
    pub(super) async fn ask(&mut self, id: i32) -> Result<()> {
        let now = Instant::now();
        let Some(broker) = self.brokers.get_mut(&id).filter(|b| !b.is_busy && b.rests_until.is_none_or(|t| t <= now))
        else {
            return Ok(());
        };
        let waits = |p: &(usize, &Partition)| p.1.waits_for(id, now);
        let mut partitions: Vec<_> = self.partitions.iter().enumerate().filter(waits).collect();
        if partitions.is_empty() {
            return Ok(());
        }
        if let Some(question) = proof::question(id, broker, &partitions, &self.settings) {
            self.work.push(question);
            return Ok(());
        }
        let Some(mut connection) = broker.connection.take() else { return Ok(()) };
        partitions.sort_by_key(|(_, partition)| partition.served);
        let from = partitions.iter().map(|(_, partition)| fetch::From {
            topic: &partition.split.topic,
            partition: partition.split.partition,
            offset: partition.position,
            leader_epoch: partition.leader_epoch(),
        });
        let from: Vec<_> = from.collect();
        let asked = |(split, partition): &(usize, &Partition)| Asked {
            split: *split,
            offset: partition.position,
            leader_epoch: partition.leader_epoch(),
        };
        let asked = partitions.iter().map(asked).collect();
        let wanted = &self.settings.wanted;
        let request = fetch::request(connection.fetch_version, connection.client_id(), wanted, &from);
        broker.is_busy = true;
        match timeout(self.settings.request_timeout, connection.send(request)).await {
            Ok(Ok(())) => {
                let patience = self.settings.fetch_timeout();
                self.work.push(Box::pin(async move {
                    let answer = connection.answer(patience).await;
                    Done::Answered { broker: id, connection, asked, answer }
                }));
                Ok(())
            }
            Ok(Err(failure)) => self.lose(id, failure),
            Err(_) => self.lose(id, Failure::Away("the broker takes no requests".into())),
        }
    }
}

//! The proof that the leader of a partition has what was read of it: before it is asked for more, a leader of another epoch
//! is asked where the leader epoch ends in which the last record was written.

use bytes::Bytes;
use futures::future::BoxFuture;

use super::{Broker, Done, LeanFetcher};
use crate::connectors::kafka::faults;
use crate::connectors::kafka::lean::codes;
use crate::connectors::kafka::lean::connection::{Connection, Failure};
use crate::connectors::kafka::lean::leader_epochs::{self, LeaderEpochEnd, LeaderEpochs};
use crate::connectors::kafka::lean::partition::Partition;
use crate::connectors::kafka::lean::settings::Settings;
use crate::error::Result;

/// A partition of which it is in doubt whether its leader has what was read, the leader epoch of now, and that of the last
/// record.
pub(super) struct Doubt {
    split: usize,
    now: i32,
    read: i32,
}

/// Asks the broker for the leader epochs of those of its partitions that are in doubt. None where there are none, or where it
/// can't say.
pub(super) fn question(
    id: i32,
    broker: &mut Broker,
    partitions: &[(usize, &Partition)],
    settings: &Settings,
) -> Option<BoxFuture<'static, Done>> {
    let version = broker.connection.as_ref()?.leader_epochs_version?;
    let (mut asked, mut questions) = (Vec::new(), Vec::new());
    for (split, partition) in partitions {
        let Some(read) = partition.doubt() else { continue };
        let (now, place) = (partition.leader_epoch(), &partition.split);
        asked.push(Doubt { split: *split, now, read });
        questions.push(LeaderEpochs { topic: &place.topic, partition: place.partition, now, read });
    }
    if asked.is_empty() {
        return None;
    }
    let mut connection = broker.connection.take()?;
    let request = leader_epochs::request(version, connection.client_id(), &questions);
    let patience = settings.request_timeout;
    broker.is_busy = true;
    Some(Box::pin(async move {
        let answer = connection.ask_within(patience, request).await;
        Done::Proved { broker: id, connection, asked, answer }
    }))
}

impl LeanFetcher {
    /// Takes what a leader says of leader epochs.
    ///
    /// # Errors
    /// A log that ends, or parts from what was read, before the position.
    pub(super) fn prove(&mut self, id: i32, connection: Connection, asked: &[Doubt], answer: Bytes) -> Result<()> {
        self.hear();
        let Ok(ends) = leader_epochs::answer(answer) else {
            return self.lose(id, Failure::Away("the broker's answer can't be read (OffsetForLeaderEpoch)".into()));
        };
        for doubt in asked {
            let partition = &mut self.partitions[doubt.split];
            // Meanwhile the last leader may have sent more: then it is asked again.
            if partition.read_leader_epoch != Some(doubt.read) {
                continue;
            }
            let place = &partition.split;
            let is_it = |end: &&LeaderEpochEnd| end.partition == place.partition && *end.topic == *place.topic;
            match ends.iter().find(is_it) {
                Some(LeaderEpochEnd { error: codes::NONE, offset, .. }) if *offset < partition.position => {
                    return Err(faults::cut_off(place, partition.position, *offset));
                }
                Some(LeaderEpochEnd { error, .. }) if codes::passes(*error) => {
                    partition.look_again(&codes::words(*error), self.settings.retry);
                }
                // Who doesn't say can't be asked: what is wrong will show where records are asked for.
                _ => partition.proven_leader_epoch = doubt.now,
            }
        }
        if let Some(broker) = self.brokers.get_mut(&id) {
            broker.keep(connection);
        }
        Ok(())
    }
}

//! Why records can't be had, in words: damage, and positions that a broker doesn't hold.

use super::batch::Damage;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::faults;
use crate::connectors::kafka::split::KafkaSplit;
use crate::error::Error;

/// What to say of a client that can't go on where the other one can.
pub const OTHER_CLIENT: &str = "Set 'scan.client' = 'librdkafka'.";

/// The broker doesn't hold the next record: what does it hold?
pub async fn out_of_range(cluster: Cluster, split: KafkaSplit, position: i64) -> Error {
    let asked = [(split.topic.clone(), split.partition)];
    let range = tokio::task::spawn_blocking(move || {
        let first = cluster.starts(&asked).ok()?.into_values().next()?;
        Some((first, cluster.ends(&asked).ok()?.into_values().next()?))
    });
    faults::out_of_range(&split, position, range.await.ok().flatten())
}

/// Records that can't be read, by their place.
pub fn damaged(split: &KafkaSplit, position: i64, damage: Damage) -> Error {
    let place = format!("topic \"{}\", partition {}", split.topic, split.partition);
    match damage {
        Damage::OldFormat(version) => Error::external(format!(
            "cannot read {place} from offset {position} on: its records are in a format of Kafka before 0.11 ({version})"
        ))
        .with_hint(OTHER_CLIENT),
        Damage::Other(why) => {
            Error::external(format!("cannot read {place} from offset {position} on: the records are damaged: {why}"))
        }
    }
}

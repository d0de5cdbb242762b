//! Why records can't be had, in words: damage, and positions that a broker doesn't hold.

use super::batch::Damage;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::faults;
use crate::connectors::kafka::split::KafkaSplit;
use crate::error::Error;

/// What to say of a client that can't go on where the other one can.
pub const OTHER_CLIENT: &str = "Set 'scan.client' = 'librdkafka'.";

/// What lets larger batches through.
const MORE_BYTES: &str = "Raise 'properties.fetch.max.bytes' above that.";

/// An answer, which is a batch of records as a rule, is larger than any that is taken.
pub fn too_large(cluster: &str, size: usize, limit: usize) -> Error {
    let what = format!("{cluster}: an answer has {size} bytes, and no more than {limit} are taken");
    Error::external(what).with_hint(MORE_BYTES)
}

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
        Damage::Large(limit) => Error::external(format!(
            "cannot read {place} from offset {position} on: a batch of its records has more than {limit} bytes when it \
             is unpacked"
        ))
        .with_hint(MORE_BYTES),
        Damage::Other(why) => {
            Error::external(format!("cannot read {place} from offset {position} on: the records are damaged: {why}"))
        }
    }
}

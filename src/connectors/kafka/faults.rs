//! Why a partition can't be read on, whichever client reads it.

use super::cluster::missing_topic;
use super::split::KafkaSplit;
use crate::error::Error;

/// The broker doesn't hold the next record; `range` is what it holds, where that is known.
pub fn out_of_range(split: &KafkaSplit, position: i64, range: Option<(i64, i64)>) -> Error {
    let (topic, partition) = (&split.topic, split.partition);
    let error = Error::external(format!(
        "offset {position} of topic \"{topic}\", partition {partition} can't be read: it is out of range"
    ))
    .with_hint(
        "Start from a checkpoint that is not older than the topic's retention, or choose a new start with \
         'scan.startup.mode'.",
    );
    match range {
        Some((first, end)) if position < first => {
            error.with_detail(format!("The topic holds offsets {first} to {end}: {position} to {first} are lost."))
        }
        Some((first, end)) => error.with_detail(format!(
            "The topic holds offsets {first} to {end} only; it may have been deleted and made again."
        )),
        None => error,
    }
}

/// The leader of now doesn't have what was read: its log parts from the one that was read at `end` (negative: it has
/// nothing of the leader epoch that was read). A restart can't cure that: the results hold what came of lost records.
pub fn cut_off(split: &KafkaSplit, position: i64, end: i64) -> Error {
    let (topic, partition) = (&split.topic, split.partition);
    let what = format!(
        "topic \"{topic}\", partition {partition} has lost records before offset {position} that were read already"
    );
    let (detail, start) = match end {
        0.. => (
            format!(
                "Offsets {end} to {position} are gone, or hold other records now: their leader was elected without them."
            ),
            format!("with 'scan.startup.mode' = 'specific-offsets' from offset {end}, or from 'earliest-offset'"),
        ),
        _ => (
            "Its leader has none of the records that were read last; the topic may have been deleted and made again."
                .into(),
            "from 'scan.startup.mode' = 'earliest-offset'".into(),
        ),
    };
    Error::state(what).with_detail(detail).with_hint(format!(
        "Brokers lose records that were acknowledged where 'unclean.leader.election.enable' is true. Begin anew with \
         --fresh {start}."
    ))
}

/// The topic, or this partition of it, is no longer there.
pub fn gone(split: &KafkaSplit, servers: &str) -> Error {
    let error = missing_topic(&split.topic, servers);
    error.with_detail(format!("It was there when reading started; partition {} is gone now.", split.partition))
}

/// Anything else that a broker says.
pub fn unreadable(split: &KafkaSplit, why: &str) -> Error {
    Error::external(format!("cannot read topic \"{}\", partition {}: {why}", split.topic, split.partition))
}

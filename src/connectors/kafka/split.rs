//! A partition of a topic and how far reading has come, as a [`Split`] spells it.

use std::sync::Arc;

use super::cluster::TopicPartition;
use crate::connectors::Split;
use crate::error::{Error, Result};

/// One partition from `position` on, up to `end` where reading is bounded.
///
/// As a split: id `topic/3`, position `118204@7` with the leader epoch, and `118204@7..200000 latest-offset` where it has an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSplit {
    pub topic: Arc<str>,
    pub partition: i32,
    /// The next offset to read.
    pub position: i64,
    /// The leader epoch in which the record before the position was written. `None` where nothing was read yet, and in
    /// checkpoints that don't say it.
    pub leader_epoch: Option<i32>,
    /// The first offset not to read.
    pub end: Option<i64>,
    /// What the end was found by, as [`BoundedMode::words`] has it; `None` also in checkpoints that don't say it.
    ///
    /// [`BoundedMode::words`]: super::options::BoundedMode::words
    pub bound: Option<Arc<str>>,
}

impl KafkaSplit {
    pub fn id(&self) -> String {
        format!("{}/{}", self.topic, self.partition)
    }

    pub fn place(&self) -> TopicPartition {
        (self.topic.clone(), self.partition)
    }

    /// True when nothing is left to read.
    pub fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    /// # Errors
    /// A spelling that isn't ours: a checkpoint of another source, or a damaged one.
    pub fn parse(split: &Split) -> Result<Self> {
        Self::try_parse(split).ok_or_else(|| {
            Error::state(format!("'{}' at '{}' is not a position in a kafka topic", split.id, split.position))
        })
    }

    fn try_parse(split: &Split) -> Option<Self> {
        let (topic, partition) = split.id.rsplit_once('/')?;
        let (range, bound) = match split.position.split_once(' ') {
            Some((range, bound)) => (range, Some(bound.into())),
            None => (split.position.as_str(), None),
        };
        let (position, end) = match range.split_once("..") {
            Some((position, end)) => (position, Some(end.parse().ok()?)),
            None if bound.is_some() => return None,
            None => (range, None),
        };
        let (position, leader_epoch) = match position.split_once('@') {
            Some((position, leader_epoch)) => (position, Some(leader_epoch.parse().ok()?)),
            None => (position, None),
        };
        let (partition, position) = (partition.parse().ok()?, position.parse().ok()?);
        Some(Self { topic: topic.into(), partition, position, leader_epoch, end, bound })
    }
}

impl From<&KafkaSplit> for Split {
    fn from(split: &KafkaSplit) -> Self {
        let leader_epoch = split.leader_epoch.map(|epoch| format!("@{epoch}")).unwrap_or_default();
        let range = match (split.end, &split.bound) {
            (Some(end), Some(bound)) => format!("..{end} {bound}"),
            (Some(end), None) => format!("..{end}"),
            (None, _) => String::new(),
        };
        let position = format!("{}{leader_epoch}{range}", split.position);
        Split { id: split.id(), position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_read_as_it_was_written() {
        for (end, bound) in [(None, None), (Some(9), None), (Some(9), Some("latest-offset".into()))] {
            for leader_epoch in [None, Some(3)] {
                let (topic, bound) = ("a.b/c".into(), bound.clone());
                let split = KafkaSplit { topic, partition: 12, position: 7, leader_epoch, end, bound };
                assert_eq!(KafkaSplit::parse(&Split::from(&split)).unwrap(), split);
            }
        }
    }

    #[test]
    fn a_foreign_position_is_refused() {
        for position in ["row 7", "7 rows", "7@x"] {
            let error = KafkaSplit::parse(&Split { id: "t/0".into(), position: position.into() }).unwrap_err();
            assert_eq!(error.message(), format!("'t/0' at '{position}' is not a position in a kafka topic"));
        }
    }
}

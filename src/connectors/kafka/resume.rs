//! What still holds of the positions in a checkpoint: the table may name other topics or another end by now, and
//! partitions may have gone.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::cluster::{Cluster, TopicPartition};
use super::offsets;
use super::options::{BoundedMode, StartupMode, Topics};
use super::split::KafkaSplit;
use crate::error::{Error, Result};

/// What a table asks for now.
pub struct Asked<'a> {
    pub topics: &'a Topics,
    pub bounded: &'a BoundedMode,
    pub group: &'a str,
}

/// The splits to read, and what there is to tell of the others.
pub struct Resumed {
    pub splits: Vec<KafkaSplit>,
    pub told: Vec<String>,
}

impl Asked<'_> {
    /// Goes on with what was read, to the end that is asked for now. Partitions that have come since are read from their
    /// first record, as those that are found while reading.
    ///
    /// # Errors
    /// A topic that the table names and that is gone, with what was not read of it.
    pub fn resume(&self, cluster: &Cluster, restored: &[KafkaSplit]) -> Result<Resumed> {
        let is_ours = self.topics.matcher()?;
        let ours: Vec<TopicPartition> = restored.iter().filter(|s| is_ours(&s.topic)).map(KafkaSplit::place).collect();
        let gone = cluster.gone(&ours)?;
        let Sorted { mut kept, told } = sort(restored, self.topics, &gone, cluster.servers())?;
        let mut told = told;
        let stale: Vec<TopicPartition> =
            kept.iter().filter(|split| !ends_as_asked(split, self.bounded)).map(KafkaSplit::place).collect();
        let found = if stale.is_empty() { None } else { offsets::ends(cluster, &stale, self.bounded, self.group)? };
        let bound: Option<Arc<str>> = self.bounded.words().map(Into::into);
        let had_end = !kept.is_empty() && kept.iter().all(|split| split.end.is_some());
        for split in kept.iter_mut().filter(|split| stale.contains(&split.place())) {
            split.end = found.as_ref().map(|ends| ends.get(&split.place()).copied().unwrap_or(0));
            split.bound = bound.clone();
        }
        let mut come = cluster.partitions(self.topics)?;
        let known: HashSet<TopicPartition> = kept.iter().map(KafkaSplit::place).collect();
        come.retain(|partition| !known.contains(partition));
        if had_end && *self.bounded != BoundedMode::Unbounded {
            let late = split_off_late(&mut come, &kept, self.topics);
            if !late.is_empty() {
                let late: Vec<String> = late.iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect();
                let late = late.join(", ");
                told.push(format!("{late} came after the end of reading was found, and will not be read"));
            }
        }
        kept.extend(offsets::resolve(cluster, &come, &StartupMode::Earliest, self.bounded, self.group)?);
        Ok(Resumed { splits: kept, told })
    }
}

/// What is gone on with, and what there is to tell of the rest.
#[derive(Debug)]
struct Sorted {
    kept: Vec<KafkaSplit>,
    told: Vec<String>,
}

fn sort(restored: &[KafkaSplit], topics: &Topics, gone: &HashSet<TopicPartition>, servers: &str) -> Result<Sorted> {
    let is_ours = topics.matcher()?;
    let (ours, others): (Vec<&KafkaSplit>, Vec<&KafkaSplit>) = restored.iter().partition(|s| is_ours(&s.topic));
    let (lost, kept): (Vec<&KafkaSplit>, Vec<&KafkaSplit>) = ours.iter().partition(|s| gone.contains(&s.place()));
    // Of topics that come and go a pattern speaks; a name was meant.
    let whole = |topic: &str| kept.iter().any(|split| split.topic.as_ref() == topic);
    if let (Topics::List(_), Some(split)) = (topics, lost.iter().find(|split| !whole(&split.topic))) {
        let topic = &split.topic;
        let of_topic: Vec<&KafkaSplit> = lost.iter().filter(|lost| lost.topic == *topic).copied().collect();
        return Err(Error::external(format!("topic \"{topic}\" is no longer there on Kafka at {servers}"))
            .with_detail(format!("The checkpoint was going to read on in {}.", places(&of_topic)))
            .with_hint("Take it out of the table's 'topic' to go on without it, or begin anew with --fresh."));
    }
    let mut told = Vec::new();
    if !others.is_empty() {
        told.push(format!("topics that the table doesn't name any more are left out: {}", places(&others)));
    }
    if !lost.is_empty() {
        told.push(format!("partitions that are no longer there are left out: {}", places(&lost)));
    }
    Ok(Sorted { kept: kept.into_iter().cloned().collect(), told })
}

/// `a/0 at 12, a/1 at 40`
fn places(splits: &[&KafkaSplit]) -> String {
    splits.iter().map(|split| format!("{} at {}", split.id(), split.position)).collect::<Vec<_>>().join(", ")
}

/// Whether the end of a split was found by what the table says now. It stays where it was found first, whatever has come
/// since: a job that was killed ends where it would have ended.
fn ends_as_asked(split: &KafkaSplit, bounded: &BoundedMode) -> bool {
    match (split.end, bounded.words()) {
        (None, None) => true,
        (Some(end), Some(words)) => {
            let given = match bounded {
                BoundedMode::Specific(offsets) => offsets.get(&split.partition).copied(),
                _ => None,
            };
            split.bound.as_deref().is_none_or(|bound| bound == words) && given.is_none_or(|given| given == end)
        }
        _ => false,
    }
}

/// Takes out what a bounded table would not have read if it had never been interrupted: all that came after its end was
/// found. A topic that was added to the table's list did not come, it was asked for.
fn split_off_late(come: &mut Vec<TopicPartition>, kept: &[KafkaSplit], topics: &Topics) -> Vec<TopicPartition> {
    let known: BTreeSet<&str> = kept.iter().map(|split| split.topic.as_ref()).collect();
    let is_late = |(topic, _): &TopicPartition| matches!(topics, Topics::Pattern(_)) || known.contains(topic.as_ref());
    come.extract_if(.., |partition| is_late(partition)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn split(topic: &str, partition: i32, position: i64) -> KafkaSplit {
        KafkaSplit { topic: topic.into(), partition, position, leader_epoch: None, end: None, bound: None }
    }

    fn list(names: &[&str]) -> Topics {
        Topics::List(names.iter().map(|name| name.to_string()).collect())
    }

    fn sorted(topics: &Topics, gone: &[(&str, i32)]) -> Result<(Vec<String>, Vec<String>)> {
        let restored = [split("a", 0, 12), split("a", 1, 40), split("b", 0, 7)];
        let gone = gone.iter().map(|(topic, partition)| ((*topic).into(), *partition)).collect();
        let sorted = sort(&restored, topics, &gone, "k:9092")?;
        Ok((sorted.kept.iter().map(KafkaSplit::id).collect(), sorted.told))
    }

    #[test]
    fn only_topics_that_the_table_names_are_read_on() {
        let (kept, told) = sorted(&list(&["a", "b"]), &[]).unwrap();
        assert_eq!((kept.join(" "), told.len()), ("a/0 a/1 b/0".to_string(), 0));
        let (kept, told) = sorted(&list(&["b", "c"]), &[]).unwrap();
        assert_eq!(kept, ["b/0"]);
        assert_eq!(told, ["topics that the table doesn't name any more are left out: a/0 at 12, a/1 at 40"]);
    }

    #[test]
    fn what_is_gone_is_left_out_unless_it_is_a_topic_that_was_named() {
        let (kept, told) = sorted(&list(&["a", "b"]), &[("a", 1)]).unwrap();
        assert_eq!(kept, ["a/0", "b/0"]);
        assert_eq!(told, ["partitions that are no longer there are left out: a/1 at 40"]);
        let error = sorted(&list(&["a", "b"]), &[("a", 0), ("a", 1)]).unwrap_err();
        assert_eq!(error.message(), "topic \"a\" is no longer there on Kafka at k:9092");
        assert!(error.to_string().contains("a/0 at 12, a/1 at 40"), "{error}");
        let (kept, told) = sorted(&Topics::Pattern(".".to_string()), &[("b", 0)]).unwrap();
        assert_eq!((kept.len(), told.len()), (2, 1));
    }

    #[test]
    fn an_end_stays_as_long_as_the_table_asks_for_the_same() {
        let split = |end, bound: Option<&str>| KafkaSplit { end, bound: bound.map(Into::into), ..split("a", 0, 1) };
        let specific = |end| BoundedMode::Specific(BTreeMap::from([(0, end)]));
        let (latest, at) = (BoundedMode::Latest, |ms| BoundedMode::Timestamp(ms));
        for (end, bound, bounded, stays) in [
            (None, None, BoundedMode::Unbounded, true),
            (Some(9), Some("latest-offset"), latest.clone(), true),
            // Written before bounds were.
            (Some(9), None, latest.clone(), true),
            (Some(9), None, BoundedMode::Unbounded, false),
            (Some(9), Some("latest-offset"), BoundedMode::Unbounded, false),
            (None, None, latest.clone(), false),
            (Some(9), Some("timestamp 5"), at(5), true),
            (Some(9), Some("timestamp 5"), at(6), false),
            (Some(9), Some("timestamp 5"), latest, false),
            (Some(9), Some("specific-offsets"), specific(9), true),
            (Some(9), Some("specific-offsets"), specific(10), false),
        ] {
            assert_eq!(ends_as_asked(&split(end, bound), &bounded), stays, "{end:?} {bound:?} {bounded:?}");
        }
    }

    #[test]
    fn a_bounded_table_reads_no_more_than_it_would_have() {
        let kept = [split("a", 0, 1)];
        let come = || vec![("a".into(), 1), ("b".into(), 0)];
        let mut listed = come();
        assert_eq!(split_off_late(&mut listed, &kept, &list(&["a", "b"])), [("a".into(), 1)]);
        assert_eq!(listed, [("b".into(), 0)]);
        let mut matched = come();
        assert_eq!(split_off_late(&mut matched, &kept, &Topics::Pattern(".".to_string())).len(), 2);
    }
}

//! SHOW TOPICS, SHOW GROUPS, DESCRIBE TOPIC and PEEK.

use std::collections::BTreeMap;

use super::shown::{self, SHOWN};
use crate::connectors::kafka::inspect::{Extent, Peek, Topic};
use crate::error::{Error, Result};
use crate::session::show::fits;
use crate::session::{Listing, Outcome, Session};

use crate::sql::{Ident, LikePattern, PeekTopic};
use crate::types::{SqlType, TypeKind};

impl Session {
    pub(super) async fn show_topics(
        &self,
        from: Option<&Ident>,
        all: bool,
        like: &Option<LikePattern>,
    ) -> Result<Outcome> {
        let brokers = self.brokers(from)?;
        let topics = brokers.topics().await?;
        let mut listing = numbered(&["topic", "partitions", "replicas"], &[1, 2]);
        for topic in topics.iter().filter(|t| (all || !t.is_internal()) && fits(like, &t.name)) {
            listing.push(row([topic.name.clone(), topic.partitions.len().to_string(), topic.replicas().to_string()]));
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn show_groups(&self, from: Option<&Ident>, like: &Option<LikePattern>) -> Result<Outcome> {
        let brokers = self.brokers(from)?;
        let groups = brokers.groups().await?;
        let mut listing = numbered(&["group", "state", "members", "protocol type"], &[2]);
        for group in groups.iter().filter(|g| fits(like, &g.name)) {
            listing.push(row([group.name.clone(), group.state.clone(), group.members.to_string(), group.kind.clone()]));
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn describe_topic(
        &self,
        topic: &Ident,
        from: Option<&Ident>,
        group: Option<&Ident>,
    ) -> Result<Outcome> {
        let brokers = self.brokers(from)?;
        let found = brokers.topic(&topic.value).await.map_err(|e| e.at(topic.span))?;
        let extents = brokers.extents(&found).await?;
        let committed = match group {
            Some(group) => Some(brokers.committed(&found, &group.value).await.map_err(|e| e.at(group.span))?),
            None => None,
        };
        let newest = self.newest_times(&brokers, &found, &extents).await?;
        let mut names =
            vec!["partition", "leader", "replicas", "in sync", "earliest", "latest", "records", "newest record"];
        if committed.is_some() {
            names.extend(["committed", "lag"]);
        }
        let mut listing = numbered(&names, &[0, 1, 4, 5, 6, 8, 9]);
        for (partition, extent) in found.partitions.iter().zip(&extents) {
            let ids = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
            let leader = if partition.leader < 0 { "none".to_string() } else { partition.leader.to_string() };
            let mut cells = row([
                partition.id.to_string(),
                leader,
                ids(&partition.replicas),
                ids(&partition.in_sync),
                extent.start.to_string(),
                extent.end.to_string(),
                (extent.end - extent.start).to_string(),
            ]);
            cells.push(shown::time(newest.get(&partition.id).copied(), self.settings.zone()));
            if let Some(committed) = &committed {
                let offset = committed.get(&partition.id);
                // Records that are gone are nothing to catch up with.
                let lag = offset.map(|offset| (extent.end - offset.max(&extent.start)).max(0));
                cells.extend([offset.map(i64::to_string), lag.map(|lag| lag.to_string())]);
            }
            listing.push(cells);
        }
        Ok(Outcome::Listing(listing))
    }

    /// The time of the last record of each partition.
    async fn newest_times(
        &self,
        brokers: &crate::connectors::kafka::inspect::Brokers,
        topic: &Topic,
        extents: &[Extent],
    ) -> Result<BTreeMap<i32, i64>> {
        let doing = format!("reading the last record of each partition of topic \"{}\"", topic.name);
        let looks = extents.iter().map(|extent| {
            let peek = Peek { newest: true, limit: 1, keep: 0 };
            brokers.peek(&topic.name, std::slice::from_ref(extent), peek)
        });
        let found = self.told(&doing, futures::future::try_join_all(looks)).await?;
        Ok(found.into_iter().flatten().filter_map(|r| Some((r.partition, r.timestamp?))).collect())
    }

    pub(super) async fn peek_topic(&self, peek: &PeekTopic) -> Result<Outcome> {
        let brokers = self.brokers(peek.from.as_ref())?;
        let topic = brokers.topic(&peek.topic.value).await.map_err(|e| e.at(peek.topic.span))?;
        let mut extents = brokers.extents(&topic).await?;
        if let Some((partition, span)) = peek.partition {
            extents.retain(|extent| extent.partition == partition);
            if extents.is_empty() {
                let last = topic.partitions.last().map_or(0, |p| p.id);
                return Err(Error::external(format!("topic \"{}\" has no partition {partition}", topic.name))
                    .with_hint(format!("Its partitions are 0 to {last}."))
                    .at(span));
            }
        }
        let wanted = Peek { newest: !peek.from_beginning, limit: peek.limit, keep: SHOWN };
        let doing = format!("reading records of topic \"{}\"", topic.name);
        let records = self.told(&doing, brokers.peek(&topic.name, &extents, wanted)).await?;
        let names = ["partition", "offset", "time", "key", "value", "headers"];
        let mut listing = numbered(&names, &[0, 1]).marking_nulls();
        for record in &records {
            listing.push(vec![
                Some(record.partition.to_string()),
                Some(record.offset.to_string()),
                shown::time(record.timestamp, self.settings.zone()),
                record.key.as_ref().map(shown::bytes),
                record.value.as_ref().map(shown::bytes),
                Some(shown::headers(&record.headers)),
            ]);
        }
        Ok(Outcome::Listing(listing))
    }
}

/// A listing of what a service holds, in which the columns at these places are numbers.
pub(super) fn numbered(names: &[&str], numbers: &[usize]) -> Listing {
    let mut listing = Listing::new(names);
    for column in numbers {
        if let Some((_, ty)) = listing.columns.get_mut(*column) {
            *ty = SqlType::nullable(TypeKind::BigInt);
        }
    }
    listing
}

pub(super) fn row(cells: impl IntoIterator<Item = String>) -> Vec<Option<String>> {
    cells.into_iter().map(Some).collect()
}

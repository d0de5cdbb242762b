//! The marker of a job as a consumer group's offset: the epoch is the offset, who published it stands beside it.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::changelog::Epoch;
use crate::connectors::Marker;
use crate::error::{Error, Result};

/// The form of the text beside the offset.
const VERSION: u32 = 1;

/// The text beside the offset: `{"version":1,"lineage":"…","attempt":3}`.
#[derive(Serialize, Deserialize)]
struct Text {
    version: u32,
    lineage: String,
    attempt: u64,
}

/// The list that notes a marker at partition 0 of every topic.
pub fn note(marker: &Marker, topics: &[Arc<str>]) -> Result<TopicPartitionList> {
    let text = Text { version: VERSION, lineage: marker.lineage.clone(), attempt: marker.attempt };
    let text = serde_json::to_string(&text).map_err(|error| Error::internal(format!("a marker: {error}")))?;
    let offset = i64::try_from(marker.epoch.0).map_err(|_| Error::internal("an epoch that is no offset"))?;
    let list = || -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(topics.len());
        for topic in topics {
            let mut element = list.add_partition(topic, 0);
            element.set_offset(Offset::Offset(offset))?;
            element.set_metadata(&text);
        }
        Ok(list)
    };
    list().map_err(|error| Error::internal(format!("a marker: {error}")))
}

/// The marker that stands at one place; a negative offset says that there is none.
///
/// # Errors
/// What this version can't read: an offset that is no marker of ours, or one of a later version.
pub fn read(offset: i64, text: &str, group: &str) -> Result<Option<Marker>> {
    let Ok(epoch) = u64::try_from(offset) else { return Ok(None) };
    let unreadable = |why: String| {
        Error::state(format!("the offsets of the group \"{group}\" are not what this job has left there: {why}"))
            .with_hint("Give the job another 'sink.transactional-id-prefix', and let no other program use this group.")
    };
    let known: Text = serde_json::from_str(text).map_err(|_| unreadable(format!("beside one stands '{text}'")))?;
    if known.version != VERSION {
        let error = Error::state(format!("the marker in the group \"{group}\" is of version {}", known.version));
        return Err(error.with_hint("A later version of Millstream has written it: go on with that one."));
    }
    Ok(Some(Marker { lineage: known.lineage, attempt: known.attempt, epoch: Epoch(epoch) }))
}

/// The newest of what stands at several places: a table that came to the job later has none, one that left an old one.
pub fn newest(markers: impl Iterator<Item = Marker>) -> Option<Marker> {
    markers.max_by_key(|marker| (marker.epoch, marker.attempt))
}

#[cfg(test)]
mod tests {
    use super::super::super::answers::notes_of_list;
    use super::*;

    fn marker(epoch: u64, attempt: u64) -> Marker {
        Marker { lineage: "ab\"c".into(), attempt, epoch: Epoch(epoch) }
    }

    #[test]
    fn a_marker_is_read_as_it_was_noted() {
        let list = note(&marker(7, 3), &["a".into(), "b".into()]).unwrap();
        let notes = notes_of_list(&list).unwrap();
        for (note, topic) in notes.iter().zip(["a", "b"]) {
            assert_eq!((&*note.topic, note.partition, note.offset), (topic, 0, 7));
            assert_eq!(note.text, r#"{"version":1,"lineage":"ab\"c","attempt":3}"#);
            assert_eq!(read(note.offset, &note.text, "g").unwrap(), Some(marker(7, 3)));
        }
        assert_eq!(notes.len(), 2);
        assert_eq!(read(-1001, "", "g").unwrap(), None);
    }

    #[test]
    fn what_is_no_marker_of_ours_is_refused() {
        let error = read(7, "", "g").unwrap_err();
        assert!(
            error.message().starts_with("the offsets of the group \"g\" are not what this job has left"),
            "{error}"
        );
        let error = read(7, r#"{"version":2,"lineage":"a","attempt":3}"#, "g").unwrap_err();
        assert_eq!(error.message(), "the marker in the group \"g\" is of version 2");
        assert_eq!(error.kind(), crate::error::ErrorKind::State);
    }

    #[test]
    fn the_newest_marker_counts() {
        assert_eq!(newest([marker(7, 3), marker(9, 4), marker(9, 2)].into_iter()), Some(marker(9, 4)));
    }
}

//! The request for records, and its answer. <https://kafka.apache.org/protocol.html#The_Messages_Fetch>

use bytes::Bytes;

use super::aborted::AbortedTransaction;
use super::wire::{Answer, Api, Malformed, Request};

/// The versions that are spoken: from the one with transactions to the last in which leaders alone answer.
pub const VERSIONS: std::ops::RangeInclusive<i16> = 4..=10;

/// What is wanted, beside from where.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub partition_max_bytes: i32,
    pub committed_only: bool,
}

/// A partition and the offset to read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// The leader epoch as we know it, so that an old leader doesn't answer for a new one.
    pub leader_epoch: i32,
}

/// What a broker sends.
#[derive(Debug)]
pub struct Fetched {
    /// How long the broker wants to hear nothing.
    pub throttle_ms: i32,
    pub error: i16,
    pub partitions: Vec<FetchedPartition>,
}

/// What it sends of one partition.
#[derive(Debug)]
pub struct FetchedPartition {
    pub topic: usize,
    pub partition: i32,
    pub error: i16,
    /// The end of the partition, also of records that are not to be read yet.
    pub end: i64,
    pub aborted: Vec<AbortedTransaction>,
    pub records: Bytes,
}

/// A request for records from these places. No session is begun: every request names all of its partitions.
pub fn request(version: i16, client_id: &str, wanted: &Wanted, from: &[From<'_>]) -> Request {
    let mut request = Request::new(Api::Fetch, version, client_id);
    request.i32(-1); // no replica
    request.i32(wanted.max_wait_ms);
    request.i32(wanted.min_bytes);
    request.i32(wanted.max_bytes);
    request.i8(i8::from(wanted.committed_only));
    if version >= 7 {
        request.i32(0);
        request.i32(-1);
    }
    // In their order: a broker fills its answer with the first ones first. Neighbours of one topic share its name.
    let topics: Vec<&[From<'_>]> = from.chunk_by(|a, b| a.topic == b.topic).collect();
    request.count(topics.len());
    for partitions in topics {
        request.text(partitions[0].topic);
        request.count(partitions.len());
        for from in partitions {
            request.i32(from.partition);
            if version >= 9 {
                request.i32(from.leader_epoch);
            }
            request.i64(from.offset);
            if version >= 5 {
                request.i64(-1); // where a follower's log begins
            }
            request.i32(wanted.partition_max_bytes);
        }
    }
    if version >= 7 {
        request.count(0); // nothing to forget
    }
    request
}

/// The answer, and the names of its topics, by which its partitions are known. Records share its buffer.
pub fn answer(version: i16, bytes: Bytes) -> Result<(Fetched, Vec<String>), Malformed> {
    let mut answer = Answer::new(bytes);
    let throttled = answer.i32()?;
    // Those before have waited themselves.
    let throttle_ms = if version >= 8 { throttled } else { 0 };
    let mut error = 0;
    if version >= 7 {
        error = answer.i16()?;
        answer.i32()?; // the session
    }
    let (mut topics, mut partitions) = (Vec::new(), Vec::new());
    answer.array(|answer| {
        topics.push(answer.text()?);
        let topic = topics.len() - 1;
        let some = answer.array(|answer| {
            let (partition, error, end) = (answer.i32()?, answer.i16()?, answer.i64()?);
            answer.i64()?; // the last stable offset: the broker sends nothing behind it where only what is committed is read
            if version >= 5 {
                answer.i64()?; // the first offset
            }
            let aborted = answer
                .array(|answer| Ok(AbortedTransaction { producer: answer.i64()?, first_offset: answer.i64()? }))?;
            Ok(FetchedPartition { topic, partition, error, end, aborted, records: answer.bytes()? })
        })?;
        partitions.extend(some);
        Ok(())
    })?;
    Ok((Fetched { throttle_ms, error, partitions }, topics))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted { max_wait_ms: 500, min_bytes: 1, max_bytes: 99, partition_max_bytes: 9, committed_only: true }
    }

    #[test]
    fn a_request_names_partitions_in_their_order_and_a_topic_once_for_neighbours() {
        let from = |topic, partition| From { topic, partition, offset: 7, leader_epoch: 3 };
        let size = |version, from: &[From<'_>]| request(version, "c", &wanted(), from).finish(1).len();
        // Header 15, wishes 17, number of topics 4; of version 10 the session 8, what to forget 4.
        let (topic, partition) = (2 + 1 + 4, 4 + 8 + 4);
        assert_eq!(size(4, &[from("a", 0), from("a", 1)]), 15 + 17 + 4 + topic + 2 * partition);
        assert_eq!(size(4, &[from("a", 0), from("b", 0), from("a", 1)]), 15 + 17 + 4 + 3 * (topic + partition));
        let more = 4 + 8;
        assert_eq!(size(10, &[from("a", 0), from("a", 1)]), 15 + 17 + 4 + topic + 2 * (partition + more) + 12);
    }

    #[test]
    fn an_answer_is_read_in_every_version_and_its_records_are_not_copied() {
        for version in VERSIONS {
            let mut bytes = Vec::new();
            bytes.extend(40i32.to_be_bytes());
            if version >= 7 {
                bytes.extend([0; 6]);
            }
            bytes.extend(1i32.to_be_bytes());
            bytes.extend([0, 1, b't']);
            bytes.extend(2i32.to_be_bytes());
            for (partition, error, records) in [(0i32, 0i16, &b"records"[..]), (1, 6, b"")] {
                bytes.extend(partition.to_be_bytes());
                bytes.extend(error.to_be_bytes());
                bytes.extend(100i64.to_be_bytes());
                bytes.extend(90i64.to_be_bytes());
                if version >= 5 {
                    bytes.extend(0i64.to_be_bytes());
                }
                bytes.extend(1i32.to_be_bytes());
                bytes.extend(5i64.to_be_bytes());
                bytes.extend(80i64.to_be_bytes());
                bytes.extend((records.len() as i32).to_be_bytes());
                bytes.extend(records);
            }
            let bytes = Bytes::from(bytes);
            let (fetched, topics) = answer(version, bytes.clone()).unwrap();
            let throttle_ms = if version >= 8 { 40 } else { 0 };
            assert_eq!((fetched.throttle_ms, fetched.error, topics), (throttle_ms, 0, vec!["t".to_string()]));
            let [first, second] = &fetched.partitions[..] else { panic!("{fetched:?}") };
            assert_eq!((first.partition, first.end, &first.records[..]), (0, 100, &b"records"[..]));
            assert_eq!(first.aborted, [AbortedTransaction { producer: 5, first_offset: 80 }]);
            assert!(bytes.as_ptr_range().contains(&first.records.as_ptr()));
            assert_eq!((second.error, second.records.len()), (6, 0));
            for cut in 0..bytes.len() {
                assert!(answer(version, bytes.slice(..cut)).is_err(), "{version} {cut}");
            }
        }
    }
}

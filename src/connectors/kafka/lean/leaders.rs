//! Who leads which partition, and where the brokers are. <https://kafka.apache.org/protocol.html#The_Messages_Metadata>

use std::collections::HashMap;

use bytes::Bytes;

use super::wire::{Answer, Api, Malformed, Request};

/// The versions that are spoken; from 7 on with the leader epoch.
pub const VERSIONS: std::ops::RangeInclusive<i16> = 4..=7;

/// What a broker says of the cluster.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leaders {
    /// `host:port` by the broker's number.
    pub brokers: HashMap<i32, String>,
    /// Topics that it has something to say against, by name.
    pub faults: HashMap<String, i16>,
    /// The leader of each partition by topic and number; none while there is an election.
    pub leaders: HashMap<String, HashMap<i32, Leader>>,
}

/// A partition's leader and the leader epoch (-1: not known).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    pub broker: i32,
    pub leader_epoch: i32,
}

impl Leaders {
    pub fn leader(&self, topic: &str, partition: i32) -> Option<Leader> {
        let leader = *self.leaders.get(topic)?.get(&partition)?;
        self.brokers.contains_key(&leader.broker).then_some(leader)
    }
}

/// Asks for these topics, and makes none of them.
pub fn request(version: i16, client_id: &str, topics: &[&str]) -> Request {
    let mut request = Request::new(Api::Metadata, version, client_id);
    request.count(topics.len());
    for topic in topics {
        request.text(topic);
    }
    request.i8(0);
    request
}

pub fn answer(version: i16, bytes: Bytes) -> Result<Leaders, Malformed> {
    let mut answer = Answer::new(bytes);
    answer.i32()?; // throttling: one question now and then
    let mut leaders = Leaders::default();
    let brokers = answer.array(|answer| {
        let (number, host, port) = (answer.i32()?, answer.text()?, answer.i32()?);
        answer.text()?; // its rack
        Ok((number, address(&host, port)))
    })?;
    leaders.brokers.extend(brokers);
    answer.text()?; // the cluster's name
    answer.i32()?; // its controller
    answer.array(|answer| {
        let (error, topic) = (answer.i16()?, answer.text()?);
        answer.bool()?; // whether it is internal
        let partitions = answer.array(|answer| {
            // With a leader that is known a partition is read, whatever is said of its replicas.
            answer.i16()?;
            let (partition, broker) = (answer.i32()?, answer.i32()?);
            let leader_epoch = if version >= 7 { answer.i32()? } else { -1 };
            let replicas = if version >= 5 { 3 } else { 2 };
            for _ in 0..replicas {
                answer.array(Answer::i32)?;
            }
            Ok((partition, Leader { broker, leader_epoch }))
        })?;
        if error != 0 {
            leaders.faults.insert(topic.clone(), error);
        }
        leaders.leaders.insert(topic, partitions.into_iter().collect());
        Ok(())
    })?;
    Ok(leaders)
}

/// A host that is an IPv6 address stands in brackets.
fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as i16).to_be_bytes());
        bytes.extend(text.as_bytes());
    }

    #[test]
    fn leaders_are_read_in_every_version() {
        for version in VERSIONS {
            let mut bytes = vec![0; 4];
            bytes.extend([0, 0, 0, 1, 0, 0, 0, 9]);
            text(&mut bytes, "::1");
            bytes.extend(9092i32.to_be_bytes());
            bytes.extend([0xff, 0xff]); // no rack
            text(&mut bytes, "cluster");
            bytes.extend(9i32.to_be_bytes());
            bytes.extend(2i32.to_be_bytes());
            bytes.extend([0, 0]);
            text(&mut bytes, "t");
            bytes.push(0);
            bytes.extend(2i32.to_be_bytes());
            for (partition, leader) in [(0i32, 9i32), (1, -1)] {
                bytes.extend([0, 0]);
                bytes.extend(partition.to_be_bytes());
                bytes.extend(leader.to_be_bytes());
                if version >= 7 {
                    bytes.extend(4i32.to_be_bytes());
                }
                bytes.extend([0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0]);
                if version >= 5 {
                    bytes.extend([0; 4]);
                }
            }
            bytes.extend([0, 3]);
            text(&mut bytes, "gone");
            bytes.extend([0; 5]);
            let leaders = answer(version, Bytes::from(bytes)).unwrap();
            assert_eq!(leaders.brokers[&9], "[::1]:9092");
            let leader_epoch = if version >= 7 { 4 } else { -1 };
            assert_eq!(leaders.leader("t", 0), Some(Leader { broker: 9, leader_epoch }));
            assert_eq!((leaders.leader("t", 1), leaders.leader("gone", 0)), (None, None));
            assert_eq!(leaders.faults, HashMap::from([("gone".to_string(), 3)]));
        }
    }
}

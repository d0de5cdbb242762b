//! Encoded records that wait in a checkpoint until it is durable: the bytes that a writer leaves, and reading them.
//!
//! ```text
//! payload = version 1, record*
//! record  = flags, [topic], [partition], [timestamp], [key], [value], [headers]
//! headers = count, (name, 0 | 1 + length of the value, value)*
//! ```
//! Numbers are varints of 7 bits a byte, the lowest first; texts and bytes stand behind their length. What is absent has no
//! flag. A topic is written where it is not that of the record before. Which partition a key leads to is not among it:
//! the client decides that when the record is sent, as it does without exactly-once.

use bytes::Bytes;

use crate::connectors::kafka::produce::{BatchProducer, Extras, Outgoing, Tag};
use crate::error::{Error, Result};

/// The form of a payload.
const VERSION: u8 = 1;

const TOPIC: u8 = 1;
const PARTITION: u8 = 1 << 1;
const TIMESTAMP: u8 = 1 << 2;
const KEY: u8 = 1 << 3;
const VALUE: u8 = 1 << 4;
const HEADERS: u8 = 1 << 5;

/// Records handed to the producer in one call at most.
const CALL_RECORDS: usize = 1024;

/// The records of an epoch so far.
#[derive(Default)]
pub struct HeldRecords {
    bytes: Vec<u8>,
    /// That of the last record.
    topic: String,
}

/// One record as it is read back.
#[derive(Debug, Default)]
pub struct HeldRecord<'a> {
    pub topic: &'a str,
    pub record: Outgoing<'a>,
    pub extras: Extras<'a>,
}

impl HeldRecords {
    pub fn push(&mut self, topic: &str, record: &Outgoing<'_>, extras: &Extras<'_>) {
        let is_first = self.bytes.is_empty();
        if is_first {
            self.bytes.push(VERSION);
        }
        let new_topic = is_first || self.topic != topic;
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        self.bytes.push(
            flag(new_topic, TOPIC)
                | flag(record.partition.is_some(), PARTITION)
                | flag(extras.timestamp.is_some(), TIMESTAMP)
                | flag(record.key.is_some(), KEY)
                | flag(record.value.is_some(), VALUE)
                | flag(!extras.headers.is_empty(), HEADERS),
        );
        if new_topic {
            self.push_bytes(topic.as_bytes());
            self.topic = topic.to_string();
        }
        if let Some(partition) = record.partition {
            self.push_number(partition as u64);
        }
        if let Some(timestamp) = extras.timestamp {
            self.push_number(timestamp as u64);
        }
        for bytes in [record.key, record.value].into_iter().flatten() {
            self.push_bytes(bytes);
        }
        if !extras.headers.is_empty() {
            self.push_number(extras.headers.len() as u64);
            for (name, value) in &extras.headers {
                self.push_bytes(name.as_bytes());
                self.push_number(value.map_or(0, |value| value.len() as u64 + 1));
                self.bytes.extend_from_slice(value.unwrap_or_default());
            }
        }
    }

    /// Bytes that are held.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was held; the next epoch begins.
    pub fn take(&mut self) -> Bytes {
        self.topic.clear();
        std::mem::take(&mut self.bytes).into()
    }

    fn push_number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.push_number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// Reads a payload, record by record.
pub struct HeldReader<'a> {
    rest: &'a [u8],
    topic: &'a str,
}

impl<'a> HeldReader<'a> {
    /// # Errors
    /// A payload of a later version.
    pub fn new(payload: &'a [u8]) -> Result<Self> {
        match payload.split_first() {
            None => Ok(Self { rest: &[], topic: "" }),
            Some((&VERSION, rest)) => Ok(Self { rest, topic: "" }),
            Some((version, _)) => Err(Error::state(format!(
                "the output for Kafka that a checkpoint holds is of version {version}, which this version can't read"
            ))
            .with_hint("A later version of Millstream has written it: go on with that one.")),
        }
    }

    /// The next record, or nothing behind the last.
    pub fn next_record(&mut self) -> Result<Option<HeldRecord<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let damaged = || Error::state("the output for Kafka that a checkpoint holds is damaged");
        self.try_next().ok_or_else(damaged).map(Some)
    }

    fn try_next(&mut self) -> Option<HeldRecord<'a>> {
        let flags = self.take(1)?[0];
        let has = |flag: u8| flags & flag != 0;
        if has(TOPIC) {
            self.topic = self.text()?;
        }
        let mut read = HeldRecord { topic: self.topic, ..HeldRecord::default() };
        if has(PARTITION) {
            read.record.partition = Some(i32::try_from(self.number()?).ok()?);
        }
        if has(TIMESTAMP) {
            read.extras.timestamp = Some(i64::try_from(self.number()?).ok()?);
        }
        if has(KEY) {
            read.record.key = Some(self.bytes()?);
        }
        if has(VALUE) {
            read.record.value = Some(self.bytes()?);
        }
        if has(HEADERS) {
            for _ in 0..self.number()? {
                let name = self.text()?;
                let value = match self.number()? {
                    0 => None,
                    sized => Some(self.take(usize::try_from(sized - 1).ok()?)?),
                };
                read.extras.headers.push((name, value));
            }
        }
        Some(read)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Hands the records of a payload to a producer, in their order; `wait` gives it time while it is full.
pub fn send(payload: &[u8], producer: &BatchProducer, mut wait: impl FnMut() -> Result<()>) -> Result<()> {
    let mut reader = HeldReader::new(payload)?;
    let mut plain: Vec<HeldRecord> = Vec::with_capacity(CALL_RECORDS);
    loop {
        let next = reader.next_record()?;
        let joins = |first: &HeldRecord| next.as_ref().is_some_and(|next| next.is_plain() && next.topic == first.topic);
        if plain.len() == CALL_RECORDS || plain.first().is_some_and(|first| !joins(first)) {
            let mut sent = 0;
            while sent < plain.len() {
                let taken = producer.send(plain[0].topic, plain[sent..].iter().map(|held| held.record))?;
                sent += taken;
                if taken == 0 {
                    wait()?;
                }
            }
            plain.clear();
        }
        match next {
            None => return Ok(()),
            Some(next) if next.is_plain() => plain.push(next),
            Some(next) => {
                while !producer.send_one(next.topic, next.record, &next.extras)? {
                    wait()?;
                }
            }
        }
    }
}

impl HeldRecord<'_> {
    fn is_plain(&self) -> bool {
        self.extras.timestamp.is_none() && self.extras.headers.is_empty() && self.record.tag == Tag::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<(&'static str, Outgoing<'static>, Extras<'static>)> {
        let plain = Outgoing { value: Some(b"one"), ..Outgoing::default() };
        let keyed = Outgoing { key: Some(b""), value: None, partition: Some(300), ..Outgoing::default() };
        let headers = vec![("h", Some(&b"x"[..])), ("n", None), ("e", Some(&b""[..]))];
        let extras = Extras { timestamp: Some(1_700_000_000_000), headers };
        vec![("a", plain, Extras::default()), ("a", keyed, Extras::default()), ("b", plain, extras)]
    }

    fn payload() -> Bytes {
        let mut held = HeldRecords::default();
        records().iter().for_each(|(topic, record, extras)| held.push(topic, record, extras));
        held.take()
    }

    #[test]
    fn the_bytes_of_version_1() {
        let expected = [
            &[1u8][..],
            &[TOPIC | VALUE, 1, b'a', 3, b'o', b'n', b'e'],
            &[PARTITION | KEY, 0xac, 0x02, 0],
            &[TOPIC | TIMESTAMP | VALUE | HEADERS, 1, b'b', 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31, 3, b'o', b'n', b'e'],
            &[3, 1, b'h', 2, b'x', 1, b'n', 0, 1, b'e', 1],
        ];
        assert_eq!(payload(), expected.concat());
    }

    #[test]
    fn records_are_read_as_they_were_held() {
        let payload = payload();
        let mut reader = HeldReader::new(&payload).unwrap();
        for (topic, record, extras) in records() {
            let read = reader.next_record().unwrap().unwrap();
            assert_eq!((read.topic, read.record.key, read.record.value), (topic, record.key, record.value));
            assert_eq!(read.record.partition, record.partition);
            assert_eq!((read.extras.timestamp, read.extras.headers), (extras.timestamp, extras.headers));
        }
        assert!(reader.next_record().unwrap().is_none());
        assert!(HeldReader::new(&[]).unwrap().next_record().unwrap().is_none());
    }

    #[test]
    fn an_epoch_begins_with_version_and_topic_again() {
        let mut held = HeldRecords::default();
        let record = Outgoing { value: Some(b"v"), ..Outgoing::default() };
        held.push("a", &record, &Extras::default());
        let first = held.take();
        assert_eq!(held.take(), Bytes::new());
        held.push("a", &record, &Extras::default());
        assert_eq!(held.take(), first);
    }

    #[test]
    fn a_later_version_and_damaged_bytes_are_refused() {
        let error = HeldReader::new(&[2, 0]).err().unwrap();
        assert_eq!(error.kind(), crate::error::ErrorKind::State);
        assert!(error.message().contains("version 2"), "{error}");
        let payload = payload();
        // Cut anywhere: records before the cut are read, then it is an error or, between two records, the end.
        for end in 1..payload.len() {
            let mut reader = HeldReader::new(&payload[..end]).unwrap();
            let mut count = 0;
            let ended = loop {
                match reader.next_record() {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            assert!(count < 3 && (!ended || [1, 8, 12].contains(&end)), "{end}: {count}");
        }
    }
}

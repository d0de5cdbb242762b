//! Records of blocks that are kept while their rows are under way, for those that are rejected.

use std::sync::Arc;

use arrow::array::UInt32Array;

use super::block::{Block, BlockRecord};
use super::decode::RecordNeeds;
use crate::changelog::rejects::{Record, Records};

/// What of a record is kept: all of it.
pub const ALL: RecordNeeds = RecordNeeds { key: true, headers: true, timestamp: true, leader_epoch: true };

/// The blocks that a batch of rows was made of.
#[derive(Debug, Default)]
pub struct KeptBlocks {
    blocks: Vec<KeptBlock>,
    /// Per row its record, counted over all blocks.
    of_row: Vec<u32>,
}

#[derive(Debug)]
struct KeptBlock {
    /// How many records the blocks before it have.
    first: usize,
    topic: Arc<str>,
    partition: i32,
    block: Block,
}

impl KeptBlocks {
    /// Keeps a block whose records gave `rows_of` rows each.
    pub fn push(&mut self, topic: Arc<str>, partition: i32, block: Block, rows_of: &[u32]) {
        let first = self.blocks.last().map_or(0, |last| last.first + last.block.records.len());
        for (i, rows) in rows_of.iter().enumerate() {
            self.of_row.extend(std::iter::repeat_n((first + i) as u32, *rows as usize));
        }
        self.blocks.push(KeptBlock { first, topic, partition, block });
    }

    /// The records, and the index of every row's.
    pub fn finish(mut self) -> (Arc<dyn Records>, UInt32Array) {
        let of_row = UInt32Array::from(std::mem::take(&mut self.of_row));
        (Arc::new(self), of_row)
    }
}

impl Records for KeptBlocks {
    fn record(&self, index: usize) -> Record {
        let position = self.blocks.partition_point(|kept| kept.first <= index).saturating_sub(1);
        let kept = &self.blocks[position];
        record_of(&kept.topic, kept.partition, &kept.block, &kept.block.records[index - kept.first])
    }
}

/// A record taken out of its block.
pub fn record_of(topic: &str, partition: i32, block: &Block, record: &BlockRecord) -> Record {
    let headers = block.headers(record).iter().map(|header| block.header(*header));
    let headers: Vec<_> = headers.map(|(key, value)| (key.into_owned(), value.map(<[u8]>::to_vec))).collect();
    Record {
        payload: block.bytes(record.value).map(<[u8]>::to_vec),
        key: block.bytes(record.key).map(<[u8]>::to_vec),
        topic: Some(topic.to_string()),
        partition: Some(partition),
        offset: Some(record.offset),
        headers: (!headers.is_empty()).then_some(headers),
        timestamp: (record.timestamp >= 0).then_some(record.timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::block::{OpenBlock, Place, TimestampType};

    fn block(offsets: std::ops::Range<i64>) -> Block {
        let mut block = OpenBlock::new(0, offsets.end);
        for offset in offsets {
            let value = block.push_bytes(format!("v{offset}").as_bytes());
            let (timestamp, timestamp_type) = (offset * 10, TimestampType::Create);
            let key = Place::NULL;
            let record = BlockRecord { offset, timestamp, timestamp_type, leader_epoch: -1, key, value, headers: 0..0 };
            block.block.records.push(record);
        }
        block.finish()
    }

    #[test]
    fn every_row_finds_its_record_in_its_block() {
        let mut kept = KeptBlocks::default();
        kept.push("a".into(), 1, block(5..8), &[1, 0, 2]);
        kept.push("a".into(), 1, block(20..21), &[1]);
        let (records, of_row) = kept.finish();
        let offsets: Vec<_> = of_row.values().iter().map(|i| records.record(*i as usize).offset.unwrap()).collect();
        assert_eq!(offsets, [5, 7, 7, 20]);
        let last = records.record(3);
        assert_eq!((last.payload.as_deref(), last.timestamp), (Some(b"v20".as_slice()), Some(200)));
        assert_eq!((last.topic.as_deref(), last.partition, last.headers), (Some("a"), Some(1), None));
    }
}

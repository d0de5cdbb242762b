//! Batches that Java's client has made (`java_batches/Batches.java`), read by ours: xerial's blocks of snappy, LZ4's frames.

use bytes::Bytes;

use super::aborted::{Aborted, AbortedTransaction};
use super::record_set::{RecordSet, Rules};
use crate::connectors::kafka::block::Block;
use crate::connectors::kafka::records;

const BATCHES: [(&str, &[u8]); 4] = [
    ("gzip", include_bytes!("java_batches/gzip.batch")),
    ("snappy", include_bytes!("java_batches/snappy.batch")),
    ("lz4", include_bytes!("java_batches/lz4.batch")),
    ("zstd", include_bytes!("java_batches/zstd.batch")),
];
const ABORT: &[u8] = include_bytes!("java_batches/abort.batch");

fn rules(committed_only: bool) -> Rules {
    Rules { needs: records::ALL, block_rows: 1000, check_sums: true, batch_limit: 1 << 20, committed_only }
}

/// Key, value and headers of a record as text.
type Texts = (Option<String>, Option<String>, Vec<(String, Option<String>)>);

/// What Java was told to write as record `i`.
fn written(i: i64) -> Texts {
    let key = (i % 7 != 0).then(|| format!("key-{i}"));
    let value = (i % 11 != 0).then(|| format!("value {i} ").repeat(1 + i as usize % 50));
    let headers = if i % 5 == 0 { vec![("h".into(), Some(i.to_string())), ("n".into(), None)] } else { Vec::new() };
    (key, value, headers)
}

#[test]
fn every_compression_of_javas_client_is_read() {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    for (codec, batch) in BATCHES {
        let mut set = RecordSet::new(rules(true), 0, (40, None), Bytes::from_static(batch), Aborted::default());
        let blocks: Vec<Block> = std::iter::from_fn(|| set.next_block().unwrap()).collect();
        let [block] = &blocks[..] else { panic!("{codec}: {} blocks", blocks.len()) };
        assert_eq!((block.records.len(), block.next_position, block.leader_epoch), (300, 340, Some(5)), "{codec}");
        for (i, record) in (0..).zip(&block.records) {
            assert_eq!((record.offset, record.timestamp), (40 + i, 1000 + i), "{codec}");
            let headers = block.headers(record).iter().map(|header| block.header(*header));
            let headers = headers.map(|(key, value)| (key.to_string(), text(value))).collect();
            let read = (text(block.bytes(record.key)), text(block.bytes(record.value)), headers);
            assert_eq!(read, written(i), "{codec} {i}");
        }
    }
}

#[test]
fn a_marker_of_javas_broker_ends_what_it_aborts() {
    for (codec, batch) in BATCHES {
        let bytes = Bytes::from([batch, ABORT].concat());
        let aborted = || Aborted::new(vec![AbortedTransaction { producer: 7, first_offset: 40 }]);
        let count = |committed_only| {
            let mut set = RecordSet::new(rules(committed_only), 0, (40, None), bytes.clone(), aborted());
            let blocks: Vec<Block> = std::iter::from_fn(|| set.next_block().unwrap()).collect();
            let last = blocks.last().map_or(0, |block| block.next_position);
            (blocks.iter().map(|block| block.records.len()).sum::<usize>(), last)
        };
        assert_eq!((count(true), count(false)), ((0, 341), (300, 341)), "{codec}");
    }
}

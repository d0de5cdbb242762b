//! What walking a run of batches and decoding their records ask for, as the fetcher and the reader do it: for the figures of hot loops.

use bytes::Bytes;

use super::aborted::Aborted;
use super::record_set::{RecordSet, Rules};
use super::record_set_tests::{Batch, value};
use crate::allocations::{Counted, of_thread};
use crate::changelog::rejects::ErrorHandling;
use crate::connectors::kafka::columns::RecordColumns;
use crate::connectors::kafka::decode::RecordDecoder;
use crate::connectors::kafka::options::KafkaOptions;
use crate::connectors::kafka::testing::table;

const BATCH: usize = 500;

/// Bytes asked for by walking uncompressed batches of these messages, and by decoding them as JSON with these columns,
/// once the decoder's buffers are there.
pub(crate) fn records_to_rows(messages: &[String], columns: &str, block_rows: usize) -> (u64, u64) {
    let batches = messages.chunks(BATCH).enumerate().map(|(number, messages)| {
        let values = messages.iter().enumerate().map(|(i, message)| value(i as i32, message));
        Batch::at((number * BATCH) as i64).write(&values.collect::<Vec<_>>())
    });
    let set = Bytes::from(batches.collect::<Vec<_>>().concat());
    let descriptor = table(columns, &[]);
    let columns = RecordColumns::check(&descriptor, &KafkaOptions::check(&descriptor).unwrap().options).unwrap();
    let schema = descriptor.scan_schema();
    let mut decoder = RecordDecoder::try_new(&columns, &schema, &(0..schema.len()).collect::<Vec<_>>()).unwrap();
    let rules =
        Rules { needs: decoder.needs(), block_rows, check_sums: true, batch_limit: 1 << 20, committed_only: true };
    let (mut walked, mut decoded) = (0, 0);
    let _counted = Counted::begin();
    for _again in 0..2 {
        (walked, decoded) = (0, 0);
        let mut rows = 0;
        let mut set = RecordSet::new(rules, 0, (0, None), set.clone(), Aborted::default());
        loop {
            let before = of_thread();
            let Some(block) = set.next_block().unwrap() else { break };
            let between = of_thread();
            decoder.decode("topic", 0, &block, &ErrorHandling::Fail, None).unwrap();
            rows += decoder.finish().unwrap().0.num_rows();
            walked += between - before;
            decoded += of_thread() - between;
        }
        assert_eq!(rows, messages.len());
    }
    (walked, decoded)
}

//! Backpressure and parallelism: what is in flight is bounded, splits spread, and a key keeps its order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::{col, lit};
use tokio::sync::Semaphore;

use super::harness::*;
use crate::connectors::ChangelogSupport;
use crate::plan::stream_plan::{Distribution, NodeKind, StreamPlan};
use crate::runtime::channel::CHANNEL_BYTES;
use crate::runtime::{JobEnd, start};

/// 65,536 rows of one key: about a megabyte and a half.
fn large() -> RecordBatch {
    let keys = StringArray::from_iter_values(std::iter::repeat_n("doc", 65_536));
    let values = Int64Array::from_iter_values(0..65_536);
    RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

#[tokio::test]
async fn a_slow_sink_holds_back_its_source() {
    let batch = large();
    let in_queue = CHANNEL_BYTES / batch.get_array_memory_size();
    // Behind an exchange: one batch is being written, some are queued, one waits for room.
    for (exchange, in_flight) in [(false, 1..=1), (true, 3..=in_queue + 2)] {
        let mut events = Events::new();
        let (source, feeds) = events.source(1);
        let log = source.log.clone();
        let permits = Arc::new(Semaphore::new(0));
        let mut plan = StreamPlan::default();
        let mut last = add_source(&mut plan, source);
        if exchange {
            last = plan.add(vec![last], NodeKind::Exchange(Distribution::Single), schema());
        }
        add_sink(&mut plan, last, WatchedSink { permits: Some(permits.clone()), ..events.sink() });
        let mut job = start(plan, config(1));
        (0..50).for_each(|_| feeds[0].send(batch.clone()));
        while !matches!(events.next().await, Event::Begun) {}
        settle().await;
        let pulled = log.pulled.load(Ordering::SeqCst);
        assert!(in_flight.contains(&pulled), "{pulled} batches were read, not {in_flight:?}");
        permits.add_permits(1_000);
        drop(feeds);
        assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
        assert_eq!(job.metrics.rows_out(), 50 * 65_536);
    }
}

#[tokio::test]
async fn writers_that_gather_are_told_once_when_nothing_more_comes() {
    for exchange in [false, true] {
        let mut events = Events::new();
        let (source, feeds) = events.source(1);
        let mut plan = StreamPlan::default();
        let mut last = add_source(&mut plan, source);
        if exchange {
            last = plan.add(vec![last], NodeKind::Exchange(Distribution::Single), schema());
        }
        add_sink(&mut plan, last, WatchedSink { gathers: true, ..events.sink() });
        let silent = add_filter(&mut plan, last, &col("v").gt(lit(80i64)));
        add_sink(&mut plan, silent, WatchedSink { gathers: true, ..events.sink() });
        let mut told = Vec::new();
        let mut hears = async |until: usize| {
            while told.iter().filter(|word| *word == "idle").count() < until {
                match events.next().await {
                    Event::Written { rows, .. } => told.push(text(&rows).concat()),
                    Event::Idle => told.push("idle".to_string()),
                    _ => {}
                }
            }
            settle().await;
            let more = events.drain().len();
            assert_eq!(more, 0, "behind {told:?}");
        };
        // What is ready comes first.
        (1..=3).for_each(|v| feeds[0].send(rows(&[("a", v)])));
        let mut job = start(plan, config(1));
        hears(1).await;
        // One writer got rows before, both get the next.
        feeds[0].send(rows(&[("b", 98)]));
        hears(3).await;
        assert_eq!(told, ["+I a 1", "+I a 2", "+I a 3", "idle", "+I b 98", "+I b 98", "idle", "idle"], "{exchange}");
        job.stop();
        assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Stopped);
    }
}

#[tokio::test]
async fn splits_spread_over_subtasks_and_there_are_never_more_subtasks_than_splits() {
    for (splits, parallelism, expected) in [(4, 2, vec![2, 2]), (3, 2, vec![2, 1]), (1, 8, vec![1]), (2, 2, vec![1, 1])]
    {
        let events = Events::new();
        let (source, feeds) = events.source(splits);
        let log = source.log.clone();
        let mut plan = StreamPlan::default();
        let source = add_source(&mut plan, source);
        add_sink(&mut plan, source, events.sink());
        let mut job = start(plan, config(parallelism));
        feeds.iter().enumerate().for_each(|(i, feed)| feed.send(rows(&[("doc", i as i64)])));
        drop(feeds);
        assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
        assert_eq!(*log.readers.lock().unwrap(), expected, "{splits} splits, parallelism {parallelism}");
        assert_eq!(job.metrics.rows_out(), splits as u64);
    }
}

#[tokio::test]
async fn the_rows_of_a_key_reach_one_writer_in_their_order() {
    let mut events = Events::new();
    let (source, feeds) = events.source(2);
    let mut plan = StreamPlan::default();
    let source = add_source(&mut plan, source);
    let exchange = plan.add(vec![source], NodeKind::Exchange(Distribution::Hash(vec![0])), schema());
    add_sink(&mut plan, exchange, WatchedSink { support: ChangelogSupport::Upsert, ..events.sink() });
    let mut job = start(plan, config(3));
    let keys: Vec<String> = (0..20).map(|i| format!("host-{i}")).collect();
    // Each key lives in one split, as in a topic.
    for round in 0..10 {
        for (split, feed) in feeds.iter().enumerate() {
            let batch: Vec<(&str, i64)> = keys.iter().skip(split).step_by(2).map(|key| (key.as_str(), round)).collect();
            feed.send(rows(&batch));
        }
    }
    drop(feeds);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
    let mut seen: HashMap<String, (usize, Vec<String>)> = HashMap::new();
    for event in events.drain() {
        let Event::Written { subtask, rows } = event else { continue };
        for line in text(&rows) {
            let cells: Vec<&str> = line.split(' ').collect();
            let (writer, values) = seen.entry(cells[1].to_string()).or_insert((subtask, Vec::new()));
            assert_eq!(*writer, subtask, "{} has two writers", cells[1]);
            values.push(cells[2].to_string());
        }
    }
    let in_order: Vec<String> = (0..10).map(|i| i.to_string()).collect();
    assert_eq!(seen.len(), 20);
    assert!(seen.values().all(|(_, values)| *values == in_order), "{seen:?}");
    assert_eq!(seen.values().map(|(writer, _)| *writer).collect::<HashSet<_>>().len(), 3, "all writers work");
}

#[tokio::test]
async fn a_sink_has_as_many_writers_as_it_asks_for() {
    for asked in [2, 5] {
        let mut events = Events::new();
        let (source, feeds) = events.source(1);
        let mut plan = StreamPlan::default();
        let source = add_source(&mut plan, source);
        let exchange = plan.add(vec![source], NodeKind::Exchange(Distribution::Rebalance), schema());
        add_sink(&mut plan, exchange, WatchedSink { parallelism: Some(asked), ..events.sink() });
        let mut job = start(plan, config(3));
        (0..10).for_each(|i| feeds[0].send(rows(&[("doc", i)])));
        drop(feeds);
        assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
        let mut per_writer: HashMap<usize, usize> = HashMap::new();
        for event in events.drain() {
            let Event::Written { subtask, rows } = event else { continue };
            *per_writer.entry(subtask).or_default() += text(&rows).len();
        }
        assert_eq!(per_writer.len(), asked, "{per_writer:?}");
        assert_eq!(per_writer.values().sum::<usize>(), 10);
    }
}

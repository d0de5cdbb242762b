//! Epochs: barriers pass every task, sinks flush, then the sources hear that they are complete.

use std::collections::HashSet;
use std::time::Duration;

use super::harness::*;
use crate::checkpoint::Store;
use crate::connectors::Split;
use crate::plan::stream_plan::{Distribution, NodeKind, StreamPlan};
use crate::runtime::{Checkpoints, JobConfig, JobEnd, start};

fn with_epochs(parallelism: usize) -> JobConfig {
    let checkpoints = Checkpoints::new(Store::memory(), Duration::from_millis(2));
    JobConfig { checkpoints: Some(checkpoints), ..config(parallelism) }
}

fn at(splits: &[Split], id: &str) -> Option<String> {
    splits.iter().find(|s| s.id == id).map(|s| s.position.clone())
}

#[tokio::test]
async fn an_epoch_is_complete_once_every_sink_has_flushed_what_came_before_it() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let mut plan = StreamPlan::default();
    let source = add_source(&mut plan, source);
    let exchange = plan.add(vec![source], NodeKind::Exchange(Distribution::Hash(vec![0])), schema());
    add_sink(&mut plan, exchange, events.sink());
    let mut job = start(plan, with_epochs(3));
    feeds[0].send(rows(&[("doc", 1), ("happy", 2), ("sleepy", 3), ("grumpy", 4)]));
    let (mut written, mut unflushed, mut writers) = (0, HashSet::new(), HashSet::new());
    loop {
        match events.next().await {
            Event::Written { subtask, rows } => {
                written += rows.num_rows();
                unflushed.insert(subtask);
            }
            Event::Flushed(subtask) => {
                unflushed.remove(&subtask);
                writers.insert(subtask);
            }
            Event::Completed(splits) if at(&splits, "0").as_deref() == Some("1") => break,
            _ => {}
        }
    }
    assert_eq!(written, 4, "an epoch is not complete before its rows are written");
    assert!(unflushed.is_empty(), "nor before the writers {unflushed:?} have flushed");
    assert_eq!(writers.len(), 3, "every writer has seen the barrier");
    assert!(job.metrics.epoch.load(std::sync::atomic::Ordering::Relaxed) >= 1);
    drop(feeds);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
}

#[tokio::test]
async fn finished_sources_do_not_hold_up_epochs() {
    let mut events = Events::new();
    let ((first, first_feeds), (second, second_feeds)) = (events.source(2), events.source(1));
    let mut plan = StreamPlan::default();
    let (first, second) = (add_source(&mut plan, first), add_source(&mut plan, second));
    let union = plan.add(vec![first, second], NodeKind::Union, schema());
    let single = plan.add(vec![union], NodeKind::Exchange(Distribution::Single), schema());
    add_sink(&mut plan, single, events.sink());
    let mut job = start(plan, with_epochs(2));
    drop(second_feeds);
    let mut first_feeds = first_feeds.into_iter();
    let (feed, finished) = (first_feeds.next().unwrap(), first_feeds.next().unwrap());
    drop(finished);
    for (value, position) in [(1, "1"), (2, "2"), (3, "3")] {
        feed.send(rows(&[("doc", value)]));
        loop {
            if let Event::Completed(splits) = events.next().await {
                if at(&splits, "0").as_deref() == Some(position) {
                    break;
                }
            }
        }
    }
    drop(feed);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
}

#[tokio::test]
async fn where_a_source_has_ended_is_reported_with_the_last_epoch() {
    for stops in [false, true] {
        let mut events = Events::new();
        let (source, feeds) = events.source(1);
        let mut plan = StreamPlan::default();
        let source = add_source(&mut plan, source);
        let exchange = plan.add(vec![source], NodeKind::Exchange(Distribution::Single), schema());
        add_sink(&mut plan, exchange, events.sink());
        let checkpoints = Checkpoints::new(Store::memory(), Duration::from_secs(3_600));
        let mut job = start(plan, JobConfig { checkpoints: Some(checkpoints), ..config(2) });
        feeds[0].send(rows(&[("doc", 1)]));
        while !matches!(events.next().await, Event::Written { .. }) {}
        if stops {
            job.stop();
        }
        let feeds = stops.then_some(feeds);
        loop {
            match events.next().await {
                Event::Completed(splits) => break assert_eq!(at(&splits, "0").as_deref(), Some("1")),
                Event::Begun | Event::Written { .. } => panic!("there is one row"),
                _ => {}
            }
        }
        assert_eq!(in_time(job.wait()).await.unwrap(), if stops { JobEnd::Stopped } else { JobEnd::Finished });
        drop(feeds);
    }
}

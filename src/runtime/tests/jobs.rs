//! How jobs end: with the data, by a stop, by a LIMIT, by a failure or a panic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, col, create_udf, lit};
use tokio::sync::Semaphore;

use super::harness::*;
use crate::error::ErrorKind;
use crate::plan::stream_plan::{Distribution, NodeKind, StreamPlan};
use crate::runtime::{JobEnd, JobHandle, JobStatus, start};

/// `source ─ exchange by k ─ sink`.
fn exchanged(source: FedSource, sink: WatchedSink, parallelism: usize) -> JobHandle {
    let mut plan = StreamPlan::default();
    let source = add_source(&mut plan, source);
    let exchange = plan.add(vec![source], NodeKind::Exchange(Distribution::Hash(vec![0])), schema());
    add_sink(&mut plan, exchange, sink);
    start(plan, config(parallelism))
}

#[tokio::test]
async fn a_job_whose_data_ends_flushes_and_closes_its_sinks() {
    let mut events = Events::new();
    let (source, feeds) = events.source(2);
    let mut job = exchanged(source, events.sink(), 1);
    feeds[0].send(rows(&[("doc", 1)]));
    feeds[1].send(rows(&[("happy", 2)]));
    drop(feeds);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
    let told: Vec<String> = events
        .drain()
        .iter()
        .filter_map(|event| match event {
            Event::Written { rows, .. } => Some(text(rows).join(", ")),
            Event::Flushed(_) | Event::Closed => Some(format!("{event:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["+I doc 1", "+I happy 2", "Flushed(0)", "Closed"]);
    assert_eq!(job.metrics.rows_in(), 2);
    assert_eq!(job.metrics.rows_out(), 2);
}

#[tokio::test]
async fn what_was_read_before_a_stop_arrives() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let log = source.log.clone();
    let permits = Arc::new(Semaphore::new(0));
    let sink = WatchedSink { permits: Some(permits.clone()), ..events.sink() };
    let mut job = exchanged(source, sink, 1);
    (0..5).for_each(|i| feeds[0].send(rows(&[("doc", i)])));
    while !matches!(events.next().await, Event::Begun) {}
    settle().await;
    job.stop();
    permits.add_permits(100);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Stopped);
    let told = events.drain();
    let written = told.iter().filter(|event| matches!(event, Event::Written { .. })).count();
    assert_eq!(written, log.pulled.load(Ordering::SeqCst));
    assert!(matches!(told.last(), Some(Event::Closed)));
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Stopped, "asked again, it says the same");
}

#[tokio::test]
async fn a_limit_ends_an_endless_job() {
    for (fetch, expected) in [(2, 2), (0, 0)] {
        let mut events = Events::new();
        let (source, feeds) = events.source(1);
        let mut plan = StreamPlan::default();
        let source = add_source(&mut plan, source);
        let single = plan.add(vec![source], NodeKind::Exchange(Distribution::Single), schema());
        let limit = plan.add(vec![single], NodeKind::Limit { skip: 1, fetch: Some(fetch) }, schema());
        add_sink(&mut plan, limit, events.sink());
        if fetch == 0 {
            let NodeKind::Limit { skip, .. } = &mut plan.nodes[limit].kind else { unreachable!() };
            *skip = 0;
        }
        let mut job = start(plan, config(1));
        if fetch > 0 {
            feeds[0].send(rows(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]));
        }
        assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished, "LIMIT {fetch}");
        let told = events.drain();
        let written: Vec<String> = told
            .iter()
            .filter_map(|e| if let Event::Written { rows, .. } = e { Some(text(rows)) } else { None })
            .flatten()
            .collect();
        assert_eq!(written.len(), expected);
        if expected == 2 {
            assert_eq!(written, ["+I b 2", "+I c 3"]);
        }
    }
}

#[tokio::test]
async fn the_task_that_failed_first_names_the_cause() {
    let events = Events::new();
    let (source, feeds) = events.source(4);
    let sink = WatchedSink { fails: Some("the disk is full"), ..events.sink() };
    let mut job = exchanged(source, sink, 4);
    for feed in &feeds {
        (0..50).for_each(|i| feed.send(rows(&[("doc", i), ("happy", i), ("sleepy", i)])));
    }
    let error = in_time(job.wait()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::External, "the disk is full"));
    let again = in_time(job.wait()).await.unwrap_err();
    assert_eq!((again.kind(), again.message()), (ErrorKind::External, "the disk is full"));
}

#[tokio::test]
async fn a_reader_that_fails_ends_the_job() {
    let events = Events::new();
    let (source, feeds) = events.source(2);
    let mut job = exchanged(source, events.sink(), 2);
    feeds[1].fail("the broker is gone");
    assert_eq!(in_time(job.wait()).await.unwrap_err().message(), "the broker is gone");
}

#[tokio::test]
async fn a_panic_fails_its_job_only() {
    let boom = create_udf(
        "boom",
        vec![DataType::Int64],
        DataType::Boolean,
        Volatility::Volatile,
        Arc::new(|_: &[ColumnarValue]| panic!("boom")),
    );
    let job = |predicate: Expr, events: &Events| {
        let (source, mut feeds) = events.source(1);
        let mut plan = StreamPlan::default();
        let source = add_source(&mut plan, source);
        let filter = add_filter(&mut plan, source, &predicate);
        let exchange = plan.add(vec![filter], NodeKind::Exchange(Distribution::Single), schema());
        add_sink(&mut plan, exchange, events.sink());
        (start(plan, config(2)), feeds.remove(0))
    };
    let (mut bad_events, mut good_events) = (Events::new(), Events::new());
    let (mut bad, bad_feed) = job(boom.call(vec![col("v")]), &bad_events);
    let (mut good, good_feed) = job(col("v").gt(lit(0i64)), &good_events);
    bad_feed.send(rows(&[("doc", 1)]));
    let error = in_time(bad.wait()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("panicked: boom"), "{error}");
    assert!(bad_events.drain().is_empty());
    good_feed.send(rows(&[("doc", 1)]));
    assert_eq!(good_events.rows().await, ["+I doc 1"]);
    drop(good_feed);
    assert_eq!(in_time(good.wait()).await.unwrap(), JobEnd::Finished);
}

#[tokio::test]
async fn a_job_that_is_stopped_before_it_ran_has_read_nothing() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let log = source.log.clone();
    feeds[0].send(rows(&[("doc", 1)]));
    let mut job = exchanged(source, events.sink(), 1);
    job.stop();
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Stopped);
    assert_eq!(log.pulled.load(Ordering::SeqCst), 0);
    assert!(events.drain().is_empty());
}

#[tokio::test]
async fn a_dropped_handle_ends_the_job_without_flushing() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let job = exchanged(source, events.sink(), 1);
    feeds[0].send(rows(&[("doc", 1)]));
    assert_eq!(events.rows().await, ["+I doc 1"]);
    drop(job);
    settle().await;
    assert!(events.drain().is_empty());
}

#[tokio::test]
async fn two_sinks_share_one_reading_of_their_source() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let log = source.log.clone();
    let mut plan = StreamPlan::default();
    let source = add_source(&mut plan, source);
    let (high, low) = (col("v").gt(lit(50i64)), col("v").lt(lit(90i64)));
    for predicate in [high, low] {
        let filter = add_filter(&mut plan, source, &predicate);
        add_sink(&mut plan, filter, events.sink());
    }
    let mut job = start(plan, config(4));
    feeds[0].send(rows(&[("doc", 98), ("happy", 60), ("sleepy", 1)]));
    assert_eq!(events.rows().await, ["+I doc 98", "+I happy 60"]);
    assert_eq!(events.rows().await, ["+I happy 60", "+I sleepy 1"]);
    drop(feeds);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
    assert_eq!(*log.readers.lock().unwrap(), [1]);
    assert_eq!(log.pulled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_drained_job_ends_as_if_its_data_had() {
    let mut events = Events::new();
    let (source, feeds) = events.source(1);
    let mut job = exchanged(source, events.sink(), 1);
    feeds[0].send(rows(&[("a", 1)]));
    assert_eq!(events.rows().await, ["+I a 1"]);
    assert_eq!(job.state().status(), JobStatus::Running);
    job.drain();
    assert_eq!(job.state().status(), JobStatus::Cancelling);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
    assert_eq!(job.state().status(), JobStatus::Finished);
}

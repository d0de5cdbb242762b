//! Inside a task: order on every path, resumption before what follows, restoring.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::harness::*;
use crate::changelog::{ChangelogBatch, EndKind, Epoch, StreamElement};
use crate::connectors::{OpenContext, Sink};
use crate::error::Result;
use crate::operators::{Operator, Output, Progress};
use crate::runtime::chain::{Body, Chain};
use crate::runtime::metrics::SinkMetrics;
use crate::time::ManualClock;

/// Emits every row of a batch by itself, one per call, as an operator with much to say does.
struct OneByOne(Vec<ChangelogBatch>);

impl OneByOne {
    fn emit(&mut self, out: &mut Output) -> Progress {
        if let Some(row) = self.0.pop() {
            out.emit(row);
        }
        if self.0.is_empty() { Progress::Done } else { Progress::More }
    }
}

impl Operator for OneByOne {
    fn name(&self) -> &'static str {
        "OneByOne"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        assert!(self.0.is_empty(), "it is resumed before anything else comes");
        self.0 = (0..batch.num_rows()).rev().map(|row| batch.slice(row, 1)).collect();
        Ok(self.emit(out))
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        Ok(self.emit(out))
    }
}

async fn writer(events: &Events) -> Body {
    let writer = events.sink().open(&OpenContext::for_test()).await.unwrap();
    Body::Writer { writer, metrics: Arc::new(SinkMetrics::new("watched")), stages: None }
}

/// Holds all rows back.
struct Holding(Vec<ChangelogBatch>);

impl Operator for Holding {
    fn name(&self) -> &'static str {
        "Holding"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, _out: &mut Output) -> Result<Progress> {
        self.0.insert(0, batch);
        Ok(Progress::Done)
    }

    fn flush(&mut self, out: &mut Output) -> Result<Progress> {
        self.resume(out)
    }

    fn resume(&mut self, out: &mut Output) -> Result<Progress> {
        self.0.pop().into_iter().for_each(|batch| out.emit(batch));
        Ok(if self.0.is_empty() { Progress::Done } else { Progress::More })
    }
}

#[tokio::test]
async fn what_is_held_back_comes_before_the_barrier_and_before_a_stop() {
    let mut events = Events::new();
    let mut chain = Chain::new(Vec::new());
    let operator = chain.add(None, Body::Operator(Box::new(Holding(Vec::new()))));
    let body = writer(&events).await;
    chain.add(Some(operator), body);
    let mut told = Vec::new();
    for end in [false, true] {
        for v in [1, 2, 3] {
            chain.push(StreamElement::Batch(ChangelogBatch::inserts(rows(&[("a", v)])))).await.unwrap();
        }
        assert!(events.drain().iter().all(|event| !matches!(event, Event::Written { .. })));
        match end {
            false => chain.barrier(Epoch(1)).await.unwrap(),
            true => chain.end(EndKind::Stop).await.unwrap(),
        };
        told.extend(events.drain().into_iter().filter_map(|event| match event {
            Event::Written { rows, .. } => Some(text(&rows).join(" ")),
            Event::Flushed(_) => Some("flushed".to_string()),
            _ => None,
        }));
    }
    let one: Vec<String> = [1, 2, 3].map(|v| text(&ChangelogBatch::inserts(rows(&[("a", v)]))).join(" ")).to_vec();
    let expected = [one.clone(), vec!["flushed".to_string()], one, vec!["flushed".to_string()]].concat();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_operator_with_more_to_say_is_resumed_before_the_barrier() {
    let mut events = Events::new();
    let mut chain = Chain::new(Vec::new());
    let operator = chain.add(None, Body::Operator(Box::new(OneByOne(Vec::new()))));
    let next = chain.add(Some(operator), Body::Operator(Box::new(OneByOne(Vec::new()))));
    let body = writer(&events).await;
    chain.add(Some(next), body);
    for start in [1, 4] {
        let batch = rows(&[("a", start), ("b", start + 1), ("c", start + 2)]);
        chain.push(StreamElement::Batch(ChangelogBatch::inserts(batch))).await.unwrap();
    }
    chain.barrier(Epoch(1)).await.unwrap();
    let told: Vec<String> = events
        .drain()
        .into_iter()
        .filter_map(|event| match event {
            Event::Written { rows, .. } => Some(rows.rows().column(1).as_primitive::<Int64Type>().value(0).to_string()),
            Event::Flushed(_) => Some("flushed".to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["1", "2", "3", "4", "5", "6", "flushed"]);
}

#[tokio::test]
async fn whoever_waits_has_a_turn_while_an_operator_has_more_to_say() {
    let mut events = Events::new();
    let mut chain = Chain::new(Vec::new());
    let operator = chain.add(None, Body::Operator(Box::new(OneByOne(Vec::new()))));
    let body = writer(&events).await;
    chain.add(Some(operator), body);
    let batch = ChangelogBatch::inserts(rows(&[("a", 1), ("b", 2), ("c", 3)]));
    let mut written = 0;
    tokio::select! {
        biased;
        pushed = chain.push(StreamElement::Batch(batch)) => pushed.unwrap(),
        _ = async { written = events.drain().len() } => {}
    }
    assert!((1..3).contains(&written), "after {written} events");
}

#[tokio::test]
async fn every_branch_gets_every_element_in_order() {
    let mut events = Events::new();
    let mut chain = Chain::new(Vec::new());
    let root = chain.add(None, Body::Operator(Box::new(OneByOne(Vec::new()))));
    for _ in 0..2 {
        let body = writer(&events).await;
        chain.add(Some(root), body);
    }
    let batch = ChangelogBatch::inserts(rows(&[("a", 1), ("b", 2)]));
    chain.push(StreamElement::Batch(batch)).await.unwrap();
    let written: Vec<String> = events
        .drain()
        .into_iter()
        .filter_map(|e| if let Event::Written { rows, .. } = e { Some(text(&rows).concat()) } else { None })
        .collect();
    assert_eq!(written, ["+I a 1", "+I a 1", "+I b 2", "+I b 2"]);
}

/// Lets rows pass at even milliseconds only.
struct AtEvenTimes(i64);

impl Operator for AtEvenTimes {
    fn name(&self) -> &'static str {
        "AtEvenTimes"
    }

    fn tell_time(&mut self, now_ms: i64) {
        self.0 = now_ms;
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        if self.0 % 2 == 0 {
            out.emit(batch);
        }
        Ok(Progress::Done)
    }
}

#[tokio::test]
async fn an_operator_is_told_the_time_of_every_batch() {
    let mut events = Events::new();
    let clock = Arc::new(ManualClock::new(0));
    let mut chain = Chain::new(Vec::new()).with_clock(clock.clone());
    let operator = chain.add(None, Body::Operator(Box::new(AtEvenTimes(1))));
    let body = writer(&events).await;
    chain.add(Some(operator), body);
    for now_ms in 0..4 {
        clock.set(now_ms);
        let batch = ChangelogBatch::inserts(rows(&[("a", now_ms)]));
        chain.push(StreamElement::Batch(batch)).await.unwrap();
    }
    let written: Vec<String> = events
        .drain()
        .into_iter()
        .filter_map(|e| if let Event::Written { rows, .. } = e { Some(text(&rows).concat()) } else { None })
        .collect();
    assert_eq!(written, ["+I a 0", "+I a 2"]);
}

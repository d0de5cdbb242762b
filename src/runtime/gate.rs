//! Several inputs as one: rows as they come, watermarks by minimum, barriers aligned, one end.
//!
//! A finished input is left out of the minimum and counts as aligned; one that was stopped holds the watermark where it
//! was, for it would have gone on. An idle one is left out of the minimum until it
//! sends a row or a watermark; a watermark that repeats the last one says just that. When the last one falls idle, none
//! holds back the highest watermark any longer. Behind its barrier an input waits until the others have sent theirs.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::channel::Receiver;
use crate::changelog::{EndKind, Epoch, StreamElement};
use crate::time::Watermark;

/// The inputs of a task.
pub struct InputGate {
    inputs: Vec<Input>,
    /// The watermark sent on last.
    watermark: Watermark,
    idle: bool,
    ended: bool,
    /// An element went out before it was looked whether there is a watermark or idleness to tell behind it.
    unsettled: bool,
    /// Where polling goes on, so that no input starves.
    next: usize,
}

struct Input {
    receiver: Receiver,
    watermark: Watermark,
    idle: bool,
    end: Option<EndKind>,
    /// The barrier behind which it waits.
    barrier: Option<Epoch>,
}

impl Input {
    /// False when the data is all read. A stop only interrupts it: its event time still counts.
    fn goes_on(&self) -> bool {
        self.end != Some(EndKind::Data)
    }
}

impl InputGate {
    pub fn new(receivers: Vec<Receiver>) -> Self {
        let input = |receiver| Input { receiver, watermark: Watermark::MIN, idle: false, end: None, barrier: None };
        Self {
            inputs: receivers.into_iter().map(input).collect(),
            watermark: Watermark::MIN,
            idle: false,
            ended: false,
            unsettled: false,
            next: 0,
        }
    }

    /// The next element of the joined stream; `None` when an input broke off without an end, or after the end.
    ///
    /// Cancel safe: an element is taken from its input at the moment it is returned.
    pub async fn next(&mut self) -> Option<StreamElement> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<StreamElement>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut self.unsettled) {
            if let Some(element) = self.advance() {
                return Poll::Ready(Some(element));
            }
        }
        let count = self.inputs.len();
        for turn in 0..count {
            let i = (self.next + turn) % count;
            loop {
                let input = &mut self.inputs[i];
                if input.end.is_some() || input.barrier.is_some() {
                    break;
                }
                let element = match input.receiver.poll_recv(cx) {
                    Poll::Pending => break,
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Ready(Some(element)) => element,
                };
                if let Some(out) = self.take(i, element) {
                    self.next = (i + 1) % count;
                    return Poll::Ready(Some(out));
                }
            }
        }
        Poll::Pending
    }

    /// What the joined stream says when input `i` says `element`.
    fn take(&mut self, i: usize, element: StreamElement) -> Option<StreamElement> {
        let input = &mut self.inputs[i];
        match element {
            StreamElement::Batch(batch) => {
                input.idle = false;
                self.idle = false;
                return Some(StreamElement::Batch(batch));
            }
            StreamElement::Watermark(watermark) => {
                input.idle = false;
                input.watermark = input.watermark.max(watermark);
            }
            StreamElement::Idle => {
                input.idle = true;
                let last = input.watermark;
                if let Some(flushed) = self.flush(last) {
                    self.unsettled = true;
                    return Some(flushed);
                }
            }
            StreamElement::Barrier(epoch) => {
                input.barrier = Some(epoch);
                return self.aligned();
            }
            StreamElement::End(kind) => {
                input.end = Some(kind);
                if let Some(end) = self.all_ended() {
                    self.ended = true;
                    return Some(StreamElement::End(end));
                }
                if let Some(barrier) = self.aligned() {
                    self.unsettled = true;
                    return Some(barrier);
                }
            }
        }
        self.advance()
    }

    /// The barrier, once every input that still runs has sent it.
    fn aligned(&mut self) -> Option<StreamElement> {
        let epoch = self.inputs.iter().find_map(|input| input.barrier)?;
        if self.inputs.iter().any(|input| input.end.is_none() && input.barrier.is_none()) {
            return None;
        }
        for input in &mut self.inputs {
            input.barrier = None;
        }
        Some(StreamElement::Barrier(epoch))
    }

    fn all_ended(&self) -> Option<EndKind> {
        let mut all = EndKind::Data;
        for input in &self.inputs {
            if input.end? == EndKind::Stop {
                all = EndKind::Stop;
            }
        }
        Some(all)
    }

    /// The highest watermark of all inputs, when the last of them has fallen idle that held it back with its own.
    fn flush(&mut self, last: Watermark) -> Option<StreamElement> {
        let running = || self.inputs.iter().filter(|input| input.goes_on());
        if last != self.watermark || running().any(|input| !input.idle) {
            return None;
        }
        let highest = running().map(|input| input.watermark).max().filter(|highest| *highest > self.watermark)?;
        self.watermark = highest;
        Some(StreamElement::Watermark(highest))
    }

    /// The joined watermark where it has risen, or that nothing is to be expected.
    fn advance(&mut self) -> Option<StreamElement> {
        let running = self.inputs.iter().filter(|input| input.goes_on());
        let minimum = running.filter(|input| !input.idle).map(|input| input.watermark).min();
        match minimum {
            Some(watermark) if watermark > self.watermark => {
                self.watermark = watermark;
                self.idle = false;
                Some(StreamElement::Watermark(watermark))
            }
            Some(_) if self.idle => {
                self.idle = false;
                Some(StreamElement::Watermark(self.watermark))
            }
            None if !self.idle => {
                self.idle = true;
                Some(StreamElement::Idle)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::channel::{Sender, channel};
    use super::*;

    fn gate(n: usize) -> (Vec<Sender>, InputGate) {
        let (senders, receivers) = (0..n).map(|_| channel()).unzip();
        (senders, InputGate::new(receivers))
    }

    /// What the gate says when its two inputs say these, one after the other.
    async fn script(lines: &[(usize, StreamElement)]) -> Vec<String> {
        let (senders, mut gate) = gate(2);
        let mut said = Vec::new();
        for (input, element) in lines {
            senders[*input].send(element.clone()).await.unwrap();
            while let Some(Some(element)) = gate.next().now_or_never() {
                said.push(match element {
                    StreamElement::Watermark(w) => format!("watermark {}", w.0),
                    StreamElement::Barrier(e) => format!("barrier {}", e.0),
                    StreamElement::End(kind) => format!("end {kind:?}"),
                    StreamElement::Idle => "idle".to_string(),
                    StreamElement::Batch(_) => "batch".to_string(),
                });
            }
        }
        said
    }

    fn watermark(ms: i64) -> StreamElement {
        StreamElement::Watermark(Watermark(ms))
    }

    #[tokio::test]
    async fn the_watermark_is_the_minimum_of_the_inputs() {
        let said = script(&[(0, watermark(5)), (1, watermark(3)), (1, watermark(9))]).await;
        assert_eq!(said, ["watermark 3", "watermark 5"]);
    }

    #[tokio::test]
    async fn an_idle_or_finished_input_does_not_hold_back_the_watermark() {
        let said = script(&[(0, watermark(5)), (1, StreamElement::Idle)]).await;
        assert_eq!(said, ["watermark 5"]);
        let said = script(&[(0, watermark(5)), (1, StreamElement::End(EndKind::Data))]).await;
        assert_eq!(said, ["watermark 5"]);
    }

    #[tokio::test]
    async fn a_stopped_input_holds_back_the_watermark() {
        let stop = |input| (input, StreamElement::End(EndKind::Stop));
        assert_eq!(
            script(&[(1, watermark(3)), (0, watermark(5)), stop(1), stop(0)]).await,
            ["watermark 3", "end Stop"]
        );
        assert_eq!(script(&[(0, watermark(5)), stop(1), (0, watermark(7)), stop(0)]).await, ["end Stop"]);
        let idle = (1, StreamElement::Idle);
        assert_eq!(script(&[idle, stop(1), (0, watermark(7)), stop(0)]).await, ["watermark 7", "end Stop"]);
    }

    #[tokio::test]
    async fn a_barrier_waits_for_all_inputs_and_a_finished_one_counts_as_aligned() {
        let barrier = StreamElement::Barrier(Epoch(1));
        let said = script(&[(0, barrier.clone()), (0, watermark(7)), (1, watermark(2)), (1, barrier.clone())]).await;
        assert_eq!(said, ["barrier 1", "watermark 2"]);
        let said = script(&[(0, barrier), (1, StreamElement::End(EndKind::Data))]).await;
        assert_eq!(said, ["barrier 1"]);
    }

    #[tokio::test]
    async fn an_input_that_wakes_up_holds_the_watermark_again() {
        let idle = || StreamElement::Idle;
        let lines = [(0, watermark(5)), (1, watermark(4)), (0, idle()), (1, idle()), (1, watermark(4)), (1, idle())];
        let expected = ["watermark 4", "watermark 5", "idle", "watermark 5", "idle"];
        assert_eq!(script(&lines).await, expected);
    }

    #[tokio::test]
    async fn inputs_that_fall_idle_one_after_the_other_hold_back_nothing_whatever_their_order() {
        let idle = |input| (input, StreamElement::Idle);
        for order in [[idle(0), idle(1)], [idle(1), idle(0)]] {
            let lines = [vec![(0, watermark(5))], order.to_vec()].concat();
            assert_eq!(script(&lines).await, ["watermark 5", "idle"], "{order:?}");
        }
        let woken = [(0, watermark(5)), idle(0), idle(1), (0, watermark(9)), (1, watermark(7))];
        assert_eq!(script(&woken).await, ["watermark 5", "idle", "watermark 9"]);
    }

    #[tokio::test]
    async fn a_watermark_that_waited_for_a_finished_input_follows_the_barrier() {
        let (senders, mut gate) = gate(2);
        for (input, element) in [(1, watermark(3)), (0, watermark(5)), (0, StreamElement::Barrier(Epoch(1)))] {
            senders[input].send(element).await.unwrap();
        }
        assert!(matches!(gate.next().await, Some(StreamElement::Watermark(Watermark(3)))));
        senders[1].send(StreamElement::End(EndKind::Data)).await.unwrap();
        assert!(matches!(gate.next().await, Some(StreamElement::Barrier(Epoch(1)))));
        assert!(matches!(gate.next().await, Some(StreamElement::Watermark(Watermark(5)))));
    }

    #[tokio::test]
    async fn the_end_is_data_only_when_all_inputs_ended_with_the_data() {
        let end = |kind| StreamElement::End(kind);
        assert_eq!(script(&[(0, end(EndKind::Data)), (1, end(EndKind::Data))]).await.last().unwrap(), "end Data");
        assert_eq!(script(&[(0, end(EndKind::Stop)), (1, end(EndKind::Data))]).await.last().unwrap(), "end Stop");
    }
}

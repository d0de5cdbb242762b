//! A subtask that reads from other tasks: a gate, perhaps a lookup, then a chain.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::chain::Chain;
use super::coordinator::{TaskId, TaskReport};
use super::gate::InputGate;
use super::job::Signal;
use super::lookup::LookupHead;
use super::source_task::sleep_until;
use super::staging::TaskSnapshot;
use super::timer;
use crate::changelog::{Epoch, StreamElement};
use crate::error::{Error, Result};
use crate::time::Clock;

/// What every task knows of its job.
#[derive(Clone)]
pub struct TaskContext {
    pub id: TaskId,
    pub clock: Arc<dyn Clock>,
    /// Ends the job when its only sink needs no more rows.
    pub signal: watch::Sender<Signal>,
    pub may_end_job: bool,
    pub reports: mpsc::UnboundedSender<TaskReport>,
}

impl TaskContext {
    pub fn report(&self, report: TaskReport) {
        let _without_coordinator = self.reports.send(report);
    }

    pub fn passed(&self, epoch: Epoch, snapshot: TaskSnapshot) {
        self.report(TaskReport::Passed(epoch, self.id, snapshot));
    }

    pub fn ended(&self, snapshot: Option<TaskSnapshot>) {
        self.report(TaskReport::Ended(self.id, snapshot));
    }

    /// No later row can come out of this task.
    pub fn satisfied(&self) {
        if self.may_end_job {
            self.signal.send_if_modified(|signal| {
                let running = *signal == Signal::Run;
                if running {
                    *signal = Signal::Satisfied;
                }
                running
            });
        }
    }
}

/// Reads a gate. Everything read has arrived when `run` returns.
pub struct GateTask {
    pub gate: InputGate,
    pub lookup: Option<LookupHead>,
    pub chain: Chain,
    pub context: TaskContext,
}

impl GateTask {
    pub async fn run(mut self) -> Result<()> {
        let mut gate_open = true;
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        loop {
            let deadline = self.chain.deadline();
            let timer = self.chain.next_timer();
            let has_room = gate_open && self.lookup.as_ref().is_none_or(LookupHead::has_room);
            let lookup_waits = self.lookup.as_ref().is_some_and(|lookup| !lookup.is_empty());
            tokio::select! {
                biased;
                _ = sleep_until(deadline) => self.chain.on_deadline(timer::now()).await?,
                _ = sleep_for_timer(timer, &*self.context.clock) => {
                    self.chain.on_time(self.context.clock.now_ms()).await?;
                }
                joined = next_joined(self.lookup.as_mut()), if lookup_waits => {
                    match joined? {
                        Some(element) => if self.push(element).await? {
                            return Ok(());
                        },
                        // All its rows were rejected, perhaps.
                        None => self.chain.send_dead_letters().await?,
                    }
                }
                element = self.gate.next(), if has_room => {
                    let Some(element) = element else {
                        return Err(Error::internal(super::exchange::ECHO));
                    };
                    gate_open = !matches!(element, StreamElement::End(_));
                    match &mut self.lookup {
                        Some(lookup) => lookup.push(element),
                        None => if self.push(element).await? {
                            return Ok(());
                        },
                    }
                }
                () = std::future::ready(()), if self.chain.gathers() => self.chain.on_idle()?,
            }
        }
    }

    /// Sends an element down the chain; true when it was the end.
    async fn push(&mut self, element: StreamElement) -> Result<bool> {
        match element {
            StreamElement::End(kind) => {
                let snapshot = self.chain.end(kind).await?;
                self.context.ended(Some(snapshot));
                return Ok(true);
            }
            StreamElement::Barrier(epoch) => {
                let snapshot = self.chain.barrier(epoch).await?;
                self.context.passed(epoch, snapshot);
            }
            other => {
                self.chain.push(other).await?;
                self.chain.send_dead_letters().await?;
            }
        }
        if self.chain.is_satisfied() {
            self.context.satisfied();
        }
        Ok(false)
    }
}

async fn next_joined(lookup: Option<&mut LookupHead>) -> Result<Option<StreamElement>> {
    match lookup {
        Some(lookup) => lookup.next().await,
        None => std::future::pending().await,
    }
}

/// Sleeps until the clock has come to the moment, or for ever without one.
pub async fn sleep_for_timer(timer: Option<i64>, clock: &dyn Clock) {
    match timer {
        Some(timer) => {
            let wait = timer.saturating_sub(clock.now_ms()).max(0) as u64;
            timer::sleep(std::time::Duration::from_millis(wait)).await;
        }
        None => std::future::pending().await,
    }
}

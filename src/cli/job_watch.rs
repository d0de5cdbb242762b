//! The jobs of a run: a live line each on a terminal, a log line now and then elsewhere, and how they ended.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::Exit;
use super::metrics_server::MetricsRegistry;
use crate::console;
use crate::error::Result;
use crate::log::Line;
use crate::runtime::{JobEnd, JobHandle, JobMetrics};
use crate::shell::interrupt::Interrupt;
use crate::shell::rates::{LIVE_EVERY, LIVE_FIRST, Progress, Rates, ended_line, facts};

const LOG_EVERY: Duration = Duration::from_secs(10);
/// The first line comes sooner: does anything arrive at all?
const LOG_FIRST: Duration = Duration::from_secs(2);

/// All jobs that were started.
pub struct JobWatch {
    progress: Progress,
    fail_fast: bool,
    jobs: Vec<JobHandle>,
    /// How the jobs ended that were waited for already.
    exit: Exit,
    /// Every job's counters.
    pub registry: MetricsRegistry,
}

impl JobWatch {
    pub fn new(progress: Progress, fail_fast: bool, registry: MetricsRegistry) -> Self {
        Self { progress, fail_fast, jobs: Vec::new(), exit: Exit::Fine, registry }
    }

    pub fn add(&mut self, job: JobHandle) {
        if self.progress == Progress::Log {
            console::progress(facts(&job.name, &job.metrics, format!("job {} started", job.name)));
        }
        self.registry.add(job.name.clone(), job.metrics.clone());
        self.jobs.push(job);
    }

    pub fn stop_all(&self) {
        self.jobs.iter().for_each(JobHandle::stop);
    }

    /// Waits until the job that was added last has ended (`table.dml-sync`); false where it failed.
    pub async fn wait_for_last(&mut self, stop: &Interrupt) -> bool {
        let Some(last) = self.jobs.pop() else { return true };
        let alone = Self { jobs: vec![last], exit: Exit::Fine, registry: self.registry.clone(), ..*self };
        let exit = alone.wait(stop).await;
        if exit == Exit::Failed {
            self.exit = exit;
            if self.fail_fast {
                self.stop_all();
            }
        }
        exit != Exit::Failed
    }

    /// Waits until all jobs have ended; one that fails leaves the others running, unless told otherwise.
    pub async fn wait(self, stop: &Interrupt) -> Exit {
        let states: Vec<_> = self.jobs.iter().map(JobHandle::state).collect();
        let stop_all = || states.iter().for_each(|job| job.stop());
        let mut rates = Rates::new(self.jobs.iter().map(|j| (j.name.clone(), j.metrics.clone())));
        let mut running: FuturesUnordered<_> = self.jobs.into_iter().map(to_end).collect();
        let (first, every) = match self.progress {
            Progress::Live => (LIVE_FIRST, LIVE_EVERY),
            _ => (LOG_FIRST, LOG_EVERY),
        };
        let mut ticks = tokio::time::interval_at(Instant::now() + first, every);
        let mut exit = self.exit;
        let mut asked = false;
        while !running.is_empty() {
            tokio::select! {
                Some((name, metrics, ended)) = running.next() => {
                    rates.ended(&name, self.progress);
                    exit = self.progress.ended(&name, &metrics, ended, exit);
                    if exit == Exit::Failed && self.fail_fast {
                        stop_all();
                    }
                }
                _ = stop.asked(), if !asked => {
                    asked = true;
                    stop_all();
                    if self.progress != Progress::None {
                        let line = "stopping: rows in flight are written; Ctrl-C again ends at once";
                        console::progress(Line::info("millstream", line));
                    }
                }
                _ = ticks.tick() => rates.show(self.progress),
            }
        }
        console::clear_live();
        exit
    }
}

async fn to_end(mut job: JobHandle) -> (Arc<str>, Arc<JobMetrics>, Result<JobEnd>) {
    let ended = job.wait().await;
    (job.name.clone(), job.metrics.clone(), ended)
}

impl Progress {
    fn ended(self, name: &str, metrics: &JobMetrics, ended: Result<JobEnd>, exit: Exit) -> Exit {
        match ended {
            Ok(end) => {
                if self != Progress::None {
                    console::progress(ended_line(name, metrics, end));
                }
                exit
            }
            // Whoever read the printed rows has seen enough.
            Err(_) if console::reader_is_gone() => exit,
            Err(error) => {
                console::job_error(name, error);
                Exit::Failed
            }
        }
    }
}

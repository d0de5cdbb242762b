//! The jobs that were started: each is watched, what happens to it is said at once, and their ends are waited for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::interrupt::Interrupt;
use super::rates::{Progress, Rates, ended_line, facts};
use crate::console;
use crate::error::Result;
use crate::log::Line;
use crate::runtime::{JobHandle, JobState, spawn};

/// So long a job that is refused as it opens waits for those before it in the script to open, so that what several are
/// refused for is told in the order of the script.
const IN_ORDER: Duration = Duration::from_secs(1);

/// How often a job is looked at for rows that were rejected and watermarks that stand still.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Jobs in the background. Dropping this ends them at once.
pub struct Jobs {
    progress: Progress,
    /// All stop when one fails that is waited for.
    fail_fast: bool,
    jobs: Vec<Watched>,
    /// The job that was added last.
    last: Option<Begun>,
    /// One that was waited for alone has failed.
    failed: bool,
}

/// How far a job has begun.
#[derive(Clone)]
struct Begun {
    state: Arc<JobState>,
    /// True once it is open; closed once its end is told.
    is_told: watch::Receiver<bool>,
}

impl Begun {
    /// Waits until the job is open or its end is told; not for ever where it is still opening.
    async fn told(mut self) {
        let late = tokio::time::timeout(IN_ORDER, self.is_told.wait_for(|told| *told)).await.is_err();
        if late && self.state.status().has_ended() {
            // It waits for those before it. Closed is as good.
            let _told = self.is_told.wait_for(|told| *told).await;
        }
    }
}

struct Watched {
    state: Arc<JobState>,
    /// Holds the job; true where it failed.
    watcher: JoinHandle<bool>,
}

impl Watched {
    async fn until_end(mut self) -> (Arc<JobState>, bool) {
        let failed = (&mut self.watcher).await.unwrap_or(true);
        (self.state.clone(), failed)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl Jobs {
    pub fn new(progress: Progress, fail_fast: bool) -> Self {
        Self { progress, fail_fast, jobs: Vec::new(), last: None, failed: false }
    }

    /// Watches a job from now on.
    pub fn add(&mut self, job: JobHandle) {
        let state = job.state();
        let (told, is_told) = watch::channel(false);
        let before = self.last.replace(Begun { state: state.clone(), is_told });
        self.jobs.push(Watched { state, watcher: spawn(observe(job, self.progress, before, told)) });
    }

    /// The jobs that have not ended.
    pub fn running(&self) -> Vec<Arc<JobState>> {
        running(self.jobs.iter().map(|job| &job.state))
    }

    /// Asks all to stop.
    pub fn stop_all(&self) {
        self.running().iter().for_each(|job| job.stop());
    }

    /// Asks all that keep checkpoints to end with a savepoint; gives their names and what waits for the folder.
    pub async fn end_with_savepoints(&self) -> Vec<(Arc<str>, impl Future<Output = Result<PathBuf>> + use<>)> {
        let mut asked = Vec::new();
        for job in self.running() {
            let Some(folder) = job.savepoint_folder().cloned() else { continue };
            match job.end_with_savepoint(folder, false).await {
                Ok(savepoint) => asked.push((job.name.clone(), savepoint)),
                Err(error) => console::error(&error.context(format!("no savepoint of job \"{}\"", job.name))),
            }
        }
        asked
    }

    /// Waits until the job that was added last has ended. False where it has failed.
    pub async fn wait_last(&mut self, interrupt: &Interrupt) -> bool {
        let Some(last) = self.jobs.pop() else { return true };
        let fine = self.wait(vec![last], interrupt).await;
        if !fine && self.fail_fast {
            self.stop_all();
        }
        self.failed |= !fine;
        fine
    }

    /// Waits until all jobs have ended. False where one has failed.
    pub async fn wait_all(&mut self, interrupt: &Interrupt) -> bool {
        let jobs = std::mem::take(&mut self.jobs);
        self.wait(jobs, interrupt).await && !self.failed
    }

    /// Waits for some. Where the user interrupts they are asked to stop; the second time they end at once.
    async fn wait(&self, jobs: Vec<Watched>, interrupt: &Interrupt) -> bool {
        let states: Vec<Arc<JobState>> = jobs.iter().map(|job| job.state.clone()).collect();
        let stop_all = || running(states.iter()).iter().map(|job| job.stop()).count();
        let mut rates = Rates::new(states.iter().map(|job| (job.name.clone(), job.metrics.clone())));
        let mut watched: FuturesUnordered<_> = jobs.into_iter().map(Watched::until_end).collect();
        let (first, every) = self.progress.pace();
        let mut ticks = tokio::time::interval_at(Instant::now() + first, every);
        let (mut fine, mut asked) = (true, false);
        while !watched.is_empty() {
            tokio::select! {
                Some((job, failed)) = watched.next() => {
                    rates.ended(&job.name);
                    fine &= !failed;
                    if failed && self.fail_fast {
                        stop_all();
                    }
                }
                () = interrupt.asked(), if !asked => {
                    asked = true;
                    if stop_all() > 0 && self.progress != Progress::None {
                        console::progress(Line::info("millstream", STOPPING));
                    }
                }
                () = interrupt.asked_times(2), if asked => {
                    console::say(Line::info("millstream", ENDED_AT_ONCE));
                    break;
                }
                _ = ticks.tick() => rates.show(self.progress),
            }
        }
        console::clear_live();
        fine
    }
}

const STOPPING: &str = "stopping: rows in flight are written; Ctrl-C ends at once";
/// What is said where jobs were not given the time to write what they had.
pub const ENDED_AT_ONCE: &str = "ended at once: jobs with checkpoints go on from their last one when they are started again; \
                                 of others rows in flight may be lost";

fn running<'a>(jobs: impl Iterator<Item = &'a Arc<JobState>>) -> Vec<Arc<JobState>> {
    jobs.filter(|job| !job.status().has_ended()).cloned().collect()
}

/// Says what happens to a job until its end; true where it failed. What it is refused for as it opens is told behind what
/// the job `before` it is; `told` says when it is open.
async fn observe(mut job: JobHandle, progress: Progress, before: Option<Begun>, told: watch::Sender<bool>) -> bool {
    let (name, metrics) = (job.name.clone(), job.metrics.clone());
    let mut rates = Rates::new([(name.clone(), metrics.clone())].into_iter());
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let silent = progress == Progress::None;
    let (state, mut was_open) = (job.state(), false);
    let ended = loop {
        tokio::select! {
            biased;
            // A job that is refused as it opens has not started.
            () = state.until_open(), if !was_open => {
                was_open = true;
                told.send_replace(true);
                if progress == Progress::Log {
                    console::progress(facts(&name, &metrics, format!("job {name} started")));
                }
            }
            ended = job.wait() => break ended,
            _ = looks.tick(), if !silent => rates.tell_odd(),
        }
    };
    if !silent {
        rates.tell_odd();
    }
    match ended {
        Ok(end) => {
            if !silent {
                console::progress(ended_line(&name, &metrics, end));
            }
            false
        }
        // Whoever read the printed rows has seen enough.
        Err(_) if console::reader_is_gone() => false,
        Err(error) => {
            if let Some(before) = before.filter(|_| !was_open) {
                before.told().await;
            }
            console::job_error(&name, error);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Outcome, Session};

    async fn started(sql: &str) -> JobHandle {
        let tables = "
            CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
            CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
            CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');";
        match Session::new().execute(&format!("{tables} {sql}")).await.unwrap().pop() {
            Some(Outcome::Job(job)) => job,
            _ => panic!("a job was expected"),
        }
    }

    #[tokio::test]
    async fn a_failure_leaves_the_other_jobs_running_and_is_known_in_the_end() {
        let mut jobs = Jobs::new(Progress::None, false);
        assert_eq!(jobs.running().len(), 0);
        let failing = started("INSERT INTO nowhere SELECT 1 / (n - n) FROM few").await;
        let failed = failing.state();
        jobs.add(failing);
        jobs.add(started("INSERT INTO nowhere SELECT n FROM endless").await);
        assert!(failed.wait().await.failure.is_some());
        assert_eq!(jobs.running().len(), 1);
        jobs.stop_all();
        assert!(!jobs.wait_all(&Interrupt::new()).await);
        assert!(jobs.running().is_empty());
    }

    #[tokio::test]
    async fn an_interrupt_stops_all_that_are_waited_for() {
        let mut jobs = Jobs::new(Progress::None, false);
        for _ in 0..3 {
            jobs.add(started("INSERT INTO nowhere SELECT n FROM endless").await);
        }
        assert_eq!(jobs.running().len(), 3);
        let interrupt = Interrupt::new();
        interrupt.ask();
        assert!(jobs.wait_all(&interrupt).await);
    }

    #[tokio::test]
    async fn jobs_end_with_those_who_hold_them() {
        let mut jobs = Jobs::new(Progress::None, false);
        let job = started("INSERT INTO nowhere SELECT n FROM endless").await;
        let state = job.state();
        jobs.add(job);
        drop(jobs);
        assert_eq!(state.wait().await.status, crate::runtime::JobStatus::Canceled);
    }
}

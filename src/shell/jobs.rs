//! The jobs that run behind a prompt: each is watched, and what happens to it is said above what is being typed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::interrupt::Interrupt;
use super::rates::{LIVE_EVERY, LIVE_FIRST, Progress, Rates, ended_line};
use crate::console;
use crate::runtime::{JobHandle, JobState, spawn};

/// How often a job is looked at for rows that were rejected and watermarks that stand still.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Jobs in the background. Dropping this ends them at once.
#[derive(Default)]
pub struct Jobs {
    jobs: Vec<Watched>,
    /// One that ended while others were added has failed.
    failed: bool,
}

struct Watched {
    state: Arc<JobState>,
    /// Holds the job; true where it failed.
    watcher: JoinHandle<bool>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl Jobs {
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches a job from now on.
    pub fn add(&mut self, job: JobHandle) {
        let failed = |job: &Watched| job.state.ended().is_some_and(|end| end.failure.is_some());
        self.failed |= self.jobs.iter().any(failed);
        self.jobs.retain(|job| !job.state.status().has_ended() || !job.watcher.is_finished());
        let state = job.state();
        self.jobs.push(Watched { state, watcher: spawn(watch(job)) });
    }

    /// The jobs that have not ended.
    pub fn running(&self) -> Vec<Arc<JobState>> {
        let states = self.jobs.iter().map(|job| &job.state);
        states.filter(|state| !state.status().has_ended()).cloned().collect()
    }

    /// Asks all to stop.
    pub fn stop_all(&self) {
        self.running().iter().for_each(|job| job.stop());
    }

    /// Waits until the job that was added last has ended; where the user interrupts it is asked to stop. False where it
    /// has failed.
    pub async fn wait_last(&mut self, interrupt: &Interrupt, progress: Progress) -> bool {
        match self.jobs.pop() {
            Some(last) => wait(vec![last], interrupt, progress).await,
            None => true,
        }
    }

    /// The same for all.
    pub async fn wait_all(&mut self, interrupt: &Interrupt, progress: Progress) -> bool {
        let fine = wait(std::mem::take(&mut self.jobs), interrupt, progress).await;
        fine && !self.failed
    }
}

async fn wait(jobs: Vec<Watched>, interrupt: &Interrupt, progress: Progress) -> bool {
    let states: Vec<Arc<JobState>> = jobs.iter().map(|job| job.state.clone()).collect();
    let running = || states.iter().filter(|job| !job.status().has_ended());
    let mut rates = Rates::new(running().map(|job| (job.name.clone(), job.metrics.clone())));
    let mut ticks = tokio::time::interval_at(Instant::now() + LIVE_FIRST, LIVE_EVERY);
    let (mut fine, mut asked) = (true, false);
    for mut job in jobs {
        let failed = loop {
            tokio::select! {
                failed = &mut job.watcher => break failed.unwrap_or(true),
                () = interrupt.asked(), if !asked => {
                    asked = true;
                    running().for_each(|job| job.stop());
                }
                _ = ticks.tick(), if progress == Progress::Live => rates.show(progress),
            }
        };
        rates.ended(&job.state.name, Progress::None);
        fine &= !failed;
    }
    console::clear_live();
    fine
}

/// Says what happens to a job until its end; true where it failed.
async fn watch(mut job: JobHandle) -> bool {
    let (name, metrics) = (job.name.clone(), job.metrics.clone());
    let mut rates = Rates::new([(name.clone(), metrics.clone())].into_iter());
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let ended = loop {
        tokio::select! {
            ended = job.wait() => break ended,
            _ = looks.tick() => rates.odd_since().into_iter().for_each(console::progress),
        }
    };
    rates.odd_since().into_iter().for_each(console::progress);
    match ended {
        Ok(end) => {
            console::progress(ended_line(&name, &metrics, end));
            false
        }
        Err(error) => {
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
        let mut jobs = Jobs::new();
        assert_eq!(jobs.running().len(), 0);
        let failing = started("INSERT INTO nowhere SELECT 1 / (n - n) FROM few").await;
        let failed = failing.state();
        jobs.add(failing);
        jobs.add(started("INSERT INTO nowhere SELECT n FROM endless").await);
        assert!(failed.wait().await.failure.is_some());
        assert_eq!(jobs.running().len(), 1);
        jobs.stop_all();
        assert!(!jobs.wait_all(&Interrupt::new(), Progress::None).await);
        assert!(jobs.running().is_empty());
    }

    #[tokio::test]
    async fn an_interrupt_stops_all_that_are_waited_for() {
        let mut jobs = Jobs::new();
        for _ in 0..3 {
            jobs.add(started("INSERT INTO nowhere SELECT n FROM endless").await);
        }
        assert_eq!(jobs.running().len(), 3);
        let interrupt = Interrupt::new();
        interrupt.ask();
        assert!(jobs.wait_all(&interrupt, Progress::None).await);
    }

    #[tokio::test]
    async fn jobs_end_with_those_who_hold_them() {
        let mut jobs = Jobs::new();
        let job = started("INSERT INTO nowhere SELECT n FROM endless").await;
        let state = job.state();
        jobs.add(job);
        drop(jobs);
        assert_eq!(state.wait().await.status, crate::runtime::JobStatus::Canceled);
    }
}

//! The time of a simulation: it stands while anything can go on, then moves to what is waited for next.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::time::Clock;

/// A simulation that takes so long goes round in circles.
const MOST: Duration = Duration::from_secs(600);

/// How often a thread may find nothing to do in a row.
const PATIENCE: u32 = 100;

thread_local! {
    static TIME: RefCell<Option<Time>> = const { RefCell::new(None) };
}

struct Time {
    base: Instant,
    passed: Duration,
    /// Who waits, by the moment.
    timers: BTreeMap<(Duration, u64), Waker>,
    numbers: u64,
    parks: u32,
}

/// From now on this thread's time is simulated.
pub fn begin() {
    let time = Time { base: Instant::now(), passed: Duration::ZERO, timers: BTreeMap::new(), numbers: 0, parks: 0 };
    TIME.with(|current| *current.borrow_mut() = Some(time));
}

pub fn end() {
    TIME.with(|current| *current.borrow_mut() = None);
}

/// `None` where time is not simulated.
pub fn now() -> Option<Instant> {
    TIME.with(|time| time.borrow().as_ref().map(|time| time.base + time.passed))
}

/// `None` where time is not simulated.
pub fn sleep_until(at: Instant) -> Option<Sleep> {
    TIME.with(|time| {
        let mut time = time.borrow_mut();
        let time = time.as_mut()?;
        time.numbers += 1;
        Some(Sleep { key: (at.saturating_duration_since(time.base), time.numbers) })
    })
}

pub async fn sleep_ms(ms: u64) {
    crate::runtime::timer::sleep(Duration::from_millis(ms)).await;
}

/// Nothing can go on: time moves. Called where the thread would sleep.
pub fn advance() {
    let woken: Vec<Waker> = TIME.with(|time| {
        let mut time = time.borrow_mut();
        let Some(time) = time.as_mut() else { return Vec::new() };
        let Some((&(next, _), _)) = time.timers.first_key_value() else {
            time.parks += 1;
            assert!(time.parks < PATIENCE, "nothing can go on, and nobody waits for a moment");
            return Vec::new();
        };
        (time.passed, time.parks) = (time.passed.max(next), 0);
        assert!(time.passed < MOST, "it doesn't come to an end");
        let later = time.timers.split_off(&(time.passed, u64::MAX));
        std::mem::replace(&mut time.timers, later).into_values().collect()
    });
    woken.into_iter().for_each(Waker::wake);
}

/// Waits for a moment.
pub struct Sleep {
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        TIME.with(|time| match time.borrow_mut().as_mut() {
            Some(time) if time.passed < self.key.0 => {
                time.timers.insert(self.key, context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let _thread_ends = TIME.try_with(|time| {
            if let Ok(mut time) = time.try_borrow_mut() {
                time.as_mut().map(|time| time.timers.remove(&self.key));
            }
        });
    }
}

/// The clock of a simulated job.
#[derive(Debug)]
pub struct SimulatedClock;

impl Clock for SimulatedClock {
    fn now_ms(&self) -> i64 {
        TIME.with(|time| time.borrow().as_ref().map_or(0, |time| time.passed.as_millis() as i64))
    }
}

/// Runs something on a thread and a time of its own.
pub fn simulated<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().on_thread_park(advance).build();
    let runtime = runtime.expect("a runtime");
    begin();
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(work)));
    drop(runtime);
    end();
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

//! Where the time goes until the first row comes out: what `millstream run --trace-startup` prints.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::console;
use crate::log::Line;

static WANTED: AtomicBool = AtomicBool::new(false);
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
static STEPS: Mutex<Vec<Step>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    at: Duration,
    what: String,
}

/// The process begins.
pub fn begin() {
    LazyLock::force(&BEGAN);
}

/// From here on steps are noted.
pub fn trace() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Something that takes its time at start is done. Costs nothing where nobody asked for it.
pub fn done<S: Into<String>>(what: impl FnOnce() -> S) {
    if WANTED.load(Ordering::Relaxed) {
        let step = Step { at: BEGAN.elapsed(), what: what().into() };
        STEPS.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }
}

/// Prints the steps so far, once: the first row is out, or the command ends without one.
pub fn print() {
    if WANTED.swap(false, Ordering::Relaxed) {
        let steps = std::mem::take(&mut *STEPS.lock().unwrap_or_else(PoisonError::into_inner));
        lines(&steps).into_iter().for_each(|line| console::say(Line::info("millstream::startup", line)));
    }
}

/// A line for each step: when it was done, and how long that took since the step before. What every subtask does is one
/// step, which is done when the last one has done it.
fn lines(steps: &[Step]) -> Vec<String> {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mut before = Duration::ZERO;
    let head = format!("{:>9} {:>9}  {}", "at ms", "took ms", "start-up");
    let line = |(i, step): (usize, &Step)| {
        let is_same = |other: &&Step| other.what == step.what;
        if steps[i + 1..].iter().any(|later| is_same(&later)) {
            return None;
        }
        let took = step.at.saturating_sub(std::mem::replace(&mut before, step.at));
        let earlier: Vec<&Step> = steps[..i].iter().filter(is_same).collect();
        let times = earlier.first().map(|first| {
            let times = earlier.len() + 1;
            format!(", the last of {times}; the first was at {:.1}", ms(first.at))
        });
        Some(format!("{:>9.1} {:>9.1}  {}{}", ms(step.at), ms(took), step.what, times.unwrap_or_default()))
    };
    std::iter::once(head).chain(steps.iter().enumerate().filter_map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_says_when_it_was_done_and_what_it_took() {
        let step = |micros, what: &str| Step { at: Duration::from_micros(micros), what: what.to_string() };
        let printed = lines(&[step(1_200, "script read"), step(21_250, "statements planned")]);
        assert_eq!(
            printed,
            [
                "    at ms   took ms  start-up",
                "      1.2       1.2  script read",
                "     21.2      20.0  statements planned",
            ]
        );
    }

    #[test]
    fn what_several_subtasks_do_is_one_line() {
        let step = |micros, what: &str| Step { at: Duration::from_micros(micros), what: what.to_string() };
        let steps = [step(1_000, "sink a open"), step(2_000, "sink b open"), step(3_500, "sink a open")];
        assert_eq!(
            lines(&[&steps[..], &[step(4_000, "sink a open"), step(5_000, "job open")]].concat()),
            [
                "    at ms   took ms  start-up",
                "      2.0       2.0  sink b open",
                "      4.0       2.0  sink a open, the last of 3; the first was at 1.0",
                "      5.0       1.0  job open",
            ]
        );
    }
}

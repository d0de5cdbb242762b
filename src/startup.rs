//! Where the time goes until the first row comes out: what `millstream run --trace-startup` prints.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::console;
use crate::log::Line;

static WANTED: AtomicBool = AtomicBool::new(false);
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
static TRACE: Mutex<Trace> = Mutex::new(Trace::new());

/// The steps so far: each is told when it is done, and how long that was after the one before. What every subtask does is
/// one step, which is done when the last one has done it.
#[derive(Debug)]
struct Trace {
    /// When the step was done that was told last; `None` before the first.
    before: Option<Duration>,
    /// What not all subtasks have done yet.
    begun: Vec<Begun>,
}

#[derive(Debug)]
struct Begun {
    what: String,
    times: usize,
    first: Duration,
    last: Duration,
}

/// The process begins.
pub fn begin() {
    LazyLock::force(&BEGAN);
}

/// From here on steps are told.
pub fn trace() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Something that takes its time at start is done. Costs nothing where nobody asked for it.
pub fn done<S: Into<String>>(what: impl FnOnce() -> S) {
    done_of(1, what);
}

/// One of so many subtasks has done something that takes its time at start.
pub fn done_of<S: Into<String>>(subtasks: usize, what: impl FnOnce() -> S) {
    if WANTED.load(Ordering::Relaxed) {
        let what = what().into();
        // The order of lines is that of the steps.
        let mut trace = TRACE.lock().unwrap_or_else(PoisonError::into_inner);
        say(trace.step(BEGAN.elapsed(), subtasks, what));
    }
}

/// The trace is over: the first row is out, or the command ends without one. What some subtasks have done is told.
pub fn end() {
    if WANTED.swap(false, Ordering::Relaxed) {
        say(TRACE.lock().unwrap_or_else(PoisonError::into_inner).rest());
    }
}

fn say(lines: Vec<String>) {
    lines.into_iter().for_each(|line| console::say(Line::info("millstream::startup", line)));
}

impl Trace {
    const fn new() -> Self {
        Self { before: None, begun: Vec::new() }
    }

    /// What there is to tell of a step that one of some subtasks has done.
    fn step(&mut self, at: Duration, subtasks: usize, what: String) -> Vec<String> {
        if subtasks < 2 {
            return self.line(at, &what);
        }
        let place = self.begun.iter().position(|begun| begun.what == what).unwrap_or_else(|| {
            self.begun.push(Begun { what, times: 0, first: at, last: at });
            self.begun.len() - 1
        });
        let begun = &mut self.begun[place];
        (begun.times, begun.last) = (begun.times + 1, at);
        if begun.times < subtasks {
            return Vec::new();
        }
        let begun = self.begun.remove(place);
        let (what, first) = (begun.what, ms(begun.first));
        self.line(at, &format!("{what}, the last of {subtasks}; the first was at {first:.1}"))
    }

    /// What not all subtasks have done.
    fn rest(&mut self) -> Vec<String> {
        let begun = std::mem::take(&mut self.begun).into_iter();
        let line = |begun: Begun| {
            let (what, times, first) = (begun.what, begun.times, ms(begun.first));
            self.line(begun.last, &format!("{what}, {times} so far; the first was at {first:.1}"))
        };
        begun.flat_map(line).collect()
    }

    fn line(&mut self, at: Duration, text: &str) -> Vec<String> {
        let took = at.saturating_sub(self.before.unwrap_or_default());
        let line = format!("{:>9.1} {:>9.1}  {text}", ms(at), ms(took));
        match self.before.replace(at) {
            None => vec![format!("{:>9} {:>9}  {}", "at ms", "took ms", "start-up"), line],
            Some(_) => vec![line],
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "    at ms   took ms  start-up";

    #[test]
    fn every_step_says_when_it_was_done_and_what_it_took() {
        let mut trace = Trace::new();
        let mut step = |micros, what: &str| trace.step(Duration::from_micros(micros), 1, what.to_string());
        assert_eq!(step(1_200, "script read"), [HEAD, "      1.2       1.2  script read"]);
        assert_eq!(step(21_250, "statements planned"), ["     21.2      20.0  statements planned"]);
    }

    #[test]
    fn what_several_subtasks_do_is_one_line() {
        let mut trace = Trace::new();
        let mut step = |micros, of, what: &str| trace.step(Duration::from_micros(micros), of, what.to_string());
        assert!(step(1_000, 3, "sink a open").is_empty());
        assert_eq!(step(2_000, 1, "sink b open"), [HEAD, "      2.0       2.0  sink b open"]);
        assert!(step(3_500, 3, "sink a open").is_empty());
        let last = "      4.0       2.0  sink a open, the last of 3; the first was at 1.0";
        assert_eq!(step(4_000, 3, "sink a open"), [last]);
        assert_eq!(step(5_000, 1, "job open"), ["      5.0       1.0  job open"]);
        assert!(step(6_000, 2, "source c open").is_empty());
        assert_eq!(trace.rest(), ["      6.0       1.0  source c open, 1 so far; the first was at 6.0"]);
        assert!(trace.rest().is_empty());
    }
}

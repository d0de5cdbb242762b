//! What doors tell people while they work: what they wait for, that they go on, and news.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines that are said again within this time are no news: several parts wait for the same, or one of them again and
/// again.
const SAME_WAIT: Duration = Duration::from_secs(1);
/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report<'a> {
    /// What is waited for from now on, and why: another why is no other wait.
    Waits { what: &'a str, why: &'a str },
    /// Nothing is waited for any longer.
    GoesOn,
    /// Something else, after which nothing is waited for either.
    News(&'a str),
}

/// Tells people.
#[derive(Clone)]
pub struct Reporter(Arc<dyn Fn(Report) + Send + Sync>);

impl Reporter {
    /// One that is given lines: what is waited for, and news.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::of(move |report| match report {
            Report::Waits { what, why } => tell(&line(what, why)),
            Report::News(line) => tell(line),
            Report::GoesOn => {}
        })
    }

    /// One that is given everything.
    pub fn of(take: impl Fn(Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Says nothing; for tests.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Something is waited for; said each time it is tried again.
    pub fn waits(&self, what: &str) {
        self.waits_because(what, "");
    }

    /// The same, with a reason that may be another each time.
    pub fn waits_because(&self, what: &str, why: &str) {
        (self.0)(Report::Waits { what, why });
    }

    /// Nothing is waited for any longer.
    pub fn goes_on(&self) {
        (self.0)(Report::GoesOn);
    }

    /// Tells of something that is not waited for, or no longer.
    pub fn news(&self, line: &str) {
        (self.0)(Report::News(line));
    }
}

fn line(what: &str, why: &str) -> String {
    if why.is_empty() { what.to_string() } else { format!("{what}: {why}") }
}

/// What several parts wait for. What they wait for together, or try again, is told once, and so is its end.
#[derive(Debug, Default)]
pub struct Waits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    parts: usize,
    waiting: BTreeMap<usize, Wait>,
    /// What was waited for, and news, and when that was.
    recent: Vec<(String, Instant)>,
    /// Something that is waited for now was told.
    told: bool,
}

/// What a part waits for.
#[derive(Debug, Default)]
struct Wait {
    /// All of it, one behind the other.
    whats: BTreeSet<String>,
    /// What it is now, and why.
    line: String,
}

impl Waits {
    /// A number for a part that may wait.
    pub fn part(&self) -> usize {
        let mut state = self.state();
        state.parts += 1;
        state.parts
    }

    /// What is waited for; empty where nothing is.
    pub fn now(&self) -> String {
        self.state().waiting.values().next().map_or_else(String::new, |wait| wait.line.clone())
    }

    /// All parts are gone, and nothing is waited for any longer.
    pub fn clear(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.told = false;
    }

    /// Notes what a part tells; gives what people are to hear of it.
    pub fn note(&self, part: usize, report: Report) -> Option<String> {
        self.state().note(part, report, Instant::now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, part: usize, report: Report, now: Instant) -> Option<String> {
        self.recent.retain(|(_, at)| now.saturating_duration_since(*at) < SAME_WAIT);
        match report {
            Report::Waits { what, why } => {
                let is_told = self.waiting.values().any(|wait| wait.whats.contains(what)) || self.was_recent(what);
                let wait = self.waiting.entry(part).or_default();
                wait.whats.insert(what.to_string());
                wait.line = line(what, why);
                self.told |= !is_told;
                (!is_told).then(|| wait.line.clone())
            }
            Report::GoesOn => {
                self.waits_no_more(part, now);
                (self.waiting.is_empty() && std::mem::take(&mut self.told)).then(|| "goes on".to_string())
            }
            Report::News(line) => {
                self.waits_no_more(part, now);
                self.told &= !self.waiting.is_empty();
                let is_told = self.was_recent(line);
                self.recent.push((line.to_string(), now));
                (!is_told).then(|| line.to_string())
            }
        }
    }

    fn was_recent(&self, told: &str) -> bool {
        self.recent.iter().any(|(recent, _)| recent == told)
    }

    fn waits_no_more(&mut self, part: usize, now: Instant) {
        let whats = self.waiting.remove(&part).unwrap_or_default().whats;
        self.recent.extend(whats.into_iter().map(|what| (what, now)));
    }
}

#[cfg(test)]
mod tests {
    use super::Report::{GoesOn, News, Waits};
    use super::*;

    #[test]
    fn what_is_waited_for_is_told_once_and_so_is_its_end() {
        let (mut state, start) = (State::default(), Instant::now());
        let mut said = |second: u64, part: usize, report: Report| {
            state.note(part, report, start + Duration::from_secs(second)).unwrap_or_default()
        };
        let for_x = |why| Waits { what: "waiting for x", why };
        let (refused, silent) = (for_x("refused"), for_x("no answer"));
        assert_eq!(said(0, 1, refused), "waiting for x: refused");
        // Tried again, for another reason too, and by somebody else.
        assert_eq!(said(5, 1, silent), "");
        assert_eq!(said(10, 1, refused), "");
        assert_eq!(said(15, 2, silent), "");
        assert_eq!(said(20, 1, News("x answers again")), "x answers again");
        assert_eq!(said(20, 2, News("x answers again")), "");
        // Another time.
        assert_eq!(said(30, 2, refused), "waiting for x: refused");
        assert_eq!(said(30, 1, Waits { what: "writing to x", why: "" }), "writing to x");
        assert_eq!(said(31, 2, GoesOn), "");
        assert_eq!(said(31, 1, GoesOn), "goes on");
        assert_eq!(said(31, 1, GoesOn), "");
        // Where it comes and goes within a moment, it is one time.
        assert_eq!(said(31, 1, refused), "");
        assert_eq!(said(31, 1, GoesOn), "");
    }

    #[test]
    fn what_is_waited_for_now_is_known() {
        let waits = super::Waits::default();
        let (one, other) = (waits.part(), waits.part());
        waits.note(one, Waits { what: "a", why: "first" });
        waits.note(one, Waits { what: "a", why: "second" });
        waits.note(other, Waits { what: "b", why: "" });
        assert_eq!(waits.now(), "a: second");
        waits.note(one, GoesOn);
        assert_eq!(waits.now(), "b");
        waits.clear();
        assert_eq!(waits.now(), "");
    }
}

//! What services know by name: asked in the background when a name is to be completed, and kept for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::runtime::spawn;
use crate::session::Service;

/// So long whoever presses Tab waits at most.
const MOMENT: Duration = Duration::from_millis(500);
/// So long an answer is taken for what there is.
const FRESH: Duration = Duration::from_secs(10);

/// The names of every integration that was asked.
pub struct Outside {
    moment: Duration,
    kept: Mutex<BTreeMap<String, Arc<Kept>>>,
}

#[derive(Default)]
struct Kept {
    names: Mutex<Names>,
    answered: Condvar,
}

#[derive(Default)]
struct Names {
    known: Vec<String>,
    /// When it was asked; None where that has failed.
    asked: Option<Instant>,
    answered: bool,
    /// It was said that there is no answer.
    told: bool,
}

impl Default for Outside {
    fn default() -> Self {
        Self { moment: MOMENT, kept: Mutex::default() }
    }
}

impl Outside {
    /// What an integration knows, as far as it has answered: it is asked where the last answer is old. Where nothing is
    /// known yet, that is said.
    pub fn names(&self, service: &Service) -> Vec<String> {
        let what =
            format!("the {} of integration \"{}\"", service.kind.map_or("names", |k| k.nouns()), service.integration);
        let asked = service.clone();
        self.kept(&service.integration, &what, async move || asked.names().await)
    }

    fn kept<A, F>(&self, name: &str, what: &str, ask: A) -> Vec<String>
    where
        A: FnOnce() -> F,
        F: Future<Output = Result<Vec<String>>> + Send + 'static,
    {
        let kept = Arc::clone(lock(&self.kept).entry(name.to_string()).or_default());
        let mut names = lock(&kept.names);
        if names.asked.is_none_or(|at| at.elapsed() >= FRESH) {
            (names.asked, names.answered) = (Some(Instant::now()), false);
            let (answer, kept, what) = (ask(), Arc::clone(&kept), what.to_string());
            spawn(async move { kept.take(answer.await, &what) });
        }
        let left = names.asked.map_or(Duration::ZERO, |at| self.moment.saturating_sub(at.elapsed()));
        let waited = kept.answered.wait_timeout_while(names, left, |names| !names.answered);
        let (mut names, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !names.answered && names.known.is_empty() && !std::mem::replace(&mut names.told, true) {
            console::say(Line::info("shell", format!("asking for {what}: press Tab again in a moment")));
        }
        names.known.clone()
    }
}

impl Kept {
    fn take(&self, answer: Result<Vec<String>>, what: &str) {
        let mut names = lock(&self.names);
        names.answered = true;
        match answer {
            Ok(known) => (names.known, names.told) = (known, false),
            Err(error) => {
                names.asked = None;
                names.known.clear();
                console::notice("warning", &unknown(error, what));
            }
        }
        self.answered.notify_all();
    }
}

fn unknown(error: Error, what: &str) -> Error {
    error.context(format!("{what} can't be completed"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_is_waited_for_and_kept() {
        let outside = Outside { moment: Duration::from_secs(3600), ..Outside::default() };
        assert_eq!(outside.kept("k", "topics", async || Ok(names(&["a"]))), ["a"]);
        assert_eq!(outside.kept("k", "topics", async || Ok(names(&["b"]))), ["a"]);
        assert_eq!(outside.kept("other", "topics", async || Ok(names(&["b"]))), ["b"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_late_is_there_the_next_time() {
        let outside = Outside { moment: Duration::ZERO, ..Outside::default() };
        let (answer, late) = oneshot::channel();
        let ask = async move || Ok(late.await.unwrap_or_default());
        assert!(outside.kept("k", "topics", ask).is_empty());
        answer.send(names(&["a"])).unwrap();
        let patient = Outside { moment: Duration::from_secs(3600), kept: outside.kept };
        assert_eq!(patient.kept("k", "topics", async || Ok(Vec::new())), ["a"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_a_failure_it_is_asked_anew() {
        let outside = Outside { moment: Duration::from_secs(3600), ..Outside::default() };
        assert!(outside.kept("k", "topics", async || Err(Error::external("gone"))).is_empty());
        assert_eq!(outside.kept("k", "topics", async || Ok(names(&["a"]))), ["a"]);
    }
}

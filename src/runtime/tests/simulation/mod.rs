//! Simulations: whole jobs with everything around them in memory, on a time of their own, from a seed.
//!
//! ```text
//!  SimulatedSource ─ the runtime, as it is ─ SimulatedSink ─► SimulatedTarget ─► Service
//!                          └► SimulatedStore
//! ```
//! A run makes a job of one of the [`query::QUERIES`], or of one that its seed composes ([`composed`]), starts it, lets it die, fail or stop at a random step, starts it
//! again, and so on; the last start is left alone until the data is read. Sometimes it leaves savepoints, and sometimes it
//! begins from one, or anew, with the tables set back to what they were then. In the end what stands in them must be what
//! is computed in another way, or what an undisturbed run with one subtask leaves. A run is repeated by its seed:
//!
//! ```text
//! SIM_SEED=42 cargo test --lib simulation       one run, with what happened
//! SIM_RUNS=100000 cargo test --lib simulation   so many, from SIM_FIRST (0) on
//! ```

mod check;
mod composed;
mod damage;
mod dice;
mod jobs;
mod namesake;
mod query;
mod recorded;
mod run;
mod savepoints;
mod service;
mod sink;
mod source;
mod store;
mod target;
pub mod time;
mod world;

pub use dice::Dice;
pub use store::SimulatedStore;
pub use world::{Trouble, World};

use std::sync::atomic::{AtomicU64, Ordering};

/// How many runs there are where nobody says.
const RUNS: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_every_row_arrives_once() {
    query::plans();
    if let Some(seed) = number("SIM_SEED") {
        let (log, wrong) = run::run(seed);
        println!("{}", log.join("\n"));
        assert_eq!(wrong, None);
        return;
    }
    let first = number("SIM_FIRST").unwrap_or(0);
    let last = first + number("SIM_RUNS").unwrap_or(RUNS);
    let (next, failed) = (AtomicU64::new(first), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while failed.lock().unwrap().len() < 10 {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    if let Some(wrong) = run::run(seed).1 {
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("{wrong}\n  SIM_SEED={seed} cargo test --lib simulation -- --nocapture"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

//! What is told while it is measured: a live line on a terminal, elsewhere a line now and then.

use std::cell::Cell;
use std::path::Path;

use tokio::time::Instant;

use crate::bench::Bench;
use crate::console;
use crate::log::Line;
use crate::shell::rates::{Progress, grouped, rows_text};

/// Tells how far it is.
pub struct Teller {
    progress: Progress,
    began: Instant,
    /// When a line was written last.
    told: Cell<Option<Instant>>,
}

impl Teller {
    pub fn new() -> Self {
        Self { progress: Progress::detect(), began: Instant::now(), told: Cell::new(None) }
    }

    /// A file is read from now on.
    pub fn reads(&self, path: &Path) {
        let said = format!("reading {} …", path.display());
        match self.progress {
            Progress::Live => console::live(vec![said]),
            Progress::Log => console::progress(line(said).with("path", path.display().to_string())),
            Progress::None => {}
        }
    }

    /// Of a run: how many rows it has read.
    pub fn run<'a>(&'a self, bench: &'a Bench, number: usize, all: usize) -> impl Fn(u64) + 'a {
        move |rows| {
            let said = || {
                let (name, done, of) = (&bench.name, grouped(rows), rows_text(bench.rows));
                format!("{name}: run {number} of {all}, {done} of {of}")
            };
            match self.progress {
                Progress::Live => console::live(vec![said()]),
                Progress::Log if self.is_time() => {
                    let line = line(said()).with("job", bench.name.as_str()).with("run", number).with("runs", all);
                    console::progress(line.with("rows_in", rows));
                }
                Progress::Log | Progress::None => {}
            }
        }
    }

    /// True where the last line is old enough.
    fn is_time(&self) -> bool {
        let (now, (first, every)) = (Instant::now(), self.progress.pace());
        let is_time = match self.told.get() {
            None => now - self.began >= first,
            Some(told) => now - told >= every,
        };
        if is_time {
            self.told.set(Some(now));
        }
        is_time
    }
}

fn line(said: String) -> Line {
    Line::info("millstream::bench", said)
}

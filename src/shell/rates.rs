//! What runs, for people: a live line per job with its rates, its watermark and what goes wrong, and the facts of a log
//! line.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::columns::{Columns, LiveLine};
use crate::changelog::rejects::Stage;
use crate::console;
use crate::log::{self, Line, LogFormat};
use crate::runtime::{JobEnd, JobMetrics, LastCheckpoint, SourceMetrics};
use crate::time::Watermark;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    None,
    /// Redrawn in place.
    Live,
    /// A line now and then.
    Log,
}

/// How often live lines are drawn anew.
pub const LIVE_EVERY: Duration = Duration::from_millis(500);
/// When they are drawn first.
pub const LIVE_FIRST: Duration = Duration::from_millis(100);
const LOG_EVERY: Duration = Duration::from_secs(10);
/// The first line comes sooner: does anything arrive at all?
const LOG_FIRST: Duration = Duration::from_secs(2);
/// A rate is measured over so long at least: over less it would be chance.
const MEASURED_OVER: Duration = Duration::from_millis(90);
/// So long must a watermark stand still while rows arrive before it is spoken of.
const STALLED_AFTER: Duration = Duration::from_secs(5);

impl Progress {
    /// Live on a terminal, else log lines.
    pub fn detect() -> Self {
        if log::format() == LogFormat::Json {
            return Self::Log;
        }
        if console::stderr_is_terminal() && !console::stdout_is_pipe() { Self::Live } else { Self::Log }
    }

    /// When it is shown first, and how often.
    pub fn pace(self) -> (Duration, Duration) {
        match self {
            Self::Live => (LIVE_FIRST, LIVE_EVERY),
            Self::None | Self::Log => (LOG_FIRST, LOG_EVERY),
        }
    }
}

/// What is shown of the jobs that run.
pub struct Rates {
    jobs: Vec<JobRate>,
    columns: Columns,
    /// What stands at the end of each live line.
    hint: Option<&'static str>,
}

/// What is told of a job, by its kinds.
#[derive(Default)]
struct Told {
    /// Its name, rates and lag.
    cells: Vec<String>,
    /// Watermark, next window.
    moments: Vec<String>,
    troubles: Vec<String>,
    checkpoint: Option<String>,
    /// What it waits for.
    waiting: Option<String>,
}

struct JobRate {
    name: Arc<str>,
    metrics: Arc<JobMetrics>,
    at: Instant,
    rows_in: u64,
    rows_out: u64,
    /// Rows a second in and out, when they were measured last.
    measured: Option<(u64, u64)>,
    running: bool,
    stalls: HashMap<String, Stall>,
    /// Tables whose first row from the future was told.
    told_future: Vec<String>,
    /// Stages whose first rejected row was told.
    told: Vec<Stage>,
}

/// A watermark and when it was last seen to rise.
struct Stall {
    watermark: Watermark,
    since: Instant,
    rows: u64,
    told: bool,
}

impl Rates {
    pub fn new(jobs: impl Iterator<Item = (Arc<str>, Arc<JobMetrics>)>) -> Self {
        let now = Instant::now();
        let rate = |(name, metrics): (Arc<str>, Arc<JobMetrics>)| JobRate {
            name,
            at: now,
            // It may have run for long.
            rows_in: metrics.rows_in(),
            rows_out: metrics.rows_out(),
            metrics,
            measured: None,
            running: true,
            stalls: HashMap::new(),
            told_future: Vec::new(),
            told: Vec::new(),
        };
        Self { jobs: jobs.map(rate).collect(), columns: Columns::default(), hint: None }
    }

    /// Live lines end with a hint from now on, or with none.
    pub fn hint(&mut self, hint: Option<&'static str>) {
        self.hint = hint;
    }

    /// What is to be said since the last call, beside the lines of progress: first rows that were rejected, watermarks
    /// that stand still.
    fn odd_since(&mut self) -> Vec<Line> {
        let now = Instant::now();
        let odd = |job: &mut JobRate| {
            let mut lines = job.first_odd_rows();
            lines.extend(job.stalled(now).into_iter().map(|hint| Line::info("millstream::job", hint)));
            lines
        };
        self.jobs.iter_mut().filter(|job| job.running).flat_map(odd).collect()
    }

    /// Says that.
    pub fn tell_odd(&mut self) {
        self.odd_since().into_iter().for_each(console::progress);
    }

    /// A job has ended: its line goes.
    pub fn ended(&mut self, name: &str) {
        self.jobs.iter_mut().filter(|j| j.name.as_ref() == name).for_each(|j| j.running = false);
    }

    /// What is told of each job that runs, without its name, what must not be missed first: what it waits for, rates, lag,
    /// troubles, watermark.
    pub fn parts(&mut self) -> Vec<Vec<String>> {
        let now = Instant::now();
        self.jobs.iter_mut().filter(|j| j.running).map(|job| job.told(now).parts()).collect()
    }

    /// Draws a line per job, or writes it.
    pub fn show(&mut self, progress: Progress) {
        let now = Instant::now();
        let lines = self.jobs.iter_mut().filter(|j| j.running).map(|j| j.told(now).line());
        let mut lines: Vec<LiveLine> = lines.collect();
        match progress {
            Progress::None => {}
            Progress::Live => {
                lines.iter_mut().for_each(|line| line.behind.extend(self.hint.map(str::to_string)));
                console::live(self.columns.lay_out(&lines, console::terminal_width()));
            }
            Progress::Log => {
                for (job, line) in self.jobs.iter().filter(|j| j.running).zip(lines) {
                    let told = [line.cells, line.behind].concat().join("  ");
                    console::progress(facts(&job.name, &job.metrics, told));
                }
            }
        }
    }
}

/// `job j finished: 3 rows in, 2 rows out, 1 late`
pub fn ended_line(name: &str, metrics: &JobMetrics, end: JobEnd) -> Line {
    let how = if end == JobEnd::Stopped { "stopped" } else { "finished" };
    let (rows_in, rows_out) = (grouped(metrics.rows_in()), grouped(metrics.rows_out()));
    let mut line = format!("job {name} {how}: {rows_in} rows in, {rows_out} rows out");
    troubles(metrics).iter().for_each(|trouble| line += &format!(", {trouble}"));
    facts(name, metrics, line)
}

impl Told {
    fn line(self) -> LiveLine {
        let rest = self.moments.into_iter().chain(self.troubles).chain(self.checkpoint).chain(self.waiting);
        LiveLine { cells: self.cells, behind: rest.collect() }
    }

    fn parts(self) -> Vec<String> {
        let cells = self.cells.into_iter().skip(1);
        self.waiting.into_iter().chain(cells).chain(self.troubles).chain(self.moments).chain(self.checkpoint).collect()
    }
}

impl JobRate {
    /// `simple_filter  in 12,345 rows/s (1,234,567)  out 1,234 rows/s (123,456)  lag 0  watermark 2026-11-23 08:37:12.000`
    fn told(&mut self, now: Instant) -> Told {
        let (rows_in, rows_out) = (self.metrics.rows_in(), self.metrics.rows_out());
        let passed = now.saturating_duration_since(self.at);
        if passed >= MEASURED_OVER {
            let rate = |new: u64, old: u64| ((new - old) as f64 / passed.as_secs_f64()).round() as u64;
            self.measured = Some((rate(rows_in, self.rows_in), rate(rows_out, self.rows_out)));
            (self.at, self.rows_in, self.rows_out) = (now, rows_in, rows_out);
        }
        let rate = |measured: Option<u64>| measured.map_or_else(|| "-".to_string(), grouped);
        let cells = vec![
            self.name.to_string(),
            format!("in {} rows/s", rate(self.measured.map(|(rows_in, _)| rows_in))),
            format!("({})", grouped(rows_in)),
            format!("out {} rows/s", rate(self.measured.map(|(_, rows_out)| rows_out))),
            format!("({})", grouped(rows_out)),
            format!("lag {}", grouped(self.metrics.lag())),
        ];
        let watermark = self.metrics.sources.iter().filter(|s| s.has_watermark).map(|s| s.watermark()).min();
        let close = self.metrics.next_close().map(|close| shown_beside(Watermark(close), watermark));
        let close = close.map(|close| format!("next window closes at {close}"));
        let waiting = Some(self.metrics.waiting_for()).filter(|waiting| !waiting.is_empty());
        Told {
            cells,
            moments: watermark.map(|watermark| format!("watermark {watermark}")).into_iter().chain(close).collect(),
            troubles: troubles(&self.metrics),
            checkpoint: self.metrics.checkpoints.last().map(|last| checkpoint(&last, now)),
            waiting: waiting.map(|waiting| format!("({waiting})")),
        }
    }

    /// `job j: first row rejected (decode), table "t": why`, for stages that have rejected since the last call, and the
    /// first row from the future of a table.
    fn first_odd_rows(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        for stage in Stage::ALL {
            if self.told.contains(&stage) {
                continue;
            }
            if let Some(first) = self.metrics.rejected.first(stage) {
                let line = format!("job {}: first row rejected ({}), {first}", self.name, stage.name());
                lines.push(Line::info("millstream::job", line));
                self.told.push(stage);
            }
        }
        for source in &self.metrics.sources {
            if let Some(first) = source.future.first().filter(|_| !self.told_future.contains(&source.table)) {
                let line = format!("job {}: table \"{}\": {first}", self.name, source.table);
                lines.push(Line::warning("millstream::job", line));
                self.told_future.push(source.table.clone());
            }
        }
        lines
    }

    /// What to say of watermarks that stand still while rows arrive; once each time.
    fn stalled(&mut self, now: Instant) -> Vec<String> {
        let mut hints = Vec::new();
        for source in self.metrics.sources.iter().filter(|s| s.has_watermark) {
            let watermark = source.watermark();
            let rows = source.door.rows.load(std::sync::atomic::Ordering::Relaxed);
            let fresh = Stall { watermark, since: now, rows, told: false };
            let stall = self.stalls.entry(source.table.clone()).or_insert(fresh);
            if stall.watermark != watermark {
                *stall = Stall { watermark, since: now, rows, told: false };
            } else if !stall.told && rows > stall.rows && now.saturating_duration_since(stall.since) >= STALLED_AFTER {
                if let Some(hint) = culprit(source, now) {
                    stall.told = true;
                    hints.push(format!("job {}: {hint}", self.name));
                }
            }
        }
        hints
    }
}

/// Says what went wrong in a query without failing it, if anything did.
pub fn tell_troubles(query: &str, metrics: &JobMetrics) {
    let troubles = troubles(metrics);
    if !troubles.is_empty() {
        console::progress(facts(query, metrics, format!("query {query}: {}", troubles.join(", "))));
    }
}

/// A line about a job, with its counters for those who collect them.
pub fn facts(job: &str, metrics: &JobMetrics, line: String) -> Line {
    let watermark = metrics.sources.iter().filter(|s| s.has_watermark).map(|s| s.watermark()).min();
    let counted = |n: u64| (n > 0).then_some(n);
    let (waiting, checkpoint) = (metrics.waiting_for(), metrics.checkpoints.last());
    Line::info("millstream::job", line)
        .with("job", job)
        .with("rows_in", metrics.rows_in())
        .with("rows_out", metrics.rows_out())
        .with("lag", metrics.lag())
        .with("watermark", watermark.map(|w| w.to_string()))
        .with("next_window_closes", metrics.next_close().map(|close| Watermark(close).to_string()))
        .with("undecodable", counted(metrics.rows_undecodable()))
        .with("late", counted(metrics.rows_late()))
        .with("retries", counted(metrics.retries()))
        .with("rejected", counted(metrics.rejected.total()))
        .with("epoch", counted(metrics.epoch.load(std::sync::atomic::Ordering::Relaxed)))
        .with("checkpoint_bytes", checkpoint.map(|last| last.bytes))
        .with("checkpoint_ms", checkpoint.map(|last| last.took_ms))
        .with("restarts", counted(metrics.restarts.load(std::sync::atomic::Ordering::Relaxed)))
        .with("waiting_for", (!waiting.is_empty()).then_some(waiting))
}

/// `1 undecodable`, `4 late`, `1 far ahead`, `2 retries`, `3 rejected (2 decode, 1 write)`: what went wrong without failing the job.
pub fn troubles(metrics: &JobMetrics) -> Vec<String> {
    let (retries, restarts) = (metrics.retries(), metrics.restarts.load(std::sync::atomic::Ordering::Relaxed));
    let failed = metrics.checkpoints.failed.load(std::sync::atomic::Ordering::Relaxed);
    let counts = [
        (metrics.rows_undecodable(), "undecodable"),
        (metrics.rows_late(), "late"),
        (metrics.sources.iter().map(|source| source.future.rows()).sum(), "far ahead"),
        (retries, if retries == 1 { "retry" } else { "retries" }),
        (restarts, if restarts == 1 { "restart" } else { "restarts" }),
        (failed, if failed == 1 { "failed checkpoint" } else { "failed checkpoints" }),
    ];
    let mut troubles: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(*n))).collect();
    let rejected = &metrics.rejected;
    if rejected.total() > 0 {
        let stages = Stage::ALL.iter().map(|stage| (rejected.of(*stage), stage.name())).filter(|(n, _)| *n > 0);
        let stages: Vec<String> = stages.map(|(n, stage)| format!("{} {stage}", grouped(n))).collect();
        troubles.push(format!("{} rejected ({})", grouped(rejected.total()), stages.join(", ")));
    }
    troubles
}

/// The split that holds the watermark back, if it is a silent one.
fn culprit(source: &SourceMetrics, now: Instant) -> Option<String> {
    let splits = source.splits();
    let (id, status) = splits.iter().filter(|(_, s)| !s.idle).min_by_key(|(_, s)| s.watermark)?;
    let silent = status.last_row.is_none_or(|at| now.saturating_duration_since(at) >= STALLED_AFTER);
    silent.then(|| {
        format!(
            "the watermark of {} stands still because {id} has no new rows; \
             set 'scan.watermark.idle-timeout' = '10 s' in the table (or 'table.exec.source.idle-timeout') to go on without it",
            source.table
        )
    })
}

/// A moment as short as can be beside another: `12:00:30` of the same day.
fn shown_beside(moment: Watermark, other: Option<Watermark>) -> String {
    let (moment, other) = (moment.to_string(), other.map(|other| other.to_string()).unwrap_or_default());
    let moment = moment.strip_suffix(".000").unwrap_or(&moment);
    match (moment.split_once(' '), other.split_once(' ')) {
        (Some((day, time)), Some((same, _))) if day == same => time.to_string(),
        _ => moment.to_string(),
    }
}

/// `checkpoint 42 (1.2 MB in 12 ms, 3 s ago)`
fn checkpoint(last: &LastCheckpoint, now: Instant) -> String {
    let (bytes, took) = (bytes_text(last.bytes), millis_text(last.took_ms));
    let age = match now.saturating_duration_since(last.at).as_secs() {
        0 => "0 s".to_string(),
        seconds => millis_text(seconds.saturating_mul(1_000)),
    };
    format!("checkpoint {} ({bytes} in {took}, {age} ago)", last.epoch.0)
}

/// `812 B`, `1.2 MB`
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 999.5 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1_000.0, unit + 1);
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if size < 9.95 => format!("{size:.1} {}", UNITS[unit]),
        _ => format!("{size:.0} {}", UNITS[unit]),
    }
}

/// `12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`
pub fn millis_text(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..10 if !millis.is_multiple_of(1_000) => format!("{:.1} s", (millis / 100) as f64 / 10.0),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `1 row`, `12,345 rows`
pub fn rows_text(rows: u64) -> String {
    format!("{} {}", grouped(rows), if rows == 1 { "row" } else { "rows" })
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use tokio::time::Instant;

    use super::{JobRate, Rates, STALLED_AFTER};
    use crate::runtime::{JobMetrics, SourceMetrics, SplitStatus, WindowMetrics};
    use crate::time::Watermark;

    fn rate_of(source: SourceMetrics) -> (JobRate, Arc<SourceMetrics>) {
        let source = Arc::new(source);
        let mut metrics = JobMetrics::default();
        metrics.sources.push(source.clone());
        let metrics = Arc::new(metrics);
        (Rates::new([("j".into(), metrics)].into_iter()).jobs.remove(0), source)
    }

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [0, 999, 1_000, 9_949, 9_950, 999_499, 999_500, 1_200_000, 3_000_000_000].map(super::bytes_text);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.2 MB", "3.0 GB"]);
        let times = [0, 999, 1_000, 1_250, 10_900, 119_000, 120_000, 7_200_000, 172_800_000].map(super::millis_text);
        assert_eq!(times, ["0 ms", "999 ms", "1 s", "1.2 s", "10 s", "119 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn a_watermark_that_stands_still_because_of_a_silent_split_is_told_of_once() {
        let (mut rate, source) = rate_of(SourceMetrics::new("cpu", true));
        let split = |watermark, last_row| SplitStatus { rows: 1, watermark, last_row, idle: false };
        source.set_split("p0".into(), split(Watermark::MIN, None));
        source.set_split("p1".into(), split(Watermark(1_000), Some(Instant::now())));
        source.door.rows.store(1, Ordering::Relaxed);
        assert!(rate.stalled(Instant::now()).is_empty());
        let later = Instant::now() + STALLED_AFTER;
        assert!(rate.stalled(later).is_empty(), "no row has come meanwhile");
        source.door.rows.store(2, Ordering::Relaxed);
        let hints = rate.stalled(later);
        assert!(
            hints.len() == 1 && hints[0].starts_with("job j: the watermark of cpu stands still because p0 has no new rows; set 'scan.watermark.idle-timeout'"),
            "{hints:?}"
        );
        source.door.rows.store(3, Ordering::Relaxed);
        assert!(rate.stalled(later + STALLED_AFTER).is_empty(), "it is told of once");
        // Without the silent split the watermark rises, and the next standstill is a new one.
        source.set_split("p0".into(), SplitStatus { idle: true, ..split(Watermark::MIN, None) });
        assert!(rate.stalled(later + STALLED_AFTER).is_empty());
        source.door.rows.store(4, Ordering::Relaxed);
        assert!(rate.stalled(later + STALLED_AFTER * 3).iter().all(|hint| hint.contains("p1")));
    }

    #[test]
    fn what_could_not_be_decoded_and_what_was_tried_again_is_counted_where_there_is_any() {
        let (mut rate, source) = rate_of(SourceMetrics::new("t", false));
        let mut said = || rate.told(Instant::now()).line().behind.join("  ");
        assert_eq!(said(), "");
        source.door.rows_undecodable.store(1_234, Ordering::Relaxed);
        source.door.retries.store(1, Ordering::Relaxed);
        assert_eq!(said(), "1,234 undecodable  1 retry");
    }

    #[test]
    fn a_rate_is_that_of_a_time_and_not_of_what_came_before() {
        let source = Arc::new(SourceMetrics::new("t", false));
        source.door.rows.store(5_000_000, Ordering::Relaxed);
        let mut metrics = JobMetrics::default();
        metrics.sources.push(source.clone());
        let metrics = Arc::new(metrics);
        let mut rate = Rates::new([("j".into(), metrics)].into_iter()).jobs.remove(0);
        let begun = rate.at;
        let mut said = |ms| rate.told(begun + std::time::Duration::from_millis(ms)).cells[1..3].join(" ");
        assert_eq!(said(1), "in - rows/s (5,000,000)");
        source.door.rows.store(5_000_100, Ordering::Relaxed);
        assert_eq!(said(500), "in 200 rows/s (5,000,100)");
        assert_eq!(said(501), "in 200 rows/s (5,000,100)");
        assert_eq!(said(1_500), "in 0 rows/s (5,000,100)");
    }

    #[test]
    fn the_line_says_when_the_next_window_closes() {
        let source = SourceMetrics::new("cpu", true);
        let mut metrics = JobMetrics::default();
        let at = |time: &str| time.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        let split = |watermark| SplitStatus { rows: 1, watermark, last_row: None, idle: false };
        metrics.sources.push(Arc::new(source));
        let windows = [("by the watermark", false), ("by the clock", true)];
        metrics.windows.extend(windows.map(|(window, clock)| Arc::new(WindowMetrics::new(0, window.into(), clock))));
        let gauges: Vec<_> = [0, 0, 1].map(|window: usize| metrics.windows[window].gauge()).into();
        let metrics = Arc::new(metrics);
        let mut rate = Rates::new([("j".into(), metrics.clone())].into_iter()).jobs.remove(0);
        let mut said = || rate.told(Instant::now()).line().behind.join("  ");
        assert_eq!(said(), "watermark -");
        gauges[2].set(Some(at("2021-10-11T00:00:00Z")));
        assert_eq!(said(), "watermark -  next window closes at 2021-10-11 00:00:00");
        gauges[0].set(Some(at("2021-10-11T13:06:30Z")));
        gauges[1].set(Some(at("2021-10-11T13:06:00Z")));
        metrics.sources[0].set_split("p0".into(), split(Watermark(at("2021-10-11T13:05:30.001Z"))));
        assert_eq!(said(), "watermark 2021-10-11 13:05:30.001  next window closes at 13:06:00");
        gauges[1].set(Some(at("2021-10-12T00:00:00.500Z")));
        gauges[0].set(None);
        let expected = "watermark 2021-10-11 13:05:30.001  next window closes at 2021-10-12 00:00:00.500";
        assert_eq!(said(), expected);
    }

    #[test]
    fn a_narrow_line_begins_with_what_is_waited_for() {
        let source = Arc::new(SourceMetrics::new("t", true));
        source.door.retries.store(2, Ordering::Relaxed);
        let mut metrics = JobMetrics::default();
        metrics.sources.push(source);
        let metrics = Arc::new(metrics);
        let outer = crate::connectors::Reporter::silent();
        let reporter = metrics.reporter(&"j".into(), &outer);
        reporter.waits("waiting for Kafka at h:1");
        let mut rates = Rates::new([("j".into(), metrics)].into_iter());
        let expected = [
            "(waiting for Kafka at h:1)",
            "in - rows/s",
            "(0)",
            "out - rows/s",
            "(0)",
            "lag 0",
            "2 retries",
            "watermark -",
        ];
        assert_eq!(rates.parts(), [expected]);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(super::grouped(7), "7");
        assert_eq!(super::grouped(1234567), "1,234,567");
    }
}

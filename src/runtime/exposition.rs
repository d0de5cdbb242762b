//! A job's counters as Prometheus reads them (text format 0.0.4).
//!
//! Names end in their unit; what only grows ends in `_total`. Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::metrics::JobMetrics;
use crate::changelog::rejects::Stage;
use crate::time::Watermark;

/// A metric: its name, its type and what it says, and its samples.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// Labels and values; what stands twice, such as two lookups of one table, is one sample.
    samples: Vec<(String, f64)>,
}

/// The counters of all jobs.
pub fn exposition<'a>(jobs: impl IntoIterator<Item = (&'a str, &'a JobMetrics)>) -> String {
    let mut families = families();
    for (job, metrics) in jobs {
        for source in &metrics.sources {
            let labels = [("job", job), ("table", source.table.as_str())];
            let door = &source.door;
            let splits = source.splits();
            let idle = splits.values().filter(|split| split.idle).count() as u64;
            families.add("millstream_source_rows_total", &labels, get(&door.rows));
            families.add("millstream_source_bytes_total", &labels, get(&door.bytes));
            families.add("millstream_source_batches_total", &labels, get(&door.batches));
            families.add("millstream_source_undecodable_total", &labels, get(&door.rows_undecodable));
            families.add("millstream_source_errors_total", &labels, get(&door.errors));
            families.add("millstream_source_retries_total", &labels, get(&door.retries));
            families.add("millstream_source_lag_rows", &labels, get(&source.lag));
            families.add("millstream_source_splits", &labels, splits.len() as u64);
            families.add("millstream_source_idle_splits", &labels, idle);
            families.add("millstream_source_future_rows_total", &labels, source.future.rows());
            let watermark = source.watermark();
            if source.has_watermark && watermark != Watermark::MIN && watermark != Watermark::MAX {
                let seconds = watermark.0 as f64 / 1000.0;
                families.add("millstream_source_watermark_seconds", &labels, seconds);
            }
        }
        for lookup in &metrics.lookups {
            let labels = [("job", job), ("table", lookup.table.as_str())];
            families.add("millstream_lookup_requests_total", &labels, get(&lookup.requests));
            families.add("millstream_lookup_errors_total", &labels, get(&lookup.door.errors));
            families.add("millstream_lookup_retries_total", &labels, get(&lookup.door.retries));
            families.add("millstream_lookup_keys_total", &labels, get(&lookup.keys));
            families.add("millstream_lookup_cache_hits_total", &labels, get(&lookup.cache_hits));
            families.add("millstream_lookup_cache_misses_total", &labels, get(&lookup.cache_misses));
        }
        for sink in &metrics.sinks {
            let labels = [("job", job), ("table", sink.table.as_str())];
            let door = &sink.door;
            families.add("millstream_sink_rows_total", &labels, get(&door.rows));
            families.add("millstream_sink_bytes_total", &labels, get(&door.bytes));
            families.add("millstream_sink_batches_total", &labels, get(&door.batches));
            families.add("millstream_sink_requests_total", &labels, get(&door.requests));
            families.add("millstream_sink_errors_total", &labels, get(&door.errors));
            families.add("millstream_sink_retries_total", &labels, get(&door.retries));
            let seconds = get(&sink.blocked_ns) as f64 / 1e9;
            families.add("millstream_sink_blocked_seconds_total", &labels, seconds);
        }
        for window in &metrics.windows {
            let labels = [("job", job), ("window", window.window.as_str())];
            families.add("millstream_window_late_rows_total", &labels, window.late.get());
            if let Some(close) = window.next_close() {
                families.add("millstream_window_next_close_seconds", &labels, close as f64 / 1000.0);
            }
        }
        for stage in Stage::ALL {
            let labels = [("job", job), ("stage", stage.name())];
            families.add("millstream_rows_rejected_total", &labels, metrics.rejected.of(stage));
        }
        for operator in metrics.memory.operators() {
            let (labels, size) = ([("job", job), ("operator", operator.name.as_str())], operator.size());
            families.add("millstream_state_keys", &labels, size.keys as u64);
            families.add("millstream_state_bytes", &labels, size.bytes as u64);
        }
        if let Some(budget) = metrics.memory.budget().bytes() {
            families.add("millstream_state_budget_bytes", &[("job", job)], budget as u64);
        }
        let (labels, checkpoints) = ([("job", job)], &metrics.checkpoints);
        families.add("millstream_job_epoch", &labels, get(&metrics.epoch));
        families.add("millstream_job_restarts_total", &labels, get(&metrics.restarts));
        families.add("millstream_checkpoints_completed_total", &labels, get(&checkpoints.completed));
        families.add("millstream_checkpoints_failed_total", &labels, get(&checkpoints.failed));
        families.add("millstream_checkpoint_restored_epoch", &labels, get(&checkpoints.restored_epoch));
        if let Some(last) = checkpoints.last() {
            families.add("millstream_checkpoint_last_duration_seconds", &labels, last.took_ms as f64 / 1000.0);
            families.add("millstream_checkpoint_last_pause_seconds", &labels, last.pause.as_secs_f64());
            families.add("millstream_checkpoint_last_bytes", &labels, last.bytes);
            families.add("millstream_checkpoint_last_timestamp_seconds", &labels, last.created_ms as f64 / 1000.0);
        }
    }
    families.text()
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

struct Families(Vec<Family>);

/// Every metric there is: name, type, help.
pub const METRICS: &[(&str, &str, &str)] = &[
    ("millstream_source_rows_total", "counter", "Rows that a source gave."),
    ("millstream_source_bytes_total", "counter", "Bytes that a source read."),
    ("millstream_source_batches_total", "counter", "Batches that a source gave."),
    (
        "millstream_source_undecodable_total",
        "counter",
        "Records skipped or read as NULL because they could not be decoded.",
    ),
    ("millstream_source_errors_total", "counter", "Tries of a source that failed, whether made again or not."),
    ("millstream_source_retries_total", "counter", "Tries that a source made again."),
    ("millstream_source_lag_rows", "gauge", "Rows known to wait in a source."),
    ("millstream_source_splits", "gauge", "Splits that a source reads."),
    ("millstream_source_idle_splits", "gauge", "Splits that are left out of the watermark because they are silent."),
    (
        "millstream_source_future_rows_total",
        "counter",
        "Rows that move the watermark more than a day ahead of the clock.",
    ),
    ("millstream_source_watermark_seconds", "gauge", "The watermark, in seconds since the Unix epoch."),
    (
        "millstream_lookup_requests_total",
        "counter",
        "Questions that a lookup join asked, each for the keys of a batch.",
    ),
    ("millstream_lookup_errors_total", "counter", "Tries of a lookup join that failed, whether made again or not."),
    ("millstream_lookup_retries_total", "counter", "Tries that a lookup join made again."),
    ("millstream_lookup_keys_total", "counter", "Distinct keys that a lookup join asked for."),
    ("millstream_lookup_cache_hits_total", "counter", "Keys that the lookup cache knew."),
    ("millstream_lookup_cache_misses_total", "counter", "Keys that the lookup cache did not know."),
    ("millstream_window_late_rows_total", "counter", "Rows dropped because all their windows were over."),
    (
        "millstream_window_next_close_seconds",
        "gauge",
        "The end of the next window that has rows, in seconds since the Unix epoch.",
    ),
    ("millstream_sink_rows_total", "counter", "Rows that a sink took."),
    ("millstream_sink_bytes_total", "counter", "Bytes that a sink wrote."),
    ("millstream_sink_batches_total", "counter", "Batches that a sink took."),
    (
        "millstream_sink_requests_total",
        "counter",
        "Requests that a sink sent: transactions, bulk requests, batches given to the Kafka client.",
    ),
    ("millstream_sink_errors_total", "counter", "Tries of a sink that failed, whether made again or not."),
    ("millstream_sink_retries_total", "counter", "Tries that a sink made again."),
    (
        "millstream_sink_blocked_seconds_total",
        "counter",
        "How long tasks waited for a sink to take rows: backpressure.",
    ),
    (
        "millstream_rows_rejected_total",
        "counter",
        "Rows that could not be processed and did not fail the job, by stage.",
    ),
    (
        "millstream_state_keys",
        "gauge",
        "Keys that an operator keeps state of: groups, sessions, groups of open windows.",
    ),
    ("millstream_state_bytes", "gauge", "Bytes of an operator's state."),
    ("millstream_state_budget_bytes", "gauge", "Bytes that the operators of all jobs together may hold: `--memory`."),
    ("millstream_job_epoch", "gauge", "The last epoch that was completed; 0 before the first."),
    ("millstream_job_restarts_total", "counter", "How often the job started anew by itself (Flink: numRestarts)."),
    (
        "millstream_checkpoints_completed_total",
        "counter",
        "Checkpoints that were completed (numberOfCompletedCheckpoints).",
    ),
    (
        "millstream_checkpoints_failed_total",
        "counter",
        "Checkpoints that were late, and tries to write one that failed (numberOfFailedCheckpoints).",
    ),
    (
        "millstream_checkpoint_restored_epoch",
        "gauge",
        "The epoch that the job has gone on from; 0 where it began anew.",
    ),
    (
        "millstream_checkpoint_last_duration_seconds",
        "gauge",
        "How long the last checkpoint took, from the barrier to the manifest (lastCheckpointDuration).",
    ),
    (
        "millstream_checkpoint_last_pause_seconds",
        "gauge",
        "How long the barrier of the last checkpoint held up a task at most.",
    ),
    (
        "millstream_checkpoint_last_bytes",
        "gauge",
        "Bytes of the last checkpoint, those that earlier ones wrote included (lastCheckpointFullSize).",
    ),
    (
        "millstream_checkpoint_last_timestamp_seconds",
        "gauge",
        "When the last checkpoint was made, in seconds since the Unix epoch.",
    ),
];

fn families() -> Families {
    let family = |&(name, kind, help): &(&'static str, &'static str, &'static str)| Family {
        name,
        kind,
        help,
        samples: Vec::new(),
    };
    Families(METRICS.iter().map(family).collect())
}

impl Families {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: impl Number) {
        let Some(family) = self.0.iter_mut().find(|family| family.name == name) else {
            debug_assert!(false, "{name} is not declared");
            return;
        };
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = labels.join(",");
        match family.samples.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, sum)) => *sum += value.number(),
            None => family.samples.push((labels, value.number())),
        }
    }

    fn text(self) -> String {
        let mut text = String::new();
        for Family { name, kind, help, samples } in self.0.into_iter().filter(|family| !family.samples.is_empty()) {
            // Writing to a String can't fail.
            let _written = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (labels, value) in samples {
                let _written = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
        text
    }
}

/// What a sample may be.
trait Number {
    fn number(self) -> f64;
}

impl Number for u64 {
    fn number(self) -> f64 {
        self as f64
    }
}

impl Number for f64 {
    fn number(self) -> f64 {
        self
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::checkpoint::{Manifest, manifest_of as manifest};
    use crate::connectors::EpochMode;
    use crate::runtime::metrics::{LookupMetrics, SinkMetrics, SourceMetrics};

    #[test]
    fn counters_are_written_with_help_type_and_escaped_labels() {
        let source = SourceMetrics::new("in \"1\"", true);
        source.door.rows.store(7, Ordering::Relaxed);
        source.lag.store(3, Ordering::Relaxed);
        let sink = SinkMetrics::new("out");
        sink.blocked_ns.store(1_500_000_000, Ordering::Relaxed);
        let lookup = LookupMetrics { table: "dim".into(), ..LookupMetrics::default() };
        lookup.cache_hits.store(5, Ordering::Relaxed);
        let mut metrics = JobMetrics::default();
        metrics.sources.push(Arc::new(source));
        metrics.sinks.push(Arc::new(sink));
        metrics.lookups.push(Arc::new(lookup));
        let text = exposition([("a job", &metrics)]);
        for line in [
            "# HELP millstream_source_rows_total Rows that a source gave.",
            "# TYPE millstream_source_rows_total counter",
            "millstream_source_rows_total{job=\"a job\",table=\"in \\\"1\\\"\"} 7",
            "millstream_source_lag_rows{job=\"a job\",table=\"in \\\"1\\\"\"} 3",
            "millstream_lookup_cache_hits_total{job=\"a job\",table=\"dim\"} 5",
            "millstream_sink_blocked_seconds_total{job=\"a job\",table=\"out\"} 1.5",
            "millstream_rows_rejected_total{job=\"a job\",stage=\"decode\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("watermark_seconds"), "there is no watermark yet");
    }

    #[test]
    fn checkpoints_are_told_once_there_is_one() {
        let metrics = JobMetrics::default();
        metrics.checkpoints.failed();
        let text = exposition([("a", &metrics)]);
        assert!(text.contains("millstream_checkpoints_failed_total{job=\"a\"} 1\n"), "{text}");
        assert!(!text.contains("checkpoint_last"), "there is none yet");
        metrics.checkpoints.completed(&Manifest { took_ms: 1_500, bytes: 7, ..manifest(42, EpochMode::Held, &[]) });
        let text = exposition([("a", &metrics)]);
        for line in [
            "millstream_checkpoints_completed_total{job=\"a\"} 1",
            "millstream_checkpoint_last_duration_seconds{job=\"a\"} 1.5",
            "millstream_checkpoint_last_bytes{job=\"a\"} 7",
            "millstream_job_restarts_total{job=\"a\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn two_of_one_name_are_one_sample() {
        let mut metrics = JobMetrics::default();
        for rows in [49, 25] {
            let sink = SinkMetrics::new("out");
            sink.door.rows.store(rows, Ordering::Relaxed);
            metrics.sinks.push(Arc::new(sink));
        }
        let text = exposition([("a", &metrics)]);
        let samples: Vec<&str> = text.lines().filter(|l| l.starts_with("millstream_sink_rows_total{")).collect();
        assert_eq!(samples, ["millstream_sink_rows_total{job=\"a\",table=\"out\"} 74"]);
    }

    #[test]
    fn each_metric_stands_once_with_the_samples_of_all_jobs_together() {
        let mut metrics = JobMetrics::default();
        metrics.sinks.push(Arc::new(SinkMetrics::new("out")));
        let text = exposition([("a", &metrics), ("b", &metrics)]);
        assert_eq!(text.matches("# TYPE millstream_sink_rows_total").count(), 1);
        assert_eq!(text.matches("\nmillstream_sink_rows_total{").count(), 2);
    }
}

//! The jobs of a session, running and ended: what SHOW JOBS lists, DESCRIBE JOB describes and STOP JOB ends.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use chrono_tz::Tz;

use super::look::told;
use super::{Listing, Outcome, Session};
use crate::connectors::secrets::mask_text;
use crate::error::{Error, Result, did_you_mean};
use crate::runtime::{JobHandle, JobState, JobStatus, SourceMetrics};
use crate::sql::Ident;
use crate::types::{SqlType, TypeKind};

/// So many jobs that have ended are remembered, the latest, and so many queries among them.
const ENDED_MAX: usize = 100;
const ENDED_QUERIES_MAX: usize = 3;

/// All jobs that were started and not yet forgotten, in the order of their start. It keeps none of them alive.
#[derive(Debug, Default)]
pub struct JobRegistry {
    jobs: Vec<SessionJob>,
}

/// A job and what it was started by.
#[derive(Debug, Clone)]
pub struct SessionJob {
    pub state: Arc<JobState>,
    /// The statement, secrets blotted out.
    pub sql: Arc<str>,
    /// A query: its rows go to whoever asked, and it ends no sooner than they are taken.
    pub is_query: bool,
}

impl JobRegistry {
    pub(super) fn add(&mut self, job: &JobHandle, sql: &str, is_query: bool) {
        self.jobs.push(SessionJob { state: job.state(), sql: mask_text(sql).into(), is_query });
        self.forget(ENDED_MAX, |_| true);
        self.forget(ENDED_QUERIES_MAX, |job| job.is_query);
    }

    /// Keeps so many of those that have ended, the latest.
    fn forget(&mut self, most: usize, of: impl Fn(&SessionJob) -> bool) {
        let may_go = |job: &SessionJob| of(job) && job.state.status().has_ended();
        let mut surplus = self.jobs.iter().filter(|job| may_go(job)).count().saturating_sub(most);
        self.jobs.retain(|job| {
            let goes = surplus > 0 && may_go(job);
            surplus -= usize::from(goes);
            !goes
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = &SessionJob> {
        self.jobs.iter()
    }

    /// The job with this id, name, or beginning of an id that no other has. Of several of one name the one that runs,
    /// or else the last one.
    pub fn find(&self, asked: &str) -> Result<&SessionJob> {
        let folded = asked.to_lowercase();
        let by_id = self.iter().find(|job| job.state.id.as_str() == folded);
        let named = || self.jobs.iter().rev().filter(|job| job.state.name.as_ref() == asked);
        let by_name = || named().find(|job| !job.state.status().has_ended()).or_else(|| named().next());
        if let Some(job) = by_id.or_else(by_name) {
            return Ok(job);
        }
        let begins = |job: &&SessionJob| !asked.is_empty() && job.state.id.as_str().starts_with(&folded);
        let matching: Vec<&SessionJob> = self.iter().filter(begins).collect();
        match matching.as_slice() {
            [job] => Ok(job),
            [] => Err(self.unknown(asked)),
            several => {
                let ids: Vec<&str> = several.iter().map(|job| job.state.id.as_str()).collect();
                Err(Error::statement(format!("the ids of {} jobs begin with \"{asked}\"", several.len()))
                    .with_hint(format!("They are {}.", ids.join(", "))))
            }
        }
    }

    /// The shortest beginning of a job's id that no other has, of at least eight characters.
    pub fn short_id(&self, job: &SessionJob) -> String {
        let id = job.state.id.as_str();
        let others = || self.iter().map(|other| other.state.id.as_str()).filter(|other| *other != id);
        let length = (8..id.len()).find(|length| !others().any(|other| other.get(..*length) == id.get(..*length)));
        id.get(..length.unwrap_or(id.len())).unwrap_or(id).to_string()
    }

    fn unknown(&self, asked: &str) -> Error {
        let error = Error::statement(format!("there is no job \"{asked}\" in this session"));
        let names = || self.iter().flat_map(|job| [job.state.name.as_ref(), job.state.id.as_str()]);
        if let Some(hint) = did_you_mean(asked, names()) {
            return error.with_hint(hint);
        }
        let running: Vec<String> = self
            .iter()
            .filter(|job| !job.state.status().has_ended())
            .map(|job| format!("\"{}\" ({})", job.state.name, job.state.id))
            .collect();
        error.with_hint(match running.is_empty() {
            true => "No job is running; SHOW JOBS lists those that have ended, too.".to_string(),
            false => format!("Running: {}.", running.join(", ")),
        })
    }
}

impl Session {
    /// The jobs that were started in this session.
    pub fn jobs(&self) -> &JobRegistry {
        &self.jobs
    }

    pub(super) fn show_jobs(&self) -> Listing {
        let mut listing = Listing::new(FLINK_COLUMNS);
        listing.columns[3].1 = time_type();
        for job in self.jobs.iter() {
            listing.push(flink_cells(&job.state, self.settings.zone()));
        }
        listing
    }

    /// Flink's columns, then ours.
    pub(super) fn describe_job(&self, asked: &Ident) -> Result<Listing> {
        let job = self.jobs.find(&asked.value).map_err(|error| error.at(asked.span))?;
        let (zone, metrics) = (self.settings.zone(), &job.state.metrics);
        let columns = [FLINK_COLUMNS, OUR_COLUMNS].concat();
        let mut listing = Listing::new(&columns);
        for column in &mut listing.columns {
            match column.0.as_str() {
                "start time" | "end time" | "checkpoint time" => column.1 = time_type(),
                "rows in" | "rows out" | "lag" | "checkpoint" | "checkpoint bytes" | "checkpoint ms" | "restarts" => {
                    column.1 = SqlType::nullable(TypeKind::BigInt);
                }
                _ => {}
            }
        }
        let ended = job.state.ended();
        let watermark = metrics.sources.iter().filter(|s| s.has_watermark).map(|s| s.watermark()).min();
        let sources = metrics.sources.iter().map(|source| described(source));
        let sinks =
            metrics.sinks.iter().map(|sink| format!("{}: {}", sink.table, counted_rows(sink.door.rows.load(Relaxed))));
        let checkpoint = metrics.checkpoints.last();
        let mut row = flink_cells(&job.state, zone);
        row.extend([
            ended.map(|ended| moment(ended.at_ms, zone)),
            Some(metrics.rows_in().to_string()),
            Some(metrics.rows_out().to_string()),
            Some(metrics.lag().to_string()),
            watermark.map(|watermark| watermark.to_string()),
            Some(sources.collect::<Vec<_>>().join("; ")),
            Some(sinks.collect::<Vec<_>>().join("; ")),
            checkpoint.map(|last| last.epoch.0.to_string()),
            checkpoint.map(|last| moment(last.created_ms, zone)),
            checkpoint.map(|last| last.bytes.to_string()),
            checkpoint.map(|last| last.took_ms.to_string()),
            Some(metrics.restarts.load(Relaxed).to_string()),
            job.state.message(),
            Some(job.sql.split_whitespace().collect::<Vec<_>>().join(" ")),
        ]);
        listing.push(row);
        Ok(listing)
    }

    /// Asks a job to stop and waits until it has ended, or not if it is a query. Cancel safe: what was asked stays asked.
    /// With a savepoint it says where that is.
    pub(super) async fn stop_job(&self, asked: &Ident, savepoint: bool, drain: bool) -> Result<Outcome> {
        let job = self.jobs.find(&asked.value).map_err(|error| error.at(asked.span))?.clone();
        let name = &job.state.name;
        if job.state.status().has_ended() {
            let how = match job.state.status() {
                JobStatus::Failed => "has failed",
                JobStatus::Canceled => "was stopped",
                _ => "has finished",
            };
            return Err(Error::statement(format!("job \"{name}\" {how} already")).at(asked.span));
        }
        if savepoint && job.is_query {
            return Err(Error::statement(format!("\"{name}\" is a query, which keeps no state")).at(asked.span));
        }
        let doing = || format!("job {}", job.state.stopping());
        let written = match (savepoint, drain) {
            (true, _) => {
                job.state.coordinator().map_err(|error| error.at(asked.span))?;
                let set = self.savepoint_folder();
                let folder = set.or_else(|error| job.state.savepoint_folder().cloned().ok_or(error))?;
                Some(told(&self.reporter, doing, job.state.stop_with_savepoint(folder, drain)).await)
            }
            (false, true) => {
                job.state.drain();
                None
            }
            (false, false) => {
                job.state.stop();
                None
            }
        };
        if job.is_query {
            return Ok(Outcome::Done);
        }
        // A failure says more than that there is no savepoint.
        let refused = matches!(&written, Some(Err(_))) && job.state.status() == JobStatus::Running;
        if let Some((kind, message)) =
            if refused { None } else { told(&self.reporter, doing, job.state.wait()).await.failure }
        {
            return Err(Error::new(kind, format!("job \"{name}\" failed while it was stopped: {message}")));
        }
        match written.transpose()? {
            Some(path) => Ok(Outcome::Listing(Listing::single("savepoint path", [path.display().to_string()]))),
            None => Ok(Outcome::Done),
        }
    }
}

const FLINK_COLUMNS: &[&str] = &["job id", "job name", "status", "start time"];

const OUR_COLUMNS: &[&str] = &[
    "end time",
    "rows in",
    "rows out",
    "lag",
    "watermark",
    "sources",
    "sinks",
    "checkpoint",
    "checkpoint time",
    "checkpoint bytes",
    "checkpoint ms",
    "restarts",
    "message",
    "statement",
];

fn time_type() -> SqlType {
    SqlType::nullable(TypeKind::TimestampLtz(6))
}

fn flink_cells(job: &JobState, zone: Tz) -> Vec<Option<String>> {
    let started = moment(job.started_ms, zone);
    vec![Some(job.id.to_string()), Some(job.name.to_string()), Some(job.standing().to_string()), Some(started)]
}

/// An instant as a TIMESTAMP_LTZ(6) prints, which is the type that Flink gives it.
fn moment(ms: i64, zone: Tz) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map(|time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.6f").to_string())
        .unwrap_or_default()
}

/// `CPU_IN: 12 rows, lag 3`
fn described(source: &SourceMetrics) -> String {
    let lag = source.lag.load(Relaxed);
    let lag = if lag > 0 { format!(", lag {lag}") } else { String::new() };
    format!("{}: {}{lag}", source.table, counted_rows(source.door.rows.load(Relaxed)))
}

fn counted_rows(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

#[cfg(test)]
mod tests;

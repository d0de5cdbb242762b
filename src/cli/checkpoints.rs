//! `millstream checkpoints`: what is kept of jobs, and what is in it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Exit;
use super::state::folder;
use crate::checkpoint::{Manifest, Sight, open_folder, sights};
use crate::console;
use crate::error::{Error, Result, did_you_mean};
use crate::shell::rates::{bytes_text, grouped, millis_text};
use crate::shell::tableau;
use crate::time::{Clock, SystemClock, Watermark};

#[derive(Args)]
pub struct CheckpointsArgs {
    /// The folder of checkpoints, of one job's, or of a savepoint.
    #[arg(value_name = "DIR", value_parser = folder)]
    dir: PathBuf,
    /// Only this job's.
    job: Option<String>,
    /// What is in this one: operators, sources, targets. All its data is read, too.
    epoch: Option<u64>,
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    /// A JSON object a line.
    Json,
}

/// Prints a listing, or one checkpoint.
pub async fn checkpoints(args: CheckpointsArgs) -> Exit {
    match look(&args).await {
        Ok(text) => {
            console::stdout(text.as_bytes());
            Exit::Fine
        }
        Err(error) => {
            console::error(&error);
            Exit::of(&error)
        }
    }
}

async fn look(args: &CheckpointsArgs) -> Result<String> {
    let store = open_folder(&args.dir)?;
    let mut found = sights(&store).await?;
    if let Some(job) = &args.job {
        let mut jobs: Vec<String> = found.iter().map(|sight| sight.job().to_string()).collect();
        jobs.dedup();
        found.retain(|sight| sight.job() == job || sight.job_folder() == job);
        if found.is_empty() {
            let said = format!("\"{}\" has no checkpoint of a job \"{job}\"", args.dir.display());
            let names: Vec<&str> = jobs.iter().map(String::as_str).collect();
            let hint = did_you_mean(job, names.iter().copied())
                .or_else(|| (!names.is_empty()).then(|| format!("It has those of {}.", names.join(", "))));
            let error = Error::statement(said);
            return Err(match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            });
        }
    }
    if let Some(epoch) = args.epoch {
        found.retain(|sight| sight.epoch() == Some(epoch));
        if found.is_empty() {
            return Err(Error::statement(format!("there is no checkpoint of epoch {epoch}")));
        }
    }
    let now = SystemClock.now_ms();
    match found.as_slice() {
        [one] if args.epoch.is_some() || one.folder.is_empty() => {
            one.verify(&store).await?;
            let manifest = one.manifest.as_ref().map_err(|error| Error::state(error.message()))?;
            match args.format {
                Format::Table => Ok(inspected(manifest, now)),
                Format::Json => one_line(&json!(manifest)),
            }
        }
        many => match args.format {
            Format::Table => Ok(listed(many, now)),
            Format::Json => many.iter().map(|sight| one_line(&line_of(sight, now))).collect(),
        },
    }
}

fn one_line(value: &Value) -> Result<String> {
    let line = serde_json::to_string(value).map_err(|error| Error::internal(format!("a line of JSON: {error}")))?;
    Ok(line + "\n")
}

/// Why a checkpoint can't be restored, as far as that is seen without reading its data.
fn damage(sight: &Sight) -> Option<String> {
    let unreadable = |error: &Error| match error.detail() {
        Some(detail) => format!("{}: {detail}", error.message()),
        None => error.message().to_string(),
    };
    sight.manifest.as_ref().err().map(unreadable).or_else(|| sight.damage.clone())
}

const COLUMNS: [&str; 11] =
    ["job", "epoch", "kind", "mode", "age", "duration", "bytes", "published", "attempt", "folder", "damage"];

fn listed(sights: &[Sight], now: i64) -> String {
    let row = |sight: &Sight| {
        let mut row = vec![sight.job().to_string(), sight.epoch().map(|epoch| epoch.to_string()).unwrap_or_default()];
        row.extend(match &sight.manifest {
            Ok(manifest) => [
                manifest.kind.name().to_string(),
                mode(manifest).to_string(),
                age(manifest, now),
                millis_text(manifest.took_ms),
                grouped(manifest.bytes),
                manifest.published.map(|epoch| epoch.0.to_string()).unwrap_or_default(),
                manifest.attempt.to_string(),
            ],
            Err(_) => Default::default(),
        });
        row.extend([sight.folder.clone(), damage(sight).unwrap_or_default()]);
        row
    };
    tableau::table(&COLUMNS, &sights.iter().map(row).collect::<Vec<_>>())
}

fn line_of(sight: &Sight, now: i64) -> Value {
    let manifest = sight.manifest.as_ref().ok();
    json!({
        "job": sight.job(),
        "epoch": sight.epoch(),
        "kind": manifest.map(|m| m.kind.name()),
        "mode": manifest.map(mode),
        "created_ms": manifest.map(|m| m.created_ms),
        "age_ms": manifest.map(|m| now.saturating_sub(m.created_ms)),
        "duration_ms": manifest.map(|m| m.took_ms),
        "bytes": manifest.map(|m| m.bytes),
        "published": manifest.and_then(|m| m.published),
        "attempt": manifest.map(|m| m.attempt),
        "lineage": manifest.map(|m| m.lineage.as_str()),
        "folder": sight.folder,
        "damage": damage(sight),
    })
}

fn mode(manifest: &Manifest) -> &'static str {
    manifest.mode.name()
}

fn age(manifest: &Manifest, now: i64) -> String {
    millis_text(u64::try_from(now.saturating_sub(manifest.created_ms)).unwrap_or_default())
}

/// What is in a checkpoint, for people.
fn inspected(manifest: &Manifest, now: i64) -> String {
    let published = match manifest.published {
        Some(epoch) => format!("epoch {} was published before it", epoch.0),
        None => "nothing was published before it".to_string(),
    };
    let mut text = format!(
        "Job {}, epoch {}: {}, {}, made {} ago in {}, {}; {published}.\nAttempt {} of lineage {}.\n",
        manifest.job,
        manifest.epoch.0,
        manifest.kind.name(),
        mode(manifest),
        age(manifest, now),
        millis_text(manifest.took_ms),
        bytes_text(manifest.bytes),
        manifest.attempt,
        manifest.lineage,
    );
    text += "\nOperators\n";
    text += &tableau::table(&["operator", "parallelism", "rows", "bytes"], &operators(manifest));
    text += "\nSources\n";
    text += &tableau::table(&["table", "split", "position", "watermark"], &sources(manifest));
    text += "\nTargets\n";
    text += &tableau::table(&["target", "table", "rows held", "bytes held"], &targets(manifest));
    text
}

/// One row per operator, its subtasks together.
fn operators(manifest: &Manifest) -> Vec<Vec<String>> {
    let states = &manifest.operators;
    let row = |of_one: &[crate::checkpoint::OperatorState]| {
        let tables = || of_one.iter().flat_map(|state| &state.tables);
        let rows: u64 = tables().map(|table| table.rows).sum();
        let bytes = tables().flat_map(|t| std::iter::once(&t.schema).chain(&t.pieces)).map(|piece| piece.length).sum();
        let first = of_one.first();
        let about = first.map(|state| if state.about.is_empty() { &state.operator } else { &state.about });
        let parallelism = first.map(|state| state.parallelism).unwrap_or_default();
        vec![about.cloned().unwrap_or_default(), parallelism.to_string(), grouped(rows), grouped(bytes)]
    };
    states.chunk_by(|a, b| a.identity == b.identity).map(row).collect()
}

fn sources(manifest: &Manifest) -> Vec<Vec<String>> {
    let splits = manifest.sources.iter().flat_map(|source| source.splits.iter().map(move |split| (source, split)));
    let row = |(source, split): (&crate::checkpoint::SourceState, &crate::checkpoint::SplitState)| {
        let watermark = split.watermark.map(|watermark| Watermark(watermark).to_string()).unwrap_or_default();
        vec![source.table.clone(), split.id.clone(), split.position.clone(), watermark]
    };
    splits.map(row).collect()
}

/// One row per target and table, its writers together.
fn targets(manifest: &Manifest) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for target in &manifest.targets {
        let parts = target.held.chunk_by(|a, b| a.sink == b.sink);
        let held = parts.map(|parts| {
            let (count, bytes) = parts.iter().fold((0, 0), |(r, b), part| (r + part.rows, b + part.payload.length));
            let table = parts.first().map(|part| part.table.clone()).unwrap_or_default();
            vec![target.name.clone(), table, grouped(count), grouped(bytes)]
        });
        rows.extend(held);
        if target.held.is_empty() {
            rows.push(vec![target.name.clone(), String::new(), grouped(0), grouped(0)]);
        }
    }
    rows
}

//! `millstream bench`: the jobs of a script, measured without services, in one version or in several by turns.

mod report;

use std::path::PathBuf;

use clap::Args;

use self::report::{Summary, report};
use super::memory::default_budget;
use super::script::Script;
use super::{Exit, ScriptArgs};
use crate::bench::{Bench, BenchOptions, GivenRows, Measured};
use crate::error::{Error, Result, did_you_mean};
use crate::runtime::MemoryBudget;
use crate::session::{NoticeKind, PlannedJob};
use crate::settings::{SetOutcome, outcome};
use crate::shell::rates::grouped;
use crate::sql::StatementKind;
use crate::{connectors, console};

#[derive(Args)]
pub struct BenchArgs {
    #[command(flatten)]
    script: ScriptArgs,
    /// Rows of every table that is read, such as 500k or 10m.
    #[arg(long, value_name = "ROWS", default_value = "10m", value_parser = row_count)]
    rows: u64,
    /// Takes the rows of a table from a file, .arrow, .parquet or .json (lines), instead of making them up; may be given
    /// several times.
    ///
    /// Where they are fewer than --rows says they are repeated, with event times that go on.
    #[arg(long = "source", value_name = "TABLE=FILE")]
    sources: Vec<String>,
    /// How often each version is run; medians are told.
    #[arg(long, value_name = "RUNS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Compares values of an option.
    #[arg(long, value_name = "KEY=A,B", conflicts_with = "against")]
    compare: Option<String>,
    /// Compares the files with these, job by job; may be given several times.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
}

/// One version of the jobs.
struct Version {
    label: String,
    script: Script,
    /// An option that is set whatever the script sets.
    option: Option<(String, String)>,
}

fn row_count(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase().replace([',', '_'], "");
    let (digits, factor) = match text.strip_suffix(['k', 'm']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (text.as_str(), 1),
    };
    let rows = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match rows {
        Some(rows @ 1..=1_000_000_000) => Ok(rows),
        _ => Err("a number of rows such as 500k or 10m is needed, a thousand million at most".to_string()),
    }
}

/// Measures, and prints what came out.
pub async fn bench(args: BenchArgs) -> Exit {
    match measure(&args).await {
        Ok(()) => Exit::Fine,
        Err(error) => {
            console::clear_live();
            console::error(&error);
            Exit::of(&error)
        }
    }
}

async fn measure(args: &BenchArgs) -> Result<()> {
    let options = BenchOptions { rows: args.rows, given: all_given(&args.sources)? };
    let versions = versions(args)?;
    let mut warnings = Vec::new();
    let mut jobs = versions.iter().map(|version| plan(version, &mut warnings)).collect::<Result<Vec<_>>>()?;
    for (i, warning) in warnings.iter().enumerate() {
        // Of a version that is nearly the same as another it is the same.
        if warnings[..i].iter().all(|told| told.to_string() != warning.to_string()) {
            console::notice(NoticeKind::Warning.label(), warning);
        }
    }
    check_given(&options.given, &jobs)?;
    let count = jobs[0].len();
    if let Some(other) = jobs.iter().find(|other| other.len() != count) {
        let jobs = |count: usize| format!("{count} {}", if count == 1 { "job" } else { "jobs" });
        let (these, those) = (jobs(count), jobs(other.len()));
        return Err(Error::statement(format!(
            "the files have {these} and those of --against {those}: they can't be compared one by one"
        )));
    }
    for number in 0..count {
        let of_version = jobs.iter_mut().map(|jobs| Bench::prepare(jobs.remove(0), &options));
        let benches = of_version.collect::<Result<Vec<_>>>()?;
        let summaries = summaries(&benches, &versions, args.runs).await?;
        console::clear_live();
        let gap = if number > 0 { "\n" } else { "" };
        let text = report(&summaries, console::terminal_width());
        console::stdout(format!("{gap}{text}").as_bytes());
    }
    Ok(())
}

/// A file for a table each.
fn all_given(sources: &[String]) -> Result<Vec<GivenRows>> {
    let mut all: Vec<GivenRows> = Vec::new();
    for source in sources {
        let given = given(source)?;
        if let Some(other) = all.iter().find(|other| other.table == given.table) {
            let error = format!("--source {source}: table \"{}\" has {} already", given.table, other.path.display());
            return Err(Error::statement(error).with_hint("Give one file for a table."));
        }
        all.push(given);
    }
    Ok(all)
}

/// `TABLE=FILE`
fn given(source: &str) -> Result<GivenRows> {
    match source.split_once('=') {
        Some((table, path)) if !table.is_empty() && !path.is_empty() => {
            Ok(GivenRows { table: table.trim().to_string(), path: path.trim().into() })
        }
        _ => Err(Error::statement(format!("--source {source}: TABLE=FILE is expected"))),
    }
}

fn versions(args: &BenchArgs) -> Result<Vec<Version>> {
    let version = |label: String, script: &ScriptArgs, option| {
        Script::read(script).map(|script| Version { label, script, option })
    };
    if let Some(compared) = &args.compare {
        let (key, values) = values_of(compared)?;
        let of = |value: String| version(format!("{key}={value}"), &args.script, Some((key.clone(), value)));
        return values.into_iter().map(of).collect();
    }
    let names = |files: &[PathBuf]| files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ");
    let mut versions = vec![version(names(&args.script.files), &args.script, None)?];
    if !args.against.is_empty() {
        let other = ScriptArgs { files: args.against.clone(), ..args.script.clone() };
        versions.push(version(names(&args.against), &other, None)?);
    }
    Ok(versions)
}

/// `KEY=A,B`: an option that is known, and its values.
fn values_of(compared: &str) -> Result<(String, Vec<String>)> {
    let wrong = |why: String| Error::statement(format!("--compare {compared}: {why}"));
    let (key, values) = compared
        .split_once('=')
        .filter(|(_, values)| values.contains(','))
        .ok_or_else(|| wrong("KEY=A,B is expected".to_string()))?;
    let (key, values) = (key.trim(), values.split(',').map(|value| value.trim().to_string()).collect::<Vec<_>>());
    match outcome(key) {
        SetOutcome::Works => {}
        SetOutcome::WithoutEffect => {
            return Err(wrong(format!("option '{key}' has no effect in Millstream: there is nothing to compare")));
        }
        SetOutcome::Unknown(near) => {
            let error = wrong(format!("unknown option '{key}'"));
            return Err(match near {
                Some(near) => error.with_hint(format!("Did you mean '{near}'?")),
                None => error,
            });
        }
    }
    match values.iter().enumerate().find(|(i, value)| values[..*i].contains(value)) {
        Some((_, twice)) => Err(wrong(format!("the value '{twice}' stands there twice"))),
        None => Ok((key.to_string(), values)),
    }
}

/// The jobs of a version, planned, and what there is to say of its statements and options.
fn plan(version: &Version, warnings: &mut Vec<Error>) -> Result<Vec<PlannedJob>> {
    let budget = default_budget().map(MemoryBudget::new).unwrap_or_default();
    let session = version.script.session()?.with_memory(budget);
    let integrations = session.integrations().clone().with_stand_ins(connectors::all());
    let mut session = session.with_integrations(integrations);
    let mut jobs = Vec::new();
    for (statement, text) in version.script.statements() {
        let statement = statement.parsed?;
        if let Some((key, value)) = &version.option {
            session.set(key, value).map_err(|error| error.context("--compare"))?;
        }
        // It would be undone in front of the next statement anyway.
        let same = |set: &str| version.option.as_ref().is_some_and(|(key, _)| key == set);
        match &statement.kind {
            StatementKind::Set { key, .. } if same(&key.value) => {}
            _ => jobs.extend(session.plan_only(&statement, text)?),
        }
        let noticed = session.take_notices().into_iter().filter(|notice| notice.kind == NoticeKind::Warning);
        warnings.extend(noticed.map(|notice| notice.as_error(Some(text))));
    }
    match jobs.is_empty() {
        true => Err(Error::statement("there is nothing to measure: no INSERT and no SELECT")
            .with_hint("Name a job file that has one, or give it with -e.")),
        false => Ok(jobs),
    }
}

/// Every table that rows are given for must be one that is read.
fn check_given(given: &[GivenRows], jobs: &[Vec<PlannedJob>]) -> Result<()> {
    let mut known: Vec<&str> = jobs.iter().flatten().flat_map(Bench::tables_of).collect();
    known.sort_unstable();
    known.dedup();
    let Some(unknown) = given.iter().find(|given| !known.contains(&given.table.as_str())) else { return Ok(()) };
    let error = Error::statement(format!("--source {}: no job reads a table of this name", unknown.table));
    let hint = did_you_mean(&unknown.table, known.iter().copied());
    Err(error.with_hint(hint.unwrap_or_else(|| format!("They read {}.", known.join(", ")))))
}

/// Runs every version once with an account, which also warms it up, and then all in turn.
async fn summaries<'a>(benches: &'a [Bench], versions: &'a [Version], runs: u32) -> Result<Vec<Summary<'a>>> {
    let all = (runs as usize + 1) * benches.len();
    let mut summaries: Vec<Summary> = Vec::with_capacity(benches.len());
    for (bench, version) in benches.iter().zip(versions) {
        let account = one(bench, true, summaries.len() + 1, all).await?;
        summaries.push(Summary { label: &version.label, bench, account, runs: Vec::new() });
    }
    for run in 1..=runs as usize {
        for (number, summary) in summaries.iter_mut().enumerate() {
            let measured = one(summary.bench, false, run * benches.len() + number + 1, all).await?;
            summary.runs.push(measured);
        }
    }
    Ok(summaries)
}

async fn one(bench: &Bench, with_costs: bool, number: usize, all: usize) -> Result<Measured> {
    let told = |rows: u64| {
        if console::stderr_is_terminal() {
            let (name, rows, of) = (&bench.name, grouped(rows), grouped(bench.rows));
            console::live(vec![format!("{name}: run {number} of {all}, {rows} of {of} rows")]);
        }
    };
    told(0);
    bench.run(with_costs, &told).await
}

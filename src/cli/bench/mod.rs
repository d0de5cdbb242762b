//! `millstream bench`: the jobs of a script, measured without services, in one version or in several by turns.

mod names;
mod report;
mod teller;

use std::path::PathBuf;

use clap::Args;

use self::names::{Place, tell_apart};
use self::report::{Summary, report};
use self::teller::Teller;
use super::memory::default_budget;
use super::script::Script;
use super::{Exit, ScriptArgs};
use crate::bench::{Bench, BenchOptions, GivenRows, Measured, Samples};
use crate::error::{Error, Result, did_you_mean};
use crate::runtime::MemoryBudget;
use crate::session::{NoticeKind, PlannedJob};
use crate::settings::{SetOutcome, outcome};
use crate::sql::StatementKind;
use crate::{connectors, console};

/// Rows of every table where nobody says how many.
const ROWS: u64 = 10_000_000;

#[derive(Args)]
pub struct BenchArgs {
    #[command(flatten)]
    script: ScriptArgs,
    /// Rows of every table that is read, such as 500k or 1.5m [default: 10m, or fewer where a table has many
    /// TIMESTAMP columns].
    #[arg(long, value_name = "ROWS", value_parser = row_count)]
    rows: Option<u64>,
    /// Takes the rows of a table from a file, .arrow, .parquet or .json (lines; also .jsonl, .ndjson), instead of making
    /// them up; may be given several times.
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
    let (number, factor) = match text.strip_suffix(['k', 'm']) {
        Some(number) if text.ends_with('k') => (number, 1e3),
        Some(number) => (number, 1e6),
        None => (text.as_str(), 1.0),
    };
    let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let rows = number.parse::<f64>().ok().filter(|_| is_number).map(|number| number * factor);
    // Not all decimal fractions have a binary one.
    match rows.filter(|rows| (rows - rows.round()).abs() < 1e-6) {
        Some(rows) if (1.0..=1e9).contains(&rows.round()) => Ok(rows.round() as u64),
        _ => Err("a number of rows is needed, such as 1500, 500k or 1.5m, a thousand million at most".to_string()),
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
    let given = all_given(&args.sources)?;
    let options = BenchOptions { rows: args.rows.unwrap_or(ROWS), may_be_fewer: args.rows.is_none(), given };
    let versions = versions(args)?;
    let mut warnings = Vec::new();
    let mut jobs = versions.iter().map(|version| plan(version, &mut warnings)).collect::<Result<Vec<_>>>()?;
    warn(&warnings);
    check_given(&options.given, &jobs)?;
    let count = jobs[0].len();
    if let Some(other) = jobs.iter().find(|other| other.len() != count) {
        let jobs = |count: usize| format!("{count} {}", if count == 1 { "job" } else { "jobs" });
        let (these, those) = (jobs(count), jobs(other.len()));
        return Err(Error::statement(format!(
            "the files have {these} and those of --against {those}: they can't be compared one by one"
        )));
    }
    let mut asked = Vec::new();
    for job in jobs.iter().flatten() {
        asked.extend(Bench::asks(job, &options)?);
    }
    let teller = Teller::new();
    let mut samples = Samples::read(asked, &|path| teller.reads(path))?;
    console::clear_live();
    warn(&samples.warnings);
    for number in 0..count {
        let of_version = jobs.iter_mut().map(|jobs| Bench::prepare(jobs.remove(0), &options, &samples));
        let benches = of_version.collect::<Result<Vec<_>>>()?;
        if number + 1 == count {
            // Nobody asks for them any more.
            samples = Samples::default();
        }
        let summaries = summaries(&benches, &versions, args.runs, &teller).await?;
        console::clear_live();
        let gap = if number > 0 { "\n" } else { "" };
        let text = report(&summaries, console::terminal_width());
        console::stdout(format!("{gap}{text}").as_bytes());
    }
    Ok(())
}

/// Gives each warning once: of a version that is nearly the same as another it is the same.
fn warn(warnings: &[Error]) {
    for (i, warning) in warnings.iter().enumerate() {
        if warnings[..i].iter().all(|told| told.to_string() != warning.to_string()) {
            console::notice(NoticeKind::Warning.label(), warning);
        }
    }
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
            _ => {
                let place = Place { text: text.name.clone(), at: statement.span.start };
                jobs.extend(session.plan_only(&statement, text)?.map(|job| (job, place)));
            }
        }
        let noticed = session.take_notices().into_iter().filter(|notice| notice.kind == NoticeKind::Warning);
        warnings.extend(noticed.map(|notice| notice.as_error(Some(text))));
    }
    if jobs.is_empty() {
        return Err(Error::statement("there is nothing to measure: no INSERT and no SELECT")
            .with_hint("Name a job file that has one, or give it with -e."));
    }
    tell_apart(&mut jobs);
    Ok(jobs.into_iter().map(|(job, _)| job).collect())
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
async fn summaries<'a>(
    benches: &'a [Bench],
    versions: &'a [Version],
    runs: u32,
    teller: &Teller,
) -> Result<Vec<Summary<'a>>> {
    let all = (runs as usize + 1) * benches.len();
    let mut summaries: Vec<Summary> = Vec::with_capacity(benches.len());
    for (bench, version) in benches.iter().zip(versions) {
        let account = one(bench, true, &teller.run(bench, summaries.len() + 1, all)).await?;
        summaries.push(Summary { label: &version.label, bench, account, runs: Vec::new() });
    }
    for run in 1..=runs as usize {
        for (number, summary) in summaries.iter_mut().enumerate() {
            let told = teller.run(summary.bench, run * benches.len() + number + 1, all);
            let measured = one(summary.bench, false, &told).await?;
            summary.runs.push(measured);
        }
    }
    Ok(summaries)
}

async fn one(bench: &Bench, with_costs: bool, told: &dyn Fn(u64)) -> Result<Measured> {
    told(0);
    bench.run(with_costs, told).await
}

#[cfg(test)]
mod tests {
    use super::row_count;

    #[test]
    fn rows_are_counted_in_thousands_and_millions() {
        for (text, rows) in [
            ("1", 1),
            ("1500", 1_500),
            ("1_500", 1_500),
            ("20,000", 20_000),
            ("500k", 500_000),
            ("1.5m", 1_500_000),
            ("0.1M", 100_000),
            ("0.001k", 1),
            (" 1000m ", 1_000_000_000),
        ] {
            assert_eq!(row_count(text), Ok(rows), "{text}");
        }
        for text in ["", "0", "k", "1.5", "1.0005k", "-1", "1e3", "inf", "nan", "1g", "1001m", "m5", "1.2.3k"] {
            let error = row_count(text).expect_err(text);
            assert!(error.contains("such as 1500, 500k or 1.5m"), "{text}: {error}");
        }
    }
}

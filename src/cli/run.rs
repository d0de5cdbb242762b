//! `millstream run`: a script's statements in order, its jobs to their end.

use super::cascade::Cascade;
use super::job_watch::JobWatch;
use super::memory::default_budget;
use super::metrics_server::{self, MetricsRegistry};
use super::script::Script;
use super::{Exit, RunArgs};
use crate::connectors::Reporter;
use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::runtime::MemoryBudget;
use crate::session::{NoticeKind, Outcome, Query, Session};
use crate::settings::Settings;
use crate::shell::interrupt::Interrupt;
use crate::shell::rates::{Progress, tell_troubles};
use crate::shell::results::{Display, show_listing, show_query};

/// Runs the script of a command line.
pub async fn run(args: RunArgs) -> Exit {
    let script = match Script::read(&args.script) {
        Ok(script) => script,
        Err(error) => return refuse(&error),
    };
    match plan_all(&script) {
        Ok(warnings) if !args.quiet => warnings.iter().for_each(|warning| console::notice("warning", warning)),
        Ok(_) => {}
        Err(planned) => {
            planned.0.iter().for_each(console::error);
            planned.1.lines().into_iter().for_each(|line| console::say(Line::info("millstream", line)));
            return Exit::Wrong;
        }
    }
    let stop = Interrupt::of_process(false);
    let budget = args.memory.or_else(default_budget).map(MemoryBudget::new).unwrap_or_default();
    let session = script.session().map(|s| {
        let quiet = args.quiet;
        s.with_memory(budget).with_job_name(args.name.clone()).with_reporter(Reporter::new(move |line| {
            if !quiet {
                console::progress(Line::info("millstream::connector", line));
            }
        }))
    });
    let mut session = match session {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let registry = MetricsRegistry::default();
    if let Some(address) = &args.metrics {
        match metrics_server::serve(address, registry.clone()).await {
            Ok(address) if !args.quiet => {
                let line = Line::info("millstream", format!("metrics at http://{address}/metrics"));
                console::progress(line.with("address", address.to_string()));
            }
            Ok(_) => {}
            Err(error) => return refuse(&error),
        }
    }
    let progress = if args.quiet { Progress::None } else { Progress::detect() };
    let mut watch = JobWatch::new(progress, args.fail_fast, registry);
    let exit = match run_statements(&script, &mut session, &mut watch, &stop, args.quiet).await {
        Ok(()) => watch.wait(&stop).await,
        Err(error) => {
            console::error(&error);
            watch.stop_all();
            let _jobs = watch.wait(&stop).await;
            // All statements were planned before: whatever it is, it came up while running.
            Exit::Failed
        }
    };
    console::clear_live();
    exit
}

fn refuse(error: &Error) -> Exit {
    console::error(error);
    Exit::of(error)
}

/// Plans every statement before the first one runs: a typo in the last line starts nothing. Gives the warnings, or the
/// errors with what follows from them.
fn plan_all(script: &Script) -> Result<Vec<Error>, (Vec<Error>, Cascade)> {
    let mut cascade = Cascade::default();
    let mut session = script.session().map_err(|e| (vec![e], Cascade::default()))?;
    let (mut errors, mut warnings): (Vec<Error>, Vec<Error>) = Default::default();
    for (statement, text) in script.statements() {
        let declares = statement.declares;
        if let Err(error) = statement.parsed.and_then(|s| session.prepare_statement(&s, text)) {
            // A table that is wrong is wrong for everyone who reads it: told of once.
            let follows = cascade.follows(declares, &error);
            if !follows && errors.iter().all(|known| known.to_string() != error.to_string()) {
                errors.push(error);
            }
        }
        let noticed = session.take_notices().into_iter().filter(|notice| notice.kind == NoticeKind::Warning);
        warnings.extend(noticed.map(|notice| notice.as_error(Some(text))));
    }
    if errors.is_empty() { Ok(warnings) } else { Err((errors, cascade)) }
}

async fn run_statements(
    script: &Script,
    session: &mut Session,
    watch: &mut JobWatch,
    stop: &Interrupt,
    quiet: bool,
) -> Result<()> {
    for (statement, text) in script.statements() {
        if stop.is_asked() {
            return Ok(());
        }
        let statement = statement.parsed?;
        let outcome = tokio::select! {
            biased;
            outcome = session.execute_statement(&statement, text) => outcome?,
            _ = stop.asked() => return Ok(()),
        };
        match outcome {
            Outcome::Done => {}
            Outcome::Listing(listing) => {
                show_listing(&listing, &Display::outside(session.settings()), &mut console::Stream::Stdout)?;
            }
            Outcome::Text(text) => {
                let _written = console::stdout(format!("{}\n", text.trim_end()).as_bytes());
            }
            Outcome::Job(job) => {
                watch.add(job);
                if session.settings().bool("table.dml-sync") && !watch.wait_for_last(stop).await {
                    // As in Flink's client: what follows may count on the rows.
                    return Ok(());
                }
            }
            Outcome::Query(query) => {
                watch.registry.add(query.job.name.clone(), query.job.metrics.clone());
                print_query(query, session.settings(), stop, quiet).await?;
            }
        }
    }
    Ok(())
}

/// Prints a query's rows until its end, or until the user stops it.
async fn print_query(query: Query, settings: &Settings, stop: &Interrupt, quiet: bool) -> Result<()> {
    let display = Display { live: !quiet && Progress::detect() == Progress::Live, ..Display::outside(settings) };
    let (name, metrics) = (query.job.name.clone(), query.job.metrics.clone());
    show_query(query, settings, &display, stop, &mut console::Stream::Stdout).await?;
    if !quiet {
        tell_troubles(&name, &metrics);
    }
    Ok(())
}

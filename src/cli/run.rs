//! `millstream run`: a script's statements in order, its jobs to their end.

use super::cascade::Cascade;
use super::memory::default_budget;
use super::metrics_server::{self, MetricsRegistry};
use super::script::Script;
use super::{Exit, RunArgs, end};
use crate::connectors::Reporter;
use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::runtime::MemoryBudget;
use crate::session::{NoticeKind, Prepared};
use crate::shell::client::{Client, Manner};
use crate::shell::interrupt::Interrupt;
use crate::span::SourceText;
use crate::sql::Statement;
use crate::startup;

/// Runs the script of a command line.
pub async fn run(args: RunArgs) -> Exit {
    if args.trace_startup {
        startup::trace();
    }
    startup::done(|| "command line read, runtime started");
    let script = match Script::read(&args.script) {
        Ok(script) => script,
        Err(error) => return refuse(&error),
    };
    startup::done(|| "script read");
    let memory = args.memory.or_else(default_budget);
    let Planned { statements, jobs, .. } = match plan_all(&script, &args, memory) {
        Ok(planned) => {
            let warnings = planned.warnings.iter().filter(|_| !args.quiet);
            warnings.for_each(|warning| console::notice("warning", warning));
            planned
        }
        Err(planned) => {
            planned.0.iter().for_each(console::error);
            planned.1.lines().into_iter().for_each(|line| console::say(Line::info("millstream", line)));
            return Exit::Wrong;
        }
    };
    startup::done(|| "statements planned");
    let state = match args.state.read(Some(&jobs)).await {
        Ok(state) => state,
        Err(error) => return refuse(&error),
    };
    let stop = Interrupt::of_process(false);
    let manner = Manner { quiet: args.quiet, warned: true, fail_fast: args.fail_fast, interactive: false };
    let session = script.session().map(|s| {
        let quiet = args.quiet;
        let s = s.with_memory(budget(memory)).with_job_name(args.name.clone()).with_state(state);
        s.with_reporter(Reporter::new(move |line| {
            if !quiet {
                console::progress(Line::info("millstream::connector", line));
            }
        }))
    });
    let session = match session {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let mut client = Client::new(session, stop, manner);
    if let Some(address) = &args.metrics {
        let registry = MetricsRegistry::default();
        match metrics_server::serve(address, registry.clone()).await {
            Ok(address) if !args.quiet => {
                let line = Line::info("millstream", format!("metrics at http://{address}/metrics"));
                console::progress(line.with("address", address.to_string()));
            }
            Ok(_) => {}
            Err(error) => return refuse(&error),
        }
        client.observe(move |job| registry.add(job.name.clone(), job.metrics.clone()));
    }
    startup::done(|| "session ready");
    let done = run_statements(statements, &mut client).await;
    let exit = end(client, done).await;
    startup::done(|| "end, before a row was written");
    startup::end();
    match exit {
        // All statements were planned before: whatever it is, it came up while running.
        Exit::Wrong => Exit::Failed,
        exit => exit,
    }
}

fn refuse(error: &Error) -> Exit {
    console::error(error);
    Exit::of(error)
}

fn budget(bytes: Option<usize>) -> MemoryBudget {
    bytes.map(MemoryBudget::new).unwrap_or_default()
}

/// A script of which every statement can be planned.
struct Planned<'a> {
    statements: Vec<(Statement, &'a SourceText, Option<Prepared>)>,
    warnings: Vec<Error>,
    /// The names of the jobs.
    jobs: Vec<String>,
}

/// Parses and plans every statement before the first one runs: a typo in the last line starts nothing. Or gives the
/// errors, with what follows from them.
///
/// What runs, runs by this plan: a second session executes the same statements in the same order, and so has the same
/// tables and settings in front of each.
fn plan_all<'a>(
    script: &'a Script,
    args: &RunArgs,
    memory: Option<usize>,
) -> Result<Planned<'a>, (Vec<Error>, Cascade)> {
    let mut cascade = Cascade::default();
    let session = script.session().map_err(|e| (vec![e], Cascade::default()))?;
    // A batch query's memory is in its plan.
    let session = session.with_memory(budget(memory)).with_job_name(args.name.clone());
    let mut session = session.with_state(args.state.planned());
    let (mut errors, mut warnings, mut statements): (Vec<Error>, Vec<Error>, Vec<_>) = Default::default();
    for (statement, text) in script.statements() {
        let declares = statement.declares;
        let prepared = statement.parsed.and_then(|parsed| {
            let prepared = session.prepare_statement(&parsed, text)?;
            Ok((parsed, prepared))
        });
        match prepared {
            Ok((parsed, prepared)) => statements.push((parsed, text, prepared)),
            // A table that is wrong is wrong for everyone who reads it: told of once.
            Err(error) => {
                for error in cascade.left_of(declares, error) {
                    if errors.iter().all(|known| known.to_string() != error.to_string()) {
                        errors.push(error);
                    }
                }
            }
        }
        let noticed = session.take_notices().into_iter().filter(|notice| notice.kind == NoticeKind::Warning);
        warnings.extend(noticed.map(|notice| notice.as_error(Some(text))));
    }
    match errors.is_empty() {
        true => Ok(Planned { statements, warnings, jobs: session.planned_jobs().to_vec() }),
        false => Err((errors, cascade)),
    }
}

async fn run_statements(
    statements: Vec<(Statement, &SourceText, Option<Prepared>)>,
    client: &mut Client,
) -> Result<()> {
    for (statement, text, prepared) in statements {
        if client.is_over() {
            break;
        }
        client.prepared(&statement, text, prepared).await?;
    }
    Ok(())
}

//! The command line: `run`, `sql`, `check`, `explain`, `bench`, `savepoint`, `checkpoints`.
//!
//! Exit codes: 0 finished or stopped cleanly, 1 failed while running, 2 a statement, an option or the command line is
//! wrong.

mod bench;
mod cascade;
mod check;
mod checkpoints;
mod explain;
mod memory;
mod metrics_server;
mod run;
mod savepoint;
mod script;
mod sql;
mod state;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::console;
use crate::error::{Error, ErrorKind};
use crate::log::{self, LogFormat};
use crate::shell::client::Client;
use crate::startup;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Fine = 0,
    Failed = 1,
    Wrong = 2,
}

impl Exit {
    /// What an error makes of the exit code.
    fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Statement => Self::Wrong,
            _ => Self::Failed,
        }
    }
}

#[derive(Parser)]
#[command(
    name = "millstream",
    version,
    about = "Runs Flink SQL on one machine: Kafka in; Kafka, PostgreSQL and OpenSearch out.",
    after_help = "Examples:\n  millstream run sql/quickstart.sql\n  millstream run tables.sql simple_filter.sql --set parallelism.default=2\n  millstream run tables.sql -e \"SELECT * FROM CPU_IN LIMIT 5\"\n  millstream check --portable job.sql\n\nExit codes: 0 finished or stopped cleanly, 1 failed while running, 2 a statement is wrong."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How progress, warnings and errors are written: for people, or a JSON object a line for a log collector.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", env = LOG_FORMAT, default_value = "text")]
    log_format: LogFormat,
}

/// The variable that stands for `--log-format`.
const LOG_FORMAT: &str = "MILLSTREAM_LOG_FORMAT";

#[derive(Subcommand)]
enum Command {
    /// Run job files: INSERTs become jobs, a SELECT is printed as it arrives.
    ///
    /// All files are one session, in order. INSERTs outside a statement set become concurrent jobs, named by
    /// 'pipeline.name'. The command ends when its jobs end; Ctrl-C (or SIGTERM) stops them cleanly: sources stop, rows
    /// in flight arrive, sinks flush. A second Ctrl-C ends at once.
    #[command(
        after_help = "Examples:\n  millstream run sql/quickstart.sql\n  millstream run tables.sql simple_filter.sql\n  millstream run tables.sql -e \"SELECT * FROM CPU_OUT_FILTER /*+ OPTIONS('scan.bounded.mode'='latest-offset') */\"\n  millstream run job.sql --set parallelism.default=2 --config prod/millstream.toml\n  millstream run job.sql --state /var/lib/alerts   (goes on where it was, however it ended)"
    )]
    Run(RunArgs),
    /// The SQL shell: explore topics, try queries on live data, start and watch jobs.
    ///
    /// On a terminal it is interactive. With -f, -e or a pipe it runs what it is given, statement by statement, waits
    /// for the jobs it started, and leaves; the first error ends it and stops its jobs.
    #[command(
        after_help = "Examples:\n  millstream sql\n  millstream sql -i tables.sql\n  millstream sql -i tables.sql -e \"SELECT * FROM CPU_IN LIMIT 5\"\n  echo 'SHOW TABLES;' | millstream sql -i tables.sql\n\nExit codes: 0 fine, 1 failed while running, 2 a statement is wrong."
    )]
    Sql(sql::SqlArgs),
    /// Parse, bind and plan everything without touching a service; the errors of every statement.
    #[command(
        after_help = "Examples:\n  millstream check job.sql\n  millstream check --strict --portable tables.sql job.sql"
    )]
    Check(CheckArgs),
    /// Print the plans of every query and INSERT.
    #[command(after_help = "Example:\n  millstream explain tables.sql job.sql")]
    Explain(ExplainArgs),
    /// Measure jobs without services: rows per second, and what each operator costs.
    ///
    /// Every INSERT, statement set and SELECT is run by itself, again and again. Tables that are read give rows from
    /// memory, made up or of a file; what is written is counted and forgotten; tables that are looked up answer from
    /// memory. Decoding, encoding and the services are left out.
    #[command(
        after_help = "Examples:\n  millstream bench job.sql\n  millstream bench job.sql --rows 1m --source CPU_IN=readings.json\n  millstream bench job.sql --compare parallelism.default=1,2\n  millstream bench new.sql --against old.sql\n\nAs many rows are made up as --rows says: texts of 1,000 values (10 in every later column), numbers from 0 to 100, event time that rises by a millisecond every 10 rows. Where your data is otherwise, give a file of it."
    )]
    Bench(bench::BenchArgs),
    /// Write a savepoint of a job that another process runs, and print its folder.
    ///
    /// It is written with the job's next checkpoint, for which there is no waiting; the job goes on.
    #[command(
        after_help = "Examples:\n  millstream savepoint alerts --state /var/lib/alerts\n  millstream savepoint alerts --state /var/lib/alerts --to /backup"
    )]
    Savepoint(savepoint::SavepointArgs),
    /// List the checkpoints and savepoints in a folder, or look into one.
    #[command(
        after_help = "Examples:\n  millstream checkpoints /var/lib/alerts\n  millstream checkpoints /var/lib/alerts simple_filter 42\n  millstream checkpoints /backup/savepoint-alerts-3f2a90c1d4e5 --format json"
    )]
    Checkpoints(checkpoints::CheckpointsArgs),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  millstream completions bash > ~/.local/share/bash-completion/completions/millstream"
    )]
    Completions { shell: clap_complete::Shell },
}

/// What all commands read.
#[derive(Args, Clone)]
struct ScriptArgs {
    /// Job files, one session in this order.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// SQL to run after the files; may be given several times.
    #[arg(short = 'e', value_name = "SQL")]
    execute: Vec<String>,
    /// An option of the session, as SET 'key' = 'value' would set it.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the integrations are [default: millstream.toml beside the first file, then here].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    state: state::StateArgs,
    /// The name of jobs that don't set 'pipeline.name'.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// End all jobs when one fails.
    #[arg(long)]
    fail_fast: bool,
    /// No progress; only results and errors.
    #[arg(short, long)]
    quiet: bool,
    /// Serve the jobs' counters to Prometheus at http://HOST:PORT/metrics.
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,
    /// How much the operators of all jobs may hold together, such as 4gb [default: 80 % of what the process may use].
    ///
    /// A job whose state outgrows it ends with an error that names the largest operator, its keys and how long it
    /// keeps them.
    #[arg(long, value_name = "BYTES", value_parser = memory_size)]
    memory: Option<usize>,
    /// Print when each step of starting was done and how long it took, up to the first row.
    #[arg(long)]
    trace_startup: bool,
}

fn memory_size(text: &str) -> Result<usize, String> {
    let size = crate::connectors::options::parse_memory_size(text).filter(|bytes| *bytes > 0);
    size.ok_or_else(|| "a size such as 512mb or 4gb is needed".to_string())
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    state: state::FolderArgs,
    /// Warnings are errors.
    #[arg(long)]
    strict: bool,
    /// List what Flink 2.2 would refuse or read differently.
    #[arg(long)]
    portable: bool,
    /// Every file is a session of its own.
    #[arg(long)]
    each: bool,
    /// Of several files, too, say which options have no effect, and name the jobs.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Args)]
struct ExplainArgs {
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    state: state::FolderArgs,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    startup::begin();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    log::init(cli.log_format);
    let exit = match cli.command {
        Command::Run(args) => on_runtime(run::run(args)),
        Command::Sql(args) => on_runtime(sql::sql(args)),
        Command::Check(args) => on_runtime(check::check(args)),
        Command::Explain(args) => on_runtime(explain::explain(args)),
        Command::Bench(args) => on_runtime(bench::bench(args)),
        Command::Savepoint(args) => on_runtime(savepoint::savepoint(args)),
        Command::Checkpoints(args) => on_runtime(checkpoints::checkpoints(args)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "millstream", &mut script);
            console::stdout(&script);
            Exit::Fine
        }
    };
    ExitCode::from(exit as u8)
}

/// Whether the binary takes these arguments, its own name first; where it doesn't, what it says. Runs nothing.
///
/// # Errors
/// What is wrong with the command line.
pub fn accepts<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    match Cli::try_parse_from(arguments) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The options of a command as they are written, and what each means; None for a command that isn't there.
pub fn options(command: &str) -> Option<Vec<(String, String)>> {
    let cli = Cli::command();
    let arguments = cli.find_subcommand(command)?.get_arguments().filter(|argument| !argument.is_positional());
    let option = |argument: &clap::Arg| {
        let short = argument.get_short().map(|short| format!("-{short}"));
        let long = argument.get_long().map(|long| format!("--{long}"));
        let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
        let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
        let value: String = value.into_iter().flatten().map(|value| format!(" {value}")).collect();
        let about = argument.get_long_help().or_else(|| argument.get_help());
        (format!("{names}{value}"), about.map(|about| about.to_string().replace("\n\n", " ")).unwrap_or_default())
    };
    Some(arguments.map(option).collect())
}

/// Help, the version, or what is wrong with the command line; the last as JSON where that was asked for.
fn misused(error: &clap::Error) -> ExitCode {
    let flag = std::env::args().skip_while(|word| word != "--log-format").nth(1);
    let joined = std::env::args().find_map(|word| word.strip_prefix("--log-format=").map(str::to_string));
    let asked = flag.or(joined).or_else(|| std::env::var(LOG_FORMAT).ok());
    if error.use_stderr() && asked.as_deref() == Some("json") {
        log::init(LogFormat::Json);
        let text = error.render().to_string();
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let said = Error::statement(first.trim_start_matches("error: "));
        console::error(&if rest.trim().is_empty() { said } else { said.with_hint(rest.trim()) });
    } else if error.print().is_err() {
        // Nobody reads it: there is nobody to tell of it either.
    }
    ExitCode::from(error.exit_code() as u8)
}

/// Waits for the jobs of a client whose statements were done, or ended with an error, and says how all ended.
async fn end(mut client: Client, done: Result<(), Error>) -> Exit {
    let fine = client.end(done.as_ref().err()).await;
    match done {
        Ok(()) if fine => Exit::Fine,
        Ok(()) => Exit::Failed,
        Err(error) => Exit::of(&error),
    }
}

fn on_runtime(command: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(command);
            // A task that blocks (a lookup of a host name) must not hold up the end.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            console::error(&Error::external(format!("cannot start the runtime: {error}")));
            Exit::Failed
        }
    }
}

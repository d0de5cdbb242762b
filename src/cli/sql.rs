//! `millstream sql`: the interactive shell on a terminal; files, texts and pipes without one.

use std::path::{Path, PathBuf};

use clap::Args;

use super::memory::default_budget;
use super::script::Setup;
use super::state::StateArgs;
use super::{Exit, end, memory_size};
use crate::connectors::Reporter;
use crate::console;
use crate::error::Result;
use crate::log::Line;
use crate::runtime::MemoryBudget;
use crate::shell::client::prompt::{default_history, is_interactive};
use crate::shell::client::{Client, Flow, Manner};
use crate::shell::interrupt::Interrupt;
use crate::shell::script_file::read_script;
use crate::span::SourceText;

#[derive(Args)]
pub struct SqlArgs {
    /// Statements that declare and set, before anything else; may be given several times.
    #[arg(short, long = "init", value_name = "FILE")]
    init: Vec<PathBuf>,
    /// Runs a file, or standard input for -, and leaves; may be given several times.
    #[arg(short, long = "file", value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Runs SQL and leaves; may be given several times.
    #[arg(short = 'e', long = "execute", value_name = "SQL")]
    execute: Vec<String>,
    /// An option of the session, as SET 'key' = 'value' would set it.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the integrations are [default: millstream.toml beside the first file, then here].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    state: StateArgs,
    /// What was typed, kept between sessions [default: ~/.millstream_history].
    #[arg(long, value_name = "FILE", env = "MILLSTREAM_HISTORY")]
    history: Option<PathBuf>,
    /// How much the operators of all jobs may hold together, such as 4gb [default: 80 % of what the process may use].
    #[arg(long, value_name = "BYTES", value_parser = memory_size)]
    memory: Option<usize>,
}

/// Runs the shell, or what it is given.
pub async fn sql(args: SqlArgs) -> Exit {
    let interactive = args.file.is_empty() && args.execute.is_empty() && is_interactive();
    let interrupt = Interrupt::of_process(interactive);
    match start(&args, interrupt, interactive).await {
        Ok(mut client) => {
            let done = work(&args, &mut client, interactive).await;
            end(client, done).await
        }
        Err(error) => {
            console::error(&error);
            Exit::of(&error)
        }
    }
}

/// True for the name that psql, too, has for standard input.
fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

async fn start(args: &SqlArgs, interrupt: Interrupt, interactive: bool) -> Result<Client> {
    let files = args.init.iter().chain(args.file.iter().filter(|file| !is_stdin(file)));
    let first = files.map(PathBuf::as_path).next();
    let session = Setup::read(&args.set, args.config.as_deref(), first)?.session()?;
    let budget = args.memory.or_else(default_budget).map(MemoryBudget::new).unwrap_or_default();
    let reporter = Reporter::new(|line| console::progress(Line::info("millstream::connector", line)));
    let session = session.with_memory(budget).with_reporter(reporter).with_state(args.state.read(None).await?);
    let session = if interactive { session.on_screen() } else { session };
    Ok(Client::new(session, interrupt, Manner { interactive, ..Manner::default() }))
}

async fn work(args: &SqlArgs, client: &mut Client, interactive: bool) -> Result<()> {
    if interactive {
        client.welcome();
    }
    client.tell_notices(None);
    for file in &args.init {
        client.initialize(&read_script(file)?).await?;
    }
    for file in &args.file {
        let flow = match is_stdin(file) {
            true => client.take_stdin().await?,
            false => client.take(&read_script(file)?).await?,
        };
        if flow == Flow::Leave {
            return Ok(());
        }
    }
    for sql in &args.execute {
        if client.take(&SourceText::new("-e", sql.as_str())).await? == Flow::Leave {
            return Ok(());
        }
    }
    if interactive {
        client.talk(args.history.clone().or_else(default_history)).await
    } else if args.file.is_empty() && args.execute.is_empty() {
        client.take_stdin().await.map(drop)
    } else {
        Ok(())
    }
}

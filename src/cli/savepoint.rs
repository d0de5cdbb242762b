//! `millstream savepoint`: a savepoint of a job that another process runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::Exit;
use super::state::folder;
use crate::checkpoint::{Reply, Requests, Store, is_running, job_folder, open_folder};
use crate::console;
use crate::error::{Error, Result, did_you_mean};
use crate::shell::interrupt::Interrupt;
use crate::shell::rates::Progress;

/// How often is looked for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often is asked whether the job still runs.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct SavepointArgs {
    /// The job's name, or its folder.
    job: String,
    /// Where the job keeps its checkpoints: the --state or 'execution.checkpointing.dir' that it was started with.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    state: Option<PathBuf>,
    /// Where the savepoint goes, in a folder of its own [default: 'execution.checkpointing.savepoint-dir' of the job,
    /// or `savepoints` beside its checkpoints].
    #[arg(long, value_name = "DIR", value_parser = folder)]
    to: Option<PathBuf>,
}

/// Asks, waits, and prints where the savepoint is.
pub async fn savepoint(args: SavepointArgs) -> Exit {
    let interrupt = Interrupt::of_process(false);
    let written = ask(&args, &interrupt).await;
    console::clear_live();
    match written {
        Ok(path) => {
            console::stdout(format!("{}\n", path.display()).as_bytes());
            Exit::Fine
        }
        Err(error) => {
            console::error(&error);
            Exit::of(&error)
        }
    }
}

async fn ask(args: &SavepointArgs, interrupt: &Interrupt) -> Result<PathBuf> {
    let (store, name) = find(args)?;
    check_running(&store, &name, &args.job)?;
    // The other process may be somewhere else.
    let to = args.to.as_deref().map(Store::folder).transpose()?;
    let to = to.and_then(|store| store.root().map(Path::to_path_buf));
    let requests = Requests::of(&store, &name);
    let id = requests.ask(to).await?;
    let answer = tokio::select! {
        answer = wait(&requests, &id, &store, &name, &args.job) => answer,
        () = interrupt.asked() => Err(Error::external("cancelled: a savepoint that is being written may still appear")),
    };
    requests.forget(&id).await?;
    answer
}

async fn wait(requests: &Requests, id: &str, store: &Store, name: &str, job: &str) -> Result<PathBuf> {
    let since = Instant::now();
    let mut alive = since + ALIVE_EVERY;
    let is_live = Progress::detect() == Progress::Live;
    loop {
        match requests.reply(id).await? {
            Reply::Written(path) => return Ok(path),
            Reply::Gone => return Err(ended(job)),
            Reply::Waits => {}
        }
        if Instant::now() >= alive {
            alive = Instant::now() + ALIVE_EVERY;
            check_running(store, name, job).map_err(|_| ended(job))?;
        }
        if is_live {
            let seconds = since.elapsed().as_secs();
            console::live(vec![format!("savepoint of job {job}: waiting for its next checkpoint ({seconds} s)")]);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn ended(job: &str) -> Error {
    Error::external(format!("the process that runs job \"{job}\" has ended before there was a savepoint"))
}

/// The store and the name of the job's folder in it.
fn find(args: &SavepointArgs) -> Result<(Store, String)> {
    let asked = args.job.as_str();
    let Some(state) = &args.state else {
        let path = Path::new(asked);
        let name = path.canonicalize().ok().filter(|path| path.join("lock").is_file());
        let parts = name.as_deref().and_then(|path| Some((path.parent()?, path.file_name()?.to_str()?)));
        return match parts {
            Some((above, name)) => Ok((open_folder(above)?, name.to_string())),
            None => Err(Error::statement(format!("it is not known where job \"{asked}\" keeps its checkpoints"))
                .with_hint("Give --state DIR, as the job was started with, or the job's folder in place of its name.")),
        };
    };
    let store = open_folder(state)?;
    let is_job = |name: &str| state.join(name).join("lock").is_file();
    if let Some(name) = [job_folder(asked), asked.to_string()].into_iter().find(|name| is_job(name)) {
        return Ok((store, name));
    }
    let listed = std::fs::read_dir(state).into_iter().flatten().flatten();
    let mut names: Vec<String> = listed.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_job(name));
    names.sort_unstable();
    let error = Error::statement(format!("\"{}\" has no job \"{asked}\"", state.display()));
    let hint = did_you_mean(asked, names.iter().map(String::as_str));
    Err(match hint.or_else(|| (!names.is_empty()).then(|| format!("Its jobs are {}.", names.join(", ")))) {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

fn check_running(store: &Store, name: &str, job: &str) -> Result<()> {
    match is_running(store, name)? {
        true => Ok(()),
        false => Err(Error::external(format!("job \"{job}\" does not run"))
            .with_detail("No process holds its lock.")
            .with_hint("Its newest checkpoint is what it goes on from: run it again with the same --state.")),
    }
}

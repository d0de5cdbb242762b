//! What the command line says of state: where it is kept, and what jobs begin from.

use std::path::PathBuf;

use clap::Args;

use crate::checkpoint::{local_folder, open_savepoint};
use crate::error::{Error, Result};
use crate::session::{FromSavepoint, StateOptions};

/// The option of all commands that plan jobs.
#[derive(Args, Clone, Default)]
pub struct FolderArgs {
    /// Where jobs keep their checkpoints [default: 'execution.checkpointing.dir']. What ends or dies goes on from
    /// there when it is run again.
    ///
    /// One is made every second where 'execution.checkpointing.interval' is not set.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    state: Option<PathBuf>,
}

/// Options of `run` and `sql`.
#[derive(Args, Clone, Default)]
pub struct StateArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Begin from a savepoint; of several jobs, that of its name does. A job that has begun from it goes on.
    #[arg(long, value_name = "SAVEPOINT", value_parser = folder)]
    from: Option<PathBuf>,
    /// Begin anew, or from the savepoint again, whatever is kept: sinks may see rows again.
    #[arg(long)]
    fresh: bool,
    /// Drop state that a job no longer has a use for, which is refused otherwise.
    #[arg(long)]
    allow_non_restored_state: bool,
}

/// A folder as options of SQL name it, too.
pub fn folder(text: &str) -> Result<PathBuf, String> {
    local_folder(text).map_err(|error| match error.hint() {
        Some(hint) => format!("{}. {hint}", error.message()),
        None => error.message().to_string(),
    })
}

impl FolderArgs {
    /// For a session that plans and starts nothing.
    pub fn planned(&self) -> StateOptions {
        StateOptions { folder: self.state.clone(), ..StateOptions::default() }
    }
}

impl StateArgs {
    /// For a session that plans and starts nothing.
    pub fn planned(&self) -> StateOptions {
        StateOptions { fresh: self.fresh, allow_non_restored: self.allow_non_restored_state, ..self.folder.planned() }
    }

    /// Looks at the savepoint. `jobs` are the names of all that will start, where that is known.
    ///
    /// # Errors
    /// No savepoint, or one of none of the jobs; a single job may have any name.
    pub async fn read(&self, jobs: Option<&[String]>) -> Result<StateOptions> {
        let Some(folder) = &self.from else { return Ok(self.planned()) };
        let (_, manifest) = open_savepoint(folder).await?;
        let is_single = jobs.is_some_and(|jobs| jobs.len() == 1);
        if let Some(jobs) = jobs.filter(|jobs| !is_single && !jobs.contains(&manifest.job)) {
            let said = format!("savepoint \"{}\" is of job \"{}\"", folder.display(), manifest.job);
            return Err(match jobs {
                [] => Error::statement(format!("{said}, and no job is started")),
                jobs => {
                    let names: Vec<String> = jobs.iter().map(|name| format!("\"{name}\"")).collect();
                    Error::statement(format!("{said}, and none of that name is started"))
                        .with_hint(format!("The jobs are {}; 'pipeline.name' names one.", names.join(", ")))
                }
            });
        }
        let job = (!is_single).then_some(manifest.job);
        let savepoint = Some(FromSavepoint { folder: folder.clone(), job });
        Ok(StateOptions { savepoint, ..self.planned() })
    }
}

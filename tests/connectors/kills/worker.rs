//! A job file that runs, is killed, and runs again with the same command.

use std::path::{Path, PathBuf};

use crate::pipelines::job::{Ended, Job};

pub struct Worker {
    pub name: String,
    folder: PathBuf,
    arguments: Vec<String>,
    job: Option<Job>,
}

impl Worker {
    pub fn new(name: &str, folder: &Path, config: &str, file: &str, state: &Path) -> Self {
        let state = format!("execution.checkpointing.dir=file://{}", state.display());
        let set = [state.as_str(), "execution.checkpointing.interval=300 ms", "parallelism.default=2"];
        let mut arguments: Vec<String> = ["--config", config, file].map(str::to_string).to_vec();
        arguments.extend(set.iter().flat_map(|set| ["--set".to_string(), set.to_string()]));
        Self { name: name.to_string(), folder: folder.to_path_buf(), arguments, job: None }
    }

    /// Starts it; with a fail point it ends itself there.
    pub fn start(&mut self, failpoint: Option<&str>) {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        self.job = Some(Job::start_until(&self.folder, &arguments, failpoint));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.job = None;
    }

    /// Fails the test when it has ended by itself.
    pub fn check(&mut self) {
        self.job.as_mut().expect("it runs").check();
    }

    /// Waits until it ends by itself.
    pub async fn end(&mut self) -> Ended {
        self.job.take().expect("it runs").end().await
    }

    /// True where it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.job.as_mut().expect("it runs").has_ended()
    }

    pub fn said(&self) -> String {
        self.job.as_ref().map(Job::said).unwrap_or_default()
    }

    /// SIGTERM: it must end with status 0.
    pub async fn stop(&mut self) -> Ended {
        self.job.take().expect("it runs").stop().await
    }
}

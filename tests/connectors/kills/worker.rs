//! A job file that runs, is killed, and runs again with the same command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::kafka::{Turns, clients};
use crate::pipelines::job::{Ended, Job};
use crate::pipelines::stage::Stage;

pub struct Worker {
    pub name: String,
    folder: PathBuf,
    /// Client → its file of integrations.
    configs: BTreeMap<String, String>,
    /// What it is started with, but for what changes from start to start.
    arguments: Vec<String>,
    /// Of the next start.
    pub parallelism: usize,
    /// Who reads Kafka from the next start on.
    pub client: String,
    clients: Turns,
    /// The savepoint that the next starts begin from.
    pub from: Option<String>,
    job: Option<Job>,
}

impl Worker {
    pub fn new(name: &str, stage: &Stage, file: &str, clients: Turns) -> Self {
        let state = format!("execution.checkpointing.dir=file://{}", stage.path("state").display());
        let set = [state.as_str(), "execution.checkpointing.interval=300 ms"];
        let mut arguments = vec![file.to_string()];
        arguments.extend(set.iter().flat_map(|set| ["--set".to_string(), set.to_string()]));
        let configs = self::clients().into_iter().map(|client| (client.clone(), stage.config(&client))).collect();
        let (name, folder) = (name.to_string(), stage.path(""));
        Self {
            name,
            folder,
            configs,
            arguments,
            parallelism: 2,
            client: clients.next(),
            clients,
            from: None,
            job: None,
        }
    }

    /// The next start has another parallelism and another client.
    pub fn change(&mut self) {
        self.parallelism = self.parallelism % 3 + 1;
        self.client = self.clients.next();
    }

    /// Starts it; with a fail point it ends itself there.
    pub fn start(&mut self, failpoint: Option<&str>) {
        let parallelism = format!("parallelism.default={}", self.parallelism);
        let mut arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        arguments.extend(["--config", &self.configs[&self.client], "--set", &parallelism]);
        arguments.extend(self.from.iter().flat_map(|from| ["--from", from]));
        self.job = Some(Job::start_until(&self.folder, &arguments, failpoint));
    }

    /// False where nobody has started it since it ended.
    pub fn is_running(&self) -> bool {
        self.job.is_some()
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

    /// SIGTERM, without waiting.
    pub fn ask_to_stop(&self) {
        self.job.as_ref().expect("it runs").ask_to_stop();
    }

    /// SIGTERM: it must end with status 0.
    pub async fn stop(&mut self) -> Ended {
        self.job.take().expect("it runs").stop().await
    }
}

/// `millstream savepoint`, which asks another process.
pub struct Asking(Option<Child>);

impl Asking {
    pub fn new(job: &str, state: &str, to: &Path) -> Self {
        let mut asking = Command::new(env!("CARGO_BIN_EXE_millstream"));
        asking.args(["savepoint", job, "--state", state, "--to", &to.display().to_string()]);
        Self(Some(asking.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// The folder that is written.
    pub async fn written(mut self) -> String {
        let asking = self.0.take().expect("it runs");
        let output = tokio::task::spawn_blocking(|| asking.wait_with_output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

impl Drop for Asking {
    /// Who was asked may be dead.
    fn drop(&mut self) {
        if let Some(mut asking) = self.0.take() {
            asking.kill().and_then(|()| asking.wait()).unwrap();
        }
    }
}

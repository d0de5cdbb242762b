//! A process of the binary, watched, stopped as a user would stop it, and read to its last line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::kafka::PATIENCE;

pub struct Job {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    what: String,
}

/// How a process ended and all that it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    /// Starts `millstream run` with these arguments and the stage's integrations.
    pub fn start(&self, arguments: &[&str]) -> Job {
        let config = self.path("generated.toml").display().to_string();
        self.start_with(&config, arguments)
    }

    /// The same up to a fail point, and the client that reads Kafka.
    pub fn start_until(&self, client: &str, arguments: &[&str], failpoint: Option<&str>) -> Job {
        let config = self.config(client);
        let arguments: Vec<_> = ["--config", &config].iter().chain(arguments).copied().collect();
        Job::start_until(&self.path(""), &arguments, failpoint)
    }

    /// Starts a file of `sql/alerting` with this test's names.
    pub fn start_file(&self, name: &str) -> Job {
        let path = self.write(name, &self.job_text(name));
        self.start(&[&path])
    }

    /// Runs a statement to its end.
    pub async fn query(&self, sql: &str) -> Ended {
        self.start(&["-q", "-e", sql]).end().await
    }

    pub fn start_with(&self, config: &str, arguments: &[&str]) -> Job {
        let arguments: Vec<_> = ["--config", config].iter().chain(arguments).copied().collect();
        Job::start(&self.path(""), &arguments)
    }
}

impl Job {
    /// Starts `millstream run`; what it says goes to files in the folder.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_until(folder, arguments, None)
    }

    /// The same, up to a fail point where it ends itself or stands still.
    pub fn start_until(folder: &Path, arguments: &[&str], failpoint: Option<&str>) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (stdout, stderr) = (folder.join(format!("{id}.out")), folder.join(format!("{id}.err")));
        let child = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .arg("run")
            .args(arguments)
            .env("NO_COLOR", "1")
            .envs(failpoint.map(|name| ("MILLSTREAM_FAILPOINT", name)))
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Self { child, stdout, stderr, what: arguments.join(" ") }
    }

    /// Waits until its memory no longer grows; gives the most it ever had, in MB.
    pub async fn memory_at_rest(&mut self) -> u64 {
        let (mut peak, mut quiet) = (0, 0);
        while quiet < 20 {
            self.check();
            let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
            let now: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            quiet = if now > peak { 0 } else { quiet + 1 };
            peak = peak.max(now);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        peak / 1024
    }

    /// True where the process has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it stands still at its fail point.
    pub async fn stands_still(&mut self) {
        let start = Instant::now();
        loop {
            self.check();
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
            // Behind the name, which is in brackets.
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{} doesn't come to its fail point:\n{}", self.what, self.said());
            pause().await;
        }
    }

    /// Lets it go on that stands still.
    pub fn go_on(&self) {
        let sent = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Fails the test when the process has ended.
    pub fn check(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{} ended by itself with {ended:?}:\n{}", self.what, self.said());
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM: it must end with status 0.
    pub async fn stop(mut self) -> Ended {
        self.check();
        self.ask_to_stop();
        let ended = self.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// Waits until it ends by itself.
    pub async fn end(mut self) -> Ended {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let read = |path| fs::read_to_string(path).unwrap();
                return Ended { code: status.code(), stdout: read(&self.stdout), stderr: read(&self.stderr) };
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end:\n{}", self.what, self.said());
            pause().await;
        }
    }

    pub fn said(&self) -> String {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        format!("{}{}", read(&self.stdout), read(&self.stderr))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Between two looks at something that another process does.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

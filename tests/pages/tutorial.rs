//! `docs/tutorial.md`, step by step: every command succeeds and, in time, prints what the page says.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::page::{Block, blocks};

/// How long a step may take until it prints what the page says: jobs need a moment to write.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reader's terminal: a folder with the project's files and a `millstream.toml`, the binary on the PATH, jobs behind.
struct Terminal {
    folder: tempfile::TempDir,
    jobs: Vec<(Child, usize)>,
}

/// How a block ended and what it printed.
struct Ran {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

#[test]
fn every_step_of_the_tutorial_prints_what_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/tutorial.md")).expect("the tutorial is there");
    let mut terminal = Terminal::new(root);
    let blocks = blocks(&page);
    for (index, block) in blocks.iter().enumerate() {
        let expected = blocks.get(index + 1).filter(|next| next.info == "text");
        match (block.info.as_str(), expected) {
            // Starting and stopping the services is the test command's own business.
            ("sh", _) if block.text.contains("make ") => {}
            ("sh", None) => terminal.succeed(block),
            ("sh", Some(expected)) => terminal.print(block, &expected.text),
            ("sh job", _) => terminal.start(block),
            ("sh live", _) => terminal.succeed(block),
            _ => {}
        }
    }
    terminal.stop_all();
}

impl Terminal {
    fn new(root: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["sql", "scripts", "Makefile"] {
            std::os::unix::fs::symlink(root.join(name), folder.path().join(name)).expect("a link");
        }
        fs::write(folder.path().join("millstream.toml"), integrations()).expect("millstream.toml");
        Self { folder, jobs: Vec::new() }
    }

    fn command(&self, block: &Block) -> Command {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_millstream"));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = binary.parent().map(PathBuf::from).into_iter().chain(env::split_paths(&path));
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &block.text]).current_dir(self.folder.path());
        command.env("PATH", env::join_paths(folders).expect("a PATH"));
        // The scripts then mean the services of this test run, not those of a `make up`.
        command.env("MILLSTREAM_SERVICES_INSTANCE", "test");
        command
    }

    fn run(&self, block: &Block) -> Ran {
        let Output { status, stdout, stderr } = self.command(block).output().expect("bash runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { status, stdout: text(stdout), stderr: text(stderr) }
    }

    fn succeed(&self, block: &Block) {
        let Ran { status, stdout, stderr } = self.run(block);
        assert!(status.success(), "line {}: {status}\n{}\n{stdout}\n{stderr}", block.line, block.text);
    }

    /// Runs the block until it prints these lines; rows may come in any order. Until a job has written its first row,
    /// what it writes to need not exist.
    fn print(&mut self, block: &Block, expected: &str) {
        let start = Instant::now();
        loop {
            let Ran { status, stdout, stderr } = self.run(block);
            if status.success() && sorted(&stdout) == sorted(expected) {
                return;
            }
            self.check_jobs();
            assert!(
                start.elapsed() < PATIENCE,
                "line {}: {}\nthe page says:\n{expected}\nit prints ({status}):\n{stdout}\n{stderr}",
                block.line,
                block.text
            );
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn start(&mut self, block: &Block) {
        // `exec`: the signal at the end must reach the job, not a shell around it.
        let command = Block { text: format!("exec {}", block.text), ..block.clone() };
        let child = self.command(&command).stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("bash runs");
        self.jobs.push((child, block.line));
    }

    fn check_jobs(&mut self) {
        for (job, line) in &mut self.jobs {
            let ended = job.try_wait().expect("a job can be asked");
            assert!(ended.is_none(), "the job of line {line} ended by itself: {ended:?}");
        }
    }

    /// Ctrl-C in every terminal: each job ends with status 0.
    fn stop_all(&mut self) {
        self.check_jobs();
        for (mut job, line) in self.jobs.drain(..) {
            let stopped = Command::new("kill").args(["-INT", &job.id().to_string()]).status().expect("kill runs");
            assert!(stopped.success());
            let start = Instant::now();
            let status = loop {
                if let Some(status) = job.try_wait().expect("a job can be asked") {
                    break status;
                }
                if start.elapsed() > PATIENCE {
                    _ = job.kill();
                    panic!("the job of line {line} did not stop");
                }
                thread::sleep(Duration::from_millis(50));
            };
            assert!(status.success(), "the job of line {line} ended with {status}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for (job, _) in &mut self.jobs {
            _ = job.kill();
            _ = job.wait();
        }
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines
}

/// What `make up` would have written.
pub fn integrations() -> String {
    let service =
        |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with `make test`"));
    let postgres = service("MILLSTREAM_TEST_POSTGRES");
    let (login, address) = postgres
        .trim_start_matches("postgresql://")
        .split_once('@')
        .expect("postgresql://user:password@host:port/database");
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    format!(
        "[integrations.demo-kafka]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{}\"\n\n\
         [integrations.demo-postgresql]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{address}\"\n\
         username = \"{user}\"\npassword = \"{password}\"\n\n\
         [integrations.demo-opensearch]\nconnector = \"opensearch\"\nhosts = \"{}\"\n",
        service("MILLSTREAM_TEST_KAFKA"),
        service("MILLSTREAM_TEST_OPENSEARCH"),
    )
}

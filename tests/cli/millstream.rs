//! The binary under test, and texts that are compared with files.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The root of the project: jobs name their files from here.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A configuration for what must not depend on whether `make up` has written one.
pub const NO_INTEGRATIONS: &str = "tests/cli/no_integrations.toml";

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command.env_remove("MILLSTREAM_LOG").env_remove("MILLSTREAM_LOG_FORMAT");
    command
}

/// How a run ended and what it said.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Fails, with all that was said, unless the exit code is `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs to the end.
pub fn millstream(arguments: &[&str]) -> Ended {
    command(arguments).output().expect("the binary was built for this test").into()
}

/// The same in another folder.
pub fn millstream_in(folder: &Path, arguments: &[&str]) -> Ended {
    command(arguments).current_dir(folder).output().expect("the binary was built for this test").into()
}

/// Waits for the end of a process, which must come within a minute.
pub fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().expect("a child can be ended");
            panic!("the process did not end within a minute");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("kill is there").success());
}

/// Files of one kind in a folder of the tests, in order.
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Path::new(folder).join(entry.expect("an entry").file_name()))
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    paths.sort();
    paths
}

/// Compares with a file; `UPDATE_EXPECT=1` writes it. Gives back what is wrong.
pub fn compare(path: &Path, actual: &str) -> Option<String> {
    let full = root().join(path);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&full, actual).expect("the expected file can be written");
        return None;
    }
    let expected = std::fs::read_to_string(&full).unwrap_or_default();
    (expected != actual).then(|| {
        let different = expected.lines().zip(actual.lines()).position(|(e, a)| e != a);
        let line = different.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
        let of = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_string();
        format!(
            "{}:{}\n  expected {}\n  actual   {}\n  UPDATE_EXPECT=1 accepts what is there now\n",
            path.display(),
            line + 1,
            of(&expected),
            of(actual)
        )
    })
}

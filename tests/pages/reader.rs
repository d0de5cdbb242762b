//! A reader who follows a page in a folder of their own, with the project's files beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

/// The folder, and what the page has declared so far.
pub struct Reader {
    folder: tempfile::TempDir,
    declared: String,
}

/// How a command ended and what it printed.
pub struct Ran {
    pub fine: bool,
    pub out: String,
    pub err: String,
}

impl Reader {
    /// `integrations` is what `millstream.toml` holds.
    pub fn new(integrations: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["sql", "scripts", "Makefile"] {
            std::os::unix::fs::symlink(root.join(name), folder.path().join(name)).expect("a link");
        }
        let reader = Self { folder, declared: String::new() };
        reader.write("millstream.toml", integrations);
        reader
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    pub fn forget(&mut self) {
        self.declared.clear();
    }

    /// What the blocks below may use.
    pub fn declare(&mut self, sql: &str) {
        self.declared.push_str(sql);
    }

    /// The millstream command with these arguments behind it, over what was declared and `sql`.
    pub fn sql(&self, arguments: &[&str], sql: &str) -> Ran {
        self.write("before.sql", &self.declared);
        self.write("page.sql", sql);
        let mut all = arguments.to_vec();
        all.extend(["before.sql", "page.sql"]);
        self.millstream(&all)
    }

    pub fn millstream(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        self.finish(command.args(arguments))
    }

    /// A script in a shell that stops at the first failure.
    pub fn shell(&self, script: &str) -> Ran {
        self.finish(Command::new("bash").args(["-euo", "pipefail", "-c", script]))
    }

    fn finish(&self, command: &mut Command) -> Ran {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_millstream"));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = binary.parent().map(PathBuf::from).into_iter().chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(folders).expect("a PATH")).current_dir(self.folder.path());
        command.env_remove("MILLSTREAM_LOG").env_remove("MILLSTREAM_LOG_FORMAT");
        command.env("MILLSTREAM_SERVICES_INSTANCE", "test");
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().expect("the command is there");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { fine: status.success(), out: text(stdout), err: text(stderr) }
    }

    /// Reads a `millstream.toml`, with the variables and files that it names.
    pub fn configuration(&self, toml: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        for name in toml.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
            match name.strip_prefix("file:") {
                Some(path) => self.write(path, "secret"),
                None => _ = command.env(name, "secret"),
            }
        }
        self.write("page.toml", toml);
        self.finish(command.args(["check", "--config", "page.toml", "-e", "SELECT 1"]))
    }
}

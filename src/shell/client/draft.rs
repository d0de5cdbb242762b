//! A text in the user's editor: the last statement or a file, which is the next input when it was changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Client;
use super::lent::run;
use crate::error::{Error, Result};
use crate::shell::script_file::read_script;

impl Client {
    /// `\e`: what was saved is the next draft; without saving nothing is.
    pub(super) async fn edit(&mut self, file: Option<PathBuf>) -> Result<()> {
        if !self.manner.interactive {
            return Err(Error::statement("\\e needs a terminal"));
        }
        let scratch = match file {
            Some(_) => None,
            None => Some(Scratch::with(self.last.as_ref().map_or("", |last| last.written.as_str()))?),
        };
        let path = match (&file, &scratch) {
            (Some(file), _) => file.clone(),
            (None, Some(scratch)) => scratch.0.clone(),
            (None, None) => return Ok(()),
        };
        let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|e| !e.is_empty()));
        let editor = editor.unwrap_or_else(|| "vi".to_string());
        let (shown, command, before) = (path.clone(), editor.clone(), saved(&path));
        match self.lent(move || run(&command, &shown)).await? {
            Ok(ended) if !ended.success() => {
                Err(Error::external(format!("\"{editor}\" ended with an error: nothing was taken over")))
            }
            Ok(_) if saved(&path) == before => Ok(()),
            Ok(_) => {
                let text = read_script(&path)?;
                self.draft = Some(text.text.trim_end().to_string()).filter(|text| !text.is_empty());
                Ok(())
            }
            Err(error) => Err(Error::external(format!("cannot start \"{editor}\": {error}"))
                .with_hint("Set VISUAL or EDITOR to your editor.")),
        }
    }
}

/// When a file was saved last, and how long it is: another of both where it is saved again.
fn saved(path: &Path) -> Option<(SystemTime, u64)> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// A file that only its owner reads, and that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn with(text: &str) -> Result<Self> {
        let name = format!("millstream-{}-{}.sql", std::process::id(), uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        let scratch = Self(path);
        write_new(&scratch.0, text)
            .map_err(|e| Error::external(format!("cannot write \"{}\": {e}", scratch.0.display())))?;
        Ok(scratch)
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(format!("{}\n", text.trim_end()).as_bytes())?;
    // A file system whose times are coarse sees it saved within the same moment, too.
    #[allow(clippy::disallowed_methods)] // the time of the disk, not of a job
    let now = SystemTime::now();
    file.set_modified(now - Duration::from_secs(2))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

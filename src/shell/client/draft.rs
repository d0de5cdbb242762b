//! A text in the user's editor: the last statement or a file, which comes back as what the next prompt begins with.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use super::Client;
use crate::console;
use crate::error::{Error, Result};
use crate::shell::script_file::read_script;

impl Client {
    /// `\e`: what was edited is the next draft.
    pub(super) async fn edit(&mut self, file: Option<PathBuf>) -> Result<()> {
        if !self.interactive {
            return Err(Error::statement("\\e needs a terminal"));
        }
        let scratch = match file {
            Some(_) => None,
            None => Some(Scratch::with(&self.last_text())?),
        };
        let path = match (&file, &scratch) {
            (Some(file), _) => file.clone(),
            (None, Some(scratch)) => scratch.0.clone(),
            (None, None) => return Ok(()),
        };
        let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|e| !e.is_empty()));
        let editor = editor.unwrap_or_else(|| "vi".to_string());
        let (shown, command) = (path.clone(), editor.clone());
        // What jobs say meanwhile would be drawn over the text.
        console::lend();
        let ended = tokio::task::spawn_blocking(move || run(&command, &shown)).await;
        console::give_back();
        match ended.map_err(|e| Error::internal(e.to_string()))? {
            Ok(true) => {
                let text = read_script(&path)?;
                self.draft = Some(text.text.trim_end().to_string()).filter(|text| !text.is_empty());
                Ok(())
            }
            Ok(false) => Err(Error::external(format!("\"{editor}\" ended with an error: nothing was taken over"))),
            Err(error) => Err(Error::external(format!("cannot start \"{editor}\": {error}"))
                .with_hint("Set VISUAL or EDITOR to your editor.")),
        }
    }

    fn last_text(&self) -> String {
        self.typed.clone().unwrap_or_default()
    }
}

/// EDITOR may have arguments, as in `code --wait`.
fn run(editor: &str, path: &Path) -> std::io::Result<bool> {
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    Ok(Process::new(program).args(words).arg(path).status()?.success())
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
    options.open(path)?.write_all(format!("{}\n", text.trim_end()).as_bytes())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

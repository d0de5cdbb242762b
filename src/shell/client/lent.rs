//! The terminal lent to another program: an editor, a pager, a command of the system.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::Client;
use crate::console;
use crate::error::{Error, Result};

impl Client {
    /// Runs what has the terminal for itself; what jobs say meanwhile comes afterwards.
    pub(super) async fn lent<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<std::io::Result<T>> {
        if self.manner.interactive {
            console::lend();
        }
        let ended = tokio::task::spawn_blocking(run).await;
        if self.manner.interactive {
            console::give_back();
        }
        ended.map_err(|e| Error::internal(e.to_string()))
    }

    /// `\!`: a command of the system, or a shell.
    pub(super) async fn system(&mut self, command: Option<String>) -> Result<()> {
        let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "sh".to_string());
        let program = shell.clone();
        let ended = self.lent(move || {
            let mut process = Command::new(program);
            if let Some(command) = command {
                process.args(["-c", &command]);
            }
            process.status()
        });
        match ended.await? {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::external(format!("cannot start \"{shell}\": {error}"))),
        }
    }

    /// Writes a text; at a prompt page by page where it is longer than the screen, unless it comes again and again.
    pub(super) async fn page(&mut self, text: String) -> Result<()> {
        let lines = crossterm::terminal::size().map_or(usize::MAX, |(_, lines)| usize::from(lines));
        let at_prompt = self.manner.interactive && self.output.is_none() && !self.watching;
        let pager = pager().filter(|_| at_prompt && text.lines().count() >= lines);
        if let Some(pager) = pager {
            let shown = text.clone();
            if self.lent(move || paged(&pager, &shown)).await?.is_ok() {
                return Ok(());
            }
        }
        self.write(&text)
    }
}

/// Runs a program that may have arguments, as in `code --wait`.
pub(super) fn run(program: &str, path: &Path) -> std::io::Result<ExitStatus> {
    command(program).arg(path).status()
}

fn command(words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// `PAGER`, or less; none where it is set to nothing.
fn pager() -> Option<String> {
    match std::env::var("PAGER") {
        Ok(pager) => Some(pager).filter(|pager| !pager.trim().is_empty()),
        Err(_) => Some("less".to_string()),
    }
}

fn paged(pager: &str, text: &str) -> std::io::Result<()> {
    let mut command = command(pager);
    command.stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Colours as they are, and what was shown stays on the screen.
        command.env("LESS", "RX");
    }
    let mut child = command.spawn()?;
    if let Some(mut pages) = child.stdin.take() {
        // Who has seen enough reads no further.
        let _written = pages.write_all(text.as_bytes());
    }
    child.wait().map(drop)
}

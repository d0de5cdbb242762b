//! Statements that come through a pipe: each is done as soon as it is whole.

use std::io::BufRead;

use tokio::sync::mpsc;

use super::{Client, Flow};
use crate::error::{Error, Result};
use crate::shell::input::is_complete;
use crate::span::SourceText;

impl Client {
    /// Does what standard input holds, to its end or the first error.
    pub async fn take_stdin(&mut self) -> Result<Flow> {
        let mut input = lines();
        // Lines that are done are left blank, so that places are those in the whole input.
        let (mut done, mut open) = (0, String::new());
        loop {
            let line = tokio::select! {
                line = input.recv() => line,
                () = self.interrupt.asked() => return Ok(Flow::Leave),
            };
            let Some(line) = line else { break };
            let line = line.map_err(|e| Error::external(format!("cannot read standard input: {e}")))?;
            let at = done + open.matches('\n').count() + 1;
            open += std::str::from_utf8(&line).map_err(|e| {
                let said = format!("standard input is not UTF-8: line {at}, byte {} is wrong", e.valid_up_to() + 1);
                Error::statement(said).with_hint("Save it as UTF-8.")
            })?;
            if is_complete(&open) {
                if self.take(&placed(done, &open)).await? == Flow::Leave {
                    return Ok(Flow::Leave);
                }
                done += open.matches('\n').count();
                open.clear();
            }
        }
        self.take(&placed(done, &open)).await
    }
}

/// The lines of standard input, with their ends. Reading blocks, so it has a thread of its own.
fn lines() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::task::spawn_blocking(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = input.read_until(b'\n', &mut line).map(|read| (read > 0).then_some(line));
            let ended = !matches!(read, Ok(Some(_)));
            // Full: the script is ahead of what is done, and waits.
            if read.transpose().is_some_and(|line| sender.blocking_send(line).is_err()) || ended {
                break;
            }
        }
    });
    receiver
}

fn placed(lines_before: usize, text: &str) -> SourceText {
    SourceText::new("stdin", format!("{}{text}", "\n".repeat(lines_before)))
}

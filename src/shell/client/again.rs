//! The last statement: run again, repeated, shown, forgotten.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::Client;
use crate::error::{Error, Result};
use crate::shell::command::Expanded;
use crate::span::SourceText;
use crate::sql::{Statement, StatementKind, parse_script};

/// A statement that commands are about.
#[derive(Clone)]
pub struct Last {
    /// As it was written.
    pub written: String,
    /// None where it is wrong.
    statement: Option<(Statement, SourceText)>,
}

impl Last {
    /// A statement that stands in `text`.
    pub fn new(written: String, statement: &Result<Statement>, text: &SourceText) -> Self {
        Self { written, statement: statement.as_ref().ok().map(|statement| (statement.clone(), text.clone())) }
    }

    /// A statement that nobody has typed.
    pub fn proposed(written: String) -> Self {
        let text = SourceText::new("proposal", written.as_str());
        match parse_script(&text).as_slice() {
            [statement] => Self::new(written, statement, &text),
            _ => Self { written, statement: None },
        }
    }
}

impl Client {
    fn last_for(&self, command: &str) -> Result<(Statement, SourceText)> {
        let Some(last) = &self.last else {
            return Err(Error::statement(format!("{command} runs the last statement, and there is none")));
        };
        match last.statement.clone() {
            Some(last) => Ok(last),
            // What is wrong with it is said again.
            None => {
                let text = SourceText::new("input", last.written.as_str());
                let wrong = parse_script(&text).into_iter().find_map(Result::err);
                Err(wrong.unwrap_or_else(|| Error::statement(format!("{command} takes one statement"))))
            }
        }
    }

    /// `\g`, `\G`: the last statement, into a file or with a line per column.
    pub(super) async fn go(&mut self, file: Option<PathBuf>, expanded: bool) -> Result<()> {
        let (statement, text) = self.last_for("\\g")?;
        let before = (self.expanded, self.output.take());
        if expanded {
            self.expanded = Expanded::On;
        }
        let redirected = match &file {
            Some(_) => self.redirect(file),
            None => {
                self.output = before.1.as_ref().and_then(|file| file.try_clone().ok());
                Ok(())
            }
        };
        let done = match redirected {
            Ok(()) => self.statement(&statement, &text).await,
            Err(error) => Err(error),
        };
        (self.expanded, self.output) = before;
        done
    }

    /// `\p`
    pub(super) fn print_last(&mut self) -> Result<()> {
        match self.last.as_ref().map(|last| last.written.clone()) {
            Some(written) => self.write(&format!("{written}\n")),
            None => {
                self.tell("There is no last statement.");
                Ok(())
            }
        }
    }

    /// `\r`
    pub(super) fn forget_last(&mut self) {
        self.last = None;
        self.tell("The last statement is forgotten.");
    }

    /// `\watch`: the last query again and again until the user stops it, with what it leaves each time.
    pub(super) async fn watch(&mut self, every: Duration) -> Result<()> {
        let (statement, text) = self.last_for("\\watch")?;
        use StatementKind::{Describe, DescribeJob, Look, Query, Show};
        if !matches!(statement.kind, Query(_) | Show(_) | Look(_) | Describe { .. } | DescribeJob { .. }) {
            let hint = "For example: SHOW JOBS \\watch 5";
            return Err(Error::statement("\\watch takes a query, a SHOW, a DESCRIBE or a PEEK").with_hint(hint));
        }
        self.watching = true;
        let keys = self.listen();
        let watched = self.repeat(&statement, &text, every).await;
        self.heard(keys);
        self.watching = false;
        watched
    }

    async fn repeat(&mut self, statement: &Statement, text: &SourceText, every: Duration) -> Result<()> {
        loop {
            let started = Instant::now();
            let Some(outcome) = self.execute(statement, text, None).await? else { return Ok(()) };
            let now = crate::log::timestamp("%Y-%m-%d %H:%M:%S");
            self.write(&format!("{now} (every {every:?})\n"))?;
            self.give(statement, outcome, started).await?;
            if self.interrupt.is_asked() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.interrupt.asked() => return Ok(()),
            }
        }
    }
}

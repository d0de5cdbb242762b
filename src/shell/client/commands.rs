//! What the client's own commands do.

use std::path::Path;
use std::time::Duration;

use super::{Client, Flow};
use crate::console;
use crate::error::{Error, Result};
use crate::shell::command::Command;
use crate::shell::describe;
use crate::shell::script_file::read_script;
use crate::span::SourceText;
use crate::sql::Statement;

/// So deep may files include files.
const INCLUDES: usize = 16;

impl Client {
    pub(super) async fn command(&mut self, command: Command, depth: usize) -> Result<Flow> {
        match command {
            Command::Quit => return Ok(Flow::Leave),
            Command::Clear => self.clear_screen(),
            Command::Help(topic) => self.help(topic.as_deref())?,
            Command::Describe(None) => self.listing(&describe::relations(&self.session, None, None))?,
            Command::Describe(Some(name)) => {
                self.run_sql(&format!("DESCRIBE {name}")).await?;
                if let Some(options) = describe::options(&self.session, &name) {
                    self.listing(&options)?;
                }
            }
            Command::Tables(pattern) => {
                self.listing(&describe::relations(&self.session, Some("table"), pattern.as_deref()))?;
            }
            Command::Views(pattern) => {
                self.listing(&describe::relations(&self.session, Some("view"), pattern.as_deref()))?;
            }
            Command::Functions(pattern) => self.listing(&describe::functions(pattern.as_deref()))?,
            Command::Integrations => self.listing(&describe::integrations(&self.session))?,
            Command::Jobs => self.run_sql("SHOW JOBS").await?,
            Command::Expanded(to) => {
                self.expanded = to.unwrap_or(!self.expanded);
                self.tell(if self.expanded { "Expanded display is on." } else { "Expanded display is off." });
            }
            Command::Timing(to) => {
                self.timing = to.unwrap_or(!self.timing);
                self.tell(if self.timing { "Timing is on." } else { "Timing is off." });
            }
            Command::Edit(file) => self.edit(file).await?,
            Command::Include(file) => return self.include(&file, depth).await,
            Command::Output(file) => self.redirect(file)?,
            Command::Watch(every) => self.watch(every).await?,
        }
        Ok(Flow::Continue)
    }

    async fn include(&mut self, file: &Path, depth: usize) -> Result<Flow> {
        if depth >= INCLUDES {
            let said = format!("\"{}\": files include each other {INCLUDES} deep", file.display());
            return Err(Error::statement(said).with_hint("Does a file include itself?"));
        }
        let text = read_script(file)?;
        Box::pin(self.take_at_depth(&text, depth + 1)).await
    }

    /// A statement that a command stands for.
    async fn run_sql(&mut self, sql: &str) -> Result<()> {
        let text = SourceText::new("command", sql);
        match crate::sql::parse_script(&text).pop() {
            Some(statement) => self.statement(&statement?, &text).await,
            None => Ok(()),
        }
    }

    fn clear_screen(&self) {
        if self.interactive {
            console::stdout(b"\x1b[2J\x1b[3J\x1b[H");
        }
    }

    /// The last query again and again until the user stops it.
    async fn watch(&mut self, every: Duration) -> Result<()> {
        let Some((statement, text)) = self.last.clone() else {
            return Err(Error::statement("\\watch runs the last statement again, and there is none"));
        };
        if !matches!(statement.kind, crate::sql::StatementKind::Query(_) | crate::sql::StatementKind::Show(_)) {
            let hint = "For example: SELECT COUNT(*) FROM t \\watch 5";
            return Err(Error::statement("\\watch takes a query or a SHOW").with_hint(hint));
        }
        self.watching = true;
        let watched = self.repeat(&statement, &text, every).await;
        self.watching = false;
        watched
    }

    async fn repeat(&mut self, statement: &Statement, text: &SourceText, every: Duration) -> Result<()> {
        loop {
            let now = crate::log::timestamp("%Y-%m-%d %H:%M:%S");
            self.write(&format!("{now} (every {every:?})\n"))?;
            self.statement(statement, text).await?;
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

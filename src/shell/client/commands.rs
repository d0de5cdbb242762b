//! What the client's own commands do.

use std::path::Path;
use std::time::Duration;

use super::{Client, Flow};
use crate::console;
use crate::error::{Error, Result};
use crate::shell::command::Command;
use crate::shell::describe;
use crate::shell::described::Described;
use crate::shell::script_file::read_script;
use crate::span::{SourceText, Span};
use crate::sql::{Ident, LikePattern, Look, Show, Statement, StatementKind};

/// So deep may files include files.
const INCLUDES: usize = 16;

impl Client {
    /// Does a command that stands in `text`.
    pub(super) async fn command(&mut self, command: Command, text: &SourceText, depth: usize) -> Result<Flow> {
        match command {
            Command::Quit => return Ok(Flow::Leave),
            Command::Clear => self.clear_screen(),
            Command::Help(topic) => self.help(topic.as_deref())?,
            Command::Describe(described) => self.describe(described, text).await?,
            Command::Tables(pattern) => {
                self.listing(&describe::relations(&self.session, Some("table"), pattern.as_deref()))?;
            }
            Command::Views(pattern) => {
                self.listing(&describe::relations(&self.session, Some("view"), pattern.as_deref()))?;
            }
            Command::Functions(pattern) => self.listing(&describe::functions(pattern.as_deref()))?,
            Command::Integrations => self.kind(StatementKind::Show(Show::Integrations), text).await?,
            Command::Jobs => self.kind(StatementKind::Show(Show::Jobs), text).await?,
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

    /// A statement that a command in `text` stands for.
    async fn kind(&mut self, kind: StatementKind, text: &SourceText) -> Result<()> {
        let statement = Statement { kind, span: Span::on_line(1, 1, 1), text: String::new() };
        self.statement(&statement, text).await
    }

    async fn look(&mut self, look: Look, text: &SourceText) -> Result<()> {
        self.kind(StatementKind::Look(Box::new(look)), text).await
    }

    /// `\d`: one relation, or a list of them; of the session, or of an integration.
    async fn describe(&mut self, described: Described, text: &SourceText) -> Result<()> {
        let Described { name, from } = described;
        match (name, from) {
            (None, None) => self.listing(&describe::relations(&self.session, None, None)),
            (Some(name), None) if name.is_pattern => {
                self.listing(&describe::relations(&self.session, None, Some(&name.written)))
            }
            (Some(name), None) => {
                let last = name.path.parts.last().map(|part| part.value.clone()).unwrap_or_default();
                self.kind(StatementKind::Describe { name: name.path }, text).await?;
                match describe::options(&self.session, &last) {
                    Some(options) => self.listing(&options),
                    None => Ok(()),
                }
            }
            (Some(name), Some(from)) if !name.is_pattern => {
                let table = Ident { value: name.written, span: name.path.span };
                self.look(Look::DescribeTable { table, from: Some(from) }, text).await
            }
            (pattern, Some(from)) => {
                let like = pattern.map(|name| LikePattern {
                    pattern: name.written.replace('_', "\\_").replace('*', "%").replace('?', "_"),
                    negated: false,
                    case_insensitive: true,
                });
                self.look(Look::Tables { from, like }, text).await
            }
        }
    }

    fn clear_screen(&self) {
        if self.manner.interactive {
            console::stdout(b"\x1b[2J\x1b[3J\x1b[H");
        }
    }

    /// The last query again and again until the user stops it.
    async fn watch(&mut self, every: Duration) -> Result<()> {
        let Some((statement, text)) = self.last.clone() else {
            return Err(Error::statement("\\watch runs the last statement again, and there is none"));
        };
        if !matches!(statement.kind, StatementKind::Query(_) | StatementKind::Show(_)) {
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

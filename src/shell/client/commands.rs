//! What the client's own commands do.

use std::path::{Path, PathBuf};

use super::{Client, Flow};
use crate::connectors::secrets::mask_text;
use crate::console;
use crate::error::{Error, Result};
use crate::session::Outcome;
use crate::shell::command::{Command, Expanded};
use crate::shell::describe;
use crate::shell::described::Described;
use crate::shell::script_file::read_script;
use crate::span::{SourceText, Span};
use crate::sql::{Ident, Look, Show, Statement, StatementKind};

/// So deep may files include files.
const INCLUDES: usize = 16;

impl Client {
    /// Does a command that stands in `text`.
    pub(super) async fn command(&mut self, command: Command, text: &SourceText, depth: usize) -> Result<Flow> {
        match command {
            Command::Quit => return Ok(Flow::Leave),
            Command::Clear => self.clear_screen(),
            Command::Help(topic) => self.help(topic.as_deref()).await?,
            Command::Describe(described) => self.describe(described, text).await?,
            Command::Tables(described) => self.relations("table", described, text).await?,
            Command::Views(described) => self.relations("view", described, text).await?,
            Command::Functions(pattern) => self.listing(&describe::functions(pattern.as_deref())).await?,
            Command::Integrations => self.kind(StatementKind::Show(Show::Integrations), text).await?,
            Command::Connections => self.connections(text).await?,
            Command::Catalogs => self.kind(StatementKind::Show(Show::Catalogs), text).await?,
            Command::Databases => self.kind(StatementKind::Show(Show::Databases), text).await?,
            Command::Jobs => self.kind(StatementKind::Show(Show::Jobs), text).await?,
            Command::Expanded(to) => {
                let other = if self.expanded == Expanded::Off { Expanded::On } else { Expanded::Off };
                self.expanded = to.unwrap_or(other);
                self.tell(match self.expanded {
                    Expanded::On => "Expanded display is on.",
                    Expanded::Off => "Expanded display is off.",
                    Expanded::Auto => "Expanded display is on where a table is wider than the terminal.",
                });
            }
            Command::Timing(to) => {
                self.timing = to.unwrap_or(!self.timing);
                self.tell(if self.timing { "Timing is on." } else { "Timing is off." });
            }
            Command::Edit(file) => self.edit(file).await?,
            Command::Include(file) => return self.include(&file, depth).await,
            Command::Output(file) => self.redirect(file)?,
            Command::Go { file, expanded } => self.go(file, expanded).await?,
            Command::Watch(every) => self.watch(every).await?,
            Command::Print => self.print_last()?,
            Command::Forget => self.forget_last(),
            Command::History(file) => self.past(file).await?,
            Command::Echo(text) => self.write(&format!("{text}\n"))?,
            Command::System(command) => self.system(command).await?,
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
        self.statement(&statement(kind), text).await
    }

    async fn look(&mut self, look: Look, text: &SourceText) -> Result<()> {
        self.kind(StatementKind::Look(Box::new(look)), text).await
    }

    /// `\d`: one relation, or a list of them; of the session, or of an integration.
    async fn describe(&mut self, described: Described, text: &SourceText) -> Result<()> {
        let Described { name, from } = described;
        match (name, from) {
            (None, None) => self.listing(&describe::relations(&self.session, None, None)).await,
            (Some(name), None) if name.is_pattern => {
                self.listing(&describe::relations(&self.session, None, Some(&name.written))).await
            }
            (Some(name), None) => {
                let last = name.path.parts.last().map(|part| part.value.clone()).unwrap_or_default();
                let described = statement(StatementKind::Describe { name: name.path });
                match self.execute(&described, text, None).await? {
                    Some(Outcome::Listing(columns)) => {
                        let options = describe::options(&self.session, &last);
                        self.table_of(std::iter::once(columns).chain(options)).await
                    }
                    _ => Ok(()),
                }
            }
            (Some(name), Some(from)) if !name.is_pattern => {
                let table = Ident { value: name.written, span: name.path.span };
                self.look(Look::DescribeTable { table, from: Some(from) }, text).await
            }
            (pattern, Some(from)) => {
                let like = pattern.map(|name| name.like());
                self.look(Look::Tables { from, like }, text).await
            }
        }
    }

    /// `\dt`, `\dv`: what is of a kind; of the session, or of an integration.
    async fn relations(&mut self, kind: &str, described: Described, text: &SourceText) -> Result<()> {
        let Described { name, from } = described;
        let Some(from) = from else {
            let pattern = name.map(|name| name.plain());
            return self.listing(&describe::relations(&self.session, Some(kind), pattern.as_deref())).await;
        };
        let looked = Look::Tables { from, like: name.map(|name| name.like()) };
        match self.execute(&statement(StatementKind::Look(Box::new(looked))), text, None).await? {
            Some(Outcome::Listing(listing)) => self.listing(&describe::of_kind(listing, kind)).await,
            _ => Ok(()),
        }
    }

    /// `\conninfo`: there is no server that one is connected to.
    async fn connections(&mut self, text: &SourceText) -> Result<()> {
        let jobs = match self.jobs.running().len() {
            1 => "1 job runs".to_string(),
            running => format!("{running} jobs run"),
        };
        let version = env!("CARGO_PKG_VERSION");
        self.write(&format!("Millstream {version} in this process, without a server; {jobs}.\n"))?;
        if self.session.integrations().names().next().is_none() {
            return self.write("There are no integrations: millstream.toml declares them.\n");
        }
        self.kind(StatementKind::Show(Show::Integrations), text).await
    }

    /// `\s`: what was typed, secrets blotted out.
    async fn past(&mut self, file: Option<PathBuf>) -> Result<()> {
        let Some(history) = &self.history else {
            return Err(Error::statement("\\s shows what was typed at a prompt, and there is none"));
        };
        let entries: String = history.all().iter().map(|entry| format!("{}\n", mask_text(entry))).collect();
        match file {
            None => self.page(entries).await,
            Some(file) => std::fs::write(&file, entries)
                .map_err(|e| Error::external(format!("cannot write \"{}\": {e}", file.display()))),
        }
    }

    fn clear_screen(&self) {
        if self.manner.interactive {
            console::stdout(b"\x1b[2J\x1b[3J\x1b[H");
        }
    }
}

/// A statement that nobody has written.
fn statement(kind: StatementKind) -> Statement {
    Statement { kind, span: Span::on_line(1, 1, 1), text: String::new() }
}

//! Statements that declare and set: tables, views, options.

use std::sync::Arc;

use super::Session;
use crate::catalog::{Object, View, table_of};
use crate::error::{Error, Result};
use crate::plan::table::PlannedTable;
use crate::plan::uses::table_uses;
use crate::span::SourceText;
use crate::sql::{AlterTable, ObjectPath, Statement, StatementKind};

impl Session {
    pub(super) fn declare(&mut self, statement: &Statement, text: &SourceText) -> Result<()> {
        match &statement.kind {
            StatementKind::CreateTable(create) => {
                let table = table_of(create, &self.catalog, Some(text))?;
                self.binder().check_watermark(&table)?;
                let name = table.name.clone();
                let elsewhere = match self.catalog.find(&name) {
                    Some(Object::Table(known)) => known.text.as_ref().filter(|known| known.name != text.name),
                    _ => None,
                };
                let elsewhere = elsewhere.map(|known| known.name.clone());
                let added = self.catalog.add(
                    name,
                    Object::Table(Arc::new(table)),
                    create.temporary,
                    create.if_not_exists,
                    Some(create.name.span),
                );
                added.map_err(|error| match elsewhere {
                    Some(file) => error.with_hint(format!(
                        "\"{file}\" declares it, and all files of a command are one session. Use IF NOT EXISTS, or give a command for each file (`millstream check --each` takes them one by one)."
                    )),
                    None => error,
                })
            }
            StatementKind::CreateView(create) => {
                let view = View {
                    name: self.catalog.name(&create.name)?,
                    columns: create.columns.iter().map(|c| c.value.clone()).collect(),
                    query: create.query.clone(),
                    sql: create.query_text.clone(),
                    comment: create.comment.clone(),
                    temporary: create.temporary,
                    text: Some(text.clone()),
                };
                let relation = self.binder().query(&create.query)?;
                let uses = table_uses(&relation.plan);
                if !view.columns.is_empty() && view.columns.len() != relation.columns.len() {
                    return Err(Error::statement(format!(
                        "view \"{}\" names {} column{}, and its query has {}",
                        view.name.name,
                        view.columns.len(),
                        if view.columns.len() == 1 { "" } else { "s" },
                        relation.columns.len()
                    ))
                    .at(create.name.span));
                }
                let mut names = view.columns.iter().map(String::as_str);
                let repeated = match view.columns.is_empty() {
                    true => relation.shared_name(),
                    false => names.find(|name| view.columns.iter().filter(|other| other == name).count() > 1),
                };
                if let Some(repeated) = repeated {
                    return Err(Error::statement(format!(
                        "view \"{}\" has several columns called \"{repeated}\"",
                        view.name.name
                    ))
                    .with_hint("Give each its own name with AS, or list the names behind the view's.")
                    .at(create.name.span));
                }
                let name = view.name.clone();
                self.note_uses(&uses, statement.span);
                self.catalog.add(
                    name,
                    Object::View(Arc::new(view)),
                    create.temporary,
                    create.if_not_exists,
                    Some(create.name.span),
                )
            }
            StatementKind::DropTable { name, if_exists, temporary } => {
                self.catalog.drop(name, false, *temporary, *if_exists)
            }
            StatementKind::DropView { name, if_exists, temporary } => {
                self.catalog.drop(name, true, *temporary, *if_exists)
            }
            StatementKind::AlterTable { name, if_exists, change } => self.alter(name, *if_exists, change),
            StatementKind::AlterViewRename { name: path, to } => {
                let name = self.catalog.name(path)?;
                match self.catalog.find(&name) {
                    Some(Object::View(_)) => self.catalog.rename(path, to),
                    Some(other) => {
                        Err(Error::statement(format!("\"{}\" is a {}, not a view", name.name, other.kind()))
                            .with_hint("Use ALTER TABLE.")
                            .at(path.span))
                    }
                    None => Err(self.catalog.unknown("view", &name.name, Some(path.span))),
                }
            }
            StatementKind::Set { key, value } => {
                self.set_option(&key.value, &value.value, Some(key.span)).map_err(|e| e.at(value.span))
            }
            StatementKind::Reset { key } => {
                let outcome = self.settings.reset(&key.value);
                self.note_setting(&key.value, outcome, Some(key.span));
                Ok(())
            }
            StatementKind::ResetAll => {
                self.settings.reset_all();
                Ok(())
            }
            StatementKind::UseCatalog(catalog) if catalog.value == crate::catalog::DEFAULT_CATALOG => Ok(()),
            StatementKind::UseCatalog(catalog) => {
                Err(Error::statement(format!("catalog \"{}\" does not exist", catalog.value)).at(catalog.span))
            }
            StatementKind::UseDatabase(path) => {
                let probe = ObjectPath {
                    parts: path.parts.iter().cloned().chain(path.parts.last().cloned()).collect(),
                    span: path.span,
                };
                self.catalog.name(&probe).map(|_| ())
            }
            _ => Err(Error::internal("a statement was not taken")),
        }
    }

    fn alter(&mut self, path: &ObjectPath, if_exists: bool, change: &AlterTable) -> Result<()> {
        let name = self.catalog.name(path)?;
        let table = match self.catalog.find(&name) {
            None if if_exists => return Ok(()),
            None => return Err(self.catalog.unknown("table", &name.name, Some(path.span))),
            Some(Object::Table(table)) => table.clone(),
            Some(_) => {
                return Err(
                    Error::statement(format!("\"{}\" is not a table that was declared", name.name)).at(path.span)
                );
            }
        };
        let mut altered = table.as_ref().clone();
        match change {
            AlterTable::Rename(to) => return self.catalog.rename(path, to),
            AlterTable::Set(options) => {
                for (key, value) in options.iter() {
                    altered.options.set(key, value, None);
                }
            }
            AlterTable::Reset(keys) => {
                for key in keys {
                    if key.value == "connector" {
                        return Err(Error::statement("ALTER TABLE can't reset 'connector'").at(key.span));
                    }
                    altered.options.remove(&key.value);
                }
            }
        }
        self.catalog.replace(&name, Object::Table(Arc::new(altered)));
        Ok(())
    }

    /// A declared table must be usable: its options, expressions and types are checked at once. One that isn't does not
    /// stay.
    pub(super) fn check_declared(&mut self, statement: &Statement) -> Result<()> {
        let name = match &statement.kind {
            StatementKind::CreateTable(create) => &create.name,
            StatementKind::AlterTable { name, change: AlterTable::Set(_) | AlterTable::Reset(_), .. } => name,
            _ => return Ok(()),
        };
        if !matches!(self.catalog.get(name), Ok(Object::Table(_))) {
            return Ok(()); // IF EXISTS
        }
        let checked = self.binder().table(name, &Default::default()).and_then(|table| usable(&table).map(|()| table));
        match (checked, &statement.kind) {
            (Ok(table), _) => {
                self.note_options(&table, statement.span);
                Ok(())
            }
            (Err(error), StatementKind::CreateTable(create)) => {
                self.catalog.drop(name, false, create.temporary, true)?;
                Err(error)
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// A table is a source, a sink, or both: it must do for one of them.
fn usable(table: &PlannedTable) -> Result<()> {
    let (connector, descriptor) = table.connector()?;
    let source = if connector.reads() { connector.source(descriptor).map(drop) } else { Ok(()) };
    let sink = if connector.writes() { connector.sink(descriptor).map(drop) } else { Ok(()) };
    match (connector.reads(), connector.writes()) {
        (true, false) => source,
        (false, _) => sink,
        (true, true) => source.or(sink),
    }
    .map_err(|error| table.in_text(error))
}

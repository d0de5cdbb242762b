//! The catalog of a session: tables and views by full name, and where unqualified names live.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::registered::RegisteredTable;
use super::table::{DEFAULT_CATALOG, DEFAULT_DATABASE, ObjectName, Table, View};
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;
use crate::sql::ObjectPath;

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Object {
    Table(Arc<Table>),
    View(Arc<View>),
    /// Rows that a program handed to the session.
    Registered(Arc<RegisteredTable>),
}

impl Object {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::View(_) => "view",
            _ => "table",
        }
    }
}

/// Tables and views; in memory, gone with the session. There is one catalog, and databases are not created yet.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    objects: BTreeMap<ObjectName, Object>,
    /// Temporary objects stand before permanent ones of the same name.
    temporary: BTreeMap<ObjectName, Object>,
    /// The names of all objects, in the order of their declaration; those of dropped ones stay.
    declared: Vec<ObjectName>,
}

impl Catalog {
    pub fn new() -> Self {
        Self::default()
    }

    /// The full name that a path stands for.
    pub fn name(&self, path: &ObjectPath) -> Result<ObjectName> {
        let parts: Vec<&str> = path.parts.iter().map(|p| p.value.as_str()).collect();
        let name = match parts.as_slice() {
            [name] => ObjectName::local(*name),
            [database, name] => {
                ObjectName { catalog: DEFAULT_CATALOG.into(), database: (*database).into(), name: (*name).into() }
            }
            [catalog, database, name] => {
                ObjectName { catalog: (*catalog).into(), database: (*database).into(), name: (*name).into() }
            }
            _ => return Err(Error::statement("a name has at most three parts: catalog.database.name").at(path.span)),
        };
        if name.catalog != DEFAULT_CATALOG || name.database != DEFAULT_DATABASE {
            return Err(Error::statement(format!("database \"{}.{}\" does not exist", name.catalog, name.database))
                .with_hint(format!("There is one database: {DEFAULT_CATALOG}.{DEFAULT_DATABASE}."))
                .at(path.span));
        }
        Ok(name)
    }

    pub fn find(&self, name: &ObjectName) -> Option<&Object> {
        self.temporary.get(name).or_else(|| self.objects.get(name))
    }

    /// What a path stands for, or an error that names the nearest.
    pub fn get(&self, path: &ObjectPath) -> Result<&Object> {
        let name = self.name(path)?;
        self.find(&name).ok_or_else(|| self.unknown("table", &name.name, Some(path.span)))
    }

    pub fn unknown(&self, kind: &str, name: &str, span: Option<Span>) -> Error {
        let known: Vec<&str> = self.all().map(|(n, _)| n.name.as_str()).collect();
        let error = Error::statement(format!("{kind} \"{name}\" not found")).at(span);
        match did_you_mean(name, known.iter().copied()) {
            Some(hint) => error.with_hint(hint),
            None if known.is_empty() => error.with_hint("No table is declared yet: use CREATE TABLE."),
            None => error,
        }
    }

    /// Adds an object. Without `replace_nothing`, an existing one is an error; with it (IF NOT EXISTS) it stays.
    pub fn add(
        &mut self,
        name: ObjectName,
        object: Object,
        temporary: bool,
        if_not_exists: bool,
        span: Option<Span>,
    ) -> Result<()> {
        let objects = if temporary { &mut self.temporary } else { &mut self.objects };
        if let Some(existing) = objects.get(&name) {
            if if_not_exists {
                return Ok(());
            }
            return Err(Error::statement(format!("{} \"{}\" already exists", existing.kind(), name.name))
                .with_hint("Use IF NOT EXISTS, or DROP it first.")
                .at(span));
        }
        objects.insert(name.clone(), object);
        self.declared.retain(|known| *known != name);
        self.declared.push(name);
        Ok(())
    }

    /// Puts a changed object in the place of the one it was made from.
    pub fn replace(&mut self, name: &ObjectName, object: Object) {
        match self.temporary.get_mut(name) {
            Some(place) => *place = object,
            None => {
                self.objects.insert(name.clone(), object);
            }
        }
    }

    /// Removes a table or view; `views` says which is meant.
    pub fn drop(&mut self, path: &ObjectPath, views: bool, temporary: bool, if_exists: bool) -> Result<()> {
        let name = self.name(path)?;
        let kind = if views { "view" } else { "table" };
        let objects = match (temporary, self.temporary.get(&name)) {
            (true, Some(_)) => &mut self.temporary,
            (true, None) if if_exists => return Ok(()),
            (true, None) => return Err(self.unknown(&format!("temporary {kind}"), &name.name, Some(path.span))),
            (false, Some(object)) if (object.kind() == "view") == views => {
                return Err(Error::statement(format!("\"{}\" is a temporary {kind}", name.name))
                    .with_hint(format!("Use DROP TEMPORARY {}.", kind.to_uppercase()))
                    .at(path.span));
            }
            (false, _) => &mut self.objects,
        };
        match objects.get(&name) {
            Some(object) if (object.kind() == "view") == views => {
                objects.remove(&name);
                Ok(())
            }
            Some(object) => Err(Error::statement(format!("\"{}\" is a {}, not a {kind}", name.name, object.kind()))
                .with_hint(format!("Use DROP {}.", object.kind().to_uppercase()))
                .at(path.span)),
            None if if_exists => Ok(()),
            None => Err(self.unknown(kind, &name.name, Some(path.span))),
        }
    }

    /// Gives an object another name.
    pub fn rename(&mut self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        let (old, new) = (self.name(from)?, self.name(to)?);
        if self.find(&new).is_some() {
            return Err(Error::statement(format!("\"{}\" already exists", new.name)).at(to.span));
        }
        let objects = if self.temporary.contains_key(&old) { &mut self.temporary } else { &mut self.objects };
        let Some(mut object) = objects.remove(&old) else {
            return Err(self.unknown("table", &old.name, Some(from.span)));
        };
        match &mut object {
            Object::Table(table) => Arc::make_mut(table).name = new.clone(),
            Object::View(view) => Arc::make_mut(view).name = new.clone(),
            Object::Registered(_) => {}
        }
        objects.insert(new.clone(), object);
        self.declared.iter_mut().filter(|known| **known == old).for_each(|known| *known = new.clone());
        Ok(())
    }

    /// The names of what is declared and of what was, each where it was declared last.
    pub fn declared(&self) -> impl Iterator<Item = &ObjectName> {
        self.declared.iter()
    }

    /// All objects by name, temporary ones in the place of those they hide.
    pub fn all(&self) -> impl Iterator<Item = (&ObjectName, &Object)> {
        let mut all: BTreeMap<&ObjectName, &Object> = self.objects.iter().collect();
        all.extend(self.temporary.iter());
        all.into_iter()
    }
}

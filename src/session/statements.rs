//! What each kind of statement does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::plan::PlannedInserts;
use super::{Listing, Outcome, Query, ServiceKind, Session, portability};
use crate::catalog::{Object, ObjectName, View, table_of};
use crate::connectors::secrets::redact_setting;
use crate::error::{Error, Result};
use crate::functions::{aggregate, library};
use crate::plan::explain::explain;
use crate::plan::stream_plan::NodeKind;
use crate::plan::table::PlannedTable;
use crate::plan::uses::table_uses;
use crate::runtime::{Checkpoints, CollectSink, JobConfig, JobStatus, start};
use crate::settings;
use crate::span::{SourceText, Span};
use crate::sql::{
    AlterTable, ExplainDetail, Ident, Insert, LikePattern, ObjectPath, Show, Statement, StatementKind,
    show_create_table, show_create_view,
};
use crate::types::{SqlType, TimeAttribute, TypeKind};

impl Session {
    pub(super) fn run_statement(&mut self, statement: &Statement, text: &SourceText) -> Result<Outcome> {
        match &statement.kind {
            StatementKind::Insert(insert) => self.start_inserts(std::slice::from_ref(insert), &statement.text),
            StatementKind::StatementSet(inserts) => self.start_inserts(inserts, &statement.text),
            StatementKind::Query(query) => {
                let (sink, rows) = CollectSink::new();
                let planned = self.plan_query_noted(query, Arc::new(sink), statement.span)?;
                let name = self.job_name(self.settings.get("pipeline.name").unwrap_or("collect").to_string(), None);
                // What a query has shown can't be taken back: it keeps nothing.
                let config = self.job_config(name, None);
                let updating = planned
                    .stream
                    .nodes
                    .iter()
                    .any(|node| !node.mode.is_insert_only() && matches!(node.kind, NodeKind::Sink(_)));
                let job = start(planned.stream, config);
                self.jobs.add(&job, &statement.text, true);
                let batch = self.settings.batch();
                Ok(Outcome::Query(Query { schema: planned.schema, job, batch, updating, rows, ended: false }))
            }
            StatementKind::Show(show) => self.show(show),
            StatementKind::ShowSettings => {
                let mut listing = Listing::new(&["key", "value"]);
                for (key, value) in self.settings.iter() {
                    listing.push(vec![Some(key.to_string()), Some(redact_setting(key, value))]);
                }
                Ok(Outcome::Listing(listing))
            }
            StatementKind::ShowSetting { key } => self.show_setting(key).map(Outcome::Listing),
            StatementKind::Describe { name } => {
                let described = self.describe(name).map(Outcome::Listing);
                described.map_err(|error| self.with_place_to_look(error, name))
            }
            StatementKind::DescribeJob { job } => self.describe_job(job).map(Outcome::Listing),
            StatementKind::Explain { details, statement } => self.explain(details, statement).map(Outcome::Text),
            _ => {
                self.declare(statement, text)?;
                self.note_declared(statement);
                Ok(Outcome::Done)
            }
        }
    }

    /// Plans without starting; declarations take effect. With `strictly`, a declared table must be usable even if
    /// nothing uses it.
    pub(super) fn plan_statement(&mut self, statement: &Statement, text: &SourceText, strictly: bool) -> Result<()> {
        match &statement.kind {
            StatementKind::Insert(insert) => self.plan_job(std::slice::from_ref(insert), &statement.text),
            StatementKind::StatementSet(inserts) => self.plan_job(inserts, &statement.text),
            StatementKind::Query(query) => {
                let (sink, _) = CollectSink::new();
                let planned = self.plan_query_noted(query, Arc::new(sink), statement.span)?;
                self.check_result_mode(&planned)
            }
            StatementKind::Explain { statement: inner, .. } => {
                self.run_statement(statement, text)?;
                self.plan_statement(inner, text, strictly)
            }
            // Its jobs are not there before they run.
            StatementKind::StopJob { .. } | StatementKind::DescribeJob { .. } => Ok(()),
            StatementKind::Show(_)
            | StatementKind::ShowSettings
            | StatementKind::ShowSetting { .. }
            | StatementKind::Describe { .. } => {
                self.notices.extend(portability::of_statement(statement));
                self.run_statement(statement, text).map(|_| ())
            }
            StatementKind::Look(look) => {
                self.notices.push(portability::of_look(look, statement.span));
                self.check_look(look)
            }
            _ => {
                self.declare(statement, text)?;
                if strictly {
                    return self.check_declared(statement);
                }
                self.note_declared(statement);
                Ok(())
            }
        }
    }

    /// A declared table must be usable: its options, expressions and types are checked at once. One that isn't does not
    /// stay.
    fn check_declared(&mut self, statement: &Statement) -> Result<()> {
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

    fn declare(&mut self, statement: &Statement, text: &SourceText) -> Result<()> {
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
                        "\"{file}\" declares it, and all files of a command are one session. Use IF NOT EXISTS, or give a command for each file."
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

    fn plan_job(&mut self, inserts: &[Insert], sql: &str) -> Result<()> {
        let planned = self.plan_inserts_noted(inserts)?;
        let name = self.insert_name(&planned, sql);
        self.planned_jobs.push(name);
        Ok(())
    }

    /// What jobs are called, where somebody says so.
    pub(super) fn given_name(&self) -> Option<String> {
        let set = self.settings.get("pipeline.name").map(str::to_string);
        set.or_else(|| self.default_name.clone())
    }

    /// `pipeline.name`, or what the job writes to.
    pub(super) fn insert_name(&mut self, planned: &PlannedInserts, sql: &str) -> String {
        let tables: Vec<String> = planned.stream.sinks().map(str::to_string).collect();
        let name = self.given_name().unwrap_or_else(|| {
            let full = |t: &String| crate::catalog::ObjectName::local(t).to_string();
            format!("insert-into_{}", tables.iter().map(full).collect::<Vec<_>>().join(","))
        });
        self.job_name(name, Some(sql))
    }

    fn start_inserts(&mut self, inserts: &[Insert], sql: &str) -> Result<Outcome> {
        let planned = self.plan_inserts_noted(inserts)?;
        let name = self.insert_name(&planned, sql);
        let checkpoints = match self.settings.batch() {
            true => self.batch_epoch(&planned.stream),
            false => self.checkpoints(&name)?,
        };
        self.begun.insert(name.clone());
        let config = self.job_config(name, checkpoints);
        let job = start(planned.stream, config);
        self.jobs.add(&job, sql, false);
        Ok(Outcome::Job(job))
    }

    /// The name of the next job. Statements that share one are numbered in their order, the same in every run, for by
    /// its name a job finds its checkpoints. A statement that was stopped or failed, and is given again, goes on under
    /// its number.
    pub(super) fn job_name(&mut self, name: String, sql: Option<&str>) -> String {
        let numbered = |number: usize| if number == 0 { name.clone() } else { format!("{name}-{}", number + 1) };
        let status = |number: usize| {
            let numbered = numbered(number);
            self.jobs.iter().filter(|job| job.state.name.as_ref() == numbered).last().map(|job| job.state.status())
        };
        let Some(sql) = sql else {
            let is_free = |number: &usize| status(*number).is_none_or(JobStatus::has_ended);
            return numbered((0..).find(is_free).unwrap_or_default());
        };
        let known = self.job_names.get(&name).map_or(&[][..], Vec::as_slice);
        let broken_off = |number: &usize| matches!(status(*number), Some(JobStatus::Canceled | JobStatus::Failed));
        let again = (0..known.len()).find(|number| known[*number] == sql && broken_off(number));
        let number = again.unwrap_or(known.len());
        let name = numbered(number);
        if again.is_none() {
            self.job_names.entry(numbered(0)).or_default().push(sql.to_string());
        }
        name
    }

    pub(super) fn job_config(&self, name: String, checkpoints: Option<Checkpoints>) -> JobConfig {
        JobConfig {
            name: name.into(),
            parallelism: self.settings.parallelism(),
            clock: self.clock.clone(),
            restart: self.restart_strategy(checkpoints.is_some() && !self.settings.batch()),
            checkpoints,
            batch_rows: self.settings.batch_rows(),
            memory: self.memory.clone(),
            reporter: self.reporter.clone(),
            costs: None,
        }
    }

    fn explain(&mut self, details: &[ExplainDetail], statement: &Statement) -> Result<String> {
        let missing = details.iter().find_map(|detail| match detail {
            ExplainDetail::ChangelogMode => None,
            ExplainDetail::EstimatedCost => Some("ESTIMATED_COST"),
            ExplainDetail::JsonExecutionPlan => Some("JSON_EXECUTION_PLAN"),
            ExplainDetail::PlanAdvice => Some("PLAN_ADVICE"),
        });
        if let Some(detail) = missing {
            return Err(Error::unsupported(format_args!("{detail} in EXPLAIN"))
                .with_hint("EXPLAIN CHANGELOG_MODE adds what may travel on each edge."));
        }
        let changelog_mode = details.contains(&ExplainDetail::ChangelogMode);
        match &statement.kind {
            StatementKind::Query(query) => {
                let (sink, _) = CollectSink::new();
                let planned = self.plan_query(query, Arc::new(sink))?;
                Ok(explain([&planned.logical], &planned.stream, changelog_mode))
            }
            StatementKind::Insert(_) | StatementKind::StatementSet(_) => {
                let inserts = match &statement.kind {
                    StatementKind::StatementSet(inserts) => inserts.as_slice(),
                    StatementKind::Insert(insert) => std::slice::from_ref(insert.as_ref()),
                    _ => &[],
                };
                let planned = self.plan_inserts_noted(inserts)?;
                Ok(explain(planned.inserts.iter().map(|(_, plan)| plan), &planned.stream, changelog_mode))
            }
            _ => Err(Error::statement("EXPLAIN takes a query, an INSERT or a statement set").at(statement.span)),
        }
    }

    pub(super) fn show(&self, show: &Show) -> Result<Outcome> {
        let names = |views: bool| {
            let wanted = move |object: &Object| matches!(object, Object::View(_)) == views;
            self.catalog.all().filter(move |(_, o)| wanted(o)).map(|(n, _)| n.name.clone())
        };
        let listing = match show {
            Show::Catalogs => Listing::single("catalog name", [crate::catalog::DEFAULT_CATALOG.to_string()]),
            Show::CurrentCatalog => {
                Listing::single("current catalog name", [crate::catalog::DEFAULT_CATALOG.to_string()])
            }
            Show::Databases => Listing::single("database name", [crate::catalog::DEFAULT_DATABASE.to_string()]),
            Show::CurrentDatabase => {
                Listing::single("current database name", [crate::catalog::DEFAULT_DATABASE.to_string()])
            }
            // As in Flink, SHOW TABLES lists views too.
            Show::Tables { like } => {
                let mut all: Vec<String> = names(false).chain(names(true)).collect();
                all.sort();
                Listing::single("table name", all.into_iter().filter(|n| fits(like, n)))
            }
            Show::Views { like } => Listing::single("view name", names(true).filter(|n| fits(like, n))),
            // Functions are called in any case, so they are looked for in any case, too.
            Show::Functions { like } => {
                let like = like.clone().map(|like| LikePattern { case_insensitive: true, ..like });
                let mut all: Vec<String> = library::all().into_iter().map(|f| f.name().to_lowercase()).collect();
                all.extend(aggregate::all().into_iter().map(|f| f.name().to_lowercase()));
                all.sort();
                Listing::single("function name", all.into_iter().filter(|n| fits(&like, n)))
            }
            Show::Jobs => self.show_jobs(),
            Show::Integrations => self.show_integrations(),
            Show::Columns { table, like } => {
                let mut listing = self.describe(table)?;
                listing.rows.retain(|row| row[0].as_ref().is_some_and(|name| fits(like, name)));
                listing
            }
            Show::CreateTable(path) => match self.catalog.get(path)? {
                Object::Table(table) => return Ok(Outcome::Text(show_create_table(table))),
                _ => {
                    return Err(Error::statement("SHOW CREATE TABLE is only supported for tables that were declared")
                        .with_hint("Use SHOW CREATE VIEW for a view.")
                        .at(path.span));
                }
            },
            Show::CreateView(path) => match self.catalog.get(path)? {
                Object::View(view) => return Ok(Outcome::Text(show_create_view(view))),
                _ => return Err(Error::statement("SHOW CREATE VIEW is only supported for views").at(path.span)),
            },
        };
        Ok(Outcome::Listing(listing))
    }

    /// Its value now, which may be its default.
    fn show_setting(&self, key: &Ident) -> Result<Listing> {
        let value = self.settings.get(&key.value);
        if value.is_none() && !settings::is_known(&key.value) {
            let error = Error::statement(format!("unknown option '{}'", key.value)).at(key.span);
            return Err(match settings::near(&key.value) {
                Some(near) => error.with_hint(format!("Did you mean '{near}'?")),
                None => error.with_hint("SET lists what is set."),
            });
        }
        let mut listing = Listing::new(&["key", "value"]);
        listing.push(vec![Some(key.value.clone()), value.map(|value| redact_setting(&key.value, value))]);
        Ok(listing)
    }

    /// A name that no table has may be one of a service.
    fn with_place_to_look(&self, error: Error, path: &ObjectPath) -> Error {
        let is_known = self.catalog.get(path).is_ok() || error.hint().is_some_and(|hint| hint.starts_with("Did you"));
        let name = path.parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let places = self.services().into_iter().filter_map(|service| match service.kind? {
            ServiceKind::Kafka => Some(format!("DESCRIBE TOPIC {name}")),
            ServiceKind::Postgres => Some(format!("DESCRIBE TABLE {name}")),
            ServiceKind::OpenSearch => Some(format!("DESCRIBE INDEX {name}")),
        });
        let places: BTreeSet<String> = places.filter(|_| !is_known).collect();
        match places.is_empty() {
            true => error,
            false => {
                let places: Vec<String> = places.into_iter().rev().collect();
                error.with_hint(format!("No table of the session. Of a service: {}.", places.join(", ")))
            }
        }
    }

    /// The names and types of a table's or view's columns.
    ///
    /// # Errors
    /// An unknown name, or a declaration that no statement could use.
    pub fn columns_of(&self, name: &ObjectName) -> Result<Vec<(String, String)>> {
        let parts = [&name.catalog, &name.database, &name.name];
        let span = Span::on_line(1, 1, 1);
        let parts = parts.iter().map(|part| Ident { value: part.to_string(), span }).collect();
        let listing = self.describe(&ObjectPath { parts, span })?;
        let pair = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter();
            Some((cells.next()??, cells.next()??))
        };
        Ok(listing.rows.into_iter().filter_map(pair).collect())
    }

    fn describe(&self, path: &ObjectPath) -> Result<Listing> {
        let binder = self.binder();
        let mut listing = Listing::new(&["name", "type", "null", "key", "extras", "watermark"]);
        listing.columns[2].1 = SqlType::nullable(TypeKind::Boolean);
        if let Object::View(view) = self.catalog.get(path)? {
            let relation = binder.query(&view.query)?;
            for (i, field) in relation.schema().fields.iter().enumerate() {
                let name = view.columns.get(i).unwrap_or(&field.name);
                listing.push(row_of(name, &field.ty, field.time_attribute, None, None, None));
            }
            return Ok(listing);
        }
        let planned = binder.table(path, &Default::default())?;
        let declared = match self.catalog.get(path)? {
            Object::Table(table) => Some(table.clone()),
            _ => None,
        };
        let key = match planned.primary_key.is_empty() {
            true => None,
            false => Some(format!("PRI({})", planned.primary_key.join(", "))),
        };
        for field in &planned.schema.fields {
            let in_key = planned.primary_key.contains(&field.name);
            let column = declared.as_ref().and_then(|t| t.columns.iter().find(|c| c.name == field.name));
            let extras = column.and_then(extras_of);
            let watermark = declared.as_ref().and_then(|t| t.watermark.as_ref());
            let watermark = watermark.filter(|w| w.column == field.name).map(|w| w.sql.clone());
            let key = key.clone().filter(|_| in_key);
            listing.push(row_of(&field.name, &field.ty, field.time_attribute, key, extras, watermark));
        }
        if let Some(table) = declared.filter(|t| t.columns.iter().any(|c| c.comment.is_some())) {
            listing.columns.push(("comment".to_string(), SqlType::string()));
            for (row, column) in listing.rows.iter_mut().zip(&table.columns) {
                row.push(column.comment.clone());
            }
        }
        Ok(listing)
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

fn row_of(
    name: &str,
    ty: &SqlType,
    attribute: Option<TimeAttribute>,
    key: Option<String>,
    extras: Option<String>,
    watermark: Option<String>,
) -> Vec<Option<String>> {
    let marker = match attribute {
        Some(TimeAttribute::Rowtime) => " *ROWTIME*",
        Some(TimeAttribute::Proctime) => " *PROCTIME*",
        None => "",
    };
    let null = if ty.nullable { "TRUE" } else { "FALSE" };
    vec![Some(name.to_string()), Some(format!("{}{marker}", ty.kind)), Some(null.to_string()), key, extras, watermark]
}

fn extras_of(column: &crate::catalog::Column) -> Option<String> {
    use crate::catalog::ColumnKind;
    match &column.kind {
        ColumnKind::Physical(_) => None,
        ColumnKind::Metadata { key, is_virtual, .. } => {
            let mut text = "METADATA".to_string();
            if let Some(key) = key {
                text += &format!(" FROM '{key}'");
            }
            if *is_virtual {
                text += " VIRTUAL";
            }
            Some(text)
        }
        ColumnKind::Computed { sql, .. } => Some(format!("AS {sql}")),
    }
}

/// True where a name fits `[NOT] {LIKE | ILIKE} 'pattern'`, or there is none.
pub(super) fn fits(like: &Option<LikePattern>, name: &str) -> bool {
    let Some(like) = like else { return true };
    let fold = |text: &str| if like.case_insensitive { text.to_lowercase() } else { text.to_string() };
    let pattern: String = fold(&like.pattern)
        .chars()
        .map(|c| match c {
            '%' => ".*".to_string(),
            '_' => ".".to_string(),
            other => regex::escape(&other.to_string()),
        })
        .collect();
    let fits = regex::Regex::new(&format!("(?s)^{pattern}$")).is_ok_and(|r| r.is_match(&fold(name)));
    fits != like.negated
}

//! A session: SQL text in, results and running jobs out. The whole engine for a program; the binary uses nothing else.

mod checkpoints;
mod declare;
mod describe;
mod integrations;
mod jobs;
mod listing;
mod look;
mod plan;
mod planned_job;
mod portability;
mod prepared;
mod show;
mod start;
mod statements;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;
use tokio::sync::mpsc;

pub use self::checkpoints::{FromSavepoint, StateOptions};
pub use self::jobs::{JobRegistry, SessionJob};
pub use self::listing::Listing;
pub use self::look::{Service, ServiceKind};
pub use self::planned_job::PlannedJob;
pub use self::prepared::Prepared;
use self::start::Run;
use crate::catalog::{Catalog, Integrations, Object, ObjectName, RegisteredTable, conform};
use crate::changelog::ChangelogBatch;
use crate::connectors::Reporter;
use crate::connectors::postgres::inspect::Conversation;
use crate::error::{Error, Result};
use crate::runtime::{Collected, JobEnd, JobHandle, MemoryBudget};
use crate::settings::Settings;
use crate::span::{SourceText, Span};
use crate::sql::{Statement, StatementKind, parse_script};
use crate::time::{Clock, SystemClock};
use crate::types::Schema;

/// Tables, settings and jobs of one user.
///
/// Jobs are started, not waited for: they run on the current Tokio runtime until they end or their handle is dropped.
pub struct Session {
    catalog: Catalog,
    settings: Settings,
    integrations: Integrations,
    clock: Arc<dyn Clock>,
    reporter: Reporter,
    memory: Arc<MemoryBudget>,
    state: StateOptions,
    /// Jobs that have begun: what the command line says of their start was for the first time.
    begun: HashSet<String>,
    /// The names of the jobs that were planned without a start.
    planned_jobs: Vec<String>,
    /// The jobs' name where `pipeline.name` is not set.
    default_name: Option<String>,
    /// The statements that write and whose jobs share a name, in order.
    job_names: HashMap<String, Vec<String>>,
    jobs: JobRegistry,
    /// Those of PSQL, by whom they are with.
    conversations: HashMap<String, Conversation>,
    notices: Vec<Notice>,
    /// Messages of notices about tables: each is given once.
    told: HashSet<String>,
    /// Results go to a screen that follows them.
    on_screen: bool,
}

/// What a statement gives.
pub enum Outcome {
    /// Done; nothing to show.
    Done,
    /// Rows to show: SHOW, DESCRIBE.
    Listing(Listing),
    /// Text to show: EXPLAIN, SHOW CREATE TABLE.
    Text(String),
    /// What a database answers: to the statements of a PSQL, in their order; to DESCRIBE TABLE.
    Replies(Vec<Reply>),
    /// An INSERT or a statement set, running.
    Job(JobHandle),
    /// A query, running.
    Query(Query),
}

/// A part of what a database answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Rows(Listing),
    /// A line beside rows: what was done, as `INSERT 0 3`.
    Done(String),
}

/// A running query: its columns and its rows as they come.
pub struct Query {
    pub schema: Schema,
    pub job: JobHandle,
    /// It is answered in batch mode: all its rows are inserts, and the answer is final.
    pub batch: bool,
    /// Rows may be updated or taken back: not all are inserts.
    pub updating: bool,
    rows: Collected,
    ended: bool,
}

/// Something people should know that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub message: String,
    pub hint: Option<String>,
    pub span: Option<Span>,
    /// The text that `span` is in, where it isn't the statement's: that of a table's declaration.
    pub text: Option<SourceText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// Probably a mistake; an error with `check --strict`.
    Warning,
    /// An option that is taken for Flink's sake and does nothing here.
    WithoutEffect,
    /// Flink would refuse it or read it differently.
    Portability,
    /// A service says it.
    Said,
    /// A service warns of it, or what we know of its answer is not all.
    Warned,
}

impl NoticeKind {
    /// What stands in front of it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Warning | Self::Warned => "warning",
            Self::WithoutEffect => "note",
            Self::Portability => "portable",
            Self::Said => "notice",
        }
    }
}

impl Session {
    pub fn new() -> Self {
        Self {
            catalog: Catalog::new(),
            settings: Settings::new(),
            integrations: Integrations::default(),
            clock: Arc::new(SystemClock),
            reporter: Reporter::silent(),
            memory: Arc::default(),
            state: StateOptions::default(),
            begun: HashSet::new(),
            planned_jobs: Vec::new(),
            default_name: None,
            job_names: HashMap::new(),
            jobs: JobRegistry::default(),
            conversations: HashMap::new(),
            notices: Vec::new(),
            told: HashSet::new(),
            on_screen: false,
        }
    }

    /// The integrations that fill blank connections.
    pub fn with_integrations(mut self, integrations: Integrations) -> Self {
        self.integrations = integrations;
        self
    }

    /// Another source of processing time than the machine's clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where jobs say what they wait for.
    pub fn with_reporter(mut self, reporter: Reporter) -> Self {
        self.reporter = reporter;
        self
    }

    /// What the operators of all jobs may hold together; without it as much as there is.
    pub fn with_memory(mut self, budget: MemoryBudget) -> Self {
        self.memory = Arc::new(budget);
        self
    }

    /// The name of jobs that `pipeline.name` does not name.
    pub fn with_job_name(mut self, name: Option<String>) -> Self {
        self.default_name = name;
        self
    }

    /// Results go to a screen that follows them: the mode `table` shows queries that never end, too.
    pub fn on_screen(mut self) -> Self {
        self.on_screen = true;
        self
    }

    /// Makes a bounded table of Arrow batches, which all have one schema; every query reads it from its start.
    ///
    /// # Errors
    /// Without a batch, with different schemas, or where an Arrow type has no SQL type (unsigned integers, unions, …).
    pub fn register_batches(&mut self, name: &str, batches: Vec<RecordBatch>) -> Result<()> {
        let Some(first) = batches.first() else {
            return Err(Error::statement(format!("table \"{name}\" needs at least one batch to tell its columns")));
        };
        let schema = Schema::from_arrow(&first.schema())?;
        if batches.iter().any(|batch| batch.schema() != first.schema()) {
            return Err(Error::statement(format!("the batches of table \"{name}\" have different schemas")));
        }
        let batches = batches.into_iter().map(|b| conform(&b, &schema)).collect::<Result<Vec<_>>>()?;
        self.register(name, RegisteredTable::batches(schema, batches))
    }

    /// Makes a table that the returned sender feeds: one query or statement set can read it, sees every batch at once,
    /// and ends when all senders are gone. `capacity` batches wait at most; then `send` waits. A batch whose columns
    /// are not those of `schema` fails the query.
    pub fn register_channel(
        &mut self,
        name: &str,
        schema: &ArrowSchema,
        capacity: usize,
    ) -> Result<mpsc::Sender<RecordBatch>> {
        let (table, sender) = RegisteredTable::channel(Schema::from_arrow(schema)?, capacity);
        self.register(name, table)?;
        Ok(sender)
    }

    fn register(&mut self, name: &str, table: RegisteredTable) -> Result<()> {
        self.catalog.add(ObjectName::local(name), Object::Registered(Arc::new(table)), false, false, None)
    }

    /// Runs the statements of a text in order, up to the first error. Must be called inside a Tokio runtime.
    ///
    /// A job runs while its [`JobHandle`] (or [`Query`]) is held; where a later statement fails, those of the earlier
    /// ones are dropped with the outcomes: use [`Session::execute_statement`] to keep them.
    pub async fn execute(&mut self, sql: &str) -> Result<Vec<Outcome>> {
        self.execute_text(&SourceText::new("sql", sql)).await
    }

    /// The same for a text with a name, which errors show.
    pub async fn execute_text(&mut self, text: &SourceText) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for statement in parse_script(text) {
            let statement = statement.map_err(|e| e.in_text(text))?;
            outcomes.push(self.execute_statement(&statement, text).await?);
        }
        Ok(outcomes)
    }

    /// Runs one SELECT.
    pub async fn query(&mut self, sql: &str) -> Result<Query> {
        let mut outcomes = self.execute(sql).await?;
        match (outcomes.pop(), outcomes.is_empty()) {
            (Some(Outcome::Query(query)), true) => Ok(query),
            _ => Err(Error::statement("one SELECT is expected here")),
        }
    }

    /// Runs one statement of `text`.
    pub async fn execute_statement(&mut self, statement: &Statement, text: &SourceText) -> Result<Outcome> {
        let outcome = match &statement.kind {
            StatementKind::Look(look) => self.look(look).await,
            StatementKind::StopJob { job, savepoint, drain } => self.stop_job(job, *savepoint, *drain).await,
            _ => self.run_statement(statement, text),
        };
        let outcome = match (outcome, &statement.kind) {
            (
                Err(error),
                StatementKind::Query(_)
                | StatementKind::Insert(_)
                | StatementKind::StatementSet(_)
                | StatementKind::CreateView(_)
                | StatementKind::Explain { .. },
            ) => Err(self.with_suggestion(error).await),
            (outcome, _) => outcome,
        };
        outcome.map_err(|e| e.at(statement.span).in_text(text))
    }

    /// The same as a round of several: a query must end by itself, and SHOW JOBS does not list it.
    pub async fn execute_round(&mut self, statement: &Statement, text: &SourceText) -> Result<Outcome> {
        match &statement.kind {
            StatementKind::Query(query) => {
                let started = self.start_query(query, &statement.text, statement.span, Run::Round);
                started.map_err(|e| e.at(statement.span).in_text(text))
            }
            _ => self.execute_statement(statement, text).await,
        }
    }

    /// Plans one statement without starting anything; declarations take effect. No service is touched.
    pub fn check_statement(&mut self, statement: &Statement, text: &SourceText) -> Result<()> {
        self.plan_statement(statement, text, true).map_err(|e| e.at(statement.span).in_text(text))
    }

    /// What was noticed since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The names that the jobs will have whose statements were checked or prepared.
    pub fn planned_jobs(&self) -> &[String] {
        &self.planned_jobs
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// SET from outside a script (`--set k=v`).
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        self.set_option(key, value, None)
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub fn integrations(&self) -> &Integrations {
        &self.integrations
    }
}

impl Notice {
    /// In the form of an error, so that it is shown with its place; `text` is the statement's.
    pub fn as_error(&self, text: Option<&SourceText>) -> Error {
        let error = Error::statement(self.message.clone()).at(self.span);
        let error = match &self.hint {
            Some(hint) => error.with_hint(hint.clone()),
            None => error,
        };
        match self.text.as_ref().or(text).filter(|_| self.span.is_some()) {
            Some(text) => error.in_text(text),
            None => error,
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Query {
    /// The next rows with what they do; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// The job's failure, once its rows are read.
    pub async fn next(&mut self) -> Result<Option<ChangelogBatch>> {
        match self.rows.next().await {
            Some(batch) => Ok(Some(batch)),
            None if self.ended => Ok(None),
            None => {
                let end = self.job.wait().await;
                self.ended = true;
                end.map(|_: JobEnd| None)
            }
        }
    }

    /// Asks the query to stop; `next` gives what is on its way, then `None`.
    pub fn stop(&self) {
        self.job.stop();
    }
}

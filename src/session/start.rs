//! Jobs as they begin: what they are called, and how they are to run.

use std::sync::Arc;

use super::plan::{PlannedInserts, PlannedQuery};
use super::{Outcome, Query, Session};
use crate::catalog::ObjectName;
use crate::error::{Error, Result};
use crate::plan::stream_plan::{NodeKind, StreamNode};
use crate::runtime::{Checkpoints, CollectSink, Collected, JobConfig, JobStatus, start};
use crate::span::Span;
use crate::sql::Insert;
use datafusion::sql::sqlparser::ast;

/// What a query is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// SHOW JOBS lists it.
    Once,
    /// It is a round of many: it must end by itself, and is listed nowhere.
    Round,
}

impl Session {
    pub(super) fn start_query(&mut self, query: &ast::Query, sql: &str, span: Span, run: Run) -> Result<Outcome> {
        let (sink, rows) = CollectSink::new();
        let planned = self.plan_query_noted(query, Arc::new(sink), span)?;
        if run == Run::Round && !planned.stream.is_bounded() {
            return Err(Error::statement(
                "this query never ends by itself, so there is no result to show again and again",
            )
            .with_hint(ENDLESS));
        }
        Ok(self.run_query(planned, rows, sql, run))
    }

    pub(super) fn run_query(&mut self, planned: PlannedQuery, rows: Collected, sql: &str, run: Run) -> Outcome {
        // What a query has shown can't be taken back: it keeps nothing.
        let config = self.job_config(self.query_name(), None);
        let is_updating = |node: &StreamNode| !node.mode.is_insert_only() && matches!(node.kind, NodeKind::Sink(_));
        let updating = planned.stream.nodes.iter().any(is_updating);
        let job = start(planned.stream, config);
        if run == Run::Once {
            self.jobs.add(&job, sql, true);
        }
        let batch = self.settings.batch();
        Outcome::Query(Query { schema: planned.schema, job, batch, updating, rows, ended: false })
    }

    pub(super) fn start_inserts(&mut self, inserts: &[Insert], sql: &str) -> Result<Outcome> {
        let planned = self.plan_inserts_noted(inserts)?;
        self.run_inserts(planned, sql)
    }

    pub(super) fn run_inserts(&mut self, planned: PlannedInserts, sql: &str) -> Result<Outcome> {
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

    /// Plans a job without starting it, for its errors, its notices and its name.
    pub(super) fn plan_job(&mut self, inserts: &[Insert], sql: &str) -> Result<PlannedInserts> {
        let planned = self.plan_inserts_noted(inserts)?;
        let name = self.insert_name(&planned, sql);
        self.planned_jobs.push(name);
        Ok(planned)
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
            let full = |t: &String| ObjectName::local(t).to_string();
            format!("insert-into_{}", tables.iter().map(full).collect::<Vec<_>>().join(","))
        });
        self.job_name(name, sql)
    }

    /// `pipeline.name`, unless a job that writes is called so, or `collect`. Of queries that run at once each has a number.
    pub(super) fn query_name(&self) -> String {
        let given = self.settings.get("pipeline.name").filter(|name| !self.job_names.contains_key(*name));
        let name = given.unwrap_or("collect");
        let is_free =
            |name: &String| !self.jobs.iter().any(|job| *job.state.name == **name && !job.state.status().has_ended());
        (0..).map(|number| numbered(name, number)).find(is_free).unwrap_or_default()
    }

    /// The name of the next job that writes. Statements that share one are numbered in their order, the same in every
    /// run, for by its name a job finds its checkpoints. A statement that was stopped or failed, and is given again,
    /// goes on under its number; so does another in the place of one that was stopped, or that a person has seen fail.
    fn job_name(&mut self, name: String, sql: &str) -> String {
        let status = |name: &str| {
            let named = self.jobs.iter().filter(|job| !job.is_query && *job.state.name == *name);
            named.last().map(|job| job.state.status())
        };
        let broken_off =
            |number: usize| matches!(status(&numbered(&name, number)), Some(JobStatus::Canceled | JobStatus::Failed));
        let known = self.job_names.get(&name).map_or(&[][..], Vec::as_slice);
        // When a job of a script fails is chance, and names are not.
        let replaced = |number: &usize| match status(&numbered(&name, *number)) {
            Some(JobStatus::Canceled) => true,
            Some(JobStatus::Failed) => self.on_screen,
            _ => false,
        };
        let again = (0..known.len()).find(|number| known[*number] == sql && broken_off(*number));
        let again = again.or_else(|| (0..known.len()).find(replaced));
        let number = again.unwrap_or(known.len());
        let numbered = numbered(&name, number);
        if self.on_screen && again.is_none() && status(&name).is_some_and(|status| !status.has_ended()) {
            self.reporter.news(&format!("job \"{name}\" runs already: this one is job \"{numbered}\", beside it"));
        }
        let texts = self.job_names.entry(name).or_default();
        texts.resize(texts.len().max(number + 1), String::new());
        texts[number] = sql.to_string();
        numbered
    }

    pub(super) fn job_config(&self, name: String, checkpoints: Option<Checkpoints>) -> JobConfig {
        JobConfig {
            name: name.into(),
            declared: self.catalog.declared().map(|name| name.name.clone()).collect(),
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
}

/// What helps where a query goes on for ever.
const ENDLESS: &str = "Run once it shows its rows as they change, or the result of now: SET \
                       'sql-client.execution.result-mode' = 'table'. A bound ends it, such as LIMIT, or \
                       'scan.bounded.mode' = 'latest-offset' of a kafka table.";

/// The name of the first, second, … job that is called so.
fn numbered(name: &str, number: usize) -> String {
    if number == 0 { name.to_string() } else { format!("{name}-{}", number + 1) }
}

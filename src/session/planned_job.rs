//! A job that is planned and not started, so that its doors can be replaced by others.

use std::sync::Arc;

use super::Session;
use crate::checkpoint::Store;
use crate::error::{Error, Result};
use crate::plan::stream_plan::StreamPlan;
use crate::plan::table::PlannedTable;
use crate::plan::uses::table_uses;
use crate::runtime::{Checkpoints, CollectSink, JobConfig, RestartStrategy};
use crate::span::SourceText;
use crate::sql::{Insert, Statement, StatementKind};

/// What a statement would run.
pub struct PlannedJob {
    pub plan: StreamPlan,
    /// How it would run; of its state nothing outlives it, it begins with none, and it ends when it fails.
    pub config: JobConfig,
    /// The tables that it reads and looks up.
    pub tables: Vec<Arc<PlannedTable>>,
}

impl Session {
    /// Plans the job of an INSERT, a statement set or a query; declarations take effect, and of what else there may be
    /// nothing happens.
    pub fn plan_only(&mut self, statement: &Statement, text: &SourceText) -> Result<Option<PlannedJob>> {
        self.planned_job(statement, text).map_err(|error| error.at(statement.span).in_text(text))
    }

    fn planned_job(&mut self, statement: &Statement, text: &SourceText) -> Result<Option<PlannedJob>> {
        match &statement.kind {
            StatementKind::Insert(_) | StatementKind::StatementSet(_) | StatementKind::Query(_)
                if self.settings.batch() =>
            {
                let hint = "Leave SET 'execution.runtime-mode' = 'batch' out: jobs in streaming mode can be measured.";
                Err(Error::unsupported("a benchmark of a batch job").with_hint(hint))
            }
            StatementKind::Insert(insert) => self.planned_inserts(std::slice::from_ref(insert), &statement.text),
            StatementKind::StatementSet(inserts) => self.planned_inserts(inserts, &statement.text),
            StatementKind::Query(query) => {
                let (sink, _) = CollectSink::new();
                let planned = self.plan_query_noted(query, Arc::new(sink), statement.span)?;
                let name = self.query_name();
                let tables = table_uses(&planned.logical).into_iter().map(|(table, _)| table).collect();
                Ok(Some(PlannedJob { plan: planned.stream, config: self.config_of_its_own(name), tables }))
            }
            _ => self.plan_statement(statement, text, false).map(|()| None),
        }
    }

    fn planned_inserts(&mut self, inserts: &[Insert], sql: &str) -> Result<Option<PlannedJob>> {
        let planned = self.plan_inserts_noted(inserts)?;
        let name = self.insert_name(&planned, sql);
        let uses = planned.inserts.iter().flat_map(|(_, plan)| table_uses(plan));
        let tables = uses.map(|(table, _)| table).collect();
        Ok(Some(PlannedJob { plan: planned.stream, config: self.config_of_its_own(name), tables }))
    }

    /// A job whose checkpoints, where it has any, stay in memory.
    fn config_of_its_own(&self, name: String) -> JobConfig {
        let checkpoints = self.checkpoint_interval().map(|interval| Checkpoints::new(Store::memory(), interval));
        JobConfig { restart: RestartStrategy::Never, ..self.job_config(name, checkpoints) }
    }
}

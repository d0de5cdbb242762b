//! A statement that was planned before it runs, so that it is planned once.

use std::sync::Arc;

use super::plan::{PlannedInserts, PlannedQuery};
use super::start::Run;
use super::{Outcome, Session};
use crate::error::Result;
use crate::runtime::{CollectSink, Collected};
use crate::span::SourceText;
use crate::sql::{Statement, StatementKind};

/// What [`Session::prepare_statement`] has planned of a job, for [`Session::execute_prepared`] of a session in the same state:
/// one that began alike and has executed the statements before it.
pub struct Prepared(pub(super) Planned);

pub(super) enum Planned {
    Inserts(PlannedInserts),
    Query(PlannedQuery, Collected),
}

impl Session {
    /// As [`Session::check_statement`] before a run: a table that nothing uses may lack what only its use needs (an
    /// address, say), as in Flink. Gives the plan of what runs.
    pub fn prepare_statement(&mut self, statement: &Statement, text: &SourceText) -> Result<Option<Prepared>> {
        self.prepare(statement, text).map_err(|e| e.at(statement.span).in_text(text))
    }

    fn prepare(&mut self, statement: &Statement, text: &SourceText) -> Result<Option<Prepared>> {
        let planned = match &statement.kind {
            StatementKind::Insert(insert) => {
                Planned::Inserts(self.plan_job(std::slice::from_ref(insert), &statement.text)?)
            }
            StatementKind::StatementSet(inserts) => Planned::Inserts(self.plan_job(inserts, &statement.text)?),
            StatementKind::Query(query) => {
                let (sink, rows) = CollectSink::new();
                let planned = self.plan_query_noted(query, Arc::new(sink), statement.span)?;
                self.check_result_mode(&planned)?;
                Planned::Query(planned, rows)
            }
            _ => return self.plan_statement(statement, text, false).map(|()| None),
        };
        Ok(Some(Prepared(planned)))
    }

    /// Runs one statement of `text` by the plan that was made of it.
    pub async fn execute_prepared(
        &mut self,
        statement: &Statement,
        text: &SourceText,
        prepared: Option<Prepared>,
    ) -> Result<Outcome> {
        let outcome = match prepared.map(|prepared| prepared.0) {
            Some(Planned::Inserts(planned)) => self.run_inserts(planned, &statement.text),
            Some(Planned::Query(planned, rows)) => Ok(self.run_query(planned, rows, &statement.text, Run::Once)),
            None => return self.execute_statement(statement, text).await,
        };
        outcome.map_err(|e| e.at(statement.span).in_text(text))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::TimestampMillisecondType;

    use super::*;
    use crate::sql::parse_script;
    use crate::time::ManualClock;

    const SCRIPT: &str = "
        CREATE TABLE numbers (n INT) WITH (
          'connector' = 'datagen', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '3');
        CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');
        INSERT INTO nowhere SELECT n FROM numbers;
        SELECT n FROM numbers;";

    /// The statements of the script, each with its plan.
    fn prepared(session: &mut Session, text: &SourceText) -> Vec<(Statement, Option<Prepared>)> {
        let statements = parse_script(text).into_iter().map(Result::unwrap);
        let prepare = |statement: Statement| {
            let prepared = session.prepare_statement(&statement, text).unwrap();
            (statement, prepared)
        };
        statements.map(prepare).collect()
    }

    #[tokio::test]
    async fn what_was_prepared_is_not_planned_again() {
        let text = SourceText::new("sql", SCRIPT);
        // It knows no table: what it runs, it runs by the plan.
        let mut session = Session::new();
        let mut ran = 0;
        for (statement, prepared) in prepared(&mut Session::new(), &text) {
            if prepared.is_none() {
                continue;
            }
            ran += 1;
            match session.execute_prepared(&statement, &text, prepared).await.unwrap() {
                Outcome::Job(mut job) => {
                    job.wait().await.unwrap();
                    assert_eq!(job.metrics.rows_out(), 3);
                }
                Outcome::Query(mut query) => {
                    let mut rows = 0;
                    while let Some(batch) = query.next().await.unwrap() {
                        rows += batch.num_rows();
                    }
                    assert_eq!(rows, 3);
                }
                _ => panic!("a job or a query"),
            }
        }
        assert_eq!(ran, 2);
    }

    #[tokio::test]
    async fn a_batch_query_that_was_planned_before_begins_when_it_runs() {
        let text = SourceText::new("sql", "SELECT NOW(), CURRENT_TIMESTAMP FROM (VALUES (1), (2));");
        let clock = Arc::new(ManualClock::new(1_000));
        let mut session = Session::new().with_clock(clock.clone());
        session.set("execution.runtime-mode", "batch").unwrap();
        let mut all = prepared(&mut session, &text);
        let (statement, plan) = all.remove(0);
        clock.set(5_000);
        assert!(plan.is_some());
        let Outcome::Query(mut query) = session.execute_prepared(&statement, &text, plan).await.unwrap() else {
            panic!("a query")
        };
        let mut moments: Vec<i64> = Vec::new();
        while let Some(batch) = query.next().await.unwrap() {
            clock.set(9_000);
            for column in batch.rows().columns() {
                moments.extend(column.as_primitive::<TimestampMillisecondType>().values());
            }
        }
        assert_eq!(moments, [5_000; 4]);
    }
}

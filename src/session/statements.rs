//! What each kind of statement does.

use std::sync::Arc;

use super::start::Run;
use super::{Outcome, Session, portability};
use crate::error::{Error, Result};
use crate::plan::explain::explain;
use crate::runtime::CollectSink;
use crate::span::SourceText;
use crate::sql::{ExplainDetail, Statement, StatementKind};

impl Session {
    pub(super) fn run_statement(&mut self, statement: &Statement, text: &SourceText) -> Result<Outcome> {
        match &statement.kind {
            StatementKind::Insert(insert) => self.start_inserts(std::slice::from_ref(insert), &statement.text),
            StatementKind::StatementSet(inserts) => self.start_inserts(inserts, &statement.text),
            StatementKind::Query(query) => self.start_query(query, &statement.text, statement.span, Run::Once),
            StatementKind::Show(show) => self.show(show),
            StatementKind::ShowSettings => Ok(Outcome::Listing(self.show_settings())),
            StatementKind::ShowSetting { key } => self.show_setting(key).map(Outcome::Listing),
            StatementKind::Describe { name } => self.describe_or_point(name).map(Outcome::Listing),
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
            StatementKind::Insert(insert) => self.plan_job(std::slice::from_ref(insert), &statement.text).map(|_| ()),
            StatementKind::StatementSet(inserts) => self.plan_job(inserts, &statement.text).map(|_| ()),
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
}

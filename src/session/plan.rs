//! Planning a statement: from bound queries to stream plans, with the session's settings.

use std::sync::Arc;
use std::time::Duration;

use datafusion::logical_expr::LogicalPlan;

use super::{Notice, NoticeKind, Session, portability};
use crate::catalog::Object;
use crate::connectors::{OptionNotice, Sink, TableUse, idle_in_epochs, idle_options, unknown_options};
use crate::error::{Error, Result, all_or_errors};
use crate::operators::{OnLength, OnNull};
use crate::plan::batch::BatchOptions;
use crate::plan::bind::expr::ExprContext;
use crate::plan::bind::{Binder, BoundInsert};
use crate::plan::lower::{LowerOptions, MiniBatch, SinkRules, UpsertMaterialize, lower_inserts, lower_query};
use crate::plan::optimize::optimize;
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::plan::table::{Door, PlannedTable, connector_of};
use crate::plan::uses::table_uses;
use crate::settings::SetOutcome;
use crate::span::Span;
use crate::sql::{Insert, Statement, StatementKind};
use crate::types::{Schema, TypeKind};
use datafusion::sql::sqlparser::ast;

/// INSERTs that are ready to run as one job.
pub(super) struct PlannedInserts {
    pub inserts: Vec<(BoundInsert, LogicalPlan)>,
    pub stream: StreamPlan,
}

/// A query that is ready to run.
pub(super) struct PlannedQuery {
    pub schema: Schema,
    pub logical: LogicalPlan,
    pub stream: StreamPlan,
}

impl Session {
    pub(super) fn binder(&self) -> Binder<'_> {
        Binder {
            catalog: &self.catalog,
            integrations: &self.integrations,
            expr: ExprContext::new(self.settings.zone(), self.clock.clone()).in_batch(self.settings.batch()),
            state_ttl: self.state_ttl(),
            idle_timeout: self.settings.duration("table.exec.source.idle-timeout").filter(|t| !t.is_zero()),
            watermark_interval: self.settings.duration("pipeline.auto-watermark-interval").unwrap_or_default(),
            hints_enabled: self.settings.bool("table.dynamic-table-options.enabled"),
        }
    }

    pub(super) fn plan_inserts(&self, inserts: &[Insert]) -> Result<PlannedInserts> {
        let binder = self.binder();
        let planned = all_or_errors(inserts.iter().map(|insert| {
            let bound = binder.insert(insert);
            let planned = bound.and_then(|bound| Ok((optimize(bound.plan.clone())?, bound)));
            planned.map(|(logical, bound)| (bound, logical)).map_err(|e| e.at(insert.span))
        }))?;
        let stream = lower_inserts(&planned, self.lower_options())?;
        Ok(PlannedInserts { inserts: planned, stream })
    }

    fn lower_options(&self) -> LowerOptions {
        let is = |key: &str, word: &str| self.settings.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let strategy = "table.optimizer.agg-phase-strategy";
        // Where there is one subtask nothing is exchanged.
        let one = self.settings.parallelism() == 1 && !is(strategy, "TWO_PHASE");
        let mini_batch = self.settings.bool("table.exec.mini-batch.enabled").then(|| MiniBatch {
            interval: self.settings.duration("table.exec.mini-batch.allow-latency").unwrap_or_default(),
            rows: self
                .settings
                .get("table.exec.mini-batch.size")
                .and_then(|rows| rows.trim().parse().ok())
                .unwrap_or(0),
            two_phases: !is(strategy, "ONE_PHASE"),
        });
        let batch = self.settings.batch().then(|| BatchOptions {
            partitions: self.settings.parallelism(),
            batch_rows: self.settings.batch_rows(),
            clock: self.clock.clone(),
            memory: self.memory.bytes(),
        });
        LowerOptions {
            batch,
            sinks: self.sink_rules(),
            two_phases: !one && !is(strategy, "ONE_PHASE"),
            mini_batch,
            duplicate_changes: self.settings.bool("table.exec.source.cdc-events-duplicate"),
            state_ttl: self.state_ttl(),
        }
    }

    fn sink_rules(&self) -> SinkRules {
        let is = |key: &str, word: &str| self.settings.get(key).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let (length, materialize) = ("table.exec.sink.type-length-enforcer", "table.exec.sink.upsert-materialize");
        SinkRules {
            on_null: if is("table.exec.sink.not-null-enforcer", "DROP") { OnNull::Drop } else { OnNull::Fail },
            on_length: match () {
                () if is(length, "TRIM_PAD") => OnLength::TrimPad,
                () if is(length, "ERROR") => OnLength::Fail,
                () => OnLength::Ignore,
            },
            materialize: match () {
                () if is(materialize, "NONE") => UpsertMaterialize::None,
                () if is(materialize, "FORCE") => UpsertMaterialize::Force,
                () => UpsertMaterialize::Auto,
            },
            keyed_shuffle: !is("table.exec.sink.keyed-shuffle", "NONE"),
            state_ttl: self.state_ttl(),
            delivery: self.delivery(),
        }
    }

    fn state_ttl(&self) -> Option<Duration> {
        self.settings.duration("table.exec.state.ttl").filter(|ttl| !ttl.is_zero())
    }

    pub(super) fn plan_query(&self, query: &ast::Query, sink: Arc<dyn Sink>) -> Result<PlannedQuery> {
        let relation = self.binder().query(query)?;
        let schema = relation.schema();
        let logical = optimize(relation.plan)?;
        let stream = lower_query(&logical, &schema, sink, self.lower_options())?;
        Ok(PlannedQuery { schema, logical, stream })
    }

    /// Whether the query's result can be shown as `sql-client.execution.result-mode` says.
    pub(super) fn check_result_mode(&self, planned: &PlannedQuery) -> Result<()> {
        let key = "sql-client.execution.result-mode";
        let mode = self.settings.get(key).unwrap_or_default();
        if self.settings.batch() && mode.eq_ignore_ascii_case("CHANGELOG") {
            return Err(Error::statement("results of batch queries can only be served in table or tableau mode")
                .with_hint(format!("SET '{key}' = 'tableau'.")));
        }
        if mode.eq_ignore_ascii_case("TABLE") && !self.on_screen && !planned.stream.is_bounded() {
            return Err(Error::statement(format!(
                "'{key}' = '{mode}' shows the table that a query leaves, and this one never ends"
            ))
            .with_hint(format!("SET '{key}' = 'tableau' to see every change as it comes.")));
        }
        Ok(())
    }

    /// What Flink 2.2 would refuse or read differently in the tables declared and the options set so far. What it
    /// would in the statements is among the notices, as they come.
    pub fn portability(&self) -> Vec<Notice> {
        portability::notices(self)
    }

    /// Plans INSERTs, and notes what there is to say of the tables they use.
    pub(super) fn plan_inserts_noted(&mut self, inserts: &[Insert]) -> Result<PlannedInserts> {
        let planned = self.plan_inserts(inserts)?;
        let sinks = planned.stream.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Sink(sink) => Some(sink.exactly_once),
            _ => None,
        });
        for ((insert, (bound, plan)), exactly_once) in inserts.iter().zip(&planned.inserts).zip(sinks) {
            let mut uses = table_uses(plan);
            uses.push((bound.table.clone(), TableUse::Written));
            self.note_uses(&uses, insert.span);
            match &bound.table.door {
                Door::Connector { connector, descriptor } if exactly_once => {
                    self.note_forgetfulness(&bound.table, insert.span);
                    self.note_long_epoch(&planned, &bound.table, insert.span);
                    let idle = idle_in_epochs(descriptor, connector.options());
                    self.note_of_options(&bound.table, idle, insert.span);
                }
                _ => {}
            }
        }
        Ok(planned)
    }

    /// Says of a table that is written exactly once that a job whose process dies begins anew.
    fn note_forgetfulness(&mut self, table: &PlannedTable, span: Span) {
        let Door::Connector { descriptor, .. } = &table.door else { return };
        if self.settings.batch() || self.delivery().durable {
            return;
        }
        let place = table.text.clone().zip(descriptor.options.key_span("sink.delivery-guarantee"));
        let (text, span) = place.map_or((None, span), |(text, span)| (Some(text), span));
        let name = &table.name;
        self.note_once(Notice {
            kind: NoticeKind::Warning,
            message: format!(
                "table \"{name}\" asks for 'exactly-once', and checkpoints end with the process: a job that is killed \
                 begins anew and writes its rows again"
            ),
            hint: Some("SET 'execution.checkpointing.dir' = 'file:///…', or give --state DIR.".to_string()),
            span: Some(span),
            text,
        });
    }

    /// Says of a table that is written exactly once that its rows wait for the end of a table that is read.
    fn note_long_epoch(&mut self, planned: &PlannedInserts, table: &PlannedTable, span: Span) {
        let whole = planned.stream.nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Source(source) if !source.source.resumes() => Some(&source.table),
            _ => None,
        });
        let (Some(whole), false) = (whole, self.settings.batch()) else { return };
        self.note_once(Notice {
            kind: NoticeKind::Warning,
            message: format!(
                "there is no checkpoint before \"{whole}\" is read to its end, and what is written to \"{}\" exactly once \
                 waits for it: in memory, or in one transaction",
                table.name
            ),
            hint: Some(
                "Where that is much, 'sink.delivery-guarantee' = 'at-least-once' lets rows be written as they come."
                    .to_string(),
            ),
            span: Some(span),
            text: None,
        });
    }

    /// The same for a query at `span`.
    pub(super) fn plan_query_noted(
        &mut self,
        query: &ast::Query,
        sink: Arc<dyn Sink>,
        span: Span,
    ) -> Result<PlannedQuery> {
        let planned = self.plan_query(query, sink)?;
        self.note_uses(&table_uses(&planned.logical), span);
        for field in planned.schema.fields.iter().filter(|f| f.ty.kind == TypeKind::Null) {
            self.note_once(Notice { span: Some(span), ..portability::untyped_null(&field.name) });
        }
        Ok(planned)
    }

    pub(super) fn note_uses(&mut self, uses: &[(Arc<PlannedTable>, TableUse)], span: Span) {
        for (table, used) in uses {
            self.note_options(table, span);
            for notice in portability::of_use(table, *used) {
                self.note_once(Notice { span: Some(span), ..notice });
            }
        }
    }

    /// What the connector of a table has to say of its options.
    pub(super) fn note_options(&mut self, table: &PlannedTable, span: Span) {
        let Door::Connector { connector, descriptor } = &table.door else { return };
        let odd = connector.notices(descriptor).into_iter();
        self.note_of_options(table, odd.chain(idle_options(descriptor, connector.options())), span);
    }

    fn note_of_options(&mut self, table: &PlannedTable, notices: impl IntoIterator<Item = OptionNotice>, span: Span) {
        let Door::Connector { descriptor, .. } = &table.door else { return };
        for OptionNotice { key, message, hint, unknown } in notices {
            let kind = if unknown { NoticeKind::Warning } else { NoticeKind::WithoutEffect };
            // An option of the declaration is shown there; one of an integration or a hint where the table is used.
            let place = table.text.clone().zip(descriptor.options.key_span(&key));
            let (text, span) = place.map_or((None, span), |(text, span)| (Some(text), span));
            self.note_once(Notice { kind, message, hint, span: Some(span), text });
        }
    }

    fn note_once(&mut self, notice: Notice) {
        if self.told.insert(notice.message.clone()) {
            self.notices.push(notice);
        }
    }

    pub(super) fn set_option(&mut self, key: &str, value: &str, span: Option<Span>) -> Result<()> {
        let outcome = self.settings.set(key, value)?;
        self.note_setting(key, outcome, span);
        Ok(())
    }

    /// As Flink takes it, a connector or an option that isn't there is an error only where the table is used: told at
    /// once.
    pub(super) fn note_declared(&mut self, statement: &Statement) {
        let StatementKind::CreateTable(create) = &statement.kind else { return };
        let Ok(Object::Table(table)) = self.catalog.get(&create.name) else { return };
        let warning = |message: &str, hint: Option<&str>, span: Option<Span>| Notice {
            kind: NoticeKind::Warning,
            message: message.to_string(),
            hint: hint.map(str::to_string),
            span: span.or(Some(create.name.span)),
            text: None,
        };
        let notices: Vec<Notice> = match connector_of(table, &table.options) {
            Ok(connector) => {
                let name = table.options.get("connector").unwrap_or_default();
                let owner = format!("table \"{}\" (connector \"{name}\")", table.name.name);
                let told = unknown_options(&owner, &table.options, connector).into_iter();
                told.map(|told| warning(&told.message, told.hint.as_deref(), table.options.key_span(&told.key)))
                    .collect()
            }
            Err(error) => vec![warning(error.message(), error.hint(), error.span())],
        };
        self.notices.extend(notices);
    }

    pub(super) fn note_setting(&mut self, key: &str, outcome: SetOutcome, span: Option<Span>) {
        let notice = match outcome {
            SetOutcome::Works => return,
            SetOutcome::WithoutEffect => Notice {
                kind: NoticeKind::WithoutEffect,
                message: format!("option '{key}' has no effect in Millstream"),
                hint: None,
                span,
                text: None,
            },
            SetOutcome::Unknown(nearest) => Notice {
                kind: NoticeKind::Warning,
                message: format!("unknown option '{key}'"),
                hint: nearest.map(|n| format!("Did you mean '{n}'?")),
                span,
                text: None,
            },
        };
        self.notices.push(notice);
    }
}

/// Plans for operators that are driven by hand, each with what the tables it reads give.
#[cfg(test)]
impl Session {
    pub(crate) fn script_query(&self, query: &ast::Query) -> Result<(StreamPlan, Vec<Arc<PlannedTable>>)> {
        let planned = self.plan_query(query, Arc::new(crate::runtime::CollectSink::new().0))?;
        let tables = table_uses(&planned.logical).into_iter().map(|(table, _)| table).collect();
        Ok((planned.stream, tables))
    }

    pub(crate) fn script_inserts(&self, inserts: &[Insert]) -> Result<(StreamPlan, Vec<Arc<PlannedTable>>)> {
        let planned = self.plan_inserts(inserts)?;
        let uses = planned.inserts.iter().flat_map(|(_, plan)| table_uses(plan));
        Ok((planned.stream, uses.map(|(table, _)| table).collect()))
    }
}

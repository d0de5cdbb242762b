//! Names and types: from a parsed query to a typed DataFusion `LogicalPlan`.
//!
//! The binder gives every expression its SQL type and inserts every cast, so that DataFusion's own type coercion finds
//! nothing left to do.

pub mod expr;
mod formula;
mod from;
mod group;
mod group_window;
mod grouping_sets;
mod hints;
mod insert;
mod lookup;
mod order;
mod query;
mod relation;
mod unnest;
mod window;

pub use insert::BoundInsert;
pub use relation::{Relation, RelationColumn};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Catalog, Integrations, Object, ObjectName, Table};
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::plan::dead_letters::DeadLetterSink;
use crate::plan::table::{Door, ErrorMode, PlannedTable, TableContext, check_watermark, planned};
use crate::span::Span;
use crate::sql::ObjectPath;
use expr::ExprContext;

/// Binds the queries of a session. Names of CTEs are scoped to the query that declares them.
pub struct Binder<'a> {
    pub catalog: &'a Catalog,
    pub integrations: &'a Integrations,
    pub expr: ExprContext,
    pub idle_timeout: Option<Duration>,
    /// `table.exec.state.ttl`
    pub state_ttl: Option<Duration>,
    pub watermark_interval: Duration,
    /// `table.dynamic-table-options.enabled`
    pub hints_enabled: bool,
}

/// The CTEs that a query can see.
type Ctes = HashMap<String, Arc<Relation>>;

/// Views may not nest deeper: they would name each other.
const VIEW_DEPTH: usize = 64;

impl Binder<'_> {
    fn table_context(&self) -> TableContext<'_> {
        TableContext {
            expr: &self.expr,
            integrations: self.integrations,
            idle_timeout: self.idle_timeout,
            watermark_interval: self.watermark_interval,
        }
    }

    /// Checks the WATERMARK of a table that is being declared.
    pub fn check_watermark(&self, table: &Table) -> Result<()> {
        check_watermark(table, &self.table_context())
    }

    /// A table by its path, with OPTIONS hints applied; an error for a view.
    pub fn table(&self, path: &ObjectPath, hints: &RawOptions) -> Result<PlannedTable> {
        let object = self.catalog.get(path)?;
        self.plan_object(object, &path.parts[path.parts.len() - 1].value, hints, Some(path.span))
    }

    /// The planned form of a table in the catalog.
    pub fn plan_object(
        &self,
        object: &Object,
        name: &str,
        hints: &RawOptions,
        span: Option<Span>,
    ) -> Result<PlannedTable> {
        if !hints.is_empty() && !self.hints_enabled {
            return Err(Error::statement("OPTIONS hints are not enabled")
                .with_hint("SET 'table.dynamic-table-options.enabled' = 'true'.")
                .at(span));
        }
        match planned(object, name, hints, &self.table_context()) {
            Some(table) => {
                let table = table.and_then(|mut table| {
                    table.on_error = self.error_mode(&table).map_err(|error| table.in_text(error))?;
                    Ok(table)
                });
                table.map_err(|error| error.at(span))
            }
            None => Err(Error::statement(format!("\"{name}\" is a view, and a table is needed here")).at(span)),
        }
    }

    /// What a table says of rows that can't be processed.
    fn error_mode(&self, table: &PlannedTable) -> Result<Option<ErrorMode>> {
        let Door::Connector { descriptor, .. } = &table.door else { return Ok(None) };
        let options = &descriptor.options;
        let (mode, letters) = (options.get("error-handling.mode"), options.get("error-handling.table"));
        let wrong = |key: &str, why: String| {
            Error::statement(format!("option '{key}' of {}: {why}", descriptor.owner())).at(options.span(key))
        };
        if letters.is_some() && matches!(mode, None | Some("fail" | "skip")) {
            let why = "it needs 'error-handling.mode' = 'dead-letter'".to_string();
            return Err(wrong("error-handling.table", why));
        }
        match mode {
            None => Ok(None),
            Some("fail") => Ok(Some(ErrorMode::Fail)),
            Some("skip") => Ok(Some(ErrorMode::Skip)),
            Some("dead-letter") => {
                let Some(name) = letters else {
                    let why = "'dead-letter' needs 'error-handling.table', the table that keeps such rows".to_string();
                    return Err(wrong("error-handling.mode", why));
                };
                let span = options.span("error-handling.table");
                let object = self.catalog.find(&ObjectName::local(name));
                let object = object.ok_or_else(|| self.catalog.unknown("table", name, span))?;
                // Its own dead letters would go round in circles: what it can't take fails the job.
                let letters = planned(object, name, &RawOptions::default(), &self.table_context())
                    .unwrap_or_else(|| Err(wrong("error-handling.table", format!("\"{name}\" is a view"))))?;
                DeadLetterSink::try_new(&letters).map_err(|e| e.at(span))?;
                Ok(Some(ErrorMode::DeadLetter(Arc::new(letters))))
            }
            // The connector's own check of its options refuses it, with the values there are.
            Some(_) => Ok(None),
        }
    }
}

//! Names and types: from a parsed query to a typed DataFusion `LogicalPlan`.
//!
//! The binder gives every expression its SQL type and inserts every cast, so that DataFusion's own type coercion finds
//! nothing left to do.

pub mod expr;
mod from;
mod hints;
mod insert;
mod lookup;
mod query;
mod relation;

pub use insert::BoundInsert;
pub use relation::{Relation, RelationColumn};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Catalog, Integrations, Object};
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::plan::table::{PlannedTable, TableContext, planned};
use crate::span::Span;
use crate::sql::ObjectPath;
use expr::ExprContext;

/// Binds the queries of a session. Names of CTEs are scoped to the query that declares them.
pub struct Binder<'a> {
    pub catalog: &'a Catalog,
    pub integrations: &'a Integrations,
    pub expr: ExprContext,
    pub idle_timeout: Option<Duration>,
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
            Some(table) => table.map_err(|error| error.at(span)),
            None => Err(Error::statement(format!("\"{name}\" is a view, and a table is needed here")).at(span)),
        }
    }
}

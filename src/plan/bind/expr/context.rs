//! What an expression is bound against: the names in scope and the session.

use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::sql::sqlparser::ast;

use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::time::Clock;

/// What names in an expression can mean: implemented by the query binder.
pub trait Scope {
    /// Resolves `a`, `t.a`, `cat.db.t.a` or `row_column.field`, parts as written, to the column and the number of parts
    /// that name it. The parts behind are fields of a ROW, which the expression binder reads.
    ///
    /// # Errors
    /// Names the nearest column.
    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)>;

    /// True where [`crate::plan::current_watermark::CurrentWatermark`] stands below.
    fn has_watermark(&self) -> bool {
        false
    }

    /// What an expression is as a whole, before its parts are looked at: a grouped expression, an aggregate.
    fn whole(&self, _expr: &ast::Expr) -> Result<Option<TypedExpr>> {
        Ok(None)
    }
}

/// A scope without columns: VALUES, window sizes, options.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoColumns;

impl Scope for NoColumns {
    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)> {
        let name = parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".");
        Err(Error::statement(format!("column \"{name}\" not found: there is no table here")))
    }
}

/// What an expression depends on besides its names.
#[derive(Debug, Clone)]
pub struct ExprContext {
    /// `table.local-time-zone`.
    pub zone: Tz,
    pub clock: Arc<dyn Clock>,
    pub catalog: String,
    pub database: String,
    /// Batch mode: time attributes are plain columns.
    pub batch: bool,
}

impl ExprContext {
    /// The context of a new session: Flink's default catalog and database.
    pub fn new(zone: Tz, clock: Arc<dyn Clock>) -> Self {
        Self { zone, clock, catalog: "default_catalog".into(), database: "default_database".into(), batch: false }
    }

    /// The same for statements in batch mode, or not.
    pub fn in_batch(self, batch: bool) -> Self {
        Self { batch, ..self }
    }
}

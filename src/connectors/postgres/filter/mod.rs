//! Filters of the query that the database can apply exactly as the engine would.
//!
//! [`is_supported`] says by our types alone which filters have a form for it; no service is asked. When the table is
//! opened and the database's types are known, [`Filters`] sends those whose meaning is the same there and keeps the
//! others for the rows that come back: `name = 'a'` on a `citext` column is not ours to send.

mod render;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::table::DbTable;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Schema;
use render::{Known, Plain, render};

/// True for a filter that has a form for the database, as far as our types tell.
pub fn is_supported(filter: &Expr, schema: &Schema) -> bool {
    render(filter, &Plain(schema)).is_some()
}

/// The filter as SQL by our types alone, for EXPLAIN.
pub fn planned_sql(filter: &Expr, schema: &Schema) -> Option<String> {
    render(filter, &Plain(schema))
}

/// Filters divided between the database and us.
#[derive(Debug)]
pub struct Filters {
    /// What stands behind WHERE, each true for every row.
    pub sql: Vec<String>,
    /// Those that are applied to the rows that come back.
    local: Vec<Expr>,
}

impl Filters {
    /// Divides `filters`; columns are looked up in `table` and prefixed with `alias.`.
    pub fn divide(filters: &[Expr], schema: &Schema, table: &DbTable, alias: &str, utf8: bool) -> Self {
        let known = Known { schema, table, alias, utf8 };
        let mut divided = Self { sql: Vec::new(), local: Vec::new() };
        for filter in filters {
            match render(filter, &known) {
                Some(sql) => divided.sql.push(sql),
                None => divided.local.push(filter.clone()),
            }
        }
        divided
    }

    /// Positions of the columns that the rows need for our part.
    pub fn columns(&self, schema: &Schema) -> BTreeSet<usize> {
        let columns = self.local.iter().flat_map(|f| f.column_refs());
        columns.filter_map(|c| schema.index_of(&c.name)).collect()
    }

    pub fn is_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// Our part, for rows of these columns.
    pub fn local(&self, rows: &arrow::datatypes::Schema) -> Result<LocalFilter> {
        let planned = self.local.iter().map(|filter| {
            let bare = filter.clone().transform(|e| {
                Ok(match e {
                    Expr::Column(c) => Transformed::yes(Expr::Column(Column::from_name(c.name))),
                    e => Transformed::no(e),
                })
            })?;
            let (rows, props) = (DFSchema::try_from(rows.clone())?, ExecutionProps::new());
            create_physical_expr(&bare.data, &rows, &props, &PhysicalPlanningContext::default())
        });
        let planned: std::result::Result<Vec<_>, _> = planned.collect();
        Ok(LocalFilter(planned.map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?))
    }
}

/// Filters that are applied to the rows that came back.
#[derive(Debug)]
pub struct LocalFilter(Vec<Arc<dyn PhysicalExpr>>);

impl LocalFilter {
    /// Which rows stay; `None` for all.
    pub fn mask(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>> {
        let mut mask: Option<BooleanArray> = None;
        for filter in &self.0 {
            let fails = |e| Error::from_datafusion(ErrorKind::Data, e);
            let value = filter.evaluate(rows).and_then(|v| v.into_array(rows.num_rows())).map_err(fails)?;
            let value = value.as_any().downcast_ref::<BooleanArray>();
            let value = value.ok_or_else(|| Error::internal("a filter is not boolean"))?;
            mask = Some(match mask {
                Some(mask) => arrow::compute::and_kleene(&mask, value)?,
                None => value.clone(),
            });
        }
        Ok(mask)
    }
}

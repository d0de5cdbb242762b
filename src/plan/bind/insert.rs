//! INSERT: the query's columns fitted to the sink's, by position.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};

use super::Binder;
use super::expr::{NoColumns, bind_expr};
use super::query::project;
use super::relation::Relation;
use crate::connectors::{TableDescriptor, TableUse, cannot};
use crate::error::{Error, Result, did_you_mean};
use crate::functions::TypedExpr;
use crate::functions::cast::{CastMode, cast};
use crate::plan::nodes;
use crate::plan::table::PlannedTable;
use crate::sql::Insert;
use crate::types::coercion::implicitly_castable;
use crate::types::{Field, Schema, TimeAttribute};

/// An INSERT whose names and types are settled.
#[derive(Debug, Clone)]
pub struct BoundInsert {
    pub table: Arc<PlannedTable>,
    /// A [`nodes::Sink`] on top; its columns are the sink's, in the sink's order.
    pub plan: LogicalPlan,
    /// What the sink takes.
    pub sink_schema: Schema,
    /// Positions of NOT NULL columns that the query may fill with NULL.
    pub checked: Vec<usize>,
}

impl Binder<'_> {
    /// Binds an INSERT.
    pub fn insert(&self, insert: &Insert) -> Result<BoundInsert> {
        if insert.overwrite {
            return Err(match self.expr.batch {
                true => Error::unsupported("INSERT OVERWRITE"),
                false => Error::statement("INSERT OVERWRITE is only supported in batch mode"),
            }
            .at(insert.span));
        }
        let table = self.table(&insert.target, &insert.options).map_err(|error| {
            // What is wrong with the query is wrong with any target.
            match self.query(&insert.query) {
                Err(other) => error.and(other),
                Ok(_) => error,
            }
        });
        let table = Arc::new(table?);
        let (connector, descriptor) = table.connector().map_err(|e| e.at(insert.target.span))?;
        if !connector.writes() {
            return Err(cannot(descriptor, TableUse::Written).at(insert.target.span));
        }
        let writable = connector.metadata(&descriptor.options);
        for metadata in descriptor.metadata.iter().filter(|m| !m.is_virtual) {
            let read_only = writable.iter().any(|(key, _, writable)| *key == metadata.key && !writable);
            if read_only {
                return Err(Error::statement(format!(
                    "metadata column \"{}\" ('{}') of table \"{}\" can't be written",
                    metadata.name, metadata.key, table.name
                ))
                .with_hint("Declare it VIRTUAL.")
                .at(insert.target.span));
            }
        }
        let query = self.query(&insert.query)?;
        let query = self.with_partition(insert, &table, query)?;
        let targets = self.targets(insert, &table)?;
        self.fit(insert, &table, descriptor, query, &targets)
    }

    /// The sink columns that the query fills, in the query's order.
    fn targets(&self, insert: &Insert, table: &PlannedTable) -> Result<Vec<Field>> {
        let all = table.insert_columns()?;
        let partition: Vec<&str> = insert.partition.iter().map(|(name, _)| name.value.as_str()).collect();
        if insert.columns.is_empty() {
            let (rest, last): (Vec<_>, Vec<_>) = all.into_iter().partition(|f| !partition.contains(&f.name.as_str()));
            let ordered = partition.iter().filter_map(|name| last.iter().find(|f| f.name == *name).cloned());
            return Ok(rest.into_iter().chain(ordered).collect());
        }
        let mut targets: Vec<Field> = Vec::new();
        for ident in &insert.columns {
            let Some(field) = all.iter().find(|f| f.name == ident.value) else {
                let error = match table.schema.index_of(&ident.value) {
                    Some(_) => Error::statement(format!(
                        "column \"{}\" is computed or virtual and can't be written",
                        ident.value
                    )),
                    None => {
                        Error::statement(format!("column \"{}\" not found in table \"{}\"", ident.value, table.name))
                    }
                };
                let hint = did_you_mean(&ident.value, all.iter().map(|f| f.name.as_str()));
                return Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
                .at(ident.span));
            };
            if targets.iter().any(|t| t.name == field.name) {
                return Err(Error::statement(format!("column \"{}\" is named twice", ident.value)).at(ident.span));
            }
            targets.push(field.clone());
        }
        targets.extend(partition.iter().filter_map(|name| all.iter().find(|f| f.name == *name).cloned()));
        for field in &all {
            if !field.ty.nullable && !targets.iter().any(|t| t.name == field.name) {
                return Err(Error::statement(format!(
                    "column \"{}\" of table \"{}\" is NOT NULL and has no value",
                    field.name, table.name
                ))
                .at(insert.target.span));
            }
        }
        Ok(targets)
    }

    /// The query followed by the constants of PARTITION (k = v).
    fn with_partition(&self, insert: &Insert, table: &PlannedTable, query: Relation) -> Result<Relation> {
        if insert.partition.is_empty() {
            return Ok(query);
        }
        let mut items = query.expand(None)?;
        for (name, value) in &insert.partition {
            if table.schema.index_of(&name.value).is_none() {
                return Err(Error::statement(format!(
                    "partition column \"{}\" not found in table \"{}\"",
                    name.value, table.name
                ))
                .at(name.span));
            }
            items.push((bind_expr(value, &NoColumns, &self.expr)?, name.value.clone()));
        }
        project(query.plan, items)
    }

    fn fit(
        &self,
        insert: &Insert,
        table: &Arc<PlannedTable>,
        descriptor: &TableDescriptor,
        query: Relation,
        targets: &[Field],
    ) -> Result<BoundInsert> {
        let query_schema = query.schema();
        let mismatch = |cause: String| {
            Error::statement(format!(
                "column types of query result and sink for table \"{}\" do not match: {cause}",
                table.name
            ))
            .with_detail(format!("Query schema: {}\nSink schema:  {}", shown(&query_schema.fields), shown(targets)))
            .at(insert.target.span)
        };
        if query_schema.len() != targets.len() {
            return Err(mismatch(format!(
                "different number of columns ({} and {})",
                query_schema.len(),
                targets.len()
            )));
        }
        let rowtimes: Vec<&str> = query_schema
            .fields
            .iter()
            .filter(|f| f.time_attribute == Some(TimeAttribute::Rowtime))
            .map(|f| f.name.as_str())
            .collect();
        if rowtimes.len() > 1 {
            return Err(Error::statement(format!(
                "the query contains more than one rowtime attribute column [{}] for writing into table \"{}\"",
                rowtimes.join(", "),
                table.name
            ))
            .with_hint("Select the rowtime column that should be used as event time, and CAST all others to a regular TIMESTAMP.")
            .at(insert.target.span));
        }
        let sink_schema = descriptor.sink_schema();
        let mut values: Vec<Option<TypedExpr>> = vec![None; sink_schema.len()];
        for (i, ((value, name), target)) in query.expand(None)?.into_iter().zip(targets).enumerate() {
            if !implicitly_castable(&value.ty, &target.ty.clone().with_nullable(true)) {
                return Err(mismatch(format!(
                    "incompatible types for sink column '{}' at position {i}: \"{name}\" is {}, and {} is expected",
                    target.name, value.ty.kind, target.ty.kind
                ))
                .with_hint(format!("CAST({name} AS {})", target.ty.kind)));
            }
            let position =
                sink_schema.index_of(&target.name).ok_or_else(|| Error::internal("a sink column got lost"))?;
            let wanted = &sink_schema.fields[position].ty;
            let nullable = value.ty.nullable;
            let declared = self.cast(value, &target.ty.clone().with_nullable(nullable))?;
            // A metadata column may be declared with any type that can be cast to the connector's.
            let wanted = wanted.clone().with_nullable(nullable);
            let (zone, clock) = (self.expr.zone, self.expr.clock.clone());
            values[position] = Some(cast(declared, &wanted, CastMode::Explicit, zone, clock)?);
        }
        let mut items = Vec::new();
        let mut checked = Vec::new();
        for (i, (value, field)) in values.into_iter().zip(&sink_schema.fields).enumerate() {
            let null = || -> Result<TypedExpr> {
                let null = ScalarValue::try_from(&field.ty.arrow()).map_err(super::relation::internal)?;
                Ok(TypedExpr::new(Expr::Literal(null, None), field.ty.clone().with_nullable(true)))
            };
            let value = value.map_or_else(null, Ok)?;
            if value.ty.nullable && !field.ty.nullable {
                checked.push(i);
            }
            items.push((value, field.name.clone()));
        }
        let input = project(query.plan, items)?.plan;
        let sink = nodes::Sink { input, table: table.name.clone() };
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(sink) });
        Ok(BoundInsert { table: table.clone(), plan, sink_schema, checked })
    }
}

/// `[a: INT, b: STRING]`
fn shown(fields: &[Field]) -> String {
    let fields: Vec<String> = fields.iter().map(|f| format!("{}: {}", f.name, f.ty)).collect();
    format!("[{}]", fields.join(", "))
}

//! A declared table, ready for plans: columns typed, computed columns and the watermark bound, integrations merged in.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::bind::expr::{ExprContext, Scope, bind_expr};
use super::stream_plan::WatermarkEmit;
use crate::catalog::{Column, ColumnKind, Integrations, Object, Table, Watermark};
use crate::connectors::options::{RawOptions, parse_duration};
use crate::connectors::{Connector, MetadataColumn, Source, TableDescriptor, find};
use crate::error::{Error, Result, did_you_mean, nearest};
use crate::functions::TypedExpr;
use crate::functions::cast::{CastMode, cast};
use crate::span::{SourceText, Span};
use crate::types::{Field, Schema, TimeAttribute, TypeKind};

/// Everything a plan needs to know of a table.
#[derive(Debug, Clone)]
pub struct PlannedTable {
    pub name: String,
    /// All declared columns in order, with time attributes.
    pub schema: Schema,
    /// What each declared column is over the scan schema (bare column names).
    pub columns: Vec<Expr>,
    pub watermark: Option<PlannedWatermark>,
    pub door: Door,
    /// Names of the primary key's columns.
    pub primary_key: Vec<String>,
    /// `error-handling.mode`, where the table says it.
    pub on_error: Option<ErrorMode>,
    /// Keys of the options that came from a hint.
    pub hinted: Vec<String>,
    /// Where options and expressions stand.
    pub text: Option<SourceText>,
}

/// What becomes of rows that can't be processed.
#[derive(Debug, Clone)]
pub enum ErrorMode {
    Fail,
    Skip,
    /// They are written to this table.
    DeadLetter(Arc<PlannedTable>),
}

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum Door {
    Connector { connector: &'static dyn Connector, descriptor: Arc<TableDescriptor> },
    Registered { source: Arc<dyn Source>, schema: Schema },
}

#[derive(Debug, Clone)]
pub struct PlannedWatermark {
    /// Position in the declared columns.
    pub column: usize,
    /// Over the declared columns (bare names).
    pub expr: Expr,
    pub text: String,
    pub emit: WatermarkEmit,
    pub idle_timeout: Option<Duration>,
}

/// What planning a table needs besides the table.
pub struct TableContext<'a> {
    pub expr: &'a ExprContext,
    pub integrations: &'a Integrations,
    /// `table.exec.source.idle-timeout`
    pub idle_timeout: Option<Duration>,
    /// `pipeline.auto-watermark-interval`
    pub watermark_interval: Duration,
}

/// The connector of a table with these options.
///
/// # Errors
/// None, or one that isn't there.
pub fn connector_of(table: &Table, options: &RawOptions) -> Result<&'static dyn Connector> {
    let Some(name) = options.get("connector") else {
        let hint = match nearest("connector", options.keys()) {
            Some(key) => format!("Did you mean 'connector' where it says '{key}'?"),
            None => "Say WITH ('connector' = '...').".to_string(),
        };
        return Err(Error::statement(format!("table \"{}\" has no 'connector' option", table.name.name))
            .with_hint(hint)
            .at(table.span));
    };
    find(name, options.span("connector"))
}

impl PlannedTable {
    /// Plans a declared table; `hints` (from OPTIONS) go over its options.
    ///
    /// # Errors
    /// Carry the text of the declaration where the fault is in it.
    pub fn try_new(table: &Table, hints: &RawOptions, context: &TableContext<'_>) -> Result<Self> {
        let planned = Self::plan(table, hints, context);
        planned.map_err(|error| match &table.text {
            Some(text) if hints.is_empty() && error.span().is_some() => error.in_text(text),
            _ => error,
        })
    }

    fn plan(table: &Table, hints: &RawOptions, context: &TableContext<'_>) -> Result<Self> {
        let mut options = table.options.clone();
        if !hints.is_empty() {
            // Places in two texts would be mixed up: only those of the hints count.
            table.options.iter().for_each(|(key, value)| drop(options.set(key, value, None)));
        }
        for (key, value) in hints.iter() {
            options.set(key, value, hints.span(key));
        }
        let connector = connector_of(table, &options)?;
        let options = context.integrations.resolve(&table.name.name, &options, connector)?;
        let physical: Schema = table.columns.iter().filter_map(|c| physical_field(table, c)).collect();
        let metadata = metadata_columns(table, connector, &options)?;
        let position = |name: &String| physical.index_of(name);
        let primary_key: Vec<String> = table.primary_key.as_ref().map(|k| k.columns.clone()).unwrap_or_default();
        let descriptor = TableDescriptor {
            name: table.name.name.clone(),
            primary_key: primary_key.iter().filter_map(position).collect(),
            partition_keys: table.partitioned_by.iter().filter_map(position).collect(),
            columns: physical,
            metadata,
            options,
            zone: context.expr.zone,
        };
        let (schema, columns) = declared_columns(table, &descriptor, context)?;
        let mut planned = Self {
            name: table.name.name.clone(),
            schema,
            columns,
            watermark: None,
            primary_key,
            on_error: None,
            hinted: hints.keys().map(str::to_string).collect(),
            text: table.text.clone().filter(|_| hints.is_empty()),
            door: Door::Connector { connector, descriptor: Arc::new(descriptor) },
        };
        planned.bind_watermark(table, context)?;
        Ok(planned)
    }

    /// A table that a program registered.
    pub fn registered(name: &str, object: &crate::catalog::RegisteredTable) -> Self {
        let schema = object.schema.clone();
        Self {
            name: name.to_string(),
            columns: schema.names().map(column).collect(),
            door: Door::Registered { source: object.source(), schema: schema.clone() },
            schema,
            watermark: None,
            primary_key: Vec::new(),
            on_error: None,
            hinted: Vec::new(),
            text: None,
        }
    }

    /// What the door gives: physical columns, then metadata columns.
    pub fn scan_schema(&self) -> Schema {
        match &self.door {
            Door::Connector { descriptor, .. } => descriptor.scan_schema(),
            Door::Registered { schema, .. } => schema.clone(),
        }
    }

    pub fn source(&self) -> Result<Arc<dyn Source>> {
        match &self.door {
            Door::Connector { connector, descriptor } => connector.source(descriptor).map_err(|e| self.in_text(e)),
            Door::Registered { source, .. } => Ok(source.clone()),
        }
    }

    /// The door's description, or an error for rows that a program registered.
    pub fn connector(&self) -> Result<(&'static dyn Connector, &Arc<TableDescriptor>)> {
        match &self.door {
            Door::Connector { connector, descriptor } => Ok((*connector, descriptor)),
            Door::Registered { .. } => {
                Err(Error::statement(format!("table \"{}\" can only be read: a program registered it", self.name)))
            }
        }
    }

    /// The columns that an INSERT fills, in declared order: neither computed nor virtual.
    pub fn insert_columns(&self) -> Result<Vec<Field>> {
        let (_, descriptor) = self.connector()?;
        let sink = descriptor.sink_schema();
        let fields = self.schema.fields.iter().filter(|f| sink.index_of(&f.name).is_some());
        Ok(fields.map(|f| f.clone().with_time_attribute(None)).collect())
    }

    pub fn in_text(&self, error: Error) -> Error {
        match &self.text {
            Some(text) if error.span().is_some() => error.in_text(text),
            _ => error,
        }
    }

    fn bind_watermark(&mut self, table: &Table, context: &TableContext<'_>) -> Result<()> {
        let Some(declared) = &table.watermark else { return Ok(()) };
        let (index, bound) = bound_watermark(declared, &self.name, &self.schema, context)?;
        let (_, descriptor) = self.connector()?;
        let options = &descriptor.options;
        let on_event = options.get("scan.watermark.emit.strategy") == Some("on-event");
        let idle = options.get("scan.watermark.idle-timeout").and_then(parse_duration).or(context.idle_timeout);
        self.watermark = Some(PlannedWatermark {
            column: index,
            expr: bound.expr,
            text: declared.sql.clone(),
            emit: if on_event { WatermarkEmit::OnEvent } else { WatermarkEmit::Every(context.watermark_interval) },
            idle_timeout: idle.filter(|t| !t.is_zero()),
        });
        self.schema.fields[index].time_attribute = Some(TimeAttribute::Rowtime);
        Ok(())
    }
}

/// Checks the WATERMARK of a declaration by its types alone, whatever its connector.
pub fn check_watermark(table: &Table, context: &TableContext<'_>) -> Result<()> {
    let Some(declared) = &table.watermark else { return Ok(()) };
    let stored = table.columns.iter().filter_map(|column| match &column.kind {
        ColumnKind::Physical(ty) | ColumnKind::Metadata { ty, .. } => Some(Field::new(&column.name, ty.clone())),
        ColumnKind::Computed { .. } => None,
    });
    let mut schema: Schema = stored.collect();
    let scope = schema.clone();
    for column in &table.columns {
        let ColumnKind::Computed { expr, .. } = &column.kind else { continue };
        // What is wrong with a computed column is said where the table is used.
        let bound = bind_expr(expr, &TableScope { owner: &table.name.name, schema: &scope }, context.expr);
        let Ok(bound) = bound else { return Ok(()) };
        schema.fields.push(Field::new(&column.name, bound.ty).with_time_attribute(bound.time_attribute));
    }
    if declared.sql.to_uppercase().starts_with("SOURCE_WATERMARK") {
        return Ok(());
    }
    bound_watermark(declared, &table.name.name, &schema, context).map(|_| ())
}

/// The rowtime column's position in `schema`, and the watermark expression over it.
fn bound_watermark(
    declared: &Watermark,
    owner: &str,
    schema: &Schema,
    context: &TableContext<'_>,
) -> Result<(usize, TypedExpr)> {
    let Some(index) = schema.index_of(&declared.column) else {
        return Err(Error::statement(format!("rowtime column \"{}\" not found", declared.column)).at(declared.span));
    };
    let field = &schema.fields[index];
    let fine = matches!(field.ty.kind, TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) if p <= 3);
    if !fine || field.time_attribute == Some(TimeAttribute::Proctime) {
        return Err(Error::statement(format!(
                "invalid data type of time field for watermark definition: \"{}\" is {}",
                declared.column, field.ty
            ))
            .with_hint("The field must be of type TIMESTAMP(p) or TIMESTAMP_LTZ(p), the supported precision 'p' is from 0 to 3; CAST it in a computed column.")
            .at(declared.span));
    }
    let bound = bind_expr(&declared.expr, &TableScope { owner, schema }, context.expr)?;
    if !bound.ty.kind.is_timestamp() {
        return Err(
            Error::statement(format!("the watermark expression is {}, not a timestamp", bound.ty)).at(declared.span)
        );
    }
    Ok((index, bound))
}

fn physical_field(table: &Table, column: &Column) -> Option<Field> {
    let ColumnKind::Physical(ty) = &column.kind else { return None };
    let in_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name));
    Some(Field::new(&column.name, ty.clone().with_nullable(ty.nullable && !in_key)))
}

fn metadata_columns(table: &Table, connector: &dyn Connector, options: &RawOptions) -> Result<Vec<MetadataColumn>> {
    let known = connector.metadata(options);
    let mut result = Vec::new();
    for declared in &table.columns {
        let ColumnKind::Metadata { key, is_virtual, .. } = &declared.kind else { continue };
        let key = key.as_deref().unwrap_or(&declared.name);
        let Some((_, ty, writable)) = known.iter().find(|(k, ..)| k == key) else {
            let names: Vec<&str> = known.iter().map(|(k, ..)| k.as_str()).collect();
            let hint = did_you_mean(key, names.iter().copied()).unwrap_or_else(|| match names.is_empty() {
                true => "The connector has no metadata columns.".to_string(),
                false => format!("Metadata keys of the connector: {}.", names.join(", ")),
            });
            return Err(Error::statement(format!(
                "invalid metadata key '{key}' in column \"{}\" of table \"{}\"",
                declared.name, table.name.name
            ))
            .with_hint(hint)
            .at(declared.span));
        };
        let _read_only_is_checked_at_insert = writable;
        result.push(MetadataColumn {
            name: declared.name.clone(),
            key: key.to_string(),
            ty: ty.clone(),
            is_virtual: *is_virtual,
        });
    }
    Ok(result)
}

fn declared_columns(
    table: &Table,
    descriptor: &TableDescriptor,
    context: &TableContext<'_>,
) -> Result<(Schema, Vec<Expr>)> {
    let scan = descriptor.scan_schema();
    let mut declared = scan.clone();
    for column in &table.columns {
        if let ColumnKind::Metadata { ty, .. } = &column.kind {
            if let Some(i) = declared.index_of(&column.name) {
                declared.fields[i].ty = ty.clone();
            }
        }
    }
    let mut schema = Schema::default();
    let mut exprs = Vec::new();
    for declaration in &table.columns {
        let (ty, bound) = match &declaration.kind {
            ColumnKind::Physical(_) => {
                let i =
                    scan.index_of(&declaration.name).ok_or_else(|| Error::internal("a physical column got lost"))?;
                (scan.fields[i].ty.clone(), None)
            }
            ColumnKind::Metadata { ty, .. } => {
                let i =
                    scan.index_of(&declaration.name).ok_or_else(|| Error::internal("a metadata column got lost"))?;
                let raw = TypedExpr::new(column(&declaration.name), scan.fields[i].ty.clone());
                let target = ty.clone();
                let cast = cast(raw, &target, CastMode::Explicit, context.expr.zone, context.expr.clock.clone());
                (target, Some(cast.map_err(|e| e.at(declaration.span))?))
            }
            ColumnKind::Computed { expr, .. } => {
                let scope = TableScope { owner: &table.name.name, schema: &declared };
                let bound = bind_expr(expr, &scope, context.expr)?;
                (bound.ty.clone(), Some(bound))
            }
        };
        let attribute = bound.as_ref().and_then(|b| b.time_attribute);
        schema.fields.push(Field::new(&declaration.name, ty).with_time_attribute(attribute));
        exprs.push(bound.map_or_else(|| column(&declaration.name), |b| b.expr));
    }
    Ok((schema, exprs))
}

/// A bare column, its name taken literally.
pub fn column(name: &str) -> Expr {
    Expr::Column(DfColumn::new_unqualified(name))
}

/// The columns of one table by their bare names.
struct TableScope<'a> {
    owner: &'a str,
    schema: &'a Schema,
}

impl Scope for TableScope<'_> {
    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)> {
        let Some(first) = parts.first() else { return Err(Error::internal("a name without parts")) };
        let field = self.schema.fields.iter().find(|f| f.name == first.value).ok_or_else(|| {
            let error = Error::statement(format!("column \"{}\" not found in table \"{}\"", first.value, self.owner));
            match did_you_mean(&first.value, self.schema.names()) {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
            .at(Span::from_ast(first.span))
        })?;
        let mut typed = TypedExpr::new(column(&field.name), field.ty.clone());
        typed.time_attribute = field.time_attribute;
        Ok((typed, 1))
    }
}

/// The object's planned form; a view has none.
pub fn planned(
    object: &Object,
    name: &str,
    hints: &RawOptions,
    context: &TableContext<'_>,
) -> Option<Result<PlannedTable>> {
    match object {
        Object::Table(table) => Some(PlannedTable::try_new(table, hints, context)),
        Object::Registered(table) => Some(Ok(PlannedTable::registered(name, table))),
        Object::View(_) => None,
    }
}

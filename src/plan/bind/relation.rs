//! A bound relation: a logical plan, and what its columns are called and typed.

use std::sync::Arc;

use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast;

use super::expr::Scope;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::functions::TypedExpr;
use crate::plan::current_watermark::CurrentWatermark;
use crate::span::Span;
use crate::sql::spelled;
use crate::types::{Field, Schema, SqlType, TypeKind};

/// A plan whose columns have SQL types.
#[derive(Debug, Clone)]
pub struct Relation {
    pub plan: LogicalPlan,
    pub columns: Vec<RelationColumn>,
}

/// One column of a relation.
#[derive(Debug, Clone)]
pub struct RelationColumn {
    /// The alias or table it belongs to in this scope.
    pub qualifier: Option<String>,
    pub field: Field,
    /// Its name in the plan.
    pub column: DfColumn,
    /// The name as it was written, where another column of the same query has it too: naming it is ambiguous.
    pub shared: Option<String>,
}

impl RelationColumn {
    /// The column as a statement names it.
    pub fn written(&self) -> ast::Expr {
        let part = |name: &str| ast::Ident::with_quote('`', name);
        match &self.qualifier {
            Some(table) => ast::Expr::CompoundIdentifier(vec![part(table), part(&self.field.name)]),
            None => ast::Expr::Identifier(part(&self.field.name)),
        }
    }

    /// The name that statements know it by.
    fn known_as(&self) -> &str {
        self.shared.as_deref().unwrap_or(&self.field.name)
    }
}

impl Relation {
    /// A plan whose columns are those of `schema`, in order.
    pub fn new(plan: LogicalPlan, schema: &Schema) -> Self {
        let names = plan.schema().columns();
        let columns = schema.fields.iter().zip(names);
        let columns = columns.map(|(field, column)| RelationColumn {
            qualifier: None,
            field: field.clone(),
            column,
            shared: None,
        });
        Self { plan, columns: columns.collect() }
    }

    /// With the names that several columns share, as they are in `columns`.
    pub fn with_shared_names(mut self, columns: &[RelationColumn]) -> Self {
        for (column, from) in self.columns.iter_mut().zip(columns) {
            column.shared = from.shared.clone();
        }
        self
    }

    /// The first name that several columns have.
    pub fn shared_name(&self) -> Option<&str> {
        self.columns.iter().find_map(|c| c.shared.as_deref())
    }

    pub fn schema(&self) -> Schema {
        self.columns.iter().map(|c| c.field.clone()).collect()
    }

    /// The same rows under an alias, perhaps with other column names.
    pub fn alias(self, alias: &str, names: &[String]) -> Result<Self> {
        if let Some(name) = first_repeated(names) {
            return Err(Error::statement(format!("duplicate name '{name}' in the column list of \"{alias}\"")));
        }
        let shared = if names.is_empty() { self.columns.clone() } else { Vec::new() };
        let mut schema = self.schema();
        let mut builder = LogicalPlanBuilder::from(self.plan);
        if !names.is_empty() {
            if names.len() != schema.len() {
                return Err(Error::statement(format!(
                    "\"{alias}\" has {} columns, but {} names are given",
                    schema.len(),
                    names.len()
                )));
            }
            let renamed = self.columns.iter().zip(names).map(|(c, n)| Expr::Column(c.column.clone()).alias(n));
            builder = builder.project(renamed).map_err(internal)?;
            for (field, name) in schema.fields.iter_mut().zip(names) {
                field.name = name.clone();
            }
        }
        let reference = datafusion::common::TableReference::bare(alias);
        let plan = builder.alias(reference).and_then(|b| b.build()).map_err(internal)?;
        let mut relation = Self::new(plan, &schema);
        relation.columns.iter_mut().for_each(|c| c.qualifier = Some(alias.to_string()));
        Ok(relation.with_shared_names(&shared))
    }

    /// The same rows with the watermark beside them, which has no name.
    pub fn with_watermark(self) -> Result<Self> {
        let node = CurrentWatermark::try_new(self.plan).map_err(internal)?;
        Ok(Self { plan: LogicalPlan::Extension(Extension { node: Arc::new(node) }), ..self })
    }

    fn typed(&self, i: usize) -> TypedExpr {
        let column = &self.columns[i];
        let mut typed = TypedExpr::new(Expr::Column(column.column.clone()), column.field.ty.clone());
        typed.time_attribute = column.field.time_attribute;
        typed
    }

    /// All columns, or those of one alias, as expressions with their names.
    pub fn expand(&self, qualifier: Option<&ast::Ident>) -> Result<Vec<(TypedExpr, String)>> {
        let wanted = |c: &RelationColumn| qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q.value.as_str()));
        let positions: Vec<usize> = (0..self.columns.len()).filter(|&i| wanted(&self.columns[i])).collect();
        if let (true, Some(qualifier)) = (positions.is_empty(), qualifier) {
            return Err(self.unknown_qualifier(qualifier));
        }
        Ok(positions.into_iter().map(|i| (self.typed(i), self.columns[i].field.name.clone())).collect())
    }

    /// True where columns belong to a table of this name or alias.
    pub fn has_qualifier(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.qualifier.as_deref() == Some(name))
    }

    /// True where a column has this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.known_as() == name)
    }

    /// What `*` stands for: an error where a name in it is ambiguous.
    pub fn star(&self, qualifier: Option<&ast::Ident>) -> Result<Vec<(TypedExpr, String)>> {
        let meant = |c: &&RelationColumn| qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q.value.as_str()));
        match self.columns.iter().filter(meant).find_map(|c| c.shared.as_deref()) {
            Some(name) => Err(ambiguous(&ast::Ident::new(name))),
            None => self.expand(qualifier),
        }
    }

    fn unknown_qualifier(&self, qualifier: &ast::Ident) -> Error {
        let known = self.columns.iter().filter_map(|c| c.qualifier.as_deref());
        let error = Error::statement(format!("table \"{}\" not found in FROM", qualifier.value));
        match did_you_mean(&qualifier.value, known) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
        .at(Span::from_ast(qualifier.span))
    }

    /// Several columns answer to `name`.
    fn ambiguous(&self, name: &ast::Ident, several: &[usize]) -> Error {
        match several.iter().any(|&i| self.columns[i].shared.is_some()) {
            true => ambiguous(name),
            false => Error::statement(format!("column \"{}\" is ambiguous", name.value))
                .with_hint("Put the table's alias in front of it.")
                .at(Span::from_ast(name.span)),
        }
    }

    fn by_name(&self, qualifier: Option<&str>, name: &str) -> Vec<usize> {
        let fits =
            |c: &RelationColumn| c.known_as() == name && qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q));
        (0..self.columns.len()).filter(|&i| fits(&self.columns[i])).collect()
    }

    fn unknown_column(&self, name: &ast::Ident, qualifier: Option<&str>) -> Error {
        let names = self.columns.iter().filter(|c| qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q)));
        let tables: std::collections::BTreeSet<&str> =
            self.columns.iter().filter_map(|c| c.qualifier.as_deref()).collect();
        let place = match (qualifier, tables.len()) {
            (Some(table), _) => format!(" in table \"{table}\""),
            (None, 1) => format!(" in table \"{}\"", tables.iter().next().unwrap_or(&"")),
            _ if self.columns.is_empty() => ": there is no FROM".to_string(),
            _ => " in any table".to_string(),
        };
        let error = Error::statement(format!("column \"{}\" not found{place}", name.value));
        let within = self.within_rows(&name.value, qualifier).map(|path| format!("Did you mean {path}?"));
        match within.or_else(|| did_you_mean(&name.value, names.map(|c| c.known_as()))) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
        .at(Span::from_ast(name.span))
    }

    /// The way to a field of that name in a ROW: `reading.temp`; the shortest.
    fn within_rows(&self, name: &str, qualifier: Option<&str>) -> Option<String> {
        let fits = self.columns.iter().filter(|c| qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q)));
        let mut ways: Vec<(String, &SqlType)> = fits
            .map(|column| {
                let way = qualifier.into_iter().chain([column.known_as()]).map(spelled);
                (way.collect::<Vec<_>>().join("."), &column.field.ty)
            })
            .collect();
        while !ways.is_empty() {
            let mut deeper = Vec::new();
            for (way, ty) in ways {
                let TypeKind::Row(fields) = &ty.kind else { continue };
                let beyond = |field: &str| format!("{way}.{}", spelled(field));
                if let Some(found) = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) {
                    return Some(beyond(&found.name));
                }
                deeper.extend(fields.iter().map(|field| (beyond(&field.name), &field.ty)));
            }
            ways = deeper;
        }
        None
    }
}

impl Scope for Relation {
    fn has_watermark(&self) -> bool {
        CurrentWatermark::is_beside(&self.plan)
    }

    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)> {
        let Some(first) = parts.first() else { return Err(Error::internal("a name without parts")) };
        if let Some(second) = parts.get(1) {
            match self.by_name(Some(&first.value), &second.value).as_slice() {
                [i] => return Ok((self.typed(*i), 2)),
                [] => {
                    let is_table = self.columns.iter().any(|c| c.qualifier.as_deref() == Some(first.value.as_str()));
                    if is_table && self.by_name(None, &first.value).is_empty() {
                        return Err(self.unknown_column(second, Some(&first.value)));
                    }
                }
                several => return Err(self.ambiguous(second, several)),
            }
        }
        match self.by_name(None, &first.value).as_slice() {
            [i] => Ok((self.typed(*i), 1)),
            [] if parts.len() > 1 => Err(self.unknown_qualifier(first)),
            [] => Err(self.unknown_column(first, None)),
            several => Err(self.ambiguous(first, several)),
        }
    }
}

/// A name of several columns of one query; an alias in front of it does not help.
fn ambiguous(name: &ast::Ident) -> Error {
    Error::statement(format!("column \"{}\" is ambiguous", name.value))
        .with_hint("Several columns of the subquery have this name: give each its own with AS.")
        .at(Span::from_ast(name.span))
}

fn first_repeated(names: &[String]) -> Option<&String> {
    let mut seen = std::collections::HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

/// DataFusion refused a plan that binding made: a bug of ours.
pub fn internal(error: datafusion::error::DataFusionError) -> Error {
    Error::from_datafusion(ErrorKind::Internal, error)
}

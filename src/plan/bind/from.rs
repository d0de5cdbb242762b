//! FROM: tables, views, CTEs, subqueries, and joins.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::Spanned;

use super::hints::LookupHint;
use super::lookup::TAKES_PROCTIME;
use super::relation::{Relation, internal};
use super::unnest::is_unnest;
use super::window::unknown_table_function;
use super::{Binder, Ctes, VIEW_DEPTH};
use crate::catalog::{Object, View};
use crate::connectors::options::RawOptions;
use crate::connectors::{TableUse, cannot};
use crate::error::{Error, Result, nearest};
use crate::plan::nodes::StreamTableSource;
use crate::plan::table::{Door, PlannedTable};
use crate::span::Span;
use crate::sql::{Ident, ObjectPath, table_options};
use crate::types::TimeAttribute;

impl Binder<'_> {
    pub(super) fn from(
        &self,
        from: &[ast::TableWithJoins],
        hints: &[LookupHint],
        ctes: &Ctes,
        depth: usize,
    ) -> Result<Relation> {
        let (first, others) = match from {
            [] => return one_row(),
            [first, others @ ..] => (first, others),
        };
        self.missing(from, ctes).map_or(Ok(()), Err)?;
        let stream = others.iter().find(|other| !is_unnest(&other.relation) || !other.joins.is_empty());
        if let Some(second) = stream {
            return Err(Error::unsupported("a join of several streams")
                .with_hint(TAKES_PROCTIME)
                .at(Span::from_ast(second.relation.span())));
        }
        let mut relation = match is_unnest(&first.relation) {
            true => self.unnest(one_row()?, &first.relation, false)?,
            false => self.factor(&first.relation, ctes, depth)?,
        };
        for join in &first.joins {
            relation = match is_unnest(&join.relation) {
                true => self.unnest_join(relation, join)?,
                false => self.lookup_join(relation, join, hints)?,
            };
        }
        for other in others {
            relation = self.unnest(relation, &other.relation, false)?;
        }
        for hint in hints {
            let known = first.joins.iter().any(|j| alias_of(&j.relation).as_deref() == Some(hint.table.as_str()));
            if !known {
                return Err(Error::statement(format!(
                    "the LOOKUP hint names table '{}', which is not looked up in this SELECT",
                    hint.table
                ))
                .with_hint("Name the table's alias where it has one."));
            }
        }
        Ok(relation)
    }

    /// The tables that are not there, where there are several: each is told of.
    fn missing(&self, from: &[ast::TableWithJoins], ctes: &Ctes) -> Option<Error> {
        let factors = from
            .iter()
            .flat_map(|part| std::iter::once(&part.relation).chain(part.joins.iter().map(|join| &join.relation)));
        let missing = factors.filter_map(|factor| match factor {
            ast::TableFactor::Table { name, args: None, .. } => self.object(&object_path(name).ok()?, ctes).err(),
            _ => None,
        });
        let missing: Vec<Error> = missing.collect();
        Error::together(missing).filter(|error| error.each().count() > 1)
    }

    /// What a name stands for that no CTE has.
    fn object(&self, path: &ObjectPath, ctes: &Ctes) -> Result<Option<&Object>> {
        let single = match path.parts.as_slice() {
            [single] => Some(&single.value),
            _ => None,
        };
        if single.is_some_and(|name| ctes.contains_key(name)) {
            return Ok(None);
        }
        self.catalog.get(path).map(Some).map_err(|error| {
            let near = single.and_then(|name| nearest(name, ctes.keys().map(String::as_str)));
            match near {
                Some(cte) => error.with_hint(format!("Did you mean \"{cte}\"?")),
                None => error,
            }
        })
    }

    fn factor(&self, factor: &ast::TableFactor, ctes: &Ctes, depth: usize) -> Result<Relation> {
        let span = Span::from_ast(factor.span());
        match factor {
            ast::TableFactor::Table { name, alias, args, with_hints, version, sample, .. } => {
                if let Some(args) = args {
                    let Some(relation) = self.window_function(name, &args.args, ctes, depth) else {
                        return Err(unknown_table_function(&name.to_string()).at(span));
                    };
                    return relation.and_then(|relation| with_alias(relation, alias.as_ref(), span));
                }
                if version.is_some() {
                    return Err(
                        Error::statement("FOR SYSTEM_TIME AS OF stands behind the right table of a JOIN").at(span)
                    );
                }
                if sample.is_some() {
                    return Err(Error::unsupported("TABLESAMPLE").at(span));
                }
                let options = table_options(with_hints);
                let path = object_path(name)?;
                let relation = self.named(&path, &options, ctes, depth)?;
                with_alias(relation, alias.as_ref(), span)
            }
            ast::TableFactor::Derived { lateral, subquery, alias, .. } => {
                if *lateral {
                    return Err(Error::unsupported("LATERAL").at(span));
                }
                let relation = self.query_with(subquery, ctes, depth)?;
                with_alias(relation, alias.as_ref(), span)
            }
            ast::TableFactor::NestedJoin { table_with_joins, alias: None } if table_with_joins.joins.is_empty() => {
                self.factor(&table_with_joins.relation, ctes, depth)
            }
            ast::TableFactor::TableFunction { expr, alias } => {
                let bound = match expr {
                    ast::Expr::Function(call) => match &call.args {
                        ast::FunctionArguments::List(list) => self.window_function(&call.name, &list.args, ctes, depth),
                        _ => None,
                    },
                    _ => None,
                };
                match bound {
                    Some(relation) => relation.and_then(|relation| with_alias(relation, alias.as_ref(), span)),
                    None => Err(unknown_table_function(&function_name(expr)).at(span)),
                }
            }
            ast::TableFactor::UNNEST { .. } => Err(Error::unsupported("UNNEST").at(span)),
            ast::TableFactor::MatchRecognize { .. } => Err(Error::unsupported("MATCH_RECOGNIZE").at(span)),
            other => Err(Error::unsupported(first_words(&other.to_string())).at(span)),
        }
    }

    /// A CTE, a view or a table by name.
    pub(super) fn named(&self, path: &ObjectPath, options: &RawOptions, ctes: &Ctes, depth: usize) -> Result<Relation> {
        if let [single] = path.parts.as_slice() {
            if let Some(cte) = ctes.get(&single.value) {
                return Ok(cte.as_ref().clone());
            }
        }
        let name = &path.parts[path.parts.len() - 1].value;
        let object = self.object(path, ctes)?.ok_or_else(|| Error::internal("a CTE got lost"))?;
        match object {
            Object::View(view) => {
                if !options.is_empty() {
                    return Err(Error::statement(format!("view \"{name}\" can't be enriched with new options"))
                        .with_hint("OPTIONS hints stand behind tables.")
                        .at(path.span));
                }
                self.view(view, depth).map_err(|error| error.at(path.span))
            }
            object => {
                let table = self.plan_object(object, name, options, Some(path.span))?;
                if let Door::Connector { connector, descriptor } = &table.door
                    && !connector.reads()
                {
                    return Err(cannot(descriptor, TableUse::Read).at(path.span));
                }
                scan(Arc::new(table), self.expr.batch)
            }
        }
    }

    fn view(&self, view: &View, depth: usize) -> Result<Relation> {
        if depth >= VIEW_DEPTH {
            return Err(Error::statement(format!("view \"{}\" is nested too deeply", view.name.name)));
        }
        let relation = self.query_with(&view.query, &Ctes::new(), depth + 1);
        let relation = relation.and_then(|r| r.alias(&view.name.name, &view.columns));
        relation.map_err(|error| match &view.text {
            Some(text) if error.span().is_some() && error.text().is_none() => {
                let detail = error.detail().map(str::to_string);
                error.in_text(text).with_detail(detail.unwrap_or_else(|| format!("In view \"{}\".", view.name.name)))
            }
            _ => error,
        })
    }
}

/// The relation under the alias that FROM gives it.
fn with_alias(relation: Relation, alias: Option<&ast::TableAlias>, span: Option<Span>) -> Result<Relation> {
    let Some(alias) = alias else { return Ok(relation) };
    let names: Vec<String> = alias.columns.iter().map(|c| c.name.value.clone()).collect();
    relation.alias(&alias.name.value, &names).map_err(|e| e.at(span))
}

/// All declared columns of a table, under its name. In batch mode event time is a column like any other.
fn scan(table: Arc<PlannedTable>, batch: bool) -> Result<Relation> {
    let mut schema = table.schema.clone();
    for field in schema.fields.iter_mut().filter(|_| batch) {
        field.time_attribute = field.time_attribute.filter(|attribute| *attribute == TimeAttribute::Proctime);
    }
    let name = table.name.clone();
    let source = Arc::new(StreamTableSource::new(table));
    let plan = LogicalPlanBuilder::scan(TableReference::bare(name.clone()), source, None)
        .and_then(|b| b.build())
        .map_err(internal)?;
    let mut relation = Relation::new(plan, &schema);
    relation.columns.iter_mut().for_each(|c| c.qualifier = Some(name.clone()));
    Ok(relation)
}

/// SELECT without FROM: one row without columns.
fn one_row() -> Result<Relation> {
    let plan = LogicalPlanBuilder::empty(true).build().map_err(internal)?;
    Ok(Relation { plan, columns: Vec::new() })
}

/// The path that a name in FROM stands for.
pub(super) fn object_path(name: &ast::ObjectName) -> Result<ObjectPath> {
    let mut parts = Vec::new();
    for part in &name.0 {
        let ast::ObjectNamePart::Identifier(ident) = part else {
            return Err(Error::unsupported(name).at(Span::from_ast(name.span())));
        };
        let span = Span::from_ast(ident.span).unwrap_or(Span::on_line(1, 1, 1));
        parts.push(Ident { value: ident.value.clone(), span });
    }
    let span = Span::from_ast(name.span()).unwrap_or(Span::on_line(1, 1, 1));
    Ok(ObjectPath { parts, span })
}

/// The name under which a table of FROM is known.
pub(super) fn alias_of(factor: &ast::TableFactor) -> Option<String> {
    match factor {
        ast::TableFactor::Table { alias: Some(alias), .. } => Some(alias.name.value.clone()),
        ast::TableFactor::Table { name, alias: None, .. } => match name.0.last() {
            Some(ast::ObjectNamePart::Identifier(ident)) => Some(ident.value.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn function_name(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Function(function) => function.name.to_string(),
        other => first_words(&other.to_string()),
    }
}

fn first_words(text: &str) -> String {
    text.chars().take(40).collect()
}
